"""The certificates that a case presents to a chip: valid ones, and ones with one fault."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, unique
from typing import Final

from conformance.keys import rsa_key
from conformance.running import NotApplicableError
from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES, Curve
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import EcPublicKey, SignatureFamily, SignatureScheme
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.certificates import BODY, SIGNATURE, CvCertificate, issue
from emrtd.pki.cvc.issuing import next_reference
from emrtd.pki.cvc.keys import PUBLIC_KEY, CvPublicKey, sign
from support.errors import MisuseError

LINK_VALIDITY: Final = timedelta(days=365)
"""How much later than the CVCA that certifies it the next one expires."""

SHORTER_RSA_BITS: Final = 1280
_SHORTER_CURVES: Final = (
    "brainpoolP320r1",
    "brainpoolP256r1",
    "brainpoolP224r1",
    "brainpoolP192r1",
)


@unique
class KeyKind(Enum):
    """The kind of key of a trust point, by the names of the profiles."""

    ECDSA = "ECDSA"
    RSA = "RSA"


@dataclass(frozen=True)
class Certified:
    """The holder of a certificate, whose key is not needed."""

    certificate: CvCertificate

    @property
    def reference(self) -> str:
        """The name of the holder."""
        return self.certificate.holder_reference


@dataclass(frozen=True)
class Holder(Certified):
    """The holder of a certificate, with its key and signature scheme."""

    key: PrivateKey
    scheme: SignatureScheme

    @property
    def kind(self) -> KeyKind:
        """The kind of its key."""
        ec = self.scheme.family is SignatureFamily.ECDSA
        return KeyKind.ECDSA if ec else KeyKind.RSA


@dataclass(frozen=True)
class Chain:
    """A chain of certificates: those of the issuers from below the trust point, and a terminal."""

    issuers: tuple[Certified, ...]
    terminal: Holder

    @property
    def first(self) -> Certified:
        """The Document Verifier that the trust point certified."""
        return self.issuers[0]

    @property
    def certificates(self) -> tuple[Certified, ...]:
        """The certificates in the order in which a card verifies them."""
        return (*self.issuers, self.terminal)


def certify(
    reference: str,
    role: Role,
    issuer: Holder | None,
    key: PrivateKey,
    scheme: SignatureScheme,
    *,
    period: tuple[date, date],
    rights: Right = ALL_RIGHTS,
) -> Holder:
    """Issue a certificate, signed by `issuer`, or self-signed without one."""
    effective, expiration = period
    certificate = issue(
        public_key=CvPublicKey.of(key.public_key, scheme),
        holder=reference,
        chat=Chat.inspection_system(role, rights),
        effective=effective,
        expiration=expiration,
        signer=issuer.key if issuer else key,
        scheme=issuer.scheme if issuer else scheme,
        authority=issuer.reference if issuer else reference,
    )
    return Holder(certificate, key, scheme)


@dataclass
class TerminalPki:
    """What the suite can certify, and what it knows of the date of the chip.

    `root` is a CVCA that is a trust point of the chip and whose key is known, None without one;
    `given` is the chain of an inspection system, used without a root.  `today` is the date that
    the chip is assumed to have.  Cases that change the trust points or the date of the chip change
    this object too.
    """

    root: Holder | None
    today: date
    given: Chain | None = None
    _made: dict[tuple[object, ...], Holder] = field(default_factory=dict)
    _followed: int = 0

    @property
    def cvca(self) -> Holder:
        """The root; raises `NotApplicableError` if its key is not known."""
        if self.root is None:
            raise NotApplicableError("the key of the chip's trust point is not known")
        return self.root

    @property
    def begin(self) -> date:
        """From when the usual certificates are valid: they never advance the chip's date."""
        return self.cvca.certificate.effective

    @property
    def soon(self) -> date:
        """A date before `later` at which certificates that must be valid now expire."""
        return self.today + timedelta(days=20)

    @property
    def later(self) -> date:
        """A date to which certificates can advance the chip's date."""
        later = self.today + timedelta(days=40)
        if later >= self.cvca.certificate.expiration:
            raise NotApplicableError("the trust point expires too soon to advance the date before")
        return later

    @property
    def end(self) -> date:
        """When the usual certificates expire: with the root."""
        return self.cvca.certificate.expiration

    def chain(self) -> Chain:
        """Return a chain from the trust point to a terminal that may read DG3 and DG4."""
        if self.root is None and self.given is not None:
            return self.given
        verifier = self.verifier()
        return Chain((verifier,), self.terminal(verifier))

    def verifier(
        self,
        role: Role = Role.DV_DOMESTIC,
        rights: Right = ALL_RIGHTS,
        *,
        effective: date | None = None,
        expiration: date | None = None,
        name: str = "DV",
    ) -> Holder:
        """Return a Document Verifier, certified by the root."""
        return self.certified(
            name, role, self.cvca, rights, effective=effective, expiration=expiration
        )

    def terminal(
        self,
        verifier: Holder,
        rights: Right = ALL_RIGHTS,
        *,
        effective: date | None = None,
        expiration: date | None = None,
        name: str = "IS",
    ) -> Holder:
        """Return an inspection system, certified by a Document Verifier."""
        return self.certified(
            name, Role.TERMINAL, verifier, rights, effective=effective, expiration=expiration
        )

    def certified(
        self,
        name: str,
        role: Role,
        issuer: Holder,
        rights: Right = ALL_RIGHTS,
        *,
        effective: date | None = None,
        expiration: date | None = None,
    ) -> Holder:
        """Return a holder with a key as that of its issuer; the same one for the same arguments."""
        arguments = (name, role, issuer.certificate, rights, effective, expiration)
        if arguments not in self._made:
            period = effective or self.begin, expiration or self.end
            key = like(issuer, len(self._made))
            self._made[arguments] = certify(
                self.name(name), role, issuer, key, issuer.scheme, period=period, rights=rights
            )
        return self._made[arguments]

    def linked(self) -> Holder:
        """Return the next CVCA, which a link certificate of the root certifies from today on."""
        return self._next(like(self.cvca, self._number), self.cvca.scheme)

    def migrated(self) -> Holder:
        """Return a next CVCA whose key is of the other kind."""
        other = KeyKind.RSA if self.cvca.kind is KeyKind.ECDSA else KeyKind.ECDSA
        return self._next(new_key(other, self._number), scheme_of(other))

    def _next(self, key: PrivateKey, scheme: SignatureScheme) -> Holder:
        period = self.today, self.end + LINK_VALIDITY
        try:
            name = next_reference(self.cvca.reference)
        except MisuseError as error:
            raise NotApplicableError(error.message) from None
        return certify(name, Role.CVCA, self.cvca, key, scheme, period=period)

    @property
    def _number(self) -> int:
        """The number of the next CVCA's RSA key, which differs from that of the one before."""
        return 1 + self._followed % 3

    def name(self, mnemonic: str) -> str:
        """Return the reference of a holder in the root's country: "UTDV00001"."""
        return f"{self.cvca.reference[:2]}{mnemonic}00001"

    def advance(self, day: date) -> None:
        """Record that the chip's date is now this one."""
        self.today = day
        self._made.clear()

    def follow(self, root: Holder) -> None:
        """Record that the chip now trusts this CVCA first."""
        self.root = root
        self._followed += 1
        self._made.clear()


