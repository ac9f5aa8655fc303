"""SQLite files are recognised by their application id, and errors name the file."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from support import database as database_module
from support.database import BusyDatabaseError, DamagedDatabaseError, Database, Layout

_SCHEMA = "CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY, text TEXT) STRICT;"
STORE = Layout("list of lines", _SCHEMA, 0x43485400, 1)
RECORDS = STORE._replace(records=True)


def lines(database: Database) -> list[str]:
    return [text for (text,) in database.rows("SELECT text FROM line ORDER BY id")]


@pytest.mark.parametrize("layout", [STORE, RECORDS])
def test_rows_are_kept_when_the_file_is_reopened(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "lines"
    database = Database(path, layout, create=True)
    statement = "INSERT INTO line (text) VALUES (:text)"
    assert [database.insert(statement, {"text": text}) for text in "ab"] == [1, 2]
    assert database.run("UPDATE line SET text = ?", "c") == 2
    database.close()
    again = Database(path, layout, create=False)
    assert lines(again) == ["c", "c"]
    assert [*again.each_row("SELECT id FROM line WHERE id > ?", 1)] == [(2,)]
    again.close()
    private = stat.S_IMODE(path.stat().st_mode) == 0o600
    assert private or not layout.records


def test_a_failed_transaction_changes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "lines", STORE, create=True)

    def fail_in_the_middle() -> None:
        with database.transaction():
            database.run("INSERT INTO line (text) VALUES ('a')")
            raise KeyError

    with pytest.raises(KeyError):
        fail_in_the_middle()
    assert lines(database) == []
    with database.transaction():
        database.run("INSERT INTO line (text) VALUES ('b')")
    assert lines(database) == ["b"]
    database.close()


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    Database(path, STORE._replace(application_id=7), create=True).close()
    with pytest.raises(DamagedDatabaseError, match=r"is not a list of lines$") as refused:
        Database(path, STORE, create=True)
    assert str(path) in str(refused.value)


def test_a_newer_version_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    Database(path, STORE._replace(version=2), create=True).close()
    with pytest.raises(DamagedDatabaseError, match="of version 2, and this release reads") as error:
        Database(path, STORE, create=True)
    assert str(path) in str(error.value)


_NUMBERED = STORE._replace(
    version=3,
    migrations={
        0: "SELECT id, text FROM line LIMIT 0",
        1: "ALTER TABLE line ADD COLUMN number INTEGER; UPDATE line SET number = id * 10",
        2: "CREATE INDEX by_number ON line (number)",
    },
)


@pytest.mark.parametrize("version", [0, 1])
def test_an_older_version_is_migrated_once(tmp_path: Path, version: int) -> None:
    path = tmp_path / "lines"
    old = sqlite3.connect(path)
    application_id = STORE.application_id if version else 0
    old.executescript(_SCHEMA)
    old.execute("INSERT INTO line (text) VALUES ('a')")
    old.execute(f"PRAGMA user_version = {version}")
    old.execute(f"PRAGMA application_id = {application_id}")
    old.commit()
    old.close()
    for _ in range(2):
        database = Database(path, _NUMBERED, create=False)
        assert database.rows("SELECT text, number FROM line") == [("a", 10)]
        assert database.number("PRAGMA user_version") == 3
        assert database.number("PRAGMA application_id") == STORE.application_id
        database.close()


def test_an_older_version_without_a_migration_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    Database(path, STORE, create=True).close()
    with pytest.raises(DamagedDatabaseError, match="of version 1, which this release cannot"):
        Database(path, STORE._replace(version=2), create=True)


def test_a_database_of_another_program_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE line (words TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DamagedDatabaseError, match=r"is not a list of lines$"):
        Database(path, _NUMBERED, create=True)
    assert path.read_bytes() == before


def test_a_transaction_inside_another_is_part_of_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "lines", STORE, create=True)

    def fail_after_the_inner_one() -> None:
        with database.transaction():
            with database.transaction():
                database.run("INSERT INTO line (text) VALUES ('a')")
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_the_inner_one()
    assert lines(database) == []
    database.close()


def test_a_file_that_another_process_keeps_locked_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_WAIT", 0.05)
    path = tmp_path / "lines"
    holder, waiting = (Database(path, RECORDS, create=True) for _ in range(2))
    with holder.transaction(), pytest.raises(BusyDatabaseError, match="another process") as busy:
        waiting.run("INSERT INTO line (text) VALUES ('a')")
    assert busy.value.filename == str(path)
    waiting.run("INSERT INTO line (text) VALUES ('a')")
    holder.close()
    waiting.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_that_is_not_a_database_is_refused_and_unchanged(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    with pytest.raises(DamagedDatabaseError, match="is not a list of lines"):
        Database(path, STORE, create=False)
    assert path.read_bytes() == content


def test_the_error_of_a_full_disk_names_the_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "lines", STORE, create=True)
    database.run("PRAGMA max_page_count = 3")

    def fill() -> None:
        with database.transaction():
            for _ in range(100):
                database.run("INSERT INTO line (text) VALUES (?)", "x" * 4000)

    with pytest.raises(OSError, match="the disk is full; nothing was changed") as full:
        fill()
    assert full.value.filename == str(tmp_path / "lines")
    assert lines(database) == []
    database.close()


def test_several_processes_may_create_one_file_at_once(tmp_path: Path) -> None:
    """Such as two processes that open the same register for the first time."""
    opened: list[Database] = []
    ready = threading.Barrier(4)

    def make() -> None:
        ready.wait()
        database = Database(tmp_path / "lines", RECORDS, create=True)
        database.run("INSERT INTO line (text) VALUES ('a')")
        opened.append(database)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert lines(opened[0]) == ["a"] * 4
    for database in opened:
        database.close()


def test_a_write_of_another_program_changes_the_version_of_data(tmp_path: Path) -> None:
    database = Database(tmp_path / "lines", STORE, create=True)
    before = database.version_of_data()
    assert database.version_of_data() == before
    with sqlite3.connect(tmp_path / "lines") as other:
        other.execute("INSERT INTO line (text) VALUES ('a')")
    other.close()
    assert database.version_of_data() != before
    database.close()
