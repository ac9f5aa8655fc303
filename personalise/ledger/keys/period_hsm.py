"""The keys of retention periods in an HSM: made, used and destroyed there.

Each is an AES-256 key with the label `retention-2026-11`, which the token never returns.  It wraps
and unwraps the keys of jobs with CKM_AES_KEY_WRAP, so that a wrapped key has the same form as with
a key in a file.
"""

from collections.abc import Callable
from dataclasses import dataclass

from personalise.ledger.keys.interface import PeriodKey
from personalise.pki.keys.hsm import Pkcs11Custody
from support.secret import Secret


@dataclass(frozen=True)
class HsmPeriodKeys:
    """The keys of retention periods in one token; `custody` logs in to it when it is needed."""

    token: str
    custody: Callable[[], Pkcs11Custody]

    def has(self, period: str) -> bool:
        """Whether the token has the key of a period."""
        return self.custody().has_wrapping_key(_label(period))

    def key(self, period: str, *, create: bool = False) -> PeriodKey:
        """Return the key of a period; with `create` it is made if the token has none."""
        custody = self.custody()
        if create and not custody.has_wrapping_key(_label(period)):
            custody.generate_wrapping_key(_label(period))
        return _HsmPeriodKey(custody, _label(period))

    def destroy(self, period: str) -> None:
        """Destroy the key of a period in the token; it cannot be undone."""
        self.custody().destroy(_label(period))

    def where(self, period: str) -> str:
        """Return where the key of a period lies, for messages."""
        return f"key {_label(period)!r} of the HSM's token {self.token!r}"


@dataclass(frozen=True)
class _HsmPeriodKey:
    custody: Pkcs11Custody
    label: str

    def wrap(self, key: Secret) -> bytes:
        return self.custody.wrap(self.label, key)

    def unwrap(self, wrapped: bytes) -> Secret | None:
        return self.custody.unwrap(self.label, wrapped)


def _label(period: str) -> str:
    return f"retention-{period}"
