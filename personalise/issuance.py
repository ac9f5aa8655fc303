"""What issuing a document needs of a PKI: a signer, a trust point, and a seal for chip keys."""

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
    """A Document Signer, wherever its key is; returns whole files that it has verified."""

    @property
    def certificate(self) -> Certificate:
        """The certificate that it signs with."""
        ...

    def sign_security_object(self, security_object: SecurityObject, at: datetime) -> bytes:
        """Sign EF.SOD."""
        ...

    def sign_card_security(self, security_infos: bytes, at: datetime) -> bytes:
        """Sign EF.CardSecurity."""
        ...


@dataclass(frozen=True)
class Issuance:
    """Who issues: the Document Signer, the CVCA that chips trust, and who may open chip keys.

    `hash_algorithm` is for the data groups; `seal` encloses a secret for the station.
    """

    signer: SecurityObjectSigner
    hash_algorithm: Hash
    seal: Callable[[Secret], bytes]
    trust_point: CvCertificate | None = None
