"""Contactless links: the frames of ISO/IEC 14443-3 and the blocks of ISO/IEC 14443-4.

All durations are whole cycles of the carrier, 1/fc with fc = 13.56 MHz.  A block is

    PCB (1)  [CID (1)]  INF  CRC (2)

and has at most FSC octets to the chip and FSD octets from it.  A longer APDU is chained: each block
but the last is answered with R(ACK).  Transmission errors do not happen.

Frames of bit rates above 848 kbit/s are taken to have the same form as those below.
"""

from dataclasses import dataclass
from enum import Enum, unique
from math import ceil
from typing import Final

from support.errors import MisuseError
from vsmartcard.timing.link import Exchange

CARRIER: Final = 13_560_000
"""fc, in Hz (ISO/IEC 14443-2, 6.1)."""

FRAME_SIZES: Final = (16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096)
"""FSC and FSD by FSCI and FSDI, 0 to C (ISO/IEC 14443-4, 5.1)."""

BIT_RATES: Final = {106: 128, 212: 64, 424: 32, 848: 16, 1695: 8, 3390: 4, 6780: 2}
"""Carrier cycles of a bit, by the bit rate in kbit/s (ISO/IEC 14443-2; Doc 9303-10, B.4)."""

MOST_WAITING_TIME_INTEGER: Final = 14
MOST_MULTIPLIER: Final = 59
"""The largest WTXM of one request for more time (ISO/IEC 14443-4, 7.3)."""

_PROLOGUE, _CID, _CRC, _EXTENSION = 1, 1, 2, 1
_SLOWEST: Final = 128
_SUBCARRIER: Final = 16
"""Carrier cycles of a period of the subcarrier, up to 848 kbit/s."""
_DELAY_A: Final = 1172
"""The shortest delay between two frames, in either direction (ISO/IEC 14443-3, 6.2.1)."""
_FIELD_SECONDS: Final = 0.005
"""From the field to a chip that answers (ISO/IEC 14443-3, clause 5)."""

_ACTIVATION: Final = (
    (1, 2),  # REQA, ATQA
    (2, 5),  # ANTICOLLISION, UID CLn
    (9, 3),  # SELECT, SAK
    (4, 16),  # RATS, ATS with eleven octets of historical bytes or interface octets
    (5, 3),  # PPS
)
"""Octets of each frame and its answer from the field to the protocol, for one chip of type A."""


@unique
class Signal(Enum):
    """The type of the chip's signal and of its frames."""

    A = ""
    B = "b"


