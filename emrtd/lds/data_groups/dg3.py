"""DG3: the holder's fingerprints (Doc 9303-10, 4.7.3)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Self

from msgspec.structs import replace

from emrtd import tlv
from emrtd.biometrics.cbeff import (
    FINGER_SUBTYPES,
    FINGERPRINT,
    ISSUER_DATA,
    BiometricHeader,
    finger_of_subtype,
)
from emrtd.biometrics.iso19794 import finger as iso19794
from emrtd.biometrics.samples import FingerImage, FingerPosition, Generation
from emrtd.iso7816.procedure import Random
from emrtd.lds.data_groups.biometric_group import TAGS, BiometricDataGroup, Instance
from emrtd.lds.files import FileID
from support.reasons import Reason

if TYPE_CHECKING:
    from emrtd.biometrics.iso39794 import finger as iso39794

    FingerBlock = iso19794.FingerRecord | iso39794.FingerImageDataBlock
RANDOM_SIZE = 8
"""Octets of the random number in a DG3 or DG4 without templates."""


class DataGroup3(BiometricDataGroup["FingerBlock", FingerImage], frozen=True):
    """The fingerprints of the holder, one template for each finger; it may be empty."""

    file_id: ClassVar[FileID] = FileID.DG3
    identifier: ClassVar[bytes] = iso19794.FORMAT_IDENTIFIER
    biometric_type: ClassVar[bytes] = FINGERPRINT
    subtypes: ClassVar[frozenset[int]] = frozenset({0, *FINGER_SUBTYPES.values()})
    format_types: ClassVar[dict[Generation, tuple[int, ...]]] = {
        Generation.ISO_19794: (0x0007,),
        Generation.ISO_39794: (0x0028,),
    }

    @classmethod
    def of(
        cls, fingers: Iterable[FingerImage], generation: Generation = Generation.ISO_19794
    ) -> Self:
        """Make DG3 of these fingers, one template each; for a holder without any, use `empty`."""
        return cls(tuple(cls._instance(finger, generation) for finger in fingers))

    @classmethod
    def empty(cls, random: Random) -> Self:
        """Make the DG3 of a holder without fingerprints (Doc 9303-10, 4.7.3.2.2).

        A random number makes its hash differ from chip to chip.
        """
        return cls((), (tlv.encode(ISSUER_DATA, random(RANDOM_SIZE)),))

    @classmethod
    def _instance(cls, finger: FingerImage, generation: Generation) -> "Instance[FingerBlock]":
        header = BiometricHeader.of(
            FINGERPRINT,
            cls.format_types[generation][0],
            subtype=FINGER_SUBTYPES.get(finger.position, 0),
            created=finger.captured,
        )
        record = cls.block(generation).of(finger)
        return Instance(header, record, TAGS[generation])

    @classmethod
    def block(cls, generation: Generation) -> "type[FingerBlock]":
        """Return the class of a biometric data block of this generation, which is imported."""
        if generation is Generation.ISO_19794:
            return iso19794.FingerRecord
        from emrtd.biometrics.iso39794 import finger as iso39794

        return iso39794.FingerImageDataBlock

    @classmethod
    def views(
        cls, instance: "Instance[FingerBlock]"
    ) -> tuple[tuple[FingerImage, tuple[str, ...]], ...]:
        """Return the fingers of an instance; position and time may be in the CBEFF header."""
        views = []
        stated = finger_of_subtype(instance.header.subtype)
        for finger, notes in instance.record.fingers():
            position = finger.position or stated
            captured = finger.captured or instance.header.created
            found = list(notes)
            if stated not in {position, FingerPosition.UNKNOWN}:
                found.append(
                    Reason(
                        "DG3's header states {label}, its record {label2}",
                        label=stated.label,
                        label2=position.label,
                    )
                )
            views.append((replace(finger, position=position, captured=captured), tuple(found)))
        return tuple(views)

    def fingers(self) -> tuple[FingerImage, ...]:
        """Return every finger, in order, in either generation."""
        return self.samples()
