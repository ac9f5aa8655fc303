"""The operations of the EAC PKI (Doc 9303-12, 7.2; TR-03110-3, C.2).

make_terminal              make the first CVCA, Document Verifier and inspection system of a PKI
renew_cvca                 make a new CVCA key, and a link certificate with which chips accept it
renew_document_verifier    make the domestic Document Verifier's next key and certificate
renew_inspection_system    make the inspection system's next key and certificate, in `terminal/`
certify                    certify a request, of a foreign State's DV or of an inspection system
"""

import hashlib
import re
from datetime import date, timedelta
from pathlib import Path

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.pki.cvc import issuing
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, holder_reference
from emrtd.pki.cvc.issuing import (
    LONGEST_VALIDITY,
    certify_request,
    next_reference,
)
from emrtd.pki.cvc.keys import kind_of
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
from personalise.pki.cvca_requests import (
    CvIssuer,
    certified_path,
    check_for,
    document_verifier_key,
    earlier_references,
    issuer_for,
    references,
)
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.files import write_atomically


def make_terminal(pki: IssuingPki, day: date) -> None:
    """Make the keys and certificates of a CVCA, a Document Verifier and an inspection system.

    The PKI's custody holds the keys of the first two; the inspection system's key and all
    certificates are written to the folder `terminal`.
    """
    kind = pki.settings.kind_of_key(CVCA_LABEL)
    scheme = issuing.scheme_for(kind)
    for label in (CVCA_LABEL, DOCUMENT_VERIFIER_LABEL):
        pki.generate(label, kind, scheme)
    chain = issuing.issue_chain(
        pki.settings.country,
        pki.signer(CVCA_LABEL),
        pki.signer(DOCUMENT_VERIFIER_LABEL),
        pki.local_keys.beside(FOLDER).generate(IS_KEY, kind),
        day,
        scheme=scheme,
        validity=pki.settings.cv_validity,
    )
    root, middle = chain.cvca.public_key, chain.document_verifier.key_under(chain.cvca.public_key)
    for name, certificate, issuer in (
        (TRUST_POINT, chain.cvca, root),
        (DV_CERTIFICATE, chain.document_verifier, root),
        (IS_CERTIFICATE, chain.inspection_system, middle),
    ):
        certificate.verify(issuer)
        write_atomically(pki.folder / FOLDER / name, certificate.encode())


def renew_cvca(operations: PkiOperations, *, kind: str = "", mnemonic: str = "") -> CvCertificate:
    """Make the next CVCA key; return the link certificate, which the previous key signs.

    `kind` and `mnemonic` are those of the next key, if they change.  New chips are personalised
    with the new key; an issued chip accepts it through the link.  After a change of the kind the
    Document Verifier and the inspection system need new keys too.
    """
    before = operations.pki.trust_point
    label = operations.new_label("cvca")
    label_before = operations.label_of(before.public_key.key, "cvca")
    reference, taken = next_reference(before.holder_reference), references(operations)
    if mnemonic:
        if not re.fullmatch("[A-Z0-9]{1,9}", mnemonic):
            raise MisuseError(f"{mnemonic!r} is not 1 to 9 capital letters and digits")
        reference = holder_reference(operations.pki.settings.country, mnemonic, "00001")
        if reference in taken:
            raise MisuseError(f"{reference} was the name of a key before", advice="choose another")
    while reference in taken:  # that of the link of a renewal that was interrupted
        reference = next_reference(reference)
    scheme = issuing.scheme_for(kind) if kind else before.public_key.scheme
    kind = kind or kind_of(before.public_key)
    subject = {"label": label, "reference": reference, "kind": kind}
    with operations.operation("cvca.issue", subject):
        pki = operations.pki
        with pki.certifying(label, kind, scheme):
            link, root = issuing.renew_cvca(
                before,
                pki.signer(label_before),
                pki.signer(label),
                operations.at.date(),
                reference=reference,
                scheme=scheme,
                validity=pki.settings.cv_validity,
            )
            link.verify(before.public_key)
            root.verify(root.public_key)
            former = f"cvca-root-{before.holder_reference}.cvcert"
            write_atomically(_path(operations, former), before.encode())
            write_atomically(_path(operations, f"cvca-link-{reference}.cvcert"), link.encode())
        write_atomically(_path(operations, TRUST_POINT), root.encode())
    return link


