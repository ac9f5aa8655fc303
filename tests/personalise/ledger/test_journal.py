"""The names of stations, their journals, and a ledger that was restored from a backup."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from personalise.ledger.errors import LedgerRestoredError
from personalise.ledger.journal import Journal, StationSlot, station_slot
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import Worker
from personalise.pki.issuing_pki import IssuingPki
from tests.personalise.ledger.conftest import Backup
from tests.personalise.ledger.line import Line

LEDGER = "0123456789abcdef"


def test_a_station_that_starts_again_has_its_name_again() -> None:
    with station_slot(LEDGER) as first, station_slot(LEDGER) as second:
        assert first.name != second.name
        held = second.name
    with station_slot(LEDGER) as again:
        assert again.name == first.name
    with station_slot(LEDGER), station_slot(LEDGER) as other:
        assert other.name == held


def test_a_killed_station_leaves_its_name_free() -> None:
    code = (
        "from personalise.ledger.journal import station_slot\n"
        f"with station_slot({LEDGER!r}) as slot: print(slot.name, flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    with station_slot(LEDGER) as other:
        assert other.name != name
    process.kill()
    process.wait()
    with station_slot(LEDGER) as again:
        assert again.name == name
    process.communicate()


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[StationSlot]:
    (tmp_path / "journal").mkdir()
    return StationSlot("press-1", Journal(tmp_path / "journal"))


def test_the_journal_holds_the_entries_about_cards(line: Line, slot: StationSlot) -> None:
    line.ledger.join(slot)
    (job,) = line.prepare("A1")
    line.issue("CARD1")
    entries = list(slot.journal.entries())
    assert [each.step.name for each in entries] == ["begun", "locking", "issued"]
    assert {(each.job, each.card) for each in entries} == {(job, "CARD1")}
    assert slot.journal.last() == entries[-1]


def test_an_unfinished_line_does_not_count(line: Line, slot: StationSlot) -> None:
    line.ledger.join(slot)
    line.prepare("A1")
    line.begin("CARD1")
    (file,) = slot.journal.folder.glob("*.jsonl")
    before = slot.journal.last()
    with file.open("ab") as stream:
        stream.write(b'{"ledger":')
    assert slot.journal.last() == before


def test_a_restored_ledger_starts_no_station(
    line: Line, slot: StationSlot, backup: Backup, opened: Callable[..., SqlLedger]
) -> None:
    line.ledger.join(slot)
    line.prepare("A1")
    saved = backup.make()
    line.issue("CARD1")
    backup.restore(saved)
    restored = opened()
    with pytest.raises(LedgerRestoredError, match="station press-1"):
        restored.join(slot)


def test_a_restored_ledger_lacks_the_last_checkpoint(
    line: Line, tmp_path: Path, backup: Backup, opened: Callable[..., SqlLedger]
) -> None:
    line.prepare("A1")
    saved = backup.make()
    line.issue("CARD1", Worker("press-2", "1"))
    line.ledger.close()
    backup.restore(saved)
    restored = opened()
    with pytest.raises(LedgerRestoredError, match="checkpoint"):
        restored.join(StationSlot("press-1", Journal(tmp_path)))


def test_verify_reads_the_journals_of_this_host(
    line: Line, backup: Backup, pki: IssuingPki, opened: Callable[..., SqlLedger]
) -> None:
    outside = pki.folder / "ledger-checkpoint.json"
    with station_slot(line.ledger.id) as slot:
        line.ledger.join(slot)
        line.prepare("A1")
        saved = backup.make()
        line.issue("CARD1", Worker(slot.name, "1"))
        assert line.ledger.verify().findings == ()  # while the station works
    line.ledger.close()
    backup.restore(saved)
    outside.unlink()  # the PKI's folder was restored too
    restored = opened()
    (finding,) = restored.verify().findings
    assert finding.where == f"chain {slot.name}"
    assert "restored from a backup" in finding.problem
    restored.rejoin(reason="disk failed", by="supervisor")
    assert restored.verify().findings == ()
