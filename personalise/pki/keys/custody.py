"""Custody of private keys: one interface to make, use and destroy them.

`FileCustody` stores them in files, encrypted with a pass phrase: for demos, tests and small
offices.  `personalise.pki.keys.hsm.Pkcs11Custody` stores them in an HSM.
"""

import os
import re
import secrets
from pathlib import Path
from typing import Final, Protocol

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey
from emrtd.crypto.signatures import PublicKey, Signer
from emrtd.pki.private_key_file import KeyFiles, WrongPassphraseError
from support.errors import MisuseError
from support.files import decoding, write_atomically
from support.secret import Secret

SUFFIX: Final = ".p8"
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}")


class KeyCustody(Protocol):
    """Stores private keys, each under a unique label."""

    def labels(self) -> list[str]:
        """Return the labels of the keys, in order."""
        ...

    def generate(self, label: str, kind: str) -> PublicKey:
        """Make a key; `kind` is a curve's name or "RSA-3072".

        Raises `MisuseError` if a key with this label exists.
        """
        ...

    def signer(self, label: str) -> Signer:
        """Return the signer of one key; raises `MisuseError` if no key has this label."""
        ...

    def destroy(self, label: str) -> None:
        """Destroy a key; it cannot be undone."""
        ...


class FileCustody:
    """Keys in a folder, one encrypted PKCS#8 file each; satisfies `KeyCustody`."""

    def __init__(self, folder: Path, passphrase: Secret | KeyFiles) -> None:
        self._folder = folder
        self._files = passphrase if isinstance(passphrase, KeyFiles) else KeyFiles(passphrase)

    def beside(self, name: str) -> "FileCustody":
        """Return the custody of another folder of this PKI, with the same pass phrase."""
        return FileCustody(self._folder.parent / name, self._files)

    @property
    def passphrase(self) -> Secret:
        """The pass phrase of the files, for a library that decrypts them itself."""
        return self._files.passphrase

    def labels(self) -> list[str]:
        """Return the labels of the keys in the folder, in order."""
        return sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}"))

    def generate(self, label: str, kind: str) -> PublicKey:
        """Make a key and write its file."""
        return self.store(label, generate_private_key(kind))

    def store(self, label: str, key: PrivateKey) -> PublicKey:
        """Store a key that was made elsewhere; `MisuseError` if the label is in use."""
        path = self._path(label)
        if path.exists():
            raise MisuseError(f"{path}: a key with this label already exists")
        write_atomically(path, self._files.encrypt(key), mode=0o600)
        return key.public_key

    def replace(self, label: str, key: PrivateKey) -> PublicKey:
        """Store a key and overwrite the one with this label."""
        octets = self._files.encrypt(key)
        write_atomically(self._path(label), octets, mode=0o600)
        return key.public_key

    def signer(self, label: str) -> Signer:
        """Read one key, as a signer."""
        return self.private_key(label)

    def private_key(self, label: str) -> PrivateKey:
        """Read one key."""
        return read_private_key(self._existing(label), self._files)

    def agreement_key(self, label: str) -> EcPrivateKey:
        """Read one key that decrypts envelopes; it must be an elliptic-curve key."""
        return read_agreement_key(self._existing(label), self._files)

    def destroy(self, label: str) -> None:
        """Overwrite and remove the file.

        A medium may keep copies that no program can overwrite; these are encrypted.
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
            raise MisuseError(f"{path}: does not exist")
        return path

    def _path(self, label: str) -> Path:
        if not _LABEL.fullmatch(label):
            raise MisuseError(
                f"{label!r} is not a label for a key",
                advice="use up to 81 letters, digits and the characters _ . -",
            )
        return self._folder / f"{label}{SUFFIX}"


def read_private_key(path: Path, passphrase: Secret | KeyFiles) -> PrivateKey:
    """Read an encrypted key file; raises `WrongPassphraseError` or `MalformedError`."""
    files = passphrase if isinstance(passphrase, KeyFiles) else KeyFiles(passphrase)
    try:
        with decoding(path):
            return files.decrypt(path.read_bytes())
    except WrongPassphraseError:
        raise WrongPassphraseError(
            f"{path}: the pass phrase does not open this key",
            advice="name the file that holds the right one with --passphrase-file",
        ) from None


def read_agreement_key(path: Path, passphrase: Secret | KeyFiles) -> EcPrivateKey:
    """Read a key file that decrypts envelopes; raises `MisuseError` for an RSA key."""
    key = read_private_key(path, passphrase)
    if not isinstance(key, EcPrivateKey):
        raise MisuseError(f"{path}: is not an elliptic-curve key, and so cannot decrypt envelopes")
    return key
