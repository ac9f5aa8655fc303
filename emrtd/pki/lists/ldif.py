"""LDIF (RFC 2849) as the ICAO PKD publishes its three collections, read as a stream, and written.

Collection 1 holds Document Signer certificates and CRLs, 2 Master Lists, 3 files that do not
conform.  A file has entries, or changes of entries: it adds, replaces and deletes values, and
deletes and renames entries.  The caller distinguishes values by their content, not by the names of
their attributes.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum, unique
from typing import Final

import msgspec

from support.errors import MalformedError
from support.values import Hidden, Value

MAX_VALUE: Final = 96 * 1024 * 1024
"""The longest value, in octets of text."""


@unique
class LdifChange(StrEnum):
    """A change that brings no value."""

    DELETION = "deletion"
    RENAMING = "renaming"


class LdifValue(Value, frozen=True):
    """A binary value, with its entry's name, attribute (without options) and line number.

    It is in an entry, or a change adds it or puts it in the place of others.  `binary`: the
    attribute has the option "binary", as those of certificates and CRLs have.
    """

    dn: str
    attribute: str
    value: Hidden[bytes]
    line: int
    binary: bool = False


class LdifRemoval(msgspec.Struct, frozen=True):
    """The deletion of an entry, of an attribute or of one value; or the renaming of an entry.

    `attribute` is empty if the whole entry is deleted or renamed.
    """

    change: LdifChange
    dn: str
    attribute: str
    line: int


class LdifFault(msgspec.Struct, frozen=True):
    """A line that cannot be read, and why; the lines after it are read."""

    line: int
    reason: str


LdifItem = LdifValue | LdifRemoval | LdifFault


def read_ldif(blocks: Iterable[bytes]) -> Iterator[LdifItem]:
    """Yield the binary (base64) values, deletions and renamings of an LDIF file, and its faults.

    `blocks` are the octets of the file, divided anywhere; it may be a file opened in binary mode.
    """
    record = _Record()
    for number, line in _unfold(blocks):
        if isinstance(line, LdifFault):
            yield line
        elif not line:
            yield from record.end()
            record = _Record()
        else:
            try:
                yield from record.take(line, number)
            except MalformedError as error:
                yield LdifFault(number, error.reason)
    yield from record.end()


_OPERATIONS: Final = frozenset({"add", "replace", "delete"})
_TYPES: Final = frozenset({"add", "modify", "delete", "modrdn", "moddn"})
_RENAMINGS: Final = frozenset({"modrdn", "moddn"})


class _Record(msgspec.Struct):
    """The state of reading one entry, or one change of an entry.

    `operation`, `target` and `values` are of the part of a modification that is being read: what it
    does, to which attribute, and how many values it has had so far.
    """

    dn: str = ""
    change: str = "add"
    operation: str = ""
    target: str = ""
    line: int = 0
    values: int = 0

    def take(self, line: bytes, number: int) -> Iterator[LdifItem]:
        if line == b"-" and self.change == "modify":
            yield from self._end_of_operation()
            return
        name, separator, value = line.partition(b":")
        if not separator:
            raise MalformedError(_WHAT, "is not an attribute")
        attribute, *options = name.strip().decode("latin-1").lower().split(";")
        if value.startswith(b"<"):
            raise MalformedError(_WHAT, f"the value of {attribute} is at an address, not here")
        is_binary = value.startswith(b":")
        octets = _decode(value[1:]) if is_binary else value.strip()
        match attribute:
            case "dn":
                yield from self._end_of_operation()
                self.dn, self.change = _text(octets), "add"
            case "changetype":
                yield from self._begin_change(_text(octets).strip().lower(), number)
            case "add" | "replace" | "delete" if self.change == "modify" and not is_binary:
                yield from self._end_of_operation()
                self.operation, self.line, self.values = attribute, number, 0
                self.target = _text(octets).split(";")[0].strip().lower()
            case _ if self.change == "add" or self.operation in {"add", "replace"}:
                self.values += 1
                if is_binary:
                    binary = "binary" in options
                    yield LdifValue(self.dn, attribute, octets, number, binary)
            case _ if self.operation == "delete":
                self.values += 1
                yield LdifRemoval(LdifChange.DELETION, self.dn, attribute, number)
            case _ if is_binary and self.change not in _RENAMINGS:
                raise MalformedError(_WHAT, f"a value of {attribute} that no change adds")

    def end(self) -> Iterator[LdifItem]:
        return self._end_of_operation()

    def _begin_change(self, change: str, number: int) -> Iterator[LdifItem]:
        self.change = change
        if change == "delete":
            yield LdifRemoval(LdifChange.DELETION, self.dn, "", number)
        elif change in _RENAMINGS:
            yield LdifRemoval(LdifChange.RENAMING, self.dn, "", number)
        elif change not in _TYPES:
            raise MalformedError(_WHAT, "the type of the change is not known")

    def _end_of_operation(self) -> Iterator[LdifItem]:
        """End a part of a modification; one without values deletes those that there are."""
        if self.operation in {"delete", "replace"} and not self.values:
            yield LdifRemoval(LdifChange.DELETION, self.dn, self.target, self.line)
        self.operation = ""


_WHAT: Final = "LDIF"


def _decode(value: bytes) -> bytes:
    try:
        return binascii.a2b_base64(value.strip(), strict_mode=True)
    except binascii.Error:
        raise MalformedError(_WHAT, "is not base64") from None


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


_END_OF_LINE: Final = re.compile(rb"\n(?! )")
"""A line break that no continuation follows (RFC 2849, note 2)."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def _unfold(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes | LdifFault]]:
    """Join folded lines and skip comments; yield line number and line.

    For a value longer than `MAX_VALUE` a fault is yielded.
    """
    number = 1
    for line, breaks in _lines(blocks):
        if line is None or len(line) > MAX_VALUE:
            yield number, LdifFault(number, f"is longer than {MAX_VALUE} octets")
        elif not line.startswith(b"#"):
            text = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            if b"\r" in text:
                text = b"\n ".join(each.rstrip(b"\r") for each in text.split(b"\n "))
            yield number, text.replace(b"\n ", b"")
        number += breaks


