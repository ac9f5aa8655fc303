"""Operations on the keys of a token in one PKCS#11 session, for `Pkcs11Custody`."""

from typing import Any

from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES, Curve
from emrtd.crypto.key_kinds import rsa_bits
from emrtd.crypto.public_keys import curve_from
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_encode,
)
from support.errors import MalformedError, MisuseError


class HsmError(MisuseError):
    """The HSM refused an operation or cannot be reached; the message never contains a PIN."""


def labels(session: Any) -> set[str]:
    """Return the labels of the private keys in the token."""
    from pkcs11 import Attribute, ObjectClass

    return {key.label for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})}


def _key(session: Any, label: str, *, private: bool) -> Any:
    from pkcs11 import Attribute, ObjectClass

    wanted = ObjectClass.PRIVATE_KEY if private else ObjectClass.PUBLIC_KEY
    found = list(session.get_objects({Attribute.CLASS: wanted, Attribute.LABEL: label}))
    if len(found) != 1:
        raise HsmError(f"the HSM has {len(found) or 'no'} keys {label!r}; exactly one is required")
    return found[0]


def generate(session: Any, label: str, kind: str) -> None:
    """Make a key pair that cannot be exported; `kind` is a curve's name or "RSA-3072"."""
    from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag

    uses = MechanismFlag.SIGN | MechanismFlag.VERIFY
    bits = rsa_bits(kind)
    if bits is not None:
        session.generate_keypair(KeyType.RSA, bits, store=True, label=label, capabilities=uses)
        return
    curve = CURVES.get(kind)
    if curve is None or curve.oid is None:
        raise MisuseError(
            f"{kind!r} is not a kind of key",
            advice="use the name of a curve, or RSA- and the size in bits, such as RSA-3072",
        )
    parameters = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: der.oid(curve.oid)}, local=True
    )
    parameters.generate_keypair(
        mechanism=Mechanism.EC_KEY_PAIR_GEN, store=True, label=label, capabilities=uses
    )


def public_key(session: Any, label: str) -> PublicKey:
    """Return the public key with this label; `HsmError` unless there is exactly one."""
    from pkcs11 import Attribute, KeyType

    key = _key(session, label, private=False)
    if key.key_type == KeyType.RSA:
        return RsaPublicKey(
            int.from_bytes(key[Attribute.MODULUS], "big"),
            int.from_bytes(key[Attribute.PUBLIC_EXPONENT], "big"),
        )
    curve = _curve(key)
    point = ber.read(key[Attribute.EC_POINT], "the HSM's EC point").expect(der.OCTET_STRING)
    return EcPublicKey(curve, curve.decode_point(point.contents))


def destroy(session: Any, label: str) -> None:
    """Destroy a key pair; `HsmError` if there is none."""
    found = [key for key in session.get_objects() if key.label == label]
    if not found:
        raise HsmError(f"the HSM has no key {label!r}")
    for key in found:
        key.destroy()


def _curve(key: Any) -> Curve:
    from pkcs11 import Attribute

    try:
        return curve_from(ber.read(key[Attribute.EC_PARAMS], "the HSM's curve"))
    except MalformedError as error:
        raise HsmError(f"the curve of the key {key.label!r} is not supported: {error}") from None


def sign(session: Any, label: str, scheme: SignatureScheme, message: bytes) -> bytes:
    """Sign a message; ECDSA signatures are DER.  `MisuseError` for a scheme of another family."""
    from pkcs11 import KeyType, Mechanism

    key = _key(session, label, private=True)
    if (key.key_type == KeyType.RSA) == (scheme.family is SignatureFamily.ECDSA):
        raise MisuseError(f"the key {label!r} cannot make {scheme.description}")
    if scheme.family is SignatureFamily.ECDSA:
        plain: bytes = key.sign(scheme.hash.digest(message), mechanism=Mechanism.ECDSA)
        half = len(plain) // 2
        return ecdsa_encode(
            int.from_bytes(plain[:half], "big"), int.from_bytes(plain[half:], "big")
        )
    digest = scheme.hash.name  # SHA256: how PKCS#11 names it too
    if scheme.family is SignatureFamily.RSA:
        return bytes(key.sign(message, mechanism=Mechanism[f"{digest}_RSA_PKCS"]))
    mechanism = Mechanism[f"{digest}_RSA_PKCS_PSS"]
    return bytes(key.sign(message, mechanism=mechanism, mechanism_param=_pss_parameters(scheme)))


def _pss_parameters(scheme: SignatureScheme) -> tuple[Any, Any, int]:
    from pkcs11 import MGF, Mechanism

    hash_name = "SHA_1" if scheme.hash.name == "SHA1" else scheme.hash.name
    mgf_name = (scheme.mgf_hash or scheme.hash).name
    salt = scheme.hash.size if scheme.salt_length is None else scheme.salt_length
    return Mechanism[hash_name], MGF[mgf_name], salt
