"""Read the files that a trust store imports, recognised by their content, never by their names.

Certificates, CRLs, bundles of these (`.p7c`, `.p7b`) and signed lists in DER or PEM, and LDIF of
the PKD with all of these.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from emrtd.asn1 import ber, der
from emrtd.pki.cms.bundle import read_bundle
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.lists.defect_list import ID_DEFECT_LIST, DefectList
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationList
from emrtd.pki.lists.ldif import (
    LdifChange,
    LdifFault,
    LdifRemoval,
    LdifValue,
    read_ldif,
)
from emrtd.pki.lists.master_list import ID_MASTER_LIST, MasterList
from emrtd.pki.pem import PEM_BEGIN, decode_pem
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.errors import MalformedError, MisuseError
from support.printable_text import printable
from support.values import Hidden, Value

MAX_FILE: Final = 1024 * 1024 * 1024
"""Octets of a file; the PKD's largest has about 100,000,000."""

_BLOCK: Final = 1024 * 1024
"""Octets of an LDIF file that are read at once."""

Content = Certificate | Crl | MasterList | DeviationList | DefectList

_LDIF: Final = re.compile(rb"(\xef\xbb\xbf)?\s*(#|version:|dn:)", re.IGNORECASE)


class TrustFile(Value, frozen=True):
    """A file: its name, its SHA-256, its contents, and why parts of it were not read or applied.

    `collection`: it contains many entries that the operator did not choose one by one (LDIF).  An
    entry that does not verify is then left out, and the rest is imported.  `warnings` are about the
    file as a whole.
    """

    name: str
    digest: bytes
    contents: Hidden[tuple[Content, ...]]
    unreadable: tuple[str, ...] = ()
    collection: bool = False
    warnings: tuple[str, ...] = ()


def read_trust_file(path: Path) -> TrustFile:
    """Read a file of certificates or lists.

    Raises `MalformedError` if it contains neither, `MisuseError` if it is not a regular file,
    `OSError` if it cannot be read.
    """
    size, name = path.stat().st_size, printable(path.name)
    if size > MAX_FILE:
        raise MalformedError(str(path), f"has {size} octets, more than {MAX_FILE}")
    if not path.is_file():
        raise MisuseError(
            f"{path}: is not a regular file", advice="name a file of certificates or lists"
        )
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        if head[:1] == b"\x30" or PEM_BEGIN in head:
            octets = file.read()
            digest = hashlib.sha256(octets).digest()
            is_der = head[:1] == b"\x30"
            blocks = [octets] if is_der else [each for _, each in decode_pem(octets, name)]
            return TrustFile(name, digest, tuple(_read_all(blocks, name)))
        if _LDIF.match(head):
            return _read_collection(file, name)
    raise MalformedError(name, "is not a certificate, CRL, signed list or LDIF file")


def _read_collection(file: BinaryIO, name: str) -> TrustFile:
    """Read LDIF block by block, and hash the same octets."""
    contents: list[Content] = []
    unreadable: list[str] = []
    digest = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        while block := file.read(_BLOCK):
            digest.update(block)
            yield block

    removals: Counter[LdifChange] = Counter()
    is_ldif = False
    for item in read_ldif(blocks()):
        where = f"{name}, line {item.line}"
        is_ldif = is_ldif or not isinstance(item, LdifFault)
        match item:
            case LdifFault():
                unreadable.append(f"{where}: {item.reason}")
            case LdifRemoval():
                removals[item.change] += 1
                unreadable.append(f"{where}: {_describe(item)}")
            case LdifValue() if item.value[:1] == b"\x30":
                try:
                    contents += _read_all([item.value], where)
                except MalformedError as error:
                    unreadable.append(str(error))
            case LdifValue() if item.binary:
                unreadable.append(f"{where}: the value of {item.attribute} is not ASN.1")
    if unreadable and not is_ldif:
        raise MalformedError(unreadable[0], "no other line has a value either")
    return TrustFile(
        name, digest.digest(), tuple(contents), tuple(unreadable), True, tuple(_warnings(removals))
    )


