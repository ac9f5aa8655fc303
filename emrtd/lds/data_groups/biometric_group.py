"""What DG2, DG3 and DG4 share: instances of data in ISO/IEC 19794 or ISO/IEC 39794."""

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from emrtd.biometrics.cbeff import (
    BLOCK_19794,
    BLOCK_39794,
    FORMAT_OWNER,
    BiometricGroup,
    BiometricHeader,
    BiometricTemplate,
)
from emrtd.biometrics.samples import Generation
from emrtd.lds.files import FILES, FileID
from support.reasons import Reason
from support.values import Hidden, PartlyCompared, Uncompared, Value

TAGS = {Generation.ISO_19794: BLOCK_19794, Generation.ISO_39794: BLOCK_39794}
"""The data object that holds the biometric data of each generation (Doc 9303-10, Table 1)."""


class BiometricRecord(Protocol):
    """A biometric data block, decoded."""

    @property
    def tolerated(self) -> tuple[str, ...]:
        """The quirks that were read past, a sentence each."""

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read a whole block; raises `MalformedError`."""

    def encode(self) -> bytes:
        """Return the octets of the block; raises `MisuseError` for a field that does not fit."""


R_co = TypeVar("R_co", bound=BiometricRecord, covariant=True)
S_co = TypeVar("S_co", covariant=True)


class Instance(Value, Generic[R_co], frozen=True):
    """One instance of a biometric: its CBEFF header and its record.

    `tag` is that of the data object that holds the record; `others` are the other data objects of
    the template, whole.
    """

    header: BiometricHeader
    record: R_co
    tag: int
    others: Hidden[tuple[bytes, ...]] = ()


class BiometricDataGroup(PartlyCompared, Generic[R_co, S_co], frozen=True, dict=True):
    """A data group of biometric data: its instances, and the other data objects in it.

    `others`, `declared_count` and `inner_others` are as in `BiometricGroup`; `tolerated` names the
    quirks that were read past.
    """

    instances: tuple[Instance[R_co], ...]
    others: Hidden[tuple[bytes, ...]] = ()
    declared_count: int | None = None
    inner_others: Hidden[tuple[bytes, ...]] = ()
    tolerated: Uncompared[tuple[str, ...]] = ()

    file_id: ClassVar[FileID]
    identifier: ClassVar[bytes]
    format_types: ClassVar[dict[Generation, tuple[int, ...]]]
    """Tag 88 of the header, for each generation; the first is written."""
    biometric_type: ClassVar[bytes]
    """Tag 81 of the header, if present."""
    subtypes: ClassVar[frozenset[int]] = frozenset()
    """Values of tag 82 of the header (which finger or eye); empty if the header needs none."""
    _samples: ClassVar[tuple[Any, ...] | None] = None
    """The samples of what was decoded: no field, so that no copy has them."""

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read the EF; raises `MalformedError`, also for an image whose header cannot be read."""
        group = BiometricGroup.decode(octets, cls.tag(), cls.file_id)
        tolerated = list(group.tolerated)
        instances, samples = [], []
        for template in group.templates:
            # Recognised by the first octets: older editions store ISO/IEC 19794 in 7F2E too.
            is_19794 = template.block.startswith(cls.identifier)
            generation = Generation.ISO_19794 if is_19794 else Generation.ISO_39794
            if template.tag != TAGS[generation]:
                tolerated.append(
                    Reason(
                        "{file} holds ISO/IEC {generation} data under {tag}",
                        file=cls.file_id,
                        generation=generation.value,
                        tag=f"{template.tag:X}",
                    )
                )
            tolerated += cls._misstatements(template.header, generation)
            record = cls.block(generation).decode(template.block)
            instance = Instance(template.header, record, template.tag, template.others)
            tolerated += record.tolerated
            for sample, notes in cls.views(instance):
                samples.append(sample)
                tolerated += notes
            instances.append(instance)
        read = cls(
            tuple(instances),
            group.others,
            group.declared_count,
            group.inner_others,
            tuple(tolerated),
        )
        vars(read)["_samples"] = tuple(samples)
        return read

    @classmethod
    def _misstatements(cls, header: BiometricHeader, generation: Generation) -> Iterator[str]:
        """Yield what a header lacks or states wrongly (Doc 9303-10, 4.7.2 to 4.7.4)."""
        lacks = Reason("{file}'s header does not state", file=cls.file_id)
        if header.format_owner != FORMAT_OWNER:
            yield Reason("{lacks} the owner of the data format", lacks=lacks)
        if header.format_type not in cls.format_types[generation]:
            yield Reason(
                "{lacks} that its data are in ISO/IEC {generation}",
                lacks=lacks,
                generation=generation.value,
            )
        if header.biometric_type not in {None, cls.biometric_type}:
            yield Reason("{lacks} the biometric type of its data", lacks=lacks)
        if cls.subtypes and header.subtype not in cls.subtypes:
            yield Reason("{lacks} which finger or eye its data are of", lacks=lacks)

    def encode(self) -> bytes:
        """Return the whole EF; raises `MisuseError` for a field that does not fit."""
        templates = tuple(
            BiometricTemplate(each.header, each.tag, each.record.encode(), each.others)
            for each in self.instances
        )
        group = BiometricGroup(templates, self.others, self.declared_count, self.inner_others)
        return group.encode(self.tag())

    @classmethod
    def tag(cls) -> int:
        """Return the tag that the EF begins with."""
        return FILES[cls.file_id].tag or 0

    @classmethod
    def block(cls, generation: Generation) -> type[R_co]:
        """Return the class of a biometric data block of this generation."""
        raise NotImplementedError

    @classmethod
    def views(cls, instance: "Instance[R_co]") -> tuple[tuple[S_co, tuple[str, ...]], ...]:
        """Return the samples of an instance, and how the image of each contradicts the record."""
        raise NotImplementedError

    def samples(self) -> tuple[S_co, ...]:
        """Return every sample of every instance, in order, in either generation."""
        if self._samples is not None:
            return self._samples
        return tuple(sample for each in self.instances for sample, _ in self.views(each))
