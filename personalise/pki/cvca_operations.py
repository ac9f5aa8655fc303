"""The operations of the EAC PKI (Doc 9303-12, 7.2; TR-03110-3, C.2).

make_terminal              make the first CVCA, Document Verifier and inspection system of a PKI
renew_cvca                 make a new CVCA key, and a link certificate with which chips accept it
renew_document_verifier    make the domestic Document Verifier's next key and certificate
renew_inspection_system    make the inspection system's next key and certificate, in `terminal/`
certify                    certify a request, of a foreign State's DV or of an inspection system
"""

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.errors import ProtocolError
from emrtd.pki.cvc import issuing
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.issuing import (
    CURVE,
    DOCUMENT_VERIFIER_VALIDITY,
    INSPECTION_SYSTEM_VALIDITY,
    LONGEST_VALIDITY,
    SCHEME,
    certify_request,
    next_reference,
)
from emrtd.pki.cvc.requests import CvRequest, request
from personalise.pki.cvca import (
    CVCA_LABEL,
    DOCUMENT_VERIFIER_LABEL,
    DV_CERTIFICATE,
    FOLDER,
    IS_CERTIFICATE,
    IS_KEY,
    TRUST_POINT,
)
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.files import write_atomically
from support.records import read_bounded

_CERTIFIED: Final = "certified"
"""The folder of certificates that were issued on request."""
_SEQUENCE_NUMBER: Final = 5
_MAX_CERTIFICATE: Final = 64 * 1024


def make_terminal(pki: IssuingPki, day: date) -> None:
    """Make the keys and certificates of a CVCA, a Document Verifier and an inspection system.

    The PKI's custody holds the keys of the first two; the inspection system's key and all
    certificates are written to the folder `terminal`.
    """
    for label in (CVCA_LABEL, DOCUMENT_VERIFIER_LABEL):
        pki.custody.generate(label, CURVE)
    chain = issuing.issue_chain(
        pki.settings.country,
        pki.signer(CVCA_LABEL),
        pki.signer(DOCUMENT_VERIFIER_LABEL),
        pki.local_keys.beside(FOLDER).generate(IS_KEY, CURVE),
        day,
    )
    root, middle = chain.cvca.public_key, chain.document_verifier.key_under(chain.cvca.public_key)
    for name, certificate, issuer in (
        (TRUST_POINT, chain.cvca, root),
        (DV_CERTIFICATE, chain.document_verifier, root),
        (IS_CERTIFICATE, chain.inspection_system, middle),
    ):
        certificate.verify(issuer)
        write_atomically(pki.folder / FOLDER / name, certificate.encode())


def renew_cvca(operations: PkiOperations) -> CvCertificate:
    """Make the next CVCA key; return the link certificate, which the previous key signs.

    New chips are personalised with the new key; an issued chip accepts it through the link.
    """
    before = operations.pki.trust_point
    label, label_before = operations.new_label("cvca"), operations.newest_label("cvca")
    reference = next_reference(before.holder_reference)
    with operations.operation("cvca.issue", {"label": label, "reference": reference}):
        pki = operations.pki
        pki.custody.generate(label, CURVE)
        link, root = issuing.renew_cvca(
            before, pki.signer(label_before), pki.signer(label), operations.at.date()
        )
        link.verify(before.public_key)
        root.verify(root.public_key)
        write_atomically(_path(operations, f"cvca-link-{reference}.cvcert"), link.encode())
        write_atomically(_path(operations, TRUST_POINT), root.encode())
    return link


def renew_document_verifier(operations: PkiOperations, rights: Right) -> CvCertificate:
    """Make the domestic Document Verifier's next key and have the CVCA certify it."""
    label = operations.new_label("dv")
    reference = next_reference(operations.pki.cv_certificate(DV_CERTIFICATE).holder_reference)
    with operations.operation("dv.issue", {"label": label, "reference": reference}):
        operations.pki.custody.generate(label, CURVE)
        asked = request(operations.pki.signer(label), SCHEME, reference)
        certificate = _certified(
            operations, asked, Role.DV_DOMESTIC, rights, DOCUMENT_VERIFIER_VALIDITY
        )
        write_atomically(_path(operations, DV_CERTIFICATE), certificate.encode())
    return certificate


