"""The audit log of a PKI: append-only, hash-chained, signed; one JSON object a line.

Each line holds an entry and a signature over it.  An entry carries the SHA-256 of the whole line
before it, so that nothing can be changed, taken out or put in without breaking every later line.
What a chain cannot show is that its end is missing: `verify_log` returns the head, which officers
note elsewhere (in the minutes of a ceremony) and hand back as `expected_head`.

A line that a power cut left unfinished was never acknowledged.  `verify_log` finds it; the next
entry takes its place, behind an entry `audit.repair` that says what was cut off.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import (
    PublicKey,
    SignatureFamily,
    SignatureScheme,
    Signer,
    verify,
)
from emrtd.errors import ProtocolError
from support.errors import ChipsealError, MalformedError, MisuseError

SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
"""How entries and approvals are signed."""

_BEFORE_THE_FIRST: Final = "0" * 64
_MAX_LINE: Final = 1 << 20

REPAIR: Final = "audit.repair"
"""The operation of cutting off a line that was never finished."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An officer's signature over `approval_message`: who, and that the operation was agreed to."""

    officer: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry: what was done, to what, when (UTC), with whose approval and which outcome."""

    sequence: int
    at: str
    act: str
    subject: Mapping[str, str]
    outcome: str
    approvals: tuple[Approval, ...]
    previous: str

    def encode(self) -> bytes:
        """Canonical JSON: sorted keys, no white space; this is what is signed."""
        return _canonical(
            {
                "sequence": self.sequence,
                "at": self.at,
                "act": self.act,
                "subject": dict(self.subject),
                "outcome": self.outcome,
                "approvals": [
                    {"officer": each.officer, "signature": _base64(each.signature)}
                    for each in self.approvals
                ],
                "previous": self.previous,
            }
        )


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: how many entries it has, and the SHA-256 of its last line (hex)."""

    entries: int
    digest: str


def approval_message(act: str, subject: Mapping[str, str], at: str) -> bytes:
    """What an officer signs to approve an operation: its name, its subject, and when it began."""
    return b"chipseal approval\n" + _canonical({"act": act, "subject": dict(subject), "at": at})


class AuditLog:
    """Writes one log file; `signer` holds the log's own key."""

    def __init__(self, path: Path, signer: Signer) -> None:
        self._path = path
        self._signer = signer

    @contextmanager
    def operation(
        self,
        name: str,
        subject: Mapping[str, str],
        at: datetime,
        approvals: tuple[Approval, ...] = (),
    ) -> Iterator[None]:
        """Enter the operation as begun, let it happen, and enter how it ended.

        The first entry is on disk before anything is done, so that no operation is without a trace.
        """
        self.append(name, subject, "begun", at, approvals)
        try:
            yield
        except BaseException as error:
            with suppress(ChipsealError, OSError):  # what failed first is told
                self.append(name, subject, f"failed: {_reason(error)}", at, approvals)
            raise
        try:
            self.append(name, subject, "done", at, approvals)
        except ChipsealError as error:
            raise MisuseError(f"{name} is done, and its end is not in the log: {error}") from error

    def append(
        self,
        act: str,
        subject: Mapping[str, str],
        outcome: str,
        at: datetime,
        approvals: tuple[Approval, ...] = (),
    ) -> None:
        """Append one entry, durably and whole or not at all.

        Raises `MisuseError` where the disk does not take it, `MalformedError` where what is there
        is no audit log.
        """
        with _locked(self._path) as descriptor:
            last, unfinished = _end_of(descriptor, self._path)
            size = os.fstat(descriptor).st_size - len(unfinished)
            done = [(act, subject, outcome, approvals)]
            if unfinished:
                digest = hashlib.sha256(unfinished).hexdigest()
                cut = {"octets": str(len(unfinished)), "sha256": digest}
                done.insert(0, (REPAIR, cut, "done", ()))
            lines = []
            for each in done:
                sequence, previous = _next_place(last)
                last = self._line(AuditEntry(sequence, timestamp(at), *each, previous))
                lines.append(last + b"\n")
            try:
                os.ftruncate(descriptor, size)
                _write_all(descriptor, b"".join(lines))
            except OSError as error:
                os.ftruncate(descriptor, size)
                raise MisuseError(
                    f"{self._path}: the audit log cannot be written ({error.strerror})"
                ) from error

    def _line(self, entry: AuditEntry) -> bytes:
        """The signed line of an entry, without its end."""
        encoded = entry.encode()
        signature = _base64(self._signer.sign(SCHEME, encoded))
        line = _canonical({"entry": json.loads(encoded), "signature": signature})
        if len(line) >= _MAX_LINE:
            raise MisuseError(f"an entry of {len(line):,} octets is too long for the audit log")
        return line


