"""The judgement: a pure function of evidence, trust store, policy and instant to a report.

The verdict is reject if any check shows forgery, cloning or revocation; accept if every check that
the policy makes mandatory passed and no check failed; refer otherwise.  A check that did not run,
or whose result is undetermined, never counts as passed.
"""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from emrtd.lds.files import DATA_GROUPS
from emrtd.pki.findings import Check, Outcome
from emrtd.pki.trust import TrustView
from support.reasons import Reason, joined
from verify.judging.check_ids import CHECK_IDS, CLONE_PROOFS
from verify.judging.checks import (
    access,
    chip,
    data_groups,
    details,
    deviations,
    images,
    issuer,
    life_cycle,
    mrz,
    security_object,
    structure,
)
from verify.judging.checks import stop_list as stop_list_check
from verify.judging.checks.case import Case, CheckFunction, Earlier
from verify.judging.contents import (
    data_group_rows,
    document_fields,
    permit_fields,
    portrait,
    trust_in_words,
)
from verify.judging.decoding import Contents
from verify.judging.evidence import AccessControl, Evidence, InspectionSession
from verify.judging.faults import describe
from verify.judging.images import ImageLooks
from verify.judging.policy import ChipAuthenticity, Policy
from verify.judging.report import ChipStatus, Report, Verdict

if TYPE_CHECKING:
    from emrtd.pki.lists.stop_list import StopList

CHECKS: Final[tuple[CheckFunction, ...]] = (
    structure.check_structure,
    structure.check_com,
    security_object.check_signature,
    security_object.check_profile,
    issuer.check_document_signer,
    data_groups.check_hashes,
    images.check_images,
    mrz.check_digits,
    mrz.check_optical,
    details.check_details,
    mrz.check_expiry,
    stop_list_check.check_stop_list,
    security_object.check_card_security,
    access.check_downgrade,
    chip.check_chip_authentication,
    chip.check_active_authentication,
    chip.check_pace_mapping,
    access.check_terminal,
    life_cycle.check_life_cycle,
    issuer.check_consistency,
    security_object.check_algorithms,
    deviations.check_deviations,
)
"""The checks; each stands after those whose results it uses."""

_PLACES: Final = {check_id: place for place, check_id in enumerate(CHECK_IDS)}

_PROOFS: Final = (*CLONE_PROOFS, "terminal.authentication", "chip.life-cycle")
"""The checks whose result depends on the session, which only its observer can know."""

_CLAIMED: Final = (
    "the notes in the image contain a valid proof by the chip, but this user did not seal them:"
    " the author of the image can have invented them"
)

_CLAIMED_OPTICAL: Final = (
    "the notes in the image contain a printed MRZ that agrees with DG1, but this user did not seal"
    " them: the author of the image can have invented them; read the printed MRZ (--mrz)"
)

_SENSITIVE: Final = frozenset(f"dg.hash.{file.file_id}" for file in DATA_GROUPS if file.sensitive)


def judge(
    evidence: Evidence,
    trust: TrustView,
    policy: Policy,
    at: datetime,
    looks: ImageLooks | None = None,
    *,
    decoded: Contents | None = None,
    stop_list: "StopList | None" = None,
) -> Report:
    """Judge evidence as of an instant (aware, UTC).

    `looks` holds the results of decoding its images; with None, lds.images is not performed.
    `decoded` holds the files of the evidence, if they were decoded before (`decode_files`).
    `stop_list` is a list in which to look the document up.
    """
    case = Case(evidence, trust, policy, at, looks, decoded, stop_list)
    made: dict[str, Check] = {}
    for check_function in CHECKS:
        made.update((check.id, check) for check in check_function(case, made))
    made = deviations.excuse(case, made)
    claimed = _claimed(evidence, made)
    made |= {check_id: _doubted(made[check_id], why) for check_id, why in claimed.items()}
    made |= chip.without_contradicting(case, made)
    checks = tuple(sorted(made.values(), key=lambda check: _place_of(check.id)))
    blocking = frozenset(_blocking(case.policy, checks))
    verdict, why = _decide(case, checks, blocking, claimed)
    session = evidence.session if evidence.session_trusted else None
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
        access=_access_in_words(session),
        trust=trust_in_words(case, made),
        apdus=0 if session is None else session.apdus,
        octets=0 if session is None else session.octets,
        seconds=0.0 if session is None else session.seconds,
        chip_status=_chip_status(session),
        in_the_way=blocking | _unproven(made),
    )


