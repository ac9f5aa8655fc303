"""The monthly report."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from personalise.commands.main import personalise
from personalise.ledger.states import Job, JobState
from personalise.pki.issuing_pki import IssuingPki
from personalise.reporting.histograms import latencies_in
from personalise.reporting.month import MonthReport, month_of, report
from personalise.reporting.output import as_csv, as_html
from support.command_line import run_command_line
from support.errors import MalformedError
from support.secret import Secret

METRICS = """
# HELP chipseal_signing_seconds Time to sign and verify
# TYPE chipseal_signing_seconds histogram
chipseal_signing_seconds_bucket{le="0.01"} 50.0
chipseal_signing_seconds_bucket{le="0.1"} 90.0
chipseal_signing_seconds_bucket{le="+Inf"} 100.0
chipseal_signing_seconds_count 100.0
chipseal_signing_seconds_sum 3.0
# TYPE other_total counter
other_total 7.0
"""


@dataclass
class Entry:
    job: Job
    changed: datetime


def test_the_bounds_of_a_month() -> None:
    def day(year: int, month: int) -> datetime:
        return datetime(year, month, 1, tzinfo=UTC)

    assert month_of(datetime(2026, 11, 30, 23, 59, tzinfo=UTC)) == (day(2026, 11), day(2026, 12))
    assert month_of(day(2026, 12)) == (day(2026, 12), day(2027, 1))


def test_percentiles_of_several_processes() -> None:
    (one,) = latencies_in([METRICS])
    assert (one.count, one.percentiles) == (100, {50: pytest.approx(0.01), 95: None, 99: None})
    quick = METRICS.replace("50.0", "400.0").replace("90.0", "400.0").replace("100.0", "400.0")
    (both,) = latencies_in([METRICS, quick])
    assert both.count == 500
    assert both.percentiles[95] == pytest.approx(0.01 + 0.09 * (475 - 450) / 40)
    assert both.percentiles[99] is None
    assert latencies_in([]) == []
    with pytest.raises(MalformedError):
        latencies_in(["{"])


@pytest.fixture
def pki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PKI that is made, and used, in the middle of a month: none ends during a test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    with time_machine.travel(datetime.now(UTC).replace(day=15)):
        assert run_command_line(personalise, ["pki", "init", str(tmp_path / "pki")]) == 0
        yield tmp_path / "pki"


def made(pki: Path, jobs: list[Any] | None = None) -> MonthReport:
    now = datetime.now(UTC)
    return report(IssuingPki.without_keys(pki), now, jobs, latencies_in([METRICS]), now)


def test_what_a_month_holds(pki: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ("incident", "open", "=SUM(A1) an <incident>"),
        ("pki", "set", "documents_per_signer=7", "--reason", "change 17"),
        ("pki", "issue-crl"),
    ):
        assert run_command_line(personalise, [*arguments, "--pki", str(pki)]) == 0
    capsys.readouterr()
    now, folder = datetime.now(UTC), IssuingPki.without_keys(pki)
    register = IssuingPki.open(pki, Secret(b"any"), with_signing_keys=False)
    for number in range(3):
        register.register_document(folder.certificate("ds"), now, bytes([number]), f"N{number}")
    longer_ago = datetime(2001, 1, 1, tzinfo=UTC)
    register.register_document(folder.certificate("ds"), longer_ago, b"x", "N9")
    jobs = [
        Entry(Job("a", JobState.ISSUED), now),
        Entry(Job("b", JobState.REJECTED, reason="the portrait is blurred"), now),
        Entry(Job("c", JobState.REJECTED, reason="the portrait is blurred"), now),
        Entry(Job("d", JobState.ISSUED), longer_ago),
        Entry(Job("e", JobState.PREPARED), now),
    ]
    found = made(pki, jobs)
    assert found.signed == 3
    assert (found.issued, found.rejects) == (1, {"the portrait is blurred": 2})
    assert found.operations["crl.issue"] == 1
    assert [each.field for each in found.changes] == ["documents_per_signer"]
    rows = list(csv.reader(io.StringIO(as_csv(found))))
    assert ["signatures", "in all", "3"] in rows
    assert ["rejects", "the portrait is blurred", "2"] in rows
    assert ["seconds", "chipseal_signing_seconds 50 %", "0.010"] in rows
    assert not any(cell.startswith("=") for row in rows for cell in row)
    page = as_html(found)
    assert "an &lt;incident&gt;" in page
    assert "<script" not in page


def test_without_a_ledger_cards_are_not_claimed(pki: Path) -> None:
    assert not any(row.startswith("cards") for row in as_csv(made(pki)).splitlines())


def test_the_command(pki: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metrics").write_text(METRICS)
    month = f"{datetime.now(UTC):%Y-%m}"
    files = ["--html", str(tmp_path / "m.html"), "--csv", str(tmp_path / "m.csv")]
    metrics = ["--metrics", str(tmp_path / "metrics")]
    arguments = ["report", "--month", month, "--pki", str(pki), *files, *metrics]
    assert run_command_line(personalise, arguments) == 0
    assert month in (tmp_path / "m.html").read_text()
    assert "chipseal_signing_seconds" in (tmp_path / "m.csv").read_text()
    capsys.readouterr()
    assert run_command_line(personalise, ["report", "--pki", str(pki)]) == 0
    assert "report,month" in capsys.readouterr().out
    assert run_command_line(personalise, ["report", "--month", "0001-01", "--pki", str(pki)]) == 0
    assert "report,month,0001-01" in capsys.readouterr().out
    assert run_command_line(personalise, ["report", "--month", "9999-12", "--pki", str(pki)]) == 64
    assert "--month: 9999-12 has not begun" in capsys.readouterr().err
    log = pki / "audit.jsonl"
    log.write_text(json.dumps({"entry": 1}))
    assert run_command_line(personalise, ["report", "--pki", str(pki)]) == 64
