"""DG1: the machine readable zone (Doc 9303-10, 4.7.1)."""

from typing import Final, Self

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.values import Other, others
from emrtd.mrz import Mrz, quirks
from support.errors import MalformedError
from support.reasons import Reason

_TAG: Final = 0x61
_MRZ: Final = 0x5F1F


class DataGroup1(FileContent, frozen=True):
    """DG1: the MRZ as printed, its lines joined without separators."""

    mrz: Mrz
    other: Other = ()

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        objects = tlv.read_expected(octets, _TAG, "DG1").children()
        data_object = objects.one(_MRZ)
        try:
            text = data_object.value.decode("ascii")
            mrz = Mrz.parse(text)
        except UnicodeDecodeError:
            raise data_object.malformed("the MRZ is not in ASCII") from None
        except MalformedError as error:
            raise data_object.malformed(Reason("the MRZ {reason}", reason=error.reason)) from None
        reasons = () if mrz.text == text else ("the MRZ has line breaks or lower-case letters",)
        tolerated = tuple(
            Reason("DG1: {reason}", reason=reason) for reason in reasons + quirks.quirks(mrz)
        )
        return cls(mrz, others(objects, _MRZ), tolerated=tolerated)

    def _encode(self) -> bytes:
        other = (tlv.encode(tag, value) for tag, value in self.other)
        return tlv.encode(_TAG, tlv.encode(_MRZ, self.mrz.text.encode("ascii")), *other)
