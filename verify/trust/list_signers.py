"""Find who signed a Master, Deviation or Defect List, and whether a trusted CSCA issued the signer.

The issuer is a CSCA in the store, or one in the list itself that a link certificate connects to a
CSCA in the store.  A Master List may bring its own CSCA only if the store has none of that State:
the operator who adds the list decides to trust it.
"""

from datetime import datetime

import msgspec

from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.passive import Examination, examine
from emrtd.pki.signer_profile import Purpose
from emrtd.pki.trust import TrustSet, TrustView
from emrtd.pki.x509.certificates import Certificate
from verify.trust.csca_links import is_signed_by_itself, reached_by_links


class ListSigner(msgspec.Struct, frozen=True):
    """The signer of a list, as text; `objection` says why it is not trusted, None if it is.

    `unproven`: its CSCA is trusted on the operator's word alone (`--unverified`).
    `certificates` are those of the signers, each with the one of its CSCA.
    """

    description: str
    objection: str | None = None
    unproven: bool = False
    certificates: tuple[tuple[Certificate, Certificate], ...] = ()


SignedList = MasterList | DeviationList | DefectList


def examine_list_signer(
    content: SignedList, trust: TrustView, at: datetime, *, chosen: bool = True
) -> ListSigner:
    """Verify the signature of a list, and the path from its signer to a CSCA.

    `chosen`: the operator chose this list, so it may bring its own CSCA.  A signer's certificate
    that expired after the list was signed is accepted, because lists are used for long; a revoked
    one is not.
    """
    data, purpose = content.signed_data, _purpose_of(content)
    own = content.certificates if isinstance(content, MasterList) else ()
    examination = examine(data, trust, at=at, prefix="list", purpose=purpose)
    objection = _objection_to_list(examination, data, trust, purpose, at)
    if objection is None:
        how = "a CSCA in the store"
        return _accepted(examination, data, how)
    signer = examination.signer
    if signer is None:
        return ListSigner("", objection)
    country = signer.issuer.country or ""
    enclosed = [*own, *(each for each in data.certificates if each != signer)]
    candidates = [each for each in enclosed if each.country == country]
    known = trust.anchors_of_country(country)
    anchors = [anchor.certificate for anchor in known]
    unproven: frozenset[Certificate] = frozenset()
    if anchors:
        reached = [*anchors, *reached_by_links(anchors, candidates)]
        proven = [anchor.certificate for anchor in known if not anchor.unproven]
        unproven = frozenset(reached) - {*proven, *reached_by_links(proven, candidates)}
        how = "a link certificate to its CSCA in the store"
    else:
        reached = _self_signed(candidates) if own and chosen else []
        how = f"its own CSCA: the store has none of {country}"
    wider = TrustSet(reached, trust.crls_of_country(country), unproven=unproven)
    examination = examine(data, wider, at=at, prefix="list", purpose=purpose)
    if _objection_to_list(examination, data, wider, purpose, at) is None:
        return _accepted(examination, data, how)
    return ListSigner("", objection)


def _accepted(examination: Examination, data: SignedData, how: str) -> ListSigner:
    return ListSigner(
        _describe(examination, data, how),
        unproven=_rests_on_unproven(examination),
        certificates=tuple(
            (path.certificate, path.anchor.certificate)
            for path in examination.paths
            if path.anchor is not None
        ),
    )


def _rests_on_unproven(examination: Examination) -> bool:
    anchor = None if examination.path is None else examination.path.anchor
    return anchor is not None and anchor.unproven


def _purpose_of(content: SignedList) -> Purpose:
    match content:
        case MasterList():
            return Purpose.MASTER_LIST_SIGNER
        case DeviationList():
            return Purpose.DEVIATION_LIST_SIGNER
        case DefectList():
            return Purpose.DEFECT_LIST_SIGNER


def _self_signed(candidates: list[Certificate]) -> list[Certificate]:
    return [each for each in candidates if each.is_ca and is_signed_by_itself(each)]


def _objection_to_list(
    examination: Examination, data: SignedData, trust: TrustView, purpose: Purpose, at: datetime
) -> str | None:
    """Return why a list is not trusted; None if it is."""
    found = {check.id: check for check in examination.checks}
    demanded = [found[each] for each in ("list.signature", "ds.chain")]
    refused = [found[each] for each in ("list.profile", "ds.revocation")]
    if not _is_anchor(examination.signer, trust):  # DE once signed with the CSCA's own key
        refused.append(found["ds.profile"])
    reasons = [each.reason for each in demanded if each.outcome is not Outcome.PASSED]
    reasons += [each.reason for each in refused if each.outcome is Outcome.FAILED]
    if reasons:
        return reasons[0]
    signer = examination.signer
    if signer is not None and signer.country != signer.issuer.country:
        return f"its signer is of {signer.country}, and the CSCA of {signer.issuer.country}"
    if found["ds.validity"].outcome is not Outcome.FAILED:
        return None
    signed = data.signers[0].signing_time
    if signed is not None and signed < at:
        then = examine(data, trust, at=signed, prefix="list", purpose=purpose)
        if then.check("ds.validity").outcome is not Outcome.FAILED:
            return None
    return found["ds.validity"].reason


def _is_anchor(signer: Certificate | None, trust: TrustView) -> bool:
    if signer is None:
        return False
    return any(signer == each.certificate for each in trust.anchors_by_name(signer.subject))


def _describe(examination: Examination, data: SignedData, how: str) -> str:
    signer = examination.signer
    signed = data.signers[0].signing_time
    when = f" on {signed:%Y-%m-%d}" if signed is not None else ""
    by = f"signed{when} by {signer.subject if signer else 'an unknown signer'}, through {how}"
    quirks = {
        quirk.id
        for check_id in ("list.signature", "list.profile")
        for quirk in examination.check(check_id).tolerated
    }
    return f"{by}; tolerated: {', '.join(sorted(quirks))}" if quirks else by
