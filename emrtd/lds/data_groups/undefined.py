"""Data groups whose content Doc 9303-10 leaves open: DG6 (4.7.6) and DG8 to DG10 (4.7.8 to .10)."""

from typing import ClassVar, Self

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.values import INSTANCES
from support.errors import MalformedError


class UndefinedDataGroup(FileContent, frozen=True):
    """A data group of which only the tag is defined; `content` is its value."""

    content: bytes

    WHAT: ClassVar[str]
    TAG: ClassVar[int]

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        return cls(tlv.read_expected(octets, cls.TAG, cls.WHAT).value)

    def _encode(self) -> bytes:
        return tlv.encode(self.TAG, self.content)


class DataGroup6(UndefinedDataGroup, frozen=True):
    """DG6: reserved for future use."""

    WHAT: ClassVar[str] = "DG6"
    TAG: ClassVar[int] = 0x66


class FeatureDataGroup(UndefinedDataGroup, frozen=True):
    """Features for machine assisted verification, in templates that are yet to be defined.

    Until then the issuing State defines the content, which need not be data objects.
    """

    @classmethod
    def of(cls, *templates: tuple[int, bytes]) -> Self:
        """Make the data group from templates, each a tag and a value."""
        count = tlv.encode(INSTANCES, bytes((len(templates),)))
        return cls(count + b"".join(tlv.encode(tag, value) for tag, value in templates))

    @property
    def templates(self) -> tuple[tuple[int, bytes], ...] | None:
        """The templates as tag and value, None if the content is not data objects."""
        try:
            objects = tlv.read_all(self.content, self.WHAT)
        except MalformedError:
            return None
        return tuple((each.tag, each.value) for each in objects if each.tag != INSTANCES)


class DataGroup8(FeatureDataGroup, frozen=True):
    """DG8: data features."""

    WHAT: ClassVar[str] = "DG8"
    TAG: ClassVar[int] = 0x68


class DataGroup9(FeatureDataGroup, frozen=True):
    """DG9: structure features."""

    WHAT: ClassVar[str] = "DG9"
    TAG: ClassVar[int] = 0x69


class DataGroup10(FeatureDataGroup, frozen=True):
    """DG10: substance features."""

    WHAT: ClassVar[str] = "DG10"
    TAG: ClassVar[int] = 0x6A
