"""Inspection policy: the mandatory checks, the tolerated quirks, the strength of algorithms.

A policy is a TOML file, or the name of one that ships: `default`, `strict`, `old_reader`.
An unknown key, check id or quirk is an error that names it, so that a typing error cannot make a
policy weaker unnoticed.
"""

from enum import Enum, unique
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from emrtd.crypto.hashes import Hash
from support.errors import MalformedError, MisuseError
from verify.judging.check_ids import CHECK_IDS, FLOOR
from verify.judging.quirks import QUIRK_NAMES

_SHIPPED: Final = Path(__file__).parent / "policies"
_MAX_POLICY_SIZE: Final = 64 * 1024


@unique
class BasicAccessControl(Enum):
    """When a chip is opened by Basic Access Control."""

    NEVER = "never"
    WITHOUT_PACE = "without-pace"
    """Only if the chip does not offer PACE (Doc 9303-11, 4.2)."""
    FALLBACK = "fallback"
    """Also if PACE failed; the downgrade is recorded, and the verdict is not `accept`."""
    ONLY = "only"
    """Always, as a reader from before PACE does; a downgrade if the chip offers PACE."""


@unique
class ChipAuthenticity(Enum):
    """When a chip must prove that it is not a copy (Chip or Active Authentication, or PACE-CAM)."""

    REQUIRED = "required"
    """Always: a chip that offers no such proof is not accepted, nor is an image of files."""
    WHERE_OFFERED = "where-offered"
    """If a chip is read, and its signed data offer such a proof."""


class AlgorithmLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hash functions and key sizes that are a warning (`weak`) or a failure (`refused`).

    Hash functions have their names (SHA-1).  Key sizes are in bits: of the modulus for RSA, of the
    field for elliptic curves.
    """

    refused_hashes: tuple[str, ...]
    weak_hashes: tuple[str, ...]
    refused_rsa_below: int
    weak_rsa_below: int
    refused_ec_below: int
    weak_ec_below: int

    def __post_init__(self) -> None:
        """Refuse the name of an unknown hash function."""
        for name in (*self.refused_hashes, *self.weak_hashes):
            if name not in Hash._value2member_map_:
                raise ValueError(f"unknown hash function {name!r}")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an inspection requires; the fields are the keys of the TOML file.

    The checks in `mandatory` must have passed.  Those in `mandatory_where_applicable` must have
    passed, or be not present or not performed.  The hash of a data group that requires Terminal
    Authentication (DG3, DG4) may be not performed.
    `tolerated_quirks` are names of quirks, or patterns such as `certificate.*`.
    `life_cycle_status`: whether the chip is asked for it, by one command.
    """

    name: str
    mandatory: tuple[str, ...]
    mandatory_where_applicable: tuple[str, ...]
    chip_authenticity: ChipAuthenticity
    basic_access_control: BasicAccessControl
    tolerated_quirks: tuple[str, ...]
    algorithms: AlgorithmLimits
    life_cycle_status: bool = True

    def __post_init__(self) -> None:
        """Refuse an unknown check or quirk, and a policy without the checks of `FLOOR`."""
        for check_id in (*self.mandatory, *self.mandatory_where_applicable):
            if check_id not in CHECK_IDS:
                raise ValueError(f"unknown check {check_id!r}")
        for check_id in FLOOR:
            if check_id not in self.mandatory:
                raise ValueError(f"`mandatory` lacks {check_id!r}, which every policy must contain")
        for pattern in self.tolerated_quirks:
            if not any(fnmatchcase(name, pattern) for name in QUIRK_NAMES):
                raise ValueError(f"unknown quirk {pattern!r}")

    def tolerates(self, quirk: str) -> bool:
        """Whether the quirk of this name may be read past."""
        return any(fnmatchcase(quirk, pattern) for pattern in self.tolerated_quirks)


def load_policy(name_or_path: str) -> Policy:
    """Read a policy that ships, by its name, or any other policy from its file.

    Raises `MisuseError` if no policy has this name, `MalformedError` if the file is not a policy.
    """
    if _is_shipped(name_or_path):
        return _shipped(name_or_path)
    return _decode(_read(name_or_path), name_or_path)


def load_policy_text(name_or_path: str) -> str:
    """Return the TOML of a policy, which is valid, for another post; raises as `load_policy`."""
    shipped = _is_shipped(name_or_path)
    octets = _shipped_octets(name_or_path) if shipped else _read(name_or_path)
    _decode(octets, name_or_path)
    return octets.decode("utf-8")


def _is_shipped(name: str) -> bool:
    return name.isidentifier() and (_SHIPPED / f"{name}.toml").is_file()


@cache
def _shipped(name: str) -> Policy:
    return _decode(_shipped_octets(name), f"policy {name}")


def _shipped_octets(name: str) -> bytes:
    return (_SHIPPED / f"{name}.toml").read_bytes()


def _read(name: str) -> bytes:
    path = Path(name)
    if not path.is_file():
        raise MisuseError(
            f"{name!r} is not a policy",
            advice="choose default, strict, old_reader, or a TOML file",
        )
    with path.open("rb") as file:
        octets = file.read(_MAX_POLICY_SIZE + 1)
    if len(octets) > _MAX_POLICY_SIZE:
        raise MalformedError(name, f"has more than {_MAX_POLICY_SIZE} octets")
    return octets


def _decode(octets: bytes, what: str) -> Policy:
    try:
        return msgspec.toml.decode(octets, type=Policy)
    except UnicodeDecodeError:
        raise MalformedError(what, "is not TOML in UTF-8") from None
    except msgspec.DecodeError as error:
        raise MalformedError(what, str(error)) from error
