"""Orders by signal and by key, and the name of a station."""

import os
import pty
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from personalise.ledger.states import Worker
from personalise.ledger.values import Claim
from personalise.station.line.control import Control, Keys, Order, obeying_signals
from personalise.station.line.last_issued import LastIssued


def test_signals_are_orders_and_the_former_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    control = Control()
    with obeying_signals(control):
        signal.raise_signal(signal.SIGUSR1)
        assert control.paused
        signal.raise_signal(signal.SIGUSR2)
        assert not control.paused
        assert control.ending == ""
        signal.raise_signal(signal.SIGTERM)
        assert control.ending == "drained"
        assert not control.stopping
        signal.raise_signal(signal.SIGINT)
        assert control.ending == "stopped"
    assert signal.getsignal(signal.SIGTERM) is before


def test_keys_are_orders() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r", closefd=True) as stream, Keys(stream) as keys:
        for key, order in ((b"p", Order.PAUSE), (b"R", Order.RESUME), (b"x", None)):
            os.write(ours, key)
            assert keys.order(2.0) is order
        assert keys.order(0.0) is None
    os.close(ours)


def test_without_a_terminal_there_are_no_keys() -> None:
    with Path(os.devnull).open(encoding="utf-8") as stream, Keys(stream) as keys:
        assert keys.order(0.01) is None


def test_a_stop_ends_every_sleep() -> None:
    control = Control()
    threading.Timer(0.1, control.give, [Order.STOP]).start()
    begun = time.monotonic()
    control.sleep(60.0)
    assert time.monotonic() - begun < 10


def test_the_last_issued_card_of_each_reader_is_remembered(tmp_path: Path) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    last = LastIssued(tmp_path)
    assert last.of("feeder:a") is None
    for reader, job in (("feeder:a", "A-1"), ("feeder:b", "A-2"), ("feeder:a", "A-3")):
        last.remember(Claim(job, 1, Worker("host-1", reader), f"C{job}", "k", "d", now))
    assert last.of("feeder:a") == "A-3"
    assert last.of("feeder:b") == "A-2"
    for damaged in (b"", b"[]", b'{"card": 1}'):
        next(tmp_path.glob("*-a.json")).write_bytes(damaged)
        assert last.of("feeder:a") is None
