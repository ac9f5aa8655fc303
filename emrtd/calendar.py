"""The calendar: what may no longer be issued from some day on, and by which clause.

Every rule is judged at the date of issue: of the document, or of the certificate.  The harmonized
document codes of passports have rules of their own, in `emrtd.mrz.document_codes`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from emrtd.crypto.signatures import EcPublicKey, SignatureScheme, VerifyingKey
from support.values import Value


class Transition(Value, frozen=True):
    """Something that may not be issued from a day on: `subject` is a noun phrase."""

    name: str
    subject: str
    ends: date
    clause: str

    @property
    def last_day(self) -> date:
        """The last day of issue on which it is allowed."""
        return self.ends - timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.subject} may not be issued after {self.last_day} ({self.clause})"


WITHOUT_PACE: Final = Transition(
    "pace", "a chip without PACE", date(2027, 1, 1), "Doc 9303-11, 4.1"
)
BAC: Final = Transition("bac", "a chip with BAC", date(2028, 1, 1), "Doc 9303-11, 4.1")
ISO_19794: Final = Transition(
    "iso-39794", "biometric data in ISO/IEC 19794", date(2030, 1, 1), "Doc 9303-10, 4.5.6"
)
PASSPORT_CODES: Final = Transition(
    "document-codes",
    "a passport without a harmonized second letter of its document code",
    date(2028, 1, 1),
    "Doc 9303-4, 4.4",
)
TRANSITIONS: Final = (WITHOUT_PACE, BAC, PASSPORT_CODES, ISO_19794)
"""All of them, by their day."""

A_YEAR: Final = timedelta(days=366)
"""How long before its last day a transition is announced."""

BAC_LEAVES: Final = date(2038, 1, 1)
"""The day by which every document with BAC must have expired (Doc 9303-11, 4.1)."""

TR_03116_2: Final = "TR-03116-2 (2023)"


class KeyPeriod(Value, frozen=True):
    """The length in bits that TR-03116-2 requires of German keys and hashes from a year on."""

    year: int
    bits: int


CSCA_KEYS: Final = (KeyPeriod(2011, 384), KeyPeriod(2019, 512))
"""TR-03116-2, Table 3."""

SIGNER_KEYS: Final = (KeyPeriod(2010, 256), KeyPeriod(2019, 384))
"""TR-03116-2, Table 4."""


def objections_to_german_key(
    periods: tuple[KeyPeriod, ...],
    key: VerifyingKey | None,
    scheme: SignatureScheme | None,
    issued: date,
) -> Iterator[str]:
    """Yield why a German certificate that is issued on a day must not have this key and scheme.

    The tables state years, not days: what was allowed until a year is allowed on all of its days.
    """
    passed = [each for each in periods if each.year < issued.year]
    if not passed:
        return
    year, bits = passed[-1].year, passed[-1].bits
    if key is not None and not isinstance(key, EcPublicKey):
        yield "the key is not of an elliptic curve"
    elif key is not None and key.curve.n.bit_length() < bits:
        yield f"the curve {key.curve.name} has less than {bits} bits, as required since {year}"
    if scheme is not None and scheme.hash.size * 8 < bits:
        yield f"{scheme.hash.value} has less than {bits} bits, as required since {year}"
