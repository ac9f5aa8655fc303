"""Chip Authentication, both sides (Doc 9303-11, 6.2; version 2: TR-03110-2, 3.4).

An ephemeral-static key agreement.  The chip proves that it has the static key: in version 1 by the
first response that verifies in the new session, in version 2, which follows Terminal
Authentication, by a token.  The last response of the protocol is still in the old session.
"""

import hmac
import secrets
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum, unique
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.access.chip_authentication_keys import (
    ChipAuthenticationVariant,
    encode_key_reference,
)
from emrtd.access.refusals import refusing
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.groups import Group
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.crypto.protocols import CHIP_AUTHENTICATION_PROTOCOLS
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.secure_messaging import BareResponseError, SecureMessaging
from emrtd.status_words import SW
from emrtd.tlv import DataObjects
from support.reasons import Reason
from support.secret import Secret
from support.values import Hidden, Value

SET_KAT: Final = (0x41, 0xA6)
SET_AT: Final = (0x41, 0xA4)
"""P1 and P2 of MANAGE SECURITY ENVIRONMENT (6.2.4)."""

_PROTOCOL, _KEY_REFERENCE, _EPHEMERAL_KEY = 0x80, 0x84, 0x91
_DYNAMIC_AUTHENTICATION_DATA: Final = 0x7C
_PUBLIC_KEY, _NONCE, _TOKEN = 0x80, 0x81, 0x82
_NONCE_SIZE: Final = 8
_WHAT: Final = "Chip Authentication"
_NO_REFERENCE: Final = "the chip refuses the reference (DO 84) to its key, which has an identifier"


@unique
class Method(StrEnum):
    """The commands that carry Chip Authentication (6.2.4.1, 6.2.4.2)."""

    SET_KAT = "MSE:Set KAT"
    GENERAL_AUTHENTICATE = "MSE:Set AT and GENERAL AUTHENTICATE"


class EphemeralKey(msgspec.Struct, frozen=True):
    """The terminal's key pair for one session; version 2 signs it in Terminal Authentication."""

    group: Group
    private: Secret
    public: bytes

    @classmethod
    def generate(cls, group: Group, random: Random = secrets.token_bytes) -> "EphemeralKey":
        """Generate a new key pair."""
        return cls.of(group, group.private_key(random))

    @classmethod
    def of(cls, group: Group, private: int) -> "EphemeralKey":
        """Make the key pair of this private number."""
        size = (private.bit_length() + 7) // 8
        return cls(group, Secret(private.to_bytes(size, "big")), group.public_key(private))

    @property
    def compressed(self) -> bytes:
        """Comp(PK), as Terminal Authentication signs it."""
        return self.group.compress(self.public)

    def agree(self, peer: bytes) -> bytes:
        """Compute the shared secret K with the public key of the chip."""
        return self.group.agree(int.from_bytes(self.private.reveal(), "big"), peer)


class ChipAuthenticationResult(Value, frozen=True):
    """The result of Chip Authentication, for either side.

    `terminal_public_key` is the ephemeral key that Terminal Authentication binds to.  `nonce` is
    r_IC of version 2.
    """

    cipher: Cipher
    group: Group
    terminal_public_key: bytes
    secure_messaging: Hidden[SecureMessaging]
    quirks: tuple[str, ...] = ()
    nonce: bytes = b""

    @property
    def compressed_terminal_key(self) -> bytes:
        """Comp(PK) of the terminal's ephemeral key."""
        return self.group.compress(self.terminal_public_key)


# --- the terminal ----------------------------------------------------------------------------


def methods(variant: ChipAuthenticationVariant) -> tuple[Method, ...]:
    """Return the methods for a variant, first the one that the chip must support (6.2.4)."""
    if variant.cipher is Cipher.TDES and variant.version == 1:
        return Method.SET_KAT, Method.GENERAL_AUTHENTICATE
    return (Method.GENERAL_AUTHENTICATE,)


def authenticate(
    variant: ChipAuthenticationVariant,
    *,
    ephemeral: EphemeralKey | None = None,
    by: Iterable[Method] | None = None,
    random: Random = secrets.token_bytes,
) -> Procedure[ChipAuthenticationResult]:
    """Run either version inside the present session; later commands use the new session.

    Version 2 needs the `ephemeral` key of Terminal Authentication.  A chip that refuses one method
    keeps the old session, and the next method is tried; last, each one without the key reference,
    which some chips refuse although their key has an identifier.  6A88 says that the chip has no
    such key, and so ends that.  Some chips refuse in plain and keep the session all the same.
    Version 1 has authenticated the chip only once a response has
    verified in the new session.
    """
    ephemeral = ephemeral or EphemeralKey.generate(variant.key.group, random)
    chosen = tuple(methods(variant) if by is None else by)
    references = (True,) if variant.key_reference is None else (True, False)
    remaining = [(method, with_key) for with_key in references for method in chosen]
    while True:
        method, with_key = remaining.pop(0)
        try:
            return (yield from _run(method, variant, ephemeral, with_key=with_key))
        except (ChipRefusalError, BareResponseError) as error:
            if error.sw == SW.REFERENCED_DATA_NOT_FOUND:
                remaining = [each for each in remaining if each[1]]
            if not remaining:
                raise


