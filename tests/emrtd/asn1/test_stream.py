"""BER that is read forwards from a stream."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import ber, der
from emrtd.asn1.stream import CHUNK, MAX_VALUE, BerStream
from support.errors import MalformedError


class Drip(io.BytesIO):
    """A source that returns one octet at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1)


def indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


SAMPLE = indefinite(
    0x30,
    der.integer(7),
    indefinite(0x24, der.octet_string(b"ab"), indefinite(0x24, der.octet_string(b"c"))),
    der.sequence(der.null(), indefinite(0x31, der.oid("1.2.3"))),
)


@pytest.mark.parametrize("source", [io.BytesIO, Drip])
def test_a_structure_is_read_in_order(source: type[io.BytesIO]) -> None:
    stream = BerStream(source(SAMPLE), "sample")
    stream.enter(der.SEQUENCE)
    assert stream.value() == der.integer(7)
    assert b"".join(stream.contents(0x24)) == b"abc"
    assert stream.next_tag() == der.SEQUENCE
    assert stream.value() == der.sequence(der.null(), der.set_of(der.oid("1.2.3")))
    assert stream.next_tag() is None
    stream.leave()
    stream.finish()
    assert stream.offset == len(SAMPLE)


def test_long_contents_come_in_chunks() -> None:
    octets = bytes(3 * CHUNK + 1)
    parts = list(BerStream(io.BytesIO(der.octet_string(octets)), "x").contents(der.OCTET_STRING))
    assert b"".join(parts) == octets
    assert max(map(len, parts)) <= CHUNK


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "cut short"),
        (b"\x30", "cut short"),
        (b"\x30\x05\x04\x04ab", "longer than the one around it"),
        (b"\x30\x04\x04\x02a", "cut short"),
        (b"\x30\x80\x04\x01a", "no end-of-contents"),
        (b"\x30\x80\x04\x80", "primitive value of indefinite length"),
        (b"\x30\x80\x1f\x01\x00", "1F instead of 04"),
        (b"\x30\x04\x04\x00\x05\x00", "more than was expected"),
        (b"\x30\x89" + bytes(9), "too long"),
    ],
)
def test_other_octets_are_malformed(octets: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        _read_string(BerStream(io.BytesIO(octets), "sample"))


def _read_string(stream: BerStream) -> None:
    stream.enter(der.SEQUENCE)
    list(stream.contents(der.OCTET_STRING))
    stream.leave()


def test_a_value_in_memory_is_bounded() -> None:
    long = der.octet_string(bytes(MAX_VALUE))
    for octets in (long, indefinite(0x24, *[der.octet_string(bytes(1000))] * 1100)):
        with pytest.raises(MalformedError, match="longer than"):
            BerStream(io.BytesIO(octets), "x").value()
    deep = b"\x30\x80" * 100
    with pytest.raises(MalformedError, match="nested deeper"):
        BerStream(io.BytesIO(deep), "x").value()
    with pytest.raises(MalformedError, match="nested deeper"):
        list(BerStream(io.BytesIO(b"\x24\x80" * 100), "x").contents(0x24))


@given(st.binary(max_size=200))
def test_a_value_is_read_as_ber_definite_reads_it(octets: bytes) -> None:
    stream = BerStream(io.BytesIO(octets), "x")
    try:
        found = stream.value()
        stream.finish()
    except MalformedError:
        return
    assert found == ber.definite(octets, "x")
