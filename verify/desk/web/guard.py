"""An ASGI layer that refuses strangers before any of the page's own code runs."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verify.desk.web.access import Access

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
}
_ENTRANCE: Final = "/"
_OPEN: Final = ("/static/",)
"""What the page is made of; it holds nothing of persons, and a browser cannot add a key."""
_READING: Final = frozenset({"GET", "HEAD"})


class Guard:
    """Checks address, cookie and key of each request, and adds the headers to each response."""

    def __init__(self, application: ASGIApp, access: Access) -> None:
        self._application = application
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; anything but HTTP is closed."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._application)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        changing = scope["method"] not in _READING
        objection = self._access.objection_to_address(headers, changing=changing)
        path: str = scope["path"]
        if objection:
            return _refused(f"Refused: this request has {objection}.")
        # Only GET: a preview of the address, by HEAD, must not use up the token.
        if path == _ENTRANCE and scope["method"] == "GET" and b"token=" in scope["query_string"]:
            return None
        if not self._access.knows(headers):
            return _refused(_STRANGER)
        if path == _ENTRANCE or path.startswith(_OPEN):
            return None
        return None if self._access.trusts(headers) else _refused(_OTHER_WINDOW)


_STRANGER: Final = (
    "Refused: open the address that `verify desk` has printed, which is valid once."
    " If it has been used, start `verify desk` again."
)
_OTHER_WINDOW: Final = "Refused: the desk is open in another window."


def _refused(text: str) -> Response:
    return PlainTextResponse(text + "\n", status_code=403)
