"""The inspection system of the desk, whose certificates are renewed while it runs."""

import logging
import threading
from pathlib import Path
from typing import Final

from emrtd.access.terminal_authentication import TerminalCredentials
from support.errors import ChipsealError
from support.secret import Secret
from verify.inspection.terminal_folder import load_terminal

_LOG: Final = logging.getLogger(__name__)


class DeskTerminal:
    """The credentials in a folder, read again when the folder changes; threads may share it.

    The constructor raises as `load_terminal` does.  Later, a folder that cannot be read is logged,
    and the credentials before it stay: half of the new files may be there.
    """

    def __init__(self, folder: Path, passphrase: Secret) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._lock = threading.Lock()
        self._seen = self._look()
        self._credentials = load_terminal(folder, passphrase)

    def current(self) -> TerminalCredentials:
        """Return the credentials as the folder has them now."""
        with self._lock:
            try:
                seen = self._look()
                if seen != self._seen:
                    self._seen = seen
                    self._credentials = load_terminal(self._folder, self._passphrase)
            except (ChipsealError, OSError) as error:
                _LOG.error("the certificates are not renewed: %s", error)
            return self._credentials

    def _look(self) -> frozenset[tuple[str, int, int]]:
        """Return names, sizes and times of the files."""
        if not self._folder.is_dir():
            return frozenset()
        return frozenset(
            (each.name, (status := each.stat()).st_size, status.st_mtime_ns)
            for each in self._folder.iterdir()
        )
