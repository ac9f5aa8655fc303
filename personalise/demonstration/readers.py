"""The demonstration's readers and cards: taken where they are, started, and stopped in order."""

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
    """Where cards go: a virtual reader and its port, or None for chips in process."""

    name: str = ""
    port: int | None = None


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Let SIGTERM undo what was begun, as Ctrl-C does."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def virtual_reader(tools: Tools, port: int | None) -> Iterator[DemoReader]:
    """A free virtual reader: one that there is, or one of a pcscd that we start, and then stop."""
    tools.step("A PC/SC reader for the card")
    there = json.loads(tools.ask("vsmartcard", "readers", "list", "--json").output)
    started = not there
    tools.run("vsmartcard", "readers", *(("up", "-n", "2") if started else ("list",)))
    try:
        found = [each for each in _free_readers(tools) if port in {None, each["port"]}]
        if not found:
            raise TransportError("no such virtual reader is free: see `vsmartcard readers list`")
        yield DemoReader(found[0]["name"], found[0]["port"])
    finally:
        if started:
            with _uninterrupted():
                try:
                    tools.run("vsmartcard", "readers", "down", quiet=True)
                except DemoError as error:  # somebody else has put a card into one
                    tools.say(str(error), "yellow")


def _free_readers(tools: Tools) -> list[dict[str, Any]]:
    listed = json.loads(tools.ask("vsmartcard", "readers", "list", "--json").output)
    return [reader for reader in listed if not reader["occupied"]]


def card_in(tools: Tools, demo_reader: DemoReader, state: Path) -> AbstractContextManager[str]:
    """A blank card in the reader, until the end of the context; the reader's name."""
    if demo_reader.port is None:
        return nullcontext(f"virtual:{state}")
    return _in_reader(tools, demo_reader, state)


@contextmanager
def _in_reader(tools: Tools, demo_reader: DemoReader, state: Path) -> Iterator[str]:
    tools.step(f"A blank card goes into {demo_reader.name}")
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
    """Wait until PC/SC has seen the card, or the card has given up."""
    deadline = time.monotonic() + _SECONDS_TO_SEE_A_CARD
    while card.poll() is None:
        if demo_reader.port not in {reader["port"] for reader in _free_readers(tools)}:
            return
        if time.monotonic() > deadline:
            raise TransportError(f"{demo_reader.name}: does not see the card that was put into it")
        time.sleep(0.1)
    words = last_line(card.stderr.read()) if card.stderr is not None else ""
    words = words.removeprefix("vsmartcard: ")
    raise TransportError(words or f"{demo_reader.name}: the card left at once")


def _take_out(tools: Tools, demo_reader: DemoReader, card: "subprocess.Popen[str]") -> None:
    """Take the card out, and wait until PC/SC has noticed: the next one goes into that reader."""
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
    """Let nothing come between us and what must be stopped."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
