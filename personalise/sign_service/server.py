"""The HTTPS server with mutual TLS (uvicorn); one signing thread per process."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from personalise.sign_service.tls import load_key
from personalise.sign_service.web import CERTIFICATE_KEY
from support.errors import MisuseError


@dataclass(frozen=True, slots=True)
class Listening:
    """The address, the server's certificate and key, and the CAs of its clients (PEM files)."""

    host: str
    port: int
    certificate: Path
    key: Path
    client_authorities: Path


SILENCE_SECONDS: Final = 15
"""How long a connection may be open before its first request has arrived."""


def listen(listening: Listening) -> socket.socket:
    """Load the certificates and open the port; raises `MisuseError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _explained(listening.key):
        load_key(context, listening.certificate, listening.key)
    with _explained(listening.client_authorities):
        context.load_verify_locations(listening.client_authorities)
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        return socket.create_server((listening.host, listening.port), family=family)
    except OSError as error:
        raise MisuseError(
            f"{listening.host}:{listening.port}: cannot listen here ({error.strerror or error})"
        ) from None


def serve(
    application: ASGIApp, thread: ThreadPoolExecutor, listening: Listening, port: socket.socket
) -> None:
    """Serve on an open port until SIGINT or SIGTERM; pending requests are answered first."""
    config = uvicorn.Config(
        application,
        http=_TlsProtocol,
        ssl_certfile=str(listening.certificate),
        ssl_keyfile=str(listening.key),
        ssl_ca_certs=str(listening.client_authorities),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    try:
        uvicorn.Server(config).run(sockets=[port])
    finally:
        thread.shutdown()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        raise MisuseError(f"{path}: cannot be used for TLS ({error.strerror or error})") from None


class _TlsProtocol(H11Protocol):
    """Stores the client's certificate in the scope of each request of its connection.

    Closes a connection on which no request arrives within `SILENCE_SECONDS`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(SILENCE_SECONDS, self._close_if_silent)
        connection: Any = transport.get_extra_info("ssl_object")
        certificate = (connection and connection.getpeercert(binary_form=True)) or b""
        inner = self.app

        async def with_certificate(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CERTIFICATE_KEY] = certificate
            await inner(scope, receive, send)

        self.app = with_certificate

    def _close_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.close()
