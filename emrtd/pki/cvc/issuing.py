"""Issuing by a Country Verifying CA and its Document Verifiers: the rights to read fingerprints.

A CVCA certifies Document Verifiers, and these certify inspection systems (Doc 9303-12, 7.2).
Validities are short, since a chip has no clock and no revocation list.
"""

import re
from datetime import date, timedelta
from enum import Enum, unique
from typing import Annotated, Final

import msgspec

from emrtd.crypto.hashes import Hash
from emrtd.crypto.key_kinds import fitting_hash
from emrtd.crypto.signatures import (
    PublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    Signer,
)
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, holder_reference, issue
from emrtd.pki.cvc.keys import CvPublicKey
from emrtd.pki.cvc.requests import CvRequest
from support.errors import MisuseError
from support.records import Record

CURVE: Final = "brainpoolP256r1"
SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
"""The kind and the signature scheme of the State's own keys, unless it chooses others."""

_LONGEST_DOCUMENT_VERIFIER: Final = 90  # days: Doc 9303-12, Table 3
_LONGEST_INSPECTION_SYSTEM: Final = 31


class CvValidity(Record, frozen=True):
    """How long card-verifiable certificates are valid, in days.

    Doc 9303-12, Table 3 has 6 months to 3 years for a CVCA, 2 weeks to 3 months for a Document
    Verifier, 1 day to 1 month for an inspection system.
    """

    cvca: Annotated[int, msgspec.Meta(ge=181, le=3 * 366)] = 3 * 365
    document_verifier: Annotated[int, msgspec.Meta(ge=14, le=_LONGEST_DOCUMENT_VERIFIER)] = 90
    inspection_system: Annotated[int, msgspec.Meta(ge=1, le=_LONGEST_INSPECTION_SYSTEM)] = 30

    def of(self, role: Role) -> timedelta:
        """Return the validity of a certificate for a role."""
        if role is Role.CVCA:
            return timedelta(days=self.cvca)
        return timedelta(days=self.document_verifier if role.is_dv else self.inspection_system)


DEFAULT_VALIDITY: Final = CvValidity()

LONGEST_VALIDITY: Final = {
    Role.DV_DOMESTIC: timedelta(days=_LONGEST_DOCUMENT_VERIFIER),
    Role.DV_FOREIGN: timedelta(days=_LONGEST_DOCUMENT_VERIFIER),
    Role.TERMINAL: timedelta(days=_LONGEST_INSPECTION_SYSTEM),
}
"""The longest validity of Table 3, by the roles that are certified on request."""

_FIRST: Final = "00001"
_REFERENCE: Final = re.compile(r"([A-Z]{2})(.{1,9})(\d{5})")


@unique
class RequestFault(Enum):
    """Why a request is refused (Doc 9303-12, 8.2.1)."""

    INNER_SIGNATURE = "inner signature"
    OUTER_SIGNATURE = "outer signature"
    EXPIRED = "the signer has expired"
    DOMAIN_PARAMETERS = "domain parameters"
    NOT_ACCEPTED = "not accepted"


class RequestError(ProtocolError):
    """A request that is not certified, and why."""

    def __init__(self, fault: RequestFault, reason: str, *, advice: str = "") -> None:
        self.fault = fault
        super().__init__(reason, advice=advice)


class CvChain(msgspec.Struct, frozen=True):
    """Certificates from the trust point of chips down to one inspection system."""

    cvca: CvCertificate
    document_verifier: CvCertificate
    inspection_system: CvCertificate


def scheme_for(kind: str) -> SignatureScheme:
    """Return the scheme of a CVCA whose keys are of this kind: ECDSA or PSS (9303-11, 9.2.9).

    `kind` is a curve's name or "RSA-3072"; raises `MisuseError` for another.
    """
    family = SignatureFamily.RSA_PSS if kind.startswith("RSA-") else SignatureFamily.ECDSA
    return SignatureScheme(family, fitting_hash(kind))


def issue_chain(
    country: str,
    cvca: Signer,
    document_verifier: Signer,
    inspection_system: PublicKey,
    day: date,
    *,
    scheme: SignatureScheme = SCHEME,
    validity: CvValidity = DEFAULT_VALIDITY,
) -> CvChain:
    """Issue certificates to a CVCA (self-signed), a domestic DV and an inspection system.

    The inspection system may read fingerprints and irises.  `country` has two letters; every
    validity begins on `day`.  All keys are of one kind, for `scheme`.
    """
    root, middle, end = (
        holder_reference(country, mnemonic, _FIRST) for mnemonic in ("CVCA", "DV", "IS")
    )

    def certify(
        key: PublicKey, holder: str, role: Role, signer: Signer, authority: str
    ) -> CvCertificate:
        return issue(
            public_key=CvPublicKey.of(key, scheme),
            holder=holder,
            chat=Chat.inspection_system(role, ALL_RIGHTS),
            effective=day,
            expiration=day + validity.of(role),
            signer=signer,
            scheme=scheme,
            authority=authority,
        )

    return CvChain(
        certify(cvca.public_key, root, Role.CVCA, cvca, root),
        certify(document_verifier.public_key, middle, Role.DV_DOMESTIC, cvca, root),
        certify(inspection_system, end, Role.TERMINAL, document_verifier, middle),
    )


