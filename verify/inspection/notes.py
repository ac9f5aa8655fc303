"""The results that one inspection records."""

from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from emrtd.lds.files import FileID
from verify.inspection.state import State
from verify.judging.evidence import (
    ActiveAuthenticationTranscript,
    ChipAuthenticationTranscript,
    Evidence,
    Failure,
    InspectionSession,
)
from verify.judging.faults import Fault


@dataclass(slots=True)
class Notes:
    """Results that stay valid when the session ends: files, faults, and proofs by keys in files."""

    files: dict[FileID, bytes] = field(default_factory=dict, repr=False)
    unread: dict[FileID, Fault] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    chip_authentication: ChipAuthenticationTranscript | None = None
    active_authentication: ActiveAuthenticationTranscript | None = None
    control_parameters: bytes | Fault | UnsetType = UNSET

    def evidence(self, state: State, optical_mrz: str) -> Evidence:
        """Return everything as evidence; `capture` adds counts, time and ATR."""
        session = InspectionSession(
            atr=b"",
            access=state.access,
            failures=tuple(self.failures),
            pace=state.transcripts[0] if state.transcripts else None,
            reopened=state.transcripts[1:],
            chip_authentication=state.chip_authentication or self.chip_authentication,
            active_authentication=self.active_authentication,
            terminal_authentication=state.terminal_authentication,
            control_parameters=self.control_parameters,
        )
        return Evidence(
            files=self.files, unread=self.unread, session=session, optical_mrz=optical_mrz
        )
