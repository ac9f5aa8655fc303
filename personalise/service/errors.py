"""The errors that a service answers with, by kind; each kind has one HTTP status.

An error is {"error": {"kind", "what", "advice"}}, as a command prints it with `--json`.  Programs
decide by `kind` and status; `what` and `advice` are for people, and hold no person's data.
"""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from support.errors import MisuseError

MAX_IDEMPOTENCY_KEY: Final = 128
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
RETRY_AFTER: Final = "Retry-After"


@unique
class ErrorKind(StrEnum):
    """Why a request is refused."""

    MALFORMED = "malformed-request"
    UNKNOWN_CLIENT = "unknown-client"
    NOT_ALLOWED = "not-allowed"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    TIMEOUT = "timeout"
    KEY_REUSED = "key-reused"
    TOO_LARGE = "too-large"
    WRONG_TYPE = "wrong-type"
    LIMIT = "limit"
    DEFECT = "defect"
    UNAVAILABLE = "unavailable"


STATUS: Final = {
    ErrorKind.MALFORMED: 400,
    ErrorKind.UNKNOWN_CLIENT: 403,
    ErrorKind.NOT_ALLOWED: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.WRONG_METHOD: 405,
    ErrorKind.TIMEOUT: 408,
    ErrorKind.KEY_REUSED: 409,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.WRONG_TYPE: 415,
    ErrorKind.LIMIT: 429,
    ErrorKind.DEFECT: 500,
    ErrorKind.UNAVAILABLE: 503,
}

MEANING: Final = {
    ErrorKind.MALFORMED: "the request is not as described here",
    ErrorKind.UNKNOWN_CLIENT: "the certificate is not that of a configured client, or has expired",
    ErrorKind.NOT_ALLOWED: "the client may not do this",
    ErrorKind.NOT_FOUND: "nothing of this client is here",
    ErrorKind.WRONG_METHOD: "the path has no such method",
    ErrorKind.TIMEOUT: "the body did not arrive in time",
    ErrorKind.KEY_REUSED: "the Idempotency-Key was used for another request",
    ErrorKind.TOO_LARGE: "the body is too large",
    ErrorKind.WRONG_TYPE: "the Content-Type is none that is read, or there is a Content-Encoding",
    ErrorKind.LIMIT: "the client has used what it may at present",
    ErrorKind.DEFECT: "a defect of the service; its log names it",
    ErrorKind.UNAVAILABLE: "the service cannot do this at present",
}

IS_RETRIED: Final = frozenset({ErrorKind.TIMEOUT, ErrorKind.LIMIT, ErrorKind.UNAVAILABLE})
"""The kinds after which the same request, with the same key, may succeed later."""


class RefusedError(MisuseError):
    """A request that a service refuses; `retry_after` is in seconds."""

    kind: ErrorKind

    def __init__(
        self, kind: ErrorKind, reason: str, retry_after: int | None = None, *, advice: str = ""
    ) -> None:
        self.kind = kind
        self.retry_after = retry_after
        super().__init__(reason, advice=advice)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.kind]


class ErrorRecord(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    kind: Annotated[ErrorKind, msgspec.Meta(description="For programs; each has one status.")]
    what: Annotated[str, msgspec.Meta(description="What is wrong: one sentence.")]
    advice: Annotated[str, msgspec.Meta(description="What to do about it; may be empty.")] = ""


class Error(msgspec.Struct, frozen=True):
    """The answer to a request that is refused."""

    error: ErrorRecord


def require_idempotency_key(key: str) -> str:
    """Return the key; raises `RefusedError` if it is missing or too long."""
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii():
        raise RefusedError(
            ErrorKind.MALFORMED,
            f"the {IDEMPOTENCY_KEY} is not 1 to {MAX_IDEMPOTENCY_KEY} ASCII characters",
        )
    return key
