"""What a case is run on: one card, one protocol that opens it, and certificates."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, unique

from conformance.chip.terminal_pki import KeyKind, TerminalPki
from conformance.running import CaseFailedError
from emrtd.access.chip_authentication_keys import ChipAuthenticationVariant
from emrtd.access.opening import Way
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.status_words import SW


@unique
class Access(Enum):
    """The protocol that opens the chip."""

    PACE = "PACE"
    BAC = "BAC"


@dataclass(frozen=True)
class Card:
    """What is known of a card before its cases are run.

    `ways` are the protocols that open it.  `files` are those that could be read without Terminal
    Authentication, `listed` the data groups that EF.SOD or EF.COM lists.  `security_infos` are
    those of DG14, `chip_authentication` the variant to use, None for a chip without it.
    `profiles` are the features of the catalogue that the card has.  `identifier` is ID_IC after
    BAC.  `cvca_file` and `cvca_short` are the identifiers of EF.CVCA, `cvca_short` 0 if it has no
    short one; `trust_points` are the references in it.  `chains`: commands with long data are sent
    in chains, not with extended length.  `no_terminal_authentication` is why no
    terminal can authenticate here, "" if one can.
    """

    ways: dict[Access, Way]
    files: dict[FileID, bytes]
    listed: frozenset[FileID]
    security_infos: SecurityInfos
    chip_authentication: ChipAuthenticationVariant | None
    profiles: frozenset[str]
    trust_points: tuple[str, ...] = ()
    chains: bool = False
    identifier: bytes = b""
    cvca_file: int = FILES[FileID.CVCA].identifier
    cvca_short: int = FILES[FileID.CVCA].short_identifier
    no_terminal_authentication: str = ""


@dataclass(frozen=True)
class Situation:
    """A card that a case may use, and how.

    `access` is the protocol with which the case opens it.  `changes` says whether the case may
    change the trust points and the date of the chip.  `refusals` collects the status words with
    which the card refused what it had to refuse.
    """

    card: Card
    pki: TerminalPki
    access: Access
    changes: bool
    refusals: list[int] = field(default_factory=list)

    def refused(self, sw: int, doing: str) -> None:
        """Require that a command was refused: 6300, or a checking error of ISO/IEC 7816-4.

        Raises `CaseFailedError` for any other status word.
        """
        if sw != SW.AUTHENTICATION_FAILED and not 0x6400 <= sw <= 0x6FFF:
            raise CaseFailedError(f"{doing}: the card answered {sw:04X} instead of an error")
        self.refusals.append(sw)


Steps = Callable[[Situation], Procedure[None]]
"""The procedure of a case; it ends if the case has passed, and raises `CaseFailedError` if not."""

BOTH = (Access.PACE, Access.BAC)


@dataclass(frozen=True)
class Script:
    """How a case is run.

    Once for each protocol of `accesses` that the card has; once, without a session to begin with,
    if there are none.  Also once for each kind of trust point in `kinds`; if that is empty, once
    for one of any kind.  `changes`: the case changes the trust points or the date of a chip, or
    would if the chip fails.
    """

    steps: Steps
    accesses: tuple[Access, ...] = BOTH
    kinds: tuple[KeyKind, ...] = ()
    changes: bool = False