def _describe(removal: LdifRemoval) -> str:
    """Say what a deletion or renaming was about; it is not applied."""
    of = f"{removal.attribute} of " if removal.attribute else ""
    return f"the {removal.change} of {of}{printable(removal.dn) or 'no entry'} was not applied"


def _warnings(removals: Counter[LdifChange]) -> Iterator[str]:
    """Yield how many deletions and renamings were not applied, if there were any.

    Nobody signs LDIF, so that anyone could delete a CSCA or a CRL with it.  A renaming has no
    effect, since the store does not keep the names of entries.
    """
    counts = [
        f"{number} {change}{'' if number == 1 else 's'}" for change, number in removals.items()
    ]
    if counts:
        yield (
            f"{' and '.join(counts)} not applied, because nobody signs LDIF; a newer CRL replaces"
            " an older one, and `verify trust remove` removes other entries"
        )


def _read_all(blocks: Iterable[bytes], what: str) -> Iterator[Content]:
    """Read DER of any kind; yield what a bundle contains one by one."""
    for octets in blocks:
        bundled = _read_bundle(octets, what)
        if bundled is None:
            yield _read(octets, what)
        else:
            for each in bundled:
                yield _read(each, what)


def _read_bundle(octets: bytes, what: str) -> tuple[bytes, ...] | None:
    """Return what a bundle contains; None if it is something else, or cannot be read."""
    length = octets[1:2] or b"\0"
    start = 2 + (length[0] & 0x7F if length[0] > 0x80 else 0)
    if octets[start : start + 1] != bytes((der.OID,)):  # not CMS: nearly always a certificate
        return None
    try:
        return read_bundle(octets, what)
    except MalformedError:
        return None


def _read(octets: bytes, what: str) -> Content:
    """Read DER of any kind, recognised by its first fields."""
    try:
        return _dispatch(octets)
    except MalformedError as error:
        raise MalformedError(what, str(error)) from None


_WITH_VERSION: Final = re.compile(
    rb"0(?:[\x00-\x7f]|\x81.|\x82..)0(?:[\x00-\x7f]|\x81.|\x82..)\xa0", re.DOTALL
)
"""How a certificate with its version begins (RFC 5280, 4.1.2.1), and nothing else."""


def _dispatch(octets: bytes) -> Content:
    if _WITH_VERSION.match(octets):
        return Certificate.parse(octets)
    fields = _first_fields(octets)
    tags = [each.tag for each in fields]
    if tags == [der.INTEGER, der.SET]:
        reason = "is the content of a Master List without its signature"
        raise MalformedError("Master List", reason, advice="add the signed list")
    if tags[:1] == [der.OID]:
        return _read_list(SignedData.parse(octets, "signed list"))
    if tags[:1] == [der.SEQUENCE]:
        inner = [each.tag for each in islice(fields[0].each(ber.MAX_CHILDREN), 4)]
        # The third or fourth field is a time in a CRL, and a sequence in a certificate.
        position = 3 if inner[:1] == [der.INTEGER] else 2
        if inner[position : position + 1] in ([der.UTC_TIME], [der.GENERALIZED_TIME]):
            return Crl.parse(octets)
    return Certificate.parse(octets)


def _first_fields(octets: bytes) -> list[ber.Value]:
    whole = ber.read_first(octets, "file") if octets[1:2] != b"\x80" else None
    if whole is None:  # of indefinite length, which occurs in CMS only
        whole = ber.read_first(ber.definite(octets, "file"), "file")
    return list(islice(whole.each(3), 3))


def _read_list(data: SignedData) -> MasterList | DeviationList | DefectList:
    match data.content_type:
        case kind if kind == ID_MASTER_LIST:
            return MasterList.read(data)
        case kind if kind == ID_DEVIATION_LIST:
            return DeviationList.read(data)
        case kind if kind == ID_DEFECT_LIST:
            return DefectList.read(data)
        case kind:
            raise MalformedError("signed list", f"content of type {kind} is not known")
