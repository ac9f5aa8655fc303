"""A connection to a service: mutual TLS, repetitions where they are safe, errors with data.

A request is repeated if the service does not answer, or answers 408, 429 or 502 to 504, and if a
repetition changes nothing: a GET, and a POST with an `Idempotency-Key`.  Every other answer is
final.
"""

import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

import msgspec

from emrtd.errors import ProtocolError, TransportError
from personalise.service.errors import RETRY_AFTER
from support.errors import MisuseError
from support.printable_text import printable
from support.tls import load_key

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

TRIES: Final = 4
"""How often a request is sent while the service does not answer."""

_TIMEOUT: Final = 30.0  # seconds
_LONGEST_WAIT: Final = 60  # seconds; a longer Retry-After is reported instead of waited for
_LATER: Final = frozenset({408, 429, 502, 503, 504})
_MOST: Final = 300  # characters of a sentence of an answer


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The client's certificate and key, and the CA of the service's certificate (PEM files)."""

    certificate: Path
    key: Path
    service_authority: Path


class RefusedRequestError(MisuseError):
    """The service refuses a request; the same request will be refused again.

    `status` is the HTTP status, `refusal` the kind of error, "" if the answer has none: it may be
    that of a proxy.
    """

    kind = "refused-request"

    def __init__(self, url: str, status: int, refusal: str, what: str, *, advice: str = "") -> None:
        self.status = status
        self.refusal = refusal
        super().__init__(f"{url}: the service refuses: {what}", advice=advice)


class ServiceUnavailableError(TransportError):
    """The service did not answer, or cannot do this at present; the request may be repeated later.

    `status` is that of its last answer, None without one; `retry_after` in seconds is what the
    service asks for, or None.
    """

    def __init__(
        self, message: str, status: int | None, retry_after: int | None, *, advice: str
    ) -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(message, advice=advice)
        self.kind = "service-unavailable"


class _Refusal(msgspec.Struct, frozen=True):
    kind: str = ""
    what: str = ""
    advice: str = ""


class _Answer(msgspec.Struct, frozen=True):
    error: _Refusal


class Connection:
    """A connection to one service; `wait` waits for so many seconds between two tries."""

    def __init__(
        self,
        url: str,
        credentials: ClientCredentials,
        *,
        wait: Callable[[int], object] = time.sleep,
        timeout: float = _TIMEOUT,
    ) -> None:
        self.url: Final = url
        self._wait = wait
        self._http = open_http(url, credentials, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str) -> "httpx.Response":
        """Return the answer to a GET; raises as `_exchange` does."""
        return self._exchange(lambda: self._http.get(path))

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
    ) -> "httpx.Response":
        """Return the answer to a POST whose headers have an `Idempotency-Key`."""
        return self._exchange(
            lambda: self._http.post(
                path, content=body, headers=dict(headers), params=dict(parameters or {})
            )
        )

    def read(self, response: "httpx.Response", kind: type[T]) -> T:
        """Decode an answer in JSON; fields that are not known are left out."""
        try:
            return msgspec.json.decode(response.content, type=kind)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
            raise ProtocolError(f"{self.url}: the answer is not that of this service") from None

    def pause(self, seconds: int) -> None:
        """Wait before the next request."""
        self._wait(seconds)

    def _exchange(self, send: "Callable[[], httpx.Response]") -> "httpx.Response":
        """Send a request until it is answered; between two tries wait for Retry-After.

        Raises `RefusedRequestError` for an answer that is final.  Raises `ServiceUnavailableError`
        if the last try has no such answer, or if Retry-After is longer than `_LONGEST_WAIT`.
        """
        import httpx

        problem, status, seconds = "", None, None
        for number in range(TRIES):
            try:
                response = send()
            except httpx.RequestError as error:
                problem, status, seconds = _silence(error), None, None
            else:
                if response.is_success:
                    return response
                refusal = _refusal(response)
                if response.status_code not in _LATER:
                    raise RefusedRequestError(
                        self.url,
                        response.status_code,
                        refusal.kind,
                        refusal.what,
                        advice=refusal.advice,
                    )
                problem, status = f"is not able to at present: {refusal.what}", response.status_code
                seconds = _seconds(response)
                if seconds is not None and seconds > _LONGEST_WAIT:
                    raise ServiceUnavailableError(
                        f"{self.url}: the service {problem}",
                        status,
                        seconds,
                        advice=f"try again in {seconds} seconds",
                    )
            if number + 1 < TRIES:
                self._wait((1 << number) if seconds is None else seconds)
        raise ServiceUnavailableError(
            f"{self.url}: the service {problem}", status, seconds, advice="try again later"
        )


def open_http(url: str, credentials: ClientCredentials, timeout: float) -> "httpx.Client":
    """Return a client of httpx; raises `MisuseError` for an address or files it cannot use."""
    try:
        import httpx
    except ImportError as error:
        raise MisuseError(
            "a client of the services needs httpx", advice="pip install 'chipseal[client]'"
        ) from error
    if not url.startswith("https://"):
        raise MisuseError(
            f"{url}: is not an https address", advice="use an address that begins with https://"
        )
    try:
        context = ssl.create_default_context(cafile=str(credentials.service_authority))
        load_key(context, credentials.certificate, credentials.key)
    except (OSError, ssl.SSLError) as error:
        raise MisuseError(f"the client's TLS certificate or key cannot be used: {error}") from None
    try:
        return httpx.Client(
            base_url=url, verify=context, timeout=httpx.Timeout(timeout, connect=10)
        )
    except httpx.InvalidURL as error:
        raise MisuseError(f"{url}: is not a valid address ({error})") from None


def _silence(error: "httpx.RequestError") -> str:
    import httpx

    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return (
            "closes the connection: it may have stopped, or it rejects the client's certificate"
            " (expired, or issued by another CA)"
        )
    return f"does not answer ({type(error).__name__})"


def _refusal(response: "httpx.Response") -> _Refusal:
    try:
        found = msgspec.json.decode(response.content, type=_Answer).error
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return _Refusal(what=f"answers {response.status_code}")
    what, advice = printable(found.what)[:_MOST], printable(found.advice)[:_MOST]
    return _Refusal(printable(found.kind)[:_MOST], what, advice)


def _seconds(response: "httpx.Response") -> int | None:
    text = response.headers.get(RETRY_AFTER, "")
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else None
