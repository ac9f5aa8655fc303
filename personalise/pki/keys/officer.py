"""The key of an officer, with which they approve an operation."""

from pathlib import Path

from emrtd.crypto.private_keys import PrivateKey
from emrtd.pki.private_key_file import WrongPassphraseError
from personalise.pki.keys.custody import read_private_key
from support.errors import MisuseError
from support.secret import Secret


def read_officer_key(name: str, path: Path, passphrase: Secret) -> PrivateKey:
    """Read an officer's key; raises `MisuseError` where the pass phrase is not its own."""
    try:
        return read_private_key(path, passphrase)
    except WrongPassphraseError:
        raise MisuseError(
            f"{path}: the pass phrase is not that of {name}'s key",
            advice="name the file that holds the right one with"
            f" --officer-passphrase-file {name}=FILE",
        ) from None
