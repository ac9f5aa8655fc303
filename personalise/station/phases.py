"""The phases of writing one card, for `personalise write --timing`."""

from emrtd.iso7816.apdu import INS
from emrtd.transport.timing import SessionTiming
from personalise.station.writing import Milestones

_READING = frozenset({INS.READ_BINARY, INS.READ_BINARY_ODD})


class WritingPhases:
    """Times a session that writes one card; `milestones` are for `write_image`.

    The phases are "checking" the image, "recognising" the card, "writing" with "reading back" in
    turn, "locking", and "inspecting".
    """

    def __init__(self) -> None:
        self._stage = "recognising"
        self.timing = SessionTiming(phase_of=self._phase_of)
        self.timing.begin("checking")
        self.milestones = Milestones(
            begin=lambda: self._enter("writing"),
            locking=lambda: self._enter("locking"),
            inspecting=lambda: self._enter("inspecting"),
        )

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self.timing.begin(stage)

    def _phase_of(self, command: bytes) -> str:
        """Return the phase of a command; neither SCP03 nor secure messaging hides its INS."""
        reads = self._stage == "writing" and command[1] in _READING
        return "reading back" if reads else self._stage
