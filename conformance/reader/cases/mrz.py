"""Unit LDS_B: the machine readable zone in DG1, and on the data page."""

from datetime import date
from typing import Final

from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.chips import Octets
from conformance.reader.documents import data_groups, in_years
from conformance.reader.edits import TAG_AND_LENGTH
from emrtd import tlv
from emrtd.mrz import Mrz, check_digit

UNIT: Final = Unit()
FIRST: Final = "PPUTOMUSTERMANN<<ERIKA<MARIA"
NONE: Final = "<" * 14


def passport(
    at: Workshop,
    first: str = FIRST,
    *,
    number: str = "ZU1234567",
    nationality: str = "UTO",
    birth: str = "900131",
    sex: str = "F",
    expiry: str = "",
    optional: str = NONE,
    **digits: str,
) -> Mrz:
    """Return a TD3 with correct check digits, except for those that are given in `digits`."""

    def digit(name: str, over: str) -> str:
        return digits.get(name, check_digit(over))

    expires: date = in_years(at.at, 5)
    expiry = expiry or f"{expires:%y%m%d}"
    optional = optional.ljust(14, "<")
    empty = "<" if optional == NONE else check_digit(optional)
    line = (
        number + digit("of_number", number) + nationality + birth + digit("of_birth", birth) + sex
        + expiry + digit("of_expiry", expiry) + optional + digits.get("of_optional", empty)
    )  # fmt: skip
    composite = digit("of_all", line[:10] + line[13:20] + line[21:43])
    return Mrz.parse(first.ljust(44, "<") + line + composite)


def _zone(**elements: str) -> Make:
    return lambda at: at.presented(mrz=passport(at, **elements))


for _id, _elements in (
    ("01", {"optional": "ABC123"}),
    ("02", {"first": "PPUTOMUSTERMANN<<ERIKA<M"}),
    ("03", {"first": "PPUTOMUSTERMANN"}),
    ("04", {"of_optional": "0"}),
    ("25", {"birth": "9001<<"}),
    ("26", {"birth": "90<<31"}),
    ("27", {"birth": "<<0131"}),
    ("28", {"birth": "<<<<<<"}),
):
    UNIT.good(f"LDS_B_{_id}")(_zone(**_elements))

for _id, _elements in (
    ("13", {"of_number": "0"}),
    ("17", {"of_birth": "9"}),
    ("21", {"of_expiry": "x"}),
    ("22", {"optional": "ABC123", "of_optional": "0"}),
    ("23", {"of_all": "x"}),
):

    def _wrong(at: Workshop, elements: dict[str, str] = _elements) -> Presented:
        """Check digits that depend on the date of the run are made wrong for it."""
        right = passport(at, **{name: text for name, text in elements.items() if text != "x"})
        own = {"of_expiry": right.text[44 + 27], "of_all": right.text[-1]}
        wrong = {
            name: str((int(own[name]) + 1) % 10) if text == "x" else text
            for name, text in elements.items()
        }
        return at.presented(mrz=passport(at, **wrong))

    UNIT.bad(f"LDS_B_{_id}", "mrz.check-digits")(_wrong)

for _id, _elements in (
    ("08", {"first": "X<UTOMUSTERMANN<<ERIKA"}),
    ("09", {"first": "PP1TOMUSTERMANN<<ERIKA"}),
    ("10", {"first": "PPUTO"}),
    ("14", {"nationality": "1TO"}),
    ("15", {"birth": "9A0131"}),
    ("16", {"birth": "901331"}),
    ("18", {"sex": "Z"}),
    ("19", {"expiry": "3A1121"}),
    ("20", {"expiry": "991341"}),
):
    UNIT.bad(f"LDS_B_{_id}", "lds.structure", "ds.profile", "document.expired")(_zone(**_elements))


def _printed(**elements: str) -> Make:
    """The data page is another than DG1."""
    return lambda at: at.presented(mrz=passport(at), page=passport(at, **elements))


UNIT.bad("LDS_B_11", "mrz.matches-optical")(_printed(first="PPUTOMUSTERFRAU<<ERIKA<MARIA"))
UNIT.bad("LDS_B_12", "mrz.matches-optical")(_printed(number="ZU7654321"))


def _malformed(change: Octets) -> Make:
    return lambda at: at.presented(more={1: change(data_groups(at.how())[1])})


for _number, _octets in enumerate(TAG_AND_LENGTH, 5):
    UNIT.bad(f"LDS_B_0{_number}", "lds.structure", "dg.hash")(_malformed(_octets))
UNIT.bad("LDS_B_24", "lds.structure")(_malformed(lambda _: tlv.encode(0x61)))
