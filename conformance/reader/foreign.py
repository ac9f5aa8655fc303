"""Run a case against anyone's reader: a command that reads the card in a virtual PC/SC reader."""

import os
import re
import secrets
import shlex
import signal
import string
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Final

from conformance.reader.case import Expected, Presented, Trial
from conformance.reader.documents import CAN
from conformance.reader.trusted import write_terminal, write_trust
from conformance.running import NotApplicableError
from support.errors import MisuseError
from support.printable_text import printable

if TYPE_CHECKING:
    from vsmartcard.reader.threaded import ThreadedReader

PLACEHOLDERS: Final = ("reader", "mrz", "can", "trust", "terminal")
"""What is put into the command: the name of the reader, the printed MRZ without line breaks, the
CAN, and the folders of trusted certificates and CRLs and of the terminal's key and certificates."""

_MAX_OUTPUT: Final = 1 << 20
_SHOWN: Final = 200
_SHELL_SIGNALS: Final = 128
"""A shell reports a program that a signal ended by this status and the number of the signal."""


@dataclass(frozen=True)
class Command:
    """The command of a reader, split into words, and how its answer is read.

    It accepts a document by the exit status `accept_status`, or by an output in which
    `accept_pattern` is found.  It has `timeout` seconds for each card.
    """

    words: tuple[str, ...]
    accept_status: int = 0
    accept_pattern: "re.Pattern[str] | None" = None
    timeout: float = 60.0

    @classmethod
    def parse(
        cls, text: str, *, accept_status: int = 0, accept_pattern: str | None = None,
        timeout: float = 60.0,
    ) -> "Command":  # fmt: skip
        """Split a command as a shell does, which is not started; raises `MisuseError`."""
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise MisuseError(f"--command: {error}", advice="balance the quotes") from None
        if not words:
            raise MisuseError("--command is empty", advice="name the program of the reader")
        unknown = sorted(_names(words) - {*PLACEHOLDERS})
        if unknown:
            allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise MisuseError(
                f"--command has {{{unknown[0]}}}", advice=f"use {allowed}; {{{{ stands for {{"
            )
        try:
            pattern = None if accept_pattern is None else re.compile(accept_pattern)
        except re.error as error:
            raise MisuseError(
                f"--accept-pattern: {error}", advice="write a regular expression"
            ) from None
        return cls(words, accept_status, pattern, timeout)

    def takes(self, name: str) -> bool:
        """Whether the command has a placeholder."""
        return name in _names(self.words)

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """Return the words with values in the place of the placeholders."""
        return [each.format_map(values) for each in self.words]


def _names(words: tuple[str, ...]) -> set[str]:
    """Return the names of the placeholders; raises `MisuseError` for a brace alone."""
    try:
        parts = [part for word in words for part in string.Formatter().parse(word)]
    except ValueError as error:
        raise MisuseError(f"--command: {error}", advice="write {{ for a brace") from None
    return {name for _, name, _, _ in parts if name is not None}


@dataclass(frozen=True)
class Answer:
    """How the command ended: whether it accepted, and what was wrong with its end ("")."""

    accepted: bool
    fault: str
    said: str


class ForeignReader:
    """Anyone's reader as what is tested: a command, and the virtual reader that it reads from.

    The person and the terminal of the cases are made up, so their MRZ and their keys may stand in
    arguments and in files.
    """

    def __init__(self, command: Command, reader: "ThreadedReader") -> None:
        self._command = command
        self._reader = reader

    def require(self, presented: Presented) -> None:
        """Raise `NotApplicableError` for a card that needs more than a reader and a folder."""
        if presented.terminal is not None and not self._command.takes("terminal"):
            raise NotApplicableError(
                "the command takes no certificates for Terminal Authentication ({terminal})"
            )
        if presented.at is not None:
            raise NotApplicableError(f"the clock must say {presented.at:%Y-%m-%d}")
        if presented.poison:
            raise NotApplicableError("the forger's files are for an import into a trust store")

    def objection(self, trial: Trial, presented: Presented) -> str:
        """Put the card into the reader and run the command; return what it did wrong."""
        card = presented.card(secrets.token_bytes)
        with TemporaryDirectory(prefix="chipseal-") as name:
            values = self._values(presented, Path(name))
            self._reader.insert(card)
            try:
                answer = self._run(self._command.filled(values))
            finally:
                self._reader.take_out()
        if answer.fault:
            return answer.fault
        if answer.accepted and trial.expected is Expected.REFUSED:
            return f"accepted, and must not be{answer.said}"
        if not answer.accepted and trial.expected is Expected.ACCEPTED:
            return f"not accepted{answer.said}"
        return ""

    def _values(self, presented: Presented, folder: Path) -> dict[str, str]:
        trust, terminal = folder / "trust", folder / "terminal"
        trust.mkdir()
        write_trust(presented, trust)
        terminal.mkdir()
        if presented.terminal is not None:
            write_terminal(presented.terminal, terminal)
        return {
            "reader": self._reader.name,
            "mrz": presented.document.page,
            "can": CAN,
            "trust": str(trust),
            "terminal": str(terminal),
        }

    def _run(self, words: list[str]) -> Answer:
        with TemporaryFile() as output:
            try:
                process = subprocess.Popen(  # noqa: S603 - the command that the user gave
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise MisuseError(
                    f"{words[0]} cannot be started ({error.strerror})",
                    advice="name an executable program with --command",
                ) from error
            try:
                status = process.wait(self._command.timeout)
            except subprocess.TimeoutExpired:
                return Answer(False, f"no answer within {self._command.timeout:g} seconds", "")
            finally:
                _end(process)
            output.seek(0)
            text = output.read(_MAX_OUTPUT).decode("utf-8", "replace")
        return self._read(status, text)

    def _read(self, status: int, text: str) -> Answer:
        number = -status if status < 0 else status - _SHELL_SIGNALS
        if number in {each.value for each in signal.Signals} and status != 0:
            name = signal.Signals(number).name
            if status != self._command.accept_status:
                return Answer(False, f"the command was ended by {name}", "")
        pattern = self._command.accept_pattern
        accepted = (
            status == self._command.accept_status if pattern is None else bool(pattern.search(text))
        )
        last = printable(text.strip().rpartition("\n")[2][:_SHOWN])
        return Answer(accepted, "", f" (exit status {status}{f': {last}' if last else ''})")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command, and what it has started, which has the same session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
