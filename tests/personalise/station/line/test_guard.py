"""A reader that never answers stops its own worker, and nothing else."""

import threading

import pytest

from emrtd.errors import TransportError
from emrtd.transport.recording import Recording
from personalise.station.line.guard import AbandonedError, Guard, GuardedConnection


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_is_abandoned_only_while_its_reader_does_not_answer() -> None:
    clock = Clock()
    guard = Guard(clock)
    clock.now = 100.0
    assert not guard.abandon_after(30.0), "nothing was asked of the reader"
    with guard.calling():
        clock.now = 129.0
        assert not guard.abandon_after(30.0)
    guard.check()
    clock.now = 200.0
    assert not guard.abandon_after(30.0)


def test_an_abandoned_worker_sends_and_enters_nothing_more() -> None:
    clock = Clock()
    guard = Guard(clock)
    connection = GuardedConnection(Recording([(b"\0" * 5, b"\x90\0")] * 2), guard, lambda: False)
    assert connection.transmit(b"\0" * 5) == b"\x90\0"
    call_of_31_seconds = guard.calling()
    call_of_31_seconds.__enter__()
    clock.now = 31.0
    assert guard.abandon_after(30.0)
    with pytest.raises(AbandonedError):
        call_of_31_seconds.__exit__(None, None, None)
    for call in (guard.check, lambda: connection.transmit(b"\0" * 5), connection.reset):
        with pytest.raises(AbandonedError):
            call()
    assert connection.apdus == 1
    connection.close()  # the card is free for the next run


def test_the_answer_that_comes_too_late_is_not_used() -> None:
    guard, answering, abandoned = Guard(), threading.Event(), threading.Event()
    ended: list[BaseException] = []

    class Hanging(Recording):
        def transmit(self, command: bytes) -> bytes:
            answering.set()
            abandoned.wait(10)
            return b"\x90\0"

    def use() -> None:
        try:
            GuardedConnection(Hanging([]), guard, lambda: False).transmit(b"\0")
        except AbandonedError as error:
            ended.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    assert answering.wait(10)
    assert guard.abandon_after(-1.0)
    abandoned.set()
    thread.join(10)
    assert len(ended) == 1


def test_a_stopped_station_sends_nothing_more() -> None:
    connection = GuardedConnection(Recording([(b"\0", b"\x90\0")]), Guard(), lambda: True)
    with pytest.raises(TransportError, match="the station was stopped"):
        connection.transmit(b"\0")
