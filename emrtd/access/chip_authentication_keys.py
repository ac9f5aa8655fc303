"""The static keys of Chip Authentication and their protocols (Doc 9303-11, 9.2.5 and 9.2.6)."""

from collections.abc import Iterable
from typing import Final

import msgspec

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import decode_agreement_key, decode_domain_parameters
from emrtd.crypto.groups import Group
from emrtd.crypto.protocols import chip_authentication_oid
from emrtd.errors import ProtocolError
from emrtd.lds.security.security_infos import (
    ChipAuthenticationDomainParameterInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PrivilegedTerminalInfo,
    SecurityInfos,
)
from support.errors import MalformedError
from support.reasons import Reason, joined
from support.values import Hidden, Value

_STRENGTHS: Final = {Cipher.TDES: 112, Cipher.AES128: 128, Cipher.AES192: 192, Cipher.AES256: 256}


class StaticPublicKey(Value, frozen=True):
    """PK_IC with its domain parameters; authentic only after passive authentication."""

    group: Group
    public: Hidden[bytes]
    key_id: int | None = None


class ChipAuthenticationVariant(msgspec.Struct, frozen=True):
    """A static key and a protocol to use it with.

    `version` is 1, or 2 of TR-03110-2.  `assumed` is true if the chip does not name the protocol;
    3DES is then used.  Doc 9303-11, 9.2.5 does not provide for such chips; FR issued some in 2013.
    """

    protocol: str
    cipher: Cipher
    key: StaticPublicKey
    version: int = 1
    assumed: bool = False

    @property
    def strength(self) -> int:
        """The security of the session keys, in bits."""
        return min(_STRENGTHS[self.cipher], self.key.group.strength)

    @property
    def name(self) -> str:
        """Protocol and parameters: "ca-ecdh-aes-128/brainpoolP256r1"."""
        group = self.key.group
        protocol = f"ca-{group.key_agreement}-{self.cipher.value}".lower()
        return f"{protocol}/{group.description}"

    @property
    def key_reference(self) -> bytes | None:
        """The identifier of the private key in MSE; None if the chip has a single key."""
        return None if self.key.key_id is None else encode_key_reference(self.key.key_id)

    @property
    def quirks(self) -> tuple[str, ...]:
        """The quirks of the chip's SecurityInfos, one sentence each."""
        reason = "the chip names no protocol for Chip Authentication; 3DES is assumed"
        return (reason,) if self.assumed else ()


def encode_key_reference(key_id: int) -> bytes:
    """Encode a keyId as an unsigned integer in as few octets as possible."""
    size = max(1, (abs(key_id).bit_length() + 7) // 8)
    return key_id.to_bytes(size, "big", signed=key_id < 0)


def static_keys(infos: SecurityInfos) -> tuple[tuple[StaticPublicKey, ...], tuple[str, ...]]:
    """Return the static keys that can be used, and for each other key the reason why not."""
    usable, refused = [], []
    for info in infos.of(ChipAuthenticationPublicKeyInfo):
        try:
            usable.append(_static_key(info))
        except (MalformedError, ProtocolError) as error:
            refused.append(error.said)
    return tuple(usable), tuple(refused)


def variants(infos: SecurityInfos, version: int = 1) -> tuple[ChipAuthenticationVariant, ...]:
    """Return every variant of Chip Authentication that SecurityInfos describe, in their order.

    For version 2, the variants only for privileged terminals are last (TR-03110-3, A.1.1.9).
    """
    keys, _ = static_keys(infos)
    named = [
        ChipAuthenticationVariant(info.protocol, info.cipher, key, info.version)
        for key in keys
        for info in infos.of(ChipAuthenticationInfo)
        if info.key_agreement is key.group.key_agreement and _belong(info.key_id, key, keys)
    ]
    found = [variant for variant in named if variant.version == version]
    if version == 1:
        found += [_assumed(key) for key in keys if not any(each.key == key for each in named)]
    for privileged in infos.of(PrivilegedTerminalInfo) if version == 2 else ():
        found += variants(privileged.infos, version)
    return tuple(found)


def choose(infos: SecurityInfos, version: int = 1) -> ChipAuthenticationVariant:
    """Return the strongest variant; one that the chip names is preferred to an assumed one.

    Raises `ProtocolError` with the reasons if no variant can be used.
    """
    offered = variants(infos, version)
    if not offered:
        _, refused = static_keys(infos)
        why = joined("; ", refused) or "it has no key for Chip Authentication"
        raise ProtocolError(
            Reason("the chip offers no Chip Authentication that can be used: {why}", why=why)
        )
    return max(offered, key=lambda each: (not each.assumed, each.strength, _STRENGTHS[each.cipher]))


def mapping_key(infos: SecurityInfos, parameter_id: int | None) -> StaticPublicKey:
    """Return the static key of the Chip Authentication Mapping from EF.CardSecurity (9.2.1).

    Its identifier is the parameterId of the PACEInfo.  Raises `ProtocolError` if no key has it.
    """
    keys, refused = static_keys(infos)
    found = next((key for key in keys if key.key_id == parameter_id), None)
    if found is None:
        why = joined("; ", refused) or Reason(
            "no key has the identifier {parameter_id}", parameter_id=parameter_id
        )
        raise ProtocolError(
            Reason("EF.CardSecurity has no usable key for PACE-CAM: {why}", why=why)
        )
    return found


def _static_key(info: ChipAuthenticationPublicKeyInfo) -> StaticPublicKey:
    group, public = decode_agreement_key(info.public_key)
    if group.key_agreement is not info.key_agreement:
        raise ProtocolError(
            Reason(
                "a key for {key_agreement} has domain parameters of the other kind",
                key_agreement=info.key_agreement,
            )
        )
    return StaticPublicKey(group, public, info.key_id)


def _belong(key_id: int | None, key: StaticPublicKey, keys: Iterable[StaticPublicKey]) -> bool:
    """Whether an info with this identifier is about the key; one key needs no identifier."""
    alone = sum(each.group.key_agreement is key.group.key_agreement for each in keys) == 1
    return key_id == key.key_id or (alone and None in {key_id, key.key_id})


def _assumed(key: StaticPublicKey) -> ChipAuthenticationVariant:
    protocol = chip_authentication_oid(key.group.key_agreement, Cipher.TDES)
    return ChipAuthenticationVariant(protocol, Cipher.TDES, key, assumed=True)


def announced_protocols(infos: SecurityInfos) -> tuple[tuple[ChipAuthenticationInfo, Group], ...]:
    """Return the protocols and domain parameters of version 2 that EF.CardAccess announces.

    The keys themselves are in EF.CardSecurity, which may be readable only after Terminal
    Authentication (TR-03110-3, A.1.2.1).  Domain parameters that cannot be used are left out.
    """
    found = []
    for parameters in infos.of(ChipAuthenticationDomainParameterInfo):
        try:
            group = decode_domain_parameters(parameters.domain_parameter)
        except MalformedError:
            continue
        found += [
            (info, group)
            for info in infos.of(ChipAuthenticationInfo)
            if info.version == 2
            and info.key_agreement is parameters.key_agreement is group.key_agreement
            and info.key_id == parameters.key_id
        ]
    return tuple(found)
