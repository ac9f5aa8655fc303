"""Encrypted applications: folders in a zip or tar, in a CMS envelope for an intake key of the PKI.

Anyone who has `intake.cer` can make one, so that a package without a signature does not prove its
sender: `personalise seal-application`, or

    zip -r - application.json portrait.jpg ... |
    openssl cms -encrypt -binary -aes-256-gcm -outform DER -recip intake.cer \\
        -keyopt ecdh_kdf_md:sha256 -out 0001.p7m

A package may be DER, PEM or S/MIME, written at once or as a stream, may be for others as well, and
may be signed before or after it is encrypted.  Its content is never on disk in clear.
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from emrtd.crypto.signatures import DsaPublicKey, RsaPublicKey
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.cms.signed_stream import SignedStream
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extensions import KeyUsage
from personalise.intake.archive import PackedApplication, find_applications, open_archive
from personalise.intake.archive_rules import Archive, Limits
from personalise.intake.refusals import RefusedPackageError
from personalise.intake.senders import NOBODY, Sender, WrongSignatureError
from personalise.intake.unwrapping import IntakeKey, Unwrapped, not_opened, unwrap
from personalise.preparing.application import FILE_NAME, MAX_IMAGE, MAX_RECORD, Application
from support.errors import MisuseError
from support.records import FieldError, read_bounded

_INTAKE_CERTIFICATE: Final = "use the PKI's intake.cer"
_MISSING: Final = "the package holds no file of this name"


@dataclass(frozen=True)
class Package:
    """A package that was decrypted, and whose archive was found to be safe.

    `sender` is who signed it; `digest` is the SHA-256 of its encrypted content.
    """

    applications: tuple[PackedApplication, ...]
    sender: Sender
    digest: bytes = field(repr=False)
    _archive: Archive = field(repr=False)

    def load(self, packed: PackedApplication, name: str = FILE_NAME) -> Application:
        """Read one application; `name` names it in errors.  Raises `FieldError`."""
        octets = self._archive_file(packed, FILE_NAME, MAX_RECORD, name)
        return Application.decode(octets, lambda image: self.file(packed, image), name)

    def file(self, packed: PackedApplication, name: str, limit: int = MAX_IMAGE) -> bytes:
        """Return a file of an application; raise `MisuseError` if it is missing or damaged."""
        path = packed.folder + name.removeprefix("./")
        if path not in self._archive.names:
            raise MisuseError(_MISSING)
        return self._archive.read(path, limit)

    def _archive_file(self, packed: PackedApplication, name: str, limit: int, record: str) -> bytes:
        try:
            return self.file(packed, name, limit)
        except RefusedPackageError as error:
            raise FieldError(record, "", error.message, advice=error.advice) from None


Authenticate = Callable[[Sequence[SignedStream]], Sender]
"""Verifies the signatures of a package, the innermost last; raises `RefusedPackageError`."""


@contextmanager
def open_package(
    path: Path,
    keys: Sequence[IntakeKey],
    limits: Limits,
    authenticate: Authenticate = lambda _: NOBODY,
    *,
    allow_pkcs1: bool = False,
) -> Iterator[Package]:
    """Decrypt a package; its content is forgotten after the block.

    Its sender is authenticated before the archive is looked at.  Raises `RefusedPackageError`.
    """
    unwrapped = unwrap(path, keys, limits, allow_pkcs1=allow_pkcs1)
    with unwrapped.content:
        sender = _authenticated(unwrapped, authenticate)
        archive = _open_archive(unwrapped, limits)
        applications = find_applications(archive.names, limits)
        yield Package(applications, sender, unwrapped.digest, archive)


def _authenticated(unwrapped: Unwrapped, authenticate: Authenticate) -> Sender:
    try:
        return authenticate(unwrapped.signatures)
    except WrongSignatureError:
        if not unwrapped.is_authenticated:  # as in `_open_archive`
            raise not_opened() from None
        raise


def _open_archive(unwrapped: Unwrapped, limits: Limits) -> Archive:
    """Open the archive.

    Content that nothing authenticates is read whole first: an error further on would tell whoever
    altered it how it was decrypted (padding oracles of CBC; RFC 3218, 2.3.2).
    """
    if unwrapped.is_authenticated:
        return open_archive(unwrapped.content, limits)
    try:
        archive = open_archive(unwrapped.content, limits)
        for name in archive.names:
            archive.read(name, MAX_IMAGE)
    except RefusedPackageError:
        raise not_opened() from None
    return archive


@contextmanager
def opened_application(path: Path, keys: Sequence[IntakeKey]) -> Iterator[Application]:
    """Read one application from its folder, or from an encrypted package of one.

    Raises `MisuseError` for a package that is refused or that holds several, `FieldError` for a
    wrong field.
    """
    if not path.is_file():
        yield Application.load(path)
        return
    try:
        with open_package(path, keys, Limits()) as package:
            if len(package.applications) > 1:
                raise MisuseError(
                    f"{path}: holds {len(package.applications):,} applications",
                    advice="take them in with `personalise intake`",
                )
            yield package.load(package.applications[0], f"{path}: {FILE_NAME}")
    except RefusedPackageError as error:
        message = f"{path}: {error.message}"
        raise RefusedPackageError(error.refusal, message, advice=error.advice) from None


def seal_application(folder: Path, recipient: Certificate) -> bytes:
    """Return the encrypted package (DER) of an application's folder, for a PKI's intake key.

    The application is read and checked first; files that it does not name are left out.  Raises
    `MisuseError` for a certificate whose key cannot be used, `FieldError` for a wrong field.
    """
    key, usage = recipient.public_key, recipient.extensions.key_usage
    if key is None or isinstance(key, DsaPublicKey):
        raise MisuseError(
            f"the certificate has a key that is not used: {recipient.key}",
            advice=_INTAKE_CERTIFICATE,
        )
    needed = KeyUsage.KEY_ENCIPHERMENT if isinstance(key, RsaPublicKey) else KeyUsage.KEY_AGREEMENT
    if usage is not None and needed not in usage:
        name = "keyEncipherment" if isinstance(key, RsaPublicKey) else "keyAgreement"
        raise MisuseError(
            f"the key usage of the certificate does not include {name}", advice=_INTAKE_CERTIFICATE
        )
    application = Application.load(folder)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE_NAME, read_bounded(folder / FILE_NAME, MAX_RECORD))
        for field_name, name in application.image_names().items():
            archive.writestr(name, application.image(field_name, name))
    identifier = recipient.extensions.subject_key_identifier or key_identifier(key)
    return seal(stream.getvalue(), key, identifier)
