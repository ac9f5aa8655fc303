"""The issuing PKI of one State, in a folder: made by `pki init`, used by `prepare`.

    DIR/pki.json       State, algorithms, labels and numbers; nothing secret
    DIR/csca.cer       the CSCA's self-signed certificate       `verify trust add STORE` takes it
    DIR/crl.crl        its certificate revocation list          and this
    DIR/ds.cer         the Document Signer's certificate
    DIR/station.cer    for the key that chip keys are sealed for
    DIR/issued/*.cer   every certificate ever issued, by serial number
    DIR/keys/*.p8      the private keys, encrypted

The station's key lies in the user's own folder too, where `write` finds it by the identifier in the
envelope: a personalisation station needs no other part of the PKI.
"""

import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.signatures import EcPublicKey
from emrtd.errors import MisuseError, ProtocolError
from emrtd.iso7816.procedure import Random
from emrtd.passphrase import user_folder
from emrtd.pki.certificate_writer import key_identifier
from emrtd.pki.certificates import Certificate
from emrtd.pki.enveloped import open_envelope, recipients_of, seal
from emrtd.secret import Secret
from personalise.country_signing_ca import CountrySigningCa, Settings
from personalise.document_signer import DocumentSigner
from personalise.files import write_atomically
from personalise.key_custody import FileCustody, KeyCustody, read_private_key
from personalise.records import from_json, read_bounded

SETTINGS_NAME: Final = "pki.json"
STATION_CURVE: Final = "brainpoolP256r1"
_STATION: Final = "station"
_MAX_FILE: Final = 64 * 1024


@dataclass(frozen=True)
class IssuingPki:
    """A PKI's folder, opened; `custody` holds its keys."""

    folder: Path
    settings: Settings
    custody: KeyCustody

    @classmethod
    def open(cls, folder: Path, passphrase: Secret) -> Self:
        """Open a PKI whose keys are in files; raises `MisuseError` where there is none."""
        path = folder / SETTINGS_NAME
        if not path.is_file():
            raise MisuseError(f"{folder}: holds no PKI; make one with `personalise pki init`")
        settings = from_json(read_bounded(path, _MAX_FILE), Settings, str(path))
        return cls(folder, settings, FileCustody(folder / "keys", passphrase))

    @classmethod
    def create(
        cls,
        folder: Path,
        settings: Settings,
        passphrase: Secret,
        at: datetime,
        random: Random = secrets.token_bytes,
    ) -> Self:
        """Make a PKI in a new folder, which appears whole or not at all.

        Also puts the station's key into the user's folder.  `at` is when everything begins.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MisuseError(f"{folder}: is there already; name a new folder for the PKI")
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
        work.mkdir(mode=0o700)
        try:
            _make(work, settings, passphrase, at.replace(microsecond=0), random)
            work.replace(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        pki = cls.open(folder, passphrase)
        station_key = (folder / "keys" / f"{_STATION}.p8").read_bytes()
        write_atomically(_station_key_path(pki.station_identifier), station_key, mode=0o600)
        return pki

    def save(self, settings: Settings) -> Self:
        """Write new settings, atomically; returns the PKI with them."""
        write_atomically(self.folder / SETTINGS_NAME, _record(settings))
        return replace(self, settings=settings)

    @property
    def csca(self) -> CountrySigningCa:
        """The CSCA in use, with its key."""
        return CountrySigningCa(self.settings, self.custody.signer(self.settings.csca))

    def publish(self, name: str, certificate: Certificate) -> Path:
        """Write a certificate into the folder under a name, and among those issued."""
        path = self.folder / f"{name}.cer"
        write_atomically(self.folder / "issued" / f"{certificate.serial:X}.cer", certificate.der)
        write_atomically(path, certificate.der)
        return path

    def issued(self) -> list[Certificate]:
        """Every certificate that this PKI ever issued."""
        return [
            Certificate.parse(read_bounded(path, _MAX_FILE))
            for path in sorted((self.folder / "issued").glob("*.cer"))
        ]

    def certificate(self, name: str) -> Certificate:
        """One of the certificates in the folder: "csca", "ds" or "station"."""
        path = self.folder / f"{name}.cer"
        if not path.is_file():
            raise MisuseError(f"{path}: is missing from the PKI")
        return Certificate.parse(read_bounded(path, _MAX_FILE))

    def document_signer(self) -> DocumentSigner:
        """The Document Signer in use, with its chain."""
        return DocumentSigner(
            self.custody.signer(self.settings.document_signer),
            self.certificate("ds"),
            self.certificate("csca"),
            self.settings.scheme,
        )

    @property
    def station_identifier(self) -> bytes:
        """The key identifier by which envelopes name the station."""
        return key_identifier(self._station_key)

    def seal_for_station(self, content: Secret, random: Random = secrets.token_bytes) -> bytes:
        """Enclose a secret for the personalisation station (CMS, DER)."""
        return seal(content.reveal(), self._station_key, self.station_identifier, random)

    @property
    def _station_key(self) -> EcPublicKey:
        key = self.certificate(_STATION).public_key
        if not isinstance(key, EcPublicKey):
            raise MisuseError(
                f"{self.folder}: the station's certificate is not for a key on a curve"
            )
        return key


def open_at_station(envelope: bytes, passphrase: Secret, key_file: Path | None = None) -> Secret:
    """Open what was sealed for this station.

    The key is `key_file`, or is found in the user's folder by the envelope's recipient.  Raises
    `MisuseError` where there is none, or where it does not open the envelope.
    """
    if key_file is None:
        identifiers = (each.key_identifier for each in recipients_of(envelope))
        paths = [_station_key_path(each) for each in identifiers if each is not None]
        key_file = next((path for path in paths if path.is_file()), None)
    if key_file is None:
        raise MisuseError(
            "the chip keys are sealed for a station whose key is not here: name its file with"
            " --station-key, or work as the user who ran `personalise pki init`"
        )
    key = read_private_key(key_file, passphrase)
    if not isinstance(key, EcPrivateKey):
        raise MisuseError(f"{key_file}: is not a key on a curve, as a station's is")
    try:
        return open_envelope(envelope, key)
    except ProtocolError as error:
        raise MisuseError(f"chip_keys.p7m: {error}") from None


def _station_key_path(identifier: bytes) -> Path:
    return user_folder() / "station-keys" / f"{identifier.hex()}.p8"


def _make(
    folder: Path, settings: Settings, passphrase: Secret, at: datetime, random: Random
) -> None:
    custody = FileCustody(folder / "keys", passphrase)
    custody.generate(settings.csca, settings.key)
    document_signer_key = custody.generate(settings.document_signer, settings.key)
    station_key = custody.generate(_STATION, STATION_CURVE)
    csca = CountrySigningCa(settings, custody.signer(settings.csca), random)
    issued = {
        "csca": csca.issue_root(at),
        "ds": csca.issue_document_signer(document_signer_key, 1, at),
        _STATION: csca.issue_station(station_key, 1, at),
    }
    for name, certificate in issued.items():
        write_atomically(folder / f"{name}.cer", certificate.der)
        write_atomically(folder / "issued" / f"{certificate.serial:X}.cer", certificate.der)
    write_atomically(folder / "crl.crl", csca.issue_crl(settings.crl_number, at))
    write_atomically(folder / SETTINGS_NAME, _record(settings))


def _record(settings: Settings) -> bytes:
    return msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
