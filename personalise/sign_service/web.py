"""The service over HTTP (starlette); the caller's certificate stands in the request's scope."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emrtd.errors import EmrtdError, MalformedError
from personalise.sign_service.desk import Client, RefusedError, SigningDesk, SigningRequest
from personalise.sign_service.interface import (
    DOCUMENT_SIGNER_PATH,
    DOCUMENT_TYPE,
    HEALTH_PATH,
    IDEMPOTENCY_KEY,
    MAX_BODY,
    METRICS_PATH,
    OCTETS,
    Kind,
)

CERTIFICATE_KEY: Final = "chipseal.client_certificate"
"""Where the scope of a request holds the caller's certificate (DER)."""

Clock = Callable[[], datetime]


class SigningApplication:
    """The ASGI application over one signing desk, whose every call runs on `thread`."""

    def __init__(
        self, make_desk: Callable[[], SigningDesk], thread: ThreadPoolExecutor, clock: Clock
    ) -> None:
        self._thread = thread
        self._clock = clock
        self._desk = thread.submit(make_desk).result()
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "chipseal_signing_answers",
            "Answers given",
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
                *(Route(kind.path, self._signing(kind), methods=["POST"]) for kind in Kind),
                Route(DOCUMENT_SIGNER_PATH, self._document_signer),
                Route(HEALTH_PATH, self._health),
                Route(METRICS_PATH, self._metrics),
            ]
        )

    def _signing(self, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            asked = SigningRequest(
                kind,
                request.headers.get(IDEMPOTENCY_KEY, ""),
                request.query_params.get(DOCUMENT_TYPE, ""),
                await _bounded_body(request),
            )

            def work(desk: SigningDesk, client: Client) -> bytes:
                with self._seconds.time():
                    return desk.sign(client, asked, self._clock())

            return await self._answer(request, work)

        return endpoint

    async def _document_signer(self, request: Request) -> Response:
        return await self._answer(
            request, lambda desk, _: desk.signer(self._clock()).certificate.der
        )

    async def _health(self, _: Request) -> Response:
        status, left = await self._on_thread(
            lambda: (self._desk.health(self._clock()), self._desk.remaining(self._clock()))
        )
        body = {"status": status, "signatures_left": left}
        return JSONResponse(body, 503 if status == "exhausted" else 200)

    async def _metrics(self, _: Request) -> Response:
        left = await self._on_thread(lambda: self._desk.remaining(self._clock()))
        self._left.clear()
        for signer, count in left.items():
            self._left.labels(signer).set(count)
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4")

    async def _answer(
        self, request: Request, work: Callable[[SigningDesk, Client], bytes]
    ) -> Response:
        name = "unknown"
        try:
            client = self._desk.client(request.scope.get(CERTIFICATE_KEY, b""))
            name = client.name
            octets = await self._on_thread(lambda: work(self._desk, client))
        except EmrtdError as error:
            response: Response = _refusal(error)
        else:
            response = Response(octets, media_type=OCTETS)
        self._answers.labels(name, str(response.status_code)).inc()
        return response

    async def _on_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


async def _bounded_body(request: Request) -> bytes:
    """Read a body; one octet more than is signed suffices to know that it is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            break
    return body


def _refusal(error: EmrtdError) -> JSONResponse:
    status, headers = 500, {}
    if isinstance(error, RefusedError):
        status = error.status
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, MalformedError):
        status = 400
    return JSONResponse({"error": str(error)}, status, headers)
