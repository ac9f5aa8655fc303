"""DG4: the holder's irises (Doc 9303-10, 4.7.4)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Self

from msgspec.structs import replace

from emrtd import tlv
from emrtd.biometrics.cbeff import EYE_SUBTYPES, IRIS, ISSUER_DATA, BiometricHeader, eye_of_subtype
from emrtd.biometrics.iso19794 import iris as iso19794
from emrtd.biometrics.samples import Generation, IrisImage
from emrtd.iso7816.procedure import Random
from emrtd.lds.data_groups.biometric_group import TAGS, BiometricDataGroup, Instance
from emrtd.lds.data_groups.dg3 import RANDOM_SIZE
from emrtd.lds.files import FileID

if TYPE_CHECKING:
    from emrtd.biometrics.iso39794 import iris as iso39794

    IrisBlock = iso19794.IrisRecord | iso39794.IrisImageDataBlock


class DataGroup4(BiometricDataGroup["IrisBlock", IrisImage], frozen=True):
    """The irises of the holder, one template for each eye; it may be empty."""

    file_id: ClassVar[FileID] = FileID.DG4
    identifier: ClassVar[bytes] = iso19794.FORMAT_IDENTIFIER
    biometric_type: ClassVar[bytes] = IRIS
    subtypes: ClassVar[frozenset[int]] = frozenset(EYE_SUBTYPES.values())
    format_types: ClassVar[dict[Generation, tuple[int, ...]]] = {
        Generation.ISO_19794: (0x0009, 0x000B),
        Generation.ISO_39794: (0x002C,),
    }

    @classmethod
    def of(cls, irises: Iterable[IrisImage], generation: Generation = Generation.ISO_19794) -> Self:
        """Make DG4 of these irises, one template each; for a holder without any, use `empty`."""
        return cls(tuple(cls._instance(iris, generation) for iris in irises))

    @classmethod
    def empty(cls, random: Random) -> Self:
        """Make the DG4 of a holder without irises, with a random number (4.7.4.2.2)."""
        return cls((), (tlv.encode(ISSUER_DATA, random(RANDOM_SIZE)),))

    @classmethod
    def _instance(cls, iris: IrisImage, generation: Generation) -> "Instance[IrisBlock]":
        header = BiometricHeader.of(
            IRIS,
            cls.format_types[generation][0],
            subtype=EYE_SUBTYPES[iris.eye],
            created=iris.captured,
        )
        record = cls.block(generation).of(iris)
        return Instance(header, record, TAGS[generation])

    @classmethod
    def block(cls, generation: Generation) -> "type[IrisBlock]":
        """Return the class of a biometric data block of this generation, which is imported."""
        if generation is Generation.ISO_19794:
            return iso19794.IrisRecord
        from emrtd.biometrics.iso39794 import iris as iso39794

        return iso39794.IrisImageDataBlock

    @classmethod
    def views(
        cls, instance: "Instance[IrisBlock]"
    ) -> tuple[tuple[IrisImage, tuple[str, ...]], ...]:
        """Return the irises of an instance; the eye and the time may be in the CBEFF header."""
        stated = eye_of_subtype(instance.header.subtype)
        return tuple(
            (
                replace(
                    iris,
                    eye=iris.eye or stated,
                    captured=iris.captured or instance.header.created,
                ),
                notes,
            )
            for iris, notes in instance.record.irises()
        )

    def irises(self) -> tuple[IrisImage, ...]:
        """Return every iris, in order, in either generation."""
        return self.samples()
