"""Who may talk to the desk: one browser, which came with the one-time token.

The token in the address that is printed is exchanged, once, for a cookie and a key.  The cookie
identifies the browser.  But a browser sends a cookie to every port of a host (RFC 6265, 8.5), and
another user of this machine may listen on one; so a request for data carries the key as well, which
the page keeps for its own origin and window.

`Host` and `Origin` are compared with the address that was printed, so that no other site can use
the browser as its go-between (DNS rebinding, cross-site requests).
"""

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final

KEY_HEADER: Final = "x-desk-key"
_PROXY_HEADERS: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_FETCHED_BY: Final = frozenset({"", "same-origin", "none"})
"""Sec-Fetch-Site: by the page itself, by the user, or a browser that does not say."""


@dataclass(frozen=True, slots=True)
class Address:
    """The origin of the page in the browser.  `proxied`: a reverse proxy may be before it."""

    scheme: str
    host: str
    proxied: bool = False

    @property
    def origin(self) -> str:
        """The origin, as in the header `Origin`."""
        return f"{self.scheme}://{self.host}"


@dataclass
class Access:
    """The token, the cookie and the key of one run of the desk."""

    address: Address
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def url(self) -> str:
        """The address with the token, which is valid once."""
        return f"{self.address.origin}/?token={self.token}"

    @property
    def cookie_name(self) -> str:
        """Of this desk alone: cookies do not distinguish ports."""
        return f"desk-{self.address.host.rpartition(':')[2]}"

    @property
    def set_cookie(self) -> str:
        """The header that gives the cookie to the browser."""
        secure = "; Secure" if self.address.scheme == "https" else ""
        return f"{self.cookie_name}={self.cookie}; Path=/; HttpOnly; SameSite=Strict{secure}"

    def exchange(self, token: str) -> bool:
        """Whether this is the token; it is used up then."""
        if self.token is None or not _same(token, self.token):
            return False
        self.token = None
        return True

    def objection_to_address(self, headers: dict[str, str], *, changing: bool) -> str:
        """Return why the request does not come from the page's own address; empty if it does.

        `changing`: the request is to change something, and so must have an `Origin`.
        """
        if headers.get("host", "") != self.address.host:
            return "another Host"
        if not self.address.proxied and any(name in headers for name in _PROXY_HEADERS):
            return "a reverse proxy"
        origin = headers.get("origin")
        if origin != self.address.origin and (changing or origin is not None):
            return "another Origin"
        if headers.get("sec-fetch-site", "") not in _FETCHED_BY:
            return "another site"
        return ""

    def knows(self, headers: dict[str, str]) -> bool:
        """Whether the request comes from the browser that exchanged the token."""
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie_name)
        except CookieError:
            return False
        return morsel is not None and _same(morsel.value, self.cookie)

    def trusts(self, headers: dict[str, str]) -> bool:
        """Whether the request comes from the page in that browser."""
        return self.knows(headers) and _same(headers.get(KEY_HEADER, ""), self.key)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