def renew_inspection_system(operations: PkiOperations, rights: Right) -> CvCertificate:
    """Make the inspection system's next key and have the Document Verifier certify it."""
    reference = next_reference(operations.pki.cv_certificate(IS_CERTIFICATE).holder_reference)
    with operations.operation("is.issue", {"reference": reference}):
        key = generate_private_key(CURVE)
        asked = request(key, SCHEME, reference)
        certificate = _certified(
            operations, asked, Role.TERMINAL, rights, INSPECTION_SYSTEM_VALIDITY
        )
        operations.pki.local_keys.beside(FOLDER).replace(IS_KEY, key)
        write_atomically(_path(operations, IS_CERTIFICATE), certificate.encode())
    return certificate


def certify(
    operations: PkiOperations,
    asked: CvRequest,
    role: Role,
    rights: Right,
    validity: timedelta,
    *,
    authenticated_by: CvCertificate | None = None,
) -> CvCertificate:
    """Certify a request: the CVCA signs for a Document Verifier, the domestic DV for a terminal.

    A holder that was certified before also signs the request with its previous key; a first request
    may be signed by its State's CVCA, whose certificate is `authenticated_by`.  Raises
    `ProtocolError` if a signature is missing or wrong or the key is of another kind than the
    CVCA's, `MisuseError` if the validity is longer than Table 3 allows.
    """
    if role not in LONGEST_VALIDITY:
        raise MisuseError("only Document Verifiers and terminals are certified on request")
    if not timedelta(0) < validity <= LONGEST_VALIDITY[role]:
        raise MisuseError(
            f"the validity must be 1 to {LONGEST_VALIDITY[role].days} days (Doc 9303-12, Table 3)"
        )
    subject = {"holder": asked.holder_reference, "role": role.name, "rights": str(int(rights))}
    subject["request"] = hashlib.sha256(asked.encode()).hexdigest()
    with operations.operation("cv.certify", subject):
        if authenticated_by is not None:
            _require_cvca(authenticated_by)
        _verify_authentication(operations, asked, authenticated_by)
        certificate = _certified(operations, asked, role, rights, validity)
        write_atomically(_certified_path(operations, asked.holder_reference), certificate.encode())
    return certificate


def _verify_authentication(
    operations: PkiOperations, asked: CvRequest, authenticated_by: CvCertificate | None
) -> None:
    """Verify the outer signature of a request (Doc 9303-12, 8.1.1.5; its failures: 8.2.1).

    A holder with a valid certificate must sign with its key.  A holder whose certificates have all
    expired is treated like a new one.
    """
    holder, reference, today = asked.holder_reference, asked.outer_reference, operations.at.date()
    known = [each for each in _certified_before(operations) if _is_of_one_holder(each, holder)]
    valid = [each for each in known if each.expiration >= today]
    if reference is None:
        if valid:
            raise ProtocolError(
                f"{holder} was certified before, so the key of {valid[-1].holder_reference} must"
                " also sign the request"
            )
        return
    if authenticated_by is not None and not valid:
        known.append(authenticated_by)
    signer = next((each for each in known if each.holder_reference == reference), None)
    if signer is None:
        raise ProtocolError(
            f"the request is also signed by {reference}, whose certificate is not known",
            advice="if a CVCA signed this first request, name its certificate with"
            " --authenticated-by",
        )
    if signer.expiration < today:
        raise ProtocolError(f"the key of {reference} expired on {signer.expiration}")
    asked.verify_outer(signer.key_under(operations.pki.trust_point.public_key))


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


def _certified_path(operations: PkiOperations, reference: str) -> Path:
    """Return a certificate's path; in hexadecimal, since a reference is any ISO 8859-1 text."""
    return operations.pki.folder / _CERTIFIED / f"{reference.encode('latin-1').hex()}.cvcert"


def _certified(
    operations: PkiOperations, asked: CvRequest, role: Role, rights: Right, validity: timedelta
) -> CvCertificate:
    """Certify a request, and verify the certificate with that of its issuer."""
    pki = operations.pki
    issuer = pki.cv_certificate(TRUST_POINT if role.is_dv else DV_CERTIFICATE)
    signer = pki.signer(operations.newest_label("cvca" if role.is_dv else "dv"))
    day = operations.at.date()
    certificate = certify_request(asked, issuer, signer, role, rights, day=day, validity=validity)
    certificate.verify(issuer.key_under(pki.trust_point.public_key))
    return certificate


def _path(operations: PkiOperations, name: str) -> Path:
    return operations.pki.folder / FOLDER / name
