"""Checking requests for card-verifiable certificates, and what the CVCA has issued so far.

A request is checked for its inner signature, its key, the issuer it names, its reference, and its
outer signature (Doc 9303-12, 8.1.1 and 8.2.1).
"""

from datetime import date
from pathlib import Path
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.issuing import RequestError, RequestFault, check_request
from emrtd.pki.cvc.keys import CvPublicKey
from emrtd.pki.cvc.requests import CvRequest
from personalise.pki.cvca import DV_CERTIFICATE, FOLDER
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.records import read_bounded
from support.values import Value

_CERTIFIED: Final = "certified"
"""The folder of certificates that were issued on request."""
_SEQUENCE_NUMBER: Final = 5
_MAX_CERTIFICATE: Final = 64 * 1024


class CvIssuer(Value, frozen=True):
    """Who certifies: the certificate, its key with all parameters, and the key's label.

    `renewed_by` is the command for the next one.
    """

    certificate: CvCertificate
    key: CvPublicKey
    label: str
    renewed_by: str


def check_for(
    operations: PkiOperations,
    asked: CvRequest,
    role: Role,
    authenticated_by: CvCertificate | None,
    issuer: CvIssuer,
) -> bool:
    """Check a request; return whether it is authenticated.  Raises `RequestError`."""
    if issuer.key.key is None:
        raise ProtocolError("the issuer's certificate has no domain parameters")
    earlier = earlier_references(operations, role)
    check_request(asked, issuer.certificate, issuer.key.key, earlier=earlier)
    _require_new(operations, asked, issuer)
    return _verify_authentication(operations, asked, authenticated_by, issuer)


def earlier_references(operations: PkiOperations, role: Role) -> frozenset[str]:
    """Return the references that a request may name beside that of the key in use."""
    return references(operations) if role is Role.DV_FOREIGN else frozenset()


def _require_new(operations: PkiOperations, asked: CvRequest, issuer: CvIssuer) -> None:
    """Raise `RequestError` if the reference is that of a certificate for another key (7.2.2)."""
    path = certified_path(operations, asked.holder_reference)
    if not path.is_file():
        return
    before = CvCertificate.decode(read_bounded(path, _MAX_CERTIFICATE))
    key = _issuer_key(operations, before) or issuer.key
    if before.key_under(key).key != asked.public_key.key:
        raise RequestError(
            RequestFault.NOT_ACCEPTED,
            f"{asked.holder_reference} was certified on {before.effective} for another key",
            advice="ask that State for a request under another reference",
        )


def _verify_authentication(
    operations: PkiOperations,
    asked: CvRequest,
    authenticated_by: CvCertificate | None,
    issuer: CvIssuer,
) -> bool:
    """Verify the outer signature of a request (Doc 9303-12, 8.1.1.5; its failures: 8.2.1).

    Returns whether the request has one.  A holder with a valid certificate must sign with its key;
    no other holder has to: one whose certificates have all expired is treated like a new one.
    `authenticated_by` is the certificate of a foreign CVCA, for a first request, or one that our
    CVCA issued and this PKI, since it was restored, does not know.  Raises `RequestError`.
    """
    holder, reference, today = asked.holder_reference, asked.outer_reference, operations.at.date()
    if authenticated_by is not None and not _is_ours(operations, authenticated_by):
        _require_cvca(authenticated_by)
    known = [each for each in _certified_before(operations) if _is_of_one_holder(each, holder)]
    valid = [each for each in known if each.expiration >= today]
    if reference is None:
        if valid:
            raise RequestError(
                RequestFault.OUTER_SIGNATURE,
                f"{holder} was certified before, so the key of {valid[-1].holder_reference} must"
                " also sign the request",
                advice="if that key is lost, that State asks for a Document Verifier of another"
                " name (`eac request --name`)",
            )
        return False
    if authenticated_by is not None and (not valid or authenticated_by.role is not Role.CVCA):
        known.append(authenticated_by)
    signer = next((each for each in known if each.holder_reference == reference), None)
    if signer is None:
        raise RequestError(
            RequestFault.OUTER_SIGNATURE,
            f"the request is also signed by {reference}, whose certificate is not known",
            advice="if a CVCA signed this first request, name its certificate with"
            " --authenticated-by; so do after a restore with the one that we issued to it",
        )
    if signer.expiration < today:
        raise RequestError(
            RequestFault.EXPIRED, f"the key of {reference} expired on {signer.expiration}"
        )
    try:
        asked.verify_outer(signer.key_under(_issuer_key(operations, signer) or issuer.key))
    except ProtocolError as error:
        raise RequestError(RequestFault.OUTER_SIGNATURE, error.said) from None
    return True


