"""The common structures of X.509, CMS and CRLs as typed values, read leniently (X.680, RFC 5280).

Every function reads a `ber.Value`, and returns or raises `MalformedError`.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

import msgspec

from emrtd.asn1 import der
from emrtd.asn1.ber import Value
from support.reasons import Reason

BMP_STRING, T61_STRING, UNIVERSAL_STRING = 0x1E, 0x14, 0x1C
NUMERIC_STRING, VISIBLE_STRING = 0x12, 0x1A

_ENCODINGS: Final = {
    der.UTF8_STRING: "utf-8",
    der.PRINTABLE_STRING: "latin-1",  # some issuers write Latin-1 characters in it
    der.IA5_STRING: "latin-1",
    NUMERIC_STRING: "latin-1",
    VISIBLE_STRING: "latin-1",
    T61_STRING: "latin-1",
    BMP_STRING: "utf-16-be",
    UNIVERSAL_STRING: "utf-32-be",
}

_FIRST_GENERALIZED: Final = 2050
_UTC: Final = re.compile(r"(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{4})")
_GENERALIZED: Final = re.compile(
    r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})?(\d{2})?(?:[.,]\d+)?(Z|[+-]\d{4})?"
)


class AlgorithmIdentifier(msgspec.Struct, frozen=True):
    """An algorithm's object identifier, its encoded parameters, and the whole encoding."""

    oid: str
    parameters: Value | None
    encoded: bytes

    @property
    def has_null(self) -> bool:
        """Whether the parameters are NULL (05 00)."""
        return self.parameters is not None and self.parameters.encoded == b"\x05\x00"


def read_algorithm(value: Value) -> AlgorithmIdentifier:
    """Read an AlgorithmIdentifier (RFC 5280, 4.1.1.2)."""
    fields = value.expect(der.SEQUENCE).children
    if not 1 <= len(fields) <= 2:
        raise value.malformed("an algorithm must be an identifier and at most one parameter")
    return AlgorithmIdentifier(
        read_oid(fields[0]), fields[1] if len(fields) == 2 else None, value.encoded
    )


def read_oid(value: Value) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER."""
    return _dotted(value.expect(der.OID).contents, value.what)


@lru_cache(maxsize=2048)
def _dotted(contents: bytes, what: str) -> str:
    """Return the dotted form; cached, since all certificates have the same few identifiers."""
    return der.read_oid_value(contents, what)


def read_integer(value: Value) -> int:
    """Return the value of an INTEGER, with its sign; superfluous leading octets are ignored.

    It has at most `der.MAX_INTEGER` octets, so that it can be printed.
    """
    contents = value.expect(der.INTEGER).contents
    if not 1 <= len(contents) <= der.MAX_INTEGER:
        raise value.malformed(Reason("an INTEGER of {count} octets", count=len(contents)))
    return int.from_bytes(contents, "big", signed=True)


def read_small_integer(value: Value) -> int:
    """Return a version or another small number: a one-octet INTEGER that is not negative."""
    contents = value.expect(der.INTEGER).contents
    if len(contents) != 1 or contents[0] & 0x80:
        raise value.malformed("a small number in one octet is expected")
    return contents[0]


def read_boolean(value: Value) -> bool:
    """Return the value of a BOOLEAN; every octet except 00 is TRUE, as in BER."""
    contents = value.expect(der.BOOLEAN).contents
    if len(contents) != 1:
        raise value.malformed("a BOOLEAN must be one octet")
    return contents != b"\0"


def read_bits(value: Value) -> frozenset[int]:
    """Return the numbers of the bits that are set in a BIT STRING of at most 64 named bits."""
    contents = value.expect(der.BIT_STRING).contents
    if not contents or contents[0] > 7 or len(contents) > 9:
        raise value.malformed("is not a string of named bits")
    octets = contents[1:]
    return frozenset(
        number for number in range(8 * len(octets)) if octets[number // 8] & 0x80 >> number % 8
    )


def read_octets_of_bits(value: Value) -> bytes:
    """Return the octets of a BIT STRING of whole octets: a signature, a key."""
    contents = value.expect(der.BIT_STRING).contents
    if contents[:1] != b"\0":
        raise value.malformed("a BIT STRING of whole octets is expected")
    return contents[1:]


def read_text(value: Value) -> str:
    """Return the text of any ASN.1 character string; octets that do not decode become U+FFFD."""
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        raise value.malformed(Reason("tag {tag} is not a character string", tag=f"{value.tag:02X}"))
    return value.contents.decode(encoding, "replace")


def read_time(value: Value) -> datetime:
    """Return the instant of a UTCTime or GeneralizedTime, in UTC.

    Offsets and missing seconds are accepted.  Doc 9303-12 allows neither: see `is_canonical_time`.
    """
    if (usual := read_utc_time(value)) is not None:
        return usual
    text = value.contents.decode("latin-1")
    if value.tag == der.UTC_TIME and (found := _UTC.fullmatch(text)):
        year = int(found[1])
        year += 1900 if year >= 50 else 2000  # RFC 5280, 4.1.2.5.1
    elif value.tag == der.GENERALIZED_TIME and (found := _GENERALIZED.fullmatch(text)):
        year = int(found[1])
    else:
        raise value.malformed("is not a time")
    month, day, hour, minute, second = (int(part or 0) for part in found.groups()[1:6])
    try:
        instant = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(found[7]))
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise value.malformed("is not a time that exists") from None


def read_utc_time(value: Value) -> datetime | None:
    """Return the instant of a UTCTime as nearly every certificate has it; None for another time.

    It is in UTC and to the second (RFC 5280, 4.1.2.5.1), and not a leap second.  It is read at a
    tenth of the cost of `read_time`.
    """
    octets = value.contents
    if value.tag != der.UTC_TIME or not is_canonical_time(value) or octets[6:8] > b"23":
        return None
    century = b"19" if octets[:1] >= b"5" else b"20"
    text = b"%b%bT%b+0000" % (century, octets[:6], octets[6:12])
    try:
        return datetime.fromisoformat(text.decode())
    except ValueError:
        return None


def is_canonical_time(value: Value) -> bool:
    """Whether a time has the form of RFC 5280, 4.1.2.5: to the second, in UTC, with Z."""
    size = 13 if value.tag == der.UTC_TIME else 15
    contents = value.contents
    return len(contents) == size and contents.endswith(b"Z") and contents[:-1].isdigit()


def is_early_generalized_time(value: Value) -> bool:
    """Whether a time before 2050 is not a UTCTime, which RFC 5280, 4.1.2.5 requires."""
    return value.tag == der.GENERALIZED_TIME and read_time(value).year < _FIRST_GENERALIZED


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-offset if text[0] == "-" else offset)
