"""The published test key, for sample cards and virtual cards."""

from typing import Final

from emrtd.globalplatform.keys import TEST_KEYS, StaticKeys
from personalise.station.key_sources.failed_cards import FailedCards
from personalise.station.key_sources.interface import ChannelSettings, Replacement


class TestKeySource:
    """The test key for every card, whatever its key version; satisfies `KeySource`."""

    __test__ = False  # not a class of tests

    name: Final = "the published test key"
    is_test: Final = True
    key_versions: Final = (0,)
    replacement: Replacement | None = None

    def __init__(
        self, settings: ChannelSettings | None = None, failed_cards: FailedCards | None = None
    ) -> None:
        self.settings = settings or ChannelSettings()
        self.failed_cards = failed_cards or FailedCards()

    def for_card(self, _diversification_data: bytes, _key_version: int) -> StaticKeys:
        """Return the test key three times."""
        return TEST_KEYS
