"""Chip profiles: how long a chip takes for each operation, and where each figure is from.

A profile is a TOML file, or the name of one that ships.  An unknown key, or a kind of operation
that is missing, is an error that names it.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import msgspec

from support.errors import MalformedError, MisuseError
from vsmartcard.timing.contact import Contact, Transmission
from vsmartcard.timing.contactless import BIT_RATES, Contactless, Signal
from vsmartcard.timing.link import Link
from vsmartcard.timing.operations import BY_BITS, BY_OCTETS, Operation, Work

_SHIPPED: Final = Path(__file__).parent / "profiles"
_MAX_SIZE: Final = 64 * 1024
_CUBE: Final = 3

PROFILES: Final = ("2010", "2018", "2026")
"""The profiles that ship."""

LINKS: Final = (*map(str, BIT_RATES), *(f"{rate}b" for rate in BIT_RATES), "t0", "t1")
"""The names of links."""

DEFAULT_LINK: Final = "424"
"""The higher of the two bit rates that every eMRTD has (Doc 9303-10, B.4)."""


_MOST_MS: Final = 3_600_000
"""An hour: more is no figure of a chip, and nothing that a program should sleep."""

_Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=_MOST_MS)]
_Bits = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,4}$")]
_WorkMilliseconds = Annotated[float, msgspec.Meta(gt=0, le=_MOST_MS)]


class _Sourced(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Figures with where they are from: the name of one of `sources`, or why they are assumed."""

    source: str


class ByOctets(_Sourced, frozen=True):
    """The milliseconds of an operation: `start_ms` for each call and `octet_ms` for each octet."""

    start_ms: _Milliseconds
    octet_ms: _Milliseconds

    def milliseconds(self, octets: int) -> float:
        """Return the time of one operation."""
        return self.start_ms + self.octet_ms * octets


class ByBits(_Sourced, frozen=True):
    """The milliseconds of an operation by the bits of its key, for two sizes or more."""

    ms: dict[_Bits, _WorkMilliseconds]

    def __post_init__(self) -> None:
        """Refuse fewer than two sizes, and a larger key that is quicker."""
        points = self.points
        if len(points) < 2 or any(after[1] < before[1] for before, after in pairwise(points)):
            raise ValueError("needs two sizes or more, of which a larger one is not quicker")

    @property
    def points(self) -> list[tuple[int, float]]:
        """Size and milliseconds, in the order of size."""
        return sorted((int(bits), each) for bits, each in self.ms.items())

    def milliseconds(self, bits: int) -> float:
        """Return the time of one operation.

        Between two sizes it follows the power of the size that meets both; beyond them the cube,
        as long as a number is multiplied in the schoolbook way once for each of its bits.
        """
        points = self.points
        for (low, first), (high, second) in pairwise(points):
            if low <= bits <= high:
                power = math.log(second / first) / math.log(high / low)
                return first * math.pow(bits / low, power)
        size, nearest = points[0] if bits < points[0][0] else points[-1]
        return nearest * math.pow(bits / size, _CUBE)


class Overhead(_Sourced, frozen=True):
    """The milliseconds of a command besides cryptography and writes, and of the start."""

    command_ms: _Milliseconds
    start_ms: _Milliseconds


class Memory(_Sourced, frozen=True):
    """The non-volatile memory: octets of a page, and the milliseconds of writing one."""

    page_octets: int
    page_ms: _Milliseconds


class ContactlessInterface(_Sourced, frozen=True):
    """The largest frame in octets, the FWI and the WTXM of the chip (ISO/IEC 14443-4)."""

    fsc: int
    fwi: int
    wtxm: int


class ContactInterface(_Sourced, frozen=True):
    """TA1 in hexadecimal, the clock of the reader in MHz, and IFSC (ISO/IEC 7816-3)."""

    ta1: str
    clock_mhz: float
    ifsc: int


class ChipProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A chip; the fields are the keys of the TOML file.

    `chip` says which chip was measured, `sources` where the figures are published.
    """

    name: str
    chip: str
    sources: dict[str, str]
    overhead: Overhead
    memory: Memory
    contactless: ContactlessInterface
    contact: ContactInterface
    by_octets: dict[Work, ByOctets]
    by_bits: dict[Work, ByBits]

    def __post_init__(self) -> None:
        """Refuse a profile that lacks a kind of operation or a source, or whose links are wrong."""
        for kinds, table in ((BY_OCTETS, self.by_octets), (BY_BITS, self.by_bits)):
            if set(table) != set(kinds):
                wrong = sorted(set(table) ^ set(kinds))
                raise ValueError(f"lacks, or has in the wrong table: {', '.join(wrong)}")
        if self.memory.page_octets < 1:
            raise ValueError("`page_octets` is not a size")
        try:
            for name in LINKS:
                self.link(name)
        except MisuseError as error:
            raise ValueError(error.message) from None

    def seconds(self, operations: Iterable[Operation], pages: int = 0, commands: int = 0) -> float:
        """Return how long the chip works: operations, pages that it writes, and commands."""
        total = pages * self.memory.page_ms + commands * self.overhead.command_ms
        for each in operations:
            table: Mapping[Work, ByOctets | ByBits]
            table = self.by_octets if each.work in self.by_octets else self.by_bits
            total += table[each.work].milliseconds(each.size)
        return total / 1000

    def link(self, name: str) -> Link:
        """Return a link to this chip, whose reader has frames as large as the chip's.

        Raises `MisuseError` for an unknown name.
        """
        if name not in LINKS:
            raise MisuseError(f"{name!r} is not a link", advice=f"choose from {', '.join(LINKS)}")
        if name in {"t0", "t1"}:
            contact = self.contact
            protocol = Transmission.T0 if name == "t0" else Transmission.T1
            try:
                (ta1,) = bytes.fromhex(contact.ta1)
            except ValueError:
                raise MisuseError(f"TA1 of {contact.ta1!r} is not two hexadecimal digits") from None
            return Contact(protocol, ta1, contact.clock_mhz * 1e6, ifsc=contact.ifsc)
        signal = Signal.B if name.endswith("b") else Signal.A
        frames = self.contactless
        rate = int(name.removesuffix("b"))
        return Contactless(rate, signal, frames.fsc, frames.fsc, frames.fwi, frames.wtxm)


def load_profile(name_or_path: str) -> ChipProfile:
    """Read a profile that ships, by its name, or any other from its file.

    Raises `MisuseError` if no profile has this name, `MalformedError` if the file is not a profile.
    """
    if name_or_path in PROFILES:
        return _shipped(name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise MisuseError(
            f"{name_or_path!r} is not a profile of a chip's timing",
            advice=f"choose {', '.join(PROFILES)}, or a TOML file",
        )
    with path.open("rb") as file:
        octets = file.read(_MAX_SIZE + 1)
    if len(octets) > _MAX_SIZE:
        raise MalformedError(str(path), f"has more than {_MAX_SIZE} octets")
    return _decode(octets, str(path))


def read_timing(text: str) -> tuple[ChipProfile, Link]:
    """Read `PROFILE[,LINK]`; raises `MisuseError` or `MalformedError`."""
    name, comma, link = text.partition(",")
    profile = load_profile(name)
    return profile, profile.link(link if comma else DEFAULT_LINK)


@cache
def _shipped(name: str) -> ChipProfile:
    return _decode((_SHIPPED / f"{name}.toml").read_bytes(), f"profile {name}")


def _decode(octets: bytes, what: str) -> ChipProfile:
    try:
        return msgspec.toml.decode(octets, type=ChipProfile)
    except UnicodeDecodeError:
        raise MalformedError(what, "is not TOML in UTF-8") from None
    except msgspec.DecodeError as error:
        raise MalformedError(what, str(error)) from error
