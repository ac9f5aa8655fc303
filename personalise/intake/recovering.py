"""A ledger as the intake sees it when a package was begun before, and the intake then ended.

Whether the package was entered is not known.  If it was, its applications are those that were
received in the same transaction, which has one time.
"""

from collections.abc import Sequence

from personalise.ledger.errors import ReplayedPackageError
from personalise.ledger.interface import Ledger
from personalise.ledger.values import Arrival, Reception


class RecoveringReceiver:
    """Enters a package if it was not entered; else returns what became of it then."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find_document(self, _issuing_state: str, _number: str) -> str | None:
        """Return None: the job of a document may be that of this very package.

        The ledger itself refuses a duplicate when the package is entered.
        """
        return None

    def receive(
        self, arrivals: Sequence[Arrival], *, package: bytes | None = None
    ) -> list[Reception]:
        """See `Ledger.receive`."""
        try:
            return self._ledger.receive(arrivals, package=package)
        except ReplayedPackageError as error:
            return [self._received(each, error) for each in arrivals]

    def _received(self, arrival: Arrival, error: ReplayedPackageError) -> Reception:
        job = self._ledger.find_document(arrival.issuing_state, arrival.number)
        if job is not None:
            entry = self._ledger.job(job)
            if entry.received == error.at:
                return Reception(job, entry.job.state, entry.document)
        return Reception(None, None, "", job)
