"""A small DER writer, and readers for the types that eMRTD structures use (X.690).

Every writer returns a whole TLV.  Readers read a data object of `emrtd.tlv` or its value.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

from emrtd.tlv import DataObject, encode
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, PRINTABLE_STRING, IA5_STRING = 0x0C, 0x13, 0x16
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31


MAX_INTEGER: Final = 256
"""The most octets of an INTEGER that is read as a number; a serial number has 20, r or s 66.

Python refuses to print numbers of more than 4,300 digits.
"""


def sequence(*items: bytes) -> bytes:
    """Encode a SEQUENCE of the encoded items."""
    return encode(SEQUENCE, *items)


def set_of(*items: bytes) -> bytes:
    """Encode a SET OF the encoded items, in the ascending order of DER (X.690, 11.6)."""
    return encode(SET, *sorted(items))


def integer(value: int) -> bytes:
    """Encode an INTEGER, in as few octets as its value and sign need."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:
    """Encode a BOOLEAN."""
    return encode(BOOLEAN, b"\xff" if value else b"\x00")


def null() -> bytes:
    """Encode NULL."""
    return encode(NULL)


def octet_string(value: bytes) -> bytes:
    """Encode an OCTET STRING."""
    return encode(OCTET_STRING, value)


def bit_string(value: bytes, unused: int = 0) -> bytes:
    """Encode a BIT STRING; the last `unused` bits of its last octet are not part of it."""
    return encode(BIT_STRING, bytes((unused,)), value)


@lru_cache(maxsize=512)
def oid(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER from its dotted form."""
    return encode(OID, oid_value(dotted))


@lru_cache(maxsize=512)
def oid_value(dotted: str) -> bytes:
    """Encode the value of an OBJECT IDENTIFIER, without tag and length, as in MSE:Set AT."""
    arcs = [int(arc) for arc in dotted.split(".")]
    if len(arcs) < 2:
        raise MisuseError(f"{dotted!r} is not an object identifier")
    return b"".join(_base128(arc) for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]))


def utf8_string(text: str) -> bytes:
    """Encode a UTF8String."""
    return encode(UTF8_STRING, text.encode())


def printable_string(text: str) -> bytes:
    """Encode a PrintableString."""
    return encode(PRINTABLE_STRING, text.encode("ascii"))


def time(instant: datetime) -> bytes:
    """Encode a Time of RFC 5280, 4.1.2.5: UTCTime until 2049, then GeneralizedTime (UTC)."""
    if instant.year < 2050:
        return encode(UTC_TIME, instant.strftime("%y%m%d%H%M%SZ").encode())
    return generalized_time(instant)


def generalized_time(instant: datetime) -> bytes:
    """Encode a GeneralizedTime in UTC, to the second."""
    return encode(GENERALIZED_TIME, instant.strftime("%Y%m%d%H%M%SZ").encode())


def tagged(number: int, *encoded: bytes) -> bytes:
    """Encode [number] EXPLICIT around a value, or [number] IMPLICIT constructed from contents."""
    return encode(0xA0 | number, *encoded)


def tagged_primitive(number: int, value: bytes) -> bytes:
    """Encode [number] IMPLICIT of a primitive type."""
    return encode(0x80 | number, value)


def read_oid(data_object: DataObject) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER (X.690, 8.19)."""
    _expect(data_object, OID)
    return read_oid_value(data_object.value, data_object.what)


def read_oid_value(value: bytes, what: str) -> str:
    """Return the dotted form of the value of an OBJECT IDENTIFIER."""
    if not 1 <= len(value) <= 64 or value[-1] & 0x80:
        raise MalformedError(what, "an object identifier is cut short or longer than 64 octets")
    arcs, arc = [], 0
    for octet in value:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_integer(data_object: DataObject) -> int:
    """Return the value of an INTEGER of at most `MAX_INTEGER` octets, with its sign."""
    _expect(data_object, INTEGER)
    if not 1 <= len(data_object.value) <= MAX_INTEGER:
        raise data_object.malformed(
            Reason("an INTEGER of {count} octets", count=len(data_object.value))
        )
    return int.from_bytes(data_object.value, "big", signed=True)


def read_octet_string(data_object: DataObject) -> bytes:
    """Return the octets of a primitive OCTET STRING."""
    _expect(data_object, OCTET_STRING)
    return data_object.value


def read_bit_string(data_object: DataObject) -> bytes:
    """Return the octets of a BIT STRING that uses all bits of its last octet."""
    _expect(data_object, BIT_STRING)
    if not data_object.value or data_object.value[0] != 0:
        raise data_object.malformed("a BIT STRING of whole octets is expected")
    return data_object.value[1:]


def _expect(data_object: DataObject, tag: int) -> None:
    if data_object.tag != tag:
        raise data_object.malformed(Reason("tag {tag} is expected here", tag=f"{tag:02X}"))


def _base128(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(0x80 | arc & 0x7F)
    return bytes(reversed(octets))
