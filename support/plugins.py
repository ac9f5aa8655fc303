"""Plug-ins: what installed packages register in an entry-point group, found by name.

chipseal.readers      kinds of readers            `emrtd.transport.readers`
chipseal.specimens    documents of nobody         `emrtd.specimens`
chipseal.quality      measures of samples         `emrtd.biometrics.quality.plugins`
chipseal.cards        kinds of blank cards        `personalise.station.cards.registry`
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def plugins(group: str) -> "Mapping[str, EntryPoint]":
    """The entry points of a group by name, in alphabetical order; none of them is loaded.

    Every installed package is looked at, which takes milliseconds: done once in a process.  Where
    two packages register one name, the first one found keeps it.
    """
    from importlib.metadata import entry_points  # imports much: only where a plug-in is asked for

    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda each: each.name):
        found.setdefault(entry.name, entry)
    return found
