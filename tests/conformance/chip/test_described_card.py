"""A card that is described is only read, unless changes are allowed."""

import dataclasses
import json
import secrets
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from chipseal.command_line import chipseal
from conformance.case import Outcome, Result
from conformance.chip.cards import DescribedCard
from conformance.chip.catalogue import CASES
from conformance.chip.cvca_folder import CvcaFolder
from conformance.chip.own_state import MRZ, document
from conformance.chip.suite import SCRIPTS, run_suite
from conformance.chip.terminal_pki import Holder, KeyKind
from emrtd.access.passwords import Password
from emrtd.asn1 import der
from emrtd.iso7816.apdu import INS
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import FILES, FileID
from personalise.preparing.station_order import StationOrder
from personalise.station.one_card import write_image
from support.command_line import run_command_line
from support.errors import ExitStatus, MisuseError
from tests.conformance.chip.blanks import MemoryBlanks
from tests.issuing import Issuer, Kind
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.layers import Watched
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState

WRITING = {
    INS.CREATE_FILE, INS.UPDATE_BINARY, INS.UPDATE_BINARY_ODD, INS.PUT_DATA, INS.PUT_DATA_ODD,
    INS.ACTIVATE_FILE, INS.DELETE_FILE, INS.TERMINATE_CARD_USAGE, INS.RESET_RETRY_COUNTER,
}  # fmt: skip
PASSWORD = Password.from_mrz_information(MRZ.information)


@cache
def written(kind: KeyKind) -> tuple[bytes, Holder]:
    """Return the state of a chip with every mechanism, and the CVCA that it trusts."""
    made, blanks = document(kind, secrets.token_bytes), MemoryBlanks()
    with blanks.blank() as connection:
        write_image(made.files, StationOrder("iso7816-9", made.keys), connection)
    return blanks.keep(), made.cvca


def ran(
    chip: Chip | Watched,
    kind: KeyKind,
    *,
    changes: bool = False,
    without: frozenset[str] = frozenset(),
    cases: Iterable[str] = CASES,
    today: date | None = None,
) -> dict[str, Result]:
    _, cvca = written(kind)
    folder = CvcaFolder((cvca.certificate,), (cvca,))
    card = DescribedCard(CardConnection(chip), PASSWORD, None, folder, changes=changes, today=today)
    return {
        each.id: each for each in run_suite(card, [CASES[each] for each in cases], without=without)
    }


def outcomes(results: dict[str, Result]) -> dict[Outcome, set[str]]:
    return {
        outcome: {id_ for id_, each in results.items() if each.outcome is outcome}
        for outcome in Outcome
    }


ID_TA = der.oid("0.4.0.127.0.7.2.2.2")
WITHDRAWN = {each.id for each in CASES.values() if each.withdrawn}
CHANGING = {id_ for id_, script in SCRIPTS.items() if script.changes}


def test_a_described_card_is_only_read() -> None:
    kind = KeyKind.ECDSA
    chip = Chip(ChipState.decode(written(kind)[0]))
    before, watched = chip.state, Watched(chip)
    found = outcomes(ran(watched, kind))
    assert chip.state == before
    assert not {each.ins for each in watched.commands} & WRITING
    assert found[Outcome.FAILED] == set()
    assert found[Outcome.NOT_APPLICABLE] == WITHDRAWN | CHANGING | {"ISO7816_M_6"}


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (KeyKind.ECDSA, {"ISO7816_J_32", "ISO7816_J_39", "ISO7816_J_40"}),
        (KeyKind.RSA, {"ISO7816_J_33", "ISO7816_J_34", "ISO7816_J_38"}),
    ],
)
def test_with_changes_every_case_for_its_kind_of_key_runs(kind: KeyKind, others: set[str]) -> None:
    """One card lives through all changes, with both protocols: each case starts where one ended."""
    found = outcomes(ran(Chip(ChipState.decode(written(kind)[0])), kind, changes=True))
    assert found[Outcome.FAILED] == set()
    assert found[Outcome.NOT_APPLICABLE] == WITHDRAWN | others


