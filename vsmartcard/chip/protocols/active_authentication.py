"""INTERNAL AUTHENTICATE: Active Authentication on the chip (Doc 9303-11, 6.1)."""

from emrtd.access.active_authentication import sign
from emrtd.crypto.private_keys import load_private_key
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.status_words import SW
from vsmartcard.chip.files.access_rules import has_access
from vsmartcard.chip.session import Core

_DOING = "INTERNAL AUTHENTICATE"


def internal_authenticate(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Sign RND.IFD (8 octets) with the private key that belongs to DG15."""
    if command.p1 or command.p2:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, _DOING)
    _require_access(core)
    key = core.state.keys.active_authentication
    if key is None:
        raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, _DOING)
    if core.active_authentication is None or core.active_authentication[0] is not key:
        core.active_authentication = key, load_private_key(key.private, random=core.random)
    signature = sign(core.active_authentication[1], command.data, key.hash, random=core.random)
    return ResponseAPDU(signature)


def _require_access(core: Core) -> None:
    if not has_access(core):
        raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, _DOING)
    if core.session.directory is not Directory.EMRTD:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, _DOING)