def _claimed(evidence: Evidence, made: Earlier) -> dict[str, str]:
    """Return the checks that passed only because of unsealed notes, and why that does not count.

    A check that such notes make fail does count: it is evidence against the chip.
    """
    doubts = {} if evidence.session_trusted else dict.fromkeys(_PROOFS, _CLAIMED)
    if not evidence.optical_trusted:
        doubts["mrz.matches-optical"] = _CLAIMED_OPTICAL
    return {
        check_id: why
        for check_id, why in doubts.items()
        if made[check_id].outcome is Outcome.PASSED
    }


def _access_in_words(session: InspectionSession | None) -> str:
    """Return the report's `access`: how the chip was opened, "none" also if it did not open."""
    if session is None:
        return Outcome.NOT_PERFORMED.value
    return AccessControl.NONE.value if session.access is None else session.access.name


def _chip_status(session: InspectionSession | None) -> ChipStatus:
    if session is None:
        return ChipStatus.FILES
    return ChipStatus.CLOSED if session.access is None else ChipStatus.OPENED


def _doubted(check: Check, why: str) -> Check:
    return Check(check.id, Outcome.NOT_PERFORMED, why, check.clause)


@cache
def _place_of(check_id: str) -> tuple[int, int]:
    """Return the position of a check in the report, as a sort key."""
    family, _, number = check_id.partition(".DG")
    return _PLACES[family], int(number or 0)


def _decide(
    case: Case, checks: tuple[Check, ...], blocking: Container[str], claimed: Container[str]
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict, and the reasons for a verdict other than accept.

    `blocking` holds the ids of the checks that prevent acceptance, `claimed` those of the checks
    that passed only according to unsealed notes, and that are therefore not performed.
    """
    shown = tuple(_reason(check) for check in checks if check.shows is not None)
    if shown:
        return Verdict.REJECT, shown
    objections = tuple(dict.fromkeys(_objections(case, checks, blocking, claimed)))
    return (Verdict.REFER, objections) if objections else (Verdict.ACCEPT, ())


def _objections(
    case: Case, checks: tuple[Check, ...], blocking: Container[str], claimed: Container[str]
) -> Iterator[str]:
    policy, session = case.policy, case.session
    if session is not None and session.access is None:
        why = (describe(each.fault) for each in session.failures)
        yield joined("; ", ("the chip did not open", *why))
        return  # every other objection follows from this
    for check in checks:
        if check.id in blocking:
            yield _reason(check)
    made = {check.family for check in checks}
    for missing in [check_id for check_id in policy.mandatory if check_id not in made]:
        yield Reason("{missing}: was not run", missing=missing)
    yield from _objections_to_chip(case, checks, claimed)


def _blocking(policy: Policy, checks: Iterable[Check]) -> Iterator[str]:
    """Yield the ids of the checks whose result prevents accepting the document."""
    for check in checks:
        if check.outcome is Outcome.FAILED or not _satisfies(policy, check):
            yield check.id


def _unproven(made: Earlier) -> frozenset[str]:
    """Return the proofs against cloning that are undetermined: reasons against accepting."""
    return frozenset(
        check_id
        for check_id in CLONE_PROOFS
        if check_id in made and made[check_id].outcome is Outcome.UNDETERMINED
    )


def _satisfies(policy: Policy, check: Check) -> bool:
    """Whether a check that did not fail satisfies the policy."""
    family = check.family
    if family in policy.mandatory:
        closed = check.outcome in (Outcome.NOT_PERFORMED, Outcome.NOT_PRESENT)
        return check.outcome is Outcome.PASSED or (closed and check.id in _SENSITIVE)
    if family in policy.mandatory_where_applicable:
        return check.outcome in (Outcome.PASSED, Outcome.NOT_PRESENT, Outcome.NOT_PERFORMED)
    return True


def _objections_to_chip(
    case: Case, checks: Iterable[Check], claimed: Container[str]
) -> Iterator[str]:
    """Yield why the chip may be a copy, if the policy requires a proof that it is not.

    With `where-offered`, a proof that is only in unsealed notes counts neither for nor against.
    """
    made = {check.id: check for check in checks}
    if any(made[check_id].outcome is Outcome.PASSED for check_id in CLONE_PROOFS):
        return
    offered = [
        check_id for check_id in CLONE_PROOFS if made[check_id].outcome is not Outcome.NOT_PRESENT
    ]
    required = case.policy.chip_authenticity is ChipAuthenticity.REQUIRED
    only_claimed = any(check_id in claimed for check_id in offered)
    if required or (offered and case.session is not None and not only_claimed):
        reasons = joined("; ", (made[check_id].reason for check_id in offered))
        why = reasons or "it offers no such proof"
        yield Reason("the chip has not proven that it is not a copy: {why}", why=why)


def _reason(check: Check) -> str:
    return Reason("{id}: {reason}", id=check.id, reason=check.reason)
