"""Whether a service or a station can work, and what it lacks; nothing secret or of a person."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from support.errors import ChipsealError
from support.log import text_of

_MEGABYTE: Final = 1024 * 1024
ROOM: Final = 64 * _MEGABYTE
"""Octets that must be free on a disk."""


class Condition(msgspec.Struct, frozen=True):
    """One condition of readiness."""

    ready: bool
    what: Annotated[str, msgspec.Meta(description="What is missing, or what there is.")]
    left: Annotated[
        int | None, msgspec.Meta(description="How many are left, where that is counted.")
    ] = None


class Readiness(msgspec.Struct, frozen=True):
    """Whether the service can work; `checks` by name."""

    ready: bool
    checks: dict[str, Condition]


class Live(msgspec.Struct, frozen=True):
    """The service answers."""

    status: Annotated[str, msgspec.Meta(description='Always "live".')] = "live"


Check = Callable[[], Condition]
"""Looks at one condition; an error that it raises is a condition that is not met."""


def look(
    checks: Mapping[str, Check], public: type[ChipsealError]
) -> tuple[Readiness, dict[str, str]]:
    """Look at every condition; return the answer, and for the log what exactly is wrong.

    The answer goes to anyone: it has the message of a `public` error; of any other one, such as one
    of the keys or the database, it says that the log has it.
    """
    found: dict[str, Condition] = {}
    problems: dict[str, str] = {}
    for name, check in checks.items():
        try:
            found[name] = check()
        except public as error:
            found[name] = Condition(ready=False, what=error.message)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the service is not ready
            found[name] = Condition(ready=False, what="cannot be used; the log says why")
            problems[name] = text_of(error)
    return Readiness(all(each.ready for each in found.values()), found), problems


def room_in(*folders: Path) -> Condition:
    """Look at the disks of these folders."""
    free = min(shutil.disk_usage(each).free for each in folders)
    megabytes = free // _MEGABYTE
    is_enough = free >= ROOM
    what = "MB free" if is_enough else f"fewer than {ROOM // _MEGABYTE} MB are free"
    return Condition(ready=is_enough, what=what, left=megabytes)
