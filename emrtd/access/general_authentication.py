"""The General Authentication Procedure of EAC version 2, the terminal's side (TR-03110-2, 2.3.5).

PACE has opened the chip.  Terminal Authentication follows and commits to an ephemeral key.  Then
EF.CardSecurity is read and examined by passive authentication.  Chip Authentication uses that key
and the signed key of the chip.  German residence permits are read with this procedure when more
than the eMRTD application is needed.
"""

import secrets
from collections.abc import Callable

from emrtd.access import chip_authentication, terminal_authentication
from emrtd.access.chip_authentication import ChipAuthenticationResult, EphemeralKey
from emrtd.access.chip_authentication_keys import (
    ChipAuthenticationVariant,
    announced_protocols,
    variants,
)
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.terminal_authentication import TerminalAuthenticationResult, TerminalCredentials
from emrtd.crypto.groups import Group
from emrtd.errors import ProtocolError
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.lds.security.security_infos import ChipAuthenticationInfo, SecurityInfos
from support.values import Hidden, Value

Examine = Callable[[bytes], SecurityInfos]
"""Runs passive authentication of EF.CardSecurity and returns its SecurityInfos, or raises."""


class GeneralAuthenticationResult(Value, frozen=True):
    """The result of the procedure; the commands that follow use the session of `chip`.

    `variant` is the variant of Chip Authentication, `ephemeral` the terminal's key for it.
    """

    terminal: TerminalAuthenticationResult
    chip: ChipAuthenticationResult
    card_security: Hidden[bytes]
    variant: ChipAuthenticationVariant
    ephemeral: Hidden[EphemeralKey]


def authenticate(
    pace: PaceResult,
    card_access: SecurityInfos,
    credentials: TerminalCredentials,
    read_card_security: Callable[[], Procedure[bytes]],
    examine: Examine,
    *,
    auxiliary: bytes = b"",
    random: Random = secrets.token_bytes,
) -> Procedure[GeneralAuthenticationResult]:
    """Run the procedure inside the session of PACE, whose CHAT requested the chip's trust points.

    `read_card_security` reads that file in the same session.  Chip Authentication uses only a key
    from the SecurityInfos that `examine` returns.  Raises `ProtocolError` if the chip does not
    offer version 2, or EF.CardSecurity has another key than EF.CardAccess announces.
    """
    info, group = _strongest(card_access)
    ephemeral = EphemeralKey.generate(group, random)
    terminal = yield from terminal_authentication.authenticate(
        credentials,
        [reference.decode("latin-1") for reference in pace.cars],
        [pace.variant.group.compress(pace.chip_public_key)],
        ephemeral.compressed,
        version=2,
        auxiliary=auxiliary,
    )
    card_security = yield from read_card_security()
    variant = _key_of(info, group, examine(card_security))
    chip = yield from chip_authentication.authenticate(variant, ephemeral=ephemeral)
    return GeneralAuthenticationResult(terminal, chip, card_security, variant, ephemeral)


def _strongest(infos: SecurityInfos) -> tuple[ChipAuthenticationInfo, Group]:
    offered = announced_protocols(infos)
    if not offered:
        raise ProtocolError("EF.CardAccess announces no Chip Authentication version 2")
    return max(offered, key=lambda each: (each[1].strength, each[0].cipher.key_size))


def _key_of(
    info: ChipAuthenticationInfo, group: Group, infos: SecurityInfos
) -> ChipAuthenticationVariant:
    """Return the signed key for the protocol that the unsigned EF.CardAccess announces."""
    for variant in variants(infos, version=2):
        if (variant.protocol, variant.key.group) == (info.protocol, group) and (
            info.key_id in {variant.key.key_id, None}
        ):
            return variant
    raise ProtocolError("EF.CardSecurity has no key for the protocol that EF.CardAccess announces")
