"""A clone: every file of a document and its passwords, on a chip that has none of its keys."""

from dataclasses import replace

from emrtd.access.chip_keys import ChipKeys
from emrtd.iso7816.apdu import INS
from emrtd.status_words import SW
from support.secret import Secret
from vsmartcard.card.conditions import every, instruction, protected
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Refusing

PROVING = (INS.MANAGE_SECURITY_ENVIRONMENT, INS.INTERNAL_AUTHENTICATE)
"""The instructions that Chip and Active Authentication begin with."""


def without_private_keys(keys: ChipKeys) -> ChipKeys:
    """What a cloner has of a chip's keys: its passwords, and private keys of his own.

    The keys for Chip Authentication and PACE-CAM do not belong to their public keys; there is none
    for Active Authentication.
    """
    stolen = tuple(
        replace(key, private=Secret(b"\x07" * len(key.private))) for key in keys.chip_authentication
    )
    return replace(keys, chip_authentication=stolen, active_authentication=None)


class SilentClone(Refusing):
    """Breaks the session off, by a bare 6988, rather than carry out what would show the clone."""

    def __init__(self, card: Card, silent: tuple[int, ...] = PROVING) -> None:
        refused = every(protected, instruction(*silent))
        super().__init__(card, refused, SW.SM_DATA_OBJECT_INCORRECT)
