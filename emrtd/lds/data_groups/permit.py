"""The conditions of a residence permit, as Chipseal codes them in DG13.

Doc 9303-10, 4.7.13 leaves DG13 to the issuing State.  Chipseal writes BER-TLV; tag 6D contains

    06  object identifier 2.25.188172683379572055711623449063586399580, made from a UUID: it
        identifies this table, so that no other content is mistaken for it
    02  version of this table, one octet: 01
    80  category of the permit, UTF-8
    81  valid from, 8 digits YYYYMMDD
    82  valid until, 8 digits YYYYMMDD; absent if the permit has no end
    83  stay: 01 may stay, 00 may not
    84  work, UTF-8: what work is allowed ("restricted", ...)
    85  study: 01 may study, 00 may not
    86  recourse to public funds: 01 yes, 00 no
    A7  remarks: any number of 0C, UTF-8; absent if there are none

in this order, each once.  Data objects with other tags may follow; they are kept.
"""

from datetime import date
from typing import Final, Self

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.lds.values import Other, others
from support.errors import MisuseError
from support.values import Undisclosed

IDENTIFIER: Final = "2.25.188172683379572055711623449063586399580"
VERSION: Final = 1
MAX_TEXT: Final = 200
"""Most characters of the category, of the work allowed, and of one remark."""
MAX_REMARKS: Final = 20

_VERSION, _CATEGORY, _FROM, _UNTIL, _STAY = 0x02, 0x80, 0x81, 0x82, 0x83
_WORK, _STUDY, _FUNDS, _REMARKS, _REMARK = 0x84, 0x85, 0x86, 0xA7, 0x0C
_KNOWN: Final = (
    der.OID, _VERSION, _CATEGORY, _FROM, _UNTIL, _STAY, _WORK, _STUDY, _FUNDS, _REMARKS,
)  # fmt: skip


class Permit(Undisclosed, frozen=True):
    """What the holder of a permit may do, and for how long.

    `valid_until` is None for a permit without an end.  `other` holds the data objects of a
    later version, which are kept and not read.
    """

    category: str
    valid_from: date
    valid_until: date | None
    stay: bool
    work: str
    study: bool
    public_funds: bool
    remarks: tuple[str, ...] = ()
    other: Other = ()
    version: int = VERSION

    @classmethod
    def claims(cls, content: bytes) -> bool:
        """Whether the content of a DG13 begins with the identifier of this table."""
        return content.startswith(der.oid(IDENTIFIER))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read the content of a DG13 for which `claims` is true; raises `MalformedError`."""
        objects = tlv.read_all(content, "DG13 permit")
        until, remarks = objects.get(_UNTIL), objects.get(_REMARKS)
        return cls(
            category=_text(objects.one(_CATEGORY)),
            valid_from=_date(objects.one(_FROM)),
            valid_until=None if until is None else _date(until),
            stay=_flag(objects.one(_STAY)),
            work=_text(objects.one(_WORK)),
            study=_flag(objects.one(_STUDY)),
            public_funds=_flag(objects.one(_FUNDS)),
            remarks=() if remarks is None else _texts(remarks),
            other=others(objects, *_KNOWN),
            version=_version(objects.one(_VERSION)),
        )

    def encode(self) -> bytes:
        """Return the content of DG13, without its tag 6D; raises `MisuseError`."""
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise MisuseError("permit: ends before it begins")
        if len(self.remarks) > MAX_REMARKS:
            raise MisuseError(f"permit: has more than {MAX_REMARKS} remarks")
        parts = [
            der.oid(IDENTIFIER),
            tlv.encode(_VERSION, bytes((self.version,))),
            tlv.encode(_CATEGORY, _utf8("category", self.category)),
            tlv.encode(_FROM, _digits(self.valid_from)),
        ]
        if self.valid_until is not None:
            parts.append(tlv.encode(_UNTIL, _digits(self.valid_until)))
        parts += [
            tlv.encode(_STAY, bytes((self.stay,))),
            tlv.encode(_WORK, _utf8("work", self.work)),
            tlv.encode(_STUDY, bytes((self.study,))),
            tlv.encode(_FUNDS, bytes((self.public_funds,))),
        ]
        if self.remarks:
            remarks = (tlv.encode(_REMARK, _utf8("remark", remark)) for remark in self.remarks)
            parts.append(tlv.encode(_REMARKS, *remarks))
        return b"".join((*parts, *(tlv.encode(tag, value) for tag, value in self.other)))


def _utf8(what: str, text: str) -> bytes:
    if not text.strip() or len(text) > MAX_TEXT:
        raise MisuseError(f"permit: the {what} is empty or longer than {MAX_TEXT} characters")
    return text.encode()


def _digits(day: date) -> bytes:
    return day.isoformat().replace("-", "").encode("ascii")


def _text(data_object: tlv.DataObject) -> str:
    try:
        return data_object.value.decode()
    except UnicodeDecodeError:
        raise data_object.malformed("is not UTF-8") from None


def _texts(data_object: tlv.DataObject) -> tuple[str, ...]:
    inside = data_object.children()
    if any(each.tag != _REMARK for each in inside):
        raise data_object.malformed("holds other data objects than remarks")
    return tuple(_text(each) for each in inside)


def _date(data_object: tlv.DataObject) -> date:
    value = data_object.value
    if len(value) != 8 or not value.isdigit():
        raise data_object.malformed("is not a date YYYYMMDD")
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        raise data_object.malformed("is not a calendar date") from None


def _flag(data_object: tlv.DataObject) -> bool:
    if data_object.value not in {b"\x00", b"\x01"}:
        raise data_object.malformed("is neither 00 nor 01")
    return data_object.value == b"\x01"


def _version(data_object: tlv.DataObject) -> int:
    if len(data_object.value) != 1 or not data_object.value[0]:
        raise data_object.malformed("is not a version of one octet")
    return data_object.value[0]
