"""What DG11 and DG12 share: a list of tags, then optional elements (Doc 9303-10, 4.7.11, 4.7.12).

Each data group has a table of its elements, and one field for each: None if the element is absent,
which differs from empty.
"""

from collections.abc import Iterator
from enum import Enum, auto, unique
from typing import Any, ClassVar, Final, Self

import msgspec

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.values import (
    INSTANCES,
    Other,
    check_count,
    is_digits,
    others,
    read_digits,
    read_text,
)
from support.errors import ElementError
from support.reasons import Reason

TAG_LIST: Final = 0x5C
_MAX_TAG_LIST: Final = 4096
"""How many octets of a tag list are read."""
_SEVERAL: Final = 0xA0
"""The template around an element that may recur, with the number of its instances."""


@unique
class ElementCoding(Enum):
    """How an element is coded."""

    TEXT = auto()
    DIGITS = auto()
    OCTETS = auto()
    SEVERAL_TEXTS = auto()


class Element(msgspec.Struct, frozen=True):
    """One element: its tag, the field that holds it, and its coding.

    `limit` is the most characters of a text, and the exact number of digits.
    """

    tag: int
    field: str
    coding: ElementCoding = ElementCoding.TEXT
    limit: int = 99


class Details(FileContent, frozen=True):
    """Optional details; a subclass has one field for each entry of its table `ELEMENTS`."""

    WHAT: ClassVar[str]
    TAG: ClassVar[int]
    ELEMENTS: ClassVar[tuple[Element, ...]]

    other: Other = ()

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        tolerated: list[str] = []
        objects = tlv.read_expected(octets, cls.TAG, cls.WHAT).children()
        fields: dict[str, Any] = {}
        for element in cls.ELEMENTS:
            value = _read(objects, element, cls.WHAT, tolerated)
            if value is not None:
                fields[element.field] = value
        cls._check_tag_list(objects, tolerated)
        known = (TAG_LIST, _SEVERAL, *(element.tag for element in cls.ELEMENTS))
        return cls(other=others(objects, *known), tolerated=tuple(tolerated), **fields)

    def _encode(self) -> bytes:
        present = [
            (element.tag, encoded)
            for element in self.ELEMENTS
            if (encoded := self._encode_element(element)) is not None
        ]
        tags = [tag for tag, _ in present] + [tag for tag, _ in self.other]
        return tlv.encode(
            self.TAG,
            tlv.encode(TAG_LIST, *(tlv.encode(tag)[:-1] for tag in tags)),
            *(encoded for _, encoded in present),
            *(tlv.encode(tag, value) for tag, value in self.other),
        )

    def _encode_element(self, element: Element) -> bytes | None:
        value = getattr(self, element.field)
        if value is None or (element.coding is ElementCoding.SEVERAL_TEXTS and not value):
            return None
        match element.coding:
            case ElementCoding.TEXT:
                return tlv.encode(element.tag, self._text_octets(element, value))
            case ElementCoding.DIGITS:
                if not is_digits(value, element.limit):
                    raise self._error(element, Reason("is not {limit} digits", limit=element.limit))
                return tlv.encode(element.tag, value.encode("ascii"))
            case ElementCoding.OCTETS:
                return tlv.encode(element.tag, value)
            case ElementCoding.SEVERAL_TEXTS:
                if len(value) > 255:
                    raise self._error(element, "have more than 255 entries")
                texts = (self._text_octets(element, each) for each in value)
                return tlv.encode(
                    _SEVERAL,
                    tlv.encode(INSTANCES, bytes((len(value),))),
                    *(tlv.encode(element.tag, text) for text in texts),
                )

    def _text_octets(self, element: Element, text: str) -> bytes:
        if len(text) > element.limit:
            raise self._error(
                element,
                Reason(
                    "has {count} characters; {limit} are allowed",
                    count=len(text),
                    limit=element.limit,
                ),
            )
        return text.encode()

    def _error(self, element: Element, reason: str) -> ElementError:
        return ElementError(element.field, reason, of=self.WHAT)

    @classmethod
    def _check_tag_list(cls, objects: tlv.DataObjects, tolerated: list[str]) -> None:
        tag_list = objects.get(TAG_LIST)
        if tag_list is None:
            tolerated.append(Reason("{what}: has no tag list", what=cls.WHAT))
            return
        recurring = next(e.tag for e in cls.ELEMENTS if e.coding is ElementCoding.SEVERAL_TEXTS)
        octets = tag_list.value[:_MAX_TAG_LIST]
        listed = {recurring if tag == _SEVERAL else tag for tag in _tags(octets)}
        present = {recurring if each.tag == _SEVERAL else each.tag for each in objects}
        if listed != present - {TAG_LIST}:
            tolerated.append(
                Reason("{what}: the tag list does not match the data objects", what=cls.WHAT)
            )


def _read(
    objects: tlv.DataObjects, element: Element, what: str, tolerated: list[str]
) -> str | bytes | tuple[str, ...] | None:
    if element.coding is ElementCoding.SEVERAL_TEXTS:
        return _read_several(objects, element, what, tolerated)
    data_object = objects.get(element.tag)
    if data_object is None:
        return None
    if element.coding is ElementCoding.OCTETS:
        return data_object.value
    if element.coding is ElementCoding.DIGITS:
        return read_digits(data_object, element.limit, tolerated)
    text = read_text(data_object, tolerated)
    if not text:
        tolerated.append(
            Reason("{what}: data object {tag} is empty", what=what, tag=f"{element.tag:02X}")
        )
    return text


def _read_several(
    objects: tlv.DataObjects, element: Element, what: str, tolerated: list[str]
) -> tuple[str, ...] | None:
    template, bare = objects.get(_SEVERAL), objects.all(element.tag)
    if template is None and not bare:
        return None
    found = list(bare)
    if bare:
        tolerated.append(
            Reason(
                "{what}: data object {tag} is outside its template",
                what=what,
                tag=f"{element.tag:02X}",
            )
        )
    if template is not None:
        inside = template.children()
        found += inside.all(element.tag)
        check_count(inside, len(inside.all(element.tag)), what, tolerated)
        if len(inside.all(element.tag)) + len(inside.all(INSTANCES)) < len(inside):
            tolerated.append(
                Reason("{what}: template A0 holds data objects of another kind", what=what)
            )
    return tuple(text for each in found if (text := read_text(each, tolerated)))


def _tags(octets: bytes) -> Iterator[int]:
    """Yield the tags of a tag list: one octet each, or two if the first octet requires a second."""
    position = 0
    while position < len(octets):
        size = 2 if octets[position] & 0x1F == 0x1F else 1
        yield int.from_bytes(octets[position : position + size], "big")
        position += size
