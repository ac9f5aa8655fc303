"""One exception tree: misuse by the caller, a refusal by the chip, malformed data, a broken wire.

Every message says what, where and what to do; none ever carries a key, a password, an MRZ or
a person's data.
"""

from emrtd.status_words import meaning


class EmrtdError(Exception):
    """Anything that Chipseal reports on purpose; whatever else is raised is a defect of ours."""


class MisuseError(EmrtdError):
    """The caller asked for something that cannot be: a wrong argument, a missing field."""


class MalformedError(EmrtdError):
    """Octets (or a file) that are not what they claim to be.

    `what` names the structure ("EF.COM"), `reason` says what is wrong with it, `offset` is the
    octet at which it was found, counted from the start of `what`, where that is known.
    """

    def __init__(self, what: str, reason: str, offset: int | None = None) -> None:
        self.what = what
        self.reason = reason
        self.offset = offset
        where = "" if offset is None else f" at offset {offset}"
        super().__init__(f"{what}: {reason}{where}")


class ChipRefusalError(EmrtdError):
    """The chip answered with a status word that ends what was being done.

    Raised by the terminal side of a protocol when it receives such an answer, and by the chip
    side when it gives it.  `sw` is the status word (two octets), `doing` says what was asked.
    """

    def __init__(self, sw: int, doing: str) -> None:
        self.sw = sw
        self.doing = doing
        super().__init__(f"{doing}: the chip answered {sw:04X} ({meaning(sw)})")


class ProtocolError(EmrtdError):
    """The other side broke a protocol or failed to prove what it claims; nothing it said counts.

    A wrong MAC or token, a bare answer inside secure messaging, a point off the curve.
    """


class TransportError(EmrtdError):
    """No reader, no card, no pcscd, or the card left in the middle of a command."""
