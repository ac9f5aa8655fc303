from datetime import date

import pytest

from emrtd.mrz.dates import date_of_birth_of, full_date_of_birth, full_date_of_expiry

AT = date(2026, 7, 15)


@pytest.mark.parametrize(
    ("printed", "full"),
    [
        ("740812", "1974-08-12"),
        ("260715", "2026-07-15"),
        ("260716", "1926-07-16"),
        ("270101", "1927-01-01"),
        ("2607<<", "2026-07-XX"),
        ("26<<<<", "2026-XX-XX"),
        ("<<0812", "XXXX-08-12"),
        ("<<<<<<", "XXXX-XX-XX"),
        ("741399", "1974-XX-XX"),
        ("", "XXXX-XX-XX"),
        ("٧٤٠٨١٢", "XXXX-XX-XX"),
    ],
)
def test_a_birth_is_never_in_the_future(printed: str, full: str) -> None:
    assert full_date_of_birth(printed, AT) == full


@pytest.mark.parametrize(
    ("printed", "details", "full"),
    [
        ("080701", "19080701", "1908-07-01"),
        ("080701", "20080701", "2008-07-01"),
        ("0807<<", "19080701", "1908-07-01"),
        ("080701", "19080000", "1908-07-01"),
        ("08<<<<", "19080000", "1908-XX-XX"),
        ("080701", "00000701", "2008-07-01"),
        ("<<<<<<", "00000000", "XXXX-XX-XX"),
        ("<<0701", "19080701", "1908-07-01"),
        ("00<<<<", "20000000", "2000-XX-XX"),
        ("260715", "20260715", "2026-07-15"),
    ],
)
def test_the_full_date_of_birth_decides_the_century(printed: str, details: str, full: str) -> None:
    assert date_of_birth_of(printed, details, AT) == full


@pytest.mark.parametrize(
    ("printed", "details"),
    [
        ("080701", "19090701"),
        ("080701", "19080801"),
        ("080701", "19080702"),
        ("270101", "20270101"),
        ("260716", "20260716"),
        ("080701", "080701"),
        ("080701", "1908-7-1"),
        ("080701", "١٩٠٨٠٧٠١"),
    ],
)
def test_another_date_of_birth_in_the_details_is_a_disagreement(printed: str, details: str) -> None:
    assert date_of_birth_of(printed, details, AT) is None


@pytest.mark.parametrize(
    ("printed", "full"),
    [
        ("340415", date(2034, 4, 15)),
        ("040101", date(2004, 1, 1)),
        ("031231", date(2103, 12, 31)),
        ("760101", date(2076, 1, 1)),
        ("770101", date(2077, 1, 1)),
        ("990101", date(2099, 1, 1)),
        ("270230", None),
        ("27<<<<", None),
        ("<<<<<<", None),
    ],
)
def test_no_expiry_is_before_the_first_chips(printed: str, full: date | None) -> None:
    assert full_date_of_expiry(printed, AT) == full


@pytest.mark.parametrize(
    ("printed", "issued", "full"),
    [
        ("050101", None, date(2005, 1, 1)),
        ("050101", date(2020, 6, 1), date(2105, 1, 1)),
        ("190601", date(2020, 6, 1), date(2019, 6, 1)),  # within the year before the issue
        ("190531", date(2020, 6, 1), date(2119, 5, 31)),
        ("300601", date(2020, 6, 1), date(2030, 6, 1)),
        ("990101", date(1998, 1, 1), date(2099, 1, 1)),
        ("050101", date(2026, 7, 16), date(2005, 1, 1)),  # not yet issued: not believed
        ("250101", date(2026, 7, 15), date(2125, 1, 1)),
    ],
)
def test_the_date_of_issue_bounds_the_expiry(printed: str, issued: date | None, full: date) -> None:
    assert full_date_of_expiry(printed, AT, issued) == full


def test_an_expiry_can_be_in_the_next_century() -> None:
    assert full_date_of_expiry("050101", date(2098, 1, 1)) == date(2105, 1, 1)


@pytest.mark.parametrize("at", [date.min, date.max])
def test_the_ends_of_the_calendar_are_instants_too(at: date) -> None:
    for issued in (None, date.min, date.max):
        for printed in ("000229", "040101", "991231"):
            expiry = full_date_of_expiry(printed, at, issued)
            assert expiry is None or expiry >= date(2004, 1, 1)
    assert date_of_birth_of("991231", "99991231", date.max) == "9999-12-31"
    assert date_of_birth_of("010101", "00010101", date.min) == "0001-01-01"