def test_what_the_card_is_declared_not_to_have_is_left_out() -> None:
    chip = Chip(ChipState.decode(written(KeyKind.ECDSA)[0]))
    cases = ("ISO7816_J_9", "ISO7816_J_33", "ISO7816_K_20")
    without = frozenset({"DATE", "PACE", "ECDSA"})
    results = ran(chip, KeyKind.ECDSA, changes=True, without=without, cases=cases)
    assert [each.reason for each in results.values()] == [
        "the card has no validation of dates",
        "the card has no trust point with an EC key",
        "the card has no PACE",
    ]


# --- over the command line ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer.established(tmp_path_factory.mktemp("utopia"), "UTO")


Conformance = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def conformance(capsys: pytest.CaptureFixture[str], issuer: Issuer) -> Conformance:
    def run(*arguments: str | Path) -> dict[str, dict[str, str]]:
        with issuer.at_work():
            line = ["conformance", "chip", "--json", *map(str, arguments)]
            assert run_command_line(chipseal, line) == ExitStatus.OK
        return {each["id"]: each for each in json.loads(capsys.readouterr().out)}

    return run


def test_a_permit_with_the_chain_of_a_terminal(
    conformance: Conformance, issuer: Issuer, tmp_path: Path
) -> None:
    """The folder that `pki init` makes has a terminal's key, and not that of the CVCA.

    The files are those that `personalise` has issued: their coding is checked too.
    """
    kind = Kind(chip_authentication=_AGREEMENTS, terminal_authentication=True, can=False)
    card = issuer.issue(kind, tmp_path)
    found = conformance(
        "--reader", f"virtual:{card.state}", "--mrz", card.mrz.text,
        "--cvca", issuer.pki / "terminal",
    )  # fmt: skip
    passed = {id_ for id_, each in found.items() if each["outcome"] == "passed"}
    assert {"LDS_E_2", "LDS_E_5", "LDS_F_1", "ISO7816_J_1", "ISO7816_K_1"} <= passed
    assert {f"LDS_G_{number}" for number in range(1, 12)} <= passed
    assert found["LDS_H_1"]["reason"] == "the card has no DG4"
    assert found["ISO7816_J_3"]["reason"] == "the key of the chip's trust point is not known"
    assert found["ISO7816_L_13"]["reason"] == "the card has no BAC"
    assert FileID.DG3 in card.image.files


def test_without_a_folder_no_certificate_is_presented(
    conformance: Conformance, issuer: Issuer, tmp_path: Path
) -> None:
    kind = Kind(chip_authentication=_AGREEMENTS, terminal_authentication=True)
    card = issuer.issue(kind, tmp_path)
    found = conformance("--reader", f"virtual:{card.state}", "--can", card.can)
    passed = {id_ for id_, each in found.items() if each["outcome"] == "passed"}
    assert {"ISO7816_H_1", "ISO7816_H_13", "LDS_E_2", "LDS_F_1"} <= passed
    assert "--cvca" in found["ISO7816_K_1"]["reason"]
    assert "--cvca" in found["LDS_G_1"]["reason"]


_AGREEMENTS = Kind().pace


def test_a_virtual_card_that_was_written_must_be_described(tmp_path: Path) -> None:
    path = tmp_path / "card"
    path.write_bytes(written(KeyKind.ECDSA)[0])
    before = path.read_bytes()
    line = ["conformance", "chip", "--reader", f"virtual:{path}", "--case", "LDS_F_1"]
    assert run_command_line(chipseal, line) == ExitStatus.MISTAKE
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--case", "ISO7816_J_999"), ExitStatus.MISTAKE, "no such case"),
        (("--reader", "virtual:absent", "--can", "123456"), ExitStatus.NO_CARD, "no such card"),
        (("--cvca", "absent", "--can", "123456"), ExitStatus.MISTAKE, "no such folder"),
        (("--reader", "virtual:new", "--cvca", "absent"), ExitStatus.MISTAKE, "a blank card needs"),
        (("--reader", "virtual:absent/new"), ExitStatus.MISTAKE, "absent"),
        (("--reader", "virtual:"), ExitStatus.MISTAKE, "virtual:"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...],
    status: ExitStatus,
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command_line(chipseal, ["conformance", "chip", *arguments]) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_a_failed_case_is_exit_status_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    state = ChipState.decode(written(KeyKind.ECDSA)[0])
    file = state.files.find((Directory.EMRTD, FILES[FileID.CVCA].identifier))
    assert file is not None
    changed = dataclasses.replace(file, content=file.content[:-1] + b"\x01")
    path = tmp_path / "card"
    path.write_bytes(state.with_changed_file(changed).encode())
    line = ["conformance", "chip", "--reader", f"virtual:{path}", "--mrz", MRZ.text]
    assert run_command_line(chipseal, [*line, "--case", "LDS_F_1,LDS_E_2"]) == ExitStatus.REJECTED
    lines = capsys.readouterr().out.splitlines()
    assert [each.split()[:2] for each in lines[:-1]] == [
        ["passed", "LDS_E_2"],
        ["failed", "LDS_F_1"],
    ]
    assert lines[-1] == "1 passed, 1 failed, 0 not applicable"


