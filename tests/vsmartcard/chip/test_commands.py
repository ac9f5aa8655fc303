"""Every form of every command that can be sent without a session."""

import pytest

from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816.apdu import CommandAPDU
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from tests.vsmartcard.cards import (
    BAC_KEYS,
    FILE_CONTENTS,
    create,
    done,
    personalised,
    select,
    transmit,
)
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState, Hardware

AID = EMRTD_APPLICATION.hex()
OPEN = ChipKeys(open=True)


@pytest.fixture
def chip() -> Chip:
    return personalised(keys=OPEN)


SELECTS = [
    # the MF
    ("00A40000", "", 0x9000),
    ("00A4000C", "", 0x9000),
    ("00A4000C023F00", "", 0x9000),
    ("00A40000023F00", "", 0x9000),
    ("00A40000023F0000", "6F0A82013883023F008A0105", 0x9000),
    ("00A40004023F0000", "620A82013883023F008A0105", 0x9000),
    ("00A4030C", "", 0x9000),
    # the application
    (f"00A4040C07{AID}", "", 0x9000),
    (f"00A4040007{AID}", "", 0x9000),
    (f"00A4040007{AID}00", f"6F0F8201388407{AID}8A0105", 0x9000),
    (f"00A4040407{AID}00", f"620F8201388407{AID}8A0105", 0x9000),
    (f"00A4040C05{AID[:10]}", "", 0x9000),
    (f"00A4040C04{AID[:8]}", "", 0x6A82),
    (f"00A4040C08{AID}01", "", 0x6A82),
    ("00A4040C07A0000002471002", "", 0x6A82),
    ("00A4040C", "", 0x6A82),
    (f"00A4040E07{AID}", "", 0x6A82),
    (f"00A4042C07{AID}", "", 0x6A86),
    (f"00A4040807{AID}", "", 0x6A86),
    # files of the MF
    ("00A4000C022F00", "", 0x9000),
    ("00A4020C022F00", "", 0x9000),
    ("00A40200022F0000", "6F118002000B82010183022F008801F08A0105", 0x9000),
    ("00A40204022F0000", "62118002000B82010183022F008801F08A0105", 0x9000),
    ("00A40200022F0005", "6F11800200", 0x9000),
    ("00A4080C022F00", "", 0x9000),
    ("00A4090C022F00", "", 0x9000),
    ("00A4020C020101", "", 0x6A82),
    ("00A4020C022F02", "", 0x6A82),
    ("00A4020C012F", "", 0x6A87),
    ("00A4030C023F00", "", 0x6A87),
    ("00A4080C042F002F00", "", 0x6A82),
    ("00A4010C020101", "", 0x6A82),
    ("00A4070C020101", "", 0x6A86),
]


@pytest.mark.parametrize(("command", "data", "sw"), SELECTS)
def test_select(chip: Chip, command: str, data: str, sw: int) -> None:
    response = transmit(chip, command)
    assert (response.sw, response.data.hex().upper()) == (sw, data.upper())


def test_identifiers_are_looked_up_in_the_current_directory() -> None:
    files = FILE_CONTENTS | {FileID.CARD_ACCESS: b"\x31\x02ca", FileID.CVCA: b"\x42\x02cv"}
    chip = personalised(files, OPEN)
    assert done(chip, "00B09C0000") == b"\x31\x02ca"
    assert done(chip, "00B09E0000") == files[FileID.DIR]
    done(chip, f"00A4040C07{AID}")
    assert done(chip, "00B09C0000") == b"\x42\x02cv"
    assert done(chip, "00B09E0000") == files[FileID.COM]
    done(chip, "00A4080C02011C")
    assert done(chip, "00B0000000") == b"\x31\x02ca"


def test_a_failed_select_keeps_the_current_file(chip: Chip) -> None:
    assert select(chip, FileID.DG1) == 0x9000
    assert transmit(chip, "00A4020C02010F").sw == 0x6A82
    assert done(chip, "00B0000000") == FILE_CONTENTS[FileID.DG1]
    done(chip, f"00A4040C07{AID}")
    assert transmit(chip, "00B0000000").sw == 0x6986


