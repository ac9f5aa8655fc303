"""The folder of an inspection system: card-verifiable certificates and an encrypted key."""

from pathlib import Path
from typing import Final

from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.signatures import EcPublicKey, PublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.private_key_file import WrongPassphraseError, decrypt_private_key
from support.errors import MalformedError, MisuseError
from support.secret import Secret

_MAX_FILE: Final = 64 * 1024
_CERTIFICATES: Final = "*.cvcert"
_KEYS: Final = "*.p8"


def load_terminal(folder: Path, passphrase: Secret) -> TerminalCredentials:
    """Read an inspection system's folder: card-verifiable certificates and one encrypted key.

    Raises `MisuseError` if a file is missing or no certificate is of the key,
    `WrongPassphraseError` if the pass phrase is wrong, `MalformedError` if a file is malformed.
    """
    if not folder.is_dir():
        raise MisuseError(
            f"{folder}: no such folder", advice="name the folder of an inspection system"
        )
    certificates = tuple(map(_read_certificate, sorted(folder.glob(_CERTIFICATES))))
    keys = sorted(folder.glob(_KEYS))
    if len(keys) != 1:
        raise MisuseError(f"{folder}: contains {len(keys)} keys (*.p8) instead of one")
    try:
        key = decrypt_private_key(_read(keys[0]), passphrase)
    except WrongPassphraseError:
        raise WrongPassphraseError(
            f"{keys[0]}: the pass phrase does not open this key",
            advice="name the file that contains the right one with --passphrase-file",
        ) from None
    for certificate in certificates:
        if certificate.role is Role.TERMINAL and _is_of(certificate, key.public_key):
            return TerminalCredentials(key, certificate.holder_reference, certificates)
    raise MisuseError(f"{folder}: no certificate (*.cvcert) is of the key {keys[0].name}")


def _is_of(certificate: CvCertificate, key: PublicKey) -> bool:
    """Whether a certificate is of this key; a terminal's certificate inherits the curve."""
    curve = key.curve if isinstance(key, EcPublicKey) else None
    try:
        return certificate.public_key.inherit(curve).key == key
    except ProtocolError:
        return False


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        octets = file.read(_MAX_FILE + 1)
    if len(octets) > _MAX_FILE:
        raise MalformedError(str(path), f"has more than {_MAX_FILE} octets")
    return octets


def _read_certificate(path: Path) -> CvCertificate:
    try:
        return CvCertificate.decode(_read(path))
    except MalformedError as error:
        raise MalformedError(f"{path}: {error.what}", error.reason, error.offset) from None
