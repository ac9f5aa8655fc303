"""The variants of PACE that a chip offers, and the terminal's choice (Doc 9303-11, 9.2, 9.5)."""

from collections.abc import Iterable
from typing import Final

import msgspec

from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, decode_domain_parameters, is_known
from emrtd.crypto.groups import EcGroup, Group
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.errors import ProtocolError
from emrtd.lds.security.security_infos import PaceDomainParameterInfo, PaceInfo, SecurityInfos
from support.errors import MalformedError, MisuseError
from support.reasons import Reason, joined

_VERSION: Final = 2
_STRENGTHS: Final = {Cipher.TDES: 112, Cipher.AES128: 128, Cipher.AES192: 192, Cipher.AES256: 256}


class PaceVariant(msgspec.Struct, frozen=True):
    """A PACEInfo with its domain parameters.

    `ambiguous` is true if the chip has more than one set, so that MSE:Set AT must name one.
    """

    info: PaceInfo
    group: Group
    ambiguous: bool = False

    @property
    def strength(self) -> int:
        """The security of the session keys, in bits."""
        return min(_STRENGTHS[self.info.cipher], self.group.strength)

    @property
    def name(self) -> str:
        """Protocol and parameters: "pace-ecdh-gm-aes-cbc-cmac-128/brainpoolP256r1"."""
        cipher = self.info.cipher
        symmetric = "3des-cbc-cbc" if cipher is Cipher.TDES else f"aes-cbc-cmac-{cipher.value[4:]}"
        protocol = f"pace-{self.info.key_agreement}-{self.info.mapping}-{symmetric}".lower()
        return f"{protocol}/{self.group.description}"


class Preference(msgspec.Struct, frozen=True):
    """Which variants a terminal accepts, and which one it prefers.

    The strongest variant wins; among equals the mapping that is first in `mappings`, then ECDH
    before DH, then the larger group, then the longer key.  Mappings that are not in `mappings` are
    not used.

    `trusted` are explicit domain parameters that are known to be secure, besides the standardised
    ones and the named curves.  Others are refused: insecure domain parameters, which a chip could
    announce, would leak the password (9.2.2).
    """

    mappings: tuple[Mapping, ...] = (
        Mapping.CHIP_AUTHENTICATION,
        Mapping.GENERIC,
        Mapping.INTEGRATED,
    )
    minimum_strength: int = 80
    trusted: tuple[Group, ...] = ()


def choose(infos: SecurityInfos, preference: Preference | None = None) -> PaceVariant:
    """Choose the variant to open a chip with, from the SecurityInfos of EF.CardAccess.

    Raises `ProtocolError` with the reasons if the chip offers no variant that is accepted.
    """
    preference = preference or Preference()
    usable: list[PaceVariant] = []
    refused: list[str] = []
    for info in infos.of(PaceInfo):
        try:
            variant = variant_of(info, infos)
            _require_accepted(variant, preference)
        except (MalformedError, MisuseError, ProtocolError) as error:
            refused.append(error.said)
        else:
            usable.append(variant)
    if not usable:
        why = joined("; ", refused) or "it has no PACEInfo"
        raise ProtocolError(
            Reason("the chip offers no variant of PACE that can be used: {why}", why=why)
        )
    return max(usable, key=lambda variant: _rank(variant, preference))


def variants(infos: SecurityInfos) -> tuple[PaceVariant, ...]:
    """Return every variant that SecurityInfos describe; raises as `variant_of` does."""
    return tuple(variant_of(info, infos) for info in infos.of(PaceInfo))


def variant_of(info: PaceInfo, infos: SecurityInfos) -> PaceVariant:
    """Find the domain parameters of a PACEInfo in the SecurityInfos that contain it.

    Raises `ProtocolError` if they are missing or do not fit the protocol, `MalformedError` if they
    are not a valid group.
    """
    group = _group_of(info, infos.of(PaceDomainParameterInfo))
    is_curve = isinstance(group, EcGroup)
    if is_curve is not (info.key_agreement is KeyAgreement.ECDH):
        raise ProtocolError(
            Reason(
                "{key_agreement} has domain parameters of the other kind",
                key_agreement=info.key_agreement,
            )
        )
    if info.mapping is Mapping.INTEGRATED and not can_be_mapped_into(group):
        raise ProtocolError(
            Reason("Integrated Mapping is not defined on {group}", group=group.description)
        )
    if info.version != _VERSION:
        raise ProtocolError(
            Reason("version {version} of PACE is not supported", version=info.version)
        )
    identifiers = {each.parameter_id for each in infos.of(PaceInfo)}
    return PaceVariant(info, group, ambiguous=len(identifiers) > 1)


def can_be_mapped_into(group: Group) -> bool:
    """Whether Integrated Mapping is defined on a group; a curve needs p = 3 mod 4 (B.2)."""
    return not isinstance(group, EcGroup) or group.field % 4 == 3


def _group_of(info: PaceInfo, explicit: Iterable[PaceDomainParameterInfo]) -> Group:
    if info.parameter_id in STANDARDISED:
        return STANDARDISED[info.parameter_id]
    suitable = [
        each
        for each in explicit
        if each.key_agreement is info.key_agreement
        and each.parameter_id in {info.parameter_id, None}
    ]
    suitable.sort(key=lambda each: each.mapping is not info.mapping)  # its own mapping first
    if not suitable:
        raise ProtocolError(
            Reason("domain parameters {parameter_id} are missing", parameter_id=info.parameter_id)
        )
    return decode_domain_parameters(suitable[0].domain_parameter)


def _require_accepted(variant: PaceVariant, preference: Preference) -> None:
    if variant.info.mapping not in preference.mappings:
        raise ProtocolError(Reason("{variant}: the mapping is not accepted", variant=variant.name))
    if variant.strength < preference.minimum_strength:
        raise ProtocolError(
            Reason(
                "{variant}: it is weaker than {minimum_strength} bits",
                variant=variant.name,
                minimum_strength=preference.minimum_strength,
            )
        )
    if not is_known(variant.group) and variant.group not in preference.trusted:
        raise ProtocolError(
            Reason("{variant}: the domain parameters are not trusted", variant=variant.name)
        )


def _rank(variant: PaceVariant, preference: Preference) -> tuple[int, ...]:
    info = variant.info
    return (
        variant.strength,
        -preference.mappings.index(info.mapping),
        info.key_agreement is KeyAgreement.ECDH,
        variant.group.strength,
        _STRENGTHS[info.cipher],
    )
