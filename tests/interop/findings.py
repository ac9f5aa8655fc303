"""The output of other readers: our programs around them print tab-separated pairs, one a line."""

import fcntl
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.issuing import Card


@contextmanager
def building_alone(folder: Path) -> Iterator[None]:
    """Let only one test process at a time build in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Findings:
    """The values that a program printed, by name; most names occur once."""

    all: dict[str, list[str]]

    @classmethod
    def decode(cls, printed: str) -> Self:
        """Decode the output of a program."""
        findings: defaultdict[str, list[str]] = defaultdict(list)
        for line in printed.splitlines():
            name, _, value = line.partition("\t")
            findings[name].append(value)
        return cls(dict(findings))

    @classmethod
    def of(cls, command: Sequence[str | Path], card: Card, *, by_can: bool) -> Self:
        """Run a program that reads a card, with its CAN or with number and dates of its MRZ."""
        mrz = card.mrz
        of_mrz = f"{mrz.document_number}\n{mrz.date_of_birth}\n{mrz.date_of_expiry}\n"
        done = subprocess.run(
            command,
            input=f"{card.can}\n" if by_can else of_mrz,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return cls.decode(done.stdout)

    def __getitem__(self, name: str) -> str:
        (value,) = self.all[name]
        return value

    def __contains__(self, name: str) -> bool:
        return name in self.all
