from itertools import product

import pytest

from emrtd.access.chip_keys import ChipKeys, ChipPassword
from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS
from emrtd.lds.files import FileID
from tests.vsmartcard.cards import BAC_KEYS, FILE_CONTENTS, done, personalised, put_keys, transmit
from vsmartcard.chip.commands import INSTRUCTIONS
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import TRANSITIONS, Event, LifeCycle, follow
from vsmartcard.chip.state import ChipState

CREATE = "00E0000009620780010583020101"
CAN_ONLY = ChipKeys(passwords=(ChipPassword.of(Password.can("123456")),))


def chip_in(state: LifeCycle) -> Chip:
    if state is LifeCycle.OPERATIONAL:
        return personalised()
    chip = Chip()
    if state is not LifeCycle.BLANK:
        done(chip, CREATE)
        put_keys(chip, BAC_KEYS)
    if state is LifeCycle.TERMINATED:
        done(chip, "00FE0000")
    assert chip.state.life_cycle is state
    return chip


COMMANDS = {
    "00A4000C": Event.USE,
    "00E0000009620780010583020102": Event.PERSONALISE,
    "00DA00C20101": Event.PERSONALISE,
    "00440000": Event.ACTIVATE,
    "00FE0000": Event.TERMINATE,
}


@pytest.mark.parametrize(("state", "command"), [*product(LifeCycle, COMMANDS)])
def test_the_chip_follows_the_table(state: LifeCycle, command: str) -> None:
    chip = chip_in(state)
    before = chip.state
    response = transmit(chip, command)
    after = TRANSITIONS.get((state, COMMANDS[command]))
    if after is None:
        assert response.sw == (0x6982 if state is LifeCycle.OPERATIONAL else 0x6985)
        assert chip.state is before
    else:
        assert response.sw == 0x9000
        assert chip.state.life_cycle is after


def test_the_life_cycle_only_advances_and_an_operational_chip_is_not_written() -> None:
    order = list(LifeCycle)
    for (state, event), after in TRANSITIONS.items():
        assert order.index(after) >= order.index(state)
        harmless = event is Event.IDENTIFY
        assert state is not LifeCycle.OPERATIONAL or event is Event.USE or harmless
        assert state is not LifeCycle.TERMINATED or harmless
        assert after is state or not harmless
    with pytest.raises(ChipRefusalError):
        follow(LifeCycle.TERMINATED, Event.USE, "anything")


def test_every_command_that_writes_is_an_event_of_personalisation() -> None:
    writing = {ins for ins, each in INSTRUCTIONS.items() if each.event is Event.PERSONALISE}
    assert writing == {INS.CREATE_FILE, INS.UPDATE_BINARY, INS.UPDATE_BINARY_ODD, INS.PUT_DATA}


def test_a_failed_command_does_not_change_the_life_cycle() -> None:
    chip = Chip(ChipState())
    assert transmit(chip, "00E00000026200").sw == 0x6A80
    assert transmit(chip, "00DA00C3010A").sw == 0x6A88
    assert transmit(chip, "00FE0100").sw == 0x6A86
    assert chip.state == ChipState()


@pytest.mark.parametrize(
    ("keys", "files", "sw"),
    [
        (ChipKeys(), {}, 0x6985),  # no terminal could open it
        (CAN_ONLY, {}, 0x6985),  # no BAC with a CAN, and no EF.CardAccess for PACE
        (ChipKeys(passwords=BAC_KEYS.passwords), {}, 0x6985),
        (ChipKeys(basic_access_control=True), {}, 0x6985),
        (CAN_ONLY, {FileID.CARD_ACCESS: b"\x31\x00"}, 0x9000),
        (BAC_KEYS, {}, 0x9000),
        (ChipKeys(open=True), {}, 0x9000),
    ],
)
def test_a_chip_that_could_never_be_opened_is_not_locked(
    keys: ChipKeys, files: dict[FileID, bytes], sw: int
) -> None:
    chip = personalised({FileID.DG1: b"\x61\x00"} | files, keys, locked=False)
    assert transmit(chip, "00440000").sw == sw


def test_the_state_decodes_to_what_was_encoded() -> None:
    for state in LifeCycle:
        chip = chip_in(state)
        assert ChipState.decode(chip.state.encode()) == chip.state
    assert len(FILE_CONTENTS) == len(personalised().state.files.files)
