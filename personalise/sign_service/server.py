"""Runs the service: HTTPS with mutual TLS (uvicorn), one signing thread a process."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from personalise.sign_service.web import CERTIFICATE_KEY


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, with which certificate and key, and whose clients to admit (PEM files)."""

    host: str
    port: int
    certificate: Path
    key: Path
    client_authorities: Path


def serve(application: ASGIApp, thread: ThreadPoolExecutor, listening: Listening) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered first."""
    config = uvicorn.Config(
        application,
        host=listening.host,
        port=listening.port,
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
        uvicorn.Server(config).run()
    finally:
        thread.shutdown()


class _TlsProtocol(H11Protocol):
    """Puts the caller's certificate into the scope of each request of its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection: Any = transport.get_extra_info("ssl_object")
        certificate = (connection and connection.getpeercert(binary_form=True)) or b""
        inner = self.app

        async def with_certificate(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CERTIFICATE_KEY] = certificate
            await inner(scope, receive, send)

        self.app = with_certificate
