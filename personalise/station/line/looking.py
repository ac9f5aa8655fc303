"""What kind of card is in a reader, its serial number, and its life-cycle state."""

from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import Procedure, run
from emrtd.transport.connection import Connection
from personalise.preparing.chip_profile import CARD_KINDS
from personalise.station.cards.interface import (
    Blank,
    CardIdentity,
    CardState,
    PersonalisableCard,
)
from personalise.station.cards.registry import card_kind
from personalise.station.key_sources.interface import KeySource
from personalise.station.line.effects import SeenCard
from personalise.station.outcomes import (
    CardFault,
    RejectCardError,
    StopReaderError,
    WriteError,
    outcome_of,
)
from support.errors import ChipsealError
from support.plugins import plugins

PLAIN_KIND = "iso7816-9"
"""The kind that any card with an eMRTD application resembles; it is tried last."""

_LAST = "globalplatform", PLAIN_KIND
"""Kinds that others resemble: any card with a security domain, then any eMRTD."""


def look_at(connection: Connection, keys: KeySource | None) -> SeenCard:
    """Return kind, serial number and state of the card in a reader; raises `WriteError`.

    Each installed kind of card is asked in turn, except those for which the station has no keys.  A
    card that is of none of them raises `RejectCardError` with `CardFault.WRONG_KIND`.
    """
    others = sorted(set(plugins(CARD_KINDS)).difference(_LAST))
    names = [*others, *(name for name in _LAST if name in plugins(CARD_KINDS))]
    refusal: WriteError | None = None
    for name in names:
        try:
            card = card_kind(name)(Blank(connection.atr, keys=keys))
            procedure = with_response_chaining(_look(card))
            identity, state = run(procedure, connection.transmit, connection.reset)
        except ChipsealError as error:
            refusal = outcome_of(error)
            if not _means_another_kind(refusal):
                if refusal is error:
                    raise
                raise refusal from error
            continue
        if identity.name is not None or name == PLAIN_KIND:
            return SeenCard(identity.name, name, state)
    raise refusal or RejectCardError(
        CardFault.WRONG_KIND, "no kind of card is installed", advice="reinstall Chipseal"
    )


def _means_another_kind(error: WriteError) -> bool:
    wrong = isinstance(error, RejectCardError) and error.fault in {
        CardFault.WRONG_KIND,
        CardFault.REFUSES,
    }
    return wrong or (isinstance(error, StopReaderError) and not error.comes_back)


def _look(card: PersonalisableCard) -> Procedure[tuple[CardIdentity, CardState]]:
    identity = yield from card.identity()
    return identity, (yield from card.begin())
