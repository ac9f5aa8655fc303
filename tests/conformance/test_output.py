"""Cases are selected and run, and their results shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.case import Case, Outcome, Result, exit_status, selected
from conformance.document import current, replaced, table
from conformance.output import print_results, write_junit, write_page
from conformance.running import CaseFailedError, NotApplicableError, run_cases
from emrtd.errors import ChipRefusalError, TransportError, TransportFault
from support.errors import ExitStatus, MisuseError

CASES = {
    each.id: each
    for each in (
        Case("A_1", "one"),
        Case("A_2", "two | and more"),
        Case("A_3", "three"),
        Case("A_4", "four"),
        Case("A_5", "five", withdrawn="withdrawn in version 2"),
    )
}
HOSTILE = "<script>\x1b[2J"


def perform(case: Case) -> None:
    match case.id:
        case "A_2":
            raise CaseFailedError(HOSTILE)
        case "A_3":
            raise NotApplicableError("the card has no DG4")
        case "A_4":
            raise ChipRefusalError(0x6982, "SELECT")
        case "A_5":
            raise AssertionError("a withdrawn case is not performed")


RESULTS = run_cases(CASES.values(), perform)


def test_errors_become_outcomes() -> None:
    assert [each.outcome for each in RESULTS] == [
        Outcome.PASSED, Outcome.FAILED, Outcome.NOT_APPLICABLE, Outcome.FAILED,
        Outcome.NOT_APPLICABLE,
    ]  # fmt: skip
    assert [each.reason for each in RESULTS][2:] == [
        "the card has no DG4", str(ChipRefusalError(0x6982, "SELECT")), "withdrawn in version 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "error", [TransportError("no card", TransportFault.NO_CARD), MisuseError("no such folder")]
)
def test_what_tests_nothing_is_an_error(error: Exception) -> None:
    def fail(_case: Case) -> None:
        raise error

    with pytest.raises(type(error)):
        run_cases(CASES.values(), fail)


def test_a_mute_card_fails_the_case() -> None:
    def be_mute(_case: Case) -> None:
        raise TransportError("no answer", TransportFault.CARD_MUTE)

    assert run_cases([CASES["A_1"]], be_mute)[0].outcome is Outcome.FAILED


def test_each_result_is_told_as_it_is_known() -> None:
    told: list[Result] = []

    def cases() -> Iterator[Case]:
        for number, case in enumerate(CASES.values()):
            assert len(told) == number
            yield case

    assert run_cases(cases(), perform, told.append) == told == RESULTS


def test_cases_are_selected_in_the_order_of_the_catalogue() -> None:
    assert [each.id for each in selected(CASES, ())] == list(CASES)
    assert [each.id for each in selected(CASES, ("A_3", "A_1", "A_3"))] == ["A_1", "A_3"]
    with pytest.raises(MisuseError, match="A_9: no such case; did you mean A_"):
        selected(CASES, ("A_9",))


def test_the_exit_status_says_whether_a_case_failed() -> None:
    assert exit_status(RESULTS) is ExitStatus.REJECTED
    assert exit_status([each for each in RESULTS if each.outcome is not Outcome.FAILED]) == 0


def test_json_is_an_array_with_id_outcome_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    print_results(CASES, RESULTS, as_json=True)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    printed = json.loads(out)
    assert printed[0] == {"id": "A_1", "outcome": "passed", "reason": ""}
    assert [each["outcome"] for each in printed] == [
        "passed", "failed", "not-applicable", "failed", "not-applicable",
    ]  # fmt: skip


def test_the_text_has_a_line_a_case_and_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    print_results(CASES, RESULTS)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[-1] == "1 passed, 2 failed, 2 not applicable"
    assert len(out.splitlines()) == len(CASES) + 1


def test_junit_counts_and_explains(tmp_path: Path) -> None:
    write_junit(tmp_path / "junit.xml", "TR-03105", CASES, RESULTS)
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314
    assert {name: root.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "5", "failures": "2", "skipped": "2",
    }  # fmt: skip
    messages = [[(each.tag, each.get("message")) for each in case] for case in root]
    assert messages[0] == []
    assert messages[1] == [("failure", "<script>\ufffd[2J")]
    assert messages[2] == [("skipped", "the card has no DG4")]


def test_a_page_escapes_what_the_card_said(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "Conformance", CASES, RESULTS)
    page = (tmp_path / "page.html").read_text()
    assert "<script>" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;\ufffd[2J" in page
    assert page.count("<tr id=") == len(CASES)


def test_a_table_replaces_the_part_of_the_page() -> None:
    page = "before\n<!-- chip: generated -->\nold\n<!-- end of chip -->\nafter\n"
    new = table(CASES, RESULTS)
    assert r"| A_2 | two \| and more | failed: " in new
    changed = replaced(page, "chip", new)
    assert changed == f"before\n<!-- chip: generated -->\n{new}<!-- end of chip -->\nafter\n"
    assert current(changed, "chip") == new
    with pytest.raises(ValueError, match="'reader'"):
        replaced(page, "reader", new)
