"""Decode the images of a document, to find which of them can be shown."""

from collections.abc import Iterator
from typing import Final

from emrtd.biometrics.images.png import find_quirk
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.files import FileID
from support.errors import MalformedError
from verify.judging.decoding import Contents
from verify.judging.images import ImageLook, ImageLooks

_Kind = type[DataGroup2] | type[DataGroup3] | type[DataGroup4]

BIOMETRIC: Final[dict[FileID, tuple[_Kind, str]]] = {
    DataGroup2.file_id: (DataGroup2, "the face image"),
    DataGroup3.file_id: (DataGroup3, "the finger image"),
    DataGroup4.file_id: (DataGroup4, "the iris image"),
}


def look_at_images(contents: Contents) -> ImageLooks:
    """Decode every image of DG2, DG3 and DG4; a data group that cannot be read has no images.

    `contents` holds the files of the document (`verify.judging.decoding`).
    Each image takes 5 to 15 ms in a separate process, which takes some 70 ms to start.
    """
    return {
        file_id: tuple(_look(image, name) for image in _images(contents[file_id]))
        for file_id, (_, name) in BIOMETRIC.items()
        if file_id in contents
    }


def _images(content: object) -> Iterator[bytes]:
    if isinstance(content, DataGroup2 | DataGroup3 | DataGroup4):  # lds.structure reports others
        for sample in content.samples():
            yield sample.data


def _look(image: bytes, name: str) -> ImageLook:
    try:
        return ImageLook(name, quirk=find_quirk(image, name))
    except MalformedError as problem:
        return ImageLook(name, objection=problem.reason)
