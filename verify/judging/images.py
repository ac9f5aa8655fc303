"""The results of decoding a document's images, as an input of the judgement.

Decoding runs in separate processes (`emrtd.biometrics.images`), and a judgement is pure.  So the
caller decodes the images first (`verify.showing.images`) and passes the results to `judge`.
"""

from collections.abc import Mapping

import msgspec

from emrtd.lds.files import FileID


class ImageLook(msgspec.Struct, frozen=True):
    """The result for one image: the quirk that its decoder read past, or why it cannot be shown.

    Both continue a sentence that begins with `name` ("the face image ..."); both are empty if the
    image is sound.
    """

    name: str
    quirk: str = ""
    objection: str = ""


ImageLooks = Mapping[FileID, tuple[ImageLook, ...]]
"""The results for each biometric data group that could be read, in the order of its images."""
