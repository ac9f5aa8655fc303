"""The command verify bulk."""

import csv
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from emrtd.lds.files import FileID
from emrtd.lds.zipped_images import ZippedImages
from tests.verify.bulk.archives import (
    AT,
    NUMBER,
    SURNAME,
    Archive,
    forged,
    members,
    of_a_person,
    zipped,
)
from tests.verify.documents import usual
from verify.bulk import judging
from verify.bulk.csv_file import COLUMNS
from verify.bulk.finding import Found, find_images
from verify.bulk.rows import Row, decode_row
from verify.bulk.summary import Summary
from verify.judging.check_ids import CHECK_IDS
from verify.judging.policy import load_policy
from verify.trust.store import TrustStore

SUMMARY_KEYS = [
    "images", "accept", "refer", "reject", "unreadable", "by_state", "by_check", "seconds",
]  # fmt: skip


def test_a_folder_is_summarised_in_exactly_the_documented_keys(archive: Archive) -> None:
    archive.fill(accepted=4, rejected=2)
    ran = archive.bulk(archive.images)
    assert (ran.status, ran.error) == (0, "")
    assert list(ran.summary) == SUMMARY_KEYS
    assert ran.counts == (6, 4, 2, 0)
    assert ran.summary["by_state"] == {"UTO": {"accept": 4, "refer": 0, "reject": 2}}
    assert ran.summary["by_check"]["dg.hash.DG2"] == {"failed": 2, "passed": 4}
    families = {check.partition(".DG")[0] for check in ran.summary["by_check"]}
    assert families == set(CHECK_IDS)


def test_bulk_and_image_give_the_same_results(archive: Archive) -> None:
    folder = archive.save("one", forged())
    archive.bulk(archive.images, "--lines", archive.lines, "--full")
    (row,) = archive.rows().values()
    ran = archive.run("image", folder, "--trust", archive.store, "--at", "2026-11-22T12:00:00",
                      "--json")  # fmt: skip
    report = json.loads(ran.output)
    del report["tr03135"]  # of the same checks
    assert row["report"] == report
    assert row["checks"] == {each["id"]: each["outcome"] for each in row["report"]["checks"]}
    assert row["verdict"] == row["report"]["verdict"]


def test_an_image_that_cannot_be_read_is_a_row_and_not_an_end(archive: Archive) -> None:
    archive.fill(accepted=1, rejected=0)
    (archive.images / "junk").mkdir()
    (archive.images / "junk" / "x.bin").write_bytes(b"\x01\x00\xff")
    (archive.images / "torn.zip").write_bytes(zipped(members(usual()))[:-40])
    ran = archive.bulk(archive.images, "--lines", archive.lines)
    assert (ran.status, ran.counts) == (0, (3, 1, 0, 2))
    rows = {Path(name).name: row for name, row in archive.rows().items()}
    assert rows["junk"]["why"] == ["holds no elementary file"]
    assert "is a zip that cannot be read" in rows["torn.zip"]["why"][0]


