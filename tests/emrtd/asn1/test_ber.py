import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import ber, der
from support.errors import MalformedError


def walk(value: ber.Value) -> int:
    constructed = value.constructed
    return 1 + (sum(walk(child) for child in value.children) if constructed else 0)


def indefinite(*parts: bytes, tag: int = 0x30) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


@given(st.binary(max_size=1000))
def test_any_octets_are_read_or_malformed(octets: bytes) -> None:
    try:
        value = ber.read(octets, "octets")
        ber.is_der(value)
        walk(value)
    except MalformedError:
        return


@given(st.binary(max_size=1000))
def test_any_octets_are_made_definite_or_malformed(octets: bytes) -> None:
    try:
        rewritten = ber.definite(octets, "octets")
    except MalformedError:
        return
    ber.read(rewritten, "rewritten")
    assert ber.definite(rewritten, "rewritten") is rewritten


@given(
    st.recursive(
        st.binary(max_size=300).map(der.octet_string),
        lambda inner: st.lists(inner, max_size=5).map(lambda items: der.sequence(*items)),
        max_leaves=20,
    )
)
def test_der_reads_back_and_is_der(octets: bytes) -> None:
    value = ber.read(octets, "value")
    assert value.encoded == octets
    assert ber.is_der(value)
    assert ber.definite(octets, "value") is octets


def test_indefinite_lengths_become_definite() -> None:
    signed = der.sequence(der.integer(5), der.octet_string(b"x" * 200))
    segments = indefinite(der.octet_string(b"ab"), der.octet_string(b"c"), tag=0x24)
    octets = indefinite(signed, indefinite(segments, tag=0xA0))
    rewritten = ber.definite(octets, "value")
    assert rewritten == der.sequence(signed, der.tagged(0, der.octet_string(b"abc")))


def test_openssl_reads_the_same_from_indefinite_lengths(tmp_path: object) -> None:
    octets = indefinite(indefinite(der.octet_string(b"ab"), tag=0x24), der.integer(7))
    shown = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER"], input=octets, capture_output=True, check=True
    ).stdout.decode()
    assert "inf" in shown
    assert ber.read(ber.definite(octets, "value"), "value").children[1].contents == b"\x07"


@pytest.mark.parametrize(
    "octets",
    [
        "3080",
        "308002010500",
        "0480010000",
        "30800000FF",
        "3003020105FF",
        "30",
        "3005",
        "1F8080808001",
    ],
)
def test_truncated_or_trailing_octets_are_malformed(octets: str) -> None:
    with pytest.raises(MalformedError):
        ber.definite(bytes.fromhex(octets), "value")


def test_long_lengths_are_read_and_are_not_der() -> None:
    assert ber.read(bytes.fromhex("308200020500"), "value").children[0].tag == der.NULL
    assert not ber.is_der(ber.read(bytes.fromhex("308200020500"), "value"))
    assert not ber.is_der(ber.read(bytes.fromhex("30040482000 0".replace(" ", "")), "value"))


def test_nesting_and_number_of_values_are_bounded() -> None:
    with pytest.raises(MalformedError, match="nested deeper"):
        ber.definite(b"\x30\x80" * 100_000, "nest")
    crowd = der.sequence(*[der.null()] * (ber.MAX_CHILDREN + 1))
    with pytest.raises(MalformedError, match="more than"):
        assert ber.read(crowd, "crowd").children
    assert sum(1 for _ in ber.read(crowd, "crowd").each(30_000)) == ber.MAX_CHILDREN + 1
    with pytest.raises(MalformedError, match="more than"):
        assert list(ber.read(crowd, "crowd").each(5))
