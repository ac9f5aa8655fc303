"""After a purge nothing opens: not the ledger, and no backup of the database with what is left."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from personalise.ledger.opening import open_ledger
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import JobState, Refusal, StepRefusedError
from personalise.pki.issuing_pki import IssuingPki
from support.errors import MisuseError
from tests.personalise.conftest import PASSPHRASE
from tests.personalise.ledger.conftest import Backup
from tests.personalise.ledger.line import ANNA, DESK, KIND, Clock, Line, arrival


def period_key(pki: IssuingPki, period: str) -> Path:
    return pki.folder / "retention" / f"{period}.key"


@pytest.fixture
def clock() -> Clock:
    """A month of its own for each test, since the PKI is shared."""
    clock = Clock()
    clock.now = clock.now.replace(year=2030)
    return clock


def test_a_purged_job_has_no_contents(line: Line, url: str) -> None:
    (job,) = line.prepare("A1")
    claim = line.issue("CARD1")
    report = line.ledger.purge(jobs=[job], by="s")
    assert report.jobs == (job,)
    assert line.states() == {job: "purged"}
    with pytest.raises(MisuseError, match="purged"):
        line.ledger.image(claim)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM blob")).scalar() == 0
        assert connection.execute(text("SELECT count(wrapped_key) FROM job")).scalar() == 0
    engine.dispose()
    assert line.ledger.verify().findings == ()
    assert any("2030-11.key" in each for each in report.beyond_reach)
    (again,) = line.ledger.receive([arrival("A1")])
    assert again.duplicate_of == job  # the card is still out there


def test_only_finished_jobs_are_purged(line: Line) -> None:
    (open_job, doubtful) = line.prepare("A1", "A2")
    line.ledger.hold(open_job, "wait", by="s")
    line.lock("CARD1")
    for job, refusal in ((open_job, Refusal.WRONG_STATE), (doubtful, Refusal.IN_DOUBT)):
        with pytest.raises(StepRefusedError) as caught:
            line.ledger.purge(jobs=[job], by="s")
        assert caught.value.refusal is refusal
    assert set(line.ledger.purge(period="2030-11", by="s").kept) == {open_job, doubtful}


def test_a_backup_from_before_the_purge_opens_nothing(
    line: Line,
    pki: IssuingPki,
    backup: Backup,
    clock: Clock,
    url: str,
    tmp_path: Path,
) -> None:
    clock.advance(days=365)
    _, rejected = line.prepare("A1", "A2")
    line.issue("CARD1")
    line.ledger.reject(rejected, "withdrawn", by="s")
    (waiting,) = line.receive("A3")
    line.ledger.reject(waiting, "withdrawn", by="s")
    saved, before = backup.make(), line.ledger.jobs()
    assert len(list(before)) == 3
    report = line.ledger.purge(period="2031-11", by="s", reason="ten years are over")
    assert (len(report.jobs), report.periods, report.kept) == (3, ("2031-11",), ())
    assert not period_key(pki, "2031-11").exists()
    assert any("backups of the PKI's folder" in each for each in report.beyond_reach)
    line.ledger.close()

    backup.restore(saved)
    left = tmp_path / "left"
    shutil.copytree(pki.folder, left)
    (left / "ledger-checkpoint.json").unlink()
    with_what_is_left = open_ledger(url, IssuingPki.open(left, PASSPHRASE), clock=clock)
    entries = list(with_what_is_left.jobs())
    assert {each.job.state for each in entries} == {JobState.ISSUED, JobState.REJECTED}
    with with_what_is_left._reading() as transaction:
        rows = [transaction.job_row(each.job.id, lock=False) for each in entries]
    for row in rows:
        assert row.wrapped_key is not None
        with pytest.raises(MisuseError, match="does not exist"):
            with_what_is_left._contents.key_of(row)
    with_what_is_left.close()
    for secret in (b"ZU1234567", b"a face", b"Ana", b"A1\x00"):
        assert secret not in saved


def test_after_a_purge_of_the_month_another_period_begins(
    line: Line, pki: IssuingPki, clock: Clock, opened: Callable[..., SqlLedger]
) -> None:
    clock.advance(days=2 * 365)
    line.prepare("A1")
    line.issue("CARD1")
    line.ledger.purge(period="2032-11", by="s")
    line.prepare("A2")
    assert line.ledger.take(ANNA, "CARD2", KIND) is not None
    assert period_key(pki, "2032-11.2").exists()
    assert not period_key(pki, "2032-11").exists()
    assert [(each.name, each.jobs) for each in opened().periods()] == [
        ("2032-11", 0),
        ("2032-11.2", 1),
    ]


def test_the_file_keeps_no_ciphertext(line: Line, url: str, clock: Clock) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL's own files are named in the report")
    clock.advance(days=3 * 365)
    (job,) = line.receive("A1")
    path = Path(url.removeprefix("sqlite:///"))
    engine = create_engine(url)
    with engine.connect() as connection:
        sealed = connection.execute(text("SELECT content FROM blob")).scalar()
    engine.dispose()
    assert isinstance(sealed, bytes)
    line.ledger.reject(job, "withdrawn", by="s")
    line.ledger.purge(jobs=[job], by="s")
    for file in (path, path.with_name(f"{path.name}-wal")):
        assert sealed[20:60] not in file.read_bytes()
    assert line.ledger.take_for_preparation(DESK, 1) == []


def test_a_purge_that_was_killed_is_finished_by_the_next(
    line: Line, pki: IssuingPki, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(days=4 * 365)
    line.prepare("A1")
    line.issue("CARD1")
    with monkeypatch.context() as patch:
        patch.setattr(type(line.ledger._keys), "destroy_period", _die)
        with pytest.raises(KeyboardInterrupt):
            line.ledger.purge(period="2034-11", by="s")
    line.prepare("A2")
    assert line.ledger.purge(period="2034-11", by="s").periods == ("2034-11",)
    assert not period_key(pki, "2034-11").exists()


def _die(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_pki_without_the_key_of_the_period_takes_nothing_in(
    line: Line, pki: IssuingPki, clock: Clock
) -> None:
    clock.advance(days=5 * 365)
    line.receive("A1")
    period_key(pki, "2035-11").unlink()
    with pytest.raises(MisuseError, match=r"2035-11\.key: the key of this retention period"):
        line.receive("A2")


def test_a_period_that_never_was_is_named(line: Line) -> None:
    with pytest.raises(MisuseError, match="no such retention period"):
        line.ledger.purge(period="1999-01", by="s")
