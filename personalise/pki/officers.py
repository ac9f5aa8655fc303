"""PKI officers: their keys, the operations that they must approve, and the approval itself.

Each officer has a key, in an encrypted file.  An officer approves an operation by signing it; the
signature is stored in the operation's entry in the audit log, where `audit_log.verify_log` checks
it.  The configuration (`officers.json`) holds the public keys.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from emrtd.crypto.public_keys import decode_public_key, encode_public_key
from emrtd.crypto.signatures import PublicKey, Signer, verify
from emrtd.errors import ProtocolError
from personalise.pki.audit_log import SCHEME, Approval, AuditEntry, approval_message
from support.errors import MalformedError, MisuseError
from support.files import write_atomically

FILE_NAME: Final = "officers.json"

OPERATIONS: Final = frozenset(
    {
        "clock.accept",
        "csca.issue",
        "ds.issue",
        "signer.issue",
        "intake.issue",
        "receipt.issue",
        "master-list.publish",
        "cvca.issue",
        "dv.issue",
        "revoke",
        "key.destroy",
        "cv.certify",
        "foreign.request",
        "officer.enrol",
        "officer.remove",
        "pki.backup",
        "settings.change",
        "officer.require",
        "people.set",
        "spoc.issue",
        "spoc.partner",
        "spoc.refuse",
        "spoc.terminal",
    }
)
"""The operations of a PKI that can require approval; others are logged without one."""

LINE_OPERATIONS: Final = frozenset(
    {
        "jobs.export",
        "jobs.purge",
        "jobs.reject",
        "jobs.release",
        "jobs.reprint",
        "jobs.stop",
        "jobs.unstop",
        "jobs.write-off",
        "ledger.rejoin",
        "stop-list.publish",
    }
)
"""The decisions of a supervisor of the line; they require approval only if they are named."""

_OF_OFFICERS: Final = frozenset({"officer.enrol", "officer.remove", "officer.require"})
"""If any operation requires officers, these do too; else one person could remove the rule."""


def known_operations(names: Iterable[str], where: str) -> frozenset[str]:
    """Return the operations of these names; raises `MisuseError` for an unknown one.

    `where` is the option or file that names them, for the message.
    """
    unknown = sorted(set(names) - OPERATIONS - LINE_OPERATIONS)
    if unknown:
        known = ", ".join(sorted(OPERATIONS | LINE_OPERATIONS))
        raise MisuseError(
            f"{where}: {unknown[0]!r} is not an operation of a PKI", advice=f"choose from {known}"
        )
    return frozenset(names)


def key_digest(key: PublicKey) -> str:
    """Return the SHA-256 of an officer's public key (hex), as the log has it."""
    return hashlib.sha256(encode_public_key(key)).hexdigest()


class _Configuration(msgspec.Struct, forbid_unknown_fields=True):
    required: int = 1
    acts: list[str] = []
    officers: dict[str, str] = {}
    removed: dict[str, str] = {}


def require_name(name: str) -> None:
    """Raise `MisuseError` for a name that no officer can have."""
    if not name.isidentifier():
        raise MisuseError(
            f"{name!r} is not a name for an officer",
            advice="use letters, digits and underscores, beginning with a letter",
        )


