"""The errors of a ledger; `StepRefusedError` of one step is in `personalise.ledger.states`."""

from datetime import datetime
from typing import ClassVar

from support.errors import ChipsealError, ExitStatus, MisuseError


class LedgerUnavailableError(ChipsealError):
    """The database cannot be used now: it is stopped, full, or held by another process.

    Whether the last call was entered is not known; repeat it.
    """

    kind = "ledger-unavailable"


class LedgerRestoredError(ChipsealError):
    """The ledger lacks entries that were made: it was restored from a backup.

    No station starts with it until a supervisor has joined what the journals know.
    """

    kind = "ledger-restored"


class DamagedLedgerError(ChipsealError):
    """The database is not a ledger, is of a newer version, or contradicts itself."""

    kind = "damaged-ledger"
    exit_status: ClassVar[ExitStatus] = ExitStatus.MISTAKE


class ReplayedPackageError(MisuseError):
    """A package that was received before, at `at`; nothing of it was taken."""

    kind = "replayed-package"

    def __init__(self, at: datetime) -> None:
        self.at = at
        super().__init__(f"the package was received before, at {at:%Y-%m-%d %H:%M:%S} UTC")
