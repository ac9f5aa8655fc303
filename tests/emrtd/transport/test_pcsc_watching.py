"""What a watcher of PC/SC makes of answers that a real daemon gives seldom."""

import time
from collections.abc import Mapping, Sequence

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.events import CardEventKind

watching = pytest.importorskip("emrtd.transport.pcsc.watching")
library = pytest.importorskip("emrtd.transport.pcsc.library")

EMPTY = library.ReaderState(0x0001_0010, b"")
OCCUPIED = library.ReaderState(0x0002_0020, b"\x3b\x80")


class Context:
    """A daemon's answers: its readers at each look; an integer is a return code."""

    def __init__(self, looks: list[Mapping[str, object] | int]) -> None:
        self.looks = looks
        self.waits = 0

    def readers(self) -> list[str]:
        look = self.looks[0]
        return ["A"] if isinstance(look, int) else list(look)

    def states(self, names: Sequence[str]) -> dict[str, object]:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, int):
            raise library.PcscError(look)
        return {name: look[name] for name in names}

    def wait(self, known: object, milliseconds: int, *, readers: int) -> None:
        self.waits += 1  # and returns at once, as if something had changed

    def release(self) -> None:
        pass


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, object] | int]:
    given: list[Mapping[str, object] | int] = []
    context = Context(given)
    monkeypatch.setattr(watching, "Context", lambda: context)
    return given


def kinds(events: object) -> list[CardEventKind]:
    return [event.kind for event in events.wait(1)]  # type: ignore[attr-defined]


def test_a_reader_that_goes_between_two_questions_is_a_reader_gone(
    looks: list[Mapping[str, object] | int],
) -> None:
    looks += [{"A": OCCUPIED}, library.Code.UNKNOWN_READER, {}]
    events = watching.PcscEvents()
    assert kinds(events) == [CardEventKind.READER_ADDED, CardEventKind.INSERTED]
    assert kinds(events) == [CardEventKind.READER_GONE]


def test_a_daemon_restarted_between_two_waits_is_seen(
    looks: list[Mapping[str, object] | int],
) -> None:
    looks += [{"A": OCCUPIED}, library.Code.NO_SERVICE, {"A": OCCUPIED}]
    events = watching.PcscEvents()
    events.wait(0)
    assert kinds(events) == [CardEventKind.SERVICE_GONE]
    assert kinds(events) == [
        CardEventKind.SERVICE_BACK, CardEventKind.READER_ADDED, CardEventKind.INSERTED,
    ]  # fmt: skip


def test_a_library_that_does_not_wait_makes_no_spin(
    looks: list[Mapping[str, object] | int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks += [{"A": EMPTY}]
    context = watching.Context()
    events = watching.PcscEvents()
    events.wait(0)
    began = time.monotonic()
    assert events.wait(0.3) == ()
    assert time.monotonic() - began >= 0.3
    assert 2 <= context.waits <= 16


def test_a_reader_may_be_plugged_in_later_and_must_be_one(
    looks: list[Mapping[str, object] | int],
) -> None:
    looks += [
        {"Other": EMPTY},
        {"Other": EMPTY, "ACS 00": EMPTY},
        {"ACS 00": EMPTY, "ACS 01": EMPTY},
    ]
    events = watching.PcscEvents("ACS")
    assert kinds(events) == [CardEventKind.READER_ADDED]
    with pytest.raises(TransportError) as raised:
        events.wait(1)
    assert raised.value.fault is TransportFault.NO_READER
