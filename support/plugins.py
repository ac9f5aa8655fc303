"""Plug-ins: entry points that installed packages register in a group, found by name.

chipseal.readers      kinds of readers            `emrtd.transport.readers`
chipseal.specimens    specimen documents          `emrtd.specimens`
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
    """Return the entry points of a group by name, in alphabetical order, without loading them.

    The search visits every installed package, which takes milliseconds, so its result is cached.
    If two packages register one name, the first one found is used.
    """
    from importlib.metadata import entry_points  # a slow import: only when plug-ins are needed

    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda each: each.name):
        found.setdefault(entry.name, entry)
    return found
