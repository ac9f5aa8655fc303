"""An intake service in this process, whose every answer is held to its OpenAPI description."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client import CollectorRegistry

from personalise.client import ClientCredentials, IntakeClient
from personalise.client import connection as client_connection
from personalise.intake_service.configuration import Configuration
from personalise.intake_service.inbox import inbox_of
from personalise.intake_service.processing import Processing
from personalise.intake_service.web import IntakeApplication, Parts
from personalise.intake_service.worker import Worker
from personalise.ledger.opening import open_ledger
from personalise.pki.issuing_pki import IssuingPki
from personalise.service.intake import DESCRIPTION
from tests.personalise.service.described import ask
from tests.tls import write_tls

CONFIGURATION = """
[listen]
certificate = "service.pem"
key = "service.key"
client_authorities = "ca.pem"

[intake]
jobs = 1
max_megabytes = 1
max_clear_megabytes = 1
max_waiting = 2
answer_seconds = 60

[[client]]
name = "cases"
certificate = "cases.pem"

[[client]]
name = "clear"
certificate = "clear.pem"
clear = true

[[client]]
name = "slow"
certificate = "slow.pem"
packages_per_minute = 1
"""


class Clock:
    """The time of the service; tests move it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def configure(folder: Path, text: str = CONFIGURATION) -> Configuration:
    """Write certificates and a configuration, unless they exist, and read it."""
    if not (folder / "ca.pem").exists():
        ca = write_tls(folder, "ca", None)
        for name in ("service", "cases", "clear", "slow", "stranger"):
            write_tls(folder, name, ca)
    (folder / "intake.toml").write_text(text)
    return Configuration(folder / "intake.toml")


@dataclass
class Running:
    """A running service; `seen` is what was answered: operation and status."""

    parts: Parts
    application: IntakeApplication
    folder: Path
    clock: Clock
    seen: set[tuple[str, int]] = field(default_factory=set)

    def ask(
        self,
        method: str,
        path: str,
        *,
        client: str = "cases",
        content: bytes | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    ) -> httpx.Response:
        """Send a request as a client, and hold the answer to the description."""
        request = httpx.Request(method, f"https://x{path}", content=content, headers=headers)
        return self._answer(request, client)

    def stall(self, key: str) -> httpx.Response:
        """Send a package whose body does not arrive."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/cms"}
        request = httpx.Request("POST", "https://x/v1/packages", content=b"", headers=headers)
        return self._answer(request, "cases", stalls=True)

    def send(
        self, package: bytes, key: str, *, client: str = "cases", kind: str = "application/cms"
    ) -> httpx.Response:
        """Send a package."""
        headers = {"Idempotency-Key": key, "Content-Type": kind}
        return self.ask("POST", "/v1/packages", client=client, content=package, headers=headers)

    @contextmanager
    def client(self, monkeypatch: Any, name: str = "cases") -> Iterator[IntakeClient]:
        """Return the client of the library, connected to this service."""

        def connect(url: str, _: ClientCredentials, __: float) -> httpx.Client:
            transport = httpx.MockTransport(lambda request: self._answer(request, name))
            return httpx.Client(base_url=url, transport=transport)

        monkeypatch.setattr(client_connection, "open_http", connect)
        credentials = ClientCredentials(Path("me.pem"), Path("me.key"), Path("ca.pem"))
        with IntakeClient("https://x", credentials, wait=lambda _: None) as client:
            yield client

    def _answer(
        self, request: httpx.Request, client: str, *, stalls: bool = False
    ) -> httpx.Response:
        pem = (self.folder / f"{client}.pem").read_bytes()
        certificate = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)

        request.read()
        answer, operation = ask(
            self.application.asgi, DESCRIPTION, certificate, request, stalls=stalls
        )
        self.seen.add((operation, answer.status_code))
        return answer


@contextmanager
def running(
    folder: Path, pki: IssuingPki, *, text: str = CONFIGURATION, works: bool = True
) -> Iterator[Running]:
    """Run a service; without `works` its worker looks at nothing."""
    settings, clock, registry = configure(folder, text), Clock(), CollectorRegistry()
    with ExitStack() as stack:
        inbox = stack.enter_context(inbox_of(settings.inbox))
        ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", pki, create=True)
        stack.callback(ledger.close)
        worker = Worker(inbox, Processing(pki, ledger, settings, clock), clock, registry)
        thread = ThreadPoolExecutor(4)
        stack.callback(thread.shutdown)
        parts = Parts(pki, ledger, inbox, worker, settings, clock, registry)
        application = IntakeApplication(parts, thread)
        if works:
            worker.start()
            stack.callback(worker.stop)
        yield Running(parts, application, folder, clock)
