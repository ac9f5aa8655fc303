"""The interface of a source of transport keys, and how the station uses them."""

from dataclasses import dataclass
from typing import Protocol

from emrtd.globalplatform.keys import StaticKeys
from emrtd.globalplatform.parameters import Mode, SecurityLevel
from emrtd.globalplatform.security_domain import SECURITY_DOMAIN
from personalise.station.key_sources.failed_cards import FailedCards


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """How a session of SCP03 with the cards of a batch is opened.

    `security_domain` is the AID to select, for kinds of cards that have one.
    `counts_empty_commands` is that of `SecureChannel`.
    """

    level: SecurityLevel = SecurityLevel.ALL
    mode: Mode = Mode.S8
    security_domain: bytes = SECURITY_DOMAIN
    counts_empty_commands: bool = True


class KeySource(Protocol):
    """The transport keys of a batch of blank cards."""

    @property
    def name(self) -> str:
        """The name of the batch, for messages."""
        ...

    @property
    def is_test(self) -> bool:
        """Whether these are the published test key, which protects nothing."""
        ...

    @property
    def settings(self) -> ChannelSettings:
        """How sessions with these cards are opened."""
        ...

    @property
    def key_versions(self) -> tuple[int, ...]:
        """The key versions to ask a card for, in this order; 0 leaves the choice to the card."""
        ...

    @property
    def replacement(self) -> "Replacement | None":
        """The keys that replace the transport keys before the card is locked, if any."""
        ...

    @property
    def failed_cards(self) -> FailedCards:
        """The cards with which authentication failed before."""
        ...

    def for_card(self, diversification_data: bytes, key_version: int) -> StaticKeys:
        """Return the keys of a card; raises `StopReaderError` if there are none of this version."""
        ...


class CardKeys(Protocol):
    """Keys of one version; satisfied by the key sources of `emrtd.globalplatform.keys` too."""

    def for_card(self, diversification_data: bytes, key_version: int) -> StaticKeys:
        """Return the keys of a card."""
        ...


@dataclass(frozen=True, slots=True)
class Replacement:
    """The key version and the keys that PUT KEY sets."""

    version: int
    keys: CardKeys
