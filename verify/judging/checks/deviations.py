"""deviation.list: what is known to be wrong with such documents (Doc 9303-12, 10; TR-03135-1, 5.8).

What a State has said of its documents excuses a check that fails for just that: it is no longer
evidence of forgery, but undetermined.  What is revoked or compromised is no excuse but a reason.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.lists.defect_list import Defect, DefectKind
from emrtd.pki.lists.deviation_list import DeviationDescription, DeviationKind
from emrtd.pki.x509.certificates import Certificate
from verify.judging.checks.case import Case, Earlier, objection_to_checks
from verify.judging.checks.security_object import no_signer

CHECK_ID: Final = "deviation.list"
CLAUSE: Final = "Doc 9303-12, 10; TR-03135-1, 5.8.2"

_NOT_TRUSTED: Final = frozenset({0, 2, 3, 4})
"""Status codes of a revocation that make a signer not trusted (TR-03135-1, Table 5.54)."""

_EXCUSED: Final = {
    DeviationKind.DS_ENCODING: "ds.profile",
    DeviationKind.DG_MALFORMED: "lds.structure",
    DeviationKind.DG_HASH_WRONG: "dg.hash",
    DeviationKind.SOD_SIGNATURE_WRONG: "sod.signature",
    DeviationKind.COM_INCONSISTENT: "com.consistent",
    DeviationKind.MRZ_WRONG_DATA: "mrz.matches-optical",
    DeviationKind.MRZ_WRONG_CHECK_DIGIT: "mrz.check-digits",
}
"""The check that each kind of deviation explains the failure of; never that of the chain itself."""

_COMPROMISED: Final = {
    DefectKind.CHIP_AUTHENTICATION_KEY_REVOKED: "chip.authentication",
    DefectKind.ACTIVE_AUTHENTICATION_KEY_REVOKED: "active.authentication",
}
"""The check that no longer proves anything where the chips' keys are known."""


def check_deviations(case: Case, _: Earlier) -> Iterator[Check]:
    """Whether a Deviation List or a Defect List names this document."""
    examination = case.sod_examination
    if examination is None or examination.signer is None:
        yield no_signer(case, CHECK_ID, CLAUSE)
        return
    signer = examination.signer
    lists = list(case.trust.deviation_lists(signer.country or ""))
    if not lists and not case.trust.defect_lists():
        reason = f"the trust store has no Deviation List of {signer.country}, and no Defect List"
        yield Check(CHECK_ID, Outcome.NOT_PRESENT, reason, CLAUSE)
        return
    signers = [path.certificate for path in examination.paths]
    if any(_is_revocation(defect) for each in signers for defect in _defects(case, each)):
        reason = "a Defect List says that the Document Signer is revoked"
        yield Check(CHECK_ID, Outcome.FAILED, reason, CLAUSE, Shows.REVOCATION)
        return
    known = [_said(each) for each in _descriptions(case, signer)]
    known += [_named(each.oid, each.kind) for each in _defects(case, signer)]
    if known:
        reason = f"known of such documents: {'; '.join(dict.fromkeys(known))}"
        yield Check(CHECK_ID, Outcome.WARNING, reason, CLAUSE)
    else:
        reason = "no list names such documents"
        yield Check(CHECK_ID, Outcome.PASSED, reason, CLAUSE)


def excuse(case: Case, made: Earlier) -> dict[str, Check]:
    """The checks as they stand once what is known of such documents is taken into account."""
    examination = case.sod_examination
    if examination is None or examination.signer is None:
        return dict(made)
    checks = dict(made)
    if objection_to_checks(made, "ds.chain") is None:  # the State's word on a State's document
        for description in _descriptions(case, examination.signer):
            family = None if description.kind is None else _EXCUSED.get(description.kind)
            for check in [each for each in checks.values() if each.family == family]:
                if check.outcome is Outcome.FAILED and _is_about(description, check):
                    checks[check.id] = _excused(check, _said(description))
    for check_id, known in _compromised(case, examination.signer):
        if checks[check_id].outcome is Outcome.PASSED:
            checks[check_id] = _excused(checks[check_id], known)
    return checks


def _excused(check: Check, known: str) -> Check:
    reason = f"{check.reason}; but it is known of such documents: {known}"
    return replace(check, outcome=Outcome.UNDETERMINED, reason=reason, shows=None)


def _is_about(description: DeviationDescription, check: Check) -> bool:
    """Whether a wrong hash that is described is that of this data group."""
    if description.kind is DeviationKind.DG_HASH_WRONG:
        return check.id == f"dg.hash.DG{description.number}"
    return True


def _descriptions(case: Case, signer: Certificate) -> Iterator[DeviationDescription]:
    mrz = case.mrz
    for listed in case.trust.deviation_lists(signer.country or ""):
        for deviation in listed.deviations:
            if deviation.covers(
                signer,
                document_type=None if mrz is None else mrz.document_code,
                document_number=None if mrz is None else mrz.document_number,
                issued=case.issued,
            ):
                yield from deviation.descriptions


def _defects(case: Case, signer: Certificate) -> Iterable[Defect]:
    return [
        defect
        for listed in case.trust.defect_lists()
        for defect in listed.defects
        if defect.covers(signer)
    ]


def _is_revocation(defect: Defect) -> bool:
    return defect.kind is DefectKind.CERTIFICATE_REVOKED and defect.status in _NOT_TRUSTED


def _compromised(case: Case, signer: Certificate) -> Iterator[tuple[str, str]]:
    for description in _descriptions(case, signer):
        if description.kind is DeviationKind.AA_KEY_COMPROMISED:
            yield "active.authentication", _said(description)
    for defect in _defects(case, signer):
        if defect.kind in _COMPROMISED:
            yield _COMPROMISED[defect.kind], _named(defect.oid, defect.kind)


def _said(description: DeviationDescription) -> str:
    named = _named(description.oid, description.kind)
    number = "" if description.number is None else f" ({description.number})"
    return f"{named}{number}" + (f", {description.text}" if description.text else "")


def _named(oid: str, kind: DeviationKind | DefectKind | None) -> str:
    return oid if kind is None else kind.name.lower().replace("_", " ")
