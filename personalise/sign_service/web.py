"""The signing service over HTTP."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.requests import Request
from starlette.responses import Response

from personalise.service.errors import IDEMPOTENCY_KEY, ErrorKind, RefusedError
from personalise.service.operations import OCTETS
from personalise.service.signing import (
    DESCRIPTION,
    DOCUMENT_NUMBER,
    DOCUMENT_TYPE,
    MAX_BODY,
    SignedFile,
)
from personalise.service.web import Handler, Service, ServiceApplication, one_header, read_body
from personalise.sign_service.service import Client, SigningRequest, SigningService
from support.health import Check

BODY_SECONDS: Final = 10
"""Seconds that a body may take to arrive."""

_NONE: Final[Mapping[str, Check]] = MappingProxyType({})

Clock = Callable[[], datetime]


class SigningApplication:
    """The ASGI application of one signing service; all its calls run on `thread`.

    `checks` are further conditions of its readiness: of the HSM and of the disks.
    """

    def __init__(
        self,
        make_service: Callable[[], SigningService],
        thread: ThreadPoolExecutor,
        clock: Clock,
        checks: Mapping[str, Check] = _NONE,
    ) -> None:
        self._clock = clock
        service = self._service = thread.submit(make_service).result()
        registry = CollectorRegistry()
        self._seconds = Histogram(
            "chipseal_signing_seconds", "Time to sign and verify", registry=registry
        )
        self._left = Gauge(
            "chipseal_signatures_left",
            "Signatures that a Document Signer has left",
            ["signer"],
            registry=registry,
        )
        own: dict[str, Check] = {
            "keys": service.keys,
            "database": lambda: service.database(clock()),
            "clock": lambda: service.clock(clock()),
            "signatures": lambda: service.signatures(clock()),
        }
        handlers: dict[str, Handler[Client]] = {
            "signSecurityObject": self._signing(SignedFile.SECURITY_OBJECT),
            "signCardSecurity": self._signing(SignedFile.CARD_SECURITY),
            "getDocumentSigner": self._document_signer,
        }
        self.http = ServiceApplication(
            Service(
                "sign-service",
                "chipseal_signing",
                DESCRIPTION,
                service.client,
                clock,
                thread,
                {**own, **checks},
                handlers,
                registry,
                self._measure,
            )
        )
        self.asgi = self.http.asgi

    def _signing(self, kind: SignedFile) -> Callable[[Request, Client], Awaitable[Response]]:
        async def handle(request: Request, client: Client) -> Response:
            body = bytearray()
            await read_body(request, body.extend, seconds=BODY_SECONDS, most=MAX_BODY)
            asked = SigningRequest(
                kind,
                one_header(request, IDEMPOTENCY_KEY),
                request.query_params.get(DOCUMENT_TYPE, ""),
                bytes(body),
                _sealed_number(request),
            )

            def sign() -> bytes:
                with self._seconds.time():
                    return self._service.sign(client, asked, self._clock())

            return Response(await self.http.on_thread(sign), media_type=OCTETS)

        return handle

    async def _document_signer(self, _: Request, __: Client) -> Response:
        octets = await self.http.on_thread(
            lambda: self._service.signer(self._clock()).certificate.der
        )
        return Response(octets, media_type=OCTETS)

    def _measure(self) -> None:
        self._left.clear()
        for signer, count in self._service.remaining(self._clock()).items():
            self._left.labels(signer).set(count)


def _sealed_number(request: Request) -> bytes:
    try:
        return base64.b64decode(one_header(request, DOCUMENT_NUMBER), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(ErrorKind.MALFORMED, f"the {DOCUMENT_NUMBER} is not base64") from None
