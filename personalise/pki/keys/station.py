"""The keys of personalisation stations, each in the folder of the station's user."""

import threading
from pathlib import Path

from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import open_envelope, recipients_of
from personalise.pki.keys.custody import read_agreement_key
from support.errors import MisuseError
from support.files import write_atomically
from support.passphrase import user_folder
from support.secret import Secret


class StationKeys:
    """The keys with which a station decrypts images, each read once.

    A key is `key_file`, or is found in the user's folder by the envelope's recipient.  To read one
    takes as long as to derive a key from its pass phrase.  May be used by several threads.
    """

    def __init__(self, passphrase: Secret, key_file: Path | None = None) -> None:
        self._passphrase = passphrase
        self._key_file = key_file
        self._read: dict[Path, EcPrivateKey] = {}
        self._lock = threading.Lock()

    def open(self, envelope: bytes) -> Secret:
        """Decrypt an envelope that is encrypted for this station.

        Raises `MisuseError` if there is no key, or if it does not decrypt the envelope.
        """
        path = self._key_file or _found_for(envelope)
        with self._lock:
            if path not in self._read:
                self._read[path] = read_agreement_key(path, self._passphrase)
        try:
            return open_envelope(envelope, self._read[path])
        except ProtocolError as error:
            raise MisuseError(str(error)) from None


def _found_for(envelope: bytes) -> Path:
    identifiers = (each.key_identifier for each in recipients_of(envelope))
    paths = [_path(each) for each in identifiers if each is not None]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise MisuseError(
            "it is encrypted for a station whose key is not in this user's folder",
            advice="name its file with --station-key, or work as the user who ran"
            " `personalise pki init`",
        )
    return found


def install_station_key(identifier: bytes, encrypted: bytes) -> None:
    """Store a station's encrypted key in the user's folder, where `StationKeys` finds it."""
    write_atomically(_path(identifier), encrypted, mode=0o600)


def _path(identifier: bytes) -> Path:
    return user_folder() / "station-keys" / f"{identifier.hex()}.p8"
