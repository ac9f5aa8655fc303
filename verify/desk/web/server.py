"""Serves the desk (uvicorn) on a port of this machine, until it is interrupted."""

import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from support.errors import MisuseError
from support.log import tell
from support.repeated_lines import RepeatedLines
from support.stopping_server import StoppingServer
from verify.desk.web.access import Address

LOOPBACK: Final = "127.0.0.1"
_LOGGERS: Final = ("verify.desk.reading", "verify.desk.service", "verify.desk.terminal")
"""What these repeat is logged once a minute."""
_LOG: Final = logging.getLogger(__name__)
_SHUTDOWN_SECONDS: Final = 1
"""An open stream of events would keep the server from stopping."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the desk listens, and with which certificate (PEM) if it speaks TLS itself.

    `origin` is the address in the browser, if it is not that on which the desk listens: the name in
    its certificate, or that of a reverse proxy with TLS before it.
    """

    host: str = LOOPBACK
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    origin: str = ""

    def check(self) -> None:
        """Raise `MisuseError` if personal data would leave this machine without TLS."""
        if (self.certificate is None) is not (self.key is None):
            raise MisuseError("--certificate and --key belong together", advice="give both")
        if self.origin:
            parts = urlsplit(self.origin)
            plain = parts.scheme == "https" and parts.netloc and not parts.path.strip("/")
            if not plain or parts.query or parts.fragment or "@" in parts.netloc:
                raise MisuseError(
                    f"{self.origin}: is not an address with TLS in a browser",
                    advice="write https://NAME or https://NAME:PORT",
                )
        elif _is_unspecified(self.host):
            raise MisuseError(
                f"{self.host}: is no address for a browser",
                advice="give the address in the browser with --origin https://NAME:PORT",
            )
        if self.certificate is None and not _is_loopback(self.host):
            raise MisuseError(
                f"{self.host}: the desk would send personal data over the network in clear",
                advice="give --certificate and --key, or listen on 127.0.0.1",
            )

    def address(self, port: int) -> Address:
        """Return the address in the browser, once the port is known."""
        if self.origin:
            host = urlsplit(self.origin).netloc.lower().removesuffix(":443")
            return Address("https", host, proxied=True)
        scheme = "http" if self.certificate is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return Address(scheme, f"{host}:{port}")


def listen(listening: Listening) -> socket.socket:
    """Open the port; raises `MisuseError`."""
    listening.check()
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        return socket.create_server((listening.host, listening.port), family=family)
    except OSError as error:
        raise MisuseError(
            f"{listening.host}:{listening.port}: cannot listen here ({error.strerror or error})",
            advice="choose another --port, or none",
        ) from None


def serve(
    application: ASGIApp,
    listening: Listening,
    port: socket.socket,
    ready: Callable[[], None] = lambda: None,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Serve on an open port until SIGINT or SIGTERM, which call `ending`.

    `ready` is called when these signals are handled, and before the first connection is.
    Nothing that a browser sends is logged.
    """
    for name in (
        "asyncio",
        "uvicorn.error",
        "verify.desk.reading",
        "verify.desk.service",
        "verify.desk.terminal",
    ):
        logging.getLogger(name).addFilter(RepeatedLines())
    config = uvicorn.Config(
        application,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    host, number = port.getsockname()[:2]
    tell(_LOG, logging.INFO, "listening", address=f"{host}:{number}")
    server = _Server(config, ending)
    with server.capture_signals():
        ready()
        server.run(sockets=[port])


class _Server(StoppingServer):
    """A server that says when it begins to stop."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._ending()
        super().handle_exit(sig, frame)


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