DG2 = FILE_CONTENTS[FileID.DG2]
READS = [
    ("00B0820000", DG2[:256], 0x9000),
    ("00B0820008", DG2[:8], 0x9000),
    ("00B082FF08", DG2[255:263], 0x9000),
    ("00B003E810", DG2[1000:], 0x6282),  # 4 octets remain of the 16 requested
    ("00B003E800", DG2[1000:], 0x9000),  # Le of zeros: all of them
    ("00B003E804", DG2[1000:], 0x9000),
    ("00B003EC04", b"", 0x6B00),
    ("00B07FFF04", b"", 0x6B00),
    ("00B00000000000", DG2, 0x9000),
    ("00B0000000FFFF", DG2, 0x6282),
    ("00B00000000100", DG2[:256], 0x9000),
    ("00B0E20000", b"", 0x6A86),
    ("00B0800000", b"", 0x6A82),
    ("00B0900000", b"", 0x6A82),
    ("00B00000", b"", 0x6700),
    ("00B000000401020304", b"", 0x6700),
    ("00B100000454020100" + "08", b"\x53\x06" + DG2[256:262], 0x9000),
    ("00B1000003540100" + "00", b"\x53\x81\xfd" + DG2[:253], 0x9000),
    ("00B1000202540000", b"\x53\x81\xfd" + DG2[:253], 0x9000),
    ("00B1010203540104" + "04", b"\x53\x02" + DG2[4:6], 0x9000),
    ("00B1010203540104" + "02", b"\x53\x00", 0x9000),
    ("00B1010203540104" + "01", b"", 0x6700),
    ("00B1000004540203E8" + "10", b"\x53\x04" + DG2[1000:], 0x6282),
    ("00B1000004540203E8" + "00", b"\x53\x04" + DG2[1000:], 0x9000),
    ("00B1000004540203EC" + "00", b"", 0x6B00),
    ("00B10000065404FFFFFFFF" + "00", b"", 0x6B00),
    ("00B1000007540500000000" + "00" + "00", b"", 0x6A80),
    ("00B1000003530100" + "00", b"", 0x6A80),
    ("00B1000000", b"", 0x6A80),
    ("00B1011F03540100" + "00", b"", 0x6A82),
    ("00B1001F03540100" + "00", b"", 0x6A82),
    ("00B10000000003540100" + "0000", b"\x53\x82\x03\xec" + DG2, 0x9000),
]


@pytest.mark.parametrize(("command", "data", "sw"), READS)
def test_read_binary(chip: Chip, command: str, data: bytes, sw: int) -> None:
    assert select(chip, FileID.DG2) == 0x9000
    response = transmit(chip, command)
    assert (f"{response.sw:04X}", response.data) == (f"{sw:04X}", data)


def test_a_read_by_short_identifier_makes_the_file_current(chip: Chip) -> None:
    done(chip, f"00A4040C07{AID}")
    done(chip, "00B0810001")
    assert done(chip, "00B0000000") == FILE_CONTENTS[FileID.DG1]


def test_files_beyond_32767_octets() -> None:
    content = bytes(range(251)) * 300
    chip = Chip()
    done(chip, "00E000000C620A800400012624830201AA")
    for offset in range(0, len(content), 5000):
        part = content[offset : offset + 5000]
        data = b"\x54\x03" + offset.to_bytes(3, "big") + b"\x53\x82"
        data += len(part).to_bytes(2, "big") + part
        done(chip, CommandAPDU(0x00, 0xD7, data=data))
    read = b""
    while len(read) < len(content):
        data = b"\x54\x03" + len(read).to_bytes(3, "big")
        answer = done(chip, CommandAPDU(0x00, 0xB1, 0x01, 0xAA, data, 65536))
        assert answer[:2] == b"\x53\x82"
        read += answer[4:]
    assert read == content


