"""Decode the images of a document, to find which of them can be shown."""

from collections.abc import Iterator
from typing import Final

from emrtd.biometrics.images.png import show
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.files import FileID
from support.errors import MalformedError
from verify.judging.evidence import Evidence
from verify.judging.images import ImageLook, ImageLooks

_Kind = type[DataGroup2] | type[DataGroup3] | type[DataGroup4]

BIOMETRIC: Final[dict[FileID, tuple[_Kind, str]]] = {
    DataGroup2.file_id: (DataGroup2, "the face image"),
    DataGroup3.file_id: (DataGroup3, "the finger image"),
    DataGroup4.file_id: (DataGroup4, "the iris image"),
}


def look_at_images(evidence: Evidence) -> ImageLooks:
    """Decode every image of DG2, DG3 and DG4; a data group that cannot be read has no images.

    Each image takes 5 to 20 ms in a separate process, which takes some 70 ms to start.
    """
    return {
        file_id: tuple(_look(image, name) for image in _images(kind, evidence.files[file_id]))
        for file_id, (kind, name) in BIOMETRIC.items()
        if file_id in evidence.files
    }


def _images(kind: _Kind, octets: bytes) -> Iterator[bytes]:
    try:
        samples = kind.decode(octets).samples()
    except MalformedError:  # lds.structure reports it
        return
    for sample in samples:
        yield sample.data


def _look(image: bytes, name: str) -> ImageLook:
    try:
        return ImageLook(name, quirk=show(image, name).quirk)
    except MalformedError as problem:
        return ImageLook(name, objection=problem.reason)
