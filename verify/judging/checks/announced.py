"""What Deviation Lists and Defect Lists announce of a document, for `deviations`."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.lists.defect_list import Defect, DefectKind
from emrtd.pki.lists.deviation_list import DeviationDescription, DeviationKind
from emrtd.pki.x509.certificates import Certificate
from support.reasons import Reason, joined
from verify.judging.checks.case import Case, Earlier, objection_to_checks

_NOT_TRUSTED: Final = frozenset({0, 2, 3, 4})
"""The status codes of a revocation after which a signer is not trusted (TR-03135-1, Table 5.54)."""

_EXCUSED: Final = {
    DeviationKind.DS_ENCODING: "ds.profile",
    DeviationKind.DG_MALFORMED: "lds.structure",
    DeviationKind.DG_HASH_WRONG: "dg.hash",
    DeviationKind.SOD_SIGNATURE_WRONG: "sod.signature",
    DeviationKind.COM_INCONSISTENT: "com.consistent",
    DeviationKind.MRZ_WRONG_DATA: "mrz.matches-optical",
    DeviationKind.MRZ_WRONG_CHECK_DIGIT: "mrz.check-digits",
}
"""The check whose failure each kind of deviation explains; ds.chain is never excused."""

_COMPROMISED: Final = {
    DefectKind.CHIP_AUTHENTICATION_KEY_REVOKED: "chip.authentication",
    DefectKind.ACTIVE_AUTHENTICATION_KEY_REVOKED: "active.authentication",
}
"""The check whose proof does not count if the chips' private keys are known."""


class _Result(NamedTuple):
    outcome: Outcome
    reason: str
    shows: Shows | None = None


def outcome_by_lists(case: Case, signer: Certificate, signers: Iterable[Certificate]) -> _Result:
    """Return the result of `deviation.list`; `signers` are all that signed the document."""
    if any(_is_revocation(defect) for each in signers for defect in _defects(case, each)):
        reason = "a Defect List states that the Document Signer is revoked"
        return _Result(Outcome.FAILED, reason, Shows.REVOCATION)
    known = [_description(each) for each in _descriptions(case, signer)]
    known += [_named(each.oid, each.kind) for each in _defects(case, signer)]
    if known:
        reason = Reason(
            "known of such documents: {known}", known=joined("; ", dict.fromkeys(known))
        )
        return _Result(Outcome.WARNING, reason)
    return _Result(Outcome.PASSED, "no list describes such documents")


def changed_by_lists(case: Case, signer: Certificate, made: Earlier) -> dict[str, Check]:
    """Return the checks, changed by what the lists state about such documents."""
    checks = dict(made)
    if objection_to_checks(made, "ds.chain") is None:  # a State can excuse its own documents only
        for description in _descriptions(case, signer):
            family = None if description.kind is None else _EXCUSED.get(description.kind)
            for check in [each for each in checks.values() if each.family == family]:
                if check.outcome is Outcome.FAILED and _is_about(description, check):
                    checks[check.id] = _excused(check, _description(description))
    for check_id, known in _compromised(case, signer):
        if checks[check_id].outcome is Outcome.PASSED:
            checks[check_id] = _excused(checks[check_id], known)
    return checks


def _excused(check: Check, known: str) -> Check:
    reason = Reason(
        "{reason}; but known of such documents: {known}", reason=check.reason, known=known
    )
    return replace(check, outcome=Outcome.UNDETERMINED, reason=reason, shows=None)


def _is_about(description: DeviationDescription, check: Check) -> bool:
    """Whether a deviation concerns this check; one of a wrong hash names its data group."""
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
            yield "active.authentication", _description(description)
    for defect in _defects(case, signer):
        if defect.kind in _COMPROMISED:
            yield _COMPROMISED[defect.kind], _named(defect.oid, defect.kind)


def _description(description: DeviationDescription) -> str:
    named = _named(description.oid, description.kind)
    number = "" if description.number is None else Reason(" ({number})", number=description.number)
    text = Reason(", {text}", text=description.text) if description.text else ""
    return Reason("{named}{number}{text}", named=named, number=number, text=text)


def _named(oid: str, kind: DeviationKind | DefectKind | None) -> str:
    return oid if kind is None else kind.name.lower().replace("_", " ")
