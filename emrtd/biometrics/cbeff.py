"""The CBEFF structure around biometric data in DG2, DG3 and DG4 (Doc 9303-10, 4.7.2.1).

    7F61 { 02 number of instances, 7F60 { A1 header, 5F2E | 7F2E biometric data block }* } 53?

Data objects that the standard does not define are kept and written back.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Self

from msgspec.structs import replace

from emrtd import tlv
from emrtd.biometrics.samples import Eye, FingerPosition
from support.errors import MalformedError, MisuseError
from support.reasons import Reason
from support.values import Hidden, PartlyCompared, Uncompared, Value

GROUP_TEMPLATE: Final = 0x7F61
TEMPLATE: Final = 0x7F60
HEADER: Final = 0xA1
_LAST_HEADER: Final = 0xAF
BLOCK_19794: Final = 0x5F2E
BLOCK_39794: Final = 0x7F2E
ISSUER_DATA: Final = 0x53

FACIAL_FEATURES: Final = b"\x02"
FINGERPRINT: Final = b"\x08"
IRIS: Final = b"\x10"
FORMAT_OWNER: Final = b"\x01\x01"
"""ISO/IEC JTC 1/SC 37."""

MAX_INSTANCES: Final = 16
"""Most templates of a data group; Doc 9303-10 allows 9 faces, and a holder has ten fingers."""


class BiometricHeader(Value, frozen=True):
    """A Biometric Header Template: its data objects, in their order, as tag and value.

    `tag` is A1; some issuers increment it from one template to the next.
    """

    objects: Hidden[tuple[tuple[int, bytes], ...]]
    tag: int = HEADER

    @classmethod
    def of(
        cls,
        biometric_type: bytes,
        format_type: int,
        *,
        subtype: int | None = None,
        created: datetime | None = None,
    ) -> Self:
        """Make a header of ICAO's version 0101; `created` needs a time zone, and becomes UTC."""
        objects = [(0x80, b"\x01\x01"), (0x81, biometric_type)]
        if subtype is not None:
            objects.append((0x82, bytes((subtype,))))
        if created is not None:
            if created.tzinfo is None:
                raise MisuseError("the creation time of a biometric template needs a time zone")
            digits = created.astimezone(UTC).strftime("%Y%m%d%H%M%S")
            objects.append((0x83, bytes.fromhex(digits)))
        objects += [(0x87, FORMAT_OWNER), (0x88, format_type.to_bytes(2, "big"))]
        return cls(tuple(objects))

    def get(self, tag: int) -> bytes | None:
        """Return the value of the first data object with this tag; None if there is none."""
        return next((value for each, value in self.objects if each == tag), None)

    @property
    def biometric_type(self) -> bytes | None:
        """Tag 81: 02 facial features, 08 fingerprint, 10 iris; optional."""
        return self.get(0x81)

    @property
    def subtype(self) -> int | None:
        """Tag 82, one octet: which finger or which eye; None if absent or not one octet."""
        value = self.get(0x82)
        return value[0] if value is not None and len(value) == 1 else None

    @property
    def created(self) -> datetime | None:
        """Tag 83 read as UTC; None if it is absent or not a date and time."""
        value = self.get(0x83)
        if value is None or len(value) != 7:
            return None
        try:
            return datetime.strptime(value.hex(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return None

    @property
    def format_owner(self) -> bytes | None:
        """Tag 87: the owner of the number in tag 88."""
        return self.get(0x87)

    @property
    def format_type(self) -> int | None:
        """Tag 88: which standard the biometric data block follows."""
        value = self.get(0x88)
        return int.from_bytes(value, "big") if value is not None and len(value) == 2 else None

    def encode(self) -> bytes:
        """Return the whole data object."""
        return tlv.encode(self.tag, *(tlv.encode(tag, value) for tag, value in self.objects))


class BiometricTemplate(Value, frozen=True):
    """A Biometric Information Template: header, biometric data block, and other data objects.

    `tag` is 5F2E for a record of ISO/IEC 19794, 7F2E for a data block of ISO/IEC 39794; `block` is
    the value of that data object; `others` are the other data objects, whole.
    """

    header: BiometricHeader
    tag: int
    block: Hidden[bytes]
    others: Hidden[tuple[bytes, ...]] = ()

    def encode(self) -> bytes:
        """Return the whole data object 7F60."""
        return tlv.encode(
            TEMPLATE, self.header.encode(), tlv.encode(self.tag, self.block), *self.others
        )


class BiometricGroup(PartlyCompared, frozen=True):
    """The content of DG2, DG3 and DG4: templates, and other data objects of the issuer.

    `declared_count` is the declared number of instances if it is wrong, else None.  `others` are
    the whole data objects after the group template (53 with a random number if there is no
    template, Doc 9303-10, 4.7.3.2.2), `inner_others` those among the templates.
    """

    templates: tuple[BiometricTemplate, ...]
    others: Hidden[tuple[bytes, ...]] = ()
    declared_count: int | None = None
    inner_others: Hidden[tuple[bytes, ...]] = ()
    tolerated: Uncompared[tuple[str, ...]] = ()

    @classmethod
    def decode(cls, octets: bytes, tag: int, what: str) -> Self:
        """Read the EF of the data group that begins with `tag`; raises `MalformedError`."""
        objects = tlv.read_expected(octets, tag, what).children()
        if not len(objects) or objects[0].tag != GROUP_TEMPLATE:
            raise MalformedError(what, "does not begin with a 7F61 group template", 0)
        instances = objects[0].children()
        count = instances.one(0x02)
        templates = instances.all(TEMPLATE)
        if len(templates) > MAX_INSTANCES:
            raise MalformedError(
                what,
                Reason(
                    "holds {count} templates; at most {max_instances} are read",
                    count=len(templates),
                    max_instances=MAX_INSTANCES,
                ),
                count.offset,
            )
        declared = int.from_bytes(count.value, "big")
        if len(count.value) != 1:
            raise count.malformed("the number of instances is not one octet")
        tolerated = []
        if declared != len(templates):
            tolerated.append(
                Reason(
                    "{what} declares {declared} instances and holds {count}",
                    what=what,
                    declared=declared,
                    count=len(templates),
                )
            )
        group = cls(
            tuple(_decode_template(each) for each in templates),
            _whole(list(objects)[1:]),
            None if declared == len(templates) else declared,
            _whole(each for each in instances if each.tag not in {0x02, TEMPLATE}),
        )
        if group.inner_others:
            tolerated.append(
                Reason(
                    "{what} holds other data objects than a count and templates in its 7F61",
                    what=what,
                )
            )
        if any(each.header.tag != HEADER for each in group.templates):
            tolerated.append(Reason("{what} holds a header whose tag is not A1", what=what))
        if group.encode(tag) != octets:
            tolerated.append(
                Reason("{what} has unusual length fields or an unusual order", what=what)
            )
        return replace(group, tolerated=tuple(tolerated))

    def encode(self, tag: int) -> bytes:
        """Return the whole EF, with the tag of its data group; raises `MisuseError`."""
        count = len(self.templates) if self.declared_count is None else self.declared_count
        if not 0 <= count <= 0xFF:
            raise MisuseError(f"{count} instances do not fit one octet")
        group = tlv.encode(
            GROUP_TEMPLATE,
            tlv.encode(0x02, bytes((count,))),
            *(template.encode() for template in self.templates),
            *self.inner_others,
        )
        return tlv.encode(tag, group, *self.others)


def _decode_template(template: tlv.DataObject) -> BiometricTemplate:
    objects = template.children()
    header = next((each for each in objects if HEADER <= each.tag <= _LAST_HEADER), None)
    if header is None:
        raise template.malformed("holds no header A1")
    blocks = [each for each in objects if each.tag in {BLOCK_19794, BLOCK_39794}]
    if len(blocks) != 1:
        raise template.malformed(
            Reason("{count} biometric data blocks instead of one", count=len(blocks))
        )
    return BiometricTemplate(
        BiometricHeader(tuple((each.tag, each.value) for each in header.children()), header.tag),
        blocks[0].tag,
        blocks[0].value,
        _whole(each for each in objects if each is not header and each is not blocks[0]),
    )


def _whole(objects: Iterable[tlv.DataObject]) -> tuple[bytes, ...]:
    return tuple(tlv.encode(each.tag, each.value) for each in objects)


_SIDES: Final = {"right": 0b01, "left": 0b10}
_FINGERS: Final = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "little": 5}

FINGER_SUBTYPES: Final[dict[FingerPosition, int]] = {
    FingerPosition[f"{side}_{finger}".upper()]: number << 2 | _SIDES[side]
    for side in _SIDES
    for finger, number in _FINGERS.items()
}
"""The CBEFF sub-type of each single finger (Doc 9303-10, Table 49); any other position has 00."""

EYE_SUBTYPES: Final = {Eye.UNKNOWN: 0b00, Eye.RIGHT: 0b01, Eye.LEFT: 0b10}
"""The CBEFF sub-type of each eye (Doc 9303-10, Table 56)."""


def finger_of_subtype(subtype: int | None) -> FingerPosition:
    """Return the finger of a CBEFF sub-type; UNKNOWN if it states none."""
    found = (position for position, code in FINGER_SUBTYPES.items() if code == subtype)
    return next(found, FingerPosition.UNKNOWN)


def eye_of_subtype(subtype: int | None) -> Eye:
    """Return the eye of a CBEFF sub-type; UNKNOWN if it states none."""
    return Eye.of_code(subtype)
