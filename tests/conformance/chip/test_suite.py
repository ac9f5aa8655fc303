"""Our chip passes every chip case of TR-03105-3.2, and answers each as it always did."""

import secrets

from conformance.case import Outcome
from conformance.chip.cards import PersonalisedCards
from conformance.chip.catalogue import CASES, PROFILES
from conformance.chip.suite import SCRIPTS, run_suite
from conformance.document import PAGE, current, table
from tests.conformance.chip.blanks import MemoryBlanks
from tests.helpers import facts

ANSWERS = {
    "ISO7816_H_1..12": "6982",
    "ISO7816_H_13..16": "",
    "ISO7816_J_1": "",
    "ISO7816_J_2": "6A88 6985",
    "ISO7816_J_3": "6300 6A88 6985",
    "ISO7816_J_4..10": "6A80 6A88 6985",
    "ISO7816_J_11": "",
    "ISO7816_J_12": "6988 6987",
    "ISO7816_J_13..15": "6E00",
    "ISO7816_J_17..20": "6A80 6A88 6985",
    "ISO7816_J_21": "6300 6A88 6985",
    "ISO7816_J_22": "6A88 6985",
    "ISO7816_J_23..24": "6300 6A88 6985",
    "ISO7816_J_25": "6A88 6985",
    "ISO7816_J_26..29": "6A80 6A88 6985",
    "ISO7816_J_30..34": "6300 6A88 6985",
    "ISO7816_J_35": "6985 6A88",
    "ISO7816_J_36": "6300 6A88 6985",
    "ISO7816_J_37..41": "6A80 6A88 6985",
    "ISO7816_J_43..53": "6300",
    "ISO7816_J_55": "6300 6A88 6985",
    "ISO7816_J_56": "6300",
    "ISO7816_K_1": "",
    "ISO7816_K_2": "6A88 6985 6982",
    "ISO7816_K_4": "6987",
    "ISO7816_K_5": "6985 6982",
    "ISO7816_K_6": "6A88 6985 6982",
    "ISO7816_K_7": "6E00",
    "ISO7816_K_10": "6300 6982",
    "ISO7816_K_12": "6C08 6982",
    "ISO7816_K_14..15": "6985 6982",
    "ISO7816_K_17": "6A80 6985 6982",
    "ISO7816_K_18": "6982",
    "ISO7816_K_19": "",
    "ISO7816_K_20": "6300 6982",
    "ISO7816_L_1": "",
    "ISO7816_L_2": "6982",
    "ISO7816_L_3": "",
    "ISO7816_L_4": "6982",
    "ISO7816_L_5": "",
    "ISO7816_L_6": "6982",
    "ISO7816_L_7": "",
    "ISO7816_L_8..10": "6982",
    "ISO7816_L_11..12": "6300 6982",
    "ISO7816_L_13": "6982",
    "ISO7816_L_14": "6985",
    "ISO7816_L_15": "6982",
    "ISO7816_L_16": "6985",
    "ISO7816_M_1..3": "6300",
    "ISO7816_M_4": "",
    "ISO7816_M_5": "6300",
    "ISO7816_M_6": "6B00",
    "ISO7816_N_1": "",
    "LDS_E_2..5": "",
    "LDS_F_1": "6B00",
    "LDS_G_1..11": "",
    "LDS_H_1..11": "",
    "LDS_L_1..5": "",
}
"""The status words with which our chip refuses, in the order in which they come first."""


def test_our_chip_passes_every_case_in_force() -> None:
    """In one run, which takes 4 s of processor time, and whose table is in docs/conformance.md.

    `python -m conformance.chip` writes the table anew.
    """
    refusals: dict[str, list[int]] = {}
    cards = PersonalisedCards(MemoryBlanks(), secrets.token_bytes)
    results = run_suite(cards, CASES.values(), refusals=refusals)
    assert [each for each in results if each.outcome is Outcome.FAILED] == []
    not_run = {each.id for each in results if each.outcome is Outcome.NOT_APPLICABLE}
    assert not_run == {each.id for each in CASES.values() if each.withdrawn}
    assert len(results) - len(not_run) == 135
    require_the_same_answers(refusals)
    assert current(PAGE.read_text(encoding="utf-8"), "chip cases") == table(CASES, results)


def require_the_same_answers(refusals: dict[str, list[int]]) -> None:
    """Assert the status words: a case allows any error, but readers rely on what a chip returns."""
    expected = {}
    for name, text in ANSWERS.items():
        unit, _, numbers = name.rpartition("_")
        first, _, last = numbers.partition("..")
        for number in range(int(first), int(last or first) + 1):
            expected[f"{unit}_{number}"] = text
    found = {
        id_: " ".join(f"{sw:04X}" for sw in dict.fromkeys(words)) for id_, words in refusals.items()
    }
    assert found == {id_: expected[id_] for id_ in found}
    assert found.keys() == SCRIPTS.keys()


def test_the_catalogue_is_that_of_the_standard() -> None:
    units = facts("protocol/test_cases_TR-03105.json")["chip_EAC_TR-03105-3.2"]
    theirs = {each["id"]: each for unit in units.values() for each in unit["cases"]}
    assert CASES.keys() == theirs.keys()
    for id_, case in CASES.items():
        assert bool(case.withdrawn) == (theirs[id_]["profile"] == "")


def test_every_case_in_force_has_a_script_and_known_profiles() -> None:
    assert SCRIPTS.keys() == {each.id for each in CASES.values() if not each.withdrawn}
    for case in CASES.values():
        assert set(filter(None, case.profile.split(", "))) <= set(PROFILES)
