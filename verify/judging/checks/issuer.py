"""ds.* and issuer.consistent: the Document Signer, its CSCA and their State."""

from collections.abc import Iterator
from typing import Final

from emrtd.asn1 import ber
from emrtd.mrz.countries import has_mrz_code, two_letter_code
from emrtd.pki.findings import Check, Outcome
from emrtd.pki.trust import TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import SUBJECT_ALT_NAME
from emrtd.pki.x509.names import Name
from support.errors import MalformedError
from support.reasons import Reason
from verify.judging.checks.case import Case, Earlier, forged, under_policy
from verify.judging.checks.security_object import no_signer

CLAUSES: Final = {
    "ds.chain": "Doc 9303-11, 5.1.1, step 2; Doc 9303-12, 6",
    "ds.validity": "Doc 9303-12, 6",
    "ds.profile": "Doc 9303-12, 7.1",
    "ds.revocation": "Doc 9303-12, 6; TR-03135-1, 5.6.4.3.5",
}
CONSISTENT_CLAUSE: Final = "Doc 9303-11, 5.1.1; TR-03135-1, 5.6.4.5"


def check_document_signer(case: Case, _: Earlier) -> Iterator[Check]:
    """Check the Document Signer: its chain, validity, profile and revocation."""
    for check_id, clause in CLAUSES.items():
        if case.sod_examination is None:
            yield no_signer(case, check_id, clause)
        else:
            yield under_policy(case, case.sod_examination.check(check_id))


def check_consistency(case: Case, _: Earlier) -> Iterator[Check]:
    """Check that the issuing State in DG1 is that of the Document Signer and of the CSCA."""
    yield _consistency(case)


def _consistency(case: Case) -> Check:
    check_id, examination = "issuer.consistent", case.sod_examination
    if examination is None or examination.signer is None:
        return no_signer(case, check_id, CONSISTENT_CLAUSE)
    if case.mrz is None:
        reason = "the issuing State is not known, because there is no readable DG1"
        return Check(check_id, Outcome.UNDETERMINED, reason, CONSISTENT_CLAUSE)
    state = case.mrz.issuing_state
    country = two_letter_code(state)
    holders = {"the Document Signer": examination.signer}
    if examination.path is not None and examination.path.anchor is not None:
        holders["the CSCA"] = examination.path.anchor.certificate
    for said, certificate in holders.items():
        if country == certificate.country or _is_also_of(state, certificate, case.trust):
            continue
        if country is None or certificate.country is None:
            reason = Reason(
                "the State code in DG1 cannot be compared with the country of {holder}", holder=said
            )
            return Check(check_id, Outcome.UNDETERMINED, reason, CONSISTENT_CLAUSE)
        reason = Reason(
            "DG1 is of {state}, but {holder} is of {country}",
            state=state,
            holder=said,
            country=certificate.country,
        )
        return forged(check_id, reason, CONSISTENT_CLAUSE)
    if len(holders) < 2:
        reason = Reason(
            "DG1 and the Document Signer are both of {state}, but the CSCA is not known",
            state=state,
        )
        return Check(check_id, Outcome.UNDETERMINED, reason, CONSISTENT_CLAUSE)
    reason = Reason("DG1, Document Signer and CSCA are all of {state}", state=state)
    return Check(check_id, Outcome.PASSED, reason, CONSISTENT_CLAUSE)


def _is_also_of(state: str, certificate: Certificate, trust: TrustView) -> bool:
    """Whether a certificate is of the State in DG1 by its subject alternative name.

    The name of another State does not count if the trust store has CSCAs of that State, whether the
    certificate's own country is a State's or nobody's ("ZZ").
    """
    if state not in _alternative_states(certificate):
        return False
    also = _OTHER_COUNTRIES.get(state)
    if certificate.country == also and not has_mrz_code(also):
        return True
    country = two_letter_code(state)
    if country is not None and trust.anchors_of_country(country):
        return False
    return certificate.country == also or not any(
        state in _alternative_states(anchor.certificate)
        for anchor in (trust.anchors_of_country(also) if also is not None else ())
    )


_OTHER_COUNTRIES: Final = {
    "HKG": "CN", "MAC": "CN", "UNO": "ZZ", "UNA": "ZZ", "UNK": "ZZ", "XOM": "XO",
}  # fmt: skip
"""The country in certificates of issuers that had none of their own, or did not use it.

UN has written UN since its CSCA of 2017; the documents signed before are under ZZ.
"""
_LOCALITY: Final = "2.5.4.7"
_STATE_OR_PROVINCE: Final = "2.5.4.8"


def _alternative_states(certificate: Certificate) -> frozenset[str]:
    """Return the MRZ's State codes in a subject alternative name (Doc 9303-12, 7.1.1.2)."""
    extension = certificate.extensions.get(SUBJECT_ALT_NAME)
    if extension is None:
        return frozenset()
    try:
        names = ber.read(extension.value, "subject alternative name").children
        attributes = [
            attribute
            for name in names
            if name.tag == 0xA4  # directoryName
            for directory in name.children
            for attribute in Name.read(directory).attributes
        ]
    except MalformedError:
        return frozenset()
    return frozenset(text for oid, text in attributes if oid in (_LOCALITY, _STATE_OR_PROVINCE))
