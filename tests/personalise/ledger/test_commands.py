"""The commands `personalise ledger` and `personalise jobs`, as scripts use them."""

import contextlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from personalise.commands.main import personalise
from personalise.ledger.sql_ledger import SqlLedger
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.people import Person
from support.command_line import run_command_line
from support.passphrase import read_passphrase
from tests.personalise.conftest import PASSPHRASE
from tests.personalise.ledger.line import Clock, Line, arrival


@pytest.fixture
def personal(
    pki: IssuingPki, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, Any]]:
    """Run a command with the PKI and the ledger; return its status and what it printed."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE.reveal() + b"\n")
    monkeypatch.setenv("CHIPSEAL_PASSPHRASE_FILE", str(passphrase))
    monkeypatch.setenv("CHIPSEAL_LEDGER", url)
    assert read_passphrase() == PASSPHRASE

    def run(*arguments: str, pki: Path | None = pki.folder) -> tuple[int, Any]:
        output = io.StringIO()
        line = [*arguments, *(("--pki", str(pki)) if pki else ())]
        with contextlib.redirect_stdout(output):
            status = run_command_line(personalise, line)
        text = output.getvalue()
        return status, json.loads(text) if "--json" in arguments else text

    return run


Run = Callable[..., tuple[int, Any]]


def only(items: Sequence[Any]) -> Any:
    (item,) = items
    return item


def test_init_makes_a_ledger_once(personal: Run) -> None:
    assert personal("ledger", "status", "--json")[0] == 64
    status, made = personal("ledger", "init", "--json")
    assert status == 0
    assert personal("ledger", "init", "--json") == (0, made)
    status, shown = personal("ledger", "status", "--json")
    assert (status, shown["ledger"], shown["database"]) == (0, made["ledger"], made["database"])
    assert set(shown) == {
        "ledger", "database", "jobs", "cards", "in_doubt", "may_be_good", "checkpoint", "periods",
    }  # fmt: skip


def test_jobs_are_listed_as_the_contract_says(personal: Run, line: Line) -> None:
    issued, waiting = line.prepare("A1", "A2")
    line.issue("CA01")
    status, listed = personal("jobs", "list", "--json")
    assert status == 0
    assert listed == [
        {
            "application": issued, "state": "issued", "card": "CA01", "reader": "reader 1",
            "attempts": 1, "reason": None,
        },
        {
            "application": waiting, "state": "prepared", "card": None, "reader": None,
            "attempts": 0, "reason": None,
        },
    ]  # fmt: skip
    assert only(personal("jobs", "list", "--state", "prepared", "--json")[1])["state"] == "prepared"
    assert personal("jobs", "list", "--state", "held", "--json") == (0, [])
    assert personal("jobs", "list")[1].startswith(issued)


def test_a_job_is_shown_with_its_steps(personal: Run, line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CA01")
    _, shown = personal("jobs", "show", job, "--json")
    assert [each["step"] for each in shown["steps"]] == [
        "received", "prepared", "claimed", "begun", "locking", "issued",
    ]  # fmt: skip
    assert shown["state"] == "issued"
    assert "issued" in personal("jobs", "show", job)[1]
    status, error = personal("jobs", "show", "A-0", "--json")
    assert (status, error["error"]["kind"]) == (64, "mistake")


def test_what_a_supervisor_decides(personal: Run, line: Line, clock: Clock) -> None:
    reprinted, doubtful, held, rejected = line.prepare("A1", "A2", "A3", "A4")
    line.issue("CA01")
    line.lock("CA02")
    clock.advance(minutes=5)
    assert personal("jobs", "reprint", reprinted, "--reason", "lost")[0] == 0
    assert personal("jobs", "reprint", reprinted, "--reason", "lost")[0] == 64
    assert personal("jobs", "hold", held, "--reason", "wait")[0] == 0
    assert personal("jobs", "reject", rejected, "--reason", "withdrawn", "--by", "eve")[0] == 0
    status, refused = personal("jobs", "write-off", "CA09", "--reason", "lost", "--json")
    assert (status, refused["error"]["kind"]) == (64, "refused-step")
    status, written_off = personal("jobs", "write-off", "ca02", "--reason", "lost", "--json")
    assert (status, written_off) == (2, {"card": "CA02", "may_be_good": True})
    assert line.states() == {
        reprinted: "prepared", doubtful: "prepared", held: "held", rejected: "rejected",
    }  # fmt: skip
    _, shown = personal("ledger", "status", "--json")
    assert shown["may_be_good"] == [
        {"card": "CA01", "application": reprinted, "state": "ended"},
        {"card": "CA02", "application": doubtful, "state": "written-off"},
    ]
    assert personal("jobs", "release", held)[0] == 0
    assert line.ledger.job(held).job.state.value == "prepared"
    user = Person.present().name
    assert line.ledger.history(reprinted)[-1][2]["by"] == user
    assert line.ledger.history(rejected)[-1][2]["by"] == f"eve, entered by {user}"


def test_what_is_decided_is_printed_as_json(personal: Run, line: Line, tmp_path: Path) -> None:
    job, issued = line.prepare("A1", "A2")
    assert personal("jobs", "hold", job, "--reason", "wait")[1] == f"{job}: held\n"
    for command, state in (
        (("release", job), "prepared"),
        (("hold", job, "--reason", "wait"), "held"),
        (("release", job), "prepared"),
        (("export", job, "-o", str(tmp_path / "image")), "prepared"),
        (("reject", job, "--reason", "withdrawn"), "rejected"),
    ):
        status, told = personal("jobs", *command, "--json")
        assert (status, told["application"], told["state"]) == (0, job, state)
    line.issue("CA01")
    status, told = personal("jobs", "reprint", issued, "--reason", "lost", "--json")
    assert (status, told["application"], told["state"]) == (0, issued, "prepared")
    status, told = personal("jobs", "reprint", issued, "--reason", "lost", "--json")
    assert (status, told["error"]["kind"]) == (64, "refused-step")


def test_a_reason_is_required(personal: Run, line: Line) -> None:
    (job,) = line.prepare("A1")
    line.issue("CA01")
    assert personal("jobs", "reprint", job)[0] == 64
    assert personal("jobs", "reprint", job, "--reason", " ")[0] == 64


def test_an_image_is_exported_and_that_is_entered(
    personal: Run, line: Line, tmp_path: Path
) -> None:
    (job,) = line.prepare("A1")
    assert personal("jobs", "export", job, "-o", str(tmp_path / "image"))[0] == 0
    assert {each.name for each in (tmp_path / "image").iterdir()} == {
        "EF_SOD.bin", "EF_DG1.bin", "chip_keys.p7m",
    }  # fmt: skip
    assert line.steps(job)[-1] == "exported"
    assert personal("jobs", "export", job, "-o", str(tmp_path / "image"))[0] == 64
    assert line.ledger.verify().findings == ()


def test_a_purge_reports_what_it_cannot_reach(personal: Run, line: Line) -> None:
    done, waiting = line.prepare("A1", "A2")
    line.issue("CA01")
    status, report = personal("jobs", "purge", done, "--json")
    assert (status, report["purged"], report["destroyed_keys"]) == (0, [done], [])
    assert report["beyond_reach"]
    status, text = personal("jobs", "purge", "--period", "2026-11")
    assert status == 2
    assert waiting in text
    assert personal("jobs", "purge")[0] == 64


def test_verify_exits_1_where_something_is_wrong(
    personal: Run, line: Line, opened: Callable[..., SqlLedger]
) -> None:
    line.prepare("A1")
    line.issue("CA01")
    status, found = personal("ledger", "verify", "--json")
    assert (status, found["findings"], found["jobs"], found["cards"]) == (0, [], 1, 1)
    with opened()._database.writing() as connection:
        connection.exec_driver_sql("UPDATE card SET status = 'in-stock'")
    status, found = personal("ledger", "verify", "--json")
    assert status == 1
    assert only(found["findings"])["where"] == "card CA01"
    assert personal("ledger", "verify")[0] == 1


def test_stock_is_kept_by_serial_number(personal: Run, line: Line, tmp_path: Path) -> None:
    (tmp_path / "delivery").write_text("CA01\nca02\n\nCA03\n")
    delivery = str(tmp_path / "delivery")
    line.prepare("A1")
    status, text = personal("ledger", "stock", "receive", "--from", delivery, "ca04")
    assert (status, text) == (0, "4 cards received; 0 in stock before\n")
    _, text = personal("ledger", "stock", "receive", "ca04", "ca05", "--json")
    assert text == {"received": 1, "in_stock_before": 1}
    _, text = personal("ledger", "stock", "spoil", "ca05", "--reason", "torn", "--json")
    (spoilt,) = text
    assert (spoilt["card"], spoilt["state"], spoilt["reason"]) == ("CA05", "spoilt", "torn")
    _, text = personal("ledger", "stock", "destroy", "ca05", "--json")
    assert [each["state"] for each in text] == ["destroyed"]
    assert personal("ledger", "stock", "spoil", "ca03", "--reason", "bent")[0] == 0
    assert personal("ledger", "stock", "destroy", "CA03")[0] == 0
    line.issue("CA01")
    _, cards = personal("ledger", "stock", "list", "--json")
    assert {each["card"]: each["state"] for each in cards} == {
        "CA01": "used", "CA02": "in-stock", "CA03": "destroyed", "CA04": "in-stock",
        "CA05": "destroyed",
    }  # fmt: skip
    assert personal("ledger", "stock", "destroy", "CA01")[0] == 64
    assert personal("ledger", "stock", "receive", "not hex")[0] == 64
    assert "CA01" in personal("ledger", "stock", "list", "--state", "used")[1]


def test_a_ledger_without_a_pki_can_be_read_and_held_back(personal: Run, line: Line) -> None:
    (job,) = line.prepare("A1")
    assert only(personal("jobs", "list", "--json", pki=None)[1])["application"] == job
    assert personal("jobs", "hold", job, "--reason", "wait", pki=None)[0] == 0
    assert line.states() == {job: "held"}
    status, error = personal("jobs", "release", job, "--json", pki=None)  # not in the audit log
    assert (status, error["error"]["advice"]) == (64, "name it with --pki")
    assert line.states() == {job: "held"}
    status, error = personal("ledger", "verify", "--json", pki=None)
    assert (status, error["error"]["advice"]) == (64, "name it with --pki")


def test_a_step_that_is_entered_is_no_error_without_its_checkpoint(
    personal: Run, line: Line, tmp_path: Path
) -> None:
    (job,) = line.receive("A1")
    (tmp_path / "wrong").write_text("not the pass phrase\n")
    wrong = ("--passphrase-file", str(tmp_path / "wrong"))
    assert personal("jobs", "hold", job, "--reason", "wait", *wrong)[0] == 0
    assert line.states() == {job: "held"}
    assert personal("jobs", "release", job, *wrong)[0] == 64  # it cannot be in the audit log
    assert line.states() == {job: "held"}


def test_a_ledger_in_the_folder_of_a_pki_has_that_pki(
    personal: Run, pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIPSEAL_LEDGER")
    place = f"sqlite:///{pki.folder / 'ledger.sqlite'}"
    assert personal("ledger", "init")[0] == 0
    (pki.folder / "ledger-checkpoint.json").unlink(missing_ok=True)
    assert personal("ledger", "verify", "--ledger", place, pki=None)[0] == 0
    assert personal("jobs", "list", pki=None)[0] == 64


def test_a_receipt_of_nothing_is_an_empty_array(personal: Run, ledger: SqlLedger) -> None:
    assert personal("jobs", "list", "--json") == (0, [])
    assert ledger.receive([arrival("A1")])[0].job is not None
