"""Active Authentication: the chip signs a challenge (Doc 9303-11, 6.1).

The terminal's side has two parts.  `challenge` returns the chip's answer as evidence.  `verify`
checks it, at once or later, with the key of a DG15 that passive authentication found authentic.
"""

import secrets
from typing import Final

import msgspec

from emrtd.crypto import iso9796
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import PrivateKey, RsaPrivateKey
from emrtd.crypto.protocols import BSI_DE
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_from_plain,
    ecdsa_to_plain,
)
from emrtd.crypto.signatures import verify as verify_signature
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import EXTENDED_MAX_LE, INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.secure_messaging import BareResponseError
from emrtd.lds.security.security_infos import ActiveAuthenticationInfo
from emrtd.status_words import SW
from support.errors import MalformedError
from support.reasons import Reason
from support.values import Hidden, Value

NONCE_SIZE: Final = 8
"""Octets of RND.IFD (6.1.2.1)."""

SHORT_CAPACITY: Final = 223
"""Octets that a response of short length carries under AES secure messaging (6.1.4)."""

_ECDSA_PLAIN: Final = f"{BSI_DE}.1.1.4.1"
_ECDSA_X9_62: Final = "1.2.840.10045.4"

PLAIN_ALGORITHMS: Final = {
    f"{_ECDSA_PLAIN}.1": Hash.SHA1,
    f"{_ECDSA_PLAIN}.2": Hash.SHA224,
    f"{_ECDSA_PLAIN}.3": Hash.SHA256,
    f"{_ECDSA_PLAIN}.4": Hash.SHA384,
    f"{_ECDSA_PLAIN}.5": Hash.SHA512,
}
"""ecdsa-plain-SHA1 to ecdsa-plain-SHA512 (TR-03111, 5.2.1.1)."""

_X9_62_ALGORITHMS: Final = {
    f"{_ECDSA_X9_62}.1": Hash.SHA1,
    f"{_ECDSA_X9_62}.3.1": Hash.SHA224,
    f"{_ECDSA_X9_62}.3.2": Hash.SHA256,
    f"{_ECDSA_X9_62}.3.3": Hash.SHA384,
    f"{_ECDSA_X9_62}.3.4": Hash.SHA512,
}

_CURVE_HASHES: Final = ((512, Hash.SHA512), (384, Hash.SHA384), (256, Hash.SHA256))


class SignedChallenge(Value, frozen=True):
    """The nonce RND.IFD (8 octets) that the terminal sent, and the chip's signature over it."""

    nonce: bytes
    signature: Hidden[bytes]


class Verified(msgspec.Struct, frozen=True):
    """How the chip signed ("RSA with SHA-256"), and the quirks that were read past."""

    algorithm: str
    hash: Hash
    quirks: tuple[str, ...] = ()


def info_for(key: PublicKey, algorithm: Hash) -> ActiveAuthenticationInfo | None:
    """Return the info for DG14; None for RSA, whose signature names its hash itself (9.2.4)."""
    if isinstance(key, RsaPublicKey):
        return None
    oids = {algorithm: oid for oid, algorithm in PLAIN_ALGORITHMS.items()}
    return ActiveAuthenticationInfo(oids[algorithm])


def hash_for(key: PublicKey) -> Hash:
    """Return the hash to sign with: the longest that does not exceed the order of the curve."""
    if isinstance(key, RsaPublicKey):
        return Hash.SHA256
    bits = key.curve.n.bit_length()
    return next((algorithm for least, algorithm in _CURVE_HASHES if bits >= least), Hash.SHA224)


# --- the terminal ----------------------------------------------------------------------------


def challenge(
    key: PublicKey,
    *,
    random: Random = secrets.token_bytes,
    short_capacity: int = SHORT_CAPACITY,
) -> Procedure[SignedChallenge]:
    """Send the chip a new nonce to sign.  The application is selected, and DG15 holds `key`.

    A signature of more than `short_capacity` octets is requested with extended length.  If the chip
    refuses one form, or truncates its answer, the other form is tried with another nonce.
    """
    expected = key.size if isinstance(key, RsaPublicKey) else _order_size(key) * 2
    forms = [SHORT_MAX_LE, EXTENDED_MAX_LE]
    if expected > short_capacity:
        forms.reverse()
    for index, ne in enumerate(forms):
        nonce = random(NONCE_SIZE)  # a new nonce for each attempt
        is_last = index == len(forms) - 1
        try:
            response = yield CommandAPDU(0x00, INS.INTERNAL_AUTHENTICATE, data=nonce, ne=ne)
        except BareResponseError:  # some chips refuse extended length in plain
            if is_last:
                raise
            continue
        if is_last or (response.sw == SW.OK and len(response.data) >= expected):
            break
    return SignedChallenge(nonce, response.require("Active Authentication"))