def renew_document_verifier(operations: PkiOperations, rights: Right) -> CvCertificate:
    """Make the domestic Document Verifier's next key and have the CVCA certify it."""
    label = operations.new_label("dv")
    reference = next_reference(operations.pki.cv_certificate(DV_CERTIFICATE).holder_reference)
    with operations.operation("dv.issue", {"label": label, "reference": reference}):
        pki, issuer = operations.pki, operations.pki.trust_point.public_key
        with pki.certifying(label, kind_of(issuer), issuer.scheme):
            asked = request(pki.signer(label), issuer.scheme, reference)
            certificate = _certified(operations, asked, Role.DV_DOMESTIC, rights)
        write_atomically(_path(operations, DV_CERTIFICATE), certificate.encode())
    return certificate


def renew_inspection_system(operations: PkiOperations, rights: Right) -> CvCertificate:
    """Make the inspection system's next key and have the Document Verifier certify it."""
    reference = next_reference(operations.pki.cv_certificate(IS_CERTIFICATE).holder_reference)
    with operations.operation("is.issue", {"reference": reference}):
        issuer = document_verifier_key(operations)
        key = generate_private_key(kind_of(issuer))
        asked = request(key, issuer.scheme, reference)
        certificate = _certified(operations, asked, Role.TERMINAL, rights)
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
    issuer: CvIssuer | None = None,
) -> CvCertificate:
    """Certify a request: the CVCA signs for a Document Verifier, the domestic DV for a terminal.

    `issuer` signs instead: our Document Verifier under a foreign CVCA, for a terminal.  A holder
    that was certified before also signs the request with its previous key; a first request may be
    signed by its State's CVCA, whose certificate is `authenticated_by`.  Raises `RequestError` if a
    signature is missing or wrong or the key is of another kind than the issuer's, `MisuseError` if
    the validity is longer than Table 3 allows.
    """
    if role not in LONGEST_VALIDITY:
        raise MisuseError("only Document Verifiers and terminals are certified on request")
    if not timedelta(0) < validity <= LONGEST_VALIDITY[role]:
        raise MisuseError(
            f"the validity must be 1 to {LONGEST_VALIDITY[role].days} days (Doc 9303-12, Table 3)"
        )
    subject = {"holder": asked.holder_reference, "role": role.name, "rights": str(int(rights))}
    subject["request"] = hashlib.sha256(asked.encode()).hexdigest()
    issuer = issuer_for(operations, role) if issuer is None else issuer
    with operations.operation("cv.certify", subject):
        check_for(operations, asked, role, authenticated_by, issuer)
        certificate = _certified(operations, asked, role, rights, validity, issuer=issuer)
        write_atomically(certified_path(operations, asked.holder_reference), certificate.encode())
    return certificate


def check(
    operations: PkiOperations, asked: CvRequest, authenticated_by: CvCertificate | None = None
) -> bool:
    """Check a Document Verifier's request as `certify` does; return whether it is authenticated.

    Raises `RequestError`.
    """
    role = Role.DV_FOREIGN
    return check_for(operations, asked, role, authenticated_by, issuer_for(operations, role))


def _certified(
    operations: PkiOperations,
    asked: CvRequest,
    role: Role,
    rights: Right,
    validity: timedelta | None = None,
    *,
    issuer: CvIssuer | None = None,
) -> CvCertificate:
    """Certify a request, and verify the certificate with that of its issuer.

    The settings have the validity if none is given.  Raises `MisuseError` if the issuer's
    certificate has expired.
    """
    pki, day = operations.pki, operations.at.date()
    validity = pki.settings.cv_validity.of(role) if validity is None else validity
    issuer = issuer_for(operations, role) if issuer is None else issuer
    by = issuer.certificate
    if by.expiration < day:
        raise MisuseError(
            f"{by.holder_reference} expired on {by.expiration} and certifies nothing more",
            advice=f"run `personalise {issuer.renewed_by}` first",
        )
    signer = pki.signer(issuer.label)
    earlier = earlier_references(operations, role)
    certificate = certify_request(
        asked, by, signer, role, rights, day=day, validity=validity, earlier=earlier
    )
    certificate.verify(issuer.key)
    return certificate


def _path(operations: PkiOperations, name: str) -> Path:
    return operations.pki.folder / FOLDER / name
