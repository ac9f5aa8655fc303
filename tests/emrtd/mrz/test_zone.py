from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.mrz import Mrz, MrzFormat, check_digit
from emrtd.mrz.layout import LAYOUTS
from support.errors import MalformedError, MisuseError
from tests.helpers import facts

PARTS: dict[str, Any] = {
    "document_code": "IR",
    "issuing_state": "UTO",
    "document_number": "ZU1234567",
    "nationality": "UTO",
    "date_of_birth": "900131",
    "sex": "F",
    "date_of_expiry": "311121",
    "surname": "Example",
    "given_names": "Ann",
}
NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ -'", min_size=1, max_size=60).filter(
    lambda name: any(letter.isalpha() for letter in name)
)


def build(format_: str = "TD1", **changes: Any) -> Mrz:
    return Mrz.build(format_, **(PARTS | changes))


def documents() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts("mrz/mrz_examples.json")["documents"]
    assert len(found) >= 13
    return found


def test_published_zones_parse_and_their_check_digits_are_checked() -> None:
    for example in documents():
        mrz = Mrz.parse("\n".join(example["lines"]))
        assert mrz.format == example["format"], example["id"]
        assert mrz.lines == tuple(example["lines"])
        assert mrz.document_number == example["document_number"]
        wrong = {each.name for each in mrz.check_digits() if not each.correct}
        expected = {name for name, each in example["check_digits"].items() if not each["ok"]}
        assert wrong == expected, example["id"]


def test_published_zones_are_built_again_with_the_misprinted_digits_corrected() -> None:
    for example in documents():
        mrz = Mrz.parse("".join(example["lines"]))
        again = Mrz.build(
            mrz.format,
            document_code=mrz.document_code,
            issuing_state=mrz.issuing_state,
            document_number=mrz.document_number,
            nationality=mrz.nationality,
            date_of_birth=mrz.date_of_birth,
            sex=mrz.sex,
            date_of_expiry=mrz.date_of_expiry,
            surname=mrz.surname,
            given_names=mrz.given_names,
            optional_data=mrz.optional_data,
            optional_data_2=mrz.optional_data_2,
        )
        if example["all_ok"]:
            assert again.text == mrz.text, example["id"]
        else:
            assert [c.computed for c in mrz.check_digits()] == [
                c.printed for c in again.check_digits()
            ]


def test_check_digits_of_part_3_appendix_a() -> None:
    assert check_digit("520727") == "3"
    assert check_digit("AB2134<<<") == "5"


def test_information_of_part_11_appendix_d_2() -> None:
    by_id = {example["id"]: Mrz.parse("".join(example["lines"])) for example in documents()}
    assert by_id["td2_long_number"].information == "D23145890734934071279507122"
    assert by_id["td1_long_number"].information == "D23145890734934071279507122"
    assert by_id["td2_bac_doc"].information == "L898902C<369080619406236"
    assert by_id["td1_bac_doc"].information == "L898902C<369080619406236"


@given(
    st.sampled_from(MrzFormat),
    st.text("ABCXYZ0189", min_size=1, max_size=22),
    NAMES,
    st.one_of(st.just(""), NAMES),
    st.sampled_from(["900131", "90<<<<", "<<<<<<", "9001<<"]),
    st.sampled_from("FMX"),
    st.text("ABC019", max_size=15),
)
def test_a_built_zone_parses_to_its_elements(
    format_: MrzFormat, number: str, surname: str, given: str, born: str, sex: str, optional: str
) -> None:
    code = "V" if format_.startswith("MRV") else "I"
    try:
        mrz = build(
            format_,
            document_code=code,
            document_number=number,
            surname=surname,
            given_names=given,
            date_of_birth=born,
            sex=sex,
            optional_data=optional,
        )
    except MisuseError:  # only a lack of room may be the reason
        assert len(number) > 9 or len(optional) > LAYOUTS[format_].room("optional_data")
        return
    again = Mrz.parse("\n".join(mrz.lines))
    assert again == mrz
    assert again.document_number == number
    assert again.date_of_birth == born
    assert again.sex == sex
    assert again.optional_data == optional
    assert all(each.correct for each in again.check_digits())
    assert len(mrz.printed("names")) == LAYOUTS[format_].room("names")


