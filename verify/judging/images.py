"""What became of the images of a document when they were decoded.

Decoding needs processes of its own (`emrtd.biometrics.images`), and a judgement is pure: whoever
wants the images judged has them looked at first (`verify.showing.images`), and hands in the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from emrtd.lds.files import FileID


@dataclass(frozen=True, slots=True)
class ImageLook:
    """One image: the quirk that its decoder read past, or the objection to showing it.

    Both read on from the image's name ("the face image ..."), and are empty for a sound image.
    """

    name: str
    quirk: str = ""
    objection: str = ""


ImageLooks = Mapping[FileID, tuple[ImageLook, ...]]
"""The images of each biometric data group that could be read, in order."""
