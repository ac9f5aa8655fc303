"""Inspection policy: what a verdict needs, what is tolerated, how strong algorithms must be.

A policy is a TOML file, or the name of one that ships: `default`, `strict`, `old_reader`.
An unknown key, an unknown check id and an unknown quirk are errors that name it, so that a slip of
the pen cannot quietly make a policy weaker.
"""

from enum import Enum, unique
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from emrtd.crypto.hashes import Hash
from support.errors import MalformedError, MisuseError
from verify.judging.check_ids import CHECK_IDS, FLOOR
from verify.judging.quirks import QUIRK_NAMES

_MAX_POLICY_SIZE: Final = 64 * 1024


@unique
class BasicAccessControl(Enum):
    """When a chip is opened by Basic Access Control."""

    NEVER = "never"
    WITHOUT_PACE = "without-pace"
    """Only where the chip offers no PACE (Doc 9303-11, 4.2)."""
    FALLBACK = "fallback"
    """Also where PACE did not succeed; the downgrade is recorded, and is no `accept`."""
    ONLY = "only"
    """As a reader of before PACE does; where the chip offers PACE, that is a downgrade too."""


@unique
class ChipAuthenticity(Enum):
    """When a chip must prove that it is no copy (Chip or Active Authentication, or PACE-CAM)."""

    REQUIRED = "required"
    """Always: neither a chip that offers no such proof nor an image of files is accepted."""
    WHERE_OFFERED = "where-offered"
    """Whenever a chip is read whose signed data offers such a proof."""


class AlgorithmLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Strength below `weak` is a warning, below `refused` a failure.

    Hash functions by name (SHA-1); keys by size in bits: of the modulus for RSA, of the field for
    elliptic curves.
    """

    refused_hashes: tuple[str, ...]
    weak_hashes: tuple[str, ...]
    refused_rsa_below: int
    weak_rsa_below: int
    refused_ec_below: int
    weak_ec_below: int

    def __post_init__(self) -> None:
        """Refuse the name of no hash function."""
        for name in (*self.refused_hashes, *self.weak_hashes):
            if name not in Hash._value2member_map_:
                raise ValueError(f"there is no hash function {name!r}")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an inspection demands; the fields are the keys of the TOML file.

    `mandatory` checks must have passed; those `mandatory_where_applicable` may also be not present
    in the document, or not performed for want of what they compare it with.  A data group that
    only Terminal Authentication opens (DG3, DG4) may stay closed.
    `tolerated_quirks` are names of quirks, or patterns such as `certificate.*`.
    """

    name: str
    mandatory: tuple[str, ...]
    mandatory_where_applicable: tuple[str, ...]
    chip_authenticity: ChipAuthenticity
    basic_access_control: BasicAccessControl
    tolerated_quirks: tuple[str, ...]
    algorithms: AlgorithmLimits

    def __post_init__(self) -> None:
        """Refuse what no check or quirk answers to, and what would accept anything."""
        for check_id in (*self.mandatory, *self.mandatory_where_applicable):
            if check_id not in CHECK_IDS:
                raise ValueError(f"there is no check {check_id!r}")
        for check_id in FLOOR:
            if check_id not in self.mandatory:
                raise ValueError(f"`mandatory` lacks {check_id!r}, which no policy does without")
        for pattern in self.tolerated_quirks:
            if not any(fnmatchcase(name, pattern) for name in QUIRK_NAMES):
                raise ValueError(f"there is no quirk {pattern!r}")

    def tolerates(self, quirk: str) -> bool:
        """Whether a quirk of this name may be read past."""
        return any(fnmatchcase(quirk, pattern) for pattern in self.tolerated_quirks)


def load_policy(name_or_path: str) -> Policy:
    """Read a policy that ships, by its name, or any other from its file.

    Raises `MisuseError` for a name that there is not, `MalformedError` for a file that is none.
    """
    shipped = files("verify.judging").joinpath("policies", f"{name_or_path}.toml")
    if name_or_path.isidentifier() and shipped.is_file():
        return _decode(shipped.read_bytes(), f"policy {name_or_path}")
    path = Path(name_or_path)
    if not path.is_file():
        shipped_names = "default, strict, old_reader"
        raise MisuseError(
            f"there is no policy {name_or_path!r}: name one that ships ({shipped_names}) or a file"
        )
    with path.open("rb") as file:
        octets = file.read(_MAX_POLICY_SIZE + 1)
    if len(octets) > _MAX_POLICY_SIZE:
        raise MalformedError(str(path), f"has more than {_MAX_POLICY_SIZE} octets")
    return _decode(octets, str(path))


def _decode(octets: bytes, what: str) -> Policy:
    try:
        return msgspec.toml.decode(octets, type=Policy)
    except UnicodeDecodeError:
        raise MalformedError(what, "is not TOML in UTF-8") from None
    except msgspec.DecodeError as error:
        raise MalformedError(what, str(error)) from error
