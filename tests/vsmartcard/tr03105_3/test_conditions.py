"""TR-03105-3.2, unit H: security conditions of chips with Extended Access Control."""

import pytest

from emrtd import tlv
from emrtd.iso7816.apdu import ResponseAPDU
from emrtd.lds.cvca import Cvca
from tests.vsmartcard.cards import done, transmit
from tests.vsmartcard.tr03105_3.terminal import (
    CASES,
    DG3,
    DG4,
    SELECT_APPLICATION,
    Terminal,
    cvca,
    new_chip,
    twice,
)

READ_DG3_AND_DG4 = {
    "ISO7816_H_1": "00A4020C020103",
    "ISO7816_H_2": "00A4020C020104",
    "ISO7816_H_3": DG3,
    "ISO7816_H_4": DG4,
    "ISO7816_H_5": "00B100030354010007",
    "ISO7816_H_6": "00B100040354010007",
    "ISO7816_H_11": "00B101030354010007",
    "ISO7816_H_12": "00B101040354010007",
}


@twice
@pytest.mark.parametrize("command", CASES.cases(READ_DG3_AND_DG4))
def test_dg3_and_dg4_are_refused_before_terminal_authentication(command: str, access: str) -> None:
    """Every form of command is refused in the session, which continues."""
    terminal = Terminal(new_chip(), access)
    assert terminal.send(command).sw == 0x6982
    assert terminal.is_open


READ_CVCA = {
    "ISO7816_H_7": "00A4020C02011C",
    "ISO7816_H_8": "00B09C0001",
    "ISO7816_H_9": "00B1001C0354010007",
    "ISO7816_H_10": "00B1011C0354010007",
}


@pytest.mark.parametrize("command", CASES.cases(READ_CVCA))
def test_ef_cvca_is_refused_before_chip_access(command: str) -> None:
    chip = new_chip()
    done(chip, SELECT_APPLICATION)
    assert transmit(chip, command) == ResponseAPDU(sw=0x6982)


@twice
@pytest.mark.parametrize(
    "commands",
    CASES.cases(
        {
            "ISO7816_H_13": ("00A4020C02011C 00B0000024",),
            "ISO7816_H_14": ("00B09C0024",),
            "ISO7816_H_15": ("00B1001C0354010026",),
            "ISO7816_H_16": ("00B1011C0354010026",),
        }
    ),
)
def test_ef_cvca_is_read_after_chip_access(commands: str, access: str) -> None:
    """36 octets; with odd INS in data object 53."""
    terminal = Terminal(new_chip(), access, proven=False)
    content = Cvca((cvca().reference,)).encode()
    data = b"".join(map(terminal.require, commands.split()))
    assert data == (tlv.encode(0x53, content) if "B1" in commands[:4] else content)
