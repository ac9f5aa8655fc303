"""What the officer types: check digits while it is typed, and the passwords in it."""

import pytest

from support.errors import MisuseError
from tests.verify.documents import CAN, mrz
from verify.desk.typed import FieldState, Kind, look, read

ZONE = mrz()
LINES = "\n".join(ZONE.lines)
TD3 = mrz().build(
    "TD3", document_code="P", issuing_state="UTO", document_number="L898902C3", nationality="UTO",
    date_of_birth="740812", sex="F", date_of_expiry="120415", surname="Eriksson",
    given_names="Anna Maria",
)  # fmt: skip


def states(text: str) -> dict[str, str]:
    return {field.name: field.state.value for field in look(text).fields}


@pytest.mark.parametrize("text", [LINES, ZONE.text, LINES.lower(), LINES.replace("\n", "\r\n")])
def test_a_whole_zone_is_right(text: str) -> None:
    typed = look(text)
    assert typed.kind is Kind.ZONE
    assert typed.right
    assert len(typed.fields) == 4
    assert read(text).optical_mrz == ZONE.text


def test_a_passport_is_recognised_by_its_letter_and_by_its_lines() -> None:
    assert look("\n".join(TD3.lines)).right
    assert look(TD3.text[:60]).missing == 28
    assert look(TD3.lines[0] + "\n" + TD3.lines[1][:10]).missing == 34


def test_a_zone_without_line_breaks_is_one_format_from_beginning_to_end() -> None:
    for length in range(1, 90):
        typed = look(ZONE.text[:length])
        assert typed.missing == 90 - length, length
        assert FieldState.WRONG not in {field.state for field in typed.fields}
    for length in range(1, 88):
        assert look(TD3.text[:length]).missing == 88 - length


def test_a_zone_of_two_lines_of_36_is_recognised_when_it_is_whole() -> None:
    two = mrz().build(
        "TD2", document_code="I", issuing_state="UTO", document_number="D23145890",
        nationality="UTO", date_of_birth="740812", sex="F", date_of_expiry="120415",
        surname="Eriksson", given_names="Anna Maria",
    )  # fmt: skip
    assert look(two.text).right
    assert look("\n".join(two.lines)).right
    assert look(two.lines[0] + "\n" + two.lines[1][:5]).missing == 31


def test_a_field_is_checked_as_soon_as_its_digit_is_typed() -> None:
    assert set(states(ZONE.text[:14]).values()) == {"incomplete"}
    assert states(ZONE.text[:15])["document_number"] == "right"
    wrong = ZONE.text[:8] + "I" + ZONE.text[9:15]
    assert states(wrong)["document_number"] == "wrong"


def test_a_wrong_digit_names_its_field_and_the_likely_character() -> None:
    at = ZONE.text.index("1", 5)
    text = ZONE.text[:at] + "I" + ZONE.text[at + 1 :]
    typed = look(text)
    assert typed.complete
    assert not typed.right
    fields = {field.name: field for field in typed.fields}
    assert fields["document_number"].state is FieldState.WRONG
    assert (1, at + 1, "I", "1") in {
        (each.line, each.position, each.read, each.likely)
        for each in fields["document_number"].confusions
    }
    assert fields["date_of_birth"].state is FieldState.RIGHT


def test_a_number_of_more_than_nine_characters() -> None:
    long = mrz(document_number="D23145890734")
    assert look("\n".join(long.lines)).right
    assert states(long.text[:20])["document_number"] == "right"  # not known before the end


@pytest.mark.parametrize(("text", "complete"), [("1", False), ("12345", False), (CAN, True)])
def test_digits_are_a_can(text: str, complete: bool) -> None:
    assert (look(text).kind, look(text).complete) == (Kind.CAN, complete)


def test_three_fields() -> None:
    assert look("ZU1234567,900131,311121").complete
    assert not look("ZU1234567,900131").complete
    assert read("ZU1234567,900131,311121").credentials.mrz is not None


def test_a_strange_character_is_named_by_its_position() -> None:
    assert look("IRUTO#").strange == 6
    assert look("IRUTOÄ").strange == 6


def test_too_long_and_empty() -> None:
    assert look(ZONE.text + "<").missing == -1
    assert look(" \n").kind is Kind.EMPTY
    for text in ("", "12345", "IR", "A" * 500):
        with pytest.raises(MisuseError):
            read(text)


def test_an_error_does_not_repeat_the_text() -> None:
    with pytest.raises(MisuseError) as caught:
        read("IRUTOZU1234567")
    assert "ZU1234567" not in str(caught.value)


def test_what_was_given_does_not_show_itself() -> None:
    assert CAN not in repr(read(CAN))
    assert "ZU1234567" not in repr(read(LINES))
