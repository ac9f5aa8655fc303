"""The cards with which authentication failed, so that none is tried again without asking.

A card locks after some failures, and cannot be unlocked.  So a failure is noted in a file in the
user's folder, under a digest of the card's serial number or CPLC data, and the card is refused from
then on, by other processes too, until a person removes that file.
"""

import hashlib
from pathlib import Path

from support.files import write_atomically
from support.passphrase import user_folder

_NOTE = b"authentication with this card failed\n"


class FailedCards:
    """The notes in a folder; by default in the user's folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """The folder of the notes, which may not exist."""
        return self._folder or user_folder() / "failed-cards"

    def exist(self) -> bool:
        """Whether there is any note."""
        return self.folder.is_dir() and any(self.folder.iterdir())

    def note_of(self, card: bytes) -> Path | None:
        """Return the note on a card, named by its serial number or CPLC data; None without one."""
        path = self._path(card)
        return path if path.exists() else None

    def note(self, card: bytes) -> Path:
        """Note that authentication with a card failed."""
        path = self._path(card)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, _NOTE, mode=0o600)
        return path

    def _path(self, card: bytes) -> Path:
        return self.folder / hashlib.sha256(card).hexdigest()[:32]
