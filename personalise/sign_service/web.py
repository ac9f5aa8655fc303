"""The service over HTTP (starlette); the client's certificate is in the request's scope.

The answer to a client names errors in its request.  Errors of the service itself are logged, one
line each, on the service's standard error.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from personalise.sign_service.interface import (
    DOCUMENT_NUMBER,
    DOCUMENT_SIGNER_PATH,
    DOCUMENT_TYPE,
    HEALTH_PATH,
    IDEMPOTENCY_KEY,
    MAX_BODY,
    METRICS_PATH,
    OCTETS,
    SignedFile,
)
from personalise.sign_service.service import (
    Client,
    Health,
    RefusedError,
    SigningRequest,
    SigningService,
)
from support.database import BusyDatabaseError, DamagedDatabaseError
from support.errors import ChipsealError, MalformedError, MisuseError
from support.https_server import CERTIFICATE_KEY
from support.printable_text import printable

T = TypeVar("T")

BODY_SECONDS: Final = 10
"""Seconds that a body may take to arrive."""

RETRY_SECONDS: Final = 5
"""Seconds of Retry-After when the service cannot sign at present."""

Clock = Callable[[], datetime]

_LOG: Final = logging.getLogger(__name__)


class SigningApplication:
    """The ASGI application of one signing service; all its calls run on `thread`."""

    def __init__(
        self, make_service: Callable[[], SigningService], thread: ThreadPoolExecutor, clock: Clock
    ) -> None:
        self._thread = thread
        self._clock = clock
        self._service = thread.submit(make_service).result()
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "chipseal_signing_answers",
            "Answers sent",
            ["client", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "chipseal_signing_seconds", "Time to sign and verify", registry=self._registry
        )
        self._left = Gauge(
            "chipseal_signatures_left",
            "Signatures that a Document Signer has left",
            ["signer"],
            registry=self._registry,
        )
        self.asgi = Starlette(
            routes=[
                *(Route(kind.path, self._signing(kind), methods=["POST"]) for kind in SignedFile),
                Route(DOCUMENT_SIGNER_PATH, self._document_signer),
                Route(HEALTH_PATH, self._health),
                Route(METRICS_PATH, self._metrics),
            ]
        )

    def _signing(self, kind: SignedFile) -> Callable[[Request], Awaitable[Response]]:
        async def work(request: Request, client: Client) -> bytes:
            asked = SigningRequest(
                kind,
                request.headers.get(IDEMPOTENCY_KEY, ""),
                request.query_params.get(DOCUMENT_TYPE, ""),
                await _bounded_body(request),
                _sealed_number(request),
            )

            def sign() -> bytes:
                with self._seconds.time():
                    return self._service.sign(client, asked, self._clock())

            return await self._on_thread(sign)

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, work)

        return endpoint

    async def _document_signer(self, request: Request) -> Response:
        async def work(_: Request, __: Client) -> bytes:
            return await self._on_thread(
                lambda: self._service.signer(self._clock()).certificate.der
            )

        return await self._answer(request, work)

    async def _health(self, _: Request) -> Response:
        try:
            status, left = await self._on_thread(
                lambda: (
                    self._service.health(self._clock()),
                    self._service.remaining(self._clock()),
                )
            )
        except Exception as error:  # noqa: BLE001 - the answer is an error, not a traceback
            return _refusal(error, "health")
        body = {"status": status, "signatures_left": left}
        return JSONResponse(body, 503 if status is Health.EXHAUSTED else 200)

    async def _metrics(self, _: Request) -> Response:
        try:
            left = await self._on_thread(lambda: self._service.remaining(self._clock()))
        except Exception as error:  # noqa: BLE001 - the counters are still useful
            _refusal(error, "metrics")
            left = {}
        self._left.clear()
        for signer, count in left.items():
            self._left.labels(signer).set(count)
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4")

    async def _answer(
        self, request: Request, work: Callable[[Request, Client], Awaitable[bytes]]
    ) -> Response:
        name = "unknown"
        try:
            client = self._service.client(request.scope.get(CERTIFICATE_KEY, b""), self._clock())
            name = client.name
            response = Response(await work(request, client), media_type=OCTETS)
        except ClientDisconnect:
            response = Response(status_code=499)  # for the metrics only
        except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback in a log
            response = _refusal(error, name)
        self._answers.labels(name, str(response.status_code)).inc()
        return response

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


async def _bounded_body(request: Request) -> bytes:
    """Read a body until it ends or exceeds `MAX_BODY`, which `SigningService.sign` refuses."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY:
                    break
    except TimeoutError:
        raise RefusedError(408, f"the body did not arrive within {BODY_SECONDS} seconds") from None
    return body


def _sealed_number(request: Request) -> bytes:
    try:
        return base64.b64decode(request.headers.get(DOCUMENT_NUMBER, ""), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(400, f"the {DOCUMENT_NUMBER} is not base64") from None


def _refusal(error: Exception, name: str) -> JSONResponse:
    """Return the answer to an error; an error of the service is logged for the operator."""
    if isinstance(error, RefusedError):
        reason, status, retry_after = str(error), error.status, error.retry_after
    elif isinstance(error, MalformedError) and not isinstance(error, DamagedDatabaseError):
        reason, status, retry_after = str(error), 400, None
    elif isinstance(error, BusyDatabaseError):
        reason = "other processes of the service are signing; try again"
        status, retry_after = 503, RETRY_SECONDS
    elif isinstance(error, DamagedDatabaseError | MisuseError | OSError):  # HSM, disk, PKI
        reason, status, retry_after = "cannot sign at present", 503, RETRY_SECONDS
    else:
        reason, status, retry_after = "internal error of the service", 500, None
    if status >= 500:
        known = isinstance(error, ChipsealError | OSError)
        said = " ".join(str(error).split()) if known else f"internal error ({type(error).__name__})"
        _LOG.error("sign-service: %s: %s", name, printable(said))
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": reason}, status, headers)
