"""The state of the session with one chip, as an immutable value with its transitions.

    PLAIN -> SECURED -> OPEN <-> REOPENING -> LOST

A transition returns a new value.  The results of a session are discarded with the session.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any, Final

from msgspec.structs import replace

from emrtd.access.opening import OpenedSession, Way
from emrtd.access.pace.agreement import PaceResult
from emrtd.iso7816.secure_messaging import SecureMessaging
from support.values import Hidden, Value
from verify.judging.evidence import (
    Access,
    AccessControl,
    ChipAuthenticationTranscript,
    PaceTranscript,
    TerminalAuthenticationTranscript,
)

_MOST_REOPENINGS: Final = 4
"""How often a chip that ends its session is opened again."""


@unique
class Stage(StrEnum):
    """The stage that a session has reached."""

    PLAIN = "plain"
    """No session: only files that need no password can be read."""
    SECURED = "secured"
    """The chip accepts a password; its eMRTD application is not open yet."""
    OPEN = "open"
    """The eMRTD application can be read, in a session or, if the chip requires none, without."""
    REOPENING = "reopening"
    """The chip has ended the session and is being opened again; the channel is not protected."""
    LOST = "lost"
    """The chip has ended the session and does not open again."""


TRANSITIONS: Final[Mapping[Stage, frozenset[Stage]]] = {
    Stage.PLAIN: frozenset({Stage.PLAIN, Stage.SECURED, Stage.OPEN, Stage.LOST}),
    Stage.SECURED: frozenset(Stage),
    Stage.OPEN: frozenset({Stage.PLAIN, Stage.OPEN, Stage.REOPENING, Stage.LOST}),
    Stage.REOPENING: frozenset({Stage.SECURED, Stage.OPEN, Stage.LOST}),
    Stage.LOST: frozenset({Stage.PLAIN}),
}
"""The stages that may follow each stage; a reset leads from every stage but REOPENING to PLAIN."""


class State(Value, frozen=True):
    """The state of a session, from the reset of the chip on.

    `messaging` protects the channel; it is None if the channel is plain.  `pace` is the result of
    the last PACE, `way` how to open the chip again (None if it has not opened yet, or requires no
    password), `access` how its application was opened.  `chip_key` is Comp(PK_DH,IFD) of Chip
    Authentication.

    The results of the session are: `transcripts`, one of PACE for each time that the chip was
    opened; `chip_authentication` of version 2, whose key is in no data group and which therefore
    proves this session alone; and `terminal_authentication`.
    """

    stage: Stage = Stage.PLAIN
    messaging: Hidden[SecureMessaging | None] = None
    pace: Hidden[PaceResult | None] = None
    way: Hidden[Way | None] = None
    access: Access | None = None
    chip_key: bytes | None = None
    transcripts: tuple[PaceTranscript, ...] = ()
    chip_authentication: ChipAuthenticationTranscript | None = None
    terminal_authentication: TerminalAuthenticationTranscript | None = None
    reopenings: int = 0

    # --- transitions -----------------------------------------------------------------------------

    def secured(self, opened: OpenedSession) -> "State":
        """Return the state after PACE or BAC: all later commands use this session.

        The transcript of each PACE is kept, since each session needs its own proof.
        """
        added = () if opened.pace is None else (_transcript(opened.pace),)
        return self._to(
            Stage.SECURED,
            messaging=opened.messaging,
            pace=opened.pace,
            transcripts=self.transcripts + added,
        )

    def reopenable(self, way: Way) -> "State":
        """Return the state with `way` to open the chip again."""
        return replace(self, way=way)

    def opened(self, access: Access) -> "State":
        """Return the state after the eMRTD application was opened."""
        return self._to(Stage.OPEN, access=access)

    def rekeyed(self, messaging: SecureMessaging, chip_key: bytes | None) -> "State":
        """Return the state with the session of Chip Authentication."""
        return self._to(self.stage, messaging=messaging, chip_key=chip_key)

    def dropped(self, *, counted: bool = True) -> "State":
        """Return the state after the chip ended the session: REOPENING if allowed, else LOST.

        If not `counted`, this adds nothing to `reopenings`, whose limit does not apply: the caller
        has a limit of its own.
        """
        if self.way is None and self.access != Access(AccessControl.NONE):
            return self.lost()
        if counted and self.reopenings >= _MOST_REOPENINGS:
            return self.lost()
        return self._to(
            Stage.REOPENING,
            messaging=None,
            pace=None,
            chip_key=None,
            chip_authentication=None,
            reopenings=self.reopenings + counted,
        )

    def lost(self) -> "State":
        """Return the state of a chip that does not open again."""
        return self._to(Stage.LOST, messaging=None, pace=None, chip_key=None)

    def reset(self) -> "State":
        """Return the state after a reset, without the results of the session before.

        An attacker who relays PACE to a genuine chip, and then makes the application fail, may
        have put a copy of another chip in its place.
        """
        reset = self._to(Stage.PLAIN)
        return State(reset.stage, reopenings=self.reopenings)

    def _to(self, stage: Stage, **changes: Any) -> "State":
        if stage not in TRANSITIONS[self.stage]:
            raise AssertionError(f"an inspection does not go from {self.stage} to {stage}")
        return replace(self, stage=stage, **changes)

    # --- the results of the session --------------------------------------------------------------

    def showing(
        self,
        *,
        chip_authentication: ChipAuthenticationTranscript | None = None,
        terminal_authentication: TerminalAuthenticationTranscript | None = None,
    ) -> "State":
        """Return the state with these results of the session added."""
        return replace(
            self,
            chip_authentication=chip_authentication or self.chip_authentication,
            terminal_authentication=terminal_authentication or self.terminal_authentication,
        )

    @property
    def terminal_key(self) -> bytes | None:
        """Comp(PK_DH,IFD), to which Terminal Authentication is bound; None if there is none yet.

        It comes from Chip Authentication, or from PACE with Chip Authentication Mapping.
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
