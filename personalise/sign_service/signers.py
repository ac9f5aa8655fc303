"""The Document Signers of a PKI at present: without a revoked one, and with a new one.

A service runs for months; it must stop signing with a compromised Document Signer without a
restart.
"""

from collections.abc import Sequence

from emrtd.lds.signing import DocumentSigner
from personalise.pki.folder import SETTINGS_NAME
from personalise.pki.issuing_pki import IssuingPki


class CurrentSigners:
    """Every Document Signer that may sign, the oldest first; read again when the PKI has changed.

    A call raises `MisuseError`, `MalformedError` or `OSError` if the PKI cannot be read; nothing is
    signed then.
    """

    def __init__(self, pki: IssuingPki) -> None:
        self._pki = pki
        self._seen: tuple[int, int, int] | None = None
        self._signers: Sequence[DocumentSigner] = ()

    def __call__(self) -> Sequence[DocumentSigner]:
        """Return the Document Signers."""
        # Every operation that changes them replaces the settings by a new file.
        found = (self._pki.folder / SETTINGS_NAME).stat()
        now = (found.st_ino, found.st_mtime_ns, found.st_size)
        if now != self._seen:
            self._signers = self._pki.reread().document_signers()
            self._seen = now
        return self._signers
