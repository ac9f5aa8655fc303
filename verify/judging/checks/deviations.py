"""deviation.list: the known defects of such documents (Doc 9303-12, 10; TR-03135-1, 5.8).

A defect that the State has announced excuses the check that fails because of it: the outcome is
undetermined instead of evidence of forgery.  A revoked signer or a compromised key does not excuse:
the first is a failure, and a proof by the second is undetermined.

Few trust stores have such a list; `announced`, which compares a document with them, is imported if
there is one.
"""

from collections.abc import Iterator
from typing import Final

from emrtd.pki.findings import Check, Outcome
from emrtd.pki.x509.certificates import Certificate
from support.reasons import Reason
from verify.judging.checks.case import Case, Earlier
from verify.judging.checks.security_object import no_signer

CHECK_ID: Final = "deviation.list"
CLAUSE: Final = "Doc 9303-12, 10; TR-03135-1, 5.8.2"


def check_deviations(case: Case, _: Earlier) -> Iterator[Check]:
    """Check whether a Deviation List or a Defect List describes this document."""
    examination = case.sod_examination
    if examination is None or examination.signer is None:
        yield no_signer(case, CHECK_ID, CLAUSE)
        return
    signer = examination.signer
    if not _has_lists(case, signer):
        reason: str = Reason(
            "the trust store has no Deviation List of {state}, and no Defect List",
            state=signer.country,
        )
        yield Check(CHECK_ID, Outcome.NOT_PRESENT, reason, CLAUSE)
        return
    from verify.judging.checks.announced import outcome_by_lists

    signers = [path.certificate for path in examination.paths]
    outcome, reason, shows = outcome_by_lists(case, signer, signers)
    yield Check(CHECK_ID, outcome, reason, CLAUSE, shows)


def excuse(case: Case, made: Earlier) -> dict[str, Check]:
    """Return the checks, changed by what the lists state about such documents."""
    examination = case.sod_examination
    signer = None if examination is None else examination.signer
    if signer is None or not _has_lists(case, signer):
        return dict(made)
    from verify.judging.checks.announced import changed_by_lists

    return changed_by_lists(case, signer, made)


def _has_lists(case: Case, signer: Certificate) -> bool:
    lists = case.trust.deviation_lists(signer.country or "") or case.trust.defect_lists()
    return bool(lists)
