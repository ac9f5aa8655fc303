from datetime import UTC, date, datetime

import pytest

from emrtd.mrz.dates import full_date_of_birth, full_date_of_expiry

AT = datetime(2026, 7, 15, tzinfo=UTC)


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
    ("printed", "full"),
    [
        ("340415", date(2034, 4, 15)),
        ("760101", date(2076, 1, 1)),
        ("770101", date(1977, 1, 1)),
        ("991231", date(1999, 12, 31)),
        ("270230", None),
        ("27<<<<", None),
    ],
)
def test_an_expiry_is_near_the_instant(printed: str, full: date | None) -> None:
    assert full_date_of_expiry(printed, AT) == full


def test_an_expiry_can_be_in_the_next_century() -> None:
    assert full_date_of_expiry("050101", datetime(2098, 1, 1, tzinfo=UTC)) == date(2105, 1, 1)