def verify(
    key: PublicKey, info: ActiveAuthenticationInfo | None, signed: SignedChallenge
) -> Verified:
    """Verify the chip's signature with the key of DG15, and the info of DG14 if it has one.

    Raises `ProtocolError` if it is not the signature of this key over this nonce.
    """
    if isinstance(key, RsaPublicKey):
        recovered = iso9796.verify(key, signed.signature, signed.nonce)
        algorithm = Reason("RSA of ISO/IEC 9796-2 with {hash}", hash=recovered.hash)
        return Verified(algorithm, recovered.hash, recovered.quirks)
    return _verify_ecdsa(key, info, signed)


def _verify_ecdsa(
    key: EcPublicKey, info: ActiveAuthenticationInfo | None, signed: SignedChallenge
) -> Verified:
    signature, quirks = _as_der(signed.signature, key)
    hashes, reason = _candidates(key, info)
    for algorithm in hashes:
        scheme = SignatureScheme(SignatureFamily.ECDSA, algorithm)
        try:
            verify_signature(key, scheme, signature, signed.nonce)
        except ProtocolError:
            continue
        if reason:
            quirks += (reason,)
        if algorithm is Hash.SHA1:
            quirks += ("the signature is over SHA-1, which Doc 9303-11, 6.1.2.3 forbids",)
        return Verified(scheme.description, algorithm, quirks)
    raise ProtocolError("the signature of Active Authentication is wrong")


def _as_der(signature: bytes, key: EcPublicKey) -> tuple[bytes, tuple[str, ...]]:
    """Return the signature as DER, and a quirk if the chip sent DER instead of r || s."""
    try:
        return ecdsa_from_plain(signature, key.curve), ()
    except MalformedError:
        return signature, ("the signature is DER instead of r || s",)


def _candidates(
    key: EcPublicKey, info: ActiveAuthenticationInfo | None
) -> tuple[tuple[Hash, ...], str]:
    """Return the hash functions to try, and a quirk if DG14 does not name one as it should."""
    if info is not None:
        oid = info.signature_algorithm
        if oid in PLAIN_ALGORITHMS:
            return (PLAIN_ALGORITHMS[oid],), ""
        if oid in _X9_62_ALGORITHMS:
            reason: str = Reason(
                "DG14 names the algorithm {oid} instead of one of TR-03111", oid=oid
            )
            return (_X9_62_ALGORITHMS[oid],), reason
    expected = hash_for(key)
    others = (each for each in reversed(Hash) if each is not expected)
    reason = "DG14 does not name the hash function of Active Authentication"
    return (expected, *others), reason


def _order_size(key: EcPublicKey) -> int:
    return (key.curve.n.bit_length() + 7) // 8


# --- the chip --------------------------------------------------------------------------------


def sign(
    key: PrivateKey,
    nonce: bytes,
    algorithm: Hash | None = None,
    *,
    random: Random = secrets.token_bytes,
) -> bytes:
    """Return the answer to INTERNAL AUTHENTICATE: the signature over a nonce of 8 octets.

    `algorithm` is the hash that DG14 names; `hash_for(key)` if DG14 names none.  `random` draws M1.
    Raises `ChipRefusalError` for a nonce of another size.
    """
    if len(nonce) != NONCE_SIZE:
        raise ChipRefusalError(SW.WRONG_LENGTH, "Active Authentication")
    algorithm = algorithm or hash_for(key.public_key)
    if isinstance(key, RsaPrivateKey):
        return iso9796.sign(key, algorithm, nonce, random=random)
    scheme = SignatureScheme(SignatureFamily.ECDSA, algorithm)
    return ecdsa_to_plain(key.sign(scheme, nonce), key.public_key.curve)
