"""The demonstration's readers and cards: used if they exist, else started, and stopped in order."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emrtd.errors import TransportError
from personalise.demonstration.tools import DemoError, Tools, last_line

_SECONDS_TO_SEE_A_CARD: Final = 10.0


@dataclass(frozen=True)
class DemoReader:
    """The virtual reader for the cards; `port` is None if the chips run in process."""

    name: str = ""
    port: int | None = None


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Let SIGTERM stop what was started, as Ctrl-C does."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def virtual_reader(tools: Tools, port: int | None) -> Iterator[DemoReader]:
    """Provide a free virtual reader; start pcscd if there is no reader, and stop it at the end."""
    tools.step("A PC/SC reader for the card")
    existing = json.loads(tools.ask("vsmartcard", "readers", "list", "--json").output)
    started = not existing
    tools.run("vsmartcard", "readers", *(("up", "-n", "2") if started else ("list",)))
    try:
        found = [each for each in _free_readers(tools) if port in {None, each["port"]}]
        if not found:
            raise TransportError(
                "no virtual reader is free" if port is None else f"port {port}: no free reader",
                advice="see `vsmartcard readers list`",
            )
        yield DemoReader(found[0]["name"], found[0]["port"])
    finally:
        if started:
            with _uninterrupted():
                try:
                    tools.run("vsmartcard", "readers", "down", quiet=True)
                except DemoError as error:  # another program has a card in a reader
                    tools.say(str(error), "yellow")


def _free_readers(tools: Tools) -> list[dict[str, Any]]:
    listed = json.loads(tools.ask("vsmartcard", "readers", "list", "--json").output)
    return [reader for reader in listed if not reader["occupied"]]


def card_in(tools: Tools, demo_reader: DemoReader, state: Path) -> AbstractContextManager[str]:
    """Insert a blank card until the end of the context, which provides the reader's name."""
    if demo_reader.port is None:
        return nullcontext(f"virtual:{state}")
    return _in_reader(tools, demo_reader, state)


@contextmanager
def _in_reader(tools: Tools, demo_reader: DemoReader, state: Path) -> Iterator[str]:
    tools.step(f"A blank card is inserted into {demo_reader.name}")
    card = tools.start(
        "vsmartcard", "insert", "--state", state, "--reader-port", str(demo_reader.port)
    )
    try:
        _wait_for_card(tools, demo_reader, card)
        yield demo_reader.name
    finally:
        with _uninterrupted():
            _take_out(tools, demo_reader, card)


def _wait_for_card(tools: Tools, demo_reader: DemoReader, card: "subprocess.Popen[str]") -> None:
    """Wait until PC/SC reports the card; raises `TransportError` if it does not."""
    deadline = time.monotonic() + _SECONDS_TO_SEE_A_CARD
    while card.poll() is None:
        if demo_reader.port not in {reader["port"] for reader in _free_readers(tools)}:
            return
        if time.monotonic() > deadline:
            raise TransportError(f"{demo_reader.name}: does not report the card that was inserted")
        time.sleep(0.1)
    words = last_line(card.stderr.read()) if card.stderr is not None else ""
    words = words.removeprefix("vsmartcard: ")
    raise TransportError(words or f"{demo_reader.name}: the card was removed at once")


def _take_out(tools: Tools, demo_reader: DemoReader, card: "subprocess.Popen[str]") -> None:
    """Remove the card, and wait until PC/SC has noticed, so that the reader is free again."""
    card.terminate()
    try:
        card.wait(timeout=5)
    except subprocess.TimeoutExpired:
        card.kill()
        card.wait()
    if card.stderr is not None:
        card.stderr.close()
    deadline = time.monotonic() + _SECONDS_TO_SEE_A_CARD
    while time.monotonic() < deadline:
        if demo_reader.port in {reader["port"] for reader in _free_readers(tools)}:
            return
        time.sleep(0.1)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM while processes are stopped."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
