"""Why a whole package is refused."""

from enum import StrEnum, unique

from support.errors import MisuseError


@unique
class Refusal(StrEnum):
    """The kinds of refusal, by the names that a receipt gives them."""

    NOT_A_PACKAGE = "not-a-package"
    TOO_LARGE = "too-large"
    OTHER_RECIPIENT = "other-recipient"
    FORBIDDEN_PADDING = "forbidden-padding"
    NOT_OPENED = "not-opened"
    UNSAFE_CONTENT = "unsafe-content"
    DAMAGED_CONTENT = "damaged-content"
    NO_APPLICATION = "no-application"
    SENDER = "sender"
    STALE = "stale"
    REPLAYED = "replayed"


class RefusedPackageError(MisuseError):
    """A package is refused whole; the message names no file and no person.

    `refusal` is the kind of refusal.
    """

    kind = "refused-package"

    def __init__(self, refusal: Refusal, message: str, *, advice: str = "") -> None:
        self.refusal = refusal
        super().__init__(message, advice=advice)
