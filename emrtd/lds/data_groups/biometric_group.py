"""What DG2, DG3 and DG4 share: instances of biometric data, of either generation of ISO/IEC."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, Self, TypeVar

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

TAGS = {Generation.ISO_19794: BLOCK_19794, Generation.ISO_39794: BLOCK_39794}
"""The data object that holds the biometric data of each generation (Doc 9303-10, Table 1)."""


class BiometricRecord(Protocol):
    """A biometric data block, decoded."""

    @property
    def tolerated(self) -> tuple[str, ...]:
        """What was read past."""

    def encode(self) -> bytes:
        """The octets of the block; raises `MisuseError` for a field that does not fit."""


R_co = TypeVar("R_co", bound=BiometricRecord, covariant=True)
S_co = TypeVar("S_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Instance(Generic[R_co]):
    """One instance of a biometric: its CBEFF header and its record.

    `tag` is the data object that holds the record, `others` whole data objects that stand behind.
    """

    header: BiometricHeader
    record: R_co
    tag: int
    others: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class BiometricDataGroup(Generic[R_co, S_co]):
    """A data group of biometric data: its instances, and whatever else its issuer put there.

    `others`, `declared_count` and `inner_others` are as in `BiometricGroup`; `tolerated` names what
    was read past.
    """

    instances: tuple[Instance[R_co], ...]
    others: tuple[bytes, ...] = field(default=(), repr=False)
    declared_count: int | None = None
    inner_others: tuple[bytes, ...] = field(default=(), repr=False)
    tolerated: tuple[str, ...] = field(default=(), compare=False)

    file_id: ClassVar[FileID]
    identifier: ClassVar[bytes]
    format_types: ClassVar[dict[Generation, tuple[int, ...]]]
    """Tag 88 of the header, for each generation; the first is written."""
    biometric_type: ClassVar[bytes]
    """Tag 81 of the header, where it is there."""
    subtypes: ClassVar[frozenset[int]] = frozenset()
    """Tag 82 of the header: which finger or which eye; none where the header need not say."""

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Read the EF; raises `MalformedError`, also where an image is not what an image is."""
        group = BiometricGroup.decode(octets, cls.tag(), cls.file_id)
        decoders = cls.decoders()
        tolerated = list(group.tolerated)
        instances = []
        for template in group.templates:
            # Known by the first octets: older editions put ISO/IEC 19794 into 7F2E too.
            is_19794 = template.block.startswith(cls.identifier)
            generation = Generation.ISO_19794 if is_19794 else Generation.ISO_39794
            if template.tag != TAGS[generation]:
                tolerated.append(
                    f"{cls.file_id} holds ISO/IEC {generation.value} data under {template.tag:X}"
                )
            tolerated += cls._misstatements(template.header, generation)
            record = decoders[generation](template.block)
            instance = Instance(template.header, record, template.tag, template.others)
            tolerated += record.tolerated
            tolerated += (note for _, notes in cls.views(instance) for note in notes)
            instances.append(instance)
        return cls(
            tuple(instances),
            group.others,
            group.declared_count,
            group.inner_others,
            tuple(tolerated),
        )

    @classmethod
    def _misstatements(cls, header: BiometricHeader, generation: Generation) -> Iterator[str]:
        """What a header does not say, or says otherwise (Doc 9303-10, 4.7.2 to 4.7.4)."""
        said = f"{cls.file_id}'s header does not say"
        if header.format_owner != FORMAT_OWNER:
            yield f"{said} whose format its data are of"
        if header.format_type not in cls.format_types[generation]:
            yield f"{said} that its data are of ISO/IEC {generation.value}"
        if header.biometric_type not in {None, cls.biometric_type}:
            yield f"{said} what its data are of"
        if cls.subtypes and header.subtype not in cls.subtypes:
            yield f"{said} which finger or eye its data are of"

    def encode(self) -> bytes:
        """The whole EF; raises `MisuseError` for a field that does not fit."""
        templates = tuple(
            BiometricTemplate(each.header, each.tag, each.record.encode(), each.others)
            for each in self.instances
        )
        group = BiometricGroup(templates, self.others, self.declared_count, self.inner_others)
        return group.encode(self.tag())

    @classmethod
    def tag(cls) -> int:
        """The tag that the EF begins with."""
        return FILES[cls.file_id].tag or 0

    @classmethod
    def decoders(cls) -> dict[Generation, Callable[[bytes], R_co]]:
        """What reads a biometric data block of each generation."""
        raise NotImplementedError

    @classmethod
    def views(cls, instance: "Instance[R_co]") -> tuple[tuple[S_co, tuple[str, ...]], ...]:
        """The samples of an instance, each with what its image and its record disagree on."""
        raise NotImplementedError

    def samples(self) -> tuple[S_co, ...]:
        """Every sample of every instance, in order, whatever its generation."""
        return tuple(sample for each in self.instances for sample, _ in self.views(each))
