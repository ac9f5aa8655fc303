"""Chip Authentication on the chip (Doc 9303-11, 6.2; version 2 of TR-03110-2, 3.4)."""

from functools import lru_cache

from emrtd.access.chip_authentication import (
    ChipAuthenticationChip,
    ChipAuthenticationResult,
    StaticKey,
)
from emrtd.crypto.domain_parameters import decode_agreement_key
from emrtd.crypto.groups import Group
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.status_words import SW
from vsmartcard.chip.protocols import terminal_authentication
from vsmartcard.chip.session import ChipAccess, Core, Protocol


def set_kat(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """MSE:Set KAT: the whole protocol in one command, with 3DES."""
    _finish(core, _chip(core).set_kat(command.data))
    return ResponseAPDU()


def set_at(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """MSE:Set AT: select key and protocol; GENERAL AUTHENTICATE follows."""
    _chip(core).set_at(command.data)
    core.session = core.session.with_selected(Protocol.CHIP_AUTHENTICATION)
    return ResponseAPDU()


def general_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Agree on keys; to run the protocol again, the terminal selects it again."""
    core.session = core.session.with_selected(None)
    shown = terminal_authentication.shown_key(core)
    answer, result = _chip(core).general_authenticate(command.data, shown)
    _finish(core, result)
    return ResponseAPDU(answer)


@lru_cache(maxsize=64)
def group_of(public_key: bytes) -> Group:
    """Return the domain parameters of a SubjectPublicKeyInfo; raises if its key does not fit."""
    return decode_agreement_key(public_key)[0]


def _chip(core: Core) -> ChipAuthenticationChip:
    """Return the protocol of this session; 6982 before chip access, without session keys."""
    if core.session.access not in {ChipAccess.BAC, ChipAccess.PACE}:
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, "Chip Authentication")
    chip = core.session.chip_authentication
    if chip is None:
        keys = (
            StaticKey(group_of(key.public_key), key.private, key.protocols, key.key_id)
            for key in core.state.keys.chip_authentication
        )
        chip = ChipAuthenticationChip(keys, random=core.random)
        core.session = core.session.with_chip_authentication(chip)
    return chip


def _finish(core: Core, result: ChipAuthenticationResult) -> None:
    core.session = core.session.chip_authenticated(
        result.secure_messaging, result.compressed_terminal_key
    )
