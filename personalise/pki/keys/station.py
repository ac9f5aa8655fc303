"""The keys of personalisation stations, each in the folder of the station's user."""

from pathlib import Path

from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import open_envelope, recipients_of
from personalise.pki.keys.custody import read_agreement_key
from support.errors import MisuseError
from support.files import write_atomically
from support.passphrase import user_folder
from support.secret import Secret


def open_at_station(envelope: bytes, passphrase: Secret, key_file: Path | None = None) -> Secret:
    """Decrypt an envelope that is encrypted for this station.

    The key is `key_file`, or is found in the user's folder by the envelope's recipient.  Raises
    `MisuseError` if there is no key, or if it does not decrypt the envelope.
    """
    if key_file is None:
        identifiers = (each.key_identifier for each in recipients_of(envelope))
        paths = [_path(each) for each in identifiers if each is not None]
        key_file = next((path for path in paths if path.is_file()), None)
    if key_file is None:
        raise MisuseError(
            "the chip keys are encrypted for a station whose key is not in this user's folder",
            advice="name its file with --station-key, or work as the user who ran"
            " `personalise pki init`",
        )
    key = read_agreement_key(key_file, passphrase)
    try:
        return open_envelope(envelope, key)
    except ProtocolError as error:
        raise MisuseError(f"chip_keys.p7m: {error}") from None


def install_station_key(identifier: bytes, encrypted: bytes) -> None:
    """Store a station's encrypted key in the user's folder, where `open_at_station` finds it."""
    write_atomically(_path(identifier), encrypted, mode=0o600)


def _path(identifier: bytes) -> Path:
    return user_folder() / "station-keys" / f"{identifier.hex()}.p8"
