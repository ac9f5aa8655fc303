"""document.stop-list: whether the issuer has put the document on a stop list.

Doc 9303 has no such list (`emrtd.pki.lists.stop_list`).  A list counts for the documents of the
State whose CSCA issued its signer's certificate.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from emrtd.errors import ProtocolError
from emrtd.mrz import Mrz
from emrtd.mrz.countries import two_letter_code
from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import examine_revocation
from emrtd.pki.trust import TrustView
from emrtd.pki.x509.extensions import KeyUsage
from support.reasons import Reason
from verify.judging.checks.case import Case, Earlier
from verify.judging.checks.mrz import unreadable_mrz

if TYPE_CHECKING:
    from emrtd.pki.lists.stop_list import StopList

CHECK_ID: Final = "document.stop-list"
CLAUSE: Final = "none: Doc 9303 revokes signers, not documents"


def check_stop_list(case: Case, _: Earlier) -> Iterator[Check]:
    """Look the document up in the stop list that was given for this judgement."""
    yield _check(case)


def _check(case: Case) -> Check:
    if case.stop_list is None:
        return Check(CHECK_ID, Outcome.NOT_PERFORMED, "no stop list was given", CLAUSE)
    if case.mrz is None:
        return unreadable_mrz(case, CHECK_ID, CLAUSE)
    objection = objection_to_stop_list(case.stop_list, case.trust, case.at)
    if objection is not None:
        reason = Reason("the stop list cannot be used: {objection}", objection=objection)
        return Check(CHECK_ID, Outcome.UNDETERMINED, reason, CLAUSE)
    return _look_up(case.stop_list, case.mrz, case.at)


def _look_up(stops: "StopList", mrz: Mrz, at: datetime) -> Check:
    state = mrz.issuing_state
    if two_letter_code(state) != stops.signed_data.country:
        reason = Reason(
            "the stop list is of {state}, and the document is not", state=stops.signed_data.country
        )
        return Check(CHECK_ID, Outcome.NOT_PRESENT, reason, CLAUSE)
    stop = stops.find(state, mrz.document_number)
    if stop is not None:
        reason = Reason(
            "its issuer reports it as {why} since {since}",
            why=stop.reason.name.lower(),
            since=stop.since.date(),
        )
        return Check(CHECK_ID, Outcome.FAILED, reason, CLAUSE, Shows.REVOCATION)
    if at > stops.next_update:
        reason = Reason(
            "the stop list is out of date since {next_update}", next_update=stops.next_update.date()
        )
        return Check(CHECK_ID, Outcome.UNDETERMINED, reason, CLAUSE)
    reason = Reason("not on the stop list of {this_update}", this_update=stops.this_update.date())
    return Check(CHECK_ID, Outcome.PASSED, reason, CLAUSE)


def objection_to_stop_list(stops: "StopList", trust: TrustView, at: datetime) -> str | None:
    """Return why a stop list is not one of a State that the trust store has; None if it is.

    One that is out of date still names documents.
    """
    data = stops.signed_data
    signer = data.signers[0]
    certificate = data.certificate_of(signer)
    if len(data.signers) != 1 or certificate is None or certificate.public_key is None:
        return "its signer is not known"
    try:
        signer.verify(data.content_type, data.content, certificate.public_key)
    except ProtocolError as error:
        return error.said
    anchor, chain = find_anchor(certificate, trust, at)
    if anchor is None or chain.outcome is not Outcome.PASSED:
        return chain.reason
    extensions = certificate.extensions
    signs = KeyUsage.DIGITAL_SIGNATURE in (extensions.key_usage or ())
    if not signs or certificate.is_ca or not extensions.extended_key_usage:  # a Document Signer
        return "its signer's certificate is not for signing"
    if not certificate.not_before <= stops.this_update <= certificate.not_after:
        return "its signer's certificate was not valid when it was signed"
    revocation = examine_revocation(certificate, anchor, trust, at)[1]
    return revocation.reason if revocation.outcome is Outcome.FAILED else None
