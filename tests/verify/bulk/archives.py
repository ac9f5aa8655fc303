"""An archive: a folder of images, a trust store to judge them with, and the command."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emrtd.lds.files import FILES, FileID
from support.command_line import run_command_line
from tests.verify.documents import Document, issue, mrz, usual
from verify.bulk.judging import Job, release
from verify.commands.main import verify
from verify.judging.policy import load_policy
from verify.trust.store import TrustStore

AT = "2026-11-22T12:00:00"
SURNAME, NUMBER = "Quagliarella", "ZX9081726"


@dataclass(frozen=True)
class Ran:
    status: int
    output: str
    error: str

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)
        return found

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Images, accepted, rejected, unreadable."""
        found = self.summary
        return found["images"], found["accept"], found["reject"], found["unreadable"]


@dataclass(frozen=True)
class Archive:
    """A folder with a trust store beside its images."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def store(self) -> Path:
        return self.root / "trust.db"

    @property
    def lines(self) -> Path:
        return self.root / "rows.jsonl"

    def fill(self, accepted: int, rejected: int) -> None:
        """Save so many genuine and forged documents, a folder each."""
        for number in range(accepted):
            self.save(f"good-{number:04}")
        for number in range(rejected):
            self.save(f"forged-{number:04}", forged())

    def save(self, name: str, document: Document | None = None) -> Path:
        folder = self.images / name
        save(folder, document or usual())
        return folder

    def run(self, *arguments: object) -> Ran:
        """Run `verify` with these arguments."""
        self.capsys.readouterr()
        status = run_command_line(verify, [str(each) for each in arguments])
        captured = self.capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    def bulk(self, *arguments: object, jobs: int | None = 1) -> Ran:
        """Judge with `--json`; `jobs` None leaves the option out."""
        number = [] if jobs is None else ["--jobs", jobs]
        return self.run("bulk", "--trust", self.store, "--at", AT, *number, "--json", *arguments)

    def job(self) -> Job:
        """Return what the command makes of its options."""
        with TrustStore.open(self.store) as store:
            content = store.content_digest()
        at = datetime.fromisoformat(AT).replace(tzinfo=UTC)
        return Job(str(self.store), content, load_policy("default"), at, now=False,
                   release=release())  # fmt: skip

    def rows(self, path: Path | None = None) -> dict[str, dict[str, Any]]:
        """Return the rows of a file by image; there is one for each."""
        read = [json.loads(line) for line in (path or self.lines).read_text().splitlines()]
        found = {row["image"]: row for row in read}
        assert len(found) == len(read)
        return found


def forged() -> Document:
    return usual().flipped(FileID.DG2, 200)


def save(folder: Path, document: Document) -> None:
    """Save an image without waiting for the disk."""
    folder.mkdir(parents=True)
    for file_id, octets in document.files.items():
        (folder / FILES[file_id].file_name).write_bytes(octets)


def zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members:
            archive.writestr(name, octets)
    return stream.getvalue()


def members(document: Document, folder: str = "") -> list[tuple[str, bytes]]:
    return [
        (f"{folder}{FILES[file_id].file_name}", octets)
        for file_id, octets in document.files.items()
    ]


def of_a_person() -> Document:
    """A forged document with a name and a number that occur nowhere else."""
    named = mrz(surname=SURNAME, document_number=NUMBER, given_names="Ludovica")
    return issue(mrz=named).flipped(FileID.DG2, 200)
