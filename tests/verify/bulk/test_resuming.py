"""A run that ended early goes on, with one row for each image."""

import fcntl
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.errors import MalformedError, MisuseError
from tests.verify.bulk.archives import Archive
from verify.bulk.rows import Row
from verify.bulk.rows_file import RowsFile

ROWS = [Row(f"image {number}", "accept", ("ü",)) for number in range(5)]
WHOLE = b"".join(row.encode() for row in ROWS)


def resumed(octets: bytes) -> tuple[list[Row], bytes]:
    """Return the rows that are read from a file, and what is left of it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows")
        path.write_bytes(octets)
        with RowsFile(path, resumed=True) as file:
            found = list(file.rows())
        return found, path.read_bytes()


@given(st.integers(0, len(WHOLE)))
def test_a_file_torn_anywhere_keeps_its_whole_rows(size: int) -> None:
    rows, left = resumed(WHOLE[:size])
    whole = WHOLE[:size].count(b"\n")
    assert rows == ROWS[:whole]
    assert left == b"".join(row.encode() for row in ROWS[:whole])


@given(st.integers(0, len(WHOLE)), st.binary(max_size=64))
def test_whatever_follows_the_rows_is_removed_or_refused(size: int, tail: bytes) -> None:
    end = WHOLE[:size].rfind(b"\n") + 1
    if b"\n" in tail.rstrip(b"\n") or tail.endswith(b"\n\n"):
        with pytest.raises(MalformedError, match="is not a row"):
            resumed(WHOLE[:end] + tail)
        return
    rows, left = resumed(WHOLE[:end] + tail)
    assert rows == ROWS[: len(rows)]
    assert left == WHOLE[:end]


def test_a_row_that_is_damaged_before_the_end_is_an_error() -> None:
    damaged = WHOLE.replace(b"image 1", b"image \x00", 1)
    with pytest.raises(MalformedError, match="line 2"):
        resumed(damaged)


def test_what_is_written_follows_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(WHOLE + b'{"image":"torn')
    with RowsFile(path, resumed=True) as file:
        assert list(file.rows()) == ROWS
        file.write(Row("last", "refer").encode())
    assert path.read_bytes() == WHOLE + Row("last", "refer").encode()


def test_two_runs_do_not_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(MisuseError, match="another run writes"):
            RowsFile(path, resumed=True)


def test_a_torn_run_goes_on_to_the_summary_of_a_whole_one(archive: Archive) -> None:
    archive.fill(accepted=40, rejected=4)
    whole = archive.bulk(archive.images, "--lines", archive.lines)
    octets = archive.lines.read_bytes()
    archive.lines.write_bytes(octets[: len(octets) // 2])
    table = archive.root / "rows.csv"
    ran = archive.bulk(archive.images, "--resume", archive.lines, "--csv", table)
    assert {**ran.summary, "seconds": 0} == {**whole.summary, "seconds": 0}
    assert len(archive.rows()) == 44
    assert len(table.read_text().splitlines()) == 45


def test_resuming_a_complete_run_judges_nothing(archive: Archive) -> None:
    archive.fill(accepted=2, rejected=0)
    archive.bulk(archive.images, "--resume", archive.lines)  # it is made
    before = archive.lines.read_bytes()
    assert archive.bulk(archive.images, "--resume", archive.lines).counts == (2, 2, 0, 0)
    assert archive.lines.read_bytes() == before


@pytest.mark.parametrize("option", [("--policy", "strict"), ("--at", "2026-11-23")])
def test_rows_of_other_settings_are_not_continued(
    archive: Archive, option: tuple[str, str]
) -> None:
    archive.fill(accepted=1, rejected=0)
    archive.bulk(archive.images, "--lines", archive.lines)
    ran = archive.bulk(archive.images, "--resume", archive.lines, *option)
    assert ran.status == 64
    assert option[0] in ran.error


def test_a_file_with_two_rows_for_an_image_is_refused(archive: Archive) -> None:
    archive.fill(accepted=1, rejected=0)
    archive.bulk(archive.images, "--lines", archive.lines)
    archive.lines.write_bytes(archive.lines.read_bytes() * 2)
    ran = archive.bulk(archive.images, "--resume", archive.lines)
    assert ran.status == 64
    assert "two rows" in json.loads(ran.output)["error"]["what"]
