"""Contact links: T=0 and T=1 (ISO/IEC 7816-3:2006).

A character has a start bit, eight bits, parity and guard time, and takes etu = F/D clock cycles a
bit.  Transmission errors do not happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, unique
from math import ceil
from typing import Final

from emrtd.iso7816.apdu import SHORT_MAX_DATA, SHORT_MAX_LE, CommandAPDU
from support.errors import MalformedError, MisuseError
from vsmartcard.timing.link import Exchange

DEFAULT: Final = 0x11
"""TA1 of a card without TA1: F = 372, D = 1."""

_CLOCK_RATES: Final = {
    0: 372, 1: 372, 2: 558, 3: 744, 4: 1116, 5: 1488, 6: 1860,
    9: 512, 10: 768, 11: 1024, 12: 1536, 13: 2048,
}  # fmt: skip
"""F (table 7)."""
_ADJUSTMENTS: Final = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20}
"""D (table 8)."""

_CLOCK_MIN, _CLOCK_MAX = 1_000_000, 20_000_000
"""Hz: the least frequency of CLK (5.2.3), and the largest f(max) of table 7."""

_ATR_SIZE, _PPS_SIZE = 20, 4
_RESET_CYCLES: Final = 400
"""The least time from RST to the answer to reset (6.2.2)."""
_TURN: Final = 16
"""etu between two characters in opposite directions under T=0 (EMV Book 1, 9.2.2.1)."""
_BLOCK_TURN: Final = 22
"""BGT: etu between two characters in opposite directions under T=1 (11.2)."""
_LEAST_CHARACTER, _CHARACTER = 11, 12
_PROLOGUE, _LRC, _CRC = 3, 1, 2
_HEADER, _PROCEDURE, _STATUS = 5, 1, 2


@unique
class Transmission(IntEnum):
    """The transmission protocol."""

    T0 = 0
    T1 = 1


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact link; raises `MisuseError` for a value that ISO/IEC 7816-3 does not have.

    `ta1` codes F and D, `clock` is in Hz, `guard` is N of TC1.  `wi` is for T=0; `ifsc`, `ifsd`,
    `bwi` and `crc` (instead of an LRC) are for T=1.
    """

    protocol: Transmission = Transmission.T1
    ta1: int = DEFAULT
    clock: float = 3_571_200
    guard: int = 0
    wi: int = 10
    ifsc: int = 254
    ifsd: int = 254
    bwi: int = 4
    crc: bool = False

    def __post_init__(self) -> None:
        if self.ta1 >> 4 not in _CLOCK_RATES or self.ta1 & 0x0F not in _ADJUSTMENTS:
            raise MisuseError(f"TA1 of {self.ta1:02X} does not code F and D")
        if not _CLOCK_MIN <= self.clock <= _CLOCK_MAX:
            raise MisuseError(f"a clock of {self.clock / 1e6:g} MHz is not one of 1 to 20 MHz")
        for name, size in (("IFSC", self.ifsc), ("IFSD", self.ifsd)):
            if not 1 <= size <= 254:
                raise MisuseError(f"{size} is not an {name}", advice="use 1 to 254")
        if not (0 <= self.guard <= 255 and 1 <= self.wi <= 255 and 0 <= self.bwi <= 9):
            raise MisuseError("N, WI or BWI is out of its range")

    @classmethod
    def of_atr(cls, atr: bytes, protocol: Transmission, clock: float = 3_571_200) -> "Contact":
        """Return the link that an answer to reset announces (8.3, 10.2, 11.4).

        Raises `MalformedError` if it is cut short or announces a value that does not exist.
        """
        link = cls(protocol, clock=clock)
        octets = iter(atr[1:])
        try:
            present = next(octets) >> 4
            number, announced = 1, int(Transmission.T0)
            while True:
                letters = [letter for bit, letter in enumerate("abcd") if present >> bit & 1]
                found = {letter: next(octets) for letter in letters}
                link = link._with(number, announced, found)
                if "d" not in found:
                    return link
                present, number = found["d"] >> 4, number + 1
                announced = found["d"] & 0x0F
        except StopIteration:
            raise MalformedError("answer to reset", "is cut short") from None
        except MisuseError as error:
            raise MalformedError("answer to reset", error.message) from None

    def _with(self, number: int, announced: int, found: Mapping[str, int]) -> "Contact":
        """Return the link with what the interface octets of one number say.

        `announced` is the protocol that the TD before them announced, `found` has TA as "a".
        """
        if number == 1:
            return replace(self, ta1=found.get("a", self.ta1), guard=found.get("c", self.guard))
        if number == 2:
            return replace(self, wi=found.get("c", self.wi))
        if number == 3 and announced == Transmission.T1:
            bwi = found["b"] >> 4 if "b" in found else self.bwi
            crc = bool(found["c"] & 1) if "c" in found else self.crc
            return replace(self, ifsc=found.get("a", self.ifsc), bwi=bwi, crc=crc)
        return self

    @property
    def name(self) -> str:
        """The protocol, "t0" or "t1"."""
        return self.protocol.name.lower()

    @property
    def etu(self) -> float:
        """The seconds of a bit."""
        return _CLOCK_RATES[self.ta1 >> 4] / _ADJUSTMENTS[self.ta1 & 0x0F] / self.clock

    @property
    def character(self) -> int:
        """The etu of a character with its guard time (8.3); N = 255 means the least for T=1."""
        if self.guard == 255:
            return _LEAST_CHARACTER if self.protocol is Transmission.T1 else _CHARACTER
        return _CHARACTER + self.guard

    @property
    def waiting(self) -> float:
        """The seconds after which the reader gives up: WWT (10.2) or BWT (11.4.3)."""
        if self.protocol is Transmission.T0:
            return self.wi * 960 * _CLOCK_RATES[self.ta1 >> 4] / self.clock
        return (1 << self.bwi) * 960 * 372 / self.clock + _LEAST_CHARACTER * self.etu

    def activation(self) -> float:
        """Return the seconds of the answer to reset and of PPS (6.2.2, clause 9)."""
        initial = replace(self, ta1=DEFAULT).etu
        pps = 0 if self.ta1 == DEFAULT else 2 * _PPS_SIZE
        return _RESET_CYCLES / self.clock + (_ATR_SIZE + pps) * _CHARACTER * initial

    def exchange(self, command: bytes, response: bytes, working: float = 0.0) -> Exchange:
        """Return what the exchange of two encoded APDUs takes."""
        extensions = max(0, ceil(working / self.waiting) - 1)
        if self.protocol is Transmission.T1:
            return self._exchange_blocks(len(command), len(response), extensions)
        characters, turns, tpdus = _tpdus(command, response)
        characters += extensions  # NULL (10.3.3)
        etu = (characters - turns) * self.character + turns * max(_TURN, self.character)
        return Exchange(etu * self.etu, tpdus, extensions)

    def _exchange_blocks(self, command: int, response: int, extensions: int) -> Exchange:
        """Return what two APDUs take in blocks; an R-block answers each that is chained (11.6)."""
        sent, received = _parts(command, self.ifsc), _parts(response, self.ifsd)
        sizes = [*sent, *received, *[0] * (len(sent) + len(received) - 2), *[1] * 2 * extensions]
        around = _PROLOGUE + (_CRC if self.crc else _LRC)
        etu = sum((size + around - 1) * self.character + _BLOCK_TURN for size in sizes)
        return Exchange(etu * self.etu, len(sizes), extensions)


