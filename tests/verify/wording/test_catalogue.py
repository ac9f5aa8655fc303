"""The catalogue: the same texts with the same values in every language."""

import re
import string

import pytest

from emrtd.pki.findings import Outcome, Shows
from verify.desk.progress import Stage
from verify.desk.state import Remark, Trouble
from verify.inspection.events import AuthenticationProtocol
from verify.judging.check_ids import CHECK_IDS
from verify.judging.evidence import AccessControl
from verify.judging.opening_problem import OpeningCause
from verify.judging.report import Verdict
from verify.wording import ENGLISH, LANGUAGES, wording_in

OTHERS = [tag for tag in LANGUAGES if tag != "en"]


def values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_has_every_text_with_the_same_values(tag: str) -> None:
    other = wording_in(tag)
    assert list(other.texts) == list(ENGLISH.texts)
    for key, text in ENGLISH.texts.items():
        assert values(other.texts[key]) == values(text), key


@pytest.mark.parametrize("tag", OTHERS)
def test_a_text_is_translated_unless_it_is_a_name(tag: str) -> None:
    names = re.compile(
        r"code\.PL|state\.|protocol\.|month\.|facts\.(csca|ds|chip)|expiry\.|birth"
        r"|step\.not-proved"
    )
    same = [
        key
        for key, text in ENGLISH.texts.items()
        if wording_in(tag).texts[key] == text and text and not names.match(key)
    ]
    assert same == []


def test_every_value_of_the_code_has_a_text() -> None:
    keys = {f"check.{each}" for each in CHECK_IDS} | {f"next.{each}" for each in CHECK_IDS}
    keys |= {f"outcome.{each.value}" for each in Outcome}
    keys |= {f"shows.{each.value}" for each in Shows}
    keys |= {f"verdict.{each.value}" for each in Verdict} | {f"do.{each.value}" for each in Verdict}
    keys |= {f"stage.{each.value}" for each in Stage}
    keys |= {f"trouble.{each.value}.{part}" for each in Trouble for part in ("title", "text")}
    keys |= {f"remark.{each.value}" for each in Remark}
    keys |= {f"opening.{each.value}.{part}" for each in OpeningCause for part in ("title", "text")}
    keys |= {f"protocol.{each.value}" for each in AuthenticationProtocol}
    keys |= {f"control.{each.value}" for each in AccessControl}
    assert keys <= set(ENGLISH.texts)


def test_an_unknown_language_is_english() -> None:
    assert wording_in("fr") is ENGLISH


@pytest.mark.parametrize(
    ("iso", "english", "german"),
    [
        ("2031-11-21", "21 November 2031", "21. November 2031"),
        ("1990-03-XX", "March 1990, day unknown", "März 1990, Tag unbekannt"),
        ("1990-XX-XX", "1990, day and month unknown", "1990, Tag und Monat unbekannt"),
        ("XXXX-XX-XX", "XXXX-XX-XX", "XXXX-XX-XX"),
        ("without end", "without end", "without end"),
        ("991332", "991332", "991332"),
    ],
)
def test_dates(iso: str, english: str, german: str) -> None:
    assert ENGLISH.date(iso) == english
    assert wording_in("de").date(iso) == german


def test_numbers() -> None:
    assert ENGLISH.count("octets", 1) == "1 octet"
    assert ENGLISH.count("octets", 16254) == "16,254 octets"
    assert wording_in("de").count("octets", 16254) == "16.254 Oktette"