def timestamp(at: datetime) -> str:
    """An instant as the log writes it: UTC, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_log(path: Path, key: PublicKey) -> Iterator[tuple[AuditEntry, str]]:
    """Yield each entry with the SHA-256 of its line, in order, verified up to there.

    Raises `ProtocolError` at the first entry whose signature, place or chain is wrong, and
    `MalformedError` where a line is not an entry at all.
    """
    previous = _BEFORE_THE_FIRST
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), start=1):
            where = f"{path.name}, line {number}"
            if not line.endswith(b"\n"):
                raise MalformedError(where, "is unfinished or longer than 1 MiB")
            entry, signature = _parse_line(line[:-1], where)
            if (entry.sequence, entry.previous) != (number, previous):
                raise ProtocolError(f"{where}: the chain is broken before this entry")
            try:
                verify(key, SCHEME, signature, entry.encode())
            except ProtocolError:
                raise ProtocolError(f"{where}: the entry's signature is wrong") from None
            previous = hashlib.sha256(line[:-1]).hexdigest()
            yield entry, previous


def verify_log(
    path: Path,
    key: PublicKey,
    officers: Mapping[str, PublicKey],
    expected_head: str | None = None,
    needed: Callable[[AuditEntry], int] = lambda _: 0,
) -> Head:
    """Verify a whole log, every approval in it too; return its head.

    `expected_head` is a digest noted earlier, which must be one that the log has passed through.
    `needed` says of each entry, in order, how many officers had to approve it.
    """
    head, passed = Head(0, _BEFORE_THE_FIRST), expected_head is None
    for entry, digest in read_log(path, key):
        head = Head(entry.sequence, digest)
        passed = passed or digest == expected_head
        message = approval_message(entry.act, entry.subject, entry.at)
        for approval in entry.approvals:
            who = f"{path.name}, line {entry.sequence}: {approval.officer}"
            if approval.officer not in officers:
                raise ProtocolError(f"{who} is no officer of this PKI")
            try:
                verify(officers[approval.officer], SCHEME, approval.signature, message)
            except ProtocolError:
                raise ProtocolError(f"{who}'s approval is not theirs") from None
        least, found = needed(entry), len({each.officer for each in entry.approvals})
        if found < least:
            where = f"{path.name}, line {entry.sequence}: {entry.act}"
            raise ProtocolError(f"{where} needed {least} officers, and {found} approved it")
    if not passed:
        raise ProtocolError(f"{path.name}: the head noted earlier is not in it; entries are gone")
    return head


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _end_of(descriptor: int, path: Path) -> tuple[bytes, bytes]:
    """The last whole line, without its end, and what stands behind it: a line never finished."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 2 * _MAX_LINE)
    whole, end, unfinished = os.pread(descriptor, size - start, start).rpartition(b"\n")
    if start and (not end or b"\n" not in whole):
        raise MalformedError(str(path), "ends with a line that is longer than an entry can be")
    return whole.rpartition(b"\n")[2], unfinished


def _write_all(descriptor: int, octets: bytes) -> None:
    while octets:
        octets = octets[os.write(descriptor, octets) :]
    os.fsync(descriptor)


def _next_place(last: bytes) -> tuple[int, str]:
    if not last:
        return 1, _BEFORE_THE_FIRST
    entry, _ = _parse_line(last, "the audit log's last line")
    return entry.sequence + 1, hashlib.sha256(last).hexdigest()


def _parse_line(line: bytes, where: str) -> tuple[AuditEntry, bytes]:
    try:
        parsed: Any = json.loads(line)
        fields = parsed["entry"]
        entry = AuditEntry(
            int(fields["sequence"]),
            str(fields["at"]),
            str(fields["act"]),
            {str(name): str(value) for name, value in fields["subject"].items()},
            str(fields["outcome"]),
            tuple(
                Approval(str(each["officer"]), base64.b64decode(each["signature"], validate=True))
                for each in fields["approvals"]
            ),
            str(fields["previous"]),
        )
        signature = base64.b64decode(parsed["signature"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise MalformedError(where, "is not an entry of an audit log") from None
    if _canonical({"entry": fields, "signature": parsed["signature"]}) != line:
        raise MalformedError(where, "is not written as this log writes")
    return entry, signature


def _canonical(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _reason(error: BaseException) -> str:
    """Why an operation failed; only errors of ours are trusted to name no secret."""
    return str(error) if isinstance(error, ChipsealError) else type(error).__name__
