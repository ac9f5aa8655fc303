"""DG2: the holder's face (Doc 9303-10, 4.7.2)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Self

from msgspec.structs import replace

from emrtd.biometrics.cbeff import FACIAL_FEATURES, BiometricHeader
from emrtd.biometrics.iso19794 import face as iso19794
from emrtd.biometrics.samples import FaceImage, Generation
from emrtd.lds.data_groups.biometric_group import TAGS, BiometricDataGroup, Instance
from emrtd.lds.files import FileID
from support.errors import MalformedError, MisuseError

if TYPE_CHECKING:
    from emrtd.biometrics.iso39794 import face as iso39794

    FaceBlock = iso19794.FaceRecord | iso39794.FaceImageDataBlock


class DataGroup2(BiometricDataGroup["FaceBlock", FaceImage], frozen=True):
    """The faces of the holder, nearly always one; the first is the one to compare with."""

    file_id: ClassVar[FileID] = FileID.DG2
    identifier: ClassVar[bytes] = iso19794.FORMAT_IDENTIFIER
    biometric_type: ClassVar[bytes] = FACIAL_FEATURES
    format_types: ClassVar[dict[Generation, tuple[int, ...]]] = {
        Generation.ISO_19794: (0x0008,),
        Generation.ISO_39794: (0x002A,),
    }

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read EF.DG2; raises `MalformedError`, also if it holds no face or a broken image."""
        read = super().decode(octets)
        if not read.instances:
            raise MalformedError(cls.file_id, "holds no face; Doc 9303-10 requires 1 to 9")
        return read

    @classmethod
    def of(cls, faces: Iterable[FaceImage], generation: Generation = Generation.ISO_19794) -> Self:
        """Make DG2 of these faces, the most recent first, one template each."""
        instances = tuple(cls._instance(face, generation) for face in faces)
        if not 1 <= len(instances) <= 9:
            raise MisuseError(f"DG2 holds 1 to 9 faces, not {len(instances)}")
        return cls(instances)

    @classmethod
    def _instance(cls, face: FaceImage, generation: Generation) -> "Instance[FaceBlock]":
        header = BiometricHeader.of(
            FACIAL_FEATURES, cls.format_types[generation][0], created=face.captured
        )
        record = cls.block(generation).of(face)
        return Instance(header, record, TAGS[generation])

    @classmethod
    def block(cls, generation: Generation) -> "type[FaceBlock]":
        """Return the class of a biometric data block of this generation, which is imported."""
        if generation is Generation.ISO_19794:
            return iso19794.FaceRecord
        from emrtd.biometrics.iso39794 import face as iso39794

        return iso39794.FaceImageDataBlock

    @classmethod
    def views(
        cls, instance: "Instance[FaceBlock]"
    ) -> tuple[tuple[FaceImage, tuple[str, ...]], ...]:
        """Return the faces of an instance; their time of capture may be in the CBEFF header."""
        return tuple(
            (replace(face, captured=face.captured or instance.header.created), notes)
            for face, notes in instance.record.faces()
        )

    def faces(self) -> tuple[FaceImage, ...]:
        """Return every face, in order, in either generation."""
        return self.samples()
