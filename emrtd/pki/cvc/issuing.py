"""Issuing by a Country Verifying CA and its Document Verifiers: the rights to read fingerprints.

A CVCA certifies Document Verifiers, and these certify inspection systems (Doc 9303-12, 7.2).
Validities are short, since a chip has no clock and no revocation list.
"""

import re
from datetime import date, timedelta
from typing import Final

import msgspec

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import PublicKey, SignatureFamily, SignatureScheme, Signer
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, holder_reference, issue
from emrtd.pki.cvc.keys import CvPublicKey
from emrtd.pki.cvc.requests import CvRequest
from support.errors import MisuseError

CURVE: Final = "brainpoolP256r1"
SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
"""The curve and signature scheme of every key of the State's own chain."""

# Doc 9303-12, Table 3: 6 months to 3 years, 2 weeks to 3 months, 1 day to 1 month.
CVCA_VALIDITY: Final = timedelta(days=3 * 365)
DOCUMENT_VERIFIER_VALIDITY: Final = timedelta(days=90)
INSPECTION_SYSTEM_VALIDITY: Final = timedelta(days=30)

LONGEST_VALIDITY: Final = {
    Role.DV_DOMESTIC: DOCUMENT_VERIFIER_VALIDITY,
    Role.DV_FOREIGN: DOCUMENT_VERIFIER_VALIDITY,
    Role.TERMINAL: timedelta(days=31),
}
"""The longest validity of Table 3, by the roles that are certified on request."""

_FIRST: Final = "00001"
_REFERENCE: Final = re.compile(r"([A-Z]{2})(.{1,9})(\d{5})")


class CvChain(msgspec.Struct, frozen=True):
    """Certificates from the trust point of chips down to one inspection system."""

    cvca: CvCertificate
    document_verifier: CvCertificate
    inspection_system: CvCertificate


def issue_chain(
    country: str, cvca: Signer, document_verifier: Signer, inspection_system: PublicKey, day: date
) -> CvChain:
    """Issue certificates to a CVCA (self-signed), a domestic DV and an inspection system.

    The inspection system may read fingerprints and irises.  `country` has two letters; every
    validity begins on `day`.
    """
    root, middle, end = (
        holder_reference(country, mnemonic, _FIRST) for mnemonic in ("CVCA", "DV", "IS")
    )

    def certify(  # noqa: PLR0917 - the fields of a certificate
        key: PublicKey, holder: str, role: Role, validity: timedelta, signer: Signer, authority: str
    ) -> CvCertificate:
        return issue(
            public_key=CvPublicKey.of(key, SCHEME),
            holder=holder,
            chat=Chat.inspection_system(role, ALL_RIGHTS),
            effective=day,
            expiration=day + validity,
            signer=signer,
            scheme=SCHEME,
            authority=authority,
        )

    return CvChain(
        certify(cvca.public_key, root, Role.CVCA, CVCA_VALIDITY, cvca, root),
        certify(
            document_verifier.public_key,
            middle,
            Role.DV_DOMESTIC,
            DOCUMENT_VERIFIER_VALIDITY,
            cvca,
            root,
        ),
        certify(
            inspection_system,
            end,
            Role.TERMINAL,
            INSPECTION_SYSTEM_VALIDITY,
            document_verifier,
            middle,
        ),
    )


def renew_cvca(
    before: CvCertificate, signer_before: Signer, signer: Signer, day: date
) -> tuple[CvCertificate, CvCertificate]:
    """Certify the next CVCA key; return the link certificate and the self-signed one.

    `before` is the certificate of the previous key, `signer_before` that key.  New chips are
    personalised with the self-signed certificate; issued chips accept the key through the link.
    """
    reference = next_reference(before.holder_reference)

    def certified_by(signing: Signer, authority: str) -> CvCertificate:
        return issue(
            public_key=CvPublicKey.of(signer.public_key, SCHEME),
            holder=reference,
            chat=before.chat,
            effective=day,
            expiration=day + CVCA_VALIDITY,
            signer=signing,
            scheme=SCHEME,
            authority=authority,
        )

    link = certified_by(signer_before, before.holder_reference)
    return link, certified_by(signer, reference)


def certify_request(
    asked: CvRequest,
    issuer: CvCertificate,
    signer: Signer,
    role: Role,
    rights: Right,
    *,
    day: date,
    validity: timedelta,
) -> CvCertificate:
    """Verify the inner signature of a request and certify its key.

    `issuer` is the certificate of `signer`: a CVCA's for a Document Verifier, a Document
    Verifier's for a terminal.  The rights are limited to the issuer's, and the validity ends no
    later than the issuer's.  Raises `ProtocolError` for a wrong signature, for a key of another
    kind than the issuer's, and for a request to another issuer.
    """
    asked.verify()
    ours = CvPublicKey.of(signer.public_key, SCHEME)
    if (asked.public_key.oid, asked.public_key.curve) != (ours.oid, ours.curve):
        raise ProtocolError(  # its certificate would have no domain parameters (7.2.2.3)
            f"the request's key is not for {SCHEME.description} on {CURVE} like its issuer's"
        )
    wanted = asked.authority_reference
    if wanted is not None and wanted != issuer.holder_reference:
        raise ProtocolError(
            f"the request is to {wanted}, but the key in use is {issuer.holder_reference}"
        )
    return issue(
        public_key=asked.public_key,
        holder=asked.holder_reference,
        chat=Chat.inspection_system(role, rights & issuer.chat.rights),
        effective=day,
        expiration=min(day + validity, issuer.expiration),
        signer=signer,
        scheme=SCHEME,
        authority=issuer.holder_reference,
    )


def next_reference(reference: str) -> str:
    """Return the holder reference with the next sequence number, its last five digits (7.2.2).

    Raises `MisuseError` after 99999, and for another form of sequence number.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None or found[3] == "99999":
        raise MisuseError(f"{reference}: has no next sequence number")
    return holder_reference(found[1], found[2], f"{int(found[3]) + 1:05d}")
