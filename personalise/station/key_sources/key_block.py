"""Key blocks of version D, AES (ANSI X9.143, the successor of TR-31).

    header  16 characters: D, length (4), usage (2), algorithm, mode of use, version number (2),
            exportability, number of optional blocks (2), reserved (2); then the optional blocks
    key     encrypted: length in bits (2), key, random padding; hexadecimal
    MAC     16 octets, hexadecimal: CMAC over the header and the clear key field, which is also the
            ICV of the encryption (AES in CBC mode)

Both keys are derived from the key-block protection key with CMAC, in counter mode.
"""

import hmac
from string import hexdigits
from typing import Final

from emrtd.crypto.ciphers import Cipher
from emrtd.globalplatform.keys import cipher_of
from support.errors import MalformedError, MisuseError
from support.secret import Secret

_HEADER: Final = 16
_MAC: Final = 16
_BLOCK: Final = 16
_ENCRYPTION, _AUTHENTICATION = b"\x00\x00", b"\x00\x01"
_ALGORITHMS: Final = {Cipher.AES128: b"\x00\x02", Cipher.AES192: b"\x00\x03"}
_AES_256: Final = b"\x00\x04"
_CARD_PERSONALISATION: Final = "E5"
_AES: Final = "A"
_OTHER_VERSION: Final = "ask for the AES key in a key block of version D (ANSI X9.143)"


def open_key_block(block: str, protection: Secret, what: str = "key block") -> Secret:
    """Return the AES key in a key block for card personalisation (usage E5); `what` is for errors.

    Raises `MalformedError` for another version, usage or algorithm, or damaged octets;
    `MisuseError` if it is not encrypted under this key.
    """
    header, octets = _parts(block, what)
    if header[5:7] != _CARD_PERSONALISATION or header[7] != _AES:
        raise MalformedError(
            what,
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
            f"{what}: its MAC is wrong: it is damaged, or encrypted under another key",
            advice="name the key-block protection key that the manufacturer used",
        )
    bits = int.from_bytes(clear[:2], "big")
    key = Secret(clear[2 : 2 + bits // 8])
    if bits % 8 or len(key) * 8 != bits:
        raise MalformedError(what, "the length of its key is wrong")
    cipher_of(key)
    return key


def _parts(block: str, what: str) -> tuple[str, bytes]:
    """Return the header with its optional blocks, and the octets after it."""
    fields = block[1:5], block[12:14]
    if not block.isascii() or not block[:1].isalpha() or not all(map(str.isdigit, fields)):
        raise MalformedError(what, "is not a key block", advice=_OTHER_VERSION)
    if block[0] != "D":
        problem = f"is a key block of version {block[0]}, not D"
        raise MalformedError(what, problem, advice=_OTHER_VERSION)
    if int(fields[0]) != len(block):
        raise MalformedError(what, f"has {len(block)} characters, not {int(fields[0])}")
    end = _HEADER
    for _ in range(int(fields[1])):
        end += _optional_block_size(block, end, what)
    try:
        octets = bytes.fromhex(block[end:])
    except ValueError:
        raise MalformedError(what, "is not hexadecimal after its header", end) from None
    if len(octets) < _BLOCK + _MAC or len(octets) % _BLOCK or end % _BLOCK:
        raise MalformedError(what, "is cut off", end)
    return block[:end], octets


def _optional_block_size(block: str, at: int, what: str) -> int:
    """Return how many characters the optional block at an offset has, with its identifier.

    A length of 00 announces a longer field: its size in octets (2 digits), then the length.
    """
    size, least = _hexadecimal(block[at + 2 : at + 4]), 4
    if size == 0:
        octets = _hexadecimal(block[at + 4 : at + 6]) or 0
        least = 6 + 2 * octets
        size = _hexadecimal(block[at + 6 : at + least])
    if size is None or size < least:
        raise MalformedError(what, "the length of an optional block is wrong", at)
    return size


def _hexadecimal(digits: str) -> int | None:
    return int(digits, 16) if digits and set(digits) <= set(hexdigits) else None


def _derived(protection: Secret, usage: bytes) -> Secret:
    """Derive the key for encryption or authentication (X9.143, 6.3.3)."""
    cipher = cipher_of(protection)
    size = cipher.key_size
    tail = usage + b"\x00" + _ALGORITHMS.get(cipher, _AES_256) + (8 * size).to_bytes(2, "big")
    count = -(-size // _BLOCK)
    blocks = (cipher.cmac(protection, bytes((at,)) + tail) for at in range(1, count + 1))
    return Secret(b"".join(blocks)[:size])
