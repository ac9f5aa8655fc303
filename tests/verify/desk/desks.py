"""A running `verify desk`, its one virtual reader, and a browser's part of the conversation."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from support.command_line import run_command_line
from tests.helpers import REPOSITORY
from tests.verify.documents import CSCA, Document
from tests.vsmartcard.cards import personalised
from verify.commands.main import verify
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.dispatch import Chip

AT = "2026-11-22T12:00:00"


def trust_store(folder: Path, revoked: tuple[int, ...] = ()) -> Path:
    """Make a trust store with the CSCA of the tests' documents, and its revocation list."""
    (folder / "csca.cer").write_bytes(CSCA.certificate().der)
    (folder / "crl.crl").write_bytes(CSCA.crl(revoked))
    store = folder / "trust.sqlite"
    names = [str(folder / "csca.cer"), str(folder / "crl.crl")]
    assert run_command_line(verify, ["trust", "add", str(store), *names, "--json"]) == 0
    return store


def state_file(card: Document | Chip, path: Path) -> Path:
    """Write the file of a virtual card that holds a document; return its path."""
    chip = card if isinstance(card, Chip) else personalised(card.files, card.keys)
    path.unlink(missing_ok=True)
    file = StateFile(path)
    file.save(chip.state)
    file.close()
    return path


@dataclass
class Slot:
    """A reader `virtual:FILE`: a card is in it while the file exists."""

    path: Path

    def insert(self, card: Document | Chip) -> None:
        """Put a card in, at once."""
        state_file(card, self.path.with_name("waiting")).replace(self.path)

    def take_out(self) -> None:
        self.path.unlink()


@dataclass
class Page:
    """What a browser does that has opened the printed address."""

    url: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30.0))
    key: str = ""

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def headers(self) -> dict[str, str]:
        return {"x-desk-key": self.key}

    def open(self) -> None:
        answer = self.client.get(self.url)
        assert answer.status_code == 303
        self.key = answer.headers["location"].partition("key=")[2]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(self.origin + path, headers=self.headers | headers)

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        sent = self.headers | {"origin": self.origin} | headers
        return self.client.post(self.origin + path, json=body, headers=sent)

    def act(self, do: str, **more: object) -> httpx.Response:
        return self.post("/officer", {"do": do, **more})

    def states(self, language: str = "en") -> Iterator[dict[str, Any]]:
        """Yield the states as they come."""
        address = f"{self.origin}/events?language={language}"
        with self.client.stream("GET", address, headers=self.headers) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def until(self, phase: str, language: str = "en") -> dict[str, Any]:
        """Return the first state in a phase."""
        return next(state for state in self.states(language) if state["phase"] == phase)


@contextmanager
def running_desk(*arguments: object, **environment: str) -> Iterator[str]:
    """Run `verify desk`; yield the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "verify", "desk", "--no-browser", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=10)
        process.stdout.close()
    assert status == 0
