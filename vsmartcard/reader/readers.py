"""List virtual readers, and start a pcscd with some if no pcscd runs.

A pcscd that already runs is never stopped or reconfigured; its virtual readers are used.  vpcd
listens on every interface of the machine without authentication, so use virtual readers on test
machines only.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from emrtd.errors import TransportError
from emrtd.transport.readers import require_pyscard
from support.errors import MisuseError
from vsmartcard.reader import pcscd, reader_conf
from vsmartcard.reader.vpcd import BASE_PORT

WARNING: Final = (
    "vpcd listens on every network interface without authentication: anyone who can reach this "
    "machine can put a card into these readers; use them on test machines only"
)

_APPEARING_SECONDS: Final = 10.0
_LOOKING_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class VirtualReader:
    """A virtual reader: its name in PC/SC, its port, and whether a card is in it."""

    name: str
    port: int
    occupied: bool


def listed() -> tuple[VirtualReader, ...]:
    """Return the virtual readers of the running pcscd, ours or not; none if no pcscd runs."""
    if not pcscd.answers():
        return ()
    require_pyscard()
    from emrtd.transport.pcsc.readers import occupancy

    ours = pcscd.own_pid() is not None
    folder = pcscd.configuration_folder() if ours else reader_conf.SYSTEM_FOLDER
    entries = reader_conf.read_entries(folder)
    return tuple(
        VirtualReader(name, port, occupied)
        for name, occupied in occupancy().items()
        for entry in entries
        if (port := entry.port_of(name)) is not None
    )


@contextmanager
def kept_running() -> Iterator[None]:
    """Keep the pcscd running: ours is not stopped, another does not exit because it is idle.

    Raises `TransportError` if one runs and this installation has no PC/SC library.
    """
    with ExitStack() as held:
        held.enter_context(pcscd.in_use())
        if pcscd.answers():
            require_pyscard()
            from emrtd.transport.pcsc.readers import open_context

            held.enter_context(open_context())
        yield


def up(count: int, first_port: int = BASE_PORT) -> tuple[VirtualReader, ...]:
    """Ensure that there are at least `count` virtual readers, and return all of them.

    vpcd makes readers in pairs.  Raises `TransportError` if a pcscd runs that has too few.
    """
    if not 1 <= count <= reader_conf.MOST_READERS:
        raise MisuseError(
            f"{count} readers requested", advice=f"use 1 to {reader_conf.MOST_READERS}"
        )
    require_pyscard()  # before pcscd is started
    with pcscd.changing():
        if not pcscd.answers():
            reader_conf.write_entries(pcscd.configuration_folder(), count, first_port)
            with _stopped_on_failure():
                pcscd.start()
                return _wait_for(count)
        found = listed()
    if len(found) < count:
        ours = pcscd.own_pid() is not None
        advice = (
            "stop it with `vsmartcard readers down` first"
            if ours
            else "stop that pcscd, or use --reader virtual:FILE, which needs no pcscd"
        )
        raise TransportError(
            f"a pcscd already runs, with {len(found)} virtual readers instead of {count}",
            advice=advice,
        )
    return found


def wait_until_occupied(reader: VirtualReader) -> None:
    """Wait until pcscd reports the card in a reader, which it does soon after powering it up.

    Raises `TransportError` after 10 s.
    """
    if not _becomes(reader.port, occupied=True):
        raise TransportError(
            f"pcscd has powered up the card in {reader.name} but does not report it",
            advice="take it out and insert it again",
        )


def wait_until_empty(port: int) -> None:
    """Wait until pcscd reports that the card has left the reader on a port, at most 10 s.

    A card that is inserted earlier is taken for the last one, and has to be inserted again.
    """
    _becomes(port, occupied=False)


def _becomes(port: int, *, occupied: bool) -> bool:
    deadline = time.monotonic() + _APPEARING_SECONDS
    while any(each.occupied for each in listed() if each.port == port) is not occupied:
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOKING_SECONDS)
    return True


class ReadersInUseError(MisuseError):
    """The virtual readers cannot be stopped because a card is in one of them."""


def down(*, force: bool = False) -> bool:
    """Stop the pcscd that `up` started, and no other; return whether it was running.

    While a card is in one of its readers, raises `ReadersInUseError` and leaves it running, unless
    `force` is set.
    """
    with pcscd.changing():
        pid = pcscd.own_pid()
        if pid is None:
            return False
        if not force and pcscd.is_in_use():
            raise ReadersInUseError(
                "a card is in one of the virtual readers; pcscd is still running",
                advice="take it out, or use --force",
            )
        pcscd.stop(pid)
    return True


@contextmanager
def _stopped_on_failure() -> Iterator[None]:
    """Stop our pcscd if the body fails or is interrupted."""
    try:
        yield
    except BaseException:
        pid = pcscd.own_pid()
        if pid is not None:
            pcscd.stop(pid)
        raise


def _wait_for(count: int) -> tuple[VirtualReader, ...]:
    deadline = time.monotonic() + _APPEARING_SECONDS
    while len(found := listed()) < count:
        if time.monotonic() > deadline:
            log = pcscd.state_folder() / "pcscd.log"
            raise TransportError(
                f"pcscd has {len(found)} virtual readers instead of {count}",
                advice=f"see {log}; another program may be using their ports",
            )
        time.sleep(0.1)
    return found
