"""Acts that officers approve at machines of their own: proposed, carried as a file, then run.

An act is one operation of a PKI, with the command that carries it out.  Each officer signs what
the audit log will have: the PKI, the operation, its subject, and when it was proposed.  The subject
also has the act's number and the instant until which it may be run, so an approval serves once, for
this act alone.  Neither approving nor reading an act needs the PKI or its pass phrase.
"""

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

import msgspec

from emrtd.crypto.signatures import Signer
from personalise.pki.audit_log import (
    ACT,
    PROPOSED,
    SCHEME,
    Approval,
    AuditEntry,
    approval_message,
    timestamp,
)
from personalise.pki.officers import Officers
from support.errors import ChipsealError, MisuseError
from support.files import write_atomically
from support.records import Record, from_json, read_bounded, reject

UNTIL: Final = "until"
_MAX_FILE: Final = 1 << 20
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clocks of two machines may differ."""


class GivenApproval(Record, frozen=True):
    """An officer's name and their signature (base64) over `approval_message`."""

    officer: str
    signature: str

    def __post_init__(self) -> None:
        try:
            base64.b64decode(self.signature, validate=True)
        except ValueError:
            reject("signature", "is not base64")


class Act(Record, frozen=True):
    """An act: the arguments of `personalise` that carry it out, and what they do to the PKI.

    `pki` is its `pki_identifier`, `subject` what the log will have.
    """

    pki: str
    command: tuple[str, ...]
    operation: str
    subject: dict[str, str]
    approvals: tuple[GivenApproval, ...] = ()

    def __post_init__(self) -> None:
        for name in (ACT, PROPOSED, UNTIL):
            if name not in self.subject:
                reject("subject", f"has no {name!r}")
        for name in (PROPOSED, UNTIL):
            try:
                _instant(self.subject[name])
            except ValueError:
                reject(f"subject.{name}", "is not an instant YYYY-MM-DDThh:mm:ssZ")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an act; raises `FieldError`."""
        return from_json(read_bounded(path, _MAX_FILE), cls, str(path))

    def save(self, path: Path) -> None:
        """Write the act; it holds nothing secret."""
        write_atomically(path, msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")

    @property
    def message(self) -> bytes:
        """What an officer signs to approve the act."""
        return approval_message(self.pki, self.operation, self.subject, self.subject[PROPOSED])

    def approved_by(self, name: str, signer: Signer) -> Self:
        """Return the act with one more approval; an earlier one of the same officer is replaced."""
        signature = base64.b64encode(signer.sign(SCHEME, self.message)).decode()
        others = (each for each in self.approvals if each.officer != name)
        return msgspec.structs.replace(self, approvals=(*others, GivenApproval(name, signature)))

    def lines(self) -> Iterable[str]:
        """Return the lines that an officer reads before they approve."""
        own = {ACT, PROPOSED, UNTIL}
        yield f"operation  {self.operation}"
        for name, value in self.subject.items():
            if name not in own:
                yield f"  {name:8} {value}"
        yield f"command    personalise {' '.join(self.command)}"
        yield f"act        {self.subject[ACT]}"
        yield f"proposed   {self.subject[PROPOSED]}, to be run until {self.subject[UNTIL]}"
        yield f"PKI        {self.pki}"
        yield f"approved   {', '.join(each.officer for each in self.approvals) or 'by nobody yet'}"


class ProposedError(ChipsealError):
    """The operation that a command would carry out, in place of doing it."""

    def __init__(self, operation: str, subject: Mapping[str, str]) -> None:
        super().__init__(f"{operation} is proposed, and not carried out")
        self.operation = operation
        self.subject = dict(subject)


class Proposal:
    """Makes every operation raise `ProposedError` before it begins."""

    officers: tuple[str, ...] | None = None
    """Nobody is asked for a proposal."""

    def begin(
        self,
        operation: str,
        subject: Mapping[str, str],
        at: datetime,  # noqa: ARG002
    ) -> tuple[dict[str, str], tuple[Approval, ...]]:
        """Raise `ProposedError`."""
        raise ProposedError(operation, subject)


class CarriedAct:
    """Lets one operation begin: that of an act, with the approvals that came with it.

    `log` are the entries of the PKI's audit log so far.
    """

    def __init__(self, act: Act, officers: Officers, log: Iterable[AuditEntry]) -> None:
        self._act = act
        self._officers = officers
        self.officers: tuple[str, ...] | None = tuple(each.officer for each in act.approvals)
        self._log = log

    def begin(
        self, operation: str, subject: Mapping[str, str], at: datetime
    ) -> tuple[dict[str, str], tuple[Approval, ...]]:
        """Return the subject to log, and the approvals.

        Raises `MisuseError` if the operation is another than that of the act, the act has expired
        or was run before, or too few officers have approved it.
        """
        act = self._act
        own = {name: act.subject[name] for name in (ACT, PROPOSED, UNTIL)}
        whole = dict(subject) | own
        if (operation, whole) != (act.operation, act.subject):
            changed = " ".join(f"{name}={value}" for name, value in subject.items())
            raise MisuseError(
                f"the PKI has changed since the act was proposed: it would now be {operation}"
                f" {changed}",
                advice="propose it again",
            )
        if not _instant(own[PROPOSED]) - _TOLERANCE <= at <= _instant(own[UNTIL]):
            raise MisuseError(
                f"the act may be run from {own[PROPOSED]} to {own[UNTIL]}, and not at"
                f" {timestamp(at)}",
                advice="propose it again",
            )
        if any(each.subject.get(ACT) == own[ACT] for each in self._log):
            raise MisuseError(f"the act {own[ACT]} was run before", advice="propose it again")
        approvals = [
            Approval(each.officer, base64.b64decode(each.signature)) for each in act.approvals
        ]
        return whole, self._officers.accept(operation, act.message, approvals)


def propose(
    pki: str, command: Sequence[str], proposed: ProposedError, at: datetime, valid: timedelta
) -> Act:
    """Return the act for a proposed operation, with a new number."""
    own = {
        ACT: secrets.token_hex(8),
        PROPOSED: timestamp(at),
        UNTIL: timestamp(at + valid),
    }
    return Act(pki, tuple(command), proposed.operation, proposed.subject | own)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