def _lines(blocks: Iterable[bytes]) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line with its continuations, and the number of its line breaks.

    Of a line longer than `MAX_VALUE` that several blocks share, nothing is kept: it is None.
    """
    begun, held = _BegunLine(), b""
    for block in blocks:
        text = held + block
        held = b"\n" if text.endswith(b"\n") else b""  # the next block says what follows it
        *ended, last = _END_OF_LINE.split(text.removesuffix(b"\n"))
        for line in ended:
            if begun.size:
                begun.add(line)
                yield begun.end()
                begun = _BegunLine()
            else:
                yield line, 1 + line.count(b"\n")
        begun.add(last)
    yield begun.end()


class _BegunLine(msgspec.Struct):
    """A line of which the end has not been read: its parts so far, and their sizes."""

    parts: list[bytes] = []
    size: int = 0
    breaks: int = 1

    def add(self, part: bytes) -> None:
        self.size += len(part)
        self.breaks += part.count(b"\n")
        self.parts.append(part)
        if self.size > MAX_VALUE:
            self.parts.clear()

    def end(self) -> tuple[bytes | None, int]:
        return None if self.size > MAX_VALUE else b"".join(self.parts), self.breaks


class PkdAttribute(StrEnum):
    """The attribute of the PKD's directory that holds a kind of object."""

    CERTIFICATE = "userCertificate;binary"
    CA_CERTIFICATE = "cACertificate;binary"
    CRL = "certificateRevocationList;binary"
    MASTER_LIST = "pkdMasterListContent"


def write_ldif(entries: Iterable[tuple[str, PkdAttribute, bytes]]) -> Iterator[str]:
    """Yield the text of a file: a name below the PKD's data, an attribute and a value each.

    The name is `cn=1,o=ml,c=UT`, say, in ASCII and without anything that RFC 2849 would encode.
    """
    yield "version: 1\n\n"
    for name, attribute, octets in entries:
        text = f"{attribute}:: {base64.b64encode(octets).decode()}"
        rest = (text[at : at + 75] for at in range(76, len(text), 75))
        folded = "\n ".join([text[:76], *rest])
        yield f"dn: {name},dc=data,dc=download,dc=pkd,dc=icao,dc=int\n{folded}\n\n"
