"""Opening a locked card of ours with the passwords that were put on it."""

import secrets

from emrtd.access import bac
from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import PasswordType
from emrtd.errors import MisuseError
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import secured
from emrtd.iso7816.selecting import select_application
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID


def read_security_object(keys: ChipKeys, random: Random = secrets.token_bytes) -> Procedure[bytes]:
    """Open the card by the access procedure that it has, and return its EF.SOD."""
    password = keys.password(PasswordType.MRZ)
    if password is None or not keys.basic_access_control:
        raise MisuseError("the chip keys hold no password that opens the card")
    yield from select_application(EMRTD_APPLICATION)
    secure_messaging = yield from bac.authenticate(password.password, random=random)
    reader = FileReader(cipher_block=secure_messaging.cipher.block_size)
    return (yield from secured(reader.read(FILES[FileID.SOD].address), secure_messaging))
