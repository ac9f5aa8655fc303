"""The audit log of a PKI: append-only, hash-chained and signed; one JSON object per line.

Each line holds an entry and a signature over it.  An entry contains the SHA-256 of the previous
line, so a line that is changed, removed or inserted breaks the chain at the next line.  The chain
cannot show that lines are missing at the end: `verify_log` returns the head, which officers note
elsewhere (in the minutes of a ceremony) and pass as `expected_head` later.

A line that a power cut left unfinished was never acknowledged.  `verify_log` refuses it; the next
append cuts it off and enters `audit.repair`, with its length and SHA-256, before its own entry.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from emrtd.crypto.hashes import Hash
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import (
    PublicKey,
    SignatureFamily,
    SignatureScheme,
    Signer,
    verify,
)
from emrtd.errors import ProtocolError
from support.errors import ChipsealError, MalformedError, MisuseError
from support.printable_text import counted

SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
"""The signature scheme of entries and approvals."""

_BEFORE_THE_FIRST: Final = "0" * 64
_MAX_LINE: Final = 1 << 20
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

ACT: Final = "act"
PROPOSED: Final = "proposed"
"""Fields of the subject of an operation that was approved before it began (`acts`)."""

REPAIR: Final = "audit.repair"
"""The operation that cuts off an unfinished line."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An officer's name, and their signature over `approval_message`."""

    officer: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry: the operation, its subject, time (UTC), approvals and outcome.

    `previous` is the SHA-256 of the line before it (hex).
    """

    sequence: int
    at: str
    operation: str
    subject: Mapping[str, str]
    outcome: str
    approvals: tuple[Approval, ...]
    previous: str

    def encode(self) -> bytes:
        """Encode the signed content: canonical JSON, with sorted keys and without white space."""
        return _canonical(
            {
                "sequence": self.sequence,
                "at": self.at,
                "act": self.operation,
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
    """The end of a log: how many entries it has, and the SHA-256 of its last line (hex)."""

    entries: int
    digest: str


def pki_identifier(key: PublicKey) -> str:
    """Return what names a PKI: the SHA-256 of the key of its audit log (hex)."""
    return hashlib.sha256(encode_public_key(key)).hexdigest()


def approval_message(pki: str, operation: str, subject: Mapping[str, str], at: str) -> bytes:
    """Return what an officer signs to approve an operation: its PKI, name, subject and start time.

    `pki` is its `pki_identifier`: an officer may serve several, and each gives the same labels.
    """
    fields = {"pki": pki, "act": operation, "subject": dict(subject), "at": at}
    return b"chipseal approval\n" + _canonical(fields)


class AuditLog:
    """Appends to one log file; `signer` signs with the log's own key."""

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
        """Log the block as an operation: one entry when it begins, one with its outcome.

        The first entry is on disk before the block runs, so that every operation leaves a trace.
        Raises `MisuseError` if the outcome cannot be logged.
        """
        self.append(name, subject, "begun", at, approvals)
        try:
            yield
        except BaseException as error:
            with suppress(ChipsealError, OSError):  # the first error is reported
                self.append(name, subject, f"failed: {_reason(error)}", at, approvals)
            raise
        try:
            self.append(name, subject, "done", at, approvals)
        except ChipsealError as error:
            raise MisuseError(f"{name} is done, but its end is not in the log: {error}") from error

    def append(
        self,
        operation: str,
        subject: Mapping[str, str],
        outcome: str,
        at: datetime,
        approvals: tuple[Approval, ...] = (),
    ) -> None:
        """Append one entry, durably, and whole or not at all.

        Raises `MisuseError` if the file cannot be written, `MalformedError` if it is not an audit
        log.
        """
        with _locked(self._path) as descriptor:
            last, unfinished = _end_of(descriptor, self._path)
            size = os.fstat(descriptor).st_size - len(unfinished)
            done = [(operation, subject, outcome, approvals)]
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
        """Return the signed line of an entry, without its line end."""
        encoded = entry.encode()
        signature = _base64(self._signer.sign(SCHEME, encoded))
        line = _canonical({"entry": json.loads(encoded), "signature": signature})
        if len(line) >= _MAX_LINE:
            raise MisuseError(f"an entry of {len(line):,} octets is too long for the audit log")
        return line


def timestamp(at: datetime) -> str:
    """Format an instant as the log does: UTC, to the second."""
    return at.astimezone(UTC).strftime(_TIME)


def time_of_last_entry(path: Path) -> datetime | None:
    """Return the time of a log's last whole entry, not verified; None if there is no entry."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        last, _ = _end_of(file.fileno(), path)
    if not last:
        return None
    where = f"{path.name}, last line"
    entry, _ = _parse_line(last, where)
    try:
        return datetime.strptime(entry.at, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise MalformedError(where, "has a time that cannot be read") from None


def read_log(path: Path, key: PublicKey) -> Iterator[tuple[AuditEntry, str]]:
    """Yield each verified entry, in order, with the SHA-256 of its line (hex).

    Raises `ProtocolError` at the first entry whose signature, sequence number or chain is wrong,
    and `MalformedError` at a line that is not an entry.
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
    """Verify every entry of a log and every approval; return its head.

    `expected_head` is a digest noted earlier: it must be the digest of one of the lines.  `needed`
    is called with each entry, in order, and returns how many officers had to approve it.  Raises
    `ProtocolError` or `MalformedError`.
    """
    head, passed = Head(0, _BEFORE_THE_FIRST), expected_head is None
    pki = pki_identifier(key)
    acts: set[str] = set()
    for entry, digest in read_log(path, key):
        head = Head(entry.sequence, digest)
        if ACT in entry.subject and entry.outcome == "begun":
            if entry.subject[ACT] in acts:
                where = f"{path.name}, line {entry.sequence}"
                raise ProtocolError(f"{where}: the act {entry.subject[ACT]} was run before")
            acts.add(entry.subject[ACT])
        passed = passed or digest == expected_head
        approved_at = entry.subject.get(PROPOSED, entry.at)
        message = approval_message(pki, entry.operation, entry.subject, approved_at)
        for approval in entry.approvals:
            who = f"{path.name}, line {entry.sequence}: {approval.officer}"
            if approval.officer not in officers:
                raise ProtocolError(f"{who} is not an officer of this PKI")
            try:
                verify(officers[approval.officer], SCHEME, approval.signature, message)
            except ProtocolError:
                raise ProtocolError(f"{who}'s approval has a wrong signature") from None
        least, found = needed(entry), len({each.officer for each in entry.approvals})
        if found < least:
            where = f"{path.name}, line {entry.sequence}: {entry.operation}"
            raise ProtocolError(
                f"{where} required {counted(least, 'officer')}, and {found} approved it"
            )
    if not passed:
        raise ProtocolError(
            f"{path.name}: the expected head is not in the log: entries are missing"
        )
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
    """Return the last whole line, without its line end, and the unfinished line behind it."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 2 * _MAX_LINE)
    whole, end, unfinished = os.pread(descriptor, size - start, start).rpartition(b"\n")
    if start and (not end or b"\n" not in whole):
        raise MalformedError(str(path), "ends with a line that is too long for an entry")
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
        raise MalformedError(where, "is not canonical JSON")
    return entry, signature


def _canonical(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _reason(error: BaseException) -> str:
    """Return why an operation failed; the text of other errors might contain a secret."""
    return str(error) if isinstance(error, ChipsealError) else type(error).__name__
