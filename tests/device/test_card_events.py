"""Card events and connection faults of a real pcscd that is stopped and restarted."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from emrtd.errors import TransportError, TransportFault
from emrtd.transport.events import CardEventKind, CardEvents
from emrtd.transport.readers import connect, pcsc_readers, watch
from tests.device.private_pcscd import PrivatePcscd
from tests.helpers import REPOSITORY

pytestmark = pytest.mark.device

ADDED, GONE = CardEventKind.READER_ADDED, CardEventKind.READER_GONE
INSERTED, REMOVED = CardEventKind.INSERTED, CardEventKind.REMOVED
SERVICE_GONE, SERVICE_BACK = CardEventKind.SERVICE_GONE, CardEventKind.SERVICE_BACK
READER = "Virtual PCD 0 00 00"
SELECT = bytes.fromhex("00A4000C023F00")


def kinds(events: CardEvents, timeout: float = 10) -> list[CardEventKind]:
    return [event.kind for event in events.wait(timeout)]


def test_insertions_and_removals_are_events(private_pcscd: PrivatePcscd) -> None:
    with watch(READER) as events:
        assert kinds(events, 0) == [ADDED]
        assert kinds(events, 0.1) == []
        card = private_pcscd.insert()
        (event,) = events.wait(10)
        assert (event.kind, event.reader) == (INSERTED, READER)
        with connect(event.reader) as connection:
            assert connection.atr == event.atr
        card.kill()
        assert kinds(events) == [REMOVED]
        private_pcscd.insert().kill()
        private_pcscd.insert()  # at once, before pcscd notices the removal of the last one
        assert kinds(events) == [INSERTED]


def test_a_swap_between_two_waits_is_a_removal_and_an_insertion(
    private_pcscd: PrivatePcscd,
) -> None:
    card = private_pcscd.insert()
    with watch(READER) as events:
        assert kinds(events) == [ADDED, INSERTED]
        card.kill()
        private_pcscd.insert()
        assert kinds(events, 0) == [REMOVED, INSERTED]


def test_without_a_name_every_reader_is_watched(private_pcscd: PrivatePcscd) -> None:
    with watch() as events:
        assert kinds(events) == [ADDED, ADDED]
        private_pcscd.insert(slot=1)
        (event,) = events.wait(10)
        assert (event.kind, event.reader) == (INSERTED, "Virtual PCD 0 00 01")


@pytest.mark.parametrize("order", [signal.SIGKILL, signal.SIGTERM])
def test_a_watcher_continues_after_a_restart_of_the_daemon(
    private_pcscd: PrivatePcscd, order: signal.Signals
) -> None:
    private_pcscd.insert()
    with watch() as events:
        assert kinds(events) == [ADDED, INSERTED, ADDED]
        threading.Timer(0.2, private_pcscd.stop, (order,)).start()
        assert kinds(events) == [SERVICE_GONE]
        assert kinds(events, 0.1) == []
        private_pcscd.start(readers=4)
        assert kinds(events) == [SERVICE_BACK, ADDED, ADDED, ADDED, ADDED]
        private_pcscd.insert()
        assert kinds(events) == [INSERTED]


def test_a_watcher_waits_for_a_daemon_that_does_not_run_yet(private_pcscd: PrivatePcscd) -> None:
    private_pcscd.stop()
    with watch(READER) as events:
        assert kinds(events) == [SERVICE_GONE]
        threading.Timer(0.3, private_pcscd.start).start()
        assert kinds(events)[0] is SERVICE_BACK


def test_another_thread_can_cancel_a_wait(private_pcscd: PrivatePcscd) -> None:
    with watch(READER) as events:
        assert kinds(events) == [ADDED]
        threading.Timer(0.6, events.cancel).start()
        began = time.monotonic()
        assert events.wait() == ()
        assert time.monotonic() - began < 1.5
        assert events.wait() == ()


def test_a_wait_ends_with_a_signal(private_pcscd: PrivatePcscd) -> None:
    program = (
        "from emrtd.transport.readers import watch\n"
        "events = watch()\nevents.wait()\nprint('ready', flush=True)\nevents.wait()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(3) != 0
    process.stdout.close()


def test_a_wait_uses_almost_no_processor_time(private_pcscd: PrivatePcscd) -> None:
    """A wait of 2 s uses less than 0.05 s of processor time."""
    with watch() as events:
        events.wait(0)
        began = time.thread_time()
        assert events.wait(2) == ()
        assert time.thread_time() - began < 0.05


def test_a_connection_reports_a_removed_card_and_never_reaches_another(
    private_pcscd: PrivatePcscd,
) -> None:
    card = private_pcscd.insert()
    with connect(READER) as connection:
        card.kill()
        card.wait()
        private_pcscd.insert()
        for use in (lambda: connection.transmit(SELECT), connection.reset):
            with pytest.raises(TransportError) as raised:
                use()
            assert raised.value.fault is TransportFault.CARD_REMOVED


def test_a_reset_never_reaches_another_card(private_pcscd: PrivatePcscd) -> None:
    card = private_pcscd.insert()
    with connect(READER) as connection:
        card.kill()
        card.wait()
        private_pcscd.insert()
        with pytest.raises(TransportError) as raised:
            connection.reset()
        assert raised.value.fault is TransportFault.CARD_REMOVED


def test_a_card_removed_during_a_command_is_reported_as_removed(
    private_pcscd: PrivatePcscd,
) -> None:
    card = private_pcscd.insert()
    with connect(READER) as connection:
        card.send_signal(signal.SIGSTOP)
        threading.Timer(0.2, card.kill).start()
        with pytest.raises(TransportError) as raised:
            connection.transmit(SELECT)
        assert raised.value.fault is TransportFault.CARD_REMOVED


def test_a_connection_reports_that_the_daemon_stopped(private_pcscd: PrivatePcscd) -> None:
    private_pcscd.insert()
    with connect(READER) as connection:
        private_pcscd.stop()
        with pytest.raises(TransportError) as raised:
            connection.transmit(SELECT)
        assert raised.value.fault is TransportFault.SERVICE_GONE
        with pytest.raises(TransportError) as raised:
            connect(READER)
        assert raised.value.fault is TransportFault.NO_SERVICE
        private_pcscd.start()
        with pytest.raises(TransportError) as raised:
            connection.transmit(SELECT)
        assert raised.value.fault is TransportFault.SERVICE_GONE
    assert pcsc_readers()[0] == READER


def test_connecting_without_a_card_or_a_reader_name_is_an_error(
    private_pcscd: PrivatePcscd,
) -> None:
    with pytest.raises(TransportError) as raised:
        connect(READER)
    assert raised.value.fault is TransportFault.NO_CARD
    with pytest.raises(
        TransportError, match="there are several readers; choose one with --reader: Virtual"
    ) as raised:
        connect()
    assert raised.value.fault is TransportFault.NO_READER