def test_a_zip_of_many_and_a_list_on_standard_input(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = archive.root / "many.zip"
    many.write_bytes(zipped([*members(usual(), "1/"), *members(forged(), "2/")]))
    lone = archive.root / "sod.bin"
    lone.write_bytes(usual().files[FileID.SOD])
    listed = f"{many}\n{lone}\n{many}\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed)))
    ran = archive.bulk("-", "--lines", archive.lines)
    assert {name: row["verdict"] for name, row in archive.rows().items()} == {
        f"{many}/1": "accept", f"{many}/2": "reject", str(lone): "refer",
    }  # fmt: skip
    assert ran.summary["by_state"]["UTO"]["refer"] == 1  # known by the Document Signer alone


def test_a_row_has_no_data_of_the_holder(archive: Archive) -> None:
    archive.save("one", of_a_person())
    table = archive.root / "rows.csv"
    archive.bulk(archive.images, "--lines", archive.lines, "--csv", table)
    written = archive.lines.read_text() + table.read_text()
    for data in (SURNAME, NUMBER, "Ludovica", "900131", "1990-01-31"):
        assert data.lower() not in written.lower()
    assert archive.lines.stat().st_mode & 0o077 == 0
    assert table.stat().st_mode & 0o077 == 0


def test_csv_has_the_same_rows_and_no_formula(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.fill(accepted=1, rejected=1)
    archive.save("=cmd()")
    table = archive.root / "rows.csv"
    monkeypatch.chdir(archive.images)
    archive.bulk(".", "--csv", table)
    archive.bulk("=cmd()", "--csv", archive.root / "formula.csv")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert sorted(row["verdict"] for row in rows) == ["accept", "accept", "reject"]
    assert {row["failed"] for row in rows} == {"", "dg.hash.DG2"}
    with (archive.root / "formula.csv").open(newline="") as stream:
        assert [row["image"] for row in csv.DictReader(stream)] == ["'=cmd()"]


def test_two_processes_give_the_summary_of_one(archive: Archive) -> None:
    archive.fill(accepted=70, rejected=7)
    one, two = archive.bulk(archive.images, jobs=1), archive.bulk(archive.images, jobs=2)
    assert one.counts == (77, 70, 7, 0)
    assert {**one.summary, "seconds": 0} == {**two.summary, "seconds": 0}


def test_text_says_what_is_wrong_and_how_often(archive: Archive) -> None:
    archive.fill(accepted=1, rejected=2)
    arguments = ("bulk", archive.images, "--trust", archive.store, "--jobs", 1)
    ran = archive.run(*arguments, "--at", "2026-11-22T12:00:00")
    assert ran.output.startswith("3 images in")
    assert "2  dg.hash.DG2, failed: DG2 has been changed" in ran.output
    assert "UTO" in ran.output


def test_a_policy_or_a_store_that_is_wrong_is_reported_before_any_image(archive: Archive) -> None:
    archive.fill(accepted=1, rejected=0)
    assert archive.bulk(archive.images, "--policy", "lax").status == 64
    absent = archive.run("bulk", archive.images, "--trust", archive.root / "none", "--json")
    assert absent.status == 64
    assert "no trust store" in absent.error


def test_a_file_of_rows_is_not_overwritten(archive: Archive) -> None:
    archive.fill(accepted=1, rejected=0)
    archive.lines.write_text("precious\n")
    ran = archive.bulk(archive.images, "--lines", archive.lines)
    assert ran.status == 64
    assert "go on with --resume" in ran.error
    assert archive.lines.read_text() == "precious\n"


def test_an_internal_error_is_a_row_of_its_image_alone(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.fill(accepted=2, rejected=0)
    row_of = judging.row_of

    def failing(image: str, *rest: Any, **more: Any) -> Row:
        if image.endswith("0000"):
            raise ZeroDivisionError(SURNAME)
        return row_of(image, *rest, **more)

    monkeypatch.setattr(judging, "row_of", failing)
    lines = judging.judge_chunk(archive.job(), list(find_images([archive.images])))
    assert isinstance(lines, bytes)
    failed, judged = map(decode_row, lines.splitlines())
    assert (failed.verdict, failed.failed, judged.verdict) == ("unreadable", True, "accept")
    assert "internal error (ZeroDivisionError)" in failed.why[0]
    assert SURNAME.encode() not in lines
    summary = Summary()
    summary.add(failed)
    assert summary.failed == 1


def test_an_internal_error_in_looking_at_images_is_a_row_of_its_document_alone(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.fill(accepted=3, rejected=0)
    images = list(find_images([archive.images]))
    decode_documents = judging.decode_documents
    second: list[Any] = []

    def failing(documents: list[Any]) -> list[Any]:
        second.extend(documents[1:2] if not second else ())
        if any(each is second[0] for each in documents):
            raise ZeroDivisionError(SURNAME)
        return decode_documents(documents)

    monkeypatch.setattr(judging, "decode_documents", failing)
    lines = judging.judge_chunk(archive.job(), images)
    assert isinstance(lines, bytes)
    verdicts = [(row.verdict, row.failed) for row in map(decode_row, lines.splitlines())]
    assert verdicts == [("accept", False), ("unreadable", True), ("accept", False)]
    assert SURNAME.encode() not in lines


def test_another_store_or_release_is_refused_by_a_worker(archive: Archive) -> None:
    archive.fill(accepted=1, rejected=0)
    found = list(find_images([archive.images]))
    job = archive.job()
    for other in (replace(job, content=bytes(32)), replace(job, release="0.0.0")):
        assert isinstance(judging.judge_chunk(other, found), judging.Refusal)
    assert isinstance(judging.judge_chunk(job, found), bytes)


def test_a_zip_stays_open_from_chunk_to_chunk_until_it_changes(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading its directory for every chunk took longer than judging its images."""
    opened: list[Path] = []

    class Counted(ZippedImages):
        def __init__(self, path: Path) -> None:
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(judging, "ZippedImages", Counted)
    many = archive.root / "many.zip"
    many.write_bytes(zipped([*members(usual(), "1/"), *members(forged(), "2/")]))
    at = datetime.fromisoformat(AT).replace(tzinfo=UTC)
    with TrustStore.open(archive.store) as store:
        content = store.content_digest()
    policy, release = load_policy("default"), judging.release()
    job = judging.Job(str(archive.store), content, policy, at, now=False, release=release)

    def verdict(folder: str) -> str:
        answer = judging.judge_chunk(job, [Found(folder, str(many), folder)])
        assert isinstance(answer, bytes)
        return decode_row(answer).verdict

    assert [verdict("1"), verdict("2"), verdict("1")] == ["accept", "reject", "accept"]
    assert opened == [many]
    many.write_bytes(zipped([*members(forged(), "1/"), *members(usual(), "02/")]))
    assert verdict("1") == "reject"
    assert opened == [many, many]
