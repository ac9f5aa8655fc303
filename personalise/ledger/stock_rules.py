"""The rules of stock keeping, and which card is blank: pure, like `rules`."""

from typing import Final

from personalise.ledger.refusing import changed, refuse_card
from personalise.ledger.states import (
    BLANK,
    CardRecord,
    CardStatus,
    Place,
    Refusal,
    StepRefusedError,
)
from personalise.ledger.steps import CardDestroyed, CardReceived, CardSpoilt, CardStep


def apply_to_card(card: CardRecord, step: CardStep) -> CardRecord:
    """Return a card after a step of stock keeping; raises `StepRefusedError`."""
    match step:
        case CardReceived():
            if card.status is not CardStatus.UNKNOWN:
                refuse_card(card, "was received before")
            return changed(card, status=CardStatus.IN_STOCK)
        case CardSpoilt():
            if card.status not in BLANK:
                refuse_card(card, "is not blank", advice="`jobs write-off` ends a card in use")
            return changed(
                card, status=CardStatus.SPOILT, reason=step.reason, may_be_good=step.may_be_good
            )
        case CardDestroyed():
            came_back = card.status is CardStatus.USED and card.place is Place.RETURNED
            if card.status not in _DESTRUCTIBLE and not came_back:
                advice = "write the card off, reprint its document, or enter its return, first"
                refuse_card(card, f"is {card.status}", advice=advice)
            return changed(card, status=CardStatus.DESTROYED, may_be_good=False)


_DESTRUCTIBLE: Final = frozenset(
    {CardStatus.IN_STOCK, CardStatus.SPOILT, CardStatus.WRITTEN_OFF, CardStatus.ENDED}
)


def require_blank(card: CardRecord, *, only_stock: bool = False) -> None:
    """Raise `StepRefusedError` if no job may be begun on a card.

    With `only_stock` the card must have been received into stock.
    """
    if card.status not in BLANK:
        raise StepRefusedError(
            Refusal.CARD_NOT_BLANK,
            f"card {card.name}",
            f"is {card.status} in the ledger and takes no document",
            advice="put it with the rejected cards, and insert a blank one",
        )
    if only_stock and card.status is CardStatus.UNKNOWN:
        raise StepRefusedError(
            Refusal.CARD_NOT_IN_STOCK,
            f"card {card.name}",
            "is not in stock",
            advice="receive it with `personalise ledger stock receive`, or use another card",
        )
