"""Characters that were probably misread, found by the check digits."""

import pytest

from emrtd.mrz import Mrz, check_digit
from emrtd.mrz.confusions import confusions
from tests.verify.documents import mrz

GOOD = mrz(document_number="ZU1B34560")


def found(text: str, name: str) -> list[tuple[int, int, str, str]]:
    zone = Mrz.parse(text)
    rule = next(rule for rule in zone.layout.checks if rule.name == name)
    return [
        (each.line, each.position, each.read, each.likely)
        for each in confusions(zone.layout, zone.text, rule)
    ]


def changed(line: int, position: int, character: str) -> str:
    at = (line - 1) * 30 + position - 1
    return GOOD.text[:at] + character + GOOD.text[at + 1 :]


@pytest.mark.parametrize(
    ("position", "read", "likely"), [(8, "I", "1"), (9, "8", "B"), (14, "O", "0"), (6, "2", "Z")]
)
def test_the_character_that_was_misread_is_among_the_likely(
    position: int, read: str, likely: str
) -> None:
    assert (1, position, read, likely) in found(changed(1, position, read), "document_number")


def test_every_exchange_corrects_the_check_digit() -> None:
    text = changed(1, 9, "8")
    for _, position, _, likely in found(text, "document_number"):
        corrected = text[: position - 1] + likely + text[position:]
        assert check_digit(corrected[5:14]) == corrected[14]


def test_a_letter_in_a_date_is_named_even_if_two_are_misread() -> None:
    zone = changed(2, 1, "g")
    text = zone[:31] + "O" + zone[32:]
    assert found(text, "date_of_birth") == [(2, 1, "G", "6"), (2, 2, "O", "0")]


def test_a_letter_in_place_of_the_check_digit_is_named() -> None:
    assert (2, 7, "B", "8") in found(changed(2, 7, "B"), "date_of_birth")


def test_a_digit_of_no_similar_shape_has_no_suggestion() -> None:
    wrong = "9" if GOOD.text[32] != "9" else "3"
    assert found(changed(2, 3, wrong), "date_of_birth") == []
