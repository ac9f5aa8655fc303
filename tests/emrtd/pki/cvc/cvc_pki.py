"""A CVCA with Document Verifiers and terminals, made for each test."""

from dataclasses import dataclass
from datetime import date

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.pki.cvc.authorization import Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, issue
from emrtd.pki.cvc.keys import CvPublicKey

ECDSA = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
BOTH = Right.READ_DG3 | Right.READ_DG4


@dataclass(frozen=True)
class Holder:
    """A key and its certificate."""

    key: PrivateKey
    certificate: CvCertificate
    scheme: SignatureScheme = ECDSA

    @property
    def reference(self) -> str:
        return self.certificate.holder_reference


def certify(
    reference: str,
    role: Role,
    issuer: Holder | None = None,
    *,
    rights: Right = BOTH,
    effective: date = date(2026, 1, 1),
    expiration: date = date(2028, 1, 1),
    key: PrivateKey | None = None,
    scheme: SignatureScheme = ECDSA,
    curve: str = "brainpoolP256r1",
    chat: Chat | None = None,
) -> Holder:
    """Issue a certificate, signed by `issuer`, or self-signed without one."""
    key = key or EcPrivateKey.generate(CURVES[curve])
    certificate = issue(
        public_key=CvPublicKey.of(key.public_key, scheme),
        holder=reference,
        chat=chat or Chat.inspection_system(role, rights),
        effective=effective,
        expiration=expiration,
        signer=issuer.key if issuer else key,
        scheme=issuer.scheme if issuer else scheme,
        authority=issuer.reference if issuer else reference,
    )
    return Holder(key, certificate, scheme)
