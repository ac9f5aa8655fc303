from datetime import date

import pytest

from emrtd.mrz.document_codes import objection_to_passport_code

Y2025, Y2026, Y2028 = date(2025, 12, 31), date(2026, 1, 1), date(2028, 1, 1)
LAST = date(2037, 12, 31)


@pytest.mark.parametrize("code", ["PP", "PE", "PD", "PO", "PR", "PT", "PS", "PL", "PM", "PU"])
def test_harmonized_codes_are_always_allowed(code: str) -> None:
    assert objection_to_passport_code(code, Y2028, None) is None


@pytest.mark.parametrize(
    ("code", "issued", "expires", "says"),
    [
        ("PN", Y2025, LAST, None),
        ("PN", Y2026, LAST, "is not harmonized"),
        ("PN", Y2028, LAST, "is not harmonized"),
        ("P", date(2027, 12, 31), LAST, None),
        ("P<", date(2027, 12, 31), LAST, None),
        ("P", Y2028, LAST, "has no second letter"),
        ("P", Y2026, date(2038, 1, 1), "before 2038"),
        ("PN", Y2025, date(2038, 1, 1), "before 2038"),
        ("P", Y2026, None, "before 2038"),
    ],
)
def test_other_codes_depend_on_the_dates(
    code: str, issued: date, expires: date | None, says: str | None
) -> None:
    objection = objection_to_passport_code(code, issued, expires)
    assert objection is None if says is None else says in (objection or "")
