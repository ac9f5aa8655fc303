"""What docs/virtual-chip.md says of the life cycle and of the commands is what the chip does."""

import re

from tests.support import REPOSITORY
from vsmartcard.chip.life_cycle import TRANSITIONS

TEXT = (REPOSITORY / "docs" / "virtual-chip.md").read_text(encoding="utf-8")


def test_the_table_of_the_life_cycle() -> None:
    table = TEXT.partition("## Life cycle")[2].partition("\n\nWhat is not")[0]
    rows = re.findall(r"^\| ([a-z ]+) \| ([a-z]+) \| ([a-z ]+) \|$", table, re.MULTILINE)
    assert rows[1:] == [
        (
            state.name.lower().replace("_", " "),
            event.name.lower(),
            after.name.lower().replace("_", " "),
        )
        for (state, event), after in TRANSITIONS.items()
    ]


def test_the_warning_is_there() -> None:
    assert "listens on every network interface" in TEXT
