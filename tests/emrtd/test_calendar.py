"""The calendar of Doc 9303, and the key lengths of TR-03116-2."""

from datetime import date

import pytest

from emrtd.calendar import (
    BAC,
    CSCA_KEYS,
    ISO_19794,
    SIGNER_KEYS,
    TRANSITIONS,
    WITHOUT_PACE,
    objections_to_german_key,
)
from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme

ECDSA = SignatureFamily.ECDSA


def test_the_last_days_of_issue() -> None:
    assert WITHOUT_PACE.last_day == date(2026, 12, 31)
    assert BAC.last_day == date(2027, 12, 31)
    assert ISO_19794.last_day == date(2029, 12, 31)
    assert list(TRANSITIONS) == sorted(TRANSITIONS, key=lambda each: each.ends)
    assert str(BAC) == "a chip with BAC may not be issued after 2027-12-31 (Doc 9303-11, 4.1)"


@pytest.mark.parametrize(
    ("periods", "kind", "hash_", "year", "objections"),
    [
        (CSCA_KEYS, "brainpoolP256r1", Hash.SHA256, 2010, 0),
        (CSCA_KEYS, "brainpoolP256r1", Hash.SHA256, 2011, 0),  # "until 2011": no day is stated
        (CSCA_KEYS, "brainpoolP256r1", Hash.SHA256, 2012, 2),
        (CSCA_KEYS, "brainpoolP384r1", Hash.SHA384, 2012, 0),
        (CSCA_KEYS, "brainpoolP384r1", Hash.SHA512, 2020, 1),
        (CSCA_KEYS, "brainpoolP512r1", Hash.SHA384, 2020, 1),
        (CSCA_KEYS, "brainpoolP512r1", Hash.SHA512, 2026, 0),
        (SIGNER_KEYS, "brainpoolP224r1", Hash.SHA1, 2010, 0),
        (SIGNER_KEYS, "brainpoolP224r1", Hash.SHA1, 2011, 2),
        (SIGNER_KEYS, "secp256r1", Hash.SHA256, 2019, 0),
        (SIGNER_KEYS, "secp256r1", Hash.SHA256, 2020, 2),
        (SIGNER_KEYS, "brainpoolP384r1", Hash.SHA384, 2026, 0),
        (SIGNER_KEYS, "RSA-2048", Hash.SHA384, 2026, 1),
    ],
)
def test_german_keys_by_the_year_of_issue(
    periods: tuple, kind: str, hash_: Hash, year: int, objections: int
) -> None:
    key = generate_private_key(kind).public_key
    found = list(
        objections_to_german_key(periods, key, SignatureScheme(ECDSA, hash_), date(year, 7, 1))
    )
    assert len(found) == objections
