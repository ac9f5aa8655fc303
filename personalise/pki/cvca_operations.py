"""The operations of the EAC PKI (Doc 9303-12, 7.2; TR-03110-3, C.2).

renew_cvca                 a new CVCA key; a link certificate leads chips from the old to the new
renew_document_verifier    the domestic one, with a new key
renew_inspection_system    its key and certificate, in `terminal/`
certify                    anybody's request: a foreign State's DV, or an inspection system
"""

from datetime import timedelta
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
from personalise.pki.cvca import DV_CERTIFICATE, FOLDER, IS_CERTIFICATE, IS_KEY, TRUST_POINT
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.files import write_atomically
from support.records import read_bounded

_CERTIFIED: Final = "certified"
"""The folder of what was certified on request."""
_SEQUENCE_NUMBER: Final = 5
_MAX_CERTIFICATE: Final = 64 * 1024


def renew_cvca(operations: PkiOperations) -> CvCertificate:
    """Make the next CVCA key; returns the link certificate, signed with the key before.

    New chips trust the new key at once; a chip in the field learns it from the link.
    """
    before = operations.pki.trust_point
    label, label_before = operations.new_label("cvca"), operations.newest_label("cvca")
    reference = next_reference(before.holder_reference)
    with operations.operation("cvca.issue", {"label": label, "reference": reference}):
        custody = operations.pki.custody
        custody.generate(label, CURVE)
        link, root = issuing.renew_cvca(
            before, custody.signer(label_before), custody.signer(label), operations.at.date()
        )
        write_atomically(_path(operations, f"cvca-link-{reference}.cvcert"), link.encode())
        write_atomically(_path(operations, TRUST_POINT), root.encode())
    return link


def renew_document_verifier(operations: PkiOperations, rights: Right) -> CvCertificate:
    """Make the domestic Document Verifier's next key and have the CVCA certify it."""
    label = operations.new_label("dv")
    reference = next_reference(operations.pki.cv_certificate(DV_CERTIFICATE).holder_reference)
    with operations.operation("dv.issue", {"label": label, "reference": reference}):
        operations.pki.custody.generate(label, CURVE)
        asked = request(operations.pki.custody.signer(label), SCHEME, reference)
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
    """Answer a request: as the CVCA for a Document Verifier, as our DV for a terminal.

    Whoever was certified before signs the request with a key of then as well; a first request may
    be signed by the CVCA of its State, whose certificate the officer gives (`authenticated_by`).
    Raises `ProtocolError` where a signature is missing or wrong, or the key is of another kind than
    ours, `MisuseError` for a validity that is longer than Table 3 has it.
    """
    if role not in LONGEST_VALIDITY:
        raise MisuseError("only Document Verifiers and terminals are certified on request")
    if not timedelta(0) < validity <= LONGEST_VALIDITY[role]:
        raise MisuseError(
            f"the validity is 1 to {LONGEST_VALIDITY[role].days} days (Doc 9303-12, Table 3)"
        )
    subject = {"holder": asked.holder_reference, "role": role.name, "rights": str(int(rights))}
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
    """The outer signature of a request (Doc 9303-12, 8.1.1.5; its failures: 8.2.1).

    A holder with a key that is valid signs with that, whoever else vouches; one of whose keys none
    is valid any more asks as if for the first time.
    """
    holder, reference, today = asked.holder_reference, asked.outer_reference, operations.at.date()
    known = [each for each in _certified_before(operations) if _is_of_one_holder(each, holder)]
    valid = [each for each in known if each.expiration >= today]
    if reference is None:
        if valid:
            raise ProtocolError(
                f"{holder} was certified before: a further request is signed with the key of"
                f" {valid[-1].holder_reference} as well"
            )
        return
    if authenticated_by is not None and not valid:
        known.append(authenticated_by)
    voucher = next((each for each in known if each.holder_reference == reference), None)
    if voucher is None:
        raise ProtocolError(
            f"the request is signed by {reference} as well, whose certificate is not known: give"
            " the one of a CVCA that vouches for a first request with --authenticated-by"
        )
    if voucher.expiration < today:
        raise ProtocolError(f"the key of {reference} expired on {voucher.expiration}")
    asked.verify_outer(voucher.key_under(operations.pki.trust_point.public_key))


def _require_cvca(certificate: CvCertificate) -> None:
    if certificate.role is not Role.CVCA or not certificate.is_self_signed:
        raise MisuseError(f"{certificate.holder_reference} is not a CVCA's own certificate")
    certificate.verify(certificate.public_key)


def _certified_before(operations: PkiOperations) -> list[CvCertificate]:
    paths = (operations.pki.folder / _CERTIFIED).glob("*.cvcert")
    found = [CvCertificate.decode(read_bounded(path, _MAX_CERTIFICATE)) for path in paths]
    return sorted(found, key=lambda each: (each.effective, each.holder_reference))


def _is_of_one_holder(certificate: CvCertificate, reference: str) -> bool:
    """Whether two references are one holder's: they differ in the sequence number alone (7.2.2)."""
    return certificate.holder_reference[:-_SEQUENCE_NUMBER] == reference[:-_SEQUENCE_NUMBER]


def _certified_path(operations: PkiOperations, reference: str) -> Path:
    """Where a certificate is kept; a reference may hold any letter of ISO 8859-1."""
    return operations.pki.folder / _CERTIFIED / f"{reference.encode('latin-1').hex()}.cvcert"


def _certified(
    operations: PkiOperations, asked: CvRequest, role: Role, rights: Right, validity: timedelta
) -> CvCertificate:
    issuer = operations.pki.cv_certificate(TRUST_POINT if role.is_dv else DV_CERTIFICATE)
    signer = operations.pki.custody.signer(operations.newest_label("cvca" if role.is_dv else "dv"))
    day = operations.at.date()
    return certify_request(asked, issuer, signer, role, rights, day=day, validity=validity)


def _path(operations: PkiOperations, name: str) -> Path:
    return operations.pki.folder / FOLDER / name
