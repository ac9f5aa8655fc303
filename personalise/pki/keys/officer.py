"""The key with which an officer approves operations."""

from pathlib import Path

from emrtd.crypto.private_keys import PrivateKey
from emrtd.pki.private_key_file import WrongPassphraseError
from personalise.pki.keys.custody import read_private_key
from support.errors import MalformedError, MisuseError
from support.secret import Secret


def read_officer_key(name: str, path: Path, passphrase: Secret) -> PrivateKey:
    """Read an officer's key; raises `MisuseError` if the file is none, or is not opened."""
    if not path.is_file():
        raise MisuseError(
            f"{path}: there is no such file, for the key of {name}",
            advice=f"name the file with --officer {name}=FILE",
        )
    try:
        return read_private_key(path, passphrase)
    except WrongPassphraseError:
        raise MisuseError(
            f"{path}: the pass phrase does not open {name}'s key",
            advice="name the file that holds the right one with"
            f" --officer-passphrase-file {name}=FILE",
        ) from None
    except MalformedError:
        raise MisuseError(
            f"{path}: is not the key of an officer",
            advice="name the file that `personalise officer enrol` or `officer key` has made",
        ) from None
