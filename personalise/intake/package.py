"""Encrypted applications: a folder in a zip, in a CMS envelope for the PKI's intake key.

Anyone who has `intake.cer` can make one, so that a package does not prove its sender:
`personalise seal-application`, or

    zip -r - application.json portrait.jpg ... |
    openssl cms -encrypt -binary -aes-256-gcm -outform DER -recip intake.cer \\
        -keyopt ecdh_kdf_md:sha256 -out 0001.p7m

A package may be DER, PEM or S/MIME, written at once or as a stream, and may be for others as well.
A package is decrypted in memory only: its content is never on disk in clear.
"""

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from emrtd.crypto.signatures import EcPublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.cms.transfer import read_transferred
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import KeyUsage
from personalise.preparing.application import FILE_NAME, MAX_IMAGE, MAX_RECORD, Application
from support.errors import MalformedError, MisuseError
from support.records import read_bounded
from support.secret import Secret

MAX_PACKAGE: Final = 64 * 1024 * 1024
"""Octets of a package."""
MAX_ENTRIES: Final = 64
"""Files in one package."""

_ZIP_ERRORS: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_INTAKE_CERTIFICATE: Final = "use the PKI's intake.cer"


def load_application(path: Path, open_package: Callable[[bytes], Secret]) -> Application:
    """Read an application from its folder, or from an encrypted package.

    `open_package` decrypts an envelope with the intake key.  Raises `MisuseError` for a package
    that cannot be decrypted or is not a zip of an application, `FieldError` for a wrong field.
    """
    if not path.is_file():
        return Application.load(path)
    package = read_bounded(path, MAX_PACKAGE)
    try:
        content = open_package(read_transferred(package, "package")).reveal()
    except (MalformedError, ProtocolError) as error:
        raise MisuseError(
            f"{path}: is not an application encrypted for this PKI ({error.message})"
        ) from None
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = {entry.filename: entry for entry in archive.infolist()}
    except _ZIP_ERRORS:
        raise MisuseError(f"{path}: the encrypted content is not a zip file") from None
    if len(archive.infolist()) > MAX_ENTRIES:
        raise MisuseError(f"{path}: holds more than {MAX_ENTRIES} files")
    if FILE_NAME not in names:
        raise MisuseError(f"{path}: holds no {FILE_NAME}")

    def read(name: str, limit: int = MAX_IMAGE) -> bytes:
        if name not in names:
            raise MisuseError(f"{path}: holds no file {name}")
        return _read_entry(archive, names[name], limit)

    return Application.decode(read(FILE_NAME, MAX_RECORD), read, f"{path}: {FILE_NAME}")


def seal_application(folder: Path, recipient: Certificate) -> bytes:
    """Return the encrypted package (DER) of an application's folder, for a PKI's intake key.

    The application is read and checked first; files that it does not name are left out.  Raises
    `MisuseError` for a certificate whose key cannot be used, `FieldError` for a wrong field.
    """
    key, usage = recipient.public_key, recipient.extensions.key_usage
    if not isinstance(key, EcPublicKey):
        raise MisuseError(
            "the key of the certificate is not an elliptic-curve key", advice=_INTAKE_CERTIFICATE
        )
    if usage is not None and KeyUsage.KEY_AGREEMENT not in usage:
        raise MisuseError(
            "the key usage of the certificate does not include keyAgreement",
            advice=_INTAKE_CERTIFICATE,
        )
    application = Application.load(folder)
    biometrics = application.particulars.biometrics
    images = {"biometrics.portrait": biometrics.portrait}
    for number, finger in enumerate(biometrics.fingers or ()):
        if finger.image is not None:
            images[f"biometrics.fingers[{number}].image"] = finger.image
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE_NAME, read_bounded(folder / FILE_NAME, MAX_RECORD))
        for field, name in images.items():
            archive.writestr(name, application.image(field, name))
    return seal(stream.getvalue(), key, key_identifier(key))


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """Decompress one file of at most `limit` octets, whatever size its header declares."""
    try:
        if entry.compress_type not in _METHODS:
            raise MisuseError(
                f"{entry.filename} is compressed with method {entry.compress_type}",
                advice="use deflate, or no compression",
            )
        with archive.open(entry) as stream:
            octets = stream.read(limit + 1)
    except _ZIP_ERRORS:
        raise MisuseError(f"{entry.filename} is damaged in the package") from None
    if len(octets) > limit:
        raise MisuseError(f"{entry.filename} is larger than {limit:,} octets")
    return octets