@pytest.mark.parametrize(
    ("file_id", "failed", "passed"),
    [
        (FileID.SOD, "ISO7816_K_19", "ISO7816_K_1"),
        (FileID.DG14, "LDS_E_2", "ISO7816_H_3"),
        (FileID.DG3, "LDS_G_1", "LDS_G_2"),
        (FileID.ATR_INFO, "LDS_L_4", "LDS_L_2"),
    ],
)
def test_a_malformed_file_fails_its_cases_alone(file_id: FileID, failed: str, passed: str) -> None:
    """DG14 has TerminalAuthenticationInfo of version 2, every other file a wrong first tag."""
    state = ChipState.decode(written(KeyKind.ECDSA)[0])
    file = state.files.find((FILES[file_id].directory, FILES[file_id].identifier))
    assert file is not None
    content = file.content.replace(ID_TA + b"\x02\x01\x01", ID_TA + b"\x02\x01\x02")
    if content == file.content:
        content = b"\x04" + content[1:]
    chip = Chip(state.with_changed_file(dataclasses.replace(file, content=content)))
    results = ran(chip, KeyKind.ECDSA, cases=(failed, passed))
    assert results[failed].outcome is Outcome.FAILED
    assert results[passed].outcome is Outcome.PASSED


def test_the_date_of_a_card_that_has_advanced_is_stated() -> None:
    """Without it, a certificate that has expired by the card's date would have to be accepted."""
    later = date(2027, 6, 1)
    cases = ("ISO7816_M_1", "ISO7816_J_26")
    chip = Chip(ChipState.decode(written(KeyKind.ECDSA)[0]))
    first = ran(chip, KeyKind.ECDSA, changes=True, cases=("ISO7816_M_1",), today=later)
    assert first["ISO7816_M_1"].outcome is Outcome.PASSED
    unstated = ran(chip, KeyKind.ECDSA, changes=True, cases=cases)
    assert unstated["ISO7816_J_26"].outcome is Outcome.FAILED
    stated = ran(chip, KeyKind.ECDSA, changes=True, cases=cases, today=date(2027, 9, 1))
    assert {each.outcome for each in stated.values()} == {Outcome.PASSED}


def test_a_wrong_password_is_a_mistake_not_a_failed_case() -> None:
    chip = Chip(ChipState.decode(written(KeyKind.ECDSA)[0]))
    with pytest.raises(MisuseError, match="does not open with this password"):
        DescribedCard(
            CardConnection(chip), Password.from_mrz_information("X" * 24), None, None, changes=False
        )


def test_a_blank_virtual_card_is_blank_afterwards(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "blank"
    junit, page = tmp_path / "junit.xml", tmp_path / "page.html"
    line = [
        "conformance", "chip", "--reader", f"virtual:{path}", "--case", "LDS_F_1,ISO7816_H_3",
        "--junit", str(junit), "--page", str(page),
    ]  # fmt: skip
    assert run_command_line(chipseal, line) == ExitStatus.OK
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 0 failed, 0 not applicable"
    assert not path.exists()
    assert 'name="TR-03105-3.2" tests="2" failures="0"' in junit.read_text()
    assert page.read_text().count("<tr id=") == 2


def test_the_list_of_cases_needs_no_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(chipseal, ["conformance", "chip", "--list"]) == ExitStatus.OK
    assert len(capsys.readouterr().out.splitlines()) == len(CASES)
