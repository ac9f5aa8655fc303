"""A reader at work: a program that is given cards, one after another, and says what it read.

Such a program is started with the name of a PC/SC reader.  It prints a line with its name and its
version, and an empty line.  For each card it then gets a line on standard input, fields separated
by tabs: `mrz`, document number, date of birth, date of expiry (YYMMDD), or `can` and the CAN; the
path of the CSCA's certificate (DER) is the last field.  It prints lines of fields separated by
tabs, and an empty line when it is done with the card:

    access  BAC, or a word for the protocol that opened the chip
    file    the name of an elementary file, and the SHA-256 of its octets in hexadecimal
    genuine true or false: the result of its own passive authentication, if it has one
    error   why it did not go on; not recorded

Its own decoder must have taken a file before the file counts as read.
"""

import hashlib
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

from tests.interop.table.cards import CAN, Presented, Row

SECONDS: Final = 90.0
"""The longest that a reader may take for a card, or to start."""


@dataclass
class Said:
    """What a reader said of a card."""

    access: str = ""
    files: dict[str, str] = field(default_factory=dict)
    genuine: bool | None = None
    errors: list[str] = field(default_factory=list)

    @classmethod
    def decode(cls, lines: Sequence[str]) -> Self:
        """Read the lines about a card; a line that is none of them is ignored."""
        said = cls()
        for line in lines:
            match line.split("\t"):
                case ["access", access]:
                    said.access = access
                case ["file", name, digest]:
                    said.files[name] = digest
                case ["genuine", result]:
                    said.genuine = result == "true"
                case ["error", *words]:
                    said.errors.append(" ".join(words))
        return said

    def read_of(self, presented: Presented) -> tuple[str, ...]:
        """Return the names of the files whose octets are those on the card."""
        return tuple(
            name
            for name, octets in presented.expected.items()
            if self.files.get(name) == hashlib.sha256(octets).hexdigest()
        )


class Reader(Protocol):
    """A reader that is started: `named` is its name and version, as it says itself."""

    named: str

    def read(self, row: Row, presented: Presented) -> Said:
        """Have it read the card that is in its PC/SC reader."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class NotStartedError(Exception):
    """A reader that this machine cannot start; the message says why."""


class Program:
    """A program that speaks the protocol of this module.

    One that ends, or takes too long, has not read the card; it is started again for the next.
    """

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = environment
        self.named = ""
        self._start()

    def read(self, row: Row, presented: Presented) -> Said:
        """Send a line about the card, and collect what is said about it."""
        if self._process.poll() is not None:
            self._start()
        kind = "can" if row.password == CAN else "mrz"
        line = "\t".join([kind, *presented.secrets, str(presented.csca)])
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        return Said.decode(self._block())

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=dict(self._environment),
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(
            target=self._collect, args=(self._process, self._lines), daemon=True
        ).start()
        greeting = self._block()
        if not greeting:
            self.close()
            raise NotStartedError(f"{Path(str(self._command[0])).name} does not start")
        self.named = greeting[0]

    @staticmethod
    def _collect(process: "subprocess.Popen[str]", lines: "queue.SimpleQueue[str | None]") -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                lines.put(line.rstrip("\n"))
        lines.put(None)

    def _block(self) -> list[str]:
        """Return the lines up to the next empty one; end a program that does not come to it."""
        found: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=SECONDS)
            except queue.Empty:
                self.close()
                return found
            if not line:
                if line is None:
                    self.close()
                return found
            found.append(line)


class EachTime:
    """A tool that is run once for each card."""

    def __init__(self, named: str, read: Callable[[Row, Presented], Said]) -> None:
        self.named = named
        self._read = read

    def read(self, row: Row, presented: Presented) -> Said:
        """Run the tool; one that takes too long has not read the card."""
        try:
            return self._read(row, presented)
        except subprocess.TimeoutExpired:
            return Said()

    def close(self) -> None:
        """Nothing is left running."""
