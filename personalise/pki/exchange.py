"""What two States exchange about their PKIs: a folder with digests, made here and checked there.

    csca/SERIAL.cer   the roots and link certificates that are valid
    ds/SERIAL.cer     the Document Signers that are valid
    crl.crl           the revocation list
    *.ml              Master Lists, if any were named
    UTO.ldif          all of it as the ICAO PKD publishes it
    SHA256SUMS        the digest of every file, as `sha256sum -c` reads it
    letter.txt        the roots' digests, to be compared by another channel (Doc 9303-12, 5.1)

Nothing in the folder is trusted because it is there: a root is new until its digest was compared,
a link leads to it from a CSCA that is known, or a Master List of its own State has it whose signer
such a CSCA certified.  A link from a root proves nothing about that root, since whoever makes a key
can sign with it a link to a key that is known.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum, unique
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from emrtd.pki.lint.certificates import kind_of, lint_certificate
from emrtd.pki.lint.crl import lint_crl
from emrtd.pki.lists.ldif import PkdAttribute, write_ldif
from emrtd.pki.lists.master_list import MasterList, is_csca
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import MAX_CRL, Crl
from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki.certificate_file import read_certificates
from personalise.pki.folder import CRL_NAME
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.linting import lint_file, signers_of
from support.errors import MalformedError, MisuseError
from support.files import decoding, is_taken, write_atomically
from support.printable_text import counted
from support.records import read_bounded
from support.values import Value

SUMS: Final = "SHA256SUMS"
LETTER: Final = "letter.txt"
_MAX_FILES: Final = 100_000
_MAX_SUMS: Final = 16 * 1024 * 1024


@unique
class Severity(StrEnum):
    """What a finding means: `WRONG` forbids the package, `DEVIATION` is from Doc 9303-12 alone."""

    GOOD = "good"
    COMPARE = "compare"
    DEVIATION = "deviation"
    WRONG = "wrong"


class Finding(Value, frozen=True):
    """One sentence about a file of a package."""

    file: str
    severity: Severity
    what: str


def package(pki: IssuingPki, output: Path, lists: Sequence[Path], at: datetime) -> list[Path]:
    """Write the package of a State to a new folder; return its files, the digests last.

    Raises `MisuseError` if the folder is taken or a file in `lists` is no Master List.
    """
    if is_taken(output):
        raise MisuseError(f"{output}: already exists", advice="choose another folder")
    settings = pki.settings
    contents: dict[str, bytes] = {}
    entries: list[tuple[str, PkdAttribute, bytes]] = []
    roots: list[Certificate] = []
    for each in sorted(pki.issued(), key=lambda each: each.not_before):
        kind = kind_of(each)
        if each.not_after < at or kind is CertificateKind.COMMUNICATION:
            continue
        if each.is_ca:
            contents[f"csca/{each.serial:X}.cer"] = each.der
            entries.append(
                (
                    f"sn={each.serial:X},o=csca,c={settings.country}",
                    PkdAttribute.CA_CERTIFICATE,
                    each.der,
                )
            )
            if kind is CertificateKind.CSCA_ROOT:
                roots.append(each)
        elif kind is CertificateKind.DOCUMENT_SIGNER:
            contents[f"ds/{each.serial:X}.cer"] = each.der
            entries.append(
                (
                    f"sn={each.serial:X},o=dsc,c={settings.country}",
                    PkdAttribute.CERTIFICATE,
                    each.der,
                )
            )
    contents[CRL_NAME] = crl = read_bounded(pki.folder / CRL_NAME, MAX_CRL)
    entries.append((f"o=crl,c={settings.country}", PkdAttribute.CRL, crl))
    for number, path in enumerate(lists, start=1):
        octets = read_bounded(path, MAX_CRL)
        with decoding(path):
            MasterList.parse(octets)
        contents[path.with_suffix(".ml").name] = octets
        entries.append((f"cn={number},o=ml,c={settings.country}", PkdAttribute.MASTER_LIST, octets))
    contents[f"{settings.state}.ldif"] = "".join(write_ldif(entries)).encode()
    contents[LETTER] = _letter(settings.organisation, settings.state, roots, at).encode()
    sums = (f"{sha256(octets).hexdigest()}  {name}\n" for name, octets in sorted(contents.items()))
    contents[SUMS] = "".join(sums).encode()
    output.mkdir(parents=True, exist_ok=True)
    try:
        for name, octets in contents.items():
            (output / name).parent.mkdir(exist_ok=True)
            write_atomically(output / name, octets)
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)
        raise
    return [output / name for name in contents]


def check(folder: Path, known: Sequence[Certificate], at: datetime) -> Iterator[Finding]:
    """Yield the findings about a package of another State; `known` are its CSCAs as they are known.

    Raises `MisuseError` if the folder has no digests or too many files.
    """
    files = _files(folder)
    yield from _digests(folder, files)
    certificates: dict[Certificate, str] = {}
    crls: list[tuple[str, Crl]] = []
    lists: list[MasterList] = []
    for name in files:
        path = folder / name
        if path.suffix in {".cer", ".crt", ".der", ".pem", ".p7b", ".p7c"}:
            try:
                certificates |= dict.fromkeys(read_certificates(path), name)
            except MalformedError as error:
                yield Finding(name, Severity.WRONG, str(error))
        elif path.suffix == ".crl":
            try:
                crls.append((name, Crl.parse(read_bounded(path, MAX_CRL))))
            except MalformedError as error:
                yield Finding(name, Severity.WRONG, str(error))
        elif path.suffix == ".ml":
            yield from _master_list(path, name, lists)
    trusted = _trusted(certificates, known, lists, [crl for _, crl in crls], at)
    yield from _certificates(certificates, known, trusted, at)
    for name, crl in crls:
        yield from _crl(name, crl, [*certificates, *known], at)


def _letter(organisation: str, state: str, roots: Iterable[Certificate], at: datetime) -> str:
    lines = [
        f"{organisation} ({state}), {at:%Y-%m-%d}",
        "",
        "Compare these digests with us by a channel that you trust (telephone, diplomatic mail)",
        "before you trust a root certificate:",
        "",
    ]
    for each in roots:
        digest = each.fingerprint.hex(" ", 4).upper()
        lines += [f"{each.subject}", f"  serial number {each.serial:X}", f"  SHA-256 {digest}", ""]
    return "\n".join(lines)


def _files(folder: Path) -> list[str]:
    if not (folder / SUMS).is_file():
        raise MisuseError(f"{folder}: has no {SUMS}", advice="ask the partner for the whole folder")
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name == SUMS:
            continue
        found.append(path.relative_to(folder).as_posix())
        if len(found) > _MAX_FILES:
            raise MisuseError(f"{folder}: has more than {_MAX_FILES:,} files")
    return found


def _digests(folder: Path, files: Sequence[str]) -> Iterator[Finding]:
    listed: dict[str, str] = {}
    for line in read_bounded(folder / SUMS, _MAX_SUMS).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest.lower()
    for name in files:
        if name not in listed:
            yield Finding(name, Severity.WRONG, f"is not listed in {SUMS}")
        elif _digest(folder / name) != listed[name]:
            yield Finding(name, Severity.WRONG, f"has another digest than in {SUMS}")
    for name in sorted(set(listed) - set(files)):
        yield Finding(name, Severity.WRONG, f"is listed in {SUMS} and missing")


def _digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file of any size, which a partner chose."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _certificates(
    certificates: dict[Certificate, str],
    known: Sequence[Certificate],
    trusted: Sequence[Certificate],
    at: datetime,
) -> Iterator[Finding]:
    authorities = [*known, *(each for each in certificates if each.is_ca)]
    for each, name in certificates.items():
        what = f"{kind_of(each).noun} {each.serial:X} of {each.country or 'no country'}"
        if each.not_after < at:
            yield Finding(name, Severity.WRONG, f"{what} expired on {each.not_after:%Y-%m-%d}")
        issuers = [one for one in authorities if each.is_signed_by(one)]
        if not issuers:
            yield Finding(name, Severity.WRONG, f"{what} is signed by no CSCA that is here")
        elif kind_of(each) is CertificateKind.CSCA_ROOT:
            yield _root(each, name, what, trusted, authorities)
        else:
            yield Finding(name, Severity.GOOD, f"{what} is signed by {issuers[0].serial:X}")
        for finding in lint_certificate(each):
            yield Finding(name, Severity.DEVIATION, f"{finding.reason} [{finding.clause}]")


def _root(
    root: Certificate,
    name: str,
    what: str,
    trusted: Sequence[Certificate],
    authorities: Sequence[Certificate],
) -> Finding:
    if root in trusted or any(each.public_key == root.public_key for each in trusted):
        how = "is known, or a link or a list of its State leads to it"
        return Finding(name, Severity.GOOD, f"{what} {how}")
    digest = root.fingerprint.hex(" ", 4).upper()
    said = f"{what} is new; compare its SHA-256: {digest}"
    keys = {each.public_key for each in trusted}
    if any(each.is_signed_by(root) and each.public_key in keys for each in authorities):
        said += "; it precedes a root that is known: if you know it too, name it with --known"
    return Finding(name, Severity.COMPARE, said)


def _trusted(
    certificates: Iterable[Certificate],
    known: Sequence[Certificate],
    lists: Sequence[MasterList],
    crls: Sequence[Crl],
    at: datetime,
) -> Sequence[Certificate]:
    """Return the CSCA certificates that follow from those known, by links and Master Lists."""
    authorities = [*known, *(each for each in certificates if each.is_ca)]
    trusted = _reached(authorities, known)
    for each in lists:
        if signer := _signer_under(trusted, each, crls, at):
            country = signer.country
            own = [one for one in each.certificates if is_csca(one) and one.country == country]
            trusted = _reached([*authorities, *own], [*trusted, *own])
    return trusted


def _signer_under(
    trusted: Sequence[Certificate], master_list: MasterList, crls: Sequence[Crl], at: datetime
) -> Certificate | None:
    """Return the signer of a list that a trusted CSCA certified and no CRL revokes, if there is."""
    for signer, info in signers_of(master_list.signed_data):
        if kind_of(signer) is not CertificateKind.MASTER_LIST_SIGNER:
            continue
        begin, end = signer.not_before, signer.not_after
        issuers = [one for one in trusted if one.is_ca and signer.is_signed_by(one)]
        signed = info.signing_time or at
        revoked = any(
            crl.is_signed_by(one.public_key) and signer.serial in crl.revoked
            for crl in crls
            for one in trusted
        )
        if issuers and begin <= signed <= end and not revoked:
            return signer
    return None


def _reached(
    authorities: Sequence[Certificate], known: Sequence[Certificate]
) -> Sequence[Certificate]:
    """Return the CSCA certificates that are known, or signed by one that is reached (4.1.4.3)."""
    reached = list(known)
    grown = True
    while grown:
        grown = False
        for each in authorities:
            if each not in reached and any(each.is_signed_by(one) for one in reached):
                reached.append(each)
                grown = True
    return reached


def _crl(
    name: str, crl: Crl, authorities: Sequence[Certificate], at: datetime
) -> Iterator[Finding]:
    signed = any(crl.is_signed_by(each.public_key) for each in authorities if each.is_ca)
    if not signed:
        yield Finding(name, Severity.WRONG, "the revocation list is signed by no CSCA that is here")
    elif crl.next_update is not None and crl.next_update < at:
        what = f"a newer revocation list was due on {crl.next_update:%Y-%m-%d}"
        yield Finding(name, Severity.WRONG, what)
    else:
        of = f"revocation list {crl.number} of {crl.this_update:%Y-%m-%d}"
        what = f"{of}, {len(crl.revoked)} revoked"
        yield Finding(name, Severity.GOOD, what)
    for finding in lint_crl(crl):
        yield Finding(name, Severity.DEVIATION, f"{finding.reason} [{finding.clause}]")


def _master_list(path: Path, name: str, lists: list[MasterList]) -> Iterator[Finding]:
    """Yield the findings about a list, and add it to the lists if its signature is right."""
    try:
        read = MasterList.parse(read_bounded(path, MAX_CRL))
        found = list(lint_file(path))
    except MalformedError as error:
        yield Finding(name, Severity.WRONG, str(error))
        return
    broken = [finding for where, finding in found if where == "signature"]
    for finding in broken:
        yield Finding(name, Severity.WRONG, f"{finding.reason} [{finding.clause}]")
    if not broken:
        lists.append(read)
        listed = counted(len(read.certificates), "certificate")
        yield Finding(name, Severity.GOOD, f"Master List of {listed}")
