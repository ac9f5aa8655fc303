"""SELECT, as an inspection system sends it (Doc 9303-10, 3.6.1 and 3.6.2)."""

from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.procedure import Procedure
from emrtd.status_words import SW

_NO_RESPONSE_DATA = 0x0C  # P2: first occurrence, no file control information


def select_application(aid: bytes) -> Procedure[None]:
    """Select an application by its AID; raises `ChipRefusalError` if the chip does not have it."""
    response = yield CommandAPDU(0x00, INS.SELECT, 0x04, _NO_RESPONSE_DATA, aid)
    response.require("selecting the application", SW.FILE_DEACTIVATED)


def select_master_file() -> Procedure[bool]:
    """Select the master file; return whether the chip accepted one of the two forms.

    Some chips require no data, some require 3F00, some answer 9000 to the form that they ignore,
    and some refuse both although their master file is already selected.  Both forms are therefore
    sent, and a refusal is not an error.
    """
    agreed = False
    for identifier in (b"", b"\x3f\x00"):
        response = yield CommandAPDU(0x00, INS.SELECT, 0x00, _NO_RESPONSE_DATA, identifier)
        agreed = agreed or response.sw == SW.OK
    return agreed


def select_file(identifier: int) -> Procedure[int]:
    """Select an elementary file of the current application; returns the status word.

    9000 and the warning 6283 mean that the file is selected.
    """
    response = yield select_command(identifier)
    return response.sw


def select_command(identifier: int) -> CommandAPDU:
    """Return the command that selects an elementary file of the current application."""
    return CommandAPDU(0x00, INS.SELECT, 0x02, _NO_RESPONSE_DATA, identifier.to_bytes(2, "big"))