def _parts(size: int, most: int) -> list[int]:
    whole, rest = divmod(size, most)
    return [most] * whole + [rest] * bool(rest or not whole)


def _tpdus(command: bytes, response: bytes) -> tuple[int, int, int]:
    """Return the characters of two APDUs under T=0, the changes of direction, and the TPDUs (12.2).

    The chip answers each TPDU that carries data to it with a procedure byte, and a response to a
    command with data with 61XX, which GET RESPONSE follows.  An extended command goes in ENVELOPE.
    """
    characters = turns = tpdus = 0

    def add(sent: int, received: int) -> None:
        nonlocal characters, turns, tpdus
        characters += _HEADER + sent + received + (_PROCEDURE if sent or received else 0) + _STATUS
        turns += 4 if sent else 2
        tpdus += 1

    data, is_extended = _data_of(command)
    answer = len(response) - _STATUS
    if is_extended:
        for size in _parts(len(command), SHORT_MAX_DATA):
            add(size, 0)
    elif data or not answer:
        add(data, 0)
    else:
        first = min(answer, SHORT_MAX_LE)
        add(0, first)
        answer -= first
    for size in _parts(answer, SHORT_MAX_LE) if answer else ():
        add(0, size)
    return characters, turns, tpdus


def _data_of(command: bytes) -> tuple[int, bool]:
    """Return the octets of data of an encoded command, and whether it is extended."""
    try:
        decoded = CommandAPDU.decode(command)
    except MalformedError:
        return max(0, len(command) - _HEADER), False
    return len(decoded.data), decoded.is_extended
