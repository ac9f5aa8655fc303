"""An HTTPS server with mutual TLS (uvicorn), for an ASGI application.

What a stranger can bring about is bounded (`support.admission`), and so is the log: one line an
error, no traceback, each line once a minute.
"""

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from support.admission import Acceptor, Connections, Limits
from support.errors import MisuseError
from support.repeated_lines import RepeatedLines
from support.stopping_server import StoppingServer
from support.tls import load_key

CERTIFICATE_KEY: Final = "chipseal.client_certificate"
"""The key under which the scope of a request holds the client's certificate (DER)."""

SILENCE_SECONDS: Final = 15
"""How long a connection may be open before its first request has arrived."""

_BACKLOG: Final = 256
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """The address, the server's certificate and key, and the CAs of its clients (PEM files)."""

    host: str
    port: int
    certificate: Path
    key: Path
    client_authorities: Path

    def context(self) -> ssl.SSLContext:
        """Load the certificates; raises `MisuseError`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        with _explained(self.key):
            load_key(context, self.certificate, self.key)
        with _explained(self.client_authorities):
            context.load_verify_locations(self.client_authorities)
        return context


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, and the function that makes its TLS context, which must require certificates."""

    host: str
    port: int
    context: Callable[[], ssl.SSLContext]


def listen(listening: Listening | Endpoint) -> socket.socket:
    """Load the certificates and open the port; raises `MisuseError`."""
    listening.context()
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        return socket.create_server(
            (listening.host, listening.port), family=family, backlog=_BACKLOG
        )
    except OSError as error:
        raise MisuseError(
            f"{listening.host}:{listening.port}: cannot listen here ({error.strerror or error})"
        ) from None


def serve(
    application: ASGIApp,
    listening: Listening | Endpoint,
    port: socket.socket,
    *,
    loggers: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> None:
    """Serve on an open port until SIGINT or SIGTERM; pending requests are answered first.

    `loggers` are the application's own; what they repeat is logged once a minute.
    """
    for name in ("asyncio", "uvicorn.error", "support.admission", __name__, *loggers):
        logging.getLogger(name).addFilter(RepeatedLines())
    config = uvicorn.Config(
        application,
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = (limits or Limits()).within(descriptors)
    _Server(config, listening.context(), limits).run(sockets=[port])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        raise MisuseError(f"{path}: cannot be used for TLS ({error.strerror or error})") from None


class _Server(StoppingServer):
    """A server of uvicorn that accepts its connections by `Acceptor`."""

    def __init__(self, config: uvicorn.Config, context: ssl.SSLContext, limits: Limits) -> None:
        super().__init__(config)
        self._context = context
        self._limits = limits

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(_log_one_line)
        connections = Connections(self._limits)

        def make(group: str) -> asyncio.Protocol:
            return _TlsProtocol(connections, group, self)

        acceptors: list[Any] = [  # what uvicorn's shutdown calls of a server is there
            Acceptor(port, self._context, make, connections, self._limits) for port in sockets or []
        ]
        self.servers = acceptors
        self.started = True


class _TlsProtocol(H11Protocol):
    """Stores the client's certificate in the scope of each request of its connection.

    Closes a connection on which no request arrives within `SILENCE_SECONDS`.
    """

    def __init__(self, connections: Connections, group: str, server: _Server) -> None:
        super().__init__(server.config, server.server_state, {})
        self._connections = connections
        self._group = group

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        has_room = self._connections.has_room(self._group)
        self._connections.add(self._group)
        super().connection_made(transport)
        if not has_room:  # many handshakes may end at once
            transport.abort()
            return
        self.loop.call_later(SILENCE_SECONDS, self._close_if_silent)
        connection: Any = transport.get_extra_info("ssl_object")
        certificate = (connection and connection.getpeercert(binary_form=True)) or b""
        inner = self.app

        async def with_certificate(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CERTIFICATE_KEY] = certificate
            await inner(scope, receive, send)

        self.app = with_certificate

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self._group)
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.close()


def _log_one_line(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    error = context.get("exception")
    _LOG.error("%s (%s)", context["message"], type(error).__name__)
