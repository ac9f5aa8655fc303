"""Virtual readers: which there are, and a pcscd of our own where there are none.

A pcscd that already runs is never stopped or reconfigured: where it has virtual readers they are
used.  vpcd listens on every interface of the machine without authentication, so virtual readers
belong on test machines.
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
    "vpcd listens on every network interface without authentication: anyone who reaches this "
    "machine can put a card into these readers; use them on test machines only"
)

_APPEARING_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class VirtualReader:
    """A virtual reader: its name in PC/SC, its port, and whether a card is in it."""

    name: str
    port: int
    occupied: bool


def listed() -> tuple[VirtualReader, ...]:
    """The virtual readers of the pcscd that runs, ours or not; none where none runs."""
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
def kept() -> Iterator[None]:
    """Keep the pcscd that runs: ours from being stopped, another from exiting when it is idle."""
    with ExitStack() as held:
        held.enter_context(pcscd.in_use())
        if pcscd.answers():
            from emrtd.transport.pcsc.readers import open_context

            held.enter_context(open_context())
        yield


def up(count: int, first_port: int = BASE_PORT) -> tuple[VirtualReader, ...]:
    """Make sure of `count` virtual readers at least, and list all there are.

    They come in pairs.  Raises `TransportError` where a pcscd runs that has too few of them.
    """
    if not 1 <= count <= reader_conf.MOST_READERS:
        raise MisuseError(f"a pcscd takes 1 to {reader_conf.MOST_READERS} readers, not {count}")
    require_pyscard()  # before anything is started
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
            else "stop that pcscd, or use --reader virtual:FILE, which needs none"
        )
        raise TransportError(
            f"a pcscd runs already, with {len(found)} virtual readers and not {count}: {advice}"
        )
    return found


def wait_until_occupied(reader: VirtualReader) -> None:
    """Wait until pcscd says that there is a card in a reader, as it does soon after powering it up.

    Raises `TransportError` where it does not say so for 10 s.
    """
    deadline = time.monotonic() + _APPEARING_SECONDS
    while not any(each.occupied for each in listed() if each.port == reader.port):
        if time.monotonic() > deadline:
            raise TransportError(
                f"pcscd has powered up the card in {reader.name} and does not show it: take it "
                "out, and put it in again"
            )
        time.sleep(0.005)


class ReadersInUseError(MisuseError):
    """A card is in one of the readers that are to be stopped."""


def down(*, force: bool = False) -> bool:
    """Stop the pcscd that `up` started, and no other; whether there was one.

    Raises `ReadersInUseError`, and leaves it running, while a card is in one of its readers, unless
    with `force`.
    """
    with pcscd.changing():
        pid = pcscd.own_pid()
        if pid is None:
            return False
        if not force and pcscd.is_in_use():
            raise ReadersInUseError(
                "a card is in one of the virtual readers: they are left running",
                advice="take it out, or stop them all the same with --force",
            )
        pcscd.stop(pid)
    return True


@contextmanager
def _stopped_on_failure() -> Iterator[None]:
    """Leave no daemon behind where what is done with it fails, or is interrupted."""
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
                f"pcscd shows {len(found)} virtual readers and not {count}: see {log}; is another "
                "program using their ports?"
            )
        time.sleep(0.1)
    return found
