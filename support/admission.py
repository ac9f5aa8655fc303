"""Accepts TLS connections so that strangers can neither exhaust the process nor fill its log.

A connection is *pending* until its TLS handshake is finished, and *open* after that.  A pending one
has a few seconds.  If too many are pending, the oldest that has sent nothing makes room for the
next, so a client that speaks is served at once; these replacements are limited in number a second,
and what is not accepted waits in the kernel's queue.
"""

import asyncio
import errno
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

_LOG: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 32
"""Connections accepted before other events have their turn."""

_PAUSE: Final = 0.1
"""Seconds without accepting after a failure, or after too many replacements."""

_TRANSIENT: Final = (BlockingIOError, InterruptedError, ConnectionAbortedError)
_OUT_OF_RESOURCES: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers of connections; an IPv6 address counts as its /64 network, which one host may own."""

    pending: int = 256
    pending_per_address: int = 64
    open: int = 512
    open_per_address: int = 128
    handshake_seconds: float = 5.0
    replacements_per_second: float = 200.0

    def within(self, descriptors: int) -> "Limits":
        """Return these limits, lowered to a process's limit of open files."""
        usable = max(4, descriptors - 64)  # databases, an HSM's library and the log need some
        return Limits(
            min(self.pending, usable // 3),
            min(self.pending_per_address, usable // 3),
            min(self.open, usable // 2),
            min(self.open_per_address, usable // 2),
            self.handshake_seconds,
            self.replacements_per_second,
        )


class _Pending:
    """A connection whose handshake is not finished; `task` is None while it has sent nothing."""

    def __init__(self, connection: socket.socket, group: str, until: float) -> None:
        self.connection = connection
        self.group = group
        self.until = until
        self.task: asyncio.Task[None] | None = None


class Connections:
    """How many connections are open, by address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()

    def has_room(self, group: str) -> bool:
        """Whether one more may be open to this address."""
        is_free = self._open.total() < self._limits.open
        return is_free and self._open[group] < self._limits.open_per_address

    def add(self, group: str) -> None:
        """Count a connection as open."""
        self._open[group] += 1

    def remove(self, group: str) -> None:
        """Count a connection as closed."""
        self._open[group] -= 1
        if self._open[group] <= 0:
            del self._open[group]


class Acceptor:
    """Accepts on a listening socket; a connection with a finished handshake gets a protocol.

    `make_protocol` is called with the connection's group, the unit of `open_per_address`.
    """

    def __init__(
        self,
        port: socket.socket,
        context: ssl.SSLContext,
        make_protocol: Callable[[str], asyncio.Protocol],
        connections: Connections,
        limits: Limits,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._context = context
        self._make_protocol = make_protocol
        self._connections = connections
        self._limits = limits
        self._pending: dict[_Pending, None] = {}  # the oldest first
        self._pending_of: Counter[str] = Counter()
        self._sweep: asyncio.TimerHandle | None = None
        self._replacements = limits.replacements_per_second
        self._counted = time.monotonic()
        self._pause: asyncio.TimerHandle | None = None
        port.setblocking(False)
        self._loop.add_reader(port, self._accept)

    def close(self) -> None:
        """Stop accepting, and close what is pending."""
        self._loop.remove_reader(self._port)
        for timer in (self._pause, self._sweep):
            if timer is not None:
                timer.cancel()
        for each in list(self._pending):
            self._drop(each)

    async def wait_closed(self) -> None:
        """Return at once: nothing is left to wait for after `close`."""

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._may_replace():
                self._wait()
                return
            try:
                connection, address = self._port.accept()
            except _TRANSIENT:
                return
            except OSError as error:
                self._cannot_accept(error)
                return
            self._admit(connection, _group(address))

    def _cannot_accept(self, error: OSError) -> None:
        if error.errno in _OUT_OF_RESOURCES:
            for each in list(self._pending)[: 1 + len(self._pending) // 2]:
                self._drop(each)
        _LOG.error("connections cannot be accepted at present (%s)", error.strerror)
        self._wait()

    def _wait(self) -> None:
        self._loop.remove_reader(self._port)
        self._pause = self._loop.call_later(_PAUSE, self._loop.add_reader, self._port, self._accept)

    def _may_replace(self) -> bool:
        now, most = time.monotonic(), self._limits.replacements_per_second
        self._replacements = min(most, self._replacements + (now - self._counted) * most)
        self._counted = now
        return self._replacements >= 1

    def _admit(self, connection: socket.socket, group: str) -> None:
        if not self._connections.has_room(group):
            connection.close()
            self._replacements -= 1
            _LOG.warning("too many connections from %s, or in all; new ones are closed", group)
            return
        victim = self._victim(group)
        if victim is not None:
            self._drop(victim)
            self._replacements -= 1
            _LOG.warning(
                "too many connections without a TLS handshake, most of them from %s; the oldest"
                " are closed",
                victim.group,
            )
        connection.setblocking(False)
        pending = _Pending(connection, group, self._loop.time() + self._limits.handshake_seconds)
        self._pending[pending] = None
        self._pending_of[group] += 1
        if self._sweep is None:
            self._sweep = self._loop.call_at(pending.until, self._drop_the_late)
        # TLS state is made when the client has spoken, so silence costs next to nothing.
        self._loop.add_reader(connection, self._begin, pending)

    def _victim(self, group: str) -> _Pending | None:
        """Return the pending connection that makes room for one of `group`; None if there is room.

        The oldest that has sent nothing goes first.
        """
        if self._pending_of[group] < self._limits.pending_per_address:
            if len(self._pending) < self._limits.pending:
                return None
            ((group, _),) = self._pending_of.most_common(1)
        of_group = (each for each in self._pending if each.group == group)
        oldest = next(of_group)
        if oldest.task is None:
            return oldest
        return next((each for each in of_group if each.task is None), oldest)

    def _drop_the_late(self) -> None:
        """Close what has been pending for too long; a handshake has its own limit besides."""
        now, self._sweep = self._loop.time(), None
        for each in list(self._pending):
            if each.until > now:
                self._sweep = self._loop.call_at(each.until, self._drop_the_late)
                return
            self._drop(each)

    def _drop(self, pending: _Pending) -> None:
        if self._forget(pending):
            if pending.task is None:
                self._loop.remove_reader(pending.connection)
                pending.connection.close()
            else:
                pending.task.cancel()

    def _forget(self, pending: _Pending) -> bool:
        """Remove a connection from the pending ones; returns whether it was one of them."""
        if pending not in self._pending:
            return False
        del self._pending[pending]
        self._pending_of[pending.group] -= 1
        if not self._pending_of[pending.group]:
            del self._pending_of[pending.group]
        return True

    def _begin(self, pending: _Pending) -> None:
        self._loop.remove_reader(pending.connection)
        pending.task = self._loop.create_task(self._handshake(pending))

    async def _handshake(self, pending: _Pending) -> None:
        # Whatever a stranger sends is no error of the server, and no line of its log.
        with suppress(OSError):  # ssl.SSLError is one
            try:
                await self._loop.connect_accepted_socket(
                    lambda: self._make_protocol(pending.group),
                    pending.connection,
                    ssl=self._context,
                    ssl_handshake_timeout=self._limits.handshake_seconds,
                    ssl_shutdown_timeout=self._limits.handshake_seconds,
                )
            except BaseException:
                pending.connection.close()
                raise
            finally:
                self._forget(pending)


def _group(address: Any) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address, as text."""
    host = str(address[0]).partition("%")[0]
    if ":" not in host:
        return host
    octets = socket.inet_pton(socket.AF_INET6, host)
    if octets.startswith(bytes(10) + b"\xff\xff"):
        return socket.inet_ntop(socket.AF_INET, octets[12:])
    return socket.inet_ntop(socket.AF_INET6, octets[:8] + bytes(8)) + "/64"