def renew_cvca(
    before: CvCertificate,
    signer_before: Signer,
    signer: Signer,
    day: date,
    *,
    reference: str,
    scheme: SignatureScheme,
    validity: CvValidity = DEFAULT_VALIDITY,
) -> tuple[CvCertificate, CvCertificate]:
    """Certify the next CVCA key; return the link certificate and the self-signed one.

    `before` is the certificate of the previous key, `signer_before` that key; `reference` and
    `scheme` are those of the next one, which may have another name and kind (Doc 9303-12, 4.2.1).
    New chips are personalised with the self-signed certificate; issued chips accept the key through
    the link.
    """

    def certified_by(
        signing: Signer, signing_scheme: SignatureScheme, authority: str
    ) -> CvCertificate:
        return issue(
            public_key=CvPublicKey.of(signer.public_key, scheme),
            holder=reference,
            chat=before.chat,
            effective=day,
            expiration=day + validity.of(Role.CVCA),
            signer=signing,
            scheme=signing_scheme,
            authority=authority,
        )

    link = certified_by(signer_before, before.public_key.scheme, before.holder_reference)
    return link, certified_by(signer, scheme, reference)


def certify_request(
    asked: CvRequest,
    issuer: CvCertificate,
    signer: Signer,
    role: Role,
    rights: Right,
    *,
    day: date,
    validity: timedelta,
    earlier: frozenset[str] = frozenset(),
) -> CvCertificate:
    """Verify the inner signature of a request and certify its key.

    `issuer` is the certificate of `signer`: a CVCA's for a Document Verifier, a Document
    Verifier's for a terminal.  `earlier` are the references of the issuer's keys before: who asks
    for one of these gets a certificate of the key in use, with links to it (8.1.1.2).  The rights
    are limited to the issuer's, and the validity ends no later than the issuer's.  Raises
    `RequestError`.
    """
    check_request(asked, issuer, signer.public_key, earlier=earlier)
    return issue(
        public_key=asked.public_key,
        holder=asked.holder_reference,
        chat=Chat.inspection_system(role, rights & issuer.chat.rights),
        effective=day,
        expiration=min(day + validity, issuer.expiration),
        signer=signer,
        scheme=issuer.public_key.scheme,
        authority=issuer.holder_reference,
    )


def check_request(
    asked: CvRequest,
    issuer: CvCertificate,
    key: PublicKey,
    *,
    earlier: frozenset[str] = frozenset(),
) -> None:
    """Check what `certify_request` requires; `key` is the issuer's.  Raises `RequestError`."""
    try:
        asked.verify()
    except ProtocolError as error:
        raise RequestError(RequestFault.INNER_SIGNATURE, error.said) from None
    scheme = issuer.public_key.scheme
    ours = CvPublicKey.of(key, scheme)
    if (asked.public_key.oid, asked.public_key.curve) != (ours.oid, ours.curve) or not _fits(
        asked.public_key.key, key
    ):
        raise RequestError(  # its certificate would have no domain parameters (7.2.2.3)
            RequestFault.DOMAIN_PARAMETERS,
            f"the request's key is not for {scheme.description} with {key.description} like its"
            " issuer's",
        )
    wanted = asked.authority_reference
    if wanted is not None and wanted not in {issuer.holder_reference, *earlier}:
        raise RequestError(
            RequestFault.NOT_ACCEPTED,
            f"the request is to {wanted}, but the key in use is {issuer.holder_reference}",
        )


def _fits(asked: PublicKey | None, key: PublicKey) -> bool:
    """Whether two keys of one scheme and curve have the same size."""
    if isinstance(asked, RsaPublicKey) and isinstance(key, RsaPublicKey):
        return asked.n.bit_length() == key.n.bit_length()
    return True


def next_reference(reference: str) -> str:
    """Return the holder reference with the next sequence number, its last five digits (7.2.2).

    Raises `MisuseError` after 99999, and for another form of sequence number.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None or found[3] == "99999":
        raise MisuseError(f"{reference}: has no next sequence number")
    return holder_reference(found[1], found[2], f"{int(found[3]) + 1:05d}")