UPDATES = [
    ("00D6000003010203", 0x9000),
    ("00D6800003010203", 0x6A82),
    ("00D6810003010203", 0x9000),
    ("00D6810501AA", 0x6A84),
    ("00D6000501AA", 0x6A84),
    ("00D6000601AA", 0x6B00),
    ("00D60000", 0x6700),
    ("00D7000006" + "540101" + "5301AA", 0x9000),
    ("00D7000106" + "540101" + "5301AA", 0x9000),
    ("00D7010106" + "540101" + "5301AA", 0x9000),
    ("00D7010206" + "540101" + "5301AA", 0x6A82),
    ("00D7000006" + "540105" + "5301AA", 0x6A84),
    ("00D7000006" + "540106" + "5301AA", 0x6B00),
    ("00D7000003" + "540101", 0x6A80),
    ("00D7000003" + "5301AA", 0x6A80),
]


@pytest.mark.parametrize(("command", "sw"), UPDATES)
def test_update_binary(command: str, sw: int) -> None:
    chip = Chip()
    done(chip, "00E0000009620780010583020101")
    before = chip.state
    assert transmit(chip, command).sw == sw
    assert (chip.state == before) is (sw != 0x9000)


CREATES = [
    ("6207" + "800105" + "83020101", 0x9000),
    ("620A" + "800105" + "820101" + "83020101", 0x9000),
    ("620A" + "800105" + "83020101" + "880108", 0x9000),
    ("6209" + "800105" + "83020101" + "8800", 0x9000),
    ("6208" + "80020000" + "83020101", 0x9000),
    ("6207" + "800105" + "830201FF", 0x9000),
    ("620A" + "800105" + "820138" + "83020101", 0x6A80),  # a DF
    ("620A" + "800105" + "83020101" + "880101", 0x6A80),  # the short identifier is not shifted
    ("620A" + "800105" + "83020101" + "8801F8", 0x6A80),  # 31
    ("6207" + "800105" + "83023F00", 0x6A80),
    ("6207" + "800105" + "8302FFFF", 0x6A80),
    ("6207" + "800105" + "83023FFF", 0x6A80),
    ("6206" + "800105" + "830101", 0x9000),
    ("6204" + "83020101", 0x6A80),
    ("6203" + "800105", 0x6A80),
    ("620A" + "8004FFFFFFFF" + "83020101", 0x6A84),
    ("620C" + "8005FFFFFFFFFF" + "83020101" + "00", 0x6A80),
    ("6F07" + "800105" + "83020101", 0x6A80),
    ("620780010583020101" + "00", 0x6A80),
    ("6207", 0x6A80),
]


@pytest.mark.parametrize(("data", "sw"), CREATES)
def test_create_file(data: str, sw: int) -> None:
    chip = Chip()
    octets = bytes.fromhex(data)
    assert transmit(chip, CommandAPDU(0x00, 0xE0, data=octets)).sw == sw
    assert len(chip.state.files.files) == (sw == 0x9000)


def test_an_identifier_is_unique_in_its_directory() -> None:
    chip = Chip()
    done(chip, "00E0000009620780010583020101")
    assert transmit(chip, "00E0000009620780010583020101").sw == 0x6A89
    assert transmit(chip, "00E0000009620780010583020121").sw == 0x6A89  # the same SFI
    assert transmit(chip, "00E000000B6209800105830201218800").sw == 0x9000
    done(chip, f"00A4040C07{AID}")
    done(chip, "00E0000009620780010583020101")


def test_a_new_file_is_current_and_contains_zeros() -> None:
    chip = Chip()
    done(chip, "00E0000009620780010583020101")
    assert done(chip, "00B0000000") == bytes(5)


def test_a_file_or_key_beyond_the_memory_is_refused_with_6a84() -> None:
    chip = Chip(ChipState(Hardware(memory=600)))
    create(chip, FileID.DG1, bytes(300))
    assert transmit(chip, "00E000000A62088002012C83020102").sw == 0x6A84
    assert transmit(chip, "00E000000962078001C883020102").sw == 0x9000
    put = CommandAPDU(0x00, 0xDA, 0x00, 0xC7, bytes(40))
    assert transmit(chip, put).sw == 0x6A84
    assert chip.state.keys == ChipKeys()
    assert ChipState.decode(chip.state.encode()).hardware.memory == 600


def test_put_data_accepts_known_data_objects() -> None:
    chip = Chip()
    for tag, value in BAC_KEYS.data_objects():
        done(chip, CommandAPDU(0x00, 0xDA, 0x00, tag, value.reveal()))
    assert chip.state.keys == BAC_KEYS
    assert transmit(chip, "00DA00C2").sw == 0x6A80
    assert transmit(chip, "00DA00C202FFFF").sw == 0x6A80
    assert transmit(chip, "00DA01C20101").sw == 0x6A88


