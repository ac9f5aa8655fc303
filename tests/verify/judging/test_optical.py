import pytest

from support.errors import MisuseError
from verify.judging.optical import information_of, read_optical_mrz, whole_mrz

TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
INFORMATION = "D231458907" + "7408122" + "1204159"


@pytest.mark.parametrize(
    "text",
    [
        "".join(TD1),
        "\n".join(TD1),
        "\r\n".join(TD1) + "\r\n",
        " \n".join(f"  {line} " for line in TD1),
        "\n".join(TD1).lower(),
    ],
)
def test_the_printed_mrz_is_read_in_any_layout(text: str) -> None:
    optical = read_optical_mrz(text)
    assert optical == "".join(TD1)
    assert information_of(optical) == INFORMATION
    assert whole_mrz(optical) is not None


@pytest.mark.parametrize("text", ["D23145890,740812,120415", " d23145890, 740812 ,120415\n"])
def test_the_three_fields_are_read_as_mrz_information(text: str) -> None:
    optical = read_optical_mrz(text)
    assert optical == INFORMATION
    assert information_of(optical) == INFORMATION
    assert whole_mrz(optical) is None


def test_a_short_document_number_is_padded_and_a_long_one_kept() -> None:
    assert read_optical_mrz("L898902C,690806,940623") == "L898902C<369080619406236"
    # Doc 9303-11, D.2: a document number of more than nine characters
    assert read_optical_mrz("D23145890734,340712,950712") == "D23145890734934071279507122"


def test_the_three_fields_of_a_document_without_end() -> None:
    assert read_optical_mrz("L898902C,690806,<<<<<<") == "L898902C<369080619406236"[:17] + "<<<<<<0"


@pytest.mark.parametrize(
    "text",
    ["", "X", "D23145890,740812", "<" * 89, "L898902C;690806;940623", "L898902C,690806,9406<<"],
)
def test_other_text_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(MisuseError, match="NUMBER,YYMMDD,YYMMDD") as caught:
        read_optical_mrz(text)
    assert len(text) < 2 or text not in str(caught.value)
