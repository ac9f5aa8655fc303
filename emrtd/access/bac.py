"""Basic Access Control, both sides (Doc 9303-11, 4.3).

A three-pass challenge-response protocol.  The terminal proves that it has read the MRZ, both sides
prove that they know the keys derived from it, and both contribute to the session keys.
"""

import hmac
import secrets
from typing import Final

from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import MAC_SIZE, Cipher
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.status_words import SW
from support.secret import Secret

_NONCE_SIZE: Final = 8
_KEYING_MATERIAL_SIZE: Final = 16
_TOKEN_SIZE: Final = 2 * _NONCE_SIZE + _KEYING_MATERIAL_SIZE + MAC_SIZE


def authenticate(
    password: Password, *, random: Random = secrets.token_bytes
) -> Procedure[SecureMessaging]:
    """Run the terminal's side (4.3.1) and return the session; the eMRTD application is selected.

    Raises `ChipRefusalError` if the chip refuses the MRZ, `ProtocolError` if the chip does not
    prove that it knows the keys.
    """
    token = _Token(password)
    for ne in (_TOKEN_SIZE, SHORT_MAX_LE):  # some chips require Le = 00
        response = yield CommandAPDU(0x00, INS.GET_CHALLENGE, ne=_NONCE_SIZE)
        rnd_ic = response.require("GET CHALLENGE for Basic Access Control")
        if len(rnd_ic) != _NONCE_SIZE or not any(rnd_ic):
            raise ProtocolError("the chip's challenge RND.IC is not a nonce of 8 octets")
        rnd_ifd, k_ifd = random(_NONCE_SIZE), random(_KEYING_MATERIAL_SIZE)
        data = token.seal(rnd_ifd + rnd_ic + k_ifd)
        response = yield CommandAPDU(0x00, INS.EXTERNAL_AUTHENTICATE, data=data, ne=ne)
        if response.sw != SW.WRONG_LENGTH and response.sw >> 8 != 0x6C:
            break
    cryptogram = response.require("Basic Access Control with this MRZ")
    opened = token.open(cryptogram)
    if opened is None:
        raise ProtocolError("Basic Access Control: the chip's checksum M.IC is wrong")
    returned_ic, returned_ifd, k_ic = _split(opened)
    if not hmac.compare_digest(returned_ifd, rnd_ifd):
        raise ProtocolError("Basic Access Control: the chip does not return RND.IFD")
    if not hmac.compare_digest(returned_ic, rnd_ic):
        raise ProtocolError("Basic Access Control: the chip does not return its own RND.IC")
    return _session(rnd_ic, rnd_ifd, k_ic, k_ifd)


class BacChip:
    """The chip's side; raises `ChipRefusalError` with the status word to answer."""

    def __init__(self, password: Password, *, random: Random = secrets.token_bytes) -> None:
        self._token = _Token(password)
        self._random = random
        self._rnd_ic: bytes | None = None

    def challenge(self) -> bytes:
        """Return a new RND.IC (8 octets) for GET CHALLENGE; it is valid for one attempt."""
        self._rnd_ic = self._random(_NONCE_SIZE)
        return self._rnd_ic

    def authenticate(self, data: bytes) -> tuple[bytes, SecureMessaging]:
        """Answer EXTERNAL AUTHENTICATE with E.IFD || M.IFD.

        Returns E.IC || M.IC and the new session.  The response itself is still sent in plain.
        """
        doing = "EXTERNAL AUTHENTICATE for Basic Access Control"
        if len(data) != _TOKEN_SIZE:
            raise ChipRefusalError(SW.WRONG_LENGTH, doing)
        rnd_ic, self._rnd_ic = self._rnd_ic, None
        if rnd_ic is None:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        opened = self._token.open(data)
        if opened is None:
            raise ChipRefusalError(SW.AUTHENTICATION_FAILED, doing)
        rnd_ifd, returned_ic, k_ifd = _split(opened)
        if not hmac.compare_digest(returned_ic, rnd_ic):
            raise ChipRefusalError(SW.AUTHENTICATION_FAILED, doing)
        k_ic = self._random(_KEYING_MATERIAL_SIZE)
        response = self._token.seal(rnd_ic + rnd_ifd + k_ic)
        return response, _session(rnd_ic, rnd_ifd, k_ic, k_ifd)


class _Token:
    """E || M: the message of either side, encrypted with KEnc, authenticated with KMAC (4.3.3)."""

    def __init__(self, password: Password) -> None:
        self._k_enc, self._k_mac = password.basic_access_keys()

    def seal(self, plain: bytes) -> bytes:
        encrypted = Cipher.TDES.encrypt_cbc(self._k_enc, bytes(8), plain)
        return encrypted + Cipher.TDES.mac(self._k_mac, encrypted)

    def open(self, data: bytes) -> bytes | None:
        """Return the plain text (32 octets); None, without decrypting, if the MAC is wrong."""
        encrypted, mac = data[:-MAC_SIZE], data[-MAC_SIZE:]
        right = hmac.compare_digest(mac, Cipher.TDES.mac(self._k_mac, encrypted))
        if len(data) != _TOKEN_SIZE or not right:
            return None
        return Cipher.TDES.decrypt_cbc(self._k_enc, bytes(8), encrypted)


def _split(plain: bytes) -> tuple[bytes, bytes, bytes]:
    """Split into the sender's nonce, the receiver's nonce and the keying material."""
    return plain[:_NONCE_SIZE], plain[_NONCE_SIZE : 2 * _NONCE_SIZE], plain[2 * _NONCE_SIZE :]


def _session(rnd_ic: bytes, rnd_ifd: bytes, k_ic: bytes, k_ifd: bytes) -> SecureMessaging:
    seed = Secret(bytes(a ^ b for a, b in zip(k_ic, k_ifd, strict=True)))
    ks_enc, ks_mac = derive_session_keys(seed.reveal(), Cipher.TDES)
    ssc = rnd_ic[-4:] + rnd_ifd[-4:]  # 9.8.6.3: the SSC starts at zero except after BAC
    return SecureMessaging(Cipher.TDES, ks_enc, ks_mac, int.from_bytes(ssc, "big"))
