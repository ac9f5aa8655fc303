"""The commands around the station, as operators and supervisors give them."""

import contextlib
import csv
import io
import json
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emrtd.lds.image import LdsImage
from emrtd.pki.lists.stop_list import StopList
from personalise.commands.main import personalise
from personalise.pki.auditing import verify_audit
from personalise.pki.people import Person
from support.command_line import run_command_line
from tests.trials.line import Line, _serial
from verify.commands.main import verify

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A line with four prepared applications, and blank cards in a feeder."""
    made = Line.established(tmp_path / "line", 4)
    with made.issuer.at_work():
        yield made


@pytest.fixture
def run(line: Line) -> Run:
    """Run a command of `personalise`, as the user who owns the PKI; return status and output."""

    def personal(*arguments: object) -> tuple[int, Any]:
        output, errors = io.StringIO(), io.StringIO()
        words = [*map(str, arguments), "--pki", str(line.issuer.pki)]
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = run_command_line(personalise, words)
        text = output.getvalue()
        return status, json.loads(text) if "--json" in words and text else text + errors.getvalue()

    return personal


def jobs(run: Run, state: str) -> list[str]:
    return [each["application"] for each in run("jobs", "list", "--state", state, "--json")[1]]


def station(line: Line) -> set[str]:
    """Run a station over the feeder; return the cards that were issued."""
    (feeder,) = line.feeders
    reader = ("--reader", f"feeder:{feeder}", "--until-empty", "--no-preparation")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        words = ["station", *reader, "--json", "--pki", str(line.issuer.pki)]
        assert run_command_line(personalise, words) == 0
    events = [json.loads(text) for text in output.getvalue().splitlines()]
    return {each["card"] for each in events if each["event"] == "issued"}


def judged(line: Line, image: Path, *options: object) -> dict[str, Any]:
    words = ["image", image, "--trust", line.trust, "--json", *options]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        run_command_line(verify, [str(each) for each in words])
    report: dict[str, Any] = json.loads(output.getvalue())
    return report


def test_from_the_printer_to_the_holder(line: Line, run: Run, tmp_path: Path) -> None:
    waiting = jobs(run, "prepared")
    file = tmp_path / "print.csv"
    status, told = run("jobs", "export", *waiting[:3], "--print", file, "--json")
    assert (status, told["count"]) == (0, 3)
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    assert [row["application"] for row in rows] == waiting[:3]

    # What is printed is what the chip will hold, in files that only the owner reads.
    assert run("jobs", "export", waiting[0], "-o", tmp_path / "image")[0] == 0
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert run_command_line(personalise, ["passwords", str(tmp_path / "image"), "--json"]) == 0
    passwords = json.loads(output.getvalue())
    assert [rows[0][f"mrz_{n}"] for n in (1, 2, 3)] == passwords["mrz"]
    assert rows[0]["can"] == passwords["can"]
    assert (rows[0]["document_number"], rows[0]["primary_identifier"]) == ("ZU0000000", "Ødegård")
    assert (rows[0]["date_of_birth"], rows[0]["date_of_expiry"]) == ("31 JAN 1990", "21 NOV 2031")
    assert rows[0]["barcode"] == waiting[0]
    portrait = tmp_path / "print-portraits" / rows[0]["portrait"]
    assert portrait.read_bytes().startswith(b"\xff\xd8\xff")
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (file, portrait, portrait.parent)]
    assert modes == [0o600, 0o600, 0o700]
    assert run("jobs", "export", "--print", file)[0] == 64  # never overwritten
    assert run("jobs", "export", waiting[0], "--print", tmp_path / "again.csv")[0] == 64
    assert not (tmp_path / "again.csv").exists()
    assert not (tmp_path / "again-portraits").exists()

    at_the_printer = run("jobs", "list", "--printing", "sent", "--json")[1]
    assert [each["application"] for each in at_the_printer] == waiting[:3]

    # Two cards come back right, in another order; the third has the print of the first.
    cards = [_serial(state) for _, state in sorted(line.cards(None).items())][-4:]
    result = tmp_path / "result.jsonl"
    first, second = rows[0]["document_number"], [rows[1][f"mrz_{n}"] for n in (1, 2, 3)]
    lines = [
        {"application": waiting[0], "card": cards[1], "document_number": first},
        {"application": waiting[1], "card": cards[0], "mrz": second},
        {"application": waiting[2], "card": cards[2], "document_number": first},
        {"application": "A-0000000000000000", "card": cards[3], "document_number": "X"},
    ]
    result.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    status, outcomes = run("jobs", "printed", result, "--json")
    assert status == 2
    assert [each["outcome"] for each in outcomes] == ["matched", "matched", "rejected", "refused"]
    assert outcomes[2]["reason"] == "the document number that was printed is not the application's"
    assert "ZU000" not in json.dumps(outcomes)
    again = run("jobs", "printed", result, "--json")[1]
    assert [each["outcome"] for each in again] == [each["outcome"] for each in outcomes]

    # Each printed card takes its own application, and a blank one the fourth.
    issued = station(line)
    made = {each["application"]: each["card"] for each in run("jobs", "list", "--json")[1]}
    assert [made[job] for job in waiting[:3]] == [cards[1], cards[0], None]
    assert issued == {cards[0], cards[1], made[waiting[3]]}
    assert run("jobs", "show", waiting[2], "--json")[1]["printing"] == "wanted"

    # Quality check, packing, handing over; the old card of a reprint.
    assert run("jobs", "pack", cards[1])[0] == 64
    for command, place in (("check", "checked"), ("pack", "packed"), ("hand-over", "handed-over")):
        status, moved = run("jobs", command, cards[1], "--json")
        assert (status, moved) == (
            0,
            [{"card": cards[1], "application": waiting[0], "place": place}],
        )
    assert run("jobs", "show", waiting[0], "--json")[1]["place"] == "handed-over"
    (listed,) = run("ledger", "stock", "list", "--place", "handed-over", "--json")[1]
    assert (listed["card"], listed["place"]) == (cards[1], "handed-over")
    checked = run("jobs", "check", cards[0], "--failed", "blurred")
    assert checked == (0, f"{cards[0]}: failed, of {waiting[1]}\n")
    assert run("jobs", "pack", cards[0])[0] == 64
    assert run("jobs", "reprint", waiting[1], "--reason", "blurred")[0] == 0
    status = run("ledger", "status", "--json")[1]
    assert [each["card"] for each in status["may_be_good"]] == [cards[0]]
    assert run("ledger", "stock", "destroy", cards[0])[0] == 0
    assert run("ledger", "status", "--json")[1]["may_be_good"] == []
    assert run("ledger", "verify")[0] == 0


def test_a_stolen_document_is_stopped_and_a_found_one_is_not(
    line: Line, run: Run, tmp_path: Path
) -> None:
    station(line)
    job = jobs(run, "issued")[-1]
    stops = tmp_path / "stops.p7m"
    stopping = ("jobs", "stop", job, "--reason", "stolen", "--since", "2026-11-20")
    status, text = run(*stopping, "-o", stops)
    assert (status, "issue-list-signer stop" in text) == (64, True)
    assert run("jobs", "stops", "--json") == (0, [])  # nothing is entered without a list
    assert run("pki", "issue-list-signer", "stop")[0] == 0
    status, text = run(*stopping, "-o", stops)
    assert (status, text.splitlines()[0]) == (0, f"{job}: issued, on the stop list as stolen")
    assert text.splitlines()[1].startswith(f"{stops}: 1 document, ")
    assert run("jobs", "stops", "--json")[1] == [
        {"application": job, "reason": "stolen", "since": "2026-11-20T00:00:00Z"}
    ]
    unstopping = ("jobs", "unstop", job, "--reason", "found", "-o", line.issuer.pki / "csca.cer")
    status, text = run(*unstopping)
    assert (status, "csca.cer: already exists, and is no stop list" in text) == (64, True)
    assert len(run("jobs", "stops", "--json")[1]) == 1, "nothing is entered without a list"
    assert run("jobs", "export", job, "-o", tmp_path / "image")[0] == 0
    found = judged(line, tmp_path / "image", "--stop-list", stops)
    (check,) = (each for each in found["checks"] if each["id"] == "document.stop-list")
    assert found["verdict"] == "reject"
    assert check["reason"] == "its issuer reports it as stolen since 2026-11-20"
    assert run("jobs", "reprint", job, "--reason", "lost")[0] == 64

    assert run("jobs", "purge", job)[0] == 0  # the list is made without the application
    assert f"{stops}: 1 document, " in run("jobs", "stop-list", "-o", stops)[1]
    status, published = run("jobs", "stop-list", "-o", stops, "--days", 1, "--json")
    assert (status, published["documents"]) == (0, 1)
    assert judged(line, tmp_path / "image", "--stop-list", stops)["verdict"] == "reject"
    number = _number_of(tmp_path / "image")
    assert number.encode() not in stops.read_bytes()
    assert StopList.parse(stops.read_bytes()).find("UTO", number) is not None

    assert run("jobs", "unstop", job, "--reason", "found", "-o", stops)[0] == 0
    found = judged(line, tmp_path / "image", "--stop-list", stops)
    (check,) = (each for each in found["checks"] if each["id"] == "document.stop-list")
    assert (found["verdict"], check["outcome"]) == ("accept", "passed")
    status, text = run(*stopping)
    assert (status, "--document" in text) == (64, True)
    (tmp_path / "document").write_text(f"UTO {number}\n", encoding="ascii")
    document = ("--document", tmp_path / "document")
    assert run("jobs", "stop", *document, "--reason", "lost")[0] == 0
    assert run("jobs", "stops", "--json")[1][0]["application"] == job
    assert run("jobs", "unstop", job, "--reason", "found")[0] == 0
    two_months_on = f"{datetime.now(UTC) + timedelta(days=62):%Y-%m-%d}"
    late = judged(line, tmp_path / "image", "--stop-list", stops, "--at", two_months_on)
    (check,) = (each for each in late["checks"] if each["id"] == "document.stop-list")
    assert (late["verdict"], check["outcome"]) == ("refer", "undetermined")


def _number_of(image: Path) -> str:
    from emrtd.lds.data_groups.dg1 import DataGroup1
    from emrtd.lds.files import FileID

    return DataGroup1.decode(LdsImage.load(image).files[FileID.DG1]).mrz.document_number


def test_what_needs_a_supervisor_is_refused_to_others_and_logged(
    line: Line, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waiting = jobs(run, "prepared")[0]
    me = Person.present()
    ann, eve = Person("ann", me.uid + 1), Person("eve", me.uid + 2)

    def act_as(person: Person) -> None:
        monkeypatch.setattr(
            Person, "present", lambda officers=(): Person(person.user, person.uid, tuple(officers))
        )

    act_as(ann)  # nobody is named: the owner of the folder decides
    status, refused = run("jobs", "reject", waiting, "--reason", "x", "--json")
    assert (status, refused["error"]["kind"]) == (64, "not-allowed")
    assert run("people", "set", "--supervisor", "user:ann")[0] == 64
    act_as(me)
    named = ("--supervisor", "user:eve", "--supervisor", f"user:{me.uid}", "--operator", "user:ann")
    status, refused = run("people", "set", "--supervisor", "user:eve")  # shuts himself out
    assert (status, "would no longer be a supervisor" in refused) == (64, True)
    assert run("people", "set", "--supervisor", "eve")[0] == 64
    assert run("people", "set", *named)[0] == 0
    assert run("people", "list", "--json")[1]["operators"] == ["user:ann"]

    decisions = [
        ("jobs", "reject", waiting, "--reason", "x"),
        ("jobs", "reprint", waiting, "--reason", "x"),
        ("jobs", "release", waiting),
        ("jobs", "purge", waiting),
        ("jobs", "write-off", "CA01", "--reason", "x"),
        ("jobs", "stop", waiting, "--reason", "lost"),
        ("jobs", "unstop", waiting, "--reason", "x"),
        ("jobs", "stop-list", "-o", tmp_path / "list"),
        ("jobs", "export", waiting, "-o", tmp_path / "image"),
        ("ledger", "rejoin", "--reason", "x"),
    ]
    act_as(ann)
    before = verify_audit(line.issuer.pki).entries
    for decision in decisions:
        status, refused = run(*decision, "--json")
        assert (status, refused["error"]["kind"]) == (64, "not-allowed"), decision
    assert verify_audit(line.issuer.pki).entries == before + len(decisions)
    log = (line.issuer.pki / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(log[-1])["entry"]
    assert (last["act"], last["subject"]["operation"]) == ("people.refuse", "ledger.rejoin")
    assert last["subject"]["user"] == "ann"
    assert run("jobs", "hold", waiting, "--reason", "wait")[0] == 0  # an operator may
    act_as(Person("joe", me.uid + 3))
    assert run("jobs", "hold", waiting, "--reason", "wait")[0] == 64
    assert run("jobs", "list")[0] == 0

    act_as(eve)
    assert run("jobs", "release", waiting, "--reason", "letter came")[0] == 0
    done = json.loads((line.issuer.pki / "audit.jsonl").read_text().splitlines()[-1])["entry"]
    assert (done["act"], done["outcome"], done["subject"]) == (
        "jobs.release",
        "done",
        {"application": waiting, "reason": "letter came", "user": "eve"},
    )


def test_an_officer_decides_with_his_key(
    line: Line, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    phrase, key = tmp_path / "phrase", tmp_path / "carol.p8"
    phrase.write_text("carol's own\n", encoding="ascii")
    officer = ("--officer", f"carol={key}", "--officer-passphrase-file", f"carol={phrase}")
    enrol = ("officer", "enrol", "carol", "-o", key, "--new-passphrase-file", phrase)
    me = Person.present()
    assert run(*enrol)[0] == 0
    both = ("--supervisor", "officer:carol", "--supervisor", f"user:{me.user}")
    assert run("people", "set", *both)[0] == 0
    assert run("people", "set", "--supervisor", "officer:carol", *officer)[0] == 0
    waiting = jobs(run, "prepared")[0]
    assert run("jobs", "reject", waiting, "--reason", "withdrawn")[0] == 64
    assert run("jobs", "reject", waiting, "--reason", "withdrawn", *officer)[0] == 0
    assert run("jobs", "show", waiting, "--json")[1]["steps"][-1]["by"] == "officer carol"
    approved = json.loads((line.issuer.pki / "audit.jsonl").read_text().splitlines()[-1])["entry"]
    assert [each["officer"] for each in approved["approvals"]] == ["carol"]
    assert run("audit", "verify")[0] == 0
    # A decision may require officers whoever the supervisor is.
    operations = ("--operation", "jobs.purge")
    assert run("officer", "require", 1, *operations, *officer)[0] == 0
    assert run("people", "set", *both, *officer)[0] == 0
    assert "requires 1 officers" in run("jobs", "purge", waiting)[1]
    assert run("jobs", "purge", waiting, *officer)[0] == 0


def test_a_supervisor_decides_at_a_machine_of_his_own(
    line: Line, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    phrase, key, act = tmp_path / "phrase", tmp_path / "carol.p8", tmp_path / "act.json"
    phrase.write_text("carol's own\n", encoding="ascii")
    assert run("officer", "enrol", "carol", "-o", key, "--new-passphrase-file", phrase)[0] == 0
    both = ("--supervisor", "officer:carol", "--supervisor", f"user:{Person.present().user}")
    assert run("people", "set", *both)[0] == 0
    ann = Person("ann", Person.present().uid + 1)
    monkeypatch.setattr(
        Person, "present", lambda officers=(): Person(ann.user, ann.uid, tuple(officers))
    )
    waiting = jobs(run, "prepared")[0]
    reject = ("jobs", "reject", waiting, "--reason", "withdrawn")
    before = verify_audit(line.issuer.pki).entries
    words = ["pki", "act", "propose", "-o", str(act), "--pki", str(line.issuer.pki), "--", *reject]
    with contextlib.redirect_stdout(io.StringIO()):
        assert run_command_line(personalise, words) == 0
    assert verify_audit(line.issuer.pki).entries == before
    assert run("pki", "act", "run", act)[0] == 64  # nobody has approved it
    own = ["--officer", f"carol={key}", "--officer-passphrase-file", f"carol={phrase}"]
    approve = ["pki", "act", "approve", str(act), *own]
    with contextlib.redirect_stdout(io.StringIO()):
        assert run_command_line(personalise, approve) == 0
    assert run("pki", "act", "run", act)[0] == 0
    assert jobs(run, "rejected") == [waiting]
    assert run("jobs", "show", waiting, "--json")[1]["steps"][-1]["by"] == "officer carol"
    assert run("audit", "verify")[0] == 0
