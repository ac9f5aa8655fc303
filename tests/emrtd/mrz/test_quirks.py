"""Zones with elements of another form than the standard's."""

from datetime import date

import pytest

from emrtd.mrz import Mrz
from emrtd.mrz.quirks import quirks

ZONE = Mrz.build(
    "TD3", document_code="P", issuing_state="UTO", document_number="L898902C3", nationality="UTO",
    date_of_birth="740812", sex="F", date_of_expiry=date(2032, 4, 15), surname="Eriksson",
    given_names="Anna Maria",
)  # fmt: skip


def printed(name: str, value: str) -> Mrz:
    """Return the zone with other characters in the place of an element."""
    span = ZONE.layout.span(ZONE.layout.places[name])
    width = span.stop - span.start
    return Mrz.parse(ZONE.text[: span.start] + value.ljust(width, "<") + ZONE.text[span.stop :])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("issuing_state", "1TO", "the code of the issuing State is not 1 to 3 letters"),
        ("nationality", "U<O", "the code of the nationality is not 1 to 3 letters"),
        ("nationality", "", "the code of the nationality is not 1 to 3 letters"),
        ("names", "", "the name is missing"),
        ("sex", "Z", "the sex is neither F nor M nor <"),
        ("date_of_birth", "7A0812", "the date of birth is not a date"),
        ("date_of_birth", "741312", "the date of birth is not a date"),
        ("date_of_birth", "740230", "the date of birth is not a date"),
        ("date_of_birth", "7<0812", "the date of birth is not a date"),
        ("date_of_expiry", "3204<<", "the date of expiry is not a date"),
        ("date_of_expiry", "<<<<<<", "there is no date of expiry"),
        ("date_of_expiry", "320431", "the date of expiry is not a date"),
    ],
)
def test_an_element_of_another_form_is_a_quirk(name: str, value: str, says: str) -> None:
    assert quirks(printed(name, value)) == (says,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuing_state", "D"),
        ("nationality", "XXA"),
        ("sex", "<"),
        ("names", "ERIKSSON"),
        ("date_of_birth", "7408<<"),
        ("date_of_birth", "<<0812"),
        ("date_of_birth", "<<<<<<"),
        ("date_of_birth", "730229"),
    ],
)
def test_elements_that_the_standard_allows_are_not_quirks(name: str, value: str) -> None:
    assert quirks(printed(name, value)) == ()


def test_no_quirk_quotes_the_printed_value() -> None:
    assert "ERIKSSON" not in str(quirks(printed("sex", "Z")))
    assert "Z" not in str(quirks(printed("sex", "Z")))
