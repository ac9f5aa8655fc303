"""A service over HTTP (starlette); the client's certificate is in the request's scope.

The answer to a client names errors in its request.  Errors of the service itself are logged, one
line each, on the service's standard error.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

import msgspec
from prometheus_client import CollectorRegistry, Counter, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from personalise.ledger.errors import LedgerUnavailableError
from personalise.service.clients import ServiceClient
from personalise.service.errors import (
    RETRY_AFTER,
    Error,
    ErrorKind,
    ErrorRecord,
    RefusedError,
)
from personalise.service.openapi import encode
from personalise.service.operations import JSON, Description, Operation
from support.database import BusyDatabaseError, DamagedDatabaseError
from support.errors import MalformedError, MisuseError
from support.health import Check, Condition, Live, Readiness, look
from support.https_server import CERTIFICATE_KEY
from support.local_server import Page
from support.log import tell, text_of

C = TypeVar("C", bound=ServiceClient)
T = TypeVar("T")

RETRY_SECONDS: Final = 5
"""Seconds of Retry-After when the service cannot do at present what it is asked."""

LOGGER: Final = __name__
_LOG: Final = logging.getLogger(LOGGER)
_EVENTS: Final = logging.getLogger(f"{LOGGER}.events")
"""Not that of the errors, of which a line appears once a minute."""

_LOOK_SECONDS: Final = 10
"""How long the answer about readiness waits for the service's thread."""

_LENGTH_DIGITS: Final = 18
"""A Content-Length of more digits is that of no body."""

_DISCONNECTED: Final = 499
"""The client did not wait for the answer; for the metrics only."""

Handler = Callable[[Request, C], Awaitable[Response]]


@dataclass(frozen=True)
class Service(Generic[C]):
    """What a service is made of; `find` returns the client with a certificate.

    `prefix` begins the names of its metrics, `checks` are the conditions of its readiness, which
    are looked at on `thread`.  `measure` is called before the metrics are read.
    """

    component: str
    prefix: str
    description: Description
    find: Callable[[bytes, datetime], C]
    clock: Callable[[], datetime]
    thread: ThreadPoolExecutor
    checks: Mapping[str, Check]
    handlers: Mapping[str, Handler[C]]
    registry: CollectorRegistry
    measure: Callable[[], None] = lambda: None


class ServiceApplication(Generic[C]):
    """The ASGI application of a service."""

    def __init__(self, service: Service[C]) -> None:
        self._service = service
        self._answers = Counter(
            f"{service.prefix}_answers",
            "Answers sent",
            ["client", "status"],
            registry=service.registry,
        )
        self._description = encode(service.description)
        common = {
            "getLive": self._live,
            "getReady": self._ready,
            "getMetrics": self._metrics,
            "getDescription": self._described,
        }
        self.asgi = Starlette(
            routes=[
                Route(
                    each.path,
                    common.get(each.name) or self._endpoint(each, service.handlers[each.name]),
                    methods=[each.method],
                )
                for each in service.description.operations
            ],
            exception_handlers={HTTPException: _not_here},
        )

    def _endpoint(
        self, operation: Operation, handler: Handler[C]
    ) -> Callable[[Request], Awaitable[Response]]:
        service = self._service

        async def endpoint(request: Request) -> Response:
            name, began = "unknown", time.monotonic()
            try:
                client = service.find(request.scope.get(CERTIFICATE_KEY, b""), service.clock())
                name = client.name
                response = await handler(request, client)
            except ClientDisconnect:
                response = Response(status_code=_DISCONNECTED)
            except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback
                response = self._refusal(error, name)
            self._answers.labels(name, str(response.status_code)).inc()
            tell(
                _EVENTS,
                logging.INFO,
                "answered",
                client=name,
                operation=operation.name,
                status=response.status_code,
                seconds=round(time.monotonic() - began, 3),
            )
            return response

        return endpoint

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Run work on the service's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._service.thread, work)

    def live_page(self) -> Page:
        """Return that the process answers."""
        return Page(200, JSON, msgspec.json.encode(Live()))

    def ready_page(self) -> Page:
        """Look at every condition on the service's thread; call it from another one."""
        look_at = self._service.thread.submit(look, self._service.checks, RefusedError)
        try:
            found, problems = look_at.result(_LOOK_SECONDS)
        except TimeoutError:
            what = f"is busy for more than {_LOOK_SECONDS} seconds"
            found, problems = Readiness(False, {"thread": Condition(False, what)}), {}
        component = self._service.component
        for name, problem in problems.items():
            text = f"{component}: {name}: {problem}"
            tell(_LOG, logging.ERROR, "not-ready", text, check=name)
        return Page(200 if found.ready else 503, JSON, msgspec.json.encode(found))

    def metrics_page(self) -> Page:
        """Return the metrics; call it from another thread than the service's."""
        try:
            self._service.thread.submit(self._service.measure).result(_LOOK_SECONDS)
        except Exception as error:  # noqa: BLE001 - the counters are still useful
            self._refusal(error, "metrics")
        octets = generate_latest(self._service.registry)
        return Page(200, "text/plain; version=0.0.4", octets)

    async def _live(self, _: Request) -> Response:
        return _page(self.live_page())

    async def _ready(self, _: Request) -> Response:
        return _page(await asyncio.to_thread(self.ready_page))

    async def _metrics(self, _: Request) -> Response:
        return _page(await asyncio.to_thread(self.metrics_page))

    async def _described(self, _: Request) -> Response:
        return Response(self._description, media_type=JSON)

    def _refusal(self, error: Exception, name: str) -> Response:
        """Return the answer to an error; an error of the service is logged for the operator."""
        refused = refusal_of(error)
        if refused.status >= 500:
            text = f"{self._service.component}: {name}: {text_of(error)}"
            is_load = isinstance(error, RefusedError) and error.retry_after is not None
            level, event = (logging.WARNING, "busy") if is_load else (logging.ERROR, "failed")
            tell(_LOG, level, event, text, client=name, kind=type(error).__name__)
        return refusal(refused)


