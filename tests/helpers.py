"""What tests share: where the standards' facts and real data lie, when they are there at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from emrtd import tlv

REPOSITORY = Path(__file__).resolve().parents[1]
_SHARED = REPOSITORY.parent / "shared"


def shared(relative: str) -> Path:
    """A file or folder of the shared facts and data; skips the test where it is absent."""
    path = _SHARED / relative
    if not path.exists():
        pytest.skip(f"needs {relative} of the shared data, which is not on this machine")
    return path


def damaged(octets: bytes) -> bytes:
    """The octets with their last one changed, whatever it was."""
    return octets[:-1] + bytes((octets[-1] ^ 1,))


def replaced(octets: bytes, old: bytes, new: bytes) -> bytes:
    """A data object with one inside it replaced by another, and each length around it made anew."""

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
    """A JSON file of the shared facts; skips the test where it is absent."""
    return json.loads(shared(f"facts/{relative}").read_text(encoding="utf-8"))
