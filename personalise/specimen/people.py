"""Invented holders of invented permits.  The names are fictitious, most of them obviously."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, auto, unique
from random import Random
from typing import Final

MAX_DAYS_ISSUED_EARLIER: Final = 60

_FEMALE: Final = (
    "Ada",
    "Belinda",
    "Clara",
    "Delia",
    "Edda",
    "Flora",
    "Greta",
    "Hanna",
    "Ilse",
    "Junia",
    "Livia",
    "Minna",
    "Norma",
    "Odette",
    "Petra",
    "Rosa",
    "Selma",
    "Thea",
    "Ursa",
    "Vera",
)
_MALE: Final = (
    "Alban",
    "Bruno",
    "Cyril",
    "Dario",
    "Emil",
    "Felix",
    "Gustav",
    "Hugo",
    "Igor",
    "Jonas",
    "Kaspar",
    "Linus",
    "Magnus",
    "Nestor",
    "Oskar",
    "Pavel",
    "Quentin",
    "Ruben",
    "Silas",
    "Tobias",
)
_SURNAMES: Final = (
    "Sampleton",
    "Exemplar",
    "Fictwood",
    "Mockridge",
    "Placeholm",
    "Demoworth",
    "Nonesuch",
    "Proofgate",
    "Dummont",
    "Testwell",
    "Inventson",
    "Phantomly",
    "Makebeliev",
    "Nowherian",
    "Imaginsky",
    "Specimenov",
    "Neverborn",
    "Papergate",
    "Utopiades",
    "Pretendal",
)
_PLACES: Final = ("Amaurot", "Aircastle", "Nephelococcygia", "Erewhon", "Ruritania", "Cockaigne")
_AUTHORITIES: Final = ("UTOPIA RESIDENCE OFFICE", "AMAUROT IMMIGRATION BUREAU")


@unique
class Variation(Enum):
    """How an application differs from the plainest one; all variations are ordinary input."""

    NONE = auto()
    CYRILLIC = auto()
    ONE_NAME = auto()
    LONG_NAME = auto()
    MISSING_FINGER = auto()
    ARABIC = auto()
    LONG_NUMBER = auto()
    BIRTH_DAY_UNKNOWN = auto()
    ACCENTS = auto()
    SEX_UNSPECIFIED = auto()
    BIRTH_DATE_UNKNOWN = auto()
    NO_FINGERS = auto()


_NAMES: Final = {
    Variation.CYRILLIC: (
        ("Примерова", "Ольга Образцовна", "F"),
        ("Выдумкин", "Щукарь", "M"),
        ("Небывалова", "Ёлка Юрьевна", "F"),
        ("Понарошкин", "Фёдор", "M"),
    ),
    Variation.ARABIC: (
        ("النموذجي", "مثال بن عيّنة", "M"),
        ("الافتراضية", "نجمة", "F"),
        ("المثالي", "خيال عبد الوهم", "M"),
    ),
    Variation.ONE_NAME: (
        ("Solitaria", "", "F"), ("Mononymus", "", "M"), ("Unica", "", "F"), ("Onlyone", "", "M"),
    ),
    Variation.LONG_NAME: (
        ("Wolkenkuckucksheim von Hohenbeispiel-Musterhausen", "Maximiliane Alexandrina Petronella",
         "F"),
        ("Placeholderopoulos-Lengthington Overflowby", "Bartholomew Constantine Octavian", "M"),
        ("Nilavadhexamplananda", "Chayaspecimen Dejtestrong Krasample", "M"),
    ),
    Variation.ACCENTS: (
        ("O’Löblich-Ñandú", "Zoë", "F"), ("Örnekoğlu", "Şakir Çağın", "M"),
        ("Przykładowska-Łoś", "Żaneta", "F"), ("Eksempel Ødegård", "Åse", "F"),
        ("D’Échantillon", "Gaëtan", "M"),
    ),
}  # fmt: skip

_REASONS: Final = ("bandaged", "amputated", "skin condition", "cannot be captured")
_CATEGORIES: Final = (
    (
        "SKILLED WORKER",
        True,
        "restricted",
        True,
        False,
        ("Only for the sponsor named in the grant",),
    ),
    ("STUDENT", True, "restricted", True, False, ("Work up to 20 hours a week in term time",)),
    ("FAMILY MEMBER", True, "permitted", True, False, ()),
    ("SETTLEMENT", True, "permitted", True, True, ()),
    ("SEASONAL WORKER", True, "restricted", False, False, ("Horticulture only", "No extension")),
    ("REFUGEE", True, "permitted", True, True, ("Convention of 28 July 1951",)),
)


@dataclass(frozen=True, repr=False)
class SpecimenApplicant:
    """The data of one specimen application, without the images.

    `born` is YYYY-MM-DD, with 00 or XX for unknown parts.  `fingers` are pairs of a position and
    the reason why there is no print, None if there is one.
    """

    variation: Variation
    surname: str
    given_names: str
    sex: str
    feminine: bool
    age: int
    born: str
    number: str
    personal_number: str
    nationality: str
    place_of_birth: str
    authority: str
    issued: date
    expires: date
    permit: dict[str, object]
    fingers: tuple[tuple[str, str | None], ...] = field(default=())

    @property
    def name_in_full(self) -> str:
        """Surname and given names, in their original script."""
        return f"{self.surname}, {self.given_names}" if self.given_names else self.surname


def make_up(index: int, lots: Random, latest: date) -> SpecimenApplicant:
    """Return an invented holder with a permit issued on `latest` or in the two months before.

    `index` 0 is the plainest application; every twelve consecutive ones have each variation once.
    """
    variation = list(Variation)[index % len(Variation)]
    feminine = lots.random() < 0.5
    given, surname = lots.choice(_FEMALE if feminine else _MALE), lots.choice(_SURNAMES)
    if variation in _NAMES:
        surname, given, sex = lots.choice(_NAMES[variation])
        feminine = sex == "F"
    elif lots.random() < 0.35:
        second = lots.choice(_FEMALE if feminine else _MALE)
        given = given if second == given else f"{given} {second}"
    issued = latest - timedelta(days=lots.randrange(MAX_DAYS_ISSUED_EARLIER))
    age = round(lots.triangular(19, 78, 32))
    born = issued - timedelta(days=age * 365 + age // 4 + lots.randrange(1, 360))
    plain = variation is Variation.NONE
    category = _CATEGORIES[0] if plain else lots.choice(_CATEGORIES)
    refugee = category[0] == "REFUGEE"
    return SpecimenApplicant(
        variation=variation,
        surname=surname,
        given_names=given,
        sex=_sex(variation, feminine=feminine),
        feminine=feminine,
        age=age,
        born=_born(variation, born),
        number=_number(variation, lots),
        personal_number=f"{lots.randrange(10**10):010}",
        nationality="XXB" if refugee else lots.choice(("UTO", "UTO", "UTO", "XXA", "XXX")),
        place_of_birth=lots.choice(_PLACES).upper(),
        authority=lots.choice(_AUTHORITIES),
        issued=issued,
        expires=_years_later(issued, 5),
        permit=_permit(category, issued, lots),
        fingers=_fingers(variation, lots),
    )


def _sex(variation: Variation, *, feminine: bool) -> str:
    if variation is Variation.SEX_UNSPECIFIED:
        return "X"
    return "F" if feminine else "M"


def _born(variation: Variation, born: date) -> str:
    if variation is Variation.BIRTH_DAY_UNKNOWN:
        return f"{born.year}-{born.month:02}-00" if born.day % 2 else f"{born.year}-00-00"
    if variation is Variation.BIRTH_DATE_UNKNOWN:
        return "XXXX-XX-XX"
    return born.isoformat()


def _number(variation: Variation, lots: Random) -> str:
    number = f"ZU{lots.randrange(10**7):07}"
    if variation is Variation.LONG_NUMBER:
        return number + f"{lots.randrange(10**5):05}"
    return number


def _permit(
    category: tuple[str, bool, str, bool, bool, tuple[str, ...]], issued: date, lots: Random
) -> dict[str, object]:
    name, stay, work, study, public_funds, remarks = category
    permit: dict[str, object] = {"category": name, "valid_from": issued.isoformat()}
    if name != "SETTLEMENT":  # a settlement permit has no end
        years = lots.choice((1, 2, 3, 5))
        permit["valid_until"] = (_years_later(issued, years) - timedelta(days=1)).isoformat()
    return permit | {
        "stay": stay,
        "work": work,
        "study": study,
        "public_funds": public_funds,
        "remarks": list(remarks),
    }


def _fingers(variation: Variation, lots: Random) -> tuple[tuple[str, str | None], ...]:
    if variation is Variation.NO_FINGERS:
        return tuple((f"{hand}-index", lots.choice(_REASONS)) for hand in ("right", "left"))
    if variation is Variation.MISSING_FINGER:
        hand = lots.choice(("right", "left"))
        other = "left" if hand == "right" else "right"
        return ((f"{other}-index", None), (f"{hand}-index", lots.choice(_REASONS)))
    return (("right-index", None), ("left-index", None))


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