def _page(page: Page) -> Response:
    return Response(page.content, page.status, media_type=page.media_type)


def refusal_of(error: Exception) -> RefusedError:
    """Return what a client is told of an error."""
    match error:
        case RefusedError():
            return error
        case BusyDatabaseError():
            busy = "other processes of the service are at work; try again"
            return RefusedError(ErrorKind.UNAVAILABLE, busy, RETRY_SECONDS)
        # HSM, disk, PKI, database
        case MisuseError() | OSError() | DamagedDatabaseError() | LedgerUnavailableError():
            return RefusedError(ErrorKind.UNAVAILABLE, _NOT_NOW, RETRY_SECONDS)
        case MalformedError():
            return RefusedError(ErrorKind.MALFORMED, error.message, advice=error.advice)
    return RefusedError(ErrorKind.DEFECT, "internal error of the service")


_NOT_NOW: Final = "not possible at present; the service's log says why"


def answer(record: msgspec.Struct, status: int = 200, **headers: str) -> Response:
    """Return an answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(msgspec.json.encode(record), status, named, media_type=JSON)


def refusal(error: RefusedError) -> Response:
    """Return the answer that says why a request is refused."""
    headers = {} if error.retry_after is None else {RETRY_AFTER: str(error.retry_after)}
    record = Error(ErrorRecord(error.kind, error.message, error.advice))
    return Response(msgspec.json.encode(record), error.status, headers, media_type=JSON)


async def _not_here(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    kind = ErrorKind.WRONG_METHOD if status == 405 else ErrorKind.NOT_FOUND
    what = "this path has no such method" if status == 405 else "there is no such path"
    return refusal(RefusedError(kind, what, advice="GET /openapi.json describes all paths"))


def one_header(request: Request, name: str) -> str:
    """Return a header, "" without one; raises `RefusedError` if it is given more than once."""
    found = request.headers.getlist(name)
    if len(found) > 1:
        raise RefusedError(ErrorKind.MALFORMED, f"{name} is given {len(found)} times")
    return found[0] if found else ""


async def read_body(
    request: Request, take: Callable[[bytes], object], *, seconds: float, most: int
) -> None:
    """Hand each part of a body to `take`; raises `RefusedError` for one too long or too slow."""
    declared = request.headers.get("content-length", "")
    too_large = RefusedError(ErrorKind.TOO_LARGE, f"the body is larger than {most:,} octets")
    if declared.isdigit() and (len(declared) > _LENGTH_DIGITS or int(declared) > most):
        raise too_large
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise too_large
                take(part)
    except TimeoutError:
        raise RefusedError(
            ErrorKind.TIMEOUT, f"the body did not arrive within {seconds:g} seconds"
        ) from None
