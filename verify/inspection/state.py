"""The session with one chip as one value, and every transition there is of it.

    PLAIN -> SECURED -> OPEN <-> REOPENING -> LOST

A transition returns a new value; what a session has shown goes with the session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Any, Final

from emrtd.access.opening import ByPace, OpenedSession, Way
from emrtd.access.pace.agreement import PaceResult
from emrtd.iso7816.secure_messaging import SecureMessaging
from verify.judging.evidence import (
    Access,
    ChipAuthenticationTranscript,
    PaceTranscript,
    TerminalAuthenticationTranscript,
)

_MOST_REOPENINGS: Final = 4
"""How often a chip that drops its session is opened anew."""


@unique
class Stage(StrEnum):
    """How far the session has come."""

    PLAIN = "plain"
    """No session: what anyone may read can be read."""
    SECURED = "secured"
    """The chip accepts a password; its eMRTD application is not open yet."""
    OPEN = "open"
    """The eMRTD application can be read, through a session or, where anyone may, without one."""
    REOPENING = "reopening"
    """The chip has ended the session and is being opened anew; nothing protects the channel."""
    LOST = "lost"
    """The chip has ended the session and does not open again."""


TRANSITIONS: Final[Mapping[Stage, frozenset[Stage]]] = {
    Stage.PLAIN: frozenset({Stage.PLAIN, Stage.SECURED, Stage.OPEN, Stage.LOST}),
    Stage.SECURED: frozenset(Stage),
    Stage.OPEN: frozenset({Stage.PLAIN, Stage.OPEN, Stage.REOPENING, Stage.LOST}),
    Stage.REOPENING: frozenset({Stage.SECURED, Stage.LOST}),
    Stage.LOST: frozenset({Stage.PLAIN}),
}
"""What may follow a stage; a reset leads from every settled one back to PLAIN."""


@dataclass(frozen=True, slots=True)
class State:
    """One session, from the reset of the chip on.

    `messaging` protects the channel, None where it is plain.  `pace` is the PACE that opened the
    chip last, `way` how to open it anew (None before that is worth trying), `access` how its
    application was opened.  `chip_key` is Comp(PK_DH,IFD) of Chip Authentication.

    What the session has shown: `transcripts` of PACE, one each time that the chip was opened;
    `chip_authentication` of version 2, whose key is tied to no data group and proves only the
    session; `terminal_authentication`.
    """

    stage: Stage = Stage.PLAIN
    messaging: SecureMessaging | None = field(default=None, repr=False)
    pace: PaceResult | None = field(default=None, repr=False)
    way: Way | None = field(default=None, repr=False)
    access: Access | None = None
    chip_key: bytes | None = None
    transcripts: tuple[PaceTranscript, ...] = ()
    chip_authentication: ChipAuthenticationTranscript | None = None
    terminal_authentication: TerminalAuthenticationTranscript | None = None
    reopenings: int = 0

    # --- transitions -----------------------------------------------------------------------------

    def secured(self, opened: OpenedSession) -> "State":
        """The chip accepts a password: everything goes through this session now.

        Each PACE is noted: what one chip has proven says nothing of one that is opened after it.
        """
        noted = () if opened.pace is None else (_transcript(opened.pace),)
        return self._to(
            Stage.SECURED,
            messaging=opened.messaging,
            pace=opened.pace,
            transcripts=self.transcripts + noted,
        )

    def reopenable(self, way: Way) -> "State":
        """A chip that drops the session from now on is opened anew, without asking for a CHAT."""
        return replace(self, way=replace(way, chat=None) if isinstance(way, ByPace) else way)

    def opened(self, access: Access) -> "State":
        """The eMRTD application can be read."""
        return self._to(Stage.OPEN, access=access)

    def rekeyed(self, messaging: SecureMessaging, chip_key: bytes | None) -> "State":
        """Chip Authentication has changed the session."""
        return self._to(self.stage, messaging=messaging, chip_key=chip_key)

    def dropped(self) -> "State":
        """The chip has ended the session: REOPENING where that may be tried, LOST otherwise."""
        if self.way is None or self.reopenings >= _MOST_REOPENINGS:
            return self.lost()
        return self._to(
            Stage.REOPENING,
            messaging=None,
            pace=None,
            chip_key=None,
            chip_authentication=None,
            reopenings=self.reopenings + 1,
        )

    def lost(self) -> "State":
        """The chip does not open again."""
        return self._to(Stage.LOST, messaging=None, pace=None, chip_key=None)

    def reset(self) -> "State":
        """The chip is powered up anew; nothing that the session has shown is of what comes.

        Whoever relays PACE to a genuine chip, and then has it deny its application, may have put
        a copy of another in its place.
        """
        reset = self._to(Stage.PLAIN)
        return State(reset.stage, reopenings=self.reopenings)

    def _to(self, stage: Stage, **changes: Any) -> "State":
        if stage not in TRANSITIONS[self.stage]:
            raise AssertionError(f"an inspection does not go from {self.stage} to {stage}")
        return replace(self, stage=stage, **changes)

    # --- what the session has shown --------------------------------------------------------------

    def showing(
        self,
        *,
        chip_authentication: ChipAuthenticationTranscript | None = None,
        terminal_authentication: TerminalAuthenticationTranscript | None = None,
    ) -> "State":
        """The same session, which has shown this as well."""
        return replace(
            self,
            chip_authentication=chip_authentication or self.chip_authentication,
            terminal_authentication=terminal_authentication or self.terminal_authentication,
        )

    @property
    def terminal_key(self) -> bytes | None:
        """Comp(PK_DH,IFD), which Terminal Authentication binds to; None where the chip is unproven.

        It is that of Chip Authentication, or of PACE with Chip Authentication Mapping.
        """
        if self.chip_key is not None:
            return self.chip_key
        if self.pace is None or self.pace.chip_authentication_data is None:
            return None
        return self.pace.variant.group.compress(self.pace.terminal_public_key)


def _transcript(result: PaceResult) -> PaceTranscript:
    return PaceTranscript(
        protocol=result.info.protocol,
        parameter_id=result.info.parameter_id,
        mapping_key=result.mapping_public_key,
        chip_authentication_data=result.chip_authentication_data,
    )