def _run(
    method: Method, variant: ChipAuthenticationVariant, ephemeral: EphemeralKey, *, with_key: bool
) -> Procedure[ChipAuthenticationResult]:
    reference = variant.key_reference if with_key else None
    key = b"" if reference is None else tlv.encode(_KEY_REFERENCE, reference)
    if method is Method.SET_KAT:
        public = tlv.encode(_EPHEMERAL_KEY, ephemeral.public)
        yield from _manage(SET_KAT, public + key)
        answer = _Answer()
    else:
        protocol = tlv.encode(_PROTOCOL, der.oid_value(variant.protocol))
        yield from _manage(SET_AT, protocol + key)
        answer = yield from _general_authenticate(ephemeral.public, variant.version)
    shared = ephemeral.agree(variant.key.public)
    ks_enc, ks_mac = _session_keys(shared, answer.nonce, variant.cipher)
    group = variant.key.group
    if variant.version == 2:
        expected = _token(group, variant.protocol, ephemeral.public, ks_mac)
        if not hmac.compare_digest(answer.token, expected):
            raise ProtocolError(Reason("{what}: the chip's token is wrong", what=_WHAT))
    session = SecureMessaging(variant.cipher, ks_enc, ks_mac)
    quirks = variant.quirks + answer.quirks + (() if with_key else (_NO_REFERENCE,))
    return ChipAuthenticationResult(
        variant.cipher, group, ephemeral.public, session, quirks, answer.nonce
    )


def _manage(template: tuple[int, int], data: bytes) -> Procedure[None]:
    response = yield CommandAPDU(0x00, INS.MANAGE_SECURITY_ENVIRONMENT, *template, data)
    response.require(Reason("MANAGE SECURITY ENVIRONMENT for {what}", what=_WHAT))


class _Answer(msgspec.Struct, frozen=True):
    """The chip's answer: nonce and token in version 2, both empty in version 1."""

    nonce: bytes = b""
    token: bytes = b""
    quirks: tuple[str, ...] = ()


def _general_authenticate(public: bytes, version: int) -> Procedure[_Answer]:
    """Send the terminal's public key and read the answer."""
    data = tlv.encode(_DYNAMIC_AUTHENTICATION_DATA, tlv.encode(_PUBLIC_KEY, public))
    response = yield CommandAPDU(0x00, INS.GENERAL_AUTHENTICATE, data=data, ne=SHORT_MAX_LE)
    answer = response.require(Reason("GENERAL AUTHENTICATE for {what}", what=_WHAT))
    if version == 1 and not answer:
        reason = "the chip answers GENERAL AUTHENTICATE without the object 7C"
        return _Answer(quirks=(reason,))
    objects = tlv.read_expected(answer, _DYNAMIC_AUTHENTICATION_DATA, _WHAT).children()
    if version == 1:
        return _Answer()
    nonce, token = objects.one(_NONCE).value, objects.one(_TOKEN).value
    if len(nonce) != _NONCE_SIZE:
        raise ProtocolError(
            Reason(
                "{what}: the chip's nonce has {count} octets instead of 8",
                what=_WHAT,
                count=len(nonce),
            )
        )
    return _Answer(nonce, token)


# --- both sides --------------------------------------------------------------------------------


def _session_keys(shared: bytes, nonce: bytes, cipher: Cipher) -> tuple[Secret, Secret]:
    """Derive KSEnc and KSMAC from K, in version 2 from K || r (TR-03110-3, A.2.3.2)."""
    return derive_session_keys(shared + nonce, cipher)


def _token(group: Group, protocol: str, public: bytes, ks_mac: Secret) -> bytes:
    """Compute T_IC of version 2: the MAC over the terminal's key (TR-03110-3, A.2.4)."""
    cipher = CHIP_AUTHENTICATION_PROTOCOLS[protocol].cipher
    return cipher.mac(ks_mac, group.public_key_object(protocol, public))


# --- the chip --------------------------------------------------------------------------------


class StaticKey(msgspec.Struct, frozen=True):
    """A static key pair on the chip, and the protocols (OIDs) that it may be used with."""

    group: Group
    private: Secret
    protocols: tuple[str, ...]
    key_id: int | None = None


