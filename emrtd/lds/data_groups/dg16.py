"""DG16: persons to notify (Doc 9303-10, 4.7.16)."""

from typing import Final, Self

from emrtd import tlv
from emrtd.lds.content import FileContent
from emrtd.lds.values import (
    INSTANCES,
    Other,
    check_count,
    digit_octets,
    others,
    read_digits,
    read_text,
    text_octets,
)
from support.errors import MalformedError, MisuseError
from support.reasons import Reason
from support.values import Undisclosed

MAX_PERSONS: Final = 15
"""The templates have the tags A1 to AF."""

_TAG: Final = 0x70
_RECORDED, _NAME, _TELEPHONE, _ADDRESS = 0x5F50, 0x5F51, 0x5F52, 0x5F53
_TEMPLATES: Final = range(0xA0, 0xB0)


class PersonToNotify(Undisclosed, frozen=True):
    """One person; None means that the element is absent.

    `recorded_on` is YYYYMMDD; `name` is coded with fillers as in the MRZ, untruncated; parts of
    `address` are separated by `<`.
    """

    recorded_on: str | None
    name: str | None
    telephone: str | None
    address: str | None
    other: Other = ()


class DataGroup16(FileContent, frozen=True):
    """DG16: one or more persons to notify in an emergency."""

    persons: tuple[PersonToNotify, ...]
    other: Other = ()

    @classmethod
    def _decode(cls, octets: bytes) -> Self:
        tolerated: list[str] = []
        objects = tlv.read_expected(octets, _TAG, "DG16").children()
        templates = [each for each in objects if each.tag in _TEMPLATES]
        if len(templates) > MAX_PERSONS:
            raise MalformedError(
                "DG16",
                Reason(
                    "holds {count} persons; at most {max_persons} are allowed",
                    count=len(templates),
                    max_persons=MAX_PERSONS,
                ),
            )
        check_count(objects, len(templates), "DG16", tolerated)
        if [each.tag for each in templates] != [0xA1 + n for n in range(len(templates))]:
            tolerated.append("DG16: the templates are not tagged A1, A2, ... in order")
        persons = tuple(_read_person(each, tolerated) for each in templates)
        other = others(objects, INSTANCES, *_TEMPLATES)
        return cls(persons, other, tolerated=tuple(tolerated))

    def _encode(self) -> bytes:
        if not 1 <= len(self.persons) <= MAX_PERSONS:
            raise MisuseError(f"DG16: holds 1 to {MAX_PERSONS} persons, not {len(self.persons)}")
        return tlv.encode(
            _TAG,
            tlv.encode(INSTANCES, bytes((len(self.persons),))),
            *(_person(0xA1 + number, person) for number, person in enumerate(self.persons)),
            *(tlv.encode(tag, value) for tag, value in self.other),
        )


def _read_person(template: tlv.DataObject, tolerated: list[str]) -> PersonToNotify:
    objects = template.children()

    def text(tag: int) -> str | None:
        found = objects.get(tag)
        return None if found is None else read_text(found, tolerated)

    recorded = objects.get(_RECORDED)
    return PersonToNotify(
        None if recorded is None else read_digits(recorded, 8, tolerated),
        text(_NAME),
        text(_TELEPHONE),
        text(_ADDRESS),
        others(objects, _RECORDED, _NAME, _TELEPHONE, _ADDRESS),
    )


def _person(tag: int, person: PersonToNotify) -> bytes:
    parts = []
    if person.recorded_on is not None:
        parts.append(tlv.encode(_RECORDED, digit_octets("DG16 date", person.recorded_on, 8)))
    for each, text in (
        (_NAME, person.name),
        (_TELEPHONE, person.telephone),
        (_ADDRESS, person.address),
    ):
        if text is not None:
            parts.append(tlv.encode(each, text_octets("DG16", text, 999)))
    return tlv.encode(tag, *parts, *(tlv.encode(each, value) for each, value in person.other))
