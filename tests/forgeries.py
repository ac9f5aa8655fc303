"""`python -m tests.forgeries` makes the tables of docs/forgeries.md from the kinds of forgery."""

import sys
from itertools import groupby

from tests.helpers import REPOSITORY
from vsmartcard.forging.kinds import kinds

PAGE = REPOSITORY / "docs" / "forgeries.md"

HEADING = "## The kinds\n"
"""What follows it is made; what stands before it is written by hand."""


def page() -> str:
    """Return the page."""
    found = sorted(kinds().values(), key=lambda each: list(type(each.family)).index(each.family))
    head = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    parts = [head, HEADING, f"\n{len(found)} kinds.\n"]
    for family, members in groupby(found, key=lambda each: each.family):
        listed = list(members)
        parts += [
            f"\n### {family.value[0].upper()}{family.value[1:]}\n\n{len(listed)} kinds.\n\n",
            "| kind | what an attacker would gain | check | |\n|---|---|---|---|\n",
            *(
                f"| `{each.name}` | {each.gain} | `{each.check}` | {'chip' * each.on_chip} |\n"
                for each in listed
            ),
        ]
    return "".join(parts)


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
