"""LDIF (RFC 2849) as the ICAO PKD publishes its three collections, read as a stream.

Collection 1 holds Document Signer certificates and CRLs, 2 Master Lists, 3 files that do not
conform.  The caller distinguishes values by their content, not by the names of their attributes.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from support.errors import MalformedError

MAX_VALUE: Final = 96 * 1024 * 1024
"""The longest value, in octets of text."""


_WHAT: Final = "LDIF"


@dataclass(frozen=True, slots=True)
class LdifValue:
    """A binary value, with its entry's name, attribute (without options) and line number."""

    dn: str
    attribute: str
    value: bytes = field(repr=False)
    line: int


def read_ldif(lines: Iterable[bytes]) -> Iterator[LdifValue]:
    """Yield the binary (base64) values of an LDIF file.

    `lines` may be a file opened in binary mode.  Raises `MalformedError` for a value that is not
    base64, and for one longer than `MAX_VALUE`.
    """
    dn = ""
    for number, line in _unfold(lines):
        if not line:
            dn = ""
            continue
        name, separator, value = line.partition(b":")
        if not separator:
            raise MalformedError(_WHAT, f"line {number} is not an attribute")
        attribute = name.split(b";")[0].strip().decode("latin-1").lower()
        if value.startswith(b":"):
            octets = _decode(value[1:], number)
            if attribute == "dn":
                dn = octets.decode("utf-8", "replace")
            else:
                yield LdifValue(dn, attribute, octets, number)
        elif attribute == "dn":
            dn = value.strip().decode("utf-8", "replace")


def _decode(value: bytes, number: int) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        raise MalformedError(_WHAT, f"the value at line {number} is not base64") from None


def _unfold(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Join folded lines (RFC 2849, note 2) and skip comments; yield line number and line."""
    parts: list[bytes] = []
    start, size = 0, 0
    for number, raw in enumerate(lines, start=1):
        if len(raw) > MAX_VALUE:
            raise MalformedError(_WHAT, f"line {number} is too long")
        line = raw.rstrip(b"\r\n")
        if line.startswith(b" ") and parts:
            size += len(line)
            if size > MAX_VALUE:
                raise MalformedError(_WHAT, f"the value at line {start} is too long")
            parts.append(line[1:])
            continue
        if parts and not parts[0].startswith(b"#"):
            yield start, b"".join(parts)
        parts, start, size = [line], number, len(line)
    if parts and not parts[0].startswith(b"#"):
        yield start, b"".join(parts)
