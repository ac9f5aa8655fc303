"""Key blocks of version D, AES (ANSI X9.143, the successor of TR-31).

    header  16 characters: D, length (4), usage (2), algorithm, mode of use, version number (2),
            exportability, number of optional blocks (2), reserved (2); then the optional blocks
    key     encrypted: length in bits (2), key, random padding; hexadecimal
    MAC     16 octets, hexadecimal: CMAC over the header and the clear key field, which is also the
            ICV of the encryption (AES in CBC mode)

Both keys are derived from the key-block protection key with CMAC, in counter mode.
"""

import hmac
from typing import Final

from emrtd.crypto.ciphers import Cipher
from emrtd.globalplatform.keys import cipher_of
from support.errors import MalformedError, MisuseError
from support.secret import Secret

_WHAT: Final = "key block"
_HEADER: Final = 16
_MAC: Final = 16
_BLOCK: Final = 16
_ENCRYPTION, _AUTHENTICATION = b"\x00\x00", b"\x00\x01"
_ALGORITHMS: Final = {Cipher.AES128: b"\x00\x02", Cipher.AES192: b"\x00\x03"}
_AES_256: Final = b"\x00\x04"
_CARD_PERSONALISATION: Final = "E5"
_AES: Final = "A"


def open_key_block(block: str, protection: Secret) -> Secret:
    """Return the AES key in a key block for card personalisation (usage E5).

    Raises `MalformedError` for another version, usage or algorithm, or damaged octets;
    `MisuseError` if it is not encrypted under this key.
    """
    header, octets = _parts(block)
    if header[5:7] != _CARD_PERSONALISATION or header[7] != _AES:
        raise MalformedError(
            _WHAT,
            f"is for the usage {header[5:7]!a} and the algorithm {header[7]!a}, not for card"
            " personalisation (E5) with AES (A)",
        )
    encrypted, mac = octets[:-_MAC], octets[-_MAC:]
    cipher = cipher_of(protection)
    clear = cipher.decrypt_cbc(_derived(protection, _ENCRYPTION), mac, encrypted)
    message = header.encode() + clear
    expected = cipher.cmac(_derived(protection, _AUTHENTICATION), message)
    if not hmac.compare_digest(mac, expected):
        raise MisuseError(
            f"{_WHAT}: its MAC is wrong: it is damaged, or encrypted under another key",
            advice="name the key-block protection key that the manufacturer used",
        )
    bits = int.from_bytes(clear[:2], "big")
    key = Secret(clear[2 : 2 + bits // 8])
    if bits % 8 or len(key) * 8 != bits:
        raise MalformedError(_WHAT, "the length of its key is wrong")
    cipher_of(key)
    return key


def _parts(block: str) -> tuple[str, bytes]:
    """Return the header with its optional blocks, and the octets after it."""
    fields = block[1:5], block[12:14]
    if not block.isascii() or block[:1] != "D" or not all(map(str.isdigit, fields)):
        raise MalformedError(_WHAT, "is not a key block of version D")
    if int(fields[0]) != len(block):
        raise MalformedError(_WHAT, f"has {len(block)} characters, not {int(fields[0])}")
    end = _HEADER
    for _ in range(int(fields[1])):
        try:
            size = int(block[end + 2 : end + 4], 16)
        except ValueError:
            size = 0
        if size < 4:
            raise MalformedError(_WHAT, "the length of an optional block is wrong", end)
        end += size
    try:
        octets = bytes.fromhex(block[end:])
    except ValueError:
        raise MalformedError(_WHAT, "is not hexadecimal after its header", end) from None
    if len(octets) < _BLOCK + _MAC or len(octets) % _BLOCK or end % _BLOCK:
        raise MalformedError(_WHAT, "is cut off", end)
    return block[:end], octets


def _derived(protection: Secret, usage: bytes) -> Secret:
    """Derive the key for encryption or authentication (X9.143, 6.3.3)."""
    cipher = cipher_of(protection)
    size = cipher.key_size
    tail = usage + b"\x00" + _ALGORITHMS.get(cipher, _AES_256) + (8 * size).to_bytes(2, "big")
    count = -(-size // _BLOCK)
    blocks = (cipher.cmac(protection, bytes((at,)) + tail) for at in range(1, count + 1))
    return Secret(b"".join(blocks)[:size])
