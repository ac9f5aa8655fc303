"""Operations on the keys of a token in one PKCS#11 session, for `Pkcs11Custody`."""

from typing import Any, Final

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
    ecdsa_decode,
    ecdsa_encode,
    ecdsa_from_plain,
    ecdsa_is_canonical,
)
from emrtd.errors import ProtocolError
from support.errors import MalformedError, MisuseError
from support.secret import Secret

_SEMIBLOCK: Final = 8
_SHORTEST_WRAPPED: Final = 24  # octets: RFC 3394 wraps 16 octets and more


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
    if not found:
        raise HsmError(
            f"the HSM's token has no key {label!r}",
            advice="if the token is new, restore the HSM's own backup into it (docs/pki.md)",
        )
    if len(found) > 1:
        raise HsmError(f"the HSM's token has {len(found)} keys {label!r}; exactly one is required")
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
    try:
        return EcPublicKey(curve, curve.decode_point(_point(key[Attribute.EC_POINT], curve)))
    except (MalformedError, ProtocolError) as error:
        raise HsmError(f"the HSM's public key {label!r} is not usable: {error}") from None


def _point(value: bytes, curve: Curve) -> bytes:
    """Return the encoded point in CKA_EC_POINT.

    PKCS#11 2.40, 2.3.3 wraps it in an OCTET STRING, which some tokens leave out.  Tag 04 also
    begins an uncompressed point; the length tells them apart.
    """
    if len(value) == 1 + 2 * curve.size:
        return value
    return ber.read(value, "CKA_EC_POINT").expect(der.OCTET_STRING).contents


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


def needs_pin(session: Any, label: str) -> bool:
    """Whether the token wants the PIN again for each signature (CKA_ALWAYS_AUTHENTICATE)."""
    from pkcs11 import Attribute, exceptions

    try:
        return bool(_key(session, label, private=True)[Attribute.ALWAYS_AUTHENTICATE])
    except (exceptions.AttributeTypeInvalid, exceptions.AttributeSensitive):
        return False  # a token of before PKCS#11 2.20


def sign(  # noqa: PLR0917 - key, scheme, message and PIN
    session: Any,
    label: str,
    public: PublicKey,
    scheme: SignatureScheme,
    message: bytes,
    pin: Secret | None = None,
) -> bytes:
    """Sign a message; ECDSA signatures are DER.

    `pin` is for a key that wants it with each signature.  Raises `MisuseError` for a scheme of
    another family, `HsmError` for one that the token does not make, and for an answer that is not
    of a signature's form.
    """
    if isinstance(public, EcPublicKey) is not (scheme.family is SignatureFamily.ECDSA):
        raise MisuseError(f"the key {label!r} cannot make {scheme.description}")
    answer = _sign(_key(session, label, private=True), scheme, message, pin)
    if isinstance(public, EcPublicKey):
        return _ecdsa_signature(answer, public.curve, label)
    if len(answer) != public.size:
        raise HsmError(
            f"the HSM answered {len(answer)} octets for a signature with the key {label!r};"
            f" {public.description} makes {public.size}"
        )
    return answer


def cmac(session: Any, label: str, message: bytes, wrapped: bytes | None = None) -> bytes:
    """Compute AES-CMAC (16 octets) with the secret key that has this label.

    With `wrapped` (AES key wrap, NIST SP 800-38F), the key with the label unwraps the key that is
    used, which exists in the session alone.
    """
    from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, exceptions

    key = _secret_key(session, label)
    try:
        if wrapped is not None:
            key = key.unwrap_key(
                ObjectClass.SECRET_KEY,
                KeyType.AES,
                wrapped,
                mechanism=Mechanism.AES_KEY_WRAP,
                capabilities=MechanismFlag.SIGN,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
        return bytes(key.sign(message, mechanism=Mechanism.AES_CMAC))
    except (
        exceptions.MechanismInvalid,
        exceptions.KeyTypeInconsistent,
        exceptions.WrappedKeyInvalid,
        exceptions.WrappedKeyLenRange,
        exceptions.FunctionNotSupported,
    ) as error:
        raise HsmError(
            f"the HSM does not use the key {label!r} for AES-CMAC: it answered"
            f" {type(error).__name__}",
            advice="give the key the use that its label stands for, or unwrap it elsewhere",
        ) from error


def has_secret_key(session: Any, label: str) -> bool:
    """Whether the token has a secret key with this label."""
    return bool(_secret_keys(session, label))


def _secret_keys(session: Any, label: str) -> list[Any]:
    from pkcs11 import Attribute, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label}
    return list(session.get_objects(wanted))


def _secret_key(session: Any, label: str) -> Any:
    found = _secret_keys(session, label)
    if len(found) != 1:
        raise HsmError(
            f"the HSM has {len(found) or 'no'} secret keys {label!r}; exactly one is required"
        )
    return found[0]


def generate_wrapping_key(session: Any, label: str) -> None:
    """Make an AES-256 key that cannot be exported, and wraps and unwraps other keys."""
    from pkcs11 import Attribute, KeyType, MechanismFlag

    session.generate_key(
        KeyType.AES,
        256,
        label=label,
        store=True,
        capabilities=MechanismFlag.WRAP | MechanismFlag.UNWRAP,
        template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )


def wrap(session: Any, label: str, key: Secret) -> bytes:
    """Wrap an AES key (RFC 3394) with the secret key that has this label.

    The key that is wrapped exists in the session alone.
    """
    from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, exceptions

    wrapping = _secret_key(session, label)
    template = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: KeyType.AES,
        Attribute.TOKEN: False,
        Attribute.SENSITIVE: False,
        Attribute.EXTRACTABLE: True,
        Attribute.VALUE: key.reveal(),
    }
    given = session.create_object(template)
    try:
        return bytes(wrapping.wrap_key(given, mechanism=Mechanism.AES_KEY_WRAP))
    except (exceptions.MechanismInvalid, exceptions.FunctionNotSupported) as error:
        raise _does_not_wrap(label, error) from error
    finally:
        given.destroy()


def unwrap(session: Any, label: str, wrapped: bytes) -> Secret | None:
    """Return the key that `wrap` wrapped; None if the key with this label does not open it."""
    from pkcs11 import exceptions

    if len(wrapped) % _SEMIBLOCK or len(wrapped) < _SHORTEST_WRAPPED:
        return None
    wrapping = _secret_key(session, label)
    try:
        return _unwrapped(wrapping, wrapped)
    except (exceptions.MechanismInvalid, exceptions.FunctionNotSupported) as error:
        raise _does_not_wrap(label, error) from error
    except (
        exceptions.WrappedKeyInvalid,
        exceptions.WrappedKeyLenRange,
        exceptions.EncryptedDataInvalid,
        exceptions.EncryptedDataLenRange,
    ):
        return None
    except exceptions.GeneralError:
        # SoftHSM's answer to what another key wrapped; and any token's when it fails.
        _unwrapped(wrapping, wrap(session, label, Secret(bytes(32))))
        return None


def _unwrapped(wrapping: Any, wrapped: bytes) -> Secret:
    from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

    key = wrapping.unwrap_key(
        ObjectClass.SECRET_KEY,
        KeyType.AES,
        wrapped,
        mechanism=Mechanism.AES_KEY_WRAP,
        template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
    )
    try:
        return Secret(bytes(key[Attribute.VALUE]))
    finally:
        key.destroy()


def _does_not_wrap(label: str, error: Exception) -> HsmError:
    return HsmError(
        f"the HSM does not wrap keys with the key {label!r}: it answered {type(error).__name__} to"
        " CKM_AES_KEY_WRAP",
        advice="use a token whose manual lists this mechanism, or leave the keys in files",
    )


def _sign(key: Any, scheme: SignatureScheme, message: bytes, pin: Secret | None) -> bytes:
    from pkcs11 import exceptions

    mechanism, parameters = _mechanism(scheme)
    if scheme.family is SignatureFamily.ECDSA:
        message = scheme.hash.digest(message)
    try:
        return bytes(
            key.sign(
                message,
                mechanism=mechanism,
                mechanism_param=parameters,
                pin=None if pin is None else pin.reveal().decode(),
            )
        )
    except (
        exceptions.MechanismInvalid,
        exceptions.MechanismParamInvalid,
        exceptions.ArgumentsBad,  # SoftHSM's answer to an MGF1 hash that is not the digest's
    ) as error:
        wanted = scheme.description
        if scheme.family is SignatureFamily.RSA_PSS:
            salt = parameters[2]
            wanted += f", MGF1 with {scheme.mgf_hash or scheme.hash} and a salt of {salt} octets"
        raise HsmError(
            f"the HSM does not make {wanted}: it answered {type(error).__name__} to"
            f" {mechanism.name}",
            advice="choose a scheme that the token's manual lists",
        ) from error


def _mechanism(scheme: SignatureScheme) -> tuple[Any, Any]:
    from pkcs11 import Mechanism

    if scheme.family is SignatureFamily.ECDSA:
        return Mechanism.ECDSA, None
    digest = scheme.hash.name  # SHA256: how PKCS#11 names it too
    if scheme.family is SignatureFamily.RSA:
        return Mechanism[f"{digest}_RSA_PKCS"], None
    return Mechanism[f"{digest}_RSA_PKCS_PSS"], _pss_parameters(scheme)


def _ecdsa_signature(answer: bytes, curve: Curve, label: str) -> bytes:
    """Return a token's ECDSA signature as DER.

    CKM_ECDSA answers r || s, each as long as the order of the group (PKCS#11 2.40, 2.3.1).  Some
    drivers answer DER, which is taken where it is strict; every other form is refused.
    """
    size = (curve.n.bit_length() + 7) // 8
    if len(answer) == 2 * size:
        return ecdsa_from_plain(answer, curve)
    try:
        r, s = ecdsa_decode(answer)
        if ecdsa_is_canonical(answer) and 0 < r < curve.n and 0 < s < curve.n:
            return ecdsa_encode(r, s)
    except MalformedError:
        pass
    raise HsmError(
        f"the HSM answered {len(answer)} octets for a signature with the key {label!r}; on"
        f" {curve.name} r || s has {2 * size}, and the answer is not DER either",
        advice="check the HSM's driver",
    )


def _pss_parameters(scheme: SignatureScheme) -> tuple[Any, Any, int]:
    from pkcs11 import MGF, Mechanism

    hash_name = "SHA_1" if scheme.hash.name == "SHA1" else scheme.hash.name
    mgf_name = (scheme.mgf_hash or scheme.hash).name
    salt = scheme.hash.size if scheme.salt_length is None else scheme.salt_length
    return Mechanism[hash_name], MGF[mgf_name], salt
