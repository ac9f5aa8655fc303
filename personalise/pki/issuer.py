"""The PKI as the issuer of many documents: its keys are unlocked once."""

from datetime import datetime

from emrtd.pki.x509.certificates import Certificate
from personalise.issuance import Issuance
from personalise.pki.clock import require_clock
from personalise.pki.folder import SETTINGS_NAME
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.register import Register


class PkiIssuer:
    """Signs with the PKI's Document Signer and registers the documents; see `Issuer`.

    The Document Signer's key is decrypted for the first document, and again after the settings of
    the PKI have changed: another process may have replaced or revoked it.
    """

    def __init__(self, pki: IssuingPki) -> None:
        self._pki = pki
        self._version = _version(pki)
        self._issuance: Issuance | None = None
        self._register: Register | None = None

    def issuance(self, code: str, number: str, at: datetime) -> Issuance:  # noqa: ARG002
        """See `Issuer.issuance`."""
        version = _version(self._pki)
        if version != self._version:
            self._pki, self._version, self._issuance = self._pki.reread(), version, None
        require_clock(self._pki.folder, at, self._pki.settings.accepted_clock)
        if self._issuance is None:
            self._issuance = self._pki.issuance()
        return self._issuance

    def register(self, signer: Certificate, at: datetime, sod: bytes, number: str) -> None:
        """See `Issuer.register`."""
        if self._register is None:
            self._register = Register(self._pki.folder)
        self._pki.enter(self._register, signer, at, sod, number)

    def close(self) -> None:
        """Close the register."""
        if self._register is not None:
            self._register.close()
            self._register = None


def _version(pki: IssuingPki) -> tuple[int, int, int]:
    """Return what changes if the settings are written."""
    found = (pki.folder / SETTINGS_NAME).stat()
    return found.st_mtime_ns, found.st_ino, found.st_size
