"""The parameters of SCP03: mode, variant of the card (`i`), and security level."""

from enum import IntEnum, unique
from typing import Final

import msgspec

from support.errors import MalformedError


@unique
class Mode(IntEnum):
    """The octets of a challenge, a cryptogram and a MAC (Amendment D 1.2; before it, S8 only)."""

    S8 = 8
    S16 = 16


_C_MAC, _C_DECRYPTION, _R_MAC, _R_ENCRYPTION = 0x01, 0x02, 0x10, 0x20


@unique
class SecurityLevel(IntEnum):
    """How a session is protected: P1 of EXTERNAL AUTHENTICATE (Amendment D, table 7-3).

    Level 00, a session without secure messaging, is not supported: its commands would not be bound
    to the authentication.
    """

    C_MAC = _C_MAC
    C_DECRYPTION_C_MAC = _C_MAC | _C_DECRYPTION
    C_MAC_R_MAC = _C_MAC | _R_MAC
    C_DECRYPTION_C_MAC_R_MAC = _C_MAC | _C_DECRYPTION | _R_MAC
    ALL = _C_MAC | _C_DECRYPTION | _R_MAC | _R_ENCRYPTION

    @property
    def encrypts_commands(self) -> bool:
        """Whether the data of commands is encrypted."""
        return bool(self & _C_DECRYPTION)

    @property
    def authenticates_responses(self) -> bool:
        """Whether responses have an R-MAC."""
        return bool(self & _R_MAC)

    @property
    def encrypts_responses(self) -> bool:
        """Whether the data of responses is encrypted."""
        return bool(self & _R_ENCRYPTION)


_I_S16, _I_PSEUDO_RANDOM, _I_R_MAC, _I_R_ENCRYPTION = 0x01, 0x10, 0x20, 0x40
_I_ALL: Final = _I_S16 | _I_PSEUDO_RANDOM | _I_R_MAC | _I_R_ENCRYPTION


class Variant(msgspec.Struct, frozen=True):
    """The options of SCP03 that a card uses: the parameter `i` (1 octet; Amendment D, table 5-1).

    `pseudo_random`: the card challenge follows from a sequence counter.  `r_mac` and
    `r_encryption` say how the card can protect responses; the second implies the first.
    """

    mode: Mode = Mode.S8
    pseudo_random: bool = True
    r_mac: bool = True
    r_encryption: bool = True

    @classmethod
    def of(cls, i: int) -> "Variant":
        """Make it from `i`; raises `MalformedError` for a reserved bit, or R-ENCRYPTION alone."""
        if i & ~_I_ALL or i & (_I_R_MAC | _I_R_ENCRYPTION) == _I_R_ENCRYPTION:
            raise MalformedError("parameter i of SCP03", f"{i:02X} is not a value of table 5-1")
        return cls(
            Mode.S16 if i & _I_S16 else Mode.S8,
            bool(i & _I_PSEUDO_RANDOM),
            bool(i & _I_R_MAC),
            bool(i & _I_R_ENCRYPTION),
        )

    @property
    def i(self) -> int:
        """The parameter `i`."""
        return (
            _I_S16 * (self.mode is Mode.S16)
            | _I_PSEUDO_RANDOM * self.pseudo_random
            | _I_R_MAC * self.r_mac
            | _I_R_ENCRYPTION * self.r_encryption
        )

    def supports(self, level: SecurityLevel) -> bool:
        """Whether the card can protect its responses as this security level demands."""
        return (self.r_mac or not level.authenticates_responses) and (
            self.r_encryption or not level.encrypts_responses
        )
