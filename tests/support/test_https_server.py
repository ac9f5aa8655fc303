"""An HTTPS server among strangers: connections that say nothing, and a process short of files.

CHIPSEAL_SILENT_CONNECTIONS sets how many silent connections there are; the default suits CI.
"""

import logging
import multiprocessing
import os
import resource
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from support.admission import Limits
from support.https_server import Listening, listen, serve
from tests.tls import write_tls

SILENT = int(os.environ.get("CHIPSEAL_SILENT_CONNECTIONS", "300"))
SECONDS = 4.0
"""How long processor time is measured."""

_MANY = Limits()


@dataclass
class Server:
    folder: Path
    port: int
    process: int

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def processor_time(self) -> float:
        """Return the seconds of processor time used so far."""
        return int(Path(f"/proc/{self.process}/schedstat").read_text().split()[0]) / 1e9

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.load_cert_chain(self.folder / "client.pem", self.folder / "client.key")
        return context

    def get(self, context: ssl.SSLContext) -> tuple[int, float]:
        """Return the status of a request on a new connection, and the seconds it took."""
        began = time.monotonic()
        answer = httpx.get(f"https://127.0.0.1:{self.port}/", verify=context, timeout=10)
        return answer.status_code, time.monotonic() - began

    def silent(self) -> socket.socket:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", self.port))
        return connection


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(b"served")(scope, receive, send)


def run(folder: Path, port: int, limits: Limits, descriptors: int) -> None:
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 2)
    sys.stderr = os.fdopen(log, "w", buffering=1)
    logging.getLogger().handlers.clear()  # pytest's
    listening = Listening("127.0.0.1", port, *(folder / name for name in _FILES))
    opened = listen(listening)
    if descriptors:
        # Files that the process opens later, such as those of an HSM's library.
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(descriptors)]
        soft = max(held) + 20
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
    serve(answer, listening, opened, limits=limits)


_FILES = ("service.pem", "service.key", "ca.pem")


@contextmanager
def running(folder: Path, limits: Limits = _MANY, descriptors: int = 0) -> Iterator[Server]:
    ca = write_tls(folder, "ca", None)
    for name in ("service", "client"):
        write_tls(folder, name, ca)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = multiprocessing.get_context("fork").Process(
        target=run, args=(folder, port, limits, descriptors), daemon=True
    )
    process.start()
    assert process.pid is not None
    server = Server(folder, port, process.pid)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield server
        assert process.is_alive()
    finally:
        process.terminate()
        process.join(20)


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Allow this process as many files as it may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ten_requests_a_second(server: Server) -> float:
    """Return the share of a processor for ten requests a second, each on its own connection."""
    context, before, began = server.context(), server.processor_time(), time.monotonic()
    for number in range(int(10 * SECONDS)):
        assert server.get(context)[0] == 200
        time.sleep(max(0.0, began + number / 10 - time.monotonic()))
    return (server.processor_time() - before) / (time.monotonic() - began)


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("again", [False, True], ids=["once", "again and again"])
def test_a_client_is_served_among_silent_connections(
    tmp_path: Path, again: bool, record_property: Callable[[str, object], None]
) -> None:
    with running(tmp_path) as server, ExitStack() as stack:
        usual = ten_requests_a_second(server)
        silent = [stack.enter_context(server.silent()) for _ in range(SILENT)]
        context = server.context()
        waits = []
        before, began = server.processor_time(), time.monotonic()
        while time.monotonic() - began < SECONDS:
            if len(waits) < time.monotonic() - began:  # one request a second
                status, seconds = server.get(context)
                assert status == 200
                waits.append(seconds)
            for place, each in enumerate(silent):
                if again and closed(each):
                    each.close()
                    silent[place] = stack.enter_context(server.silent())
            time.sleep(0.01)
        used = (server.processor_time() - before) / (time.monotonic() - began)
        record_property("figures", (SILENT, max(waits), used, usual, len(server.log)))
        print(
            f"{SILENT} silent: longest wait {max(waits):.2f} s, processor {used:.1%},"
            f" ten requests a second {usual:.1%}, log {len(server.log)} octets"
        )
        assert max(waits) < 8
        assert used < usual
        assert len(server.log) < 100_000
        assert "Traceback" not in server.log


def test_a_silent_connection_is_closed_within_seconds(tmp_path: Path) -> None:
    limits = Limits(handshake_seconds=0.5)
    with running(tmp_path, limits) as server:
        for first in (b"", b"\x16\x03\x01\x02\x00\x01"):  # silence, and the begin of a handshake
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(first)
                connection.settimeout(5)
                began = time.monotonic()
                assert connection.recv(1) == b""
                assert time.monotonic() - began < 3
    assert server.log == ""


@pytest.mark.parametrize(
    "limits",
    [Limits(pending=8, pending_per_address=3), Limits(pending=4, pending_per_address=4)],
    ids=["of one address", "in all"],
)
def test_the_oldest_silent_connection_of_the_busiest_address_makes_room(
    tmp_path: Path, limits: Limits
) -> None:
    with running(tmp_path, limits) as server, ExitStack() as stack:

        def connect(source: str, first: bytes = b"") -> socket.socket:
            connection = socket.create_connection(
                ("127.0.0.1", server.port), source_address=(source, 0)
            )
            stack.enter_context(connection).sendall(first)
            time.sleep(0.1)  # the server has accepted it before the next one comes
            connection.setblocking(False)
            return connection

        other = connect("127.0.0.2")
        speaking = connect("127.0.0.1", b"\x16\x03\x01\x02\x00\x01")
        silent = [connect("127.0.0.1") for _ in range(4)]
        time.sleep(0.2)
        assert [closed(each) for each in silent] == [True, True, False, False]
        assert not closed(other)
        assert not closed(speaking)


@pytest.mark.parametrize("limits", [Limits(open_per_address=3), Limits(open=3)])
def test_open_connections_are_limited(tmp_path: Path, limits: Limits) -> None:
    with running(tmp_path, limits) as server, ExitStack() as stack:
        opened = []
        for _ in range(5):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            try:
                wrapped = server.context().wrap_socket(plain, server_hostname="127.0.0.1")
                opened.append(stack.enter_context(wrapped))
            except OSError:
                continue
        assert len(opened) == 3
        for each in opened:
            each.close()
        time.sleep(0.5)
        assert server.get(server.context())[0] == 200
    assert server.log.count("too many connections from 127.0.0.1") == 1


def test_a_process_without_file_descriptors_serves_again(tmp_path: Path) -> None:
    """The limits do not help if something else in the process holds the descriptors."""
    with running(tmp_path, Limits(), descriptors=200) as server, ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(server.silent())
        status, seconds = server.get(server.context())
        assert (status, seconds < 10) == (200, True)
        assert "connections cannot be accepted at present (Too many open files)" in server.log
        assert len(server.log) < 10_000
        assert "Traceback" not in server.log


def test_the_limits_leave_descriptors_for_the_rest_of_the_process() -> None:
    few = Limits().within(100)
    assert few.pending + few.open < 100 - 64
    assert few.pending >= 4
    assert Limits().within(100_000) == Limits()
