import pytest

from emrtd.mrz.countries import two_letter_code


@pytest.mark.parametrize(
    ("three", "two"),
    [("GBR", "GB"), ("D<<", "DE"), ("D", "DE"), ("UTO", "UT"), ("RKS", "KS"), ("UNO", "UN"),
     ("CHE", "CH"), ("ZWE", "ZW"), ("ABW", "AW"), ("EUE", "EU")],
)  # fmt: skip
def test_codes_of_doc_9303_3_clause_5(three: str, two: str) -> None:
    assert two_letter_code(three) == two


@pytest.mark.parametrize("code", ["", "XPO", "DEU", "GB", "gbr", "<<<"])
def test_a_code_without_a_two_letter_code_gives_none(code: str) -> None:
    assert two_letter_code(code) is None
