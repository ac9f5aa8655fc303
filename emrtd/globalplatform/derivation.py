"""What SCP03 derives from keys and challenges: session keys, cryptograms, card challenges."""

from enum import IntEnum, unique
from typing import Final

import msgspec

from emrtd.globalplatform.keys import StaticKeys, cipher_of
from support.secret import Secret

_BLOCK: Final = 16


@unique
class Constant(IntEnum):
    """What is derived (Amendment D, table 4-1)."""

    CARD_CRYPTOGRAM = 0x00
    HOST_CRYPTOGRAM = 0x01
    CARD_CHALLENGE = 0x02
    S_ENC = 0x04
    S_MAC = 0x06
    S_RMAC = 0x07


def derive(key: Secret, constant: Constant, size: int, context: bytes) -> bytes:
    """Derive `size` octets, at most 32 (Amendment D, 4.1.5).

    The KDF in counter mode of NIST SP 800-108 with AES-CMAC, over label (11 octets of 00, and the
    constant), 00, length in bits (2 octets), counter (1 octet), context.
    """
    fixed = bytes(11) + bytes((constant, 0x00)) + (8 * size).to_bytes(2, "big")
    cipher = cipher_of(key)
    count = -(-size // _BLOCK)
    blocks = (cipher.cmac(key, fixed + bytes((i,)) + context) for i in range(1, count + 1))
    return b"".join(blocks)[:size]


def card_challenge(enc: Secret, counter: int, aid: bytes, size: int) -> bytes:
    """Derive a pseudo-random card challenge of `size` octets (Amendment D, 6.2.2.1).

    `enc` is Key-ENC, `counter` the sequence counter (3 octets) after it was raised, `aid` the
    identifier of the application that answers.
    """
    return derive(enc, Constant.CARD_CHALLENGE, size, counter.to_bytes(3, "big") + aid)


class SessionKeys(msgspec.Struct, frozen=True):
    """S-ENC, S-MAC and S-RMAC, and the challenges that they come from (Amendment D, 6.2.1).

    `context` is the host challenge, then the card challenge, of 8 octets each, or of 16.
    """

    enc: Secret
    mac: Secret
    rmac: Secret
    context: bytes

    @classmethod
    def derive(cls, static: StaticKeys, context: bytes) -> "SessionKeys":
        """Derive the keys of a session, of the size of the static keys."""
        size = static.cipher.key_size
        return cls(
            Secret(derive(static.enc, Constant.S_ENC, size, context)),
            Secret(derive(static.mac, Constant.S_MAC, size, context)),
            Secret(derive(static.mac, Constant.S_RMAC, size, context)),
            context,
        )

    @property
    def card_cryptogram(self) -> bytes:
        """What the card proves itself with, of the size of a challenge (6.2.2.2)."""
        return derive(self.mac, Constant.CARD_CRYPTOGRAM, len(self.context) // 2, self.context)

    @property
    def host_cryptogram(self) -> bytes:
        """What the terminal proves itself with, of the size of a challenge (6.2.2.3)."""
        return derive(self.mac, Constant.HOST_CRYPTOGRAM, len(self.context) // 2, self.context)
