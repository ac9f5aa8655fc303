"""The kinds of forgery, in one module or more for each family."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType

from support.errors import MisuseError
from vsmartcard.forging.forgery import Forgery


@cache
def kinds() -> Mapping[str, Forgery]:
    """Return every kind of forgery by its name, in the order of the families."""
    from vsmartcard.forging.kinds import (
        access,
        certificates,
        data_groups,
        doubled,
        lying_files,
        lying_openings,
        lying_sessions,
        notes,
        printed,
        revocation,
        signers,
        stripped,
        trust,
    )

    modules = (
        data_groups,
        certificates,
        doubled,
        signers,
        revocation,
        trust,
        access,
        printed,
        notes,
        stripped,
        lying_openings,
        lying_sessions,
        lying_files,
    )
    return MappingProxyType({each.name: each for module in modules for each in module.KINDS.found})


def kind(name: str) -> Forgery:
    """Return a kind; raises `MisuseError` for an unknown name."""
    found = kinds().get(name)
    if found is None:
        close = get_close_matches(name, kinds(), 3)
        advice = f"did you mean {' or '.join(close)}?" if close else "see `vsmartcard forge --list`"
        raise MisuseError(f"{name!r} is not a kind of forgery", advice=advice)
    return found
