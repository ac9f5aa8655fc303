"""Opening a locked card of ours with the passwords that were put on it."""

import secrets

from emrtd.access import bac
from emrtd.access.chip_keys import ChipKeys
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import Password, PasswordType
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.lds.security.card_access import CardAccess
from support.errors import MisuseError


def read_security_object(
    keys: ChipKeys, card_access: bytes | None, random: Random = secrets.token_bytes
) -> Procedure[bytes]:
    """Open the card, and return its EF.SOD: by BAC where it has that, by PACE otherwise.

    `card_access` is the document's EF.CardAccess, None where it has none.
    """
    found = keys.password(PasswordType.MRZ)
    if found is None or not (keys.basic_access_control or card_access):
        raise MisuseError("the chip keys hold no password that opens the card")
    if keys.basic_access_control or card_access is None:
        session = yield from _open_by_bac(found.password, random)
    else:
        session = yield from _open_by_pace(found.password, card_access, random)
    reader = FileReader(cipher_block=session.cipher.block_size)
    return (yield from secured(reader.read(FILES[FileID.SOD].address), session))


def _open_by_bac(password: Password, random: Random) -> Procedure[SecureMessaging]:
    yield from select_application(EMRTD_APPLICATION)
    return (yield from bac.authenticate(password, random=random))


def _open_by_pace(
    password: Password, card_access: bytes, random: Random
) -> Procedure[SecureMessaging]:
    yield from select_master_file()
    variant = choose(CardAccess.decode(card_access).security_infos)
    session = (yield from establish(variant, password, random=random)).secure_messaging
    yield from secured(select_application(EMRTD_APPLICATION), session)
    return session
