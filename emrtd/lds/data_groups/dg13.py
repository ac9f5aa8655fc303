"""DG13: details that the issuing State defines (Doc 9303-10, 4.7.13), such as a permit."""

from typing import ClassVar, Self

from emrtd import tlv
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.data_groups.undefined import UndefinedDataGroup
from support.errors import MalformedError


class DataGroup13(UndefinedDataGroup, frozen=True):
    """DG13.  `permit` is the permit if the content is one of Chipseal's, else None.

    Any other content is kept as it is.  Some States (SG) store content that is not data objects,
    although the tag is constructed.
    """

    permit: Permit | None = None

    WHAT: ClassVar[str] = "DG13"
    TAG: ClassVar[int] = 0x6D

    @classmethod
    def for_permit(cls, permit: Permit) -> Self:
        """Make the DG13 that holds a permit; raises `MisuseError`."""
        return cls(permit.encode(), permit)

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        content = tlv.read_expected(octets, cls.TAG, cls.WHAT).value
        if Permit.claims(content):
            return cls(content, Permit.decode(content))
        try:
            tlv.read_all(content, cls.WHAT)
        except MalformedError:
            return cls(content, tolerated=("DG13: the content is not data objects",))
        return cls(content)
