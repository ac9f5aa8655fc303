"""The kinds of cards by the name that a chip profile uses: the entry-point group `chipseal.cards`.

An entry point is a `CardKind`, a callable that returns the `PersonalisableCard` for a blank.
"""

from personalise.preparing.chip_profile import CARD_KINDS
from personalise.station.cards.interface import CardKind
from personalise.station.outcomes import RejectApplicationError, StopReaderError
from support.plugins import plugins


def card_kind(name: str) -> CardKind:
    """Return the kind of card with this name.

    Raises `RejectApplicationError` if no installed package registers it, `StopReaderError` if the
    package that does cannot be loaded.
    """
    kinds = plugins(CARD_KINDS)
    entry = kinds.get(name)
    if entry is None:
        raise RejectApplicationError(
            f"the image is for cards of the kind {name!r}, and this station has only"
            f" {', '.join(kinds) or 'none'}",
            advice="install the package for that kind of card",
        )
    try:
        kind: CardKind = entry.load()
    except (ImportError, AttributeError) as error:
        raise StopReaderError(
            f"the kind of card {name!r} cannot be loaded from {entry.value} ({error})",
            advice="reinstall its package",
        ) from error
    return kind
