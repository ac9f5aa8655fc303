"""The Document Signers of a PKI, as it is now: one that is revoked signs no more, a new one does.

A service runs for months, and nobody restarts it the moment that a Document Signer is compromised.
"""

from collections.abc import Sequence

from emrtd.lds.signing import DocumentSigner
from personalise.pki.issuing_pki import SETTINGS_NAME, IssuingPki


class CurrentSigners:
    """Every Document Signer that may sign, the oldest first; read anew when the PKI was changed.

    Raises `MisuseError`, `MalformedError` or `OSError` where the PKI cannot be read: then nothing
    is signed.
    """

    def __init__(self, pki: IssuingPki) -> None:
        self._pki = pki
        self._seen: tuple[int, int, int] | None = None
        self._signers: Sequence[DocumentSigner] = ()

    def __call__(self) -> Sequence[DocumentSigner]:
        """The Document Signers; every act that changes them writes the settings, as a new file."""
        found = (self._pki.folder / SETTINGS_NAME).stat()
        now = (found.st_ino, found.st_mtime_ns, found.st_size)
        if now != self._seen:
            self._signers = self._pki.reread().document_signers()
            self._seen = now
        return self._signers