class ChipAuthenticationChip:
    """The chip's side; raises `ChipRefusalError` with the status word to answer.

    A refusal does not change the present session.  The new session begins after the response.
    """

    def __init__(self, keys: Iterable[StaticKey], *, random: Random = secrets.token_bytes) -> None:
        self._keys = tuple(keys)
        self._random = random
        self._selected: tuple[StaticKey, str] | None = None

    @property
    def selected(self) -> tuple[StaticKey, str] | None:
        """Key and protocol (OID) that MSE:Set AT has selected for GENERAL AUTHENTICATE."""
        return self._selected

    def set_kat(self, data: bytes) -> ChipAuthenticationResult:
        """Answer MSE:Set KAT (P1-P2 41A6), which is the whole protocol, with 3DES."""
        doing = "MSE:Set KAT"
        self._selected = None
        with refusing(SW.INCORRECT_DATA, doing):
            objects = tlv.read_all(data, doing)
            key, protocol = self._find(objects, _TDES_PROTOCOLS, doing)
            return self._agree(key, protocol, objects.one(_EPHEMERAL_KEY).value)[0]

    def set_at(self, data: bytes) -> None:
        """Answer MSE:Set AT (P1-P2 41A4): select protocol and key for GENERAL AUTHENTICATE."""
        doing = Reason("MSE:Set AT for {what}", what=_WHAT)
        self._selected = None
        with refusing(SW.INCORRECT_DATA, doing):
            objects = tlv.read_all(data, doing)
            protocol = der.read_oid_value(objects.one(_PROTOCOL).value, doing)
            if not any(protocol in key.protocols for key in self._keys):
                raise ChipRefusalError(SW.INCORRECT_DATA, doing)
            self._selected = self._find(objects, {protocol}, doing)

    def general_authenticate(
        self, data: bytes, compressed: bytes | None = None
    ) -> tuple[bytes, ChipAuthenticationResult]:
        """Answer GENERAL AUTHENTICATE: return the response data and the result.

        `compressed` is Comp(PK) of Terminal Authentication version 2, if that was done.  This is
        then version 2, and the terminal has to send the key that it signed there.
        """
        doing = Reason("GENERAL AUTHENTICATE for {what}", what=_WHAT)
        selected, self._selected = self._selected, None
        if selected is None:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        key, protocol = selected
        with refusing(SW.INCORRECT_DATA, doing):
            objects = tlv.read_expected(data, _DYNAMIC_AUTHENTICATION_DATA, doing).children()
            public = objects.one(_PUBLIC_KEY).value
            if compressed is None:
                result, _ = self._agree(key, protocol, public)
                return tlv.encode(_DYNAMIC_AUTHENTICATION_DATA), result
            nonce = self._random(_NONCE_SIZE)
            result, ks_mac = self._agree(key, protocol, public, nonce)
        if not hmac.compare_digest(key.group.compress(public), compressed):
            raise ChipRefusalError(SW.AUTHENTICATION_FAILED, doing)
        token = _token(key.group, protocol, public, ks_mac)
        return tlv.encode(
            _DYNAMIC_AUTHENTICATION_DATA, tlv.encode(_NONCE, nonce), tlv.encode(_TOKEN, token)
        ), result

    def _find(
        self, objects: DataObjects, wanted: AbstractSet[str], doing: str
    ) -> tuple[StaticKey, str]:
        """Return the referenced key, or the only key that fits, and its protocol."""
        found = [(key, oid) for key in self._keys for oid in key.protocols if oid in wanted]
        reference = objects.get(_KEY_REFERENCE)
        if reference is not None:
            found = [
                (key, oid)
                for key, oid in found
                if key.key_id is not None and encode_key_reference(key.key_id) == reference.value
            ]
        if len(found) != 1:
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
        return found[0]

    def _agree(
        self, key: StaticKey, protocol: str, public: bytes, nonce: bytes = b""
    ) -> tuple[ChipAuthenticationResult, Secret]:
        """Validate the terminal's key, compute K and derive the session keys."""
        cipher = CHIP_AUTHENTICATION_PROTOCOLS[protocol].cipher
        shared = key.group.agree(int.from_bytes(key.private.reveal(), "big"), public)
        ks_enc, ks_mac = _session_keys(shared, nonce, cipher)
        session = SecureMessaging(cipher, ks_enc, ks_mac)
        result = ChipAuthenticationResult(cipher, key.group, public, session)
        return result, ks_mac


_TDES_PROTOCOLS: Final = frozenset(
    oid for oid, each in CHIP_AUTHENTICATION_PROTOCOLS.items() if each.cipher is Cipher.TDES
)