@given(st.one_of(st.text(max_size=100), st.text("ABC0189<V\n", min_size=72, max_size=92)))
def test_any_text_parses_or_is_malformed(text: str) -> None:
    try:
        mrz = Mrz.parse(text)
    except MalformedError:
        return
    assert mrz.information
    assert len(mrz.text) in {72, 88, 90}
    for name in ("document_number", "surname", "given_names", "optional_data", "optional_data_2"):
        assert set(getattr(mrz, name)) <= {*mrz.text, " "}
    assert all(len(each.printed) == len(each.computed) == 1 for each in mrz.check_digits())


def test_every_wrong_check_digit_is_found() -> None:
    mrz = build()
    for each in mrz.check_digits():
        assert each.correct
    text = mrz.text.replace("900131", "900132")
    wrong = {each.name for each in Mrz.parse(text).check_digits() if not each.correct}
    assert wrong == {"date_of_birth", "composite"}


def test_the_longest_document_numbers() -> None:
    assert build("TD1", document_number="A" * 22).document_number == "A" * 22
    assert build("TD2", document_number="A" * 14).document_number == "A" * 14
    for format_, length in (("TD1", 23), ("TD2", 15), ("TD3", 10), ("MRV-A", 10)):
        with pytest.raises(MisuseError, match="document number has"):
            build(format_, document_number="A" * length)


def test_optional_data_follow_a_long_number() -> None:
    mrz = build("TD1", document_number="D23145890734", optional_data="XY")
    assert mrz.lines[0] == "IRUTOD23145890<7349<XY<<<<<<<<"
    assert (mrz.document_number, mrz.optional_data) == ("D23145890734", "XY")


LONG_TD1 = "IRUTO{}9001317F3111214UTO<<<<<<<<<<<0EXAMPLE<<ANN<<<<<<<<<<<<<<<<<<"
"""A TD1 with room for the document number, its check digit and the optional data (25)."""


@pytest.mark.parametrize(
    ("printed", "number", "optional", "information", "printed_digit"),
    [
        ("D23145890<7349<", "D23145890734", "", "D231458907349", "9"),
        # A check digit at its place: the optional data are no part of the number.
        ("D231458907349<<", "D23145890", "349", "D231458907", "7"),
        # A number that is shorter than its field does not continue.
        ("D2314589<<7349<", "D2314589", "7349", "D2314589<<", "<"),
        # One character is a check digit without a character of the number before it.
        ("D23145890<7<<<<", "D23145890", "7", "D23145890<", "<"),
        # Optional data that begin with a filler have no continuation.
        ("D23145890<<7349", "D23145890", "<7349", "D23145890<", "<"),
        ("D23145890<<<<<<", "D23145890", "", "D23145890<", "<"),
    ],
    ids=["long", "digit in its place", "short", "digit alone", "filler first", "no optional data"],
)
def test_when_a_document_number_is_long(
    printed: str, number: str, optional: str, information: str, printed_digit: str
) -> None:
    """A filler stands for the check digit, and the rest follows (Doc 9303-5, 4.2.2.2, note j)."""
    mrz = Mrz.parse(LONG_TD1.format(printed.ljust(25, "<")))
    digit = next(each for each in mrz.check_digits() if each.name == "document_number")
    assert (mrz.document_number, mrz.optional_data) == (number, optional)
    assert mrz.information == f"{information}90013173111214"
    assert digit.printed == printed_digit
    assert digit.correct is (printed_digit != "<")


def test_a_number_of_a_td3_is_never_long() -> None:
    """Its optional data have a check digit of their own (Doc 9303-4, 4.2.2.2)."""
    mrz = build("TD3", document_code="P", document_number="D23145890", optional_data="7349")
    changed = Mrz.parse(mrz.text[:53] + "<" + mrz.text[54:])
    assert (changed.document_number, changed.optional_data) == ("D23145890", "7349")


def test_a_number_of_nine_characters_has_its_check_digit_behind_it() -> None:
    assert build("TD1", document_number="D23145890").lines[0] == "IRUTOD231458907<<<<<<<<<<<<<<<"
    assert build("TD1", document_number="D231458907").lines[0] == "IRUTOD23145890<76<<<<<<<<<<<<<"


