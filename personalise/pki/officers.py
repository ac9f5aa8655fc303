"""PKI officers: who they are, which operations need how many of them, and how they approve.

An officer holds a key of their own, in an encrypted file that is theirs.  To approve an operation
is to sign it; the signatures go into the audit log beside it, where `audit_log.verify_log` checks
them for ever.  The configuration (`officers.json`) holds the public keys.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from emrtd.crypto.public_keys import decode_public_key, encode_public_key
from emrtd.crypto.signatures import PublicKey, Signer
from personalise.pki.audit_log import SCHEME, Approval, AuditEntry, approval_message
from support.errors import MalformedError, MisuseError
from support.files import write_atomically

FILE_NAME: Final = "officers.json"

OPERATIONS: Final = frozenset(
    {
        "csca.issue",
        "ds.issue",
        "signer.issue",
        "master-list.publish",
        "cvca.issue",
        "dv.issue",
        "revoke",
        "key.destroy",
        "cv.certify",
        "officer.enrol",
        "officer.require",
    }
)
"""Those that can need an approval; others are entered in the log without an approval."""

_OF_OFFICERS: Final = frozenset({"officer.enrol", "officer.require"})
"""Where any operation needs officers, these do: else one person could undo the rule."""


def known_operations(names: Iterable[str], where: str) -> frozenset[str]:
    """The operations of these names; raises `MisuseError`, which says where, for a name of none."""
    unknown = sorted(set(names) - OPERATIONS)
    if unknown:
        known = ", ".join(sorted(OPERATIONS))
        raise MisuseError(f"{where}: {unknown[0]!r} is no operation of a PKI; there are {known}")
    return frozenset(names)


class _Configuration(msgspec.Struct, forbid_unknown_fields=True):
    required: int = 1
    acts: list[str] = []
    officers: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Officers:
    """The officers of one PKI, by name, and how many of them each operation needs."""

    required: int = 1
    operations: frozenset[str] = frozenset()
    keys: Mapping[str, PublicKey] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> "Officers":
        """Read `officers.json`; without the file no operation needs an officer."""
        path = folder / FILE_NAME
        if not path.exists():
            return cls()
        try:
            raw = msgspec.json.decode(path.read_bytes(), type=_Configuration)
            keys = {
                name: decode_public_key(base64.b64decode(text, validate=True))
                for name, text in raw.officers.items()
            }
        except (msgspec.DecodeError, ValueError) as error:
            raise MalformedError(str(path), str(error)) from None
        return cls(raw.required, known_operations(raw.acts, str(path)), keys)

    def save(self, folder: Path) -> None:
        """Write `officers.json`, atomically."""
        configuration = _Configuration(
            self.required,
            sorted(self.operations),
            {
                name: base64.b64encode(encode_public_key(key)).decode()
                for name, key in sorted(self.keys.items())
            },
        )
        write_atomically(
            folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(configuration))
        )

    def enrol(self, name: str, key: PublicKey) -> "Officers":
        """Add an officer; a name is given once and for all, since old approvals rest on it."""
        if name in self.keys:
            raise MisuseError(f"there is an officer {name} already; a new key needs a new name")
        if not name.isidentifier():
            raise MisuseError(f"an officer's name is letters, digits and underscores, not {name!r}")
        return Officers(self.required, self.operations, {**self.keys, name: key})

    @property
    def guarded(self) -> frozenset[str]:
        """The operations that need officers."""
        return self.operations | _OF_OFFICERS if self.operations else self.operations

    def approve(
        self,
        operation: str,
        subject: Mapping[str, str],
        at: str,
        present: Sequence[tuple[str, Signer]],
    ) -> tuple[Approval, ...]:
        """Have the officers present approve an operation; raises `MisuseError` unless they suffice.

        `at` is its time as the log writes it.  Two approvals are of two officers, each with
        the key that the configuration names.
        """
        names = [name for name, _ in present]
        for name, signer in present:
            if self.keys.get(name) != signer.public_key:
                raise MisuseError(f"{name} is no officer of this PKI, or the key is not theirs")
        needed = self.required if operation in self.guarded else 0
        if len(set(names)) < needed:
            raise MisuseError(
                f"{operation} needs {needed} officers and {len(set(names))} approved it:"
                " name each with --officer NAME=KEYFILE"
            )
        message = approval_message(operation, subject, at)
        return tuple(Approval(name, signer.sign(SCHEME, message)) for name, signer in present)


class RuleOfTheLog:
    """Which operations needed how many officers when they were done, by the audit log itself.

    `officers.json` is for whoever can write to the folder to change, and to change back.
    """

    def __init__(self) -> None:
        self._in_force = Officers()

    def needed(self, entry: AuditEntry) -> int:
        """How many officers the next entry of the log had to be approved by."""
        rule = self._in_force
        if (entry.act, entry.outcome) == ("officer.require", "done"):
            number, acts = entry.subject.get("required", ""), entry.subject.get("acts", "")
            if not re.fullmatch("[0-9]{1,4}", number):
                raise MalformedError(f"entry {entry.sequence}", "does not say how many officers")
            self._in_force = Officers(int(number), frozenset(acts.split()))
        return rule.required if entry.act in rule.guarded else 0