@dataclass(frozen=True, slots=True)
class Contactless:
    """A contactless link; raises `MisuseError` for a value that ISO/IEC 14443 does not have.

    `rate` is the bit rate of both directions in kbit/s.  `fsc` and `fsd` are the largest frames
    that the chip and the reader receive, in octets.  A chip that works longer than the frame
    waiting time of `fwi` sends S(WTX) with the multiplier `wtxm`.
    """

    rate: int = 424
    signal: Signal = Signal.A
    fsc: int = 256
    fsd: int = 256
    fwi: int = 8
    wtxm: int = 1
    cid: bool = False

    def __post_init__(self) -> None:
        if self.rate not in BIT_RATES:
            raise MisuseError(
                f"{self.rate} is not a bit rate of ISO/IEC 14443",
                advice=f"choose from {', '.join(map(str, BIT_RATES))}",
            )
        for name, size in (("FSC", self.fsc), ("FSD", self.fsd)):
            if size not in FRAME_SIZES:
                raise MisuseError(f"{size} is not an {name}", advice=f"choose from {FRAME_SIZES}")
        if not 0 <= self.fwi <= MOST_WAITING_TIME_INTEGER:
            raise MisuseError(f"{self.fwi} is not an FWI", advice="use 0 to 14")
        if not 1 <= self.wtxm <= MOST_MULTIPLIER:
            raise MisuseError(f"{self.wtxm} is not a WTXM", advice="use 1 to 59")

    @property
    def name(self) -> str:
        """Bit rate and type, such as "424" or "106b"."""
        return f"{self.rate}{self.signal.value}"

    @property
    def waiting(self) -> float:
        """The seconds of FWT = (256 * 16 / fc) * 2^FWI (ISO/IEC 14443-4, 7.2)."""
        return (256 * 16 << self.fwi) / CARRIER

    def frame_cycles(self, octets: int, *, to_chip: bool, cycles: int = 0) -> int:
        """Return the carrier cycles of a frame; those of a bit are `cycles`, 0 for this link's.

        Type A (ISO/IEC 14443-3, 6.2.3; 14443-2, 8.1 and 8.2): S, eight bits and parity an octet, E.
        To the chip E has two bits; from the chip it has one at 106 kbit/s.  Above that S is a burst
        of 32 subcarrier periods and one bit, and there is no E.
        Type B (ISO/IEC 14443-3, 7.1): SOF of 12 bits, ten bits an octet, EOF of 10 bits.
        """
        bit = cycles or BIT_RATES[self.rate]
        if self.signal is Signal.B:
            return (12 + 10 * octets + 10) * bit
        if to_chip:
            return (1 + 9 * octets + 2) * bit
        if bit == _SLOWEST:
            return (1 + 9 * octets + 1) * bit
        return 32 * _SUBCARRIER + (1 + 9 * octets) * bit

    def delay_cycles(self, *, to_chip: bool, cycles: int = 0) -> int:
        """Return the shortest delay before a frame, in carrier cycles.

        For type B it is TR0 + TR1 before a frame of the chip, 144 subcarrier periods, and TR2 of 10
        bits and 32 subcarrier periods before one of the reader (ISO/IEC 14443-3, 7.1.6 and 7.1.7).
        """
        if self.signal is Signal.A:
            return _DELAY_A
        if to_chip:
            return 10 * (cycles or BIT_RATES[self.rate]) + 32 * _SUBCARRIER
        return 144 * _SUBCARRIER

    def activation(self) -> float:
        """Return the seconds of activation, at 106 kbit/s (ISO/IEC 14443-4, clause 5)."""
        total = sum(
            self._timed(sent, to_chip=True, cycles=_SLOWEST)
            + self._timed(received, to_chip=False, cycles=_SLOWEST)
            for sent, received in _ACTIVATION
        )
        return _FIELD_SECONDS + total / CARRIER

    def exchange(self, command: bytes, response: bytes, working: float = 0.0) -> Exchange:
        """Return what the exchange of two encoded APDUs takes (ISO/IEC 14443-4, 7.5)."""
        sent, received = self._blocks(len(command), self.fsc), self._blocks(len(response), self.fsd)
        cycles = sum(self._timed(each, to_chip=True) for each in sent)
        cycles += sum(self._timed(each, to_chip=False) for each in received)
        acknowledgement = self._around
        cycles += (len(sent) - 1) * self._timed(acknowledgement, to_chip=False)
        cycles += (len(received) - 1) * self._timed(acknowledgement, to_chip=True)
        extensions = self._extensions(working)
        request = self._around + _EXTENSION
        both = self._timed(request, to_chip=False) + self._timed(request, to_chip=True)
        blocks = 2 * (len(sent) + len(received) - 1 + extensions)
        return Exchange((cycles + extensions * both) / CARRIER, blocks, extensions)

    def _extensions(self, working: float) -> int:
        """Return how often the chip sends S(WTX) (ISO/IEC 14443-4, 7.3)."""
        return max(0, ceil((working - self.waiting) / (self.waiting * self.wtxm)))

    @property
    def _around(self) -> int:
        return _PROLOGUE + self.cid * _CID + _CRC

    def _blocks(self, size: int, most: int) -> list[int]:
        """Return the sizes of the blocks of an APDU, in octets."""
        room = most - self._around
        whole, rest = divmod(size, room)
        return [most] * whole + [rest + self._around] * bool(rest or not whole)

    def _timed(self, octets: int, *, to_chip: bool, cycles: int = 0) -> int:
        """Return the carrier cycles of a frame and of the delay before it."""
        delay = self.delay_cycles(to_chip=to_chip, cycles=cycles)
        return delay + self.frame_cycles(octets, to_chip=to_chip, cycles=cycles)