def test_a_long_number_cannot_contain_a_filler() -> None:
    with pytest.raises(MisuseError, match="cannot contain a filler"):
        build("TD1", document_number="D23145890 7")


@pytest.mark.parametrize(
    ("optional", "digit", "correct"),
    [("", "<", True), ("", "0", True), ("", "1", False), ("ABC", "<", False), ("0", "<", False)],
)
def test_a_filler_is_the_check_digit_of_unused_optional_data_only(
    optional: str, digit: str, correct: bool
) -> None:
    """Doc 9303-4, 4.2.2.2, position 43: zero or a filler, at the option of the State."""
    text = build("TD3", document_code="P", optional_data=optional).text
    changed = Mrz.parse(text[:86] + digit + text[87:])
    found = {each.name: each.correct for each in changed.check_digits()}
    assert found["optional_data"] is correct


def test_a_filler_is_no_other_check_digit() -> None:
    text = build("TD3", document_code="P").text
    for place, name in ((53, "document_number"), (63, "date_of_birth"), (71, "date_of_expiry")):
        changed = Mrz.parse(text[:place] + "<" + text[place + 1 :])
        assert name in {each.name for each in changed.check_digits() if not each.correct}


def test_a_filler_is_not_the_check_digit_of_an_unknown_date() -> None:
    text = build("TD3", document_code="P", date_of_birth="<<<<<<").text
    changed = Mrz.parse(text[:63] + "<" + text[64:])
    assert "date_of_birth" in {each.name for each in changed.check_digits() if not each.correct}


def test_every_check_digit_beside_a_long_number_is_checked() -> None:
    mrz = build(document_number="D23145890734")
    assert all(each.correct for each in mrz.check_digits())
    for place, name in ((36, "date_of_birth"), (44, "date_of_expiry"), (59, "composite")):
        digit = "0" if mrz.text[place] != "0" else "1"
        changed = Mrz.parse(mrz.text[:place] + digit + mrz.text[place + 1 :])
        assert name in {each.name for each in changed.check_digits() if not each.correct}


@pytest.mark.parametrize("sex", ["<", ""])
def test_a_sex_left_blank_is_not_specified(sex: str) -> None:
    assert build(sex=sex).sex == "X"


def test_a_date_is_printed_with_two_digits_of_its_year() -> None:
    assert build(date_of_birth=date(1908, 2, 3)).date_of_birth == "080203"


@pytest.mark.parametrize("character", ["*", "-", "/", "é", "ß", "\u0660"])
def test_a_character_that_the_zone_does_not_have_is_malformed(character: str) -> None:
    """Small letters are read, and no other letter becomes one of the zone's by that."""
    text = build().text
    assert Mrz.parse(text.lower()) == build()
    with pytest.raises(MalformedError, match="other than A to Z") as caught:
        Mrz.parse(text[:7] + character + text[8:])
    assert caught.value.offset == 7


def test_sex_not_specified_is_a_filler() -> None:
    assert build(sex="X").lines[1][7] == "<"
    assert build(sex="X").sex == "X"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("document_number", "", "document number is empty"),
        ("document_number", "ÅÄÖ", "other than A to Z"),
        ("date_of_birth", "9001311", "not YYMMDD"),
        ("sex", "female", "not F, M or X"),
        ("surname", "", "single name of a holder as the surname"),
        ("surname", "!!!", "no letters after transliteration"),
        ("surname", "山田", "does not transliterate"),
        ("surname", "R2D2", "digit"),
        ("nationality", "UTOPIA", "3 fit"),
    ],
)
def test_elements_that_cannot_be_printed_are_refused(field: str, value: str, says: str) -> None:
    changes = {field: value} | ({"given_names": ""} if field == "surname" else {})
    with pytest.raises(MisuseError, match=says) as refusal:
        build(**changes)
    assert not value or value not in str(refusal.value)


def test_no_repr_or_str_contains_personal_data() -> None:
    mrz = build()
    assert "EXAMPLE" not in repr(mrz)
    assert "EXAMPLE" not in f"{mrz}"
    assert "ZU123" not in repr(mrz)
