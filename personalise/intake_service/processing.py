"""Looking at one package: its applications go into the ledger, and its receipt is signed."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from personalise.intake.checking import InProcesses
from personalise.intake.intake import Intake, Receiver, Terms
from personalise.intake.receipt import Receipt, ReceivedPackage, sign_receipt
from personalise.intake.recovering import RecoveringReceiver
from personalise.intake.unwrapping import IntakeKey
from personalise.intake.validation import Validator
from personalise.intake_service.configuration import Configuration, IntakeClientRules
from personalise.intake_service.inbox import Stored
from personalise.ledger.interface import Ledger
from personalise.pki.clock import require_clock
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.chip_profile import ChipProfile
from support.errors import MisuseError


class UnknownSenderError(MisuseError):
    """The client that sent a package is no longer in the configuration: it is not taken."""

    def __init__(self, client: str) -> None:
        super().__init__(
            f"the client {client} is not in the configuration any more",
            advice="the package is kept in the inbox",
        )


@dataclass(frozen=True)
class Processed:
    """A package that was looked at: its receipt and what is in it."""

    receipt: bytes
    content: Receipt
    package: ReceivedPackage


class Processing:
    """Looks at packages, one at a time; the PKI and its intake keys may change meanwhile."""

    def __init__(
        self,
        pki: IssuingPki,
        ledger: Ledger,
        settings: Configuration,
        clock: Callable[[], datetime],
    ) -> None:
        self._pki = pki
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._clients = {each.name: each for each in settings.clients}
        self._profile = ChipProfile.load(settings.profile)
        self._labels: list[str] = []
        self._keys: Sequence[IntakeKey] = ()

    def process(self, stored: Stored, path: Path) -> Processed:
        """Look at a package; raises what the PKI, the ledger or the disk raises.

        A package that was begun before is finished: its applications are taken once.
        """
        pki, at = self._pki.reread(), self._clock().replace(microsecond=0)
        require_clock(pki.folder, at, pki.settings.accepted_clock)
        client = self._clients.get(stored.client)
        if client is None:
            raise UnknownSenderError(stored.client)
        terms = self._terms(pki, client, at)
        receiver: Receiver = RecoveringReceiver(self._ledger) if stored.tries else self._ledger
        with closing(InProcesses(terms.validator, self._settings.jobs)) as checker:
            intake = Intake(receiver, terms, lambda: self._intake_keys(pki), checker=checker)
            (received,) = intake.run([path])
        # An archive in clear was encrypted here; the client knows what it sent.
        received = replace(received, sha256=stored.sha256)
        content = Receipt(pki.settings.state, at, [received])
        return Processed(sign_receipt(content, pki), content, received)

    def _terms(self, pki: IssuingPki, client: IntakeClientRules, at: datetime) -> Terms:
        return Terms(
            profile=self._settings.profile,
            validator=Validator.of(pki, self._profile, at),
            limits=self._settings.limits,
            senders=client.senders,
            channel=client.certificate,
            priority=client.priority,
        )

    def _intake_keys(self, pki: IssuingPki) -> Sequence[IntakeKey]:
        labels = pki.intake_labels()
        if labels != self._labels:
            self._keys, self._labels = intake_keys(pki), labels
        return self._keys
