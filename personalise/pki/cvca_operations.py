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
from typing import Final

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.errors import ProtocolError
from emrtd.pki.cvc import issuing
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, holder_reference
from emrtd.pki.cvc.issuing import (
    LONGEST_VALIDITY,
    RequestError,
    RequestFault,
    certify_request,
    check_request,
    next_reference,
)
from emrtd.pki.cvc.keys import CvPublicKey, kind_of
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
    label, label_before = operations.new_label("cvca"), operations.newest_label("cvca")
    reference = next_reference(before.holder_reference)
    if mnemonic:
        if not re.fullmatch("[A-Z0-9]{1,9}", mnemonic):
            raise MisuseError(f"{mnemonic!r} is not 1 to 9 capital letters and digits")
        reference = holder_reference(operations.pki.settings.country, mnemonic, "00001")
    if reference in _references(operations):
        raise MisuseError(f"{reference} was the name of a key before", advice="choose another")
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
        issuer = _document_verifier_key(operations)
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
    issuer = _issuer_for(operations, role) if issuer is None else issuer
    with operations.operation("cv.certify", subject):
        _check(operations, asked, role, authenticated_by, issuer)
        certificate = _certified(operations, asked, role, rights, validity, issuer=issuer)
        write_atomically(_certified_path(operations, asked.holder_reference), certificate.encode())
    return certificate


def check(
    operations: PkiOperations, asked: CvRequest, authenticated_by: CvCertificate | None = None
) -> bool:
    """Check a Document Verifier's request as `certify` does; return whether it is authenticated.

    Raises `RequestError`.
    """
    role = Role.DV_FOREIGN
    return _check(operations, asked, role, authenticated_by, _issuer_for(operations, role))


def _check(
    operations: PkiOperations,
    asked: CvRequest,
    role: Role,
    authenticated_by: CvCertificate | None,
    issuer: CvIssuer,
) -> bool:
    """Check a request; return whether it is authenticated.  Raises `RequestError`."""
    if issuer.key.key is None:
        raise ProtocolError("the issuer's certificate has no domain parameters")
    earlier = _earlier(operations, role)
    check_request(asked, issuer.certificate, issuer.key.key, earlier=earlier)
    _require_new(operations, asked, issuer)
    return verify_authentication(operations, asked, authenticated_by, issuer)


def _earlier(operations: PkiOperations, role: Role) -> frozenset[str]:
    """Return the references that a request may name beside that of the key in use."""
    return _references(operations) if role is Role.DV_FOREIGN else frozenset()


def _require_new(operations: PkiOperations, asked: CvRequest, issuer: CvIssuer) -> None:
    """Raise `RequestError` if the reference is that of a certificate for another key (7.2.2)."""
    path = _certified_path(operations, asked.holder_reference)
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


def verify_authentication(
    operations: PkiOperations,
    asked: CvRequest,
    authenticated_by: CvCertificate | None,
    issuer: CvIssuer,
) -> bool:
    """Verify the outer signature of a request (Doc 9303-12, 8.1.1.5; its failures: 8.2.1).

    Returns False if there is none and none is required.  A holder with a valid certificate must
    sign with its key.  A holder whose certificates have all expired is treated like a new one.
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


def _issuer_for(operations: PkiOperations, role: Role) -> CvIssuer:
    """Return who certifies a role in this State: the CVCA, or the domestic Document Verifier."""
    pki = operations.pki
    if role.is_dv:
        root = pki.trust_point
        return CvIssuer(root, root.public_key, operations.newest_label("cvca"), "eac renew-cvca")
    certificate = pki.cv_certificate(DV_CERTIFICATE)
    key = _document_verifier_key(operations)
    return CvIssuer(certificate, key, operations.newest_label("dv"), "eac renew-dv")


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


def _references(operations: PkiOperations) -> frozenset[str]:
    """Return the references of all keys that the CVCA ever had."""
    return frozenset(
        reference
        for each in cvca_certificates(operations)
        for reference in (each.holder_reference, each.authority_reference)
    )


def _document_verifier_key(operations: PkiOperations) -> CvPublicKey:
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


def _certified_path(operations: PkiOperations, reference: str) -> Path:
    """Return a certificate's path; in hexadecimal, since a reference is any ISO 8859-1 text."""
    return operations.pki.folder / _CERTIFIED / f"{reference.encode('latin-1').hex()}.cvcert"


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
    issuer = _issuer_for(operations, role) if issuer is None else issuer
    by = issuer.certificate
    if by.expiration < day:
        raise MisuseError(
            f"{by.holder_reference} expired on {by.expiration} and certifies nothing more",
            advice=f"run `personalise {issuer.renewed_by}` first",
        )
    signer = pki.signer(issuer.label)
    earlier = _earlier(operations, role)
    certificate = certify_request(
        asked, by, signer, role, rights, day=day, validity=validity, earlier=earlier
    )
    certificate.verify(issuer.key)
    return certificate


def _path(operations: PkiOperations, name: str) -> Path:
    return operations.pki.folder / FOLDER / name
