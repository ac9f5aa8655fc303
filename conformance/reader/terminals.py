"""Terminal Authentication for the cases: a CVCA, a Document Verifier, an inspection system."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

from conformance.reader.authority import key
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate, issue
from emrtd.pki.cvc.keys import CvPublicKey

ECDSA: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
YEAR: Final = timedelta(days=365)


@dataclass(frozen=True)
class Holder:
    """A key and its card-verifiable certificate."""

    key: PrivateKey
    certificate: CvCertificate
    scheme: SignatureScheme = ECDSA

    @property
    def reference(self) -> str:
        """The certificate holder reference."""
        return self.certificate.holder_reference


def certify(
    reference: str,
    role: Role,
    issuer: Holder | None = None,
    *,
    rights: Right = ALL_RIGHTS,
    effective: date,
    expiration: date,
    own: PrivateKey | None = None,
    scheme: SignatureScheme = ECDSA,
) -> Holder:
    """Issue a certificate, signed by `issuer`, or self-signed without one."""
    own = own or key(reference)
    certificate = issue(
        public_key=CvPublicKey.of(own.public_key, scheme),
        holder=reference,
        chat=Chat.inspection_system(role, rights),
        effective=effective,
        expiration=expiration,
        signer=issuer.key if issuer else own,
        scheme=issuer.scheme if issuer else scheme,
        authority=issuer.reference if issuer else reference,
    )
    return Holder(own, certificate, scheme)


@dataclass(frozen=True)
class Chain:
    """Keys and certificates from a CVCA to an inspection system, all of one algorithm."""

    root: Holder
    verifier: Holder
    system: Holder

    @property
    def certificates(self) -> tuple[CvCertificate, ...]:
        """The certificates that an inspection system sends."""
        return self.verifier.certificate, self.system.certificate

    def credentials(self, *more: CvCertificate) -> TerminalCredentials:
        """Return what the inspection system has; `more` are link certificates."""
        return self.with_certificates(*self.certificates, *more)

    def with_certificates(self, *certificates: CvCertificate) -> TerminalCredentials:
        """Return what the inspection system has, with other certificates."""
        return TerminalCredentials(self.system.key, self.system.reference, certificates)


@cache
def chain(
    today: date,
    scheme: SignatureScheme = ECDSA,
    rights: Right = ALL_RIGHTS,
    *,
    bits: int = 1024,
    root: Holder | None = None,
    curve: str = "brainpoolP256r1",
) -> Chain:
    """Return a chain that is valid from today for a year; `bits` are those of RSA keys."""
    kind = curve if scheme.family is SignatureFamily.ECDSA else f"RSA-{bits}"

    def made(name: str, role: Role, issuer: Holder | None) -> Holder:
        return certify(
            name, role, issuer, own=key(name, kind), scheme=scheme,
            rights=rights if role.is_dv else ALL_RIGHTS,
            effective=today, expiration=today + YEAR,
        )  # fmt: skip

    root = root or made("UTCVCA00001", Role.CVCA, None)
    verifier = made("UTDV00001", Role.DV_DOMESTIC, root)
    return Chain(root, verifier, made("UTIS00001", Role.TERMINAL, verifier))
