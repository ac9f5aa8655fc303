"""Changes of encoded files: wrong tags and lengths, data objects changed or left out."""

from collections.abc import Callable
from typing import Final

from conformance.reader.chips import Octets
from emrtd import tlv

TagsAndValues = list[tuple[int, bytes]]
Edit = Callable[[TagsAndValues], TagsAndValues]


def _longer(content: bytes, by: int) -> bytes:
    """Return the same octets with a length that is too small or too large."""
    own = tlv.read(content, "file").value
    return content[:1] + tlv.encode_length(len(own) + by) + own


TAG_AND_LENGTH: Final[tuple[Octets, Octets, Octets]] = (
    lambda content: bytes((content[0] + 1,)) + content[1:],
    lambda content: _longer(content, -1),
    lambda content: _longer(content, 1),
)
"""Another tag; a length that is one too small, and one too large: three cases of each file."""


def edited(content: bytes, path: tuple[int, ...], edit: Edit) -> bytes:
    """Return a file with the data objects at a path of tags edited, and lengths corrected."""
    objects = [(each.tag, each.value) for each in tlv.read_all(content, "file")]
    if not path:
        return b"".join(tlv.encode(*each) for each in edit(objects))
    at = max(index for index, each in enumerate(objects) if each[0] == path[0])
    objects[at] = (path[0], edited(objects[at][1], path[1:], edit))
    return b"".join(tlv.encode(*each) for each in objects)


def without(tag: int) -> Edit:
    """Leave out the data objects with a tag."""
    return lambda objects: [each for each in objects if each[0] != tag]


def replaced(tag: int, change: Octets) -> Edit:
    """Change the values of the data objects with a tag."""
    return lambda objects: [(at, change(value) if at == tag else value) for at, value in objects]
