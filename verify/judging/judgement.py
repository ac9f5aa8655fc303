"""The judgement: evidence, trust store, policy and instant in; a report out.  It is pure.

Accept only where every check that the policy makes mandatory passed, and none failed; reject
where any check shows forgery, cloning or revocation; refer otherwise.  What did not run, or could
not be told, never counts as passed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from emrtd.lds.files import DATA_GROUPS
from emrtd.pki.findings import Outcome
from emrtd.pki.trust import TrustView
from verify.judging.checks import (
    access,
    chip,
    data_groups,
    deviations,
    issuer,
    mrz,
    security_object,
    structure,
)
from verify.judging.checks.case import Case, CheckFunction
from verify.judging.contents import (
    data_group_rows,
    document_fields,
    permit_fields,
    portrait,
    trust_in_words,
)
from verify.judging.evidence import Evidence
from verify.judging.policy import CHECK_IDS, ChipAuthenticity, Policy
from verify.judging.report import Check, Report, Verdict

CHECKS: Final[tuple[CheckFunction, ...]] = (
    structure.check_structure,
    structure.check_com,
    security_object.check_signature,
    security_object.check_profile,
    issuer.check_document_signer,
    data_groups.check_hashes,
    mrz.check_digits,
    mrz.check_optical,
    mrz.check_expiry,
    security_object.check_card_security,
    access.check_downgrade,
    chip.check_chip_authentication,
    chip.check_active_authentication,
    chip.check_pace_mapping,
    access.check_terminal,
    issuer.check_consistency,
    security_object.check_algorithms,
    deviations.check_deviations,
)
"""In an order in which each check finds those it rests on made before it."""

CLONE_CHECKS: Final = ("chip.authentication", "active.authentication", "pace.cam")
"""Any one of them proves that the chip is no copy (TR-03135-1, 5.6.4.1)."""

_CLAIMED: Final = (
    "the notes in the image say that a chip was asked and answered well; they were not sealed by"
    " this user, and whoever wrote the image can have made them up"
)

_CLAIMED_OPTICAL: Final = (
    "the notes in the image say what is printed on the document; they were not sealed by this user,"
    " and whoever wrote the image can have made them up: give the printed MRZ"
)

_SENSITIVE: Final = frozenset(f"dg.hash.{file.file_id}" for file in DATA_GROUPS if file.sensitive)


def judge(evidence: Evidence, trust: TrustView, policy: Policy, at: datetime) -> Report:
    """Judge what was captured, as of an instant (aware, UTC)."""
    case = Case(evidence, trust, policy, at)
    made: dict[str, Check] = {}
    for check_function in CHECKS:
        made.update((check.id, check) for check in check_function(case, made))
    made = deviations.excuse(case, made)
    for check_id in () if evidence.vouched else (*CLONE_CHECKS, "terminal.authentication"):
        made[check_id] = _doubted(made[check_id], _CLAIMED)
    if not evidence.optical_vouched:
        optical = made["mrz.matches-optical"]
        made[optical.id] = _doubted(optical, _CLAIMED_OPTICAL)
    checks = tuple(sorted(made.values(), key=_place))
    verdict, why = decide(case, checks)
    session = evidence.session if evidence.vouched else None
    return Report(
        verdict=verdict,
        why=why,
        checks=checks,
        at=at,
        policy=policy.name,
        document=document_fields(case),
        permit=permit_fields(case),
        portrait=portrait(case),
        data_groups=data_group_rows(case, made),
        access="not-performed" if session is None else session.access,
        trust=trust_in_words(case, made),
        apdus=0 if session is None else session.apdus,
        octets=0 if session is None else session.octets,
        seconds=0.0 if session is None else session.seconds,
    )


def _doubted(check: Check, why: str) -> Check:
    """What somebody claims to have seen counts for nothing; what speaks against the chip does."""
    if check.outcome is not Outcome.PASSED:
        return check
    return Check(check.id, Outcome.NOT_PERFORMED, why, check.clause)


def _place(check: Check) -> tuple[int, int]:
    """Where a check stands in the report."""
    number = check.id.removeprefix("dg.hash.DG") if check.family == "dg.hash" else "0"
    return CHECK_IDS.index(check.family), int(number)


def decide(case: Case, checks: tuple[Check, ...]) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and the reasons for any but accept."""
    shown = tuple(_said(check) for check in checks if check.shows is not None)
    if shown:
        return Verdict.REJECT, shown
    objections = tuple(dict.fromkeys(_objections(case, checks)))
    return (Verdict.REFER, objections) if objections else (Verdict.ACCEPT, ())


def _objections(case: Case, checks: tuple[Check, ...]) -> Iterator[str]:
    policy, session = case.policy, case.session
    if session is not None and not session.opened:
        yield "; ".join(("the chip did not open", *session.failures))
    for check in checks:
        if check.outcome is Outcome.FAILED or not _satisfies(policy, check):
            yield _said(check)
    made = {check.family for check in checks}
    for missing in [check_id for check_id in policy.mandatory if check_id not in made]:
        yield f"{missing}: was not made"
    yield from _clone_objections(case, checks)


def _satisfies(policy: Policy, check: Check) -> bool:
    """Whether the policy lets a check that did not fail stand in the way of nothing."""
    if check.family in policy.mandatory:
        closed = check.outcome in (Outcome.NOT_PERFORMED, Outcome.NOT_PRESENT)
        return check.outcome is Outcome.PASSED or (closed and check.id in _SENSITIVE)
    if check.family in policy.mandatory_where_applicable:
        return check.outcome in (Outcome.PASSED, Outcome.NOT_PRESENT, Outcome.NOT_PERFORMED)
    return True


def _clone_objections(case: Case, checks: Iterable[Check]) -> Iterator[str]:
    """Whether the chip has proven, as far as the policy wants it, that it is no copy."""
    made = {check.id: check for check in checks}
    if any(made[check_id].outcome is Outcome.PASSED for check_id in CLONE_CHECKS):
        return
    offered = [
        check_id for check_id in CLONE_CHECKS if made[check_id].outcome is not Outcome.NOT_PRESENT
    ]
    required = case.policy.chip_authenticity is ChipAuthenticity.REQUIRED
    claimed = any(made[check_id].reason == _CLAIMED for check_id in offered)
    if required or (offered and case.session is not None and not claimed):
        reasons = "; ".join(made[check_id].reason for check_id in offered)
        yield f"the chip has not proven that it is no copy: {reasons or 'it offers no such proof'}"


def _said(check: Check) -> str:
    return f"{check.id}: {check.reason}"
