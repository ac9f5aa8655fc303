"""Decode the images of a document, to find which of them can be shown."""

from collections.abc import Iterable, Mapping, Sequence

from emrtd.biometrics.images.png import look, look_each
from emrtd.lds.data_groups.biometric_group import BiometricDataGroup
from emrtd.lds.files import FileID
from support.errors import MalformedError
from verify.judging.decoding import Contents
from verify.judging.images import ImageLook, ImageLooks

Images = Mapping[FileID, tuple[bytes, ...]]

BIOMETRIC = {
    FileID.DG2: "the face image",
    FileID.DG3: "the finger image",
    FileID.DG4: "the iris image",
}


def look_at_images(contents: Contents) -> ImageLooks:
    """Decode every image of DG2, DG3 and DG4; a data group that cannot be read has no images.

    `contents` holds the files of the document (`verify.judging.decoding`).  Each image takes some
    10 ms in a separate process (`decoder.DECODER`).
    """
    images = _images_of(contents)
    return _looks(images, look(_flat(images)))


def look_at_images_of_each(documents: Sequence[Contents]) -> list[ImageLooks]:
    """Return what `look_at_images` returns for each document, in less time."""
    images = [_images_of(contents) for contents in documents]
    return list(map(_looks, images, look_each(list(map(_flat, images)))))


def _images_of(contents: Contents) -> Images:
    return {file_id: _images(contents[file_id]) for file_id in BIOMETRIC if file_id in contents}


def _flat(images: Images) -> list[bytes]:
    return [image for each in images.values() for image in each]


def _looks(images: Images, results: Iterable[str | MalformedError]) -> ImageLooks:
    found = iter(results)
    return {
        file_id: tuple(_look(BIOMETRIC[file_id], next(found)) for _ in each)
        for file_id, each in images.items()
    }


def _images(content: object) -> tuple[bytes, ...]:
    if not isinstance(content, BiometricDataGroup):  # lds.structure reports it
        return ()
    return tuple(sample.data for sample in content.samples())


def _look(name: str, found: str | MalformedError) -> ImageLook:
    if isinstance(found, MalformedError):
        return ImageLook(name, objection=found.reason)
    return ImageLook(name, quirk=found)
