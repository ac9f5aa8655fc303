"""A place for the content of a package while it is read: in memory, or encrypted on disk.

Short content stays in memory.  Longer content is in a temporary file without a name, in blocks that
are encrypted with AES-256-GCM under a key which exists in memory only: a persons' data are never on
disk in clear, and nothing can be read once the process has ended.
"""

import secrets
import tempfile
from typing import IO, Final, Self

from support.errors import MalformedError

BLOCK: Final = 64 * 1024
"""Octets of a block before it is encrypted."""
IN_MEMORY: Final = 1024 * 1024
"""Octets that are kept in memory."""

_TAG_SIZE: Final = 16


class Spool:
    """Octets that are written once, in order, and then read at any position, like a file.

    An `OSError` of the temporary file names its folder: a full disk, say.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._in_memory = in_memory
        self._cipher = AESGCM(secrets.token_bytes(32))
        self._file: IO[bytes] | None = None
        self._tail = bytearray()  # not yet on disk
        self._blocks = 0
        self._size = 0
        self._position = 0
        self._cached = (-1, b"")

    def __len__(self) -> int:
        return self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the content."""
        if self._file is not None:
            self._file.close()
        self._file, self._tail, self._cached = None, bytearray(), (-1, b"")
        self._blocks = self._size = self._position = 0

    def write(self, octets: bytes) -> int:
        """Append octets; return their number."""
        self._tail += octets
        self._size += len(octets)
        if self._size > self._in_memory:
            whole = len(self._tail) - len(self._tail) % BLOCK
            for start in range(0, whole, BLOCK):
                self._store(bytes(self._tail[start : start + BLOCK]))
            del self._tail[:whole]
        return len(octets)

    def seekable(self) -> bool:
        """Whether it can be read at any position: always."""
        return True

    def tell(self) -> int:
        """Return the position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position, from the beginning (0), the present one (1) or the end (2)."""
        base = (0, self._position, self._size)[whence]
        if base + offset < 0:
            raise MalformedError("package", "a position before its beginning")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` octets, or all that follow."""
        end = self._size if size < 0 else min(self._position + size, self._size)
        parts = []
        while self._position < end:
            number, within = divmod(self._position, BLOCK)
            part = self._block(number)[within : within + end - self._position]
            parts.append(part)
            self._position += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number >= self._blocks:
            start = (number - self._blocks) * BLOCK
            return bytes(self._tail[start : start + BLOCK])
        if self._cached[0] != number:
            file = self._opened()
            file.seek(number * (BLOCK + _TAG_SIZE))
            encrypted = file.read(BLOCK + _TAG_SIZE)
            self._cached = number, self._cipher.decrypt(_nonce(number), encrypted, None)
        return self._cached[1]

    def _store(self, block: bytes) -> None:
        encrypted = self._cipher.encrypt(_nonce(self._blocks), block, None)
        try:
            file = self._opened()
            file.seek(0, 2)
            file.write(encrypted)
            file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
        self._blocks += 1

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="chipseal-")  # noqa: SIM115 - until `close`
        return self._file


def _nonce(block: int) -> bytes:
    """Return the nonce of a block: its number, since each spool has a key of its own."""
    return block.to_bytes(12, "big")
