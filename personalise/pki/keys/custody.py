"""Where private keys live: made, used and destroyed through one interface.

`FileCustody` keeps them in files, encrypted under a pass phrase: for demos, tests and small
offices.  `personalise.pki.keys.hsm.Pkcs11Custody` keeps them in an HSM.
"""

import os
import re
import secrets
from pathlib import Path
from typing import Final, Protocol

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import PublicKey, Signer
from emrtd.pki.private_key_file import (
    WrongPassphraseError,
    decrypt_private_key,
    encrypt_private_key,
)
from support.errors import MisuseError
from support.files import decoding, write_atomically
from support.secret import Secret

SUFFIX: Final = ".p8"
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}")


class KeyCustody(Protocol):
    """Keeps private keys, each under a label of its own."""

    def labels(self) -> list[str]:
        """The labels of the keys there are, in order."""
        ...

    def generate(self, label: str, kind: str) -> PublicKey:
        """Make a key; `kind` is a curve's name or "RSA-3072".  A label is used once."""
        ...

    def signer(self, label: str) -> Signer:
        """The signer over one key; raises `MisuseError` where there is none with this label."""
        ...

    def destroy(self, label: str) -> None:
        """Destroy a key; it cannot be undone."""
        ...


class FileCustody:
    """Keys in a folder, one encrypted PKCS#8 file each; satisfies `KeyCustody`."""

    def __init__(self, folder: Path, passphrase: Secret) -> None:
        self._folder = folder
        self._passphrase = passphrase

    def beside(self, name: str) -> "FileCustody":
        """Another folder for keys, next to this one and under the same pass phrase."""
        return FileCustody(self._folder.with_name(name), self._passphrase)

    def labels(self) -> list[str]:
        """The labels of the keys in the folder."""
        return sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}"))

    def generate(self, label: str, kind: str) -> PublicKey:
        """Make a key and write its file."""
        return self.store(label, generate_private_key(kind))

    def store(self, label: str, key: PrivateKey) -> PublicKey:
        """Keep a key that was made elsewhere."""
        path = self._path(label)
        if path.exists():
            raise MisuseError(f"{path}: there is a key with this label already")
        write_atomically(path, encrypt_private_key(key, self._passphrase), mode=0o600)
        return key.public_key

    def replace(self, label: str, key: PrivateKey) -> PublicKey:
        """Keep a key in the place of the one with this label, which is gone then."""
        octets = encrypt_private_key(key, self._passphrase)
        write_atomically(self._path(label), octets, mode=0o600)
        return key.public_key

    def signer(self, label: str) -> Signer:
        """The key itself, which signs."""
        return self.private_key(label)

    def private_key(self, label: str) -> PrivateKey:
        """Open one key."""
        return read_private_key(self._existing(label), self._passphrase)

    def agreement_key(self, label: str) -> EcPrivateKey:
        """Open one key that envelopes are opened with."""
        return read_agreement_key(self._existing(label), self._passphrase)

    def destroy(self, label: str) -> None:
        """Overwrite and remove the file.

        Media keep copies that no program reaches; what is left is encrypted all the same.
        """
        path = self._existing(label)
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    def _existing(self, label: str) -> Path:
        path = self._path(label)
        if not path.is_file():
            raise MisuseError(f"{path}: there is no such key")
        return path

    def _path(self, label: str) -> Path:
        if not _LABEL.fullmatch(label):
            raise MisuseError("a key's label is letters, digits, and _ . - between them")
        return self._folder / f"{label}{SUFFIX}"


def read_private_key(path: Path, passphrase: Secret) -> PrivateKey:
    """Open one encrypted key file; a wrong pass phrase raises `WrongPassphraseError`."""
    try:
        with decoding(path):
            return decrypt_private_key(path.read_bytes(), passphrase)
    except WrongPassphraseError:
        raise WrongPassphraseError(
            f"{path}: the pass phrase does not open this key; name the file that holds the"
            " right one with --passphrase-file"
        ) from None


def read_agreement_key(path: Path, passphrase: Secret) -> EcPrivateKey:
    """Open a key file that envelopes are opened with; raises `MisuseError` for one of RSA."""
    key = read_private_key(path, passphrase)
    if not isinstance(key, EcPrivateKey):
        raise MisuseError(f"{path}: is not a key on a curve, as those that open envelopes are")
    return key