@dataclass(frozen=True, slots=True)
class Officers:
    """The officers of one PKI, by name, and the operations that `required` of them must approve.

    `removed` are the keys of those who were officers: what they approved is verified with them.
    """

    required: int = 1
    operations: frozenset[str] = frozenset()
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    removed: Mapping[str, PublicKey] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> "Officers":
        """Read `officers.json`; without this file no operation requires an officer."""
        path = folder / FILE_NAME
        if not path.exists():
            return cls()
        try:
            raw = msgspec.json.decode(path.read_bytes(), type=_Configuration)
            keys, removed = (
                {
                    name: decode_public_key(base64.b64decode(text, validate=True))
                    for name, text in each.items()
                }
                for each in (raw.officers, raw.removed)
            )
        except (msgspec.DecodeError, ValueError) as error:
            raise MalformedError(str(path), str(error)) from None
        return cls(raw.required, known_operations(raw.acts, str(path)), keys, removed)

    def save(self, folder: Path) -> None:
        """Write `officers.json`, atomically."""
        configuration = _Configuration(
            self.required,
            sorted(self.operations),
            *(
                {
                    name: base64.b64encode(encode_public_key(key)).decode()
                    for name, key in sorted(each.items())
                }
                for each in (self.keys, self.removed)
            ),
        )
        write_atomically(
            folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(configuration))
        )

    def enrol(self, name: str, key: PublicKey) -> "Officers":
        """Return the configuration with one more officer.

        A name is never reused, since old approvals are verified with its key.  Nor is a key: its
        holder would count as two officers.
        """
        if name in self.ever:
            exists = "already exists" if name in self.keys else "existed before"
            raise MisuseError(
                f"an officer {name} {exists}", advice="use another name for a new key"
            )
        for other, theirs in self.ever.items():
            if theirs == key:
                who = "who would count twice" if other in self.keys else "who was removed"
                raise MisuseError(
                    f"the key is that of the officer {other}, {who}",
                    advice="make another key with `personalise officer key`",
                )
        require_name(name)
        return replace(self, keys={**self.keys, name: key})

    def remove(self, name: str) -> "Officers":
        """Return the configuration without an officer, whose key stays for old approvals.

        Raises `MisuseError` if nobody has this name, or if fewer would be left than are required.
        """
        if name not in self.keys:
            known = ", ".join(sorted(self.keys)) or "nobody"
            raise MisuseError(f"{name} is not an officer of this PKI", advice=f"they are {known}")
        left = {other: key for other, key in self.keys.items() if other != name}
        if self.operations and len(left) < self.required:
            raise MisuseError(
                f"{self.required} officers are required, and only {len(left)} would be left",
                advice="enrol a successor first, or require fewer with `officer require`",
            )
        return replace(self, keys=left, removed={**self.removed, name: self.keys[name]})

    @property
    def ever(self) -> Mapping[str, PublicKey]:
        """The keys of those who are or were officers: with them old approvals are verified."""
        return {**self.removed, **self.keys}

    @property
    def guarded(self) -> frozenset[str]:
        """The operations that require officers."""
        return self.operations | _OF_OFFICERS if self.operations else self.operations

    def approve(
        self,
        pki: str,
        operation: str,
        subject: Mapping[str, str],
        at: str,
        present: Sequence[tuple[str, Signer]],
    ) -> tuple[Approval, ...]:
        """Return the approvals of the officers present; raises `MisuseError` if they are too few.

        `pki` is its `pki_identifier`, `at` the operation's time as the log writes it.  Each
        officer must sign with the key that the configuration names; two signatures of one officer
        count once.
        """
        names = [name for name, _ in present]
        for name, signer in present:
            if self.keys.get(name) != signer.public_key:
                raise MisuseError(f"{name} is not an officer of this PKI, or has another key")
        self._require(operation, names, "name each officer with --officer NAME=KEYFILE")
        message = approval_message(pki, operation, subject, at)
        return tuple(Approval(name, signer.sign(SCHEME, message)) for name, signer in present)

    def accept(
        self, operation: str, message: bytes, approvals: Sequence[Approval]
    ) -> tuple[Approval, ...]:
        """Return approvals that were given before, each verified over the message.

        Raises `MisuseError` if one is of a stranger or does not verify, or if they are too few.
        """
        for each in approvals:
            key = self.keys.get(each.officer)
            if key is None:
                known = ", ".join(sorted(self.keys)) or "nobody"
                raise MisuseError(
                    f"{each.officer} is not an officer of this PKI",
                    advice=f"they are {known}; propose it again, to be approved under these names",
                )
            try:
                verify(key, SCHEME, each.signature, message)
            except ProtocolError:
                raise MisuseError(
                    f"the approval of {each.officer} is of another act, or with another key"
                ) from None
        names = [each.officer for each in approvals]
        self._require(operation, names, "have it approved with `personalise pki act approve`")
        return tuple(approvals)

    def _require(self, operation: str, names: Sequence[str], advice: str) -> None:
        needed, found = self.required if operation in self.guarded else 0, len(set(names))
        if found < needed:
            raise MisuseError(
                f"{operation} requires {needed} officers, and {found} approved it", advice=advice
            )


class RequirementsInLog:
    """How many officers each operation required at its time, derived from the audit log itself.

    `officers.json` cannot be relied on here: anyone who can write to the folder could change it for
    a while and change it back, or add an officer.  `keys` are its keys, of those removed too.
    """

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._in_force = Officers()
        self._digests = {name: key_digest(key) for name, key in keys.items()}
        self._enrolled: set[tuple[str, str]] = set()

    def needed(self, entry: AuditEntry) -> int:
        """Return how many officers had to approve `entry`, the next entry of the log.

        Raises `ProtocolError` if someone approved it whom no entry before it enrols with their key.
        """
        rule = self._in_force
        for name in (each.officer for each in entry.approvals):
            if (name, self._digests.get(name, "")) not in self._enrolled:
                raise ProtocolError(
                    f"entry {entry.sequence}: {name} approved {entry.operation}, and no entry"
                    " before it enrols them with this key"
                )
        if entry.operation == "officer.enrol":
            # Also if it has no end: the officer may be enrolled, and those who approved it count.
            self._enrolled.add((entry.subject.get("officer", ""), entry.subject.get("key", "")))
        if (entry.operation, entry.outcome) == ("officer.remove", "done"):
            self._enrolled.discard((entry.subject.get("officer", ""), entry.subject.get("key", "")))
        if (entry.operation, entry.outcome) == ("officer.require", "done"):
            number, names = entry.subject.get("required", ""), entry.subject.get("acts", "")
            if not re.fullmatch("[0-9]{1,4}", number):
                raise MalformedError(f"entry {entry.sequence}", "does not state how many officers")
            self._in_force = Officers(int(number), frozenset(names.split()))
        return rule.required if entry.operation in rule.guarded else 0
