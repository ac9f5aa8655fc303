"""Our verifier passes every case, and a verifier with one check removed fails that check's cases.

Every card is read once, which takes 15 s of processor time; what was read is judged again for each
check that is removed.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace as with_fields

from conformance.case import Outcome, Result
from conformance.document import PAGE, current, table
from conformance.reader.case import Presented, Trial, Workshop
from conformance.reader.catalogue import CONTRADICTIONS, cases, standard_cases
from conformance.reader.own import OurVerifier, Reading
from conformance.reader.suite import Suite
from emrtd.pki.findings import Check
from emrtd.pki.findings import Outcome as CheckOutcome
from tests.certificates import NOW
from tests.helpers import facts
from verify.judging import judgement
from verify.judging.checks.case import Case, CheckFunction, Earlier

WORKSHOP = Workshop(NOW)


class Remembering(OurVerifier):
    """Reads the card of each trial once, and judges what was read again in every later run."""

    def __init__(self) -> None:
        super().__init__(WORKSHOP)
        self._readings: dict[Trial, Reading] = {}

    def objection(self, trial: Trial, presented: Presented) -> str:
        if trial not in self._readings or trial.times > 1:
            self._readings[trial] = self.read(presented)
        return self.objection_to(trial, self._readings[trial])


def failed(results: Sequence[Result]) -> set[str]:
    return {each.id for each in results if each.outcome is Outcome.FAILED}


REMOVED = {
    "ds.revocation": {"ISO7816_B_10"},
    "mrz.matches-optical": {"LDS_B_11", "LDS_B_12"},
    "active.authentication": {"ISO7816_F_08", "ISO7816_F_09"},
    "pace.cam": {"ISO7816_G_31", "ISO7816_G_39", "ISO7816_G_40", "LDS_J_04"},
}
"""A check, and the cases that a verifier without it fails."""


SEEN_BY_THE_CHIP = {
    "ISO7816_D_10", "ISO7816_E_32", "ISO7816_E_33", "ISO7816_E_34", "ISO7816_G_06",
}  # fmt: skip
"""Cases whose chip says what it saw, which needs a reading of its own."""


def always_passing(check_id: str) -> tuple[CheckFunction, ...]:
    """Return the checks of the verifier, of which one passes whatever it finds."""

    def passing(function: CheckFunction) -> CheckFunction:
        def run(case: Case, earlier: Earlier) -> Iterator[Check]:
            for check in function(case, earlier):
                if check.family == check_id and check.outcome is not CheckOutcome.NOT_PRESENT:
                    yield Check(check.id, CheckOutcome.PASSED, "", check.clause)
                else:
                    yield check

        return run

    return tuple(map(passing, judgement.CHECKS))


def test_our_verifier_passes_every_case_and_needs_every_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`python -m conformance.reader` writes the table anew."""
    verifier = Remembering()
    wanted = list(cases().values())
    results = Suite(WORKSHOP, verifier).run(wanted)
    assert [each for each in results if each.outcome is Outcome.FAILED] == []
    not_run = {each.id for each in results if each.outcome is Outcome.NOT_APPLICABLE}
    assert not_run == {each.id for each in wanted if each.withdrawn} | CONTRADICTIONS.keys()
    assert len(not_run) <= len(standard_cases()) // 10
    of_the_standard = [each for each in results if each.id in standard_cases()]
    written = current(PAGE.read_text(encoding="utf-8"), "reader cases")
    assert written == table(standard_cases(), of_the_standard)
    known = judgement.CHECKS
    judged = [each for id_, each in standard_cases().items() if id_ not in SEEN_BY_THE_CHIP]
    for check_id, expected in REMOVED.items():
        monkeypatch.setattr(judgement, "CHECKS", known)
        monkeypatch.setattr(judgement, "CHECKS", always_passing(check_id))
        assert failed(Suite(WORKSHOP, verifier).run(judged)) == expected, check_id


def test_the_catalogue_is_that_of_the_standard() -> None:
    units = facts("protocol/test_cases_TR-03105.json")["inspection_system_TR-03105-5.1"]["units"]
    assert list(standard_cases()) == [
        each["id"] for unit in units.values() for each in unit["cases"]
    ]


def test_every_case_in_force_has_a_card() -> None:
    for case in cases().values():
        assert bool(case.trials) is not bool(case.withdrawn or case.contradicts), case.id


@pytest.mark.parametrize("day", [(2028, 2, 29), (2031, 12, 31), (2044, 1, 1)])
def test_the_genuine_documents_are_genuine_on_any_day(day: tuple[int, int, int]) -> None:
    """The certificates, the dates in them and the MRZ are those of the day of the run."""
    workshop = Workshop(datetime(*day, 23, 59, tzinfo=UTC))
    wanted = [cases()[each] for each in ("ISO7816_A_02", "ISO7816_E_07", "ISO7816_G_34")]
    results = Suite(workshop, OurVerifier(workshop)).run(wanted)
    assert {each.outcome for each in results} == {Outcome.PASSED}, results


class Anything:
    """An inspection system that gives one answer to every card."""

    def __init__(self, answer: Callable[[Trial], str]) -> None:
        self._answer = answer

    def require(self, presented: Presented) -> None:
        pass

    def objection(self, trial: Trial, presented: Presented) -> str:
        return self._answer(trial)


def test_a_reader_that_refuses_every_document_fails_every_case() -> None:
    """Also those whose documents must be refused."""
    refusing = Anything(lambda trial: "" if trial.expected.value == "refused" else "not accepted")
    wanted = [cases()[each] for each in ("ISO7816_A_02", "ISO7816_A_03", "LDS_H_37", "LDS_J_04")]
    results = Suite(WORKSHOP, refusing).run(wanted)
    assert failed(results) == {each.id for each in wanted}
    assert "a genuine document is not accepted either" in results[1].reason


def test_what_a_chip_saw_the_reader_do_wrong_fails_the_case() -> None:
    """A reader that says that it accepted, and did not perform Chip Authentication at all."""
    (result,) = Suite(WORKSHOP, Anything(lambda _: "")).run([cases()["ISO7816_D_10"]])
    assert result.reason == "Chip Authentication was not performed"


def test_the_trials_of_a_case_are_told_apart() -> None:
    def answer(trial: Trial) -> str:
        return "accepted" if trial.label == "6985" else ""

    (result,) = Suite(WORKSHOP, Anything(answer)).run([cases()["ISO7816_B_03"]])
    assert (result.outcome, result.reason) == (Outcome.FAILED, "6985: accepted")


def test_a_document_judged_by_another_policy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default policy reads past quirks that part 5.1 refuses."""
    from verify.judging.policy import load_policy

    tolerant = with_fields(load_policy("default"), tolerated_quirks=("*",))
    suite = Suite(WORKSHOP, OurVerifier(WORKSHOP, tolerant))
    assert failed(suite.run([cases()["LDS_C_09"], cases()["LDS_H_62"]])) == {
        "LDS_C_09", "LDS_H_62",
    }  # fmt: skip
