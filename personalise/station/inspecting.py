"""A look at the finished card as an inspector takes it, before the card leaves the station.

The card is opened with the document's MRZ by PACE or Basic Access Control, proves by Chip
Authentication that it has its private key, and returns EF.SOD.
"""

from collections.abc import Mapping

from emrtd.access.chip_authentication import authenticate
from emrtd.access.chip_authentication_keys import choose
from emrtd.access.opening import Way, open_application
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.procedure import Procedure, Reset
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, SecureMessagingError, secured
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_info import ChipAuthenticationPublicKeyInfo
from personalise.station.cards.interface import Capabilities
from personalise.station.checking import address_of, check_lock, does_not_read_back
from personalise.station.outcomes import CardFault, RejectCardError


def inspect_card(
    files: Mapping[FileID, bytes], way: Way, capabilities: Capabilities
) -> Procedure[None]:
    """Open a locked card, run Chip Authentication if DG14 announces it, and read EF.SOD.

    Raises `RejectCardError` for a card that does not open, does not prove its key or holds another
    EF.SOD.  If the session breaks, the card is reset and opened once more.
    """
    yield from check_lock()
    try:
        found = yield from _open_and_read(files, way, capabilities)
    except SecureMessagingError:  # another program may have used the card
        yield Reset()
        found = yield from _open_and_read_again(files, way, capabilities)
    if found != files[FileID.SOD]:
        raise does_not_read_back(FILES[FileID.SOD])


def _open_and_read_again(
    files: Mapping[FileID, bytes], way: Way, capabilities: Capabilities
) -> Procedure[bytes]:
    try:
        return (yield from _open_and_read(files, way, capabilities))
    except SecureMessagingError as error:
        problem = f"the locked card breaks the session twice ({error.message})"
        raise RejectCardError(CardFault.DOES_NOT_OPEN, problem) from error


def _open_and_read(
    files: Mapping[FileID, bytes], way: Way, capabilities: Capabilities
) -> Procedure[bytes]:
    """Open the card, authenticate the chip, and return EF.SOD."""
    try:
        session = yield from open_application(way)
    except (ChipRefusalError, ProtocolError) as error:
        problem = f"the locked card does not open with its own password ({error.message})"
        raise RejectCardError(CardFault.DOES_NOT_OPEN, problem) from error
    session = yield from _authenticate_chip(files, session)
    address = address_of(FILES[FileID.SOD], capabilities)
    read = FileReader(cipher_block=session.cipher.block_size).read(address)
    return (yield from secured(read, session))


def _authenticate_chip(
    files: Mapping[FileID, bytes], session: SecureMessaging
) -> Procedure[SecureMessaging]:
    """Return the session of Chip Authentication, or the present one if the chip has no key."""
    infos = DataGroup14.decode(files[FileID.DG14]).security_infos if FileID.DG14 in files else None
    if infos is None or not infos.of(ChipAuthenticationPublicKeyInfo):
        return session
    try:
        proof = yield from secured(authenticate(choose(infos)), session)
    except ChipRefusalError as error:
        problem = f"the locked card refuses Chip Authentication ({error.message})"
        raise RejectCardError(CardFault.DOES_NOT_OPEN, problem) from error
    return proof.secure_messaging
