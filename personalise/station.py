"""A personalisation station: writes an image to the card that is in a reader."""

from collections.abc import Mapping

from emrtd.access.chip_keys import ChipKeys
from emrtd.errors import MisuseError
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.transport.connection import Connection
from personalise.opening import read_security_object
from personalise.writing import CARD_PROFILES, Progress, WriteReport, buffers_for, write_card


def write_image(
    files: Mapping[FileID, bytes],
    keys: ChipKeys,
    connection: Connection,
    card_profile: str = "iso7816-9",
    progress: Progress = lambda _done, _total: None,
) -> WriteReport:
    """Write an image to a card, read it back and lock the card; see `write_card`.

    Raises `TransportError` when the card leaves: it is finished by doing the same again.
    """
    make_card = CARD_PROFILES.get(card_profile)
    if make_card is None:
        known = ", ".join(CARD_PROFILES)
        raise MisuseError(f"{card_profile!r} is no kind of card; the kinds are {known}")
    card = make_card(buffers_for(connection.atr, files))
    open_locked = read_security_object(keys, files.get(FileID.CARD_ACCESS))
    procedure = write_card(files, keys, card, open_locked, progress)
    return run(with_response_chaining(procedure), connection.transmit)
