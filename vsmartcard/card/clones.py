"""A clone: the files and passwords of a document, on a chip without its private keys."""

from msgspec.structs import replace

from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816.apdu import INS
from emrtd.status_words import SW
from support.secret import Secret
from vsmartcard.card.conditions import every, instruction, protected
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Refusing

PROVING = (INS.MANAGE_SECURITY_ENVIRONMENT, INS.INTERNAL_AUTHENTICATE)
"""The first instructions of Chip and Active Authentication."""


def without_private_keys(keys: ChipKeys) -> ChipKeys:
    """Return the keys that a cloner has: the chip's passwords, and private keys of the cloner.

    The keys for Chip Authentication and PACE-CAM do not match their public keys.  There is no key
    for Active Authentication.
    """
    unrelated = tuple(
        replace(key, private=Secret(b"\x07" * len(key.private))) for key in keys.chip_authentication
    )
    return replace(keys, chip_authentication=unrelated, active_authentication=None)


class SilentClone(Refusing):
    """Ends the session with a plain 6988 when asked for a proof that only the genuine chip has."""

    def __init__(self, card: Card, silent: tuple[int, ...] = PROVING) -> None:
        refused = every(protected, instruction(*silent))
        super().__init__(card, refused, SW.SM_DATA_OBJECT_INCORRECT)