def test_command_chaining_joins_the_data() -> None:
    chip = Chip()
    done(chip, "10E000000362078001"[:8] + "03620780")
    done(chip, "10E0000003010583")
    done(chip, "00E0000003020101")
    done(chip, "10D6000002AABB")
    done(chip, "00D6000001CC")
    assert done(chip, "00B0000000").hex() == "aabbcc0000"
    done(chip, "10D6000002AABB")
    assert transmit(chip, "00D6000101CC").sw == 0x6883  # another header
    assert done(chip, "00B0000000").hex() == "aabbcc0000"
    done(chip, "10D6000002AABB")
    chip.reset()
    assert transmit(chip, "00D6000001CC").sw == 0x6986  # the reset has ended the chain


def test_a_chain_that_is_too_long_is_refused() -> None:
    chip = Chip()
    link = CommandAPDU(0x10, 0xDA, 0x00, 0xC7, bytes(30_000))
    assert [transmit(chip, link).sw for _ in range(4)] == [0x9000, 0x9000, 0x6700, 0x9000]


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("", 0x6700),
        ("00A4", 0x6700),
        ("00A40004023F", 0x6700),
        ("00A400040300", 0x6700),
        ("00A4000000", 0x9000),
        ("00A400000000000000", 0x6700),
        ("80A4000C", 0x6E00),
        ("FFA4000C", 0x6E00),
        ("20A4000C", 0x6E00),
        ("01A4000C", 0x6881),
        ("04A4000C", 0x6882),
        ("08A4000C", 0x6882),
        ("0CA4000C", 0x6988),  # secure messaging without session keys
        ("00200000", 0x6D00),
        ("00C0000000", 0x6985),
        ("0022C1A500", 0x6A86),
        ("0086000000", 0x6985),
        ("0086010000", 0x6A86),
        ("0084010008", 0x6A86),
        ("0082000100", 0x6A86),
        ("0088010000", 0x6A86),
        ("002A00AE00", 0x6A86),
        ("002C0303", 0x6982),
        ("002C0403", 0x6A86),
    ],
)
def test_a_wrong_header_or_length_is_refused(chip: Chip, command: str, sw: int) -> None:
    assert f"{transmit(chip, command).sw:04X}" == f"{sw:04X}"


def test_get_challenge_returns_8_octets_only() -> None:
    chip = personalised()
    done(chip, f"00A4040C07{AID}")
    assert transmit(chip, "0084000010").sw == 0x6C08
    assert transmit(chip, "00840000").sw == 0x6700
    assert len(done(chip, "0084000000")) == 8


def test_a_locked_chip_enforces_the_buffers_of_ef_atr_info() -> None:
    flags = Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION
    files = FILE_CONTENTS | {FileID.ATR_INFO: AtrInfo.of(flags, 300, 400).encode()}
    chip = personalised(files, OPEN)
    done(chip, f"00A4040C07{AID}")
    response = transmit(chip, "00B08200000000")
    assert (response.sw, response.data) == (0x9000, DG2[:398])
    assert transmit(chip, CommandAPDU(0, 0xA4, 4, 12, bytes(294), extended=True)).sw == 0x6700
    assert transmit(chip, CommandAPDU(0, 0xA4, 4, 12, bytes(293), extended=True)).sw == 0x6A82
    files[FileID.ATR_INFO] = AtrInfo.of(Capability.SHORT_EF_IDENTIFIER, None, None).encode()
    chip = personalised(files, OPEN)
    assert transmit(chip, "00B08100000000").sw == 0x6700
    assert chip.atr.hex() == "3b8580018073840180f2"


def test_a_chip_without_extended_length() -> None:
    chip = Chip(ChipState(Hardware(extended_length=False)))
    assert transmit(chip, "00A4000C0000023F00").sw == 0x6700
    assert chip.atr.hex() == "3b8580018073840180f2"
    restored = ChipState.decode(chip.state.encode())
    assert not restored.hardware.extended_length
