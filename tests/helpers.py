"""What tests share: access to the shared facts and data, which may be absent."""

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from emrtd import tlv

T = TypeVar("T")

REPOSITORY = Path(__file__).resolve().parents[1]
_SHARED = REPOSITORY.parent / "shared"


def shared(relative: str) -> Path:
    """Return the path of a shared file or folder; skip the test if it is absent."""
    path = _SHARED / relative
    if not path.exists():
        pytest.skip(f"needs {relative} of the shared data, which is not on this machine")
    return path


def replace(value: T, **changes: object) -> T:
    """Return a copy of a struct or a dataclass with some fields changed."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]


def damaged(octets: bytes) -> bytes:
    """Return the octets with the last one changed."""
    return octets[:-1] + bytes((octets[-1] ^ 1,))


def replaced(octets: bytes, old: bytes, new: bytes) -> bytes:
    """Return a data object with one inside it replaced, and all lengths around it updated."""

    def rewrite(octets: bytes) -> bytes:
        if octets == old:
            return new
        head = tlv.read(octets, "value")
        if not head.constructed or old not in octets:
            return octets
        parts, position = [], 0
        while position < len(head.value):
            _, end = tlv.read_first(head.value[position:], "part")
            parts.append(rewrite(head.value[position : position + end]))
            position += end
        return tlv.encode(head.tag, *parts)

    changed = rewrite(octets)
    assert changed != octets
    return changed


def facts(relative: str) -> Any:
    """Return a JSON file of the shared facts; skip the test if it is absent."""
    return json.loads(shared(f"facts/{relative}").read_text(encoding="utf-8"))
