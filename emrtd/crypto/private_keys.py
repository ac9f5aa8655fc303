"""Private keys in memory, for tests, demos and files: `Signer`s with RSA and EC keys (PKCS#8).

For a key that must not be in this process, use an HSM or a service as the `Signer` instead.
"""

import secrets
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from emrtd.asn1 import ber, der
from emrtd.crypto import ecdsa
from emrtd.crypto.algorithm_identifiers import ID_RSA_PSS, encode_pss, read_pss
from emrtd.crypto.curves import Curve
from emrtd.crypto.public_keys import ID_EC_PUBLIC_KEY, ID_RSA, curve_from, encode_parameters
from emrtd.crypto.signatures import (
    MAX_RSA_BITS,
    MIN_RSA_BITS,
    EcPublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_encode,
    rsa_padding,
)
from emrtd.errors import ProtocolError
from support.errors import MalformedError, MisuseError
from support.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from emrtd.crypto.oaep import OaepScheme

_WHAT: Final = "private key"


class EcPrivateKey:
    """A private key on a curve of `emrtd.crypto.curves`, and the `Signer` that uses it."""

    def __init__(
        self, curve: Curve, private: Secret, *, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._private = private
        self._random = random
        number = int.from_bytes(private.reveal(), "big")
        if not 0 < number < curve.n:
            raise MisuseError(f"the private key is not one of {curve.name}")
        self._public_key = EcPublicKey(curve, curve.multiply(number, curve.g))

    @classmethod
    def generate(
        cls, curve: Curve, *, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> "EcPrivateKey":
        """Generate a key from 64 random bits more than the order has (FIPS 186-5, A.2.1)."""
        size = (curve.n.bit_length() + 7) // 8
        number = int.from_bytes(random(size + 8), "big") % (curve.n - 1) + 1
        return cls(curve, Secret(number.to_bytes(size, "big")), random=random)

    @property
    def public_key(self) -> EcPublicKey:
        """The public half."""
        return self._public_key

    @property
    def private(self) -> Secret:
        """The private number, big-endian, for key agreement and for files."""
        return self._private

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message; the signature is DER."""
        if scheme.family is not SignatureFamily.ECDSA:
            raise MisuseError(f"a key on {self._public_key.curve.name} cannot make {scheme.family}")
        digest = scheme.hash.digest(message)
        if self._random is secrets.token_bytes and ecdsa.has_openssl(self._public_key.curve):
            return ecdsa.sign_with(self._openssl_key, digest)
        number = int.from_bytes(self._private.reveal(), "big")
        return ecdsa_encode(*ecdsa.sign(self._public_key.curve, number, digest, self._random))

    @cached_property
    def _openssl_key(self) -> "EllipticCurvePrivateKey":
        number = int.from_bytes(self._private.reveal(), "big")
        return ecdsa.private_key(self._public_key.curve, number)

    def to_pkcs8(self, *, explicit: bool = False) -> Secret:
        """Encode as PKCS#8 PrivateKeyInfo (RFC 5958, RFC 5915), not encrypted."""
        curve = self._public_key.curve
        named = curve.oid is not None and not explicit
        parameters = der.oid(curve.oid or "") if named else encode_parameters(curve)
        size = (curve.n.bit_length() + 7) // 8
        number = int.from_bytes(self._private.reveal(), "big")
        key = der.sequence(
            der.integer(1),
            der.octet_string(number.to_bytes(size, "big")),
            der.tagged(1, der.bit_string(curve.encode_point(self._public_key.point))),
        )
        algorithm = der.sequence(der.oid(ID_EC_PUBLIC_KEY), parameters)
        return Secret(der.sequence(der.integer(0), algorithm, der.octet_string(key)))


class RsaPrivateKey:
    """An RSA private key, and the `Signer` that uses it.

    `pss_only`: the key is under id-RSASSA-PSS and makes no other signatures.  `restriction` holds
    the parameters that such a key may name: then every signature has its hash and its MGF1 hash,
    and at least its salt length (RFC 4055, 1.2 and 3.1).
    """

    def __init__(
        self,
        key: "RSAPrivateKey",
        *,
        pss_only: bool = False,
        restriction: SignatureScheme | None = None,
    ) -> None:
        self._key = key
        self._pss_only = pss_only or restriction is not None
        self._restriction = restriction
        numbers = key.public_key().public_numbers()
        self._public_key = RsaPublicKey(numbers.n, numbers.e)

    @classmethod
    def generate(cls, bits: int) -> "RsaPrivateKey":
        """Generate a key with a modulus of 1024 to 8192 bits, and exponent 65537."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            between = f"choose between {MIN_RSA_BITS} and {MAX_RSA_BITS}"
            raise MisuseError(f"an RSA key of {bits} bits: {between}")
        return cls(rsa.generate_private_key(65537, bits))

    @property
    def public_key(self) -> RsaPublicKey:
        """The public half."""
        return self._public_key

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message, with PKCS#1 v1.5 or PSS."""
        self._require_allowed(scheme)
        return self._key.sign(message, *rsa_padding(scheme))

    def apply(self, representative: int) -> int:
        """Apply the bare RSA operation (RFC 8017, 5.2.1) to a padded representative.

        The operation is blinded, so that its time reveals nothing about the key.
        """
        public = self._public_key
        if self._pss_only:
            raise MisuseError("the key is under id-RSASSA-PSS, and makes only RSA-PSS signatures")
        if not 0 <= representative < public.n:
            raise MisuseError("the number to sign is not smaller than the modulus")
        blinding = secrets.randbelow(public.n - 2) + 2
        blinded = representative * pow(blinding, public.e, public.n) % public.n
        private = self._key.private_numbers().d
        return pow(blinded, private, public.n) * pow(blinding, -1, public.n) % public.n

    def decrypt_oaep(self, encrypted: bytes, scheme: "OaepScheme") -> Secret:
        """Decrypt with RSAES-OAEP (RFC 8017, 7.1.2).

        Raises `ProtocolError`, which does not say what was wrong, if it does not decrypt.
        """
        self._require_decryption()
        try:
            return Secret(self._key.decrypt(encrypted, scheme.padding))
        except ValueError:
            raise ProtocolError("the RSA key does not decrypt this") from None

    def decrypt_pkcs1(self, encrypted: bytes, size: int) -> Secret:
        """Decrypt a key of `size` octets with RSAES-PKCS1-v1_5 (RFC 8017, 7.2.2).

        If the padding or the size is wrong, a random key of that size is returned: whoever tries
        many ciphertexts must not learn which of them had the right padding (RFC 3218, 2.3.2).
        """
        from cryptography.hazmat.primitives.asymmetric import padding

        self._require_decryption()
        key = secrets.token_bytes(size)
        try:
            found = self._key.decrypt(encrypted, padding.PKCS1v15())
        except ValueError:
            found = b""
        return Secret((found, key)[len(found) != size])

    def _require_decryption(self) -> None:
        if self._pss_only:
            raise MisuseError("the key is under id-RSASSA-PSS, and does not decrypt")

    def to_pkcs8(self) -> Secret:
        """Encode as PKCS#8 PrivateKeyInfo, not encrypted; id-RSASSA-PSS and its parameters stay."""
        from cryptography.hazmat.primitives import serialization

        if self._pss_only:
            restriction = self._restriction
            parameters = [] if restriction is None else [encode_pss(restriction)]
            algorithm = der.sequence(der.oid(ID_RSA_PSS), *parameters)
        else:
            algorithm = der.sequence(der.oid(ID_RSA), der.null())
        key = self._key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.TraditionalOpenSSL,  # RSAPrivateKey (RFC 8017, A.1.2)
            serialization.NoEncryption(),
        )
        return Secret(der.sequence(der.integer(0), algorithm, der.octet_string(key)))

    def _require_allowed(self, scheme: SignatureScheme) -> None:
        if self._pss_only and scheme.family is not SignatureFamily.RSA_PSS:
            raise MisuseError(
                f"the key is under id-RSASSA-PSS, and cannot make {scheme.description}"
            )
        allowed = self._restriction
        if allowed is None:
            return
        salt = scheme.hash.size if scheme.salt_length is None else scheme.salt_length
        hashes = scheme.hash, scheme.mgf_hash or scheme.hash
        if hashes != (allowed.hash, allowed.mgf_hash) or salt < (allowed.salt_length or 0):
            raise MisuseError(
                f"the key is only for {allowed.description}, MGF1 with {allowed.mgf_hash} and a"
                f" salt of {allowed.salt_length} octets or more"
            )


PrivateKey = EcPrivateKey | RsaPrivateKey


def load_private_key(
    pkcs8: Secret, *, random: Callable[[int], bytes] = secrets.token_bytes
) -> PrivateKey:
    """Read a PKCS#8 PrivateKeyInfo that is not encrypted; EC parameters are named or explicit.

    An RSA key under id-RSASSA-PSS keeps its restrictions.  Raises `MalformedError`.
    """
    octets = pkcs8.reveal()
    fields = ber.read(octets, _WHAT).expect(der.SEQUENCE).children
    if len(fields) < 3:
        raise MalformedError(_WHAT, "is not a PKCS#8 PrivateKeyInfo")
    algorithm = fields[1].expect(der.SEQUENCE).children
    if not algorithm:
        raise MalformedError(_WHAT, "names no algorithm")
    oid = der.read_oid_value(algorithm[0].expect(der.OID).contents, _WHAT)
    if oid == ID_RSA:
        return RsaPrivateKey(_load_rsa(octets))
    if oid == ID_RSA_PSS:
        # cryptography reads such a key and forgets that it is one.
        restriction = read_pss(algorithm[1])[0] if len(algorithm) > 1 else None
        return RsaPrivateKey(_load_rsa(octets), pss_only=True, restriction=restriction)
    if oid != ID_EC_PUBLIC_KEY or len(algorithm) != 2:
        raise MalformedError(_WHAT, "is neither an RSA key nor an EC key with its curve")
    curve = curve_from(algorithm[1])
    key = ber.read(fields[2].expect(der.OCTET_STRING).contents, _WHAT).children
    if len(key) < 2:
        raise MalformedError(_WHAT, "is not an ECPrivateKey")
    return EcPrivateKey(curve, Secret(key[1].expect(der.OCTET_STRING).contents), random=random)


def _load_rsa(octets: bytes) -> "RSAPrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    try:
        key = serialization.load_der_private_key(octets, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MalformedError(_WHAT, "is not a valid RSA key") from None
    if not isinstance(key, RSAPrivateKey):
        raise MalformedError(_WHAT, "is not an RSA key")
    return key
