"""EF.COM: the versions, and the list of data groups (Doc 9303-10, 4.6.1)."""

from typing import Final, Self

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.files import data_group, data_group_by_tag
from support.errors import MalformedError, MisuseError
from support.reasons import Reason, joined

LDS_1_7: Final = "0107"
LDS_1_8: Final = "0108"
UNICODE_4_0: Final = "040000"

_TAG, _LDS_VERSION, _UNICODE_VERSION, _TAG_LIST = 0x60, 0x5F01, 0x5F36, 0x5C


class Com(FileContent, frozen=True):
    """EF.COM.  It is not signed: if EF.SOD differs, EF.SOD prevails.

    `lds_version` is 4 digits aabb, `unicode_version` 6 digits aabbcc; either is empty if the file
    lacks it.  `tags` are the tags of the data groups, in the order of the file.  `other` holds
    every other data object, as tag and value.
    """

    lds_version: str
    unicode_version: str
    tags: tuple[int, ...]
    other: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def for_data_groups(
        cls, *numbers: int, lds_version: str = LDS_1_7, unicode_version: str = UNICODE_4_0
    ) -> Self:
        """Make the EF.COM of a document with these data groups (1 to 16)."""
        tags = (data_group(number).tag for number in sorted(numbers))
        return cls(lds_version, unicode_version, tuple(tag for tag in tags if tag is not None))

    @property
    def data_groups(self) -> tuple[int, ...]:
        """The numbers of the listed data groups; tags of no data group are left out."""
        files = (data_group_by_tag(tag) for tag in self.tags)
        return tuple(file.number for file in files if file is not None and file.number is not None)

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        tolerated: list[str] = []
        objects = tlv.read_expected(octets, _TAG, "EF.COM").children()

        def digits(tag: int, name: str, size: int) -> str:
            found = objects.get(tag)
            if found is None:
                tolerated.append(Reason("EF.COM: no {name} version", name=name))
                return ""
            if not found.value.isdigit():
                raise found.malformed(Reason("the {name} version is not made of digits", name=name))
            if len(found.value) != size:
                tolerated.append(
                    Reason(
                        "EF.COM: the {name} version does not have {size} digits",
                        name=name,
                        size=size,
                    )
                )
            return found.value.decode("ascii")

        lds_version = digits(_LDS_VERSION, "LDS", 4)
        unicode_version = digits(_UNICODE_VERSION, "Unicode", 6)
        tags = tuple(objects.one(_TAG_LIST).value)
        if len(tags) > 256:
            raise MalformedError("EF.COM", Reason("lists {count} data groups", count=len(tags)))
        unknown = [f"{tag:02X}" for tag in tags if data_group_by_tag(tag) is None]
        if unknown:
            tolerated.append(
                Reason(
                    "EF.COM: lists tags that no data group has ({unknown})",
                    unknown=joined(", ", unknown[:16]),
                )
            )
        known = (_LDS_VERSION, _UNICODE_VERSION, _TAG_LIST)
        other = tuple((each.tag, each.value) for each in objects if each.tag not in known)
        return cls(lds_version, unicode_version, tags, other, tolerated=tuple(tolerated))

    def _encode(self) -> bytes:
        for version, size in ((self.lds_version, 4), (self.unicode_version, 6)):
            if not (version.isascii() and version.isdigit() and len(version) == size):
                raise MisuseError(f"EF.COM: {version!r} is not a version of {size} digits")
        return tlv.encode(
            _TAG,
            tlv.encode(_LDS_VERSION, self.lds_version.encode()),
            tlv.encode(_UNICODE_VERSION, self.unicode_version.encode()),
            tlv.encode(_TAG_LIST, bytes(self.tags)),
            *(tlv.encode(tag, value) for tag, value in self.other),
        )
