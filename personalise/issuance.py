"""What data preparation needs from a PKI: a signer, a trust point, and a seal for chip keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from emrtd.crypto.hashes import Hash
from emrtd.lds.security.security_object import SecurityObject
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.x509.certificates import Certificate
from support.secret import Secret


class SecurityObjectSigner(Protocol):
    """A Document Signer, with its key in a file, in an HSM or at a signing service.

    Each method returns a whole elementary file whose signature has been verified.
    """

    @property
    def certificate(self) -> Certificate:
        """The Document Signer certificate that the signatures verify with."""
        ...

    @property
    def csca(self) -> Certificate:
        """The certificate of the CSCA that issued it."""
        ...

    def sign_security_object(self, security_object: SecurityObject, at: datetime) -> bytes:
        """Return EF.SOD over a security object, with `at` as the signing time."""
        ...

    def sign_card_security(self, security_infos: bytes, at: datetime) -> bytes:
        """Return EF.CardSecurity over encoded SecurityInfos, with `at` as the signing time."""
        ...


@dataclass(frozen=True)
class Issuance:
    """What an issuer contributes to each document.

    `signer` is the Document Signer, `hash_algorithm` hashes the data groups for EF.SOD, `seal`
    encrypts a secret for the personalisation station, and `trust_point` is the CVCA certificate
    that chips trust for Terminal Authentication, None for a PKI without a CVCA.  `counted`: only a
    station at the ledger may write the image.
    """

    signer: SecurityObjectSigner
    hash_algorithm: Hash
    seal: Callable[[Secret], bytes]
    trust_point: CvCertificate | None = None
    counted: bool = False


class Issuer(Protocol):
    """A PKI as data preparation uses it, for one document after another."""

    def issuance(self, code: str, number: str, at: datetime) -> Issuance:
        """Return what to make the document of this code and number with, signed at `at`.

        Raises `MisuseError` for what the PKI cannot do, also if the clock is behind.
        """
        ...

    def register(self, signer: Certificate, at: datetime, sod: bytes, number: str) -> None:
        """Enter the document that this Document Signer has signed.

        Raises `MisuseError` if the Document Signer has reached its limit: the document must not be
        made then.
        """
        ...

    def close(self) -> None:
        """Close what was opened for the documents."""
        ...
