"""The SPOC over HTTPS (starlette); the client's certificate is in the request's scope.

POST /SPOC         a SOAP message
GET  /SPOC?wsdl    the description of the service (Doc 9303-12, 8.3.3)
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from personalise.service.errors import RefusedError
from personalise.service.web import read_body
from personalise.spoc.desk import UNAUTHORIZED, Answer, SpocDesk
from personalise.spoc.dv_desk import DvDesk
from personalise.spoc.soap import CONTENT_TYPE, wsdl
from personalise.spoc.xml_reader import MAX_OCTETS
from support.https_server import CERTIFICATE_KEY
from support.log import tell

T = TypeVar("T")

PATH, DV_PATH = "/SPOC", "/DV"
BODY_SECONDS: Final = 10
"""Seconds that a body may take to arrive."""

_NO_SUCH, _DISCONNECTED = 404, 499
_LOG: Final = logging.getLogger(__name__)


class SpocApplication:
    """The ASGI application of one SPOC; all its calls run on `thread`, one at a time."""

    def __init__(
        self,
        make_desk: Callable[[], SpocDesk],
        make_dv: Callable[[], DvDesk],
        thread: ThreadPoolExecutor,
        location: str,
    ) -> None:
        self._thread = thread
        self._desk = thread.submit(make_desk).result()
        self._dv = thread.submit(make_dv).result()
        self._location = location
        self.asgi = Starlette(
            routes=[
                Route(PATH, self._of_a_state, methods=["POST"]),
                Route(DV_PATH, self._of_a_terminal, methods=["POST"]),
                Route(PATH, self._description, methods=["GET"]),
            ]
        )

    async def _of_a_state(self, request: Request) -> Response:
        action = request.headers.get("SOAPAction", "")
        return await self._message(
            request, lambda certificate, body: self._desk.answer(certificate, body, action)
        )

    async def _of_a_terminal(self, request: Request) -> Response:
        return await self._message(request, self._dv.answer)

    async def _message(self, request: Request, work: Callable[[bytes, bytes], Answer]) -> Response:
        body = bytearray()
        try:
            await read_body(request, body.extend, seconds=BODY_SECONDS, most=MAX_OCTETS)
        except RefusedError as refused:
            return Response(status_code=refused.status)
        except ClientDisconnect:
            return Response(status_code=_DISCONNECTED)
        certificate = request.scope.get(CERTIFICATE_KEY, b"")
        answer = await self._on_thread(lambda: work(certificate, bytes(body)))
        if answer.status == UNAUTHORIZED:
            return _unauthorized(answer.reason)
        return Response(answer.body, answer.status, headers={"Content-Type": CONTENT_TYPE})

    async def _description(self, request: Request) -> Response:
        certificate = request.scope.get(CERTIFICATE_KEY, b"")
        partner = await self._on_thread(lambda: self._desk.identify(certificate))
        if isinstance(partner, str):
            return _unauthorized(partner)
        if request.url.query.lower() != "wsdl":
            return Response(status_code=_NO_SUCH)
        return Response(wsdl(self._location), headers={"Content-Type": CONTENT_TYPE})

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _unauthorized(reason: str) -> Response:
    tell(_LOG, logging.WARNING, "refused", f"spoc: refused: {reason}", status=UNAUTHORIZED)
    return Response(status_code=UNAUTHORIZED)
