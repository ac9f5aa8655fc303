"""The Key Information Template, in both of its forms."""

import pytest

from emrtd import tlv
from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.key_information import (
    KeyComponent,
    KeyInformation,
    key_information,
    read_key_information,
)
from emrtd.iso7816.apdu import ResponseAPDU
from emrtd.iso7816.procedure import run
from support.errors import MalformedError


def template(*entries: str) -> bytes:
    return tlv.encode(0xE0, *(tlv.encode(0xC0, bytes.fromhex(each)) for each in entries))


def test_the_basic_form() -> None:
    octets = template("01308810", "02308810", "03308810", "0171A1800003")
    *aes, rsa = read_key_information(octets)
    assert aes == [KeyInformation(i, 0x30, (KeyComponent(0x88, 16),)) for i in (1, 2, 3)]
    assert rsa.components == (KeyComponent(0xA1, 0x80), KeyComponent(0x00, 3))
    assert (rsa.usage, rsa.access) == (None, None)


def test_the_answer_of_a_real_card() -> None:
    """A log in martinpaljak/GlobalPlatformPro, issue 114: three AES-256 keys of version 01."""
    octets = bytes.fromhex("E012C00401018820C00402018820C00403018820")
    aes_256 = (KeyComponent(0x88, 32),)
    assert read_key_information(octets) == tuple(KeyInformation(i, 1, aes_256) for i in (1, 2, 3))


def test_the_extended_form() -> None:
    octets = template("0130FF88002001180100", "0230FF880020FF8800100000")
    first, second = read_key_information(octets)
    assert first == KeyInformation(1, 0x30, (KeyComponent(0x88, 32),), usage=0x18, access=0x00)
    components = (KeyComponent(0x88, 32), KeyComponent(0x88, 16))
    assert second == KeyInformation(2, 0x30, components)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "0130",
        "013088",
        "0130881088",
        "0130FF88",
        "0130FF880010",
        "0130FF88001000",
        "0130FF8800100018",
        "0130FF88001002000000",
        "0130FF88001000020000",
        "0130FF88001001",
        "0130FF880010000000",
    ],
)
def test_an_entry_that_is_cut_off_or_too_long_is_malformed(entry: str) -> None:
    with pytest.raises(MalformedError):
        read_key_information(template(entry))


def test_a_card_is_asked_with_one_command() -> None:
    sent: list[bytes] = []

    def card(octets: bytes) -> bytes:
        sent.append(octets)
        return ResponseAPDU(template("01308810")).encode()

    assert len(run(key_information(), card)) == 1
    assert [each.hex() for each in sent] == ["80ca00e000"]
    with pytest.raises(ChipRefusalError):
        run(key_information(), lambda _: bytes.fromhex("6A88"))
