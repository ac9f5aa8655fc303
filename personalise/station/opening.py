"""Opening a locked card of ours with the passwords that were put on it."""

import secrets

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.opening import ByBac, ByPace, Way, open_application
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import PasswordType
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import secured
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_access import CardAccess
from support.errors import MisuseError


def read_security_object(
    keys: ChipKeys, card_access: bytes | None, random: Random = secrets.token_bytes
) -> Procedure[bytes]:
    """Open the card, and return its EF.SOD: by BAC where it has that, by PACE otherwise.

    `card_access` is the document's EF.CardAccess, None where it has none.
    """
    session = yield from open_application(_way(keys, card_access), random=random)
    reader = FileReader(cipher_block=session.cipher.block_size)
    return (yield from secured(reader.read(FILES[FileID.SOD].address), session))


def _way(keys: ChipKeys, card_access: bytes | None) -> Way:
    found = keys.password(PasswordType.MRZ)
    if found is not None and keys.basic_access_control:
        return ByBac(found.password)
    if found is not None and card_access:
        return ByPace(choose(CardAccess.decode(card_access).security_infos), found.password)
    raise MisuseError("the chip keys hold no password that opens the card")
