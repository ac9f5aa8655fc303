"""The routes of the desk: the page, its events, what the officer does, and the images."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from emrtd.biometrics.images.png import show
from support.errors import ChipsealError, MisuseError
from verify.desk import typed
from verify.desk.inputs import (
    Again,
    Chosen,
    Input,
    LockWanted,
    NextCard,
    PasswordGiven,
    Recalled,
    ShowAnyway,
    UnlockWanted,
)
from verify.desk.service import DeskService
from verify.desk.state import Desk, Inspecting
from verify.desk.view import page_view, typed_view
from verify.desk.web.access import Access
from verify.desk.web.guard import Guard
from verify.showing.html import render_html
from verify.wording import LANGUAGES, Wording, wording_in

_MOST_OCTETS: Final = 4096
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_BEAT_SECONDS: Final = 15.0
"""How often a silent stream shows that it is alive."""

_PLAIN: Final[dict[str, Callable[[], Input]]] = {
    "again": Again,
    "next": NextCard,
    "show-anyway": ShowAnyway,
    "lock": LockWanted,
    "unlock": UnlockWanted,
}
"""What the officer can do that needs no further value."""

Grounds = Callable[[Wording], list[dict[str, Any]]]


def application(service: DeskService, access: Access, grounds: Grounds) -> ASGIApp:
    """Return the application; `grounds` returns what the verdicts rest on, in words."""
    site = _Site(service, access, grounds)
    routes = [
        Route("/", site.page),
        Route("/static/{name}", site.static),
        Route("/words", site.words),
        Route("/events", site.events),
        Route("/typed", site.typed, methods=["POST"]),
        Route("/officer", site.officer, methods=["POST"]),
        Route("/portrait/{number:int}", site.portrait),
        Route("/report/{number:int}", site.report),
        Route("/finger/{number:int}/{finger:int}", site.finger),
    ]
    return Guard(Starlette(routes=routes, lifespan=site.lifespan), access)


class _Site:
    def __init__(self, service: DeskService, access: Access, grounds: Grounds) -> None:
        self._service = service
        self._access = access
        self._grounds = grounds

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Run the desk while the server runs."""
        running = asyncio.create_task(self._service.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def page(self, request: Request) -> Response:
        """Return the page, or exchange the token for the cookie and the key.

        The key is in the fragment of the address, which no server and no log receives.
        """
        token = request.query_params.get("token")
        if token is None:
            return _file("desk.html", "text/html")
        if not self._access.exchange(token):
            return PlainTextResponse(_USED, status_code=403)
        response = RedirectResponse(f"/#key={self._access.key}", status_code=303)
        response.headers["set-cookie"] = self._access.set_cookie
        return response

    async def static(self, request: Request) -> Response:
        """Return a file that the page is made of."""
        name: str = request.path_params["name"]
        kind = next((kind for end, kind in _TYPES.items() if name.endswith(end)), None)
        if kind is None or name not in _STATIC:
            return PlainTextResponse("no such file\n", status_code=404)
        return _file(name, kind)

    async def words(self, request: Request) -> Response:
        """Return the page's own texts, and the languages."""
        wording = _wording(request)
        texts = wording.beginning("page.")
        minutes = int(self._service.limits.kept // 60)
        texts["page.history-note"] = wording("page.history-note", minutes=minutes)
        for key in ("rests.title", "report.problems", "report.next", "report.clause"):
            texts[key] = wording(key)
        said = {"language": wording.language, "languages": LANGUAGES, "texts": texts}
        return JSONResponse(said | {"keep": self._service.limits.kept})

    async def events(self, request: Request) -> Response:
        """Return a stream of the page's states (server-sent events)."""
        return StreamingResponse(self._stream(_wording(request)), media_type="text/event-stream")

    async def _stream(self, wording: Wording) -> AsyncIterator[str]:
        def view_of(desk: Desk) -> dict[str, Any]:
            return page_view(desk, wording) | {"grounds": self._grounds(wording)}

        sent: dict[str, Any] = {}
        states = self._service.states()
        coming = asyncio.ensure_future(anext(states))
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=_BEAT_SECONDS)
                if not done:  # what the verdicts rest on grows old meanwhile
                    view = view_of(self._service.desk)
                    yield ": alive\n\n" if view == sent else _event(view)
                    sent = view
                    continue
                try:
                    desk = coming.result()
                except StopAsyncIteration:
                    return
                sent = view_of(desk)
                yield _event(sent)
                coming = asyncio.ensure_future(anext(states))
        finally:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await coming
            await states.aclose()  # type: ignore[attr-defined]

    async def typed(self, request: Request) -> Response:
        """Return what is right and wrong in the text that the officer has typed so far."""
        body = await _object(request)
        text = None if body is None else body.get("text")
        if not isinstance(text, str) or len(text) > typed.MOST_CHARACTERS:
            return _mistake("text")
        return JSONResponse(typed_view(typed.look(text), _wording(request)))

    async def officer(self, request: Request) -> Response:
        """Do what the officer wants."""
        body = await _object(request)
        if body is None:
            return _mistake("body")
        what: Input
        match body:
            case {"do": str(name)} if name in _PLAIN:
                what = _PLAIN[name]()
            case {"do": "password", "text": str(text)}:
                try:
                    what = PasswordGiven(typed.read(text))
                except MisuseError:
                    refused = _wording(request)("typed.refused")
                    return JSONResponse({"refused": refused}, status_code=422)
            case {"do": "choose", "reader": str(reader)}:
                what = Chosen(reader)
            case {"do": "recall", "number": int(number)}:
                what = Recalled(number)
            case _:
                return _mistake("do")
        return self._take(what, _wording(request))

    def _take(self, what: Input, wording: Wording) -> Response:
        """Take an input; say why if it names what is not there, or does not fit the state."""
        before = self._service.desk
        match what:
            case Chosen(reader) if reader not in before.cards:
                return JSONResponse({"refused": wording("refused.reader")}, status_code=404)
            case Recalled(number) if before.entry(number) is None:
                return JSONResponse({"refused": wording("refused.number")}, status_code=404)
            case _:
                self._service.take(what)
        if self._service.desk is not before or isinstance(what, LockWanted | UnlockWanted):
            return JSONResponse({})
        reading = isinstance(before.phase, Inspecting)
        why = wording("refused.reading" if reading else "refused.now")
        return JSONResponse({"refused": why}, status_code=409)

    async def portrait(self, request: Request) -> Response:
        """Return the portrait of a result, as PNG."""
        entry = self._service.desk.entry(request.path_params["number"])
        return await _image(None if entry is None else entry.result.report.portrait)

    async def report(self, request: Request) -> Response:
        """Return the report of a result, as one page of HTML to be saved."""
        entry = self._service.desk.entry(request.path_params["number"])
        if entry is None:
            return PlainTextResponse("no such result\n", status_code=404)
        report = await run_in_threadpool(self._service.session.with_grounds, entry.result.report)
        page = await run_in_threadpool(render_html, report)
        headers = {"content-disposition": f'attachment; filename="report-{entry.number}.html"'}
        return Response(page, media_type="text/html", headers=headers)

    async def finger(self, request: Request) -> Response:
        """Return a finger image of a result, as PNG; they count from 1."""
        entry = self._service.desk.entry(request.path_params["number"])
        number: int = request.path_params["finger"]
        images = () if entry is None else entry.result.fingers
        return await _image(images[number - 1] if 1 <= number <= len(images) else None)


_USED: Final = "Refused: this address has been used, or is not of this desk. Start it again.\n"
_STATIC: Final = frozenset(
    each.name for each in files("verify.desk.web").joinpath("static").iterdir()
)


def _file(name: str, kind: str) -> Response:
    octets = files("verify.desk.web").joinpath("static", name).read_bytes()
    return Response(octets, media_type=kind)


def _event(view: dict[str, Any]) -> str:
    return f"data: {json.dumps(view, separators=(',', ':'))}\n\n"


def _wording(request: Request) -> Wording:
    return wording_in(request.query_params.get("language", "en"))


async def _object(request: Request) -> dict[str, Any] | None:
    """Return the JSON object in the body; None if it is none, or too long."""
    octets = b""
    async for part in request.stream():
        octets += part
        if len(octets) > _MOST_OCTETS:
            return None
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _mistake(what: str) -> Response:
    return JSONResponse({"mistake": what}, status_code=400)


async def _image(octets: bytes | None) -> Response:
    """Return an image as PNG, decoded in a process of its own."""
    if octets is None:
        return PlainTextResponse("no such image\n", status_code=404)
    try:
        shown = await run_in_threadpool(show, octets, "image")
    except ChipsealError:
        return PlainTextResponse("it cannot be shown\n", status_code=422)
    return Response(shown.png, media_type="image/png")
