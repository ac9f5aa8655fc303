"""The structured log of the commands that run for months: one JSON object a line, of one schema.

    {"at": "2026-11-30T08:15:02.114Z", "level": "info", "component": "station", "event": "issued",
     "what": "", "data": {"reader": "A 00", "application": "A-6f1c...", "seconds": 3.1}}

`event` and the keys of `data` are stable names; `what` is a sentence for people.  No line holds a
person's data, the number of a document, a key or a password: `Data` has no field for them, and a
document appears as the ledger's keyed digest.  An error of ours or of the system is logged as it is
shown; of any other exception only the type and the place are, since its message may quote what it
could not read.

Without `--log json`, warnings and errors are lines of text on standard error.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypedDict, Unpack

from support.errors import ChipsealError, internal
from support.printable_text import one_line, printable
from support.remarks import remark

COMPONENTS: Final = ("sign-service", "intake-service", "station", "desk", "spoc")
"""The commands that have this log."""

LEVELS: Final = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "error",
}

_MESSAGE: Final = "message"
"""The event of a line that a library has written."""
_OURS: Final = ("emrtd", "personalise", "support", "verify")
_EVENT: Final = "chipseal_event"
_DATA: Final = "chipseal_data"


class Data(TypedDict, total=False):
    """What an event may be about; nothing else can be logged."""

    address: str
    """Where a service listens."""
    advice: str
    """What to do about an error."""
    apdus: int
    """Commands sent to a card."""
    application: str
    """Identifier of an application in the ledger."""
    card: str
    """Serial number of a card."""
    check: str
    """A condition of readiness."""
    checks: list[str]
    """Identifiers of the checks that prevent the verdict *accept*."""
    client: str
    """Name of a client in the configuration of a service."""
    document: str
    """Keyed digest of a document's number, as `jobs list` prints it."""
    held: int
    """Applications of a package that a supervisor decides about."""
    kind: str
    """Kind of an error, as in the JSON of an error, or the type of an exception."""
    octets: int
    """Size of a request's body, or of a package."""
    operation: str
    """Operation of a service, by its name in the OpenAPI description."""
    package: str
    """Identifier of a package at the intake service."""
    reader: str
    """Name of a reader."""
    refused: int
    """Applications of a package that were refused."""
    seconds: float
    """How long it took."""
    sod: str
    """SHA-256 of EF.SOD."""
    status: int
    """HTTP status of an answer."""
    taken: int
    """Applications of a package that were taken."""
    tries: int
    """How often it was tried."""
    verdict: str
    """Verdict of an inspection."""


def tell(
    logger: logging.Logger, level: int, event: str, what: str = "", **data: Unpack[Data]
) -> None:
    """Log an event; a warning or an error has `what`, the line of text without `--log json`.

    What happens all the time needs a logger without `support.repeated_lines`.
    """
    logger.log(level, "%s", what, extra={_EVENT: event, _DATA: data})


def text_of(error: Exception) -> str:
    """Return one line about an error, for the log of a command that goes on.

    It is the message of an error of ours or of the system.  Of any other exception it is the type
    and the place, since its message may quote what could not be read.
    """
    known = isinstance(error, ChipsealError | OSError)
    return one_line(str(error)) if known else internal(error)


def notice(logger: logging.Logger, event: str, what: str, **data: Unpack[Data]) -> None:
    """Log an event that a user at a terminal sees too."""
    tell(logger, logging.INFO, event, what, **data)
    if not any(isinstance(each, _JsonHandler) for each in logging.getLogger().handlers):
        remark(what)


def line(component: str, level: int, event: str, what: str = "", **data: Unpack[Data]) -> str:
    """Return a line of the log, for what ends before or after its logger."""
    seconds = datetime.now(UTC).timestamp()
    return _line(component, seconds, level, event=event, what=what, data=dict(data))


@contextmanager
def logging_json(component: str, form: str) -> Iterator[None]:
    """Write the log as JSON lines to standard error in the block, if `form` is "json"."""
    if form != "json":
        yield
        return
    root, handler = logging.getLogger(), _JsonHandler(component)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


class _JsonHandler(logging.Handler):
    """Writes each record as a line; of other packages, warnings and errors only."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and record.name.partition(".")[0] not in _OURS:
            return
        event, what = getattr(record, _EVENT, _MESSAGE), record.getMessage()
        data: dict[str, Any] = dict(getattr(record, _DATA, {}))
        if record.exc_info and record.exc_info[0] is not None:
            data["kind"] = record.exc_info[0].__name__
        text = _line(
            self._component, record.created, record.levelno, event=event, what=what, data=data
        )
        try:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except OSError:  # a full disk, or a pipe that is closed: nothing else can be told
            return


def _line(
    component: str, seconds: float, level: int, *, event: str, what: str, data: dict[str, Any]
) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    record = {
        "at": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
        "level": LEVELS.get(level, "info"),
        "component": component,
        "event": event,
        "what": one_line(what),
        "data": {
            name: printable(value) if isinstance(value, str) else value
            for name, value in data.items()
            if value is not None
        },
    }
    return json.dumps(record, ensure_ascii=False)