def scheme_of(kind: KeyKind) -> SignatureScheme:
    """Return the usual signature scheme for a kind of key."""
    families = {KeyKind.ECDSA: SignatureFamily.ECDSA, KeyKind.RSA: SignatureFamily.RSA_PSS}
    return SignatureScheme(families[kind], Hash.SHA256)


def new_key(kind: KeyKind, number: int) -> PrivateKey:
    """Return a key of this kind: a new EC key, or one of the process's RSA keys."""
    if kind is KeyKind.RSA:
        return rsa_key(number % 4)
    return EcPrivateKey.generate(CURVES["brainpoolP256r1"])


def like(holder: Holder, number: int) -> PrivateKey:
    """Return a key on the curve of a holder's key, or of the length of its modulus."""
    public = holder.key.public_key
    if isinstance(public, EcPublicKey):
        return EcPrivateKey.generate(public.curve)
    return rsa_key(number % 4, 8 * public.size)


def shorter(holder: Holder) -> PrivateKey:
    """Return a shorter key than a holder has; raises `NotApplicableError` if none is shorter."""
    public = holder.key.public_key
    if not isinstance(public, EcPublicKey):
        return rsa_key(9, SHORTER_RSA_BITS if 8 * public.size > SHORTER_RSA_BITS else 1024)
    return EcPrivateKey.generate(_shorter_curve(public.curve))


def _shorter_curve(curve: Curve) -> Curve:
    for name in _SHORTER_CURVES:
        if CURVES[name].n.bit_length() < curve.n.bit_length():
            return CURVES[name]
    raise NotApplicableError("no shorter curve than that of the trust point is allowed")


# --- certificates with one fault ---------------------------------------------------------------

Objects = list[tuple[int, bytes]]
Change = Callable[[Objects], Objects]
Fault = Callable[[Holder, Holder], bytes]
"""Returns the value of a faulty certificate (without 7F21) of a holder and its issuer."""


def altered(change: Change) -> Fault:
    """Return the fault of changed data objects in the body, which is signed after the change."""

    def fault(holder: Holder, issuer: Holder) -> bytes:
        body = tlv.read(holder.certificate.body, "certificate")
        objects = change([(each.tag, each.value) for each in body.children()])
        signed = tlv.encode(BODY, *(tlv.encode(*each) for each in objects))
        return signed + tlv.encode(SIGNATURE, sign(issuer.key, issuer.scheme, signed))

    return fault


def signature_of(change: Callable[[bytes], bytes]) -> Fault:
    """Return the fault of a changed signature."""
    return lambda holder, _issuer: (
        holder.certificate.body + tlv.encode(SIGNATURE, change(holder.certificate.signature))
    )


def octets_of(change: Callable[[bytes], bytes]) -> Fault:
    """Return the fault of changed octets of a certificate."""
    return lambda holder, _issuer: change(holder.certificate.value)


def without(tag: int) -> Change:
    """Leave a data object out."""
    return lambda objects: [each for each in objects if each[0] != tag]


def replaced(tag: int, value: bytes) -> Change:
    """Replace the value of a data object."""
    return lambda objects: [(each[0], value if each[0] == tag else each[1]) for each in objects]


def in_key(change: Change) -> Change:
    """Apply a change inside the public key (7F49)."""

    def changed(objects: Objects) -> Objects:
        inside = [(each.tag, each.value) for each in tlv.read_all(dict(objects)[PUBLIC_KEY], "key")]
        return replaced(PUBLIC_KEY, b"".join(tlv.encode(*each) for each in change(inside)))(objects)

    return changed


def oid_of(number: str) -> Change:
    """Replace the object identifier."""
    return replaced(der.OID, der.oid_value(number))
