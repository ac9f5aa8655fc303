"""The reasons of checks and faults: each that the source has is there in every language."""

import re
import string
from datetime import date

import pytest

from emrtd.iso7816.life_cycle import LifeCycleStatus
from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectKind
from emrtd.pki.lists.deviation_list import DeviationKind
from emrtd.pki.lists.stop_list import StopReason
from support.reasons import Reason, joined
from tests.helpers import REPOSITORY
from tests.verify.documents import usual
from tests.verify.wording.reasons import CLAUSE, modules, texts, unmade
from verify.judging.faults import NotTried, Refused, Why, describe
from verify.wording import ENGLISH, wording_in
from verify.wording.german_reasons import REASONS, SAME

GERMAN = wording_in("de")


def words_of(enumeration: "type[DeviationKind | DefectKind | StopReason]") -> set[str]:
    return {each.name.lower().replace("_", " ") for each in enumeration}


NAMED = (
    words_of(DeviationKind) | words_of(DefectKind) | words_of(StopReason)
    | {each.value for each in Outcome} | {each.value for each in LifeCycleStatus}
)  # fmt: skip
"""Words that are made from the names of values."""


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """Every reason in the source, and where it is."""
    return {
        text: f"{path.relative_to(REPOSITORY)}:{line}"
        for path in modules()
        for text, line in texts(path)
    }


def test_every_reason_is_there_in_german(said: dict[str, str]) -> None:
    missing = {text: place for text, place in said.items() if text not in {*REASONS, *SAME}}
    assert missing == {}
    assert set(REASONS) >= NAMED
    assert not SAME & set(REASONS)


def test_no_translation_is_of_a_reason_that_there_is_not(said: dict[str, str]) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in modules())
    single = {text for text in REASONS if " " not in text and f'"{text}"' in source}
    single |= {text for text in REASONS if CLAUSE.match(text) and f'"{text}"' in source}
    checks_digits = {"composite", "optional data"}  # names of fields, with an underscore there
    elsewhere = {
        "needs more memory than an image of an eMRTD should",  # in the process of the decoder
        "{what}: {reason}{where}", " at offset {offset}",  # of `MalformedError`
    }  # fmt: skip
    assert {*REASONS, *SAME} - set(said) - NAMED - single - checks_digits - elsewhere == set()


def test_a_reason_has_the_same_fields_in_german() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert [text for text, german in REASONS.items() if fields(text) != fields(german)] == []


def test_no_reason_loses_its_fields() -> None:
    lost = [f"{path.relative_to(REPOSITORY)}:{line}" for path in modules() for line in unmade(path)]
    assert lost == []


def test_a_reason_within_a_reason_is_said_in_german() -> None:
    fault = Refused(0x6A82, Reason("selecting {file}", file=FileID.DG3))
    assert GERMAN.reason(describe(fault)) == (
        "Auswahl von DG3: der Chip antwortete 6A82 (Datei oder Anwendung nicht gefunden)"
    )
    assert GERMAN.reason(describe(NotTried(Why.NO_RIGHT, "DETEST"))) == (
        "die Zertifikate von DETEST erlauben diesem Platz das Lesen nicht"
    )
    both = joined(" and ", ("the Document Signer", "the CSCA"))
    assert both == "the Document Signer and the CSCA"
    assert GERMAN.reason(both) == "der Document Signer und die CSCA"
    assert ENGLISH.reason(both) == both


def test_a_date_is_said_in_words() -> None:
    day = date(2026, 3, 1)
    reason = Reason("the document expired on {expires}", expires=day)
    assert reason == "the document expired on 2026-03-01"
    assert GERMAN.reason(reason) == "das Dokument ist am 1. März 2026 abgelaufen"


@pytest.mark.parametrize("file_id", [FileID.DG1, FileID.DG2, FileID.SOD, FileID.CARD_ACCESS])
def test_no_reason_of_a_changed_document_has_english_words(file_id: FileID) -> None:
    english = {
        "the",
        "is",
        "not",
        "and",
        "of",
        "that",
        "was",
        "has",
        "which",
        "been",
        "instead",
        "step",
    }
    report = usual().flipped(file_id, 40).judged()
    assert report.why
    for reason in (*report.why, *report.tolerated, *(each.reason for each in report.checks)):
        words = set(GERMAN.reason(reason).replace(",", " ").replace(":", " ").split())
        assert words & english == set(), GERMAN.reason(reason)
    for each in report.checks:
        assert not re.search(r"\b(step|and|to)\b", GERMAN.reason(each.clause)), each.clause
