"""A forged document in this process: the reader `forgery:DIR`, without a daemon."""

import secrets
from pathlib import Path

from emrtd.transport.events import CardEvents, CardInReader, PolledEvents
from support.errors import MisuseError
from vsmartcard.card.connection import CardConnection
from vsmartcard.forging.folder import RECORD, load_forged


def connect(address: str, *, blank: bool) -> CardConnection:  # noqa: ARG001 - it makes no blank cards
    """Connect to the card of a forgery; raises `MisuseError` if the folder is not one."""
    _, forged = load_forged(_path_of(address))
    return CardConnection(forged.card(secrets.token_bytes), f"forgery:{address}")


def watch(address: str) -> CardEvents:
    """Return the events of a reader in which the card is present while its folder exists."""
    record, reader = _path_of(address) / RECORD, f"forgery:{address}"
    return PolledEvents(lambda: {reader: CardInReader(address) if record.exists() else None})


def require(address: str) -> None:
    """Raise `MisuseError` if the folder is not a forgery."""
    load_forged(_path_of(address))


def _path_of(address: str) -> Path:
    if not address:
        raise MisuseError("forgery: names no folder", advice="write forgery:DIR")
    return Path(address)
