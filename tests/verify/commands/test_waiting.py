"""`verify card --wait`, and what it says of a password that was misread."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.transport import readers
from support.command_line import run_command_line
from tests.verify.desk.desks import AT, state_file, trust_store
from tests.verify.documents import CAN, issue, mrz, usual
from tests.vsmartcard.cards import personalised
from verify.commands.main import verify
from vsmartcard.card.connection import CardConnection

MRZ = mrz().text


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    store = trust_store(tmp_path)

    def run_card(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        common = ["card", "--trust", str(store), "--at", AT]
        status = run_command_line(verify, [*common, *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_card


Run = Callable[..., tuple[int, str, str]]


def test_it_waits_for_the_card(run: Run, tmp_path: Path) -> None:
    there, waiting = tmp_path / "card", state_file(usual(), tmp_path / "waiting")
    coming = threading.Timer(0.5, waiting.replace, [there])
    coming.start()
    status, output, error = run("--reader", f"virtual:{there}", "--can", CAN, "--wait")
    coming.join()
    assert status == 0
    assert "ACCEPT" in output
    assert error == "waiting for a card: put it on the reader\n"


def test_a_card_that_is_there_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    path = state_file(usual(), tmp_path / "card")
    status, _, error = run("--reader", f"virtual:{path}", "--can", CAN, "--wait")
    assert (status, error) == (0, "")


@pytest.mark.parametrize("wait", [True, False])
def test_a_card_that_leaves_in_mid_read_is_waited_for_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    class Leaving(CardConnection):
        left = 20

        def transmit(self, command: bytes) -> bytes:
            self.left -= 1
            if not self.left:
                raise TransportError("the card was removed", TransportFault.CARD_REMOVED)
            return super().transmit(command)

    chip = personalised(usual().files, usual().keys)
    connections = [Leaving(chip), CardConnection(chip)]
    monkeypatch.setattr(readers, "connect", lambda _name, **_options: connections.pop(0))
    path = state_file(usual(), tmp_path / "card")
    options = ["--wait"] if wait else []
    status, output, error = run("--reader", f"virtual:{path}", "--mrz", MRZ, *options)
    assert "the card was removed" in error
    assert (status, "ACCEPT" in output) == ((0, True) if wait else (69, False))


def test_a_mistyped_file_is_no_card_and_no_verdict(run: Run, tmp_path: Path) -> None:
    status, output, error = run("--reader", f"virtual:{tmp_path / 'crad'}", "--can", CAN)
    assert (status, output) == (69, "")
    assert "no such card" in error


def test_a_misread_can_says_so_before_the_report(run: Run, tmp_path: Path) -> None:
    path = state_file(usual(), tmp_path / "card")
    status, output, error = run("--reader", f"virtual:{path}", "--can", "654321")
    assert status == 2
    assert error == "The chip did not open with this CAN: read it again\n"
    assert output.count("  - ") == 1  # one reason, not one for each check
    assert "654321" not in output + error


def test_a_can_for_a_chip_without_pace_asks_for_the_mrz(run: Run, tmp_path: Path) -> None:
    path = state_file(issue(pace=(), basic_access_control=True), tmp_path / "card")
    status, _, error = run("--reader", f"virtual:{path}", "--can", CAN)
    assert status == 2
    assert error == (
        "This chip opens with the MRZ only. It is of a kind from before the CAN. Scan its MRZ\n"
    )


def test_a_misread_mrz_names_the_field_and_not_its_content(run: Run, tmp_path: Path) -> None:
    path = state_file(usual(), tmp_path / "card")
    at = MRZ.index("900131")
    wrong = MRZ[:at] + "910131" + MRZ[at + 6 :]
    status, _, error = run("--reader", f"virtual:{path}", "--mrz", wrong)
    assert status == 2
    assert "read it again; check digit wrong: date of birth" in error
    assert "910131" not in error
