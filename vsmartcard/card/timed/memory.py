"""How many pages of its memory a chip writes."""

from math import ceil

from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.state import ChipState


def pages_written(before: ChipState, after: ChipState, page: int) -> int:
    """Return how many pages of `page` octets differ between two states of a chip.

    Each file begins on a page.  A new file takes a page for its control parameters; its zeros are
    not written.  A counter, a life-cycle state or a security domain is one page, keys and trust
    points as many as they have octets.
    """
    old = {each.key: each for each in before.files}
    total = sum(_pages(old.get(each.key), each, page) for each in after.files)
    if after.keys is not before.keys:
        grown = len(after.keys.encode()) - len(before.keys.encode())
        total += max(1, ceil(grown / page))
    if after.trust != before.trust:
        total += ceil(len(after.trust) / page)
    singles = (
        (before.life_cycle, after.life_cycle),
        (before.failures, after.failures),
        (before.security_domain, after.security_domain),
    )
    return total + sum(one != other for one, other in singles)


def _pages(before: TransparentFile | None, after: TransparentFile, page: int) -> int:
    """Return the pages of one file that differ; a new file counts as written with zeros."""
    if before is after:
        return 0
    old = bytes(len(after.content)) if before is None else before.content
    changed = sum(
        old[at : at + page] != after.content[at : at + page]
        for at in range(0, len(after.content), page)
    )
    return changed + (before is None)