def _issuer_key(operations: PkiOperations, certificate: CvCertificate) -> CvPublicKey | None:
    """Return the CVCA's key that signed a certificate; after a renewal it is an earlier one.

    None for a certificate of a terminal, which a Document Verifier signed.
    """
    wanted = certificate.authority_reference
    found = (each for each in cvca_certificates(operations) if each.holder_reference == wanted)
    return next((each.public_key for each in found), None)


def issuer_for(operations: PkiOperations, role: Role) -> CvIssuer:
    """Return who certifies a role in this State: the CVCA, or the domestic Document Verifier."""
    pki = operations.pki
    if role.is_dv:
        root = pki.trust_point
        label = operations.label_of(root.public_key.key, "cvca")
        return CvIssuer(root, root.public_key, label, "eac renew-cvca")
    certificate = pki.cv_certificate(DV_CERTIFICATE)
    key = document_verifier_key(operations)
    return CvIssuer(certificate, key, operations.label_of(key.key, "dv"), "eac renew-dv")


def cvca_certificates(operations: PkiOperations) -> list[CvCertificate]:
    """Return the CVCA's certificates, roots and links, by effective date (Doc 9303-12, 8.2.2)."""
    folder = operations.pki.folder / FOLDER
    paths = [*folder.glob("cvca-root-*.cvcert"), *folder.glob("cvca-link-*.cvcert")]
    found = [CvCertificate.decode(read_bounded(path, _MAX_CERTIFICATE)) for path in paths]
    certificates = dict.fromkeys((*found, operations.pki.trust_point))
    links = [each for each in found if not each.is_self_signed]
    before = {each.holder_reference: each.authority_reference for each in links}

    def place(certificate: CvCertificate) -> tuple[date, int, bool]:
        reference, generation = certificate.holder_reference, 0
        while before.get(reference, reference) != reference:
            reference, generation = before[reference], generation + 1
        return certificate.effective, generation, certificate.is_self_signed

    return sorted(certificates, key=place)


def references(operations: PkiOperations) -> frozenset[str]:
    """Return the references of all keys that the CVCA ever had."""
    return frozenset(
        reference
        for each in cvca_certificates(operations)
        for reference in (each.holder_reference, each.authority_reference)
    )


def document_verifier_key(operations: PkiOperations) -> CvPublicKey:
    """Return the domestic Document Verifier's key, with all its parameters."""
    pki = operations.pki
    certificate = pki.cv_certificate(DV_CERTIFICATE)
    return certificate.key_under(_issuer_key(operations, certificate))


def _is_ours(operations: PkiOperations, certificate: CvCertificate) -> bool:
    """Whether our CVCA issued a certificate to a Document Verifier."""
    issuer = _issuer_key(operations, certificate)
    if issuer is None or not certificate.role.is_dv:
        return False
    try:
        certificate.verify(issuer)
    except ProtocolError:
        return False
    return True


def _require_cvca(certificate: CvCertificate) -> None:
    if certificate.role is not Role.CVCA or not certificate.is_self_signed:
        raise MisuseError(
            f"{certificate.holder_reference} is not the self-signed certificate of a CVCA"
        )
    certificate.verify(certificate.public_key)


def _certified_before(operations: PkiOperations) -> list[CvCertificate]:
    paths = (operations.pki.folder / _CERTIFIED).glob("*.cvcert")
    found = [CvCertificate.decode(read_bounded(path, _MAX_CERTIFICATE)) for path in paths]
    return sorted(found, key=lambda each: (each.effective, each.holder_reference))


def _is_of_one_holder(certificate: CvCertificate, reference: str) -> bool:
    """Whether two references differ in the sequence number only, and so name one holder (7.2.2)."""
    return certificate.holder_reference[:-_SEQUENCE_NUMBER] == reference[:-_SEQUENCE_NUMBER]


def certified_path(operations: PkiOperations, reference: str) -> Path:
    """Return a certificate's path; in hexadecimal, since a reference is any ISO 8859-1 text."""
    return operations.pki.folder / _CERTIFIED / f"{reference.encode('latin-1').hex()}.cvcert"
