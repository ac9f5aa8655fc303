"""The root of every error that Chipseal reports, and the exit statuses that commands end with.

Every message says what, where and what to do; none ever carries a key, a password, an MRZ or
a person's data.
"""

from enum import IntEnum, unique
from typing import ClassVar


@unique
class ExitStatus(IntEnum):
    """The exit statuses that others script against."""

    OK = 0
    REJECTED = 1
    REFERRED = 2
    MISTAKE = 64
    UNFIT_CARD = 65
    NO_CARD = 69
    DEFECT = 70


class ChipsealError(Exception):
    """Anything that Chipseal reports on purpose; any other exception is an internal error.

    `message` says what is wrong, and where; `advice` what to do about it, empty where there is
    nothing to say; as text the error is both.  `kind` names the type, or what went wrong, for
    scripts; `exit_status` is what a command ends with when it cannot handle the error.
    """

    kind: str = "error"
    exit_status: ClassVar[ExitStatus] = ExitStatus.MISTAKE

    def __init__(self, message: str, *, advice: str = "") -> None:
        self.message = message
        self.advice = advice
        super().__init__(f"{message}; {advice}" if advice else message)


class MisuseError(ChipsealError):
    """The caller asked for something that cannot be: a wrong argument, a missing field."""

    kind = "mistake"


class ElementError(MisuseError):
    """One element of what is to be made cannot be what it was given as.

    `element` is the name that the maker's own argument or field has ("document_number"), `reason`
    says what is wrong and never the value, `of` is what was to be made ("MRZ").
    """

    def __init__(self, element: str, reason: str, *, of: str, advice: str = "") -> None:
        self.element = element
        self.reason = reason
        self.of = of
        super().__init__(f"{of}: {element.replace('_', ' ')} {reason}", advice=advice)


class MalformedError(ChipsealError):
    """Octets (or a file) that are not what they claim to be.

    `what` names the structure ("EF.COM"), `reason` says what is wrong with it, `offset` is the
    octet at which it was found, counted from the start of `what`, where that is known.
    """

    kind = "malformed"

    def __init__(
        self, what: str, reason: str, offset: int | None = None, *, advice: str = ""
    ) -> None:
        self.what = what
        self.reason = reason
        self.offset = offset
        where = "" if offset is None else f" at offset {offset}"
        super().__init__(f"{what}: {reason}{where}", advice=advice)
