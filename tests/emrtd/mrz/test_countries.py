import pytest

from emrtd.mrz.countries import (
    is_deprecated,
    is_issuing_authority,
    is_nationality,
    probably_meant,
    two_letter_code,
)


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


@pytest.mark.parametrize(
    ("code", "state", "nationality"),
    [
        ("GBR", True, True),
        ("D", True, True),
        ("RKS", True, True),
        ("GBN", True, True),
        ("EUE", True, True),
        ("UNK", True, True),
        ("XPO", True, True),
        ("XIM", True, True),
        ("XXA", False, True),
        ("XXX", False, True),
        ("ANT", False, False),
        ("NTZ", False, False),
        ("UTO", True, False),
        ("DEU", False, False),
        ("GB", False, False),
        ("XKX", False, False),
        ("ZAR", False, False),
        ("QQQ", False, False),
        ("IAO", False, False),
        ("", False, False),
    ],
)
def test_codes_of_new_documents(code: str, state: bool, nationality: bool) -> None:
    assert is_issuing_authority(code) is state
    assert is_nationality(code, "GBR") is nationality


def test_citizens_of_utopia_have_documents_of_utopia_only() -> None:
    assert is_nationality("UTO", "UTO")
    assert is_nationality("XXB", "UTO")
    assert not is_nationality("ANT", "UTO")
    assert (is_deprecated("ANT"), is_deprecated("NTZ"), is_deprecated("UTO")) == (True, True, False)


@pytest.mark.parametrize(
    ("code", "meant"),
    [("DEU", "D"), ("DE", "D"), ("GB", "GBR"), ("XKX", "RKS"), ("KS", "RKS"), ("ZAR", "COD"),
     ("ROM", "ROU"), ("FR", "FRA"), ("UN", "UNO"), ("UT", "UTO"), ("QQQ", None), ("AN", None),
     ("ANT", None)],
)  # fmt: skip
def test_a_code_of_another_list_has_one_of_this(code: str, meant: str | None) -> None:
    assert probably_meant(code) == meant
