from pathlib import Path

import pytest

from emrtd.access.bac import authenticate
from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import secured
from emrtd.iso7816.serial_number import read_serial_number
from support.errors import MalformedError, MisuseError
from tests.vsmartcard.cards import BAC_KEYS, MRZ, counting, done, personalised, transmit
from vsmartcard.card.stored_chip import StoredChip
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState, Hardware

SERIAL = bytes.fromhex("0102030405060708")
NUMBERED = Hardware(serial_number=SERIAL)
GET_DATA = "00CA005A00"
CREATE = "00E0000009620780010583020101"


def test_a_blank_chip_draws_a_serial_number_once_and_returns_it() -> None:
    chip = Chip(random=counting())
    assert run(read_serial_number(), chip.process) == SERIAL
    chip.reset()
    done(chip, CREATE)
    assert run(read_serial_number(), chip.process) == SERIAL
    assert chip.state.hardware.serial_number == SERIAL


def test_a_given_serial_number_is_kept_and_has_at_most_16_octets() -> None:
    assert ChipState.blank(NUMBERED, random=lambda _: pytest.fail("drawn")).hardware == NUMBERED
    with pytest.raises(MisuseError, match="16 octets"):
        Hardware(serial_number=bytes(17))


def test_a_stored_chip_keeps_its_serial_number(tmp_path: Path) -> None:
    path = tmp_path / "card"
    chip = StoredChip(path)
    chip.process(bytes.fromhex(CREATE))
    number = chip.state.hardware.serial_number
    assert len(number) == 8
    chip.close()
    again = StoredChip(path)
    assert again.state.hardware.serial_number == number
    again.close()


def test_a_state_with_too_long_a_serial_number_is_malformed() -> None:
    octets = ChipState(Hardware(serial_number=bytes(16))).encode()
    longer = octets.replace(b"\x84\x10" + bytes(16), b"\x84\x11" + bytes(17))
    longer = longer[:1] + bytes((longer[1] + 1,)) + longer[2:]
    at = longer.index(b"\xe1") + 1
    longer = longer[:at] + bytes((longer[at] + 1,)) + longer[at + 1 :]
    with pytest.raises(MalformedError, match="longer than 16 octets"):
        ChipState.decode(longer)


def test_a_locked_chip_returns_its_serial_number_only_inside_a_session() -> None:
    chip = personalised(hardware=NUMBERED)
    assert transmit(chip, GET_DATA).sw == 0x6982
    assert transmit(chip, "00CA005B00").sw == 0x6982
    assert run(read_serial_number(), chip.process) is None
    done(chip, "00A4040C07A0000002471001")
    assert transmit(chip, GET_DATA).sw == 0x6982
    session = run(authenticate(MRZ), chip.process)
    assert run(secured(read_serial_number(), session), chip.process) == SERIAL


def test_a_chip_without_access_control_returns_its_serial_number() -> None:
    chip = personalised(keys=ChipKeys(open=True), hardware=NUMBERED)
    assert done(chip, GET_DATA) == SERIAL


def test_get_data_refuses_other_objects_and_lengths() -> None:
    chip = personalised(keys=BAC_KEYS, hardware=NUMBERED, locked=False)
    assert transmit(chip, "00CA005B00").sw == 0x6A88
    assert transmit(chip, "00CA005A").sw == 0x6700
    assert transmit(chip, "00CA005A04").sw == 0x6C08
    assert transmit(Chip(ChipState()), GET_DATA).sw == 0x6A88


def test_a_terminated_chip_names_itself_and_does_nothing_else() -> None:
    terminated = Chip(random=counting())
    number = done(terminated, GET_DATA)
    done(terminated, "00FE0000")
    terminated.reset()
    assert done(terminated, GET_DATA) == number
    assert transmit(terminated, "00A4040C07A0000002471001").sw == 0x6985
