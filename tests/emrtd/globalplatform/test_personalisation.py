"""INSTALL [for personalization], STORE DATA, and the data groupings of an eMRTD."""

import pytest
from Crypto.Cipher import AES

from emrtd.globalplatform.emrtd_groupings import (
    FilePart,
    Grouping,
    KeyParts,
    NewFile,
    key_groupings,
)
from emrtd.globalplatform.personalisation import (
    DataGrouping,
    StoreData,
    install_for_personalisation,
    overhead,
    read_groupings,
    read_install,
)
from emrtd.globalplatform.security_domain import (
    read_card_image_number,
    read_cplc,
    terminate_card,
)
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import run
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from vsmartcard.card.function_card import FunctionCard, in_turn

APPLICATION = bytes.fromhex("A0000002471001")
DEK = bytes(range(16))


def test_the_commands_octet_by_octet() -> None:
    install = install_for_personalisation(APPLICATION)
    assert install.encode().hex() == "80e620000d000007a000000247100100000000"
    assert read_install(install.data) == APPLICATION
    block = StoreData(5, (DataGrouping(0x0101, b"ab"), DataGrouping(0xE002, bytes(300))))
    command = block.command()
    assert command.header.hex() == "80e20805"
    assert command.data == bytes.fromhex("0101026162E002FF012C") + bytes(300)
    assert StoreData.read(command) == block
    last = StoreData(0xFF, (DataGrouping(0xE004, b""),), last=True)
    assert last.command().encode().hex() == "80e288ff03e00400"
    keys = StoreData(0, (DataGrouping(0xE003, bytes(18)),), encrypted=True)
    assert keys.command().p1 == 0x68
    assert StoreData.read(keys.command()) == keys
    assert terminate_card(b"\xa0\0\0\1\x51").encode().hex() == "80f0807f05a000000151"


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 256, 65_535])
def test_the_length_of_a_grouping(size: int) -> None:
    grouping = DataGrouping(0x8F01, bytes(size))
    octets = grouping.encode()
    assert len(octets) == overhead(size) + size
    assert list(read_groupings(octets + octets)) == [grouping, grouping]
    for cut in (1, 2, 3, 4, len(octets) - 1):
        if 0 < cut < len(octets):
            with pytest.raises(MalformedError, match="cut off"):
                list(read_groupings(octets[:cut]))


def test_a_grouping_that_is_too_long_is_refused() -> None:
    with pytest.raises(MisuseError, match="at most 65535"):
        DataGrouping(1, bytes(65_536)).encode()


@pytest.mark.parametrize("p1", [0x00, 0x10, 0x28, 0x48, 0x09, 0x88 | 0x04])
def test_another_format_of_store_data_is_refused(p1: int) -> None:
    with pytest.raises(MalformedError, match="P1"):
        StoreData.read(CommandAPDU(0x80, 0xE2, p1, 0, b"\x00\x01\x00"))


@pytest.mark.parametrize(
    "data",
    ["", "0000", "000004A0000002000000", "000007A0000002471001", "010007A0000002471001000000"],
)
def test_another_install_is_refused(data: str) -> None:
    with pytest.raises(MalformedError, match="one AID alone"):
        read_install(bytes.fromhex(data))


def test_the_groupings_octet_by_octet() -> None:
    new = NewFile(Directory.EMRTD, 0x0101, 1, 93)
    assert new.grouping().encode().hex() == "e001070101010100005d"
    assert NewFile.read(new.grouping().value) == new
    part = FilePart(Directory.MASTER_FILE, 0x011C, 0x010203, b"ab")
    assert part.grouping().encode().hex() == "e00208" + "00011c" + "010203" + "6162"
    assert FilePart.read(part.grouping().value) == part
    for wrong in ("", "0201010100005d", "0101011f00005d", "01010101005d"):
        with pytest.raises(MalformedError):
            NewFile.read(bytes.fromhex(wrong))
    for wrong in ("", "01010100000061"[:12], "02010100000061"):
        with pytest.raises(MalformedError):
            FilePart.read(bytes.fromhex(wrong))


@pytest.mark.parametrize("room", [10, 11, 239, 247, 255, 257, 258, 262, 3000, 65_535])
def test_parts_of_a_file_fill_the_room_and_lose_nothing(room: int) -> None:
    content = bytes(range(256)) * 300
    content = content[: room * 40]
    whole = FilePart(Directory.EMRTD, 0x0102, 7, content)
    found = b""
    while len(found) < len(content):
        piece = whole.piece(len(found), room)
        assert piece is not None
        assert piece.offset == 7 + len(found)
        found += piece.octets
        assert room - 4 <= len(piece.grouping().encode()) <= room or found == content
    assert found == content
    assert FilePart(Directory.EMRTD, 1, 0, b"a").piece(0, 9) is None


@pytest.mark.parametrize("room", [24, 100, 255, 4000])
def test_the_keys_are_encrypted_as_a_whole(room: int) -> None:
    keys = Secret(bytes(range(200)) + b"\xe0")
    groupings = list(key_groupings(keys, Secret(DEK), room))
    assert all(len(each.encode()) <= room for each in groupings)
    encrypted = b"".join(each.value[2:] for each in groupings)
    padded = keys.reveal() + b"\x80" + bytes(6)
    assert encrypted == AES.new(DEK, AES.MODE_CBC, iv=bytes(16)).encrypt(padded)
    parts = KeyParts()
    for number, each in enumerate(groupings, start=1):
        assert parts.whole(Secret(DEK)) is None
        assert each.identifier == Grouping.KEYS
        assert each.value[:2] == bytes((number, len(groupings)))
        parts = parts.with_part(each.value)
    assert parts.whole(Secret(DEK)) == keys


def test_parts_of_keys_out_of_order_are_refused() -> None:
    first = KeyParts().with_part(b"\x01\x03a")
    for wrong in (b"\x03\x03a", b"\x02\x04a", b"\x00\x03a", b"\x04\x03a", b"\x02\x03", b""):
        with pytest.raises(MalformedError):
            first.with_part(wrong)
    assert first.with_part(b"\x02\x03b").with_part(b"\x01\x01c") == KeyParts((b"c",), 1)
    with pytest.raises(MalformedError, match="whole blocks"):
        KeyParts((b"c",), 1).whole(Secret(DEK))
    with pytest.raises(MisuseError, match="too long"):
        list(key_groupings(Secret(bytes(5000)), Secret(DEK), 24))


def test_the_data_that_identify_a_card() -> None:
    cplc = bytes(range(42))
    answers = [bytes.fromhex("9F7F2A") + cplc, ResponseAPDU(sw=0x6A88), bytes.fromhex("9F7F0101")]
    card = FunctionCard(in_turn(answers))
    assert [run(read_cplc(), card.process) for _ in answers] == [cplc, None, None]
    assert {each.encode().hex() for each in card.commands} == {"80ca9f7f00"}
    card = FunctionCard(in_turn([bytes.fromhex("45020102"), ResponseAPDU(sw=0x6A88), b""]))
    found = [run(read_card_image_number(), card.process) for _ in range(3)]
    assert found == [b"\x01\x02", None, None]
    with pytest.raises(MalformedError):
        run(read_cplc(), FunctionCard(in_turn([b"\x45\x01\x00"])).process)
