"""The object identifiers of PACE, Chip, Terminal and Active Authentication (Doc 9303-11, 9.2).

This module decodes the identifiers (mapping, key agreement, cipher) for both roles.
"""

from enum import StrEnum, unique
from typing import Final

import msgspec

from emrtd.crypto.ciphers import Cipher

BSI_DE: Final = "0.4.0.127.0.7"
ID_PK_DH: Final = f"{BSI_DE}.2.2.1.1"
ID_PK_ECDH: Final = f"{BSI_DE}.2.2.1.2"
ID_TA: Final = f"{BSI_DE}.2.2.2"
ID_CA_DH: Final = f"{BSI_DE}.2.2.3.1"
ID_CA_ECDH: Final = f"{BSI_DE}.2.2.3.2"
ID_PACE: Final = f"{BSI_DE}.2.2.4"
ID_PRIVILEGED_TERMINAL: Final = f"{BSI_DE}.2.2.8"
ID_STANDARDISED_DOMAIN_PARAMETERS: Final = f"{BSI_DE}.1.2"
ID_SECURITY_OBJECT: Final = f"{BSI_DE}.3.2.1"
"""Content type of EF.CardSecurity."""
ID_ACTIVE_AUTHENTICATION: Final = "2.23.136.1.1.5"
ID_EF_DIR: Final = "2.23.136.1.1.13"


@unique
class KeyAgreement(StrEnum):
    """How two sides agree on a secret."""

    DH = "DH"
    ECDH = "ECDH"


@unique
class Mapping(StrEnum):
    """How PACE maps its nonce to a generator (Doc 9303-11, 4.4.3.3)."""

    GENERIC = "GM"
    INTEGRATED = "IM"
    CHIP_AUTHENTICATION = "CAM"


class PaceProtocol(msgspec.Struct, frozen=True):
    """The meaning of an identifier of PACE; `cipher` is None in those of domain parameters."""

    key_agreement: KeyAgreement
    mapping: Mapping
    cipher: Cipher | None


class ChipAuthenticationProtocol(msgspec.Struct, frozen=True):
    """The meaning of an identifier of Chip Authentication."""

    key_agreement: KeyAgreement
    cipher: Cipher


_CIPHERS: Final = {1: Cipher.TDES, 2: Cipher.AES128, 3: Cipher.AES192, 4: Cipher.AES256}

_PACE_ARCS: Final = {
    1: (KeyAgreement.DH, Mapping.GENERIC),
    2: (KeyAgreement.ECDH, Mapping.GENERIC),
    3: (KeyAgreement.DH, Mapping.INTEGRATED),
    4: (KeyAgreement.ECDH, Mapping.INTEGRATED),
    6: (KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION),
}

PACE_PROTOCOLS: Final = {
    f"{ID_PACE}.{arc}.{number}": PaceProtocol(agreement, mapping, cipher)
    for arc, (agreement, mapping) in _PACE_ARCS.items()
    for number, cipher in _CIPHERS.items()
    if not (mapping is Mapping.CHIP_AUTHENTICATION and cipher is Cipher.TDES)  # 9.2.3: AES only
}
"""The 19 protocols of PACE, by identifier (9.2.3)."""

PACE_DOMAIN_PARAMETERS: Final = {
    f"{ID_PACE}.{arc}": PaceProtocol(agreement, mapping, None)
    for arc, (agreement, mapping) in _PACE_ARCS.items()
}
"""The identifiers of PACEDomainParameterInfo (9.2.2)."""

CHIP_AUTHENTICATION_PROTOCOLS: Final = {
    f"{root}.{number}": ChipAuthenticationProtocol(agreement, cipher)
    for root, agreement in ((ID_CA_DH, KeyAgreement.DH), (ID_CA_ECDH, KeyAgreement.ECDH))
    for number, cipher in _CIPHERS.items()
}
"""The 8 protocols of Chip Authentication, by identifier (9.2.7)."""

PUBLIC_KEY_PROTOCOLS: Final = {ID_PK_DH: KeyAgreement.DH, ID_PK_ECDH: KeyAgreement.ECDH}
CHIP_AUTHENTICATION_DOMAIN_PARAMETERS: Final = {
    ID_CA_DH: KeyAgreement.DH,
    ID_CA_ECDH: KeyAgreement.ECDH,
}


def pace_oid(key_agreement: KeyAgreement, mapping: Mapping, cipher: Cipher | None) -> str | None:
    """Return the identifier of a PACE protocol, or of its domain parameters if `cipher` is None.

    None if the standard has no such combination (DH or 3DES with Chip Authentication Mapping).
    """
    wanted = PaceProtocol(key_agreement, mapping, cipher)
    known = PACE_PROTOCOLS | PACE_DOMAIN_PARAMETERS
    return next((oid for oid, protocol in known.items() if protocol == wanted), None)


def chip_authentication_oid(key_agreement: KeyAgreement, cipher: Cipher) -> str:
    """Return the identifier of a protocol of Chip Authentication."""
    wanted = ChipAuthenticationProtocol(key_agreement, cipher)
    return next(oid for oid, each in CHIP_AUTHENTICATION_PROTOCOLS.items() if each == wanted)
