"""The kinds of cards by the name that a chip profile uses: the entry-point group `chipseal.cards`.

An entry point is a `CardKind`, a callable that makes the `PersonalisableCard` for a blank.
"""

from personalise.preparing.chip_profile import CARD_KINDS
from personalise.station.cards.interface import CardKind
from personalise.station.outcomes import RejectApplicationError, StopReaderError
from support.plugins import plugins


def card_kind(name: str) -> CardKind:
    """The kind of card with this name.

    Raises `RejectApplicationError` where no installed package has it, `StopReaderError` where the
    package that has it cannot be loaded.
    """
    kinds = plugins(CARD_KINDS)
    entry = kinds.get(name)
    if entry is None:
        raise RejectApplicationError(
            f"the image is for cards of the kind {name!r}; there are {', '.join(kinds) or 'none'}",
            advice="install the package that has it at this station",
        )
    try:
        kind: CardKind = entry.load()
    except (ImportError, AttributeError) as error:
        raise StopReaderError(
            f"the kind of card {name!r} of {entry.value} cannot be loaded ({error})",
            advice="install its package again",
        ) from error
    return kind
