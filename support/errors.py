"""The base of every error that Chipseal reports, and the exit statuses of its commands.

Every message says what is wrong, where, and what to do.  No message contains a key, a password, an
MRZ or a person's data.
"""

from enum import IntEnum, unique
from typing import ClassVar, Final

from support.reasons import Reason


@unique
class ExitStatus(IntEnum):
    """The exit statuses of commands, on which scripts rely."""

    OK = 0
    REJECTED = 1
    REFERRED = 2
    MISTAKE = 64
    UNFIT_CARD = 65
    NO_CARD = 69
    DEFECT = 70


class ChipsealError(Exception):
    """The base of errors that Chipseal reports; any other exception is an internal error.

    `message` says what is wrong, and where; `advice` says what to do about it, and may be empty.
    `str()` returns both; `said` is the message as a `Reason`, if it was given as one.  `kind` names
    the error for scripts; `exit_status` is the exit status of a command that ends with this error.
    """

    kind: str = "error"
    exit_status: ClassVar[ExitStatus] = ExitStatus.MISTAKE

    def __init__(self, message: str, *, advice: str = "") -> None:
        self.message = str(message)
        self.said = message
        self.advice = advice
        super().__init__(f"{message}; {advice}" if advice else message)


class MisuseError(ChipsealError):
    """A mistake of the caller: a wrong argument, a missing field."""

    kind = "mistake"


class ElementError(MisuseError):
    """A value that cannot be encoded.

    `element` names the argument or field ("document_number"), `reason` says what is wrong without
    the value, `of` names the structure that was to be encoded ("MRZ").
    """

    def __init__(self, element: str, reason: str, *, of: str, advice: str = "") -> None:
        self.element = element
        self.reason = reason
        self.of = of
        super().__init__(f"{of}: {element.replace('_', ' ')} {reason}", advice=advice)


class MalformedError(ChipsealError):
    """Octets (or a file) that are not what they claim to be.

    `what` names the structure ("EF.COM"), `reason` says what is wrong with it; `offset`, if known,
    is the octet at which the error was found, counted from the start of `what`.
    """

    kind = "malformed"

    def __init__(
        self, what: str, reason: str, offset: int | None = None, *, advice: str = ""
    ) -> None:
        self.what = what
        self.reason = reason
        self.offset = offset
        where = "" if offset is None else Reason(" at offset {offset}", offset=offset)
        super().__init__(
            Reason("{what}: {reason}{where}", what=what, reason=reason, where=where), advice=advice
        )


REPORT_IT: Final = "report it"
"""The advice for an internal error."""


def internal(error: Exception) -> str:
    """Return what an internal error is: its type, and its place if it was raised.

    Its text, and the trace, may hold a person's data.
    """
    from traceback import walk_tb

    name, places = type(error).__name__, list(walk_tb(error.__traceback__))
    if not places:
        return f"internal error ({name})"
    frame, line = places[-1]
    return f"internal error ({name} in {frame.f_globals['__name__']}, line {line})"
