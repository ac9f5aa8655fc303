"""Card events: what two looks at the readers mean, and how one waits for them."""

import threading
import time

import pytest

from emrtd.transport.events import CardEvent, CardEventKind, CardInReader, Look, PolledEvents
from emrtd.transport.events import differences as differing

ADDED, GONE = CardEventKind.READER_ADDED, CardEventKind.READER_GONE
INSERTED, REMOVED = CardEventKind.INSERTED, CardEventKind.REMOVED
EXHAUSTED = CardEventKind.EXHAUSTED

FIRST, SECOND = CardInReader(1, b"\x3b\x80"), CardInReader(3, b"\x3b\x81")


def differences(before: Look, after: Look) -> list[tuple[CardEventKind, str, bytes]]:
    return [(event.kind, event.reader, event.atr) for event in differing(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({}, {}, []),
        ({}, {"A": None}, [(ADDED, "A", b"")]),
        ({}, {"A": FIRST}, [(ADDED, "A", b""), (INSERTED, "A", b"\x3b\x80")]),
        ({"A": None}, {"A": FIRST}, [(INSERTED, "A", b"\x3b\x80")]),
        ({"A": FIRST}, {"A": FIRST}, []),
        ({"A": FIRST}, {"A": CardInReader(1, b"\x3b\x90")}, []),
        ({"A": FIRST}, {"A": None}, [(REMOVED, "A", b"")]),
        ({"A": FIRST}, {"A": SECOND}, [(REMOVED, "A", b""), (INSERTED, "A", b"\x3b\x81")]),
        ({"A": CardInReader(0)}, {"A": None}, [(REMOVED, "A", b"")]),
        ({"A": FIRST}, {}, [(GONE, "A", b"")]),
        ({"A": None, "B": FIRST}, {"B": None, "C": None},
         [(GONE, "A", b""), (REMOVED, "B", b""), (ADDED, "C", b"")]),
    ],
)  # fmt: skip
def test_two_looks_differ_by_events(
    before: Look, after: Look, events: list[tuple[CardEventKind, str, bytes]]
) -> None:
    assert differences(before, after) == events


def test_a_wait_ends_with_the_first_look_that_differs() -> None:
    looks: list[Look] = [{"A": None}, {"A": None}, {"A": None}, {"A": FIRST}]
    source = PolledEvents(lambda: looks.pop(0))
    assert [event.kind for event in source.wait(0)] == [ADDED]
    assert source.wait(0) == ()
    assert source.wait(5) == (CardEvent(INSERTED, "A", b"\x3b\x80"),)
    assert looks == []


def test_a_wait_ends_when_its_time_is_over() -> None:
    source = PolledEvents(dict)
    began = time.monotonic()
    assert source.wait(0.1) == ()
    assert 0.1 <= time.monotonic() - began < 1


def test_a_cancelled_wait_ends_at_once_and_so_does_every_later_one() -> None:
    source = PolledEvents(dict)
    threading.Timer(0.1, source.cancel).start()
    began = time.monotonic()
    assert source.wait() == ()
    assert source.wait() == ()
    assert time.monotonic() - began < 1


def test_a_feeder_says_when_it_is_empty_and_once() -> None:
    looks: list[Look] = [{"F": None}, {"F": None}, {"F": FIRST}, {"F": SECOND}, {"F": None}]
    source = PolledEvents(lambda: looks.pop(0), feeder=True)
    kinds = [[event.kind for event in source.wait(0)] for _ in range(5)]
    assert kinds == [[ADDED, EXHAUSTED], [], [INSERTED], [REMOVED, INSERTED], [REMOVED, EXHAUSTED]]
