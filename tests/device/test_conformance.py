"""The conformity tests of chips through a real pcscd."""

import json
import secrets
from pathlib import Path

import pytest

from chipseal.command_line import chipseal
from conformance.chip.own_state import MRZ, document
from conformance.chip.terminal_pki import KeyKind
from personalise.preparing.station_order import StationOrder
from personalise.station.one_card import write_image
from support.command_line import run_command_line
from support.errors import ExitStatus
from tests.conformance.chip.blanks import MemoryBlanks
from tests.readers import Insert

pytestmark = pytest.mark.device


def test_a_card_in_a_pcsc_reader(
    insert: Insert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resets, plain commands and refusals travel as they do in process; the card is only read."""
    made, blanks, state = (
        document(KeyKind.ECDSA, secrets.token_bytes),
        MemoryBlanks(),
        tmp_path / "c",
    )
    with blanks.blank() as connection:
        write_image(made.files, StationOrder("iso7816-9", made.keys), connection)
    state.write_bytes(blanks.keep())
    card = insert(state)
    line = [
        "conformance", "chip", "--reader", card.reader, "--mrz", MRZ.text, "--json",
        "--case", "ISO7816_H_1,ISO7816_H_9,ISO7816_H_16,LDS_E_2,LDS_F_1,LDS_L_5,ISO7816_K_1",
    ]  # fmt: skip
    assert run_command_line(chipseal, line) == ExitStatus.OK
    outcomes = {each["id"]: each["outcome"] for each in json.loads(capsys.readouterr().out)}
    assert outcomes.pop("ISO7816_K_1") == "not-applicable"  # no certificates are given
    assert set(outcomes.values()) == {"passed"}
    assert state.read_bytes() == blanks.keep()
