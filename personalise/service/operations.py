"""The operations of a service, described once: the routes and the OpenAPI document follow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from personalise.service.errors import IDEMPOTENCY_KEY, MAX_IDEMPOTENCY_KEY, ErrorKind
from support.health import Condition, Live, Readiness

JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"

LIVE_PATH: Final = "/health/live"
READY_PATH: Final = "/health/ready"
METRICS_PATH: Final = "/metrics"
OPENAPI_PATH: Final = "/openapi.json"


@dataclass(frozen=True)
class Parameter:
    """A parameter; `place` is "path", "query" or "header"."""

    name: str
    place: str
    description: str
    schema: dict[str, Any]
    example: str
    required: bool = True


@dataclass(frozen=True)
class Body:
    """A request's body, of one of these media types."""

    description: str
    types: tuple[str, ...]
    octets: int
    """The longest one."""


@dataclass(frozen=True)
class Answer:
    """An answer without an error: JSON of `record`'s type, or octets of `media_type`."""

    status: int
    description: str
    record: Any = None
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One method on one path; `errors` are the kinds of refusal."""

    name: str
    method: str
    path: str
    summary: str
    answers: tuple[Answer, ...]
    errors: tuple[ErrorKind, ...]
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    is_versioned: bool = True


@dataclass(frozen=True)
class Description:
    """A service: its name, what it is for, and its operations."""

    title: str
    description: str
    version: str
    operations: Sequence[Operation]


IDEMPOTENCY: Final = Parameter(
    IDEMPOTENCY_KEY,
    "header",
    "Chosen by the client, anew for each request and kept for its repetitions: the same key with"
    " the same body is carried out once, and answered in the same way each time.",
    {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
    "0c6f3c0e-6f0e-4b1e-9a57-6e2f9f0f6d31",
)

_READY: Final = Readiness(
    ready=True, checks={"clock": Condition(ready=True, what="not behind what was signed")}
)
_NOT_READY: Final = Readiness(
    ready=False,
    checks={"database": Condition(ready=False, what="cannot be used; the log says why")},
)

COMMON: Final = (
    Operation(
        "getLive",
        "GET",
        LIVE_PATH,
        "Whether the process answers",
        (Answer(200, "It answers.", Live()),),
        (),
        description="Restart the service if this is not answered.",
        is_versioned=False,
    ),
    Operation(
        "getReady",
        "GET",
        READY_PATH,
        "Whether the service can work, and what it lacks",
        (
            Answer(200, "It can work.", _READY),
            Answer(503, "Something is missing.", _NOT_READY),
        ),
        (),
        description="Send no requests while this is 503; a restart does not help.",
        is_versioned=False,
    ),
    Operation(
        "getMetrics",
        "GET",
        METRICS_PATH,
        "Metrics for Prometheus",
        (Answer(200, "Metrics.", media_type="text/plain"),),
        (),
        is_versioned=False,
    ),
    Operation(
        "getDescription",
        "GET",
        OPENAPI_PATH,
        "This description",
        (Answer(200, "OpenAPI 3.1.", {"openapi": "3.1.0"}),),
        (),
        is_versioned=False,
    ),
)
"""What every service answers, to any client that its CA has certified."""

EVERYWHERE: Final = (ErrorKind.UNKNOWN_CLIENT, ErrorKind.DEFECT, ErrorKind.UNAVAILABLE)
"""What every operation for a configured client may answer."""
