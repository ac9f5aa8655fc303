"""Keys in an HSM through PKCS#11 (python-pkcs11): made, used and destroyed there, never seen here.

python-pkcs11 is not safe with two sessions in two threads, so each custody has one thread of its
own and every call goes through it.  The PIN is tried once: an HSM locks after a few wrong ones.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES, Curve
from emrtd.crypto.public_keys import curve_from
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_encode,
)
from emrtd.errors import MalformedError, MisuseError
from emrtd.secret import Secret

T = TypeVar("T")

_RSA_PREFIX: Final = "RSA-"


class HsmError(MisuseError):
    """The HSM refused or is not there; says what to do, and never a PIN."""


class Pkcs11Custody:
    """The keys of one token, by label; satisfies `KeyCustody`.  One a token in a process.

    `module` is the PKCS#11 library's path, `token` the token's label.
    """

    def __init__(self, module: str, token: str, pin: Secret) -> None:
        self._module = module
        self._token = token
        self._pin = pin
        self._pin_refused = False
        self._session: Any = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hsm")

    def labels(self) -> list[str]:
        """Labels of the private keys in the token, in order."""
        return self._call(lambda session: sorted({key.label for key in _private_keys(session)}))

    def generate(self, label: str, kind: str) -> PublicKey:
        """Make a key that cannot leave the HSM; `kind` is a curve's name or "RSA-3072"."""

        def work(session: Any) -> PublicKey:
            if any(key.label == label for key in _private_keys(session)):
                raise MisuseError(f"the HSM has a key {label!r} already")
            _generate(session, label, kind)
            return _public_key(session, label)

        return self._call(work)

    def signer(self, label: str) -> "Pkcs11Signer":
        """The signer over one key; `HsmError` where the token has none with this label."""
        return Pkcs11Signer(self, label, self._call(lambda session: _public_key(session, label)))

    def destroy(self, label: str) -> None:
        """Destroy a key pair; it cannot be undone."""

        def work(session: Any) -> None:
            found = [key for key in session.get_objects() if key.label == label]
            if not found:
                raise HsmError(f"the HSM has no key {label!r}")
            for key in found:
                key.destroy()

        self._call(work)

    def sign(self, label: str, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign with one key; ECDSA signatures are DER."""
        return self._call(lambda session: _sign(session, label, scheme, message))

    def close(self) -> None:
        """Log out and end the custody's thread."""
        if self._session is not None:
            session, self._session = self._session, None
            self._thread.submit(session.close).result()
        self._thread.shutdown()

    def _call(self, work: Callable[[Any], T]) -> T:
        return self._thread.submit(self._with_session, work).result()

    def _with_session(self, work: Callable[[Any], T]) -> T:
        from pkcs11 import exceptions

        expired = (
            exceptions.SessionClosed,
            exceptions.SessionHandleInvalid,
            exceptions.UserNotLoggedIn,
        )
        for last_try in (False, True):
            session = self._open()
            try:
                return work(session)
            except expired as error:
                self._session = None  # the HSM forgot us: log in once more, then give up
                if last_try:
                    raise HsmError(f"{self._token}: the HSM ends the session at once") from error
            except exceptions.PKCS11Error as error:
                raise HsmError(
                    f"{self._token}: the HSM answered {type(error).__name__}; see its own log"
                ) from error
        raise AssertionError("unreachable")

    def _open(self) -> Any:
        if self._session is not None:
            return self._session
        if self._pin_refused:
            raise HsmError(f"{self._token}: the PIN was refused before and is not tried again")
        import pkcs11
        from pkcs11 import exceptions

        try:
            token = pkcs11.lib(self._module).get_token(token_label=self._token)
            self._session = token.open(rw=True, user_pin=self._pin.reveal().decode())
        except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange) as error:
            self._pin_refused = True
            raise HsmError(
                f"{self._token}: the HSM refused the PIN; it is not tried again, since a few"
                " wrong ones lock the token"
            ) from error
        except exceptions.PinLocked as error:
            raise HsmError(
                f"{self._token}: the PIN is locked; its security officer can unlock it"
            ) from error
        except (exceptions.NoSuchToken, exceptions.TokenNotPresent) as error:
            raise HsmError(f"there is no token {self._token!r} in {self._module}") from error
        except exceptions.PKCS11Error as error:
            raise HsmError(f"{self._module}: the HSM answered {type(error).__name__}") from error
        except RuntimeError as error:
            raise HsmError(f"{self._module} is no PKCS#11 library, or does not load") from error
        return self._session


class Pkcs11Signer:
    """Signs with one key of a `Pkcs11Custody`; satisfies `Signer`."""

    def __init__(self, custody: Pkcs11Custody, label: str, public_key: PublicKey) -> None:
        self._custody = custody
        self._label = label
        self._public_key = public_key

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public_key

    def sign(self, scheme: SignatureScheme, message: bytes) -> bytes:
        """Sign a message in the HSM; ECDSA signatures are DER."""
        return self._custody.sign(self._label, scheme, message)


def _private_keys(session: Any) -> list[Any]:
    from pkcs11 import Attribute, ObjectClass

    return list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))


def _key(session: Any, label: str, *, private: bool) -> Any:
    from pkcs11 import Attribute, ObjectClass

    wanted = ObjectClass.PRIVATE_KEY if private else ObjectClass.PUBLIC_KEY
    found = list(session.get_objects({Attribute.CLASS: wanted, Attribute.LABEL: label}))
    if len(found) != 1:
        raise HsmError(f"the HSM has {len(found) or 'no'} keys {label!r}; exactly one is needed")
    return found[0]


def _generate(session: Any, label: str, kind: str) -> None:
    from pkcs11 import Attribute, KeyType, Mechanism

    if kind.startswith(_RSA_PREFIX) and kind.removeprefix(_RSA_PREFIX).isdigit():
        session.generate_keypair(
            KeyType.RSA, int(kind.removeprefix(_RSA_PREFIX)), store=True, label=label
        )
        return
    curve = CURVES.get(kind)
    if curve is None or curve.oid is None:
        raise MisuseError(f"a key of kind {kind!r}: name a curve, or RSA-3072 and the like")
    parameters = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: der.oid(curve.oid)}, local=True
    )
    parameters.generate_keypair(mechanism=Mechanism.EC_KEY_PAIR_GEN, store=True, label=label)


def _public_key(session: Any, label: str) -> PublicKey:
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


def _curve(key: Any) -> Curve:
    from pkcs11 import Attribute

    try:
        return curve_from(ber.read(key[Attribute.EC_PARAMS], "the HSM's curve"))
    except MalformedError as error:
        raise HsmError(f"the key {key.label!r} is on a curve that is not used: {error}") from None


def _sign(session: Any, label: str, scheme: SignatureScheme, message: bytes) -> bytes:
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
