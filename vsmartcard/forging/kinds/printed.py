"""Printed MRZs that are not the one on the chip, and data groups that contradict each other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd import tlv
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.mrz import Mrz
from emrtd.mrz.check_digits import check_digit
from vsmartcard.forging.authority import DAY
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.making import (
    copied_keys,
    draft,
    mrz_with,
    own_authority,
    trusted_state,
    with_passwords,
)

KINDS: Final = Kinds(Family.MRZ)

_OPTICAL: Final = "mrz.matches-optical"
_DETAILS: Final = "mrz.matches-details"
_DIGITS: Final = "mrz.check-digits"


# --- the printed MRZ -----------------------------------------------------------------------------


def _reprinted(forger: Forger, printed: str) -> Forged:
    """Return the victim's document with another printed MRZ.

    The chip is the genuine one if the tester has its keys, and else a copy.  Its password is what
    is printed now.
    """
    victim = forger.victim
    keys = victim.keys or copied_keys(forger, victim.files, printed)
    if Mrz.parse(printed).information != victim.mrz.information:
        keys = with_passwords(keys, printed)
    return Forged(victim.files, keys, printed, forger.at)


def _printed(kind: str, gain: str, **elements: str) -> None:
    """Add a kind with other elements in the printed MRZ."""
    KINDS.add(
        kind,
        gain,
        _OPTICAL,
        lambda forger: _reprinted(forger, mrz_with(forger.victim.mrz, **elements).text),
    )


_printed("mrz.printed-name", "another name on paper", surname="Impostor", given_names="Ima")
_printed("mrz.printed-number", "a number that no list names, on paper", document_number="XA0000001")
_printed("mrz.printed-birth", "another age on paper", date_of_birth="010203")
_printed("mrz.printed-nationality", "another nationality on paper", nationality="ATA")
_printed("mrz.printed-state", "another issuing State on paper", issuing_state="ATA")


@KINDS.kind("mrz.printed-sex", "a holder who looks like the impostor", _OPTICAL)
def _printed_sex(forger: Forger) -> Forged:
    other = "M" if forger.victim.mrz.sex != "M" else "F"
    return _reprinted(forger, mrz_with(forger.victim.mrz, sex=other).text)


@KINDS.kind("mrz.printed-expiry", "an expired document, prolonged on paper", _OPTICAL)
def _printed_expiry(forger: Forger) -> Forged:
    later = (forger.at + 3600 * DAY).strftime("%y%m%d")
    return _reprinted(forger, mrz_with(forger.victim.mrz, date_of_expiry=later).text)


@KINDS.kind("mrz.printed-code", "a diplomat's document, on paper", _OPTICAL)
def _printed_code(forger: Forger) -> Forged:
    code = "PD" if forger.victim.mrz.document_code.startswith("P") else "P"
    return _reprinted(forger, mrz_with(forger.victim.mrz, document_code=code).text)


@KINDS.kind("mrz.printed-optional-data", "another personal number on paper", _OPTICAL)
def _printed_optional_data(forger: Forger) -> Forged:
    return _reprinted(forger, mrz_with(forger.victim.mrz, optional_data="FORGED").text)


@KINDS.kind("mrz.printed-format", "a passport's page around the chip of a card", _OPTICAL)
def _printed_format(forger: Forger) -> Forged:
    mrz = forger.victim.mrz
    other = "TD3" if mrz.format.value != "TD3" else "TD2"
    printed = Mrz.build(
        other,
        document_code=mrz.document_code,
        issuing_state=mrz.issuing_state,
        document_number=mrz.document_number[:9],
        nationality=mrz.nationality,
        date_of_birth=mrz.date_of_birth,
        sex=mrz.sex,
        date_of_expiry=mrz.date_of_expiry,
        surname=mrz.surname,
        given_names=mrz.given_names,
    )
    return _reprinted(forger, printed.text)


@KINDS.kind("mrz.printed-digit", "a printed number that nobody computed", _OPTICAL)
def _printed_digit(forger: Forger) -> Forged:
    """Another name, and a composite check digit that is not its own."""
    mrz = mrz_with(forger.victim.mrz, surname="Impostor")
    rule = mrz.layout.checks[-1]
    place = mrz.layout.span(rule.place)
    wrong = "0" if mrz.text[place] != "0" else "1"
    return _reprinted(forger, mrz.text[: place.start] + wrong + mrz.text[place.stop :])


# --- signed by somebody who did not look ---------------------------------------------------------


def _with_number(forger: Forger, digit: str) -> bytes:
    """Return a DG1 of the forger's own State whose document number has a wrong check digit."""
    mrz = mrz_with(forger.victim.mrz, issuing_state="ATA", document_number="XA0000001")
    rule = next(each for each in mrz.layout.checks if each.name == "document_number")
    place = mrz.layout.span(rule.place)
    text = mrz.text[: place.start] + digit + mrz.text[place.stop :]
    return tlv.encode(0x61, tlv.encode(0x5F1F, text.encode("ascii")))


@KINDS.kind("mrz.check-digit", "a number that no list finds", _DIGITS)
def _check_digit(forger: Forger) -> Forged:
    authority = own_authority(forger)
    wrong = str((int(check_digit("XA0000001")) + 1) % 10)
    made = draft(forger)
    made.groups[1] = _with_number(forger, wrong)
    whole = made.signed(authority.signer(), trusted=trusted_state(authority))
    text = tlv.read_expected(made.groups[1], 0x61, "DG1").children().one(0x5F1F).value
    printed = text.decode("ascii")
    return replace(whole, printed=printed, keys=with_passwords(whole.keys, printed))


def _contradicting(kind: str, gain: str, number: int, octets: Callable[[Forger], bytes]) -> None:
    """Add a kind with details that contradict DG1, signed all the same."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        made = draft(forger)
        made.groups[number] = octets(forger)
        return made.signed(authority.signer(), trusted=trusted_state(authority))

    KINDS.add(kind, gain, _DETAILS, make)


_contradicting(
    "mrz.other-birth",
    "two ages, one for each reader",
    11,
    lambda _: DataGroup11(date_of_birth="20010203").encode(),
)
_contradicting(
    "mrz.issued-tomorrow",
    "a date of issue that moves the century of the expiry",
    12,
    lambda forger: DataGroup12(date_of_issue=f"{forger.at + 400 * DAY:%Y%m%d}").encode(),
)
_contradicting(
    "mrz.issued-before-birth",
    "a date of issue that moves the century of the birth",
    12,
    lambda _: DataGroup12(date_of_issue="18990101").encode(),
)
