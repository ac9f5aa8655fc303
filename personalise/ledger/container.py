"""A container of named files: what is sealed for a job.

43 48 42 01  then for each file: length of the name (2 octets), name (UTF-8),
             length of the content (4 octets), content; all lengths big-endian
"""

from collections.abc import Mapping
from typing import Final

from support.errors import MalformedError

_MAGIC: Final = b"CHB\x01"
_WHAT: Final = "container of a job's files"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Encode files by name."""
    parts = [_MAGIC]
    for name, content in files.items():
        encoded = name.encode()
        parts += [len(encoded).to_bytes(2), encoded, len(content).to_bytes(4), content]
    return b"".join(parts)


def unpack(octets: bytes) -> dict[str, bytes]:
    """Decode what `pack` made; raises `MalformedError`."""
    if not octets.startswith(_MAGIC):
        raise MalformedError(_WHAT, "is of another version", 0)
    files: dict[str, bytes] = {}
    position = len(_MAGIC)

    def field(width: int) -> bytes:
        nonlocal position
        start = position + width
        end = start + int.from_bytes(octets[position:start])
        if start > len(octets) or end > len(octets):
            raise MalformedError(_WHAT, "is truncated", position)
        position = end
        return octets[start:end]

    while position < len(octets):
        at = position
        try:
            name = field(2).decode()
        except UnicodeDecodeError:
            raise MalformedError(_WHAT, "has a name that is not UTF-8", at) from None
        if name in files:
            raise MalformedError(_WHAT, "has two files with the same name", at)
        files[name] = field(4)
    return files
