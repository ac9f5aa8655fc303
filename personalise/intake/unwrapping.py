"""From the file of a package to its archive: transfer encoding, signatures and envelope removed.

A package is one CMS envelope for an intake key.  It may be signed before it is encrypted, after
that, or both.  Whatever is in the envelope goes through a spool, so that the memory that is needed
does not depend on the size of the package.
"""

import hashlib
import io
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Protocol

from emrtd.asn1 import ber, der
from emrtd.asn1.stream import BerStream, Readable
from emrtd.asn1.structures import read_oid
from emrtd.crypto.private_keys import PrivateKey
from emrtd.pki.cms.content_encryption import NotOpenedError
from emrtd.pki.cms.enveloped import ID_AUTH_ENVELOPED_DATA, ID_ENVELOPED_DATA, Envelope
from emrtd.pki.cms.recipients import EncryptedKey, TransportedKey
from emrtd.pki.cms.signed_data import ID_SIGNED_DATA
from emrtd.pki.cms.signed_stream import SignedStream, read_signed_stream
from emrtd.pki.cms.transfer import open_transferred
from emrtd.pki.x509.certificates import Certificate
from personalise.intake.archive_rules import Limits
from personalise.intake.refusals import Refusal, RefusedPackageError
from personalise.intake.spool import Spool
from personalise.intake.tar import is_tar
from support.errors import MalformedError

_MAX_SIGNATURES: Final = 4
_TRANSFER_OVERHEAD: Final = 3  # base64 with line breaks: less than half as long again

_CMS_BEGINNINGS: Final = (b"\x30", b"-----beg", b"mime-ver", b"content-")
"""How a CMS object begins that is no archive: DER, PEM, S/MIME; in lower case."""

_ZIP: Final = b"PK\x03\x04"

_WHAT: Final = "package"


class IntakeKey(Protocol):
    """A key for which packages are encrypted."""

    @property
    def certificate(self) -> Certificate:
        """The certificate that senders have."""
        ...

    def private_key(self) -> PrivateKey:
        """Return the private key; it may take time to read."""
        ...


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The content of a package, and what was around it.

    `signatures` are in the order in which they were removed: the last one is the innermost.
    `digest` is the SHA-256 of the encrypted content, which is the same in every transfer encoding.
    `is_authenticated` is False for CBC: then nothing shows that the content is what was encrypted.
    """

    content: Spool
    signatures: tuple[SignedStream, ...]
    digest: bytes = field(repr=False)
    is_authenticated: bool


def file_digest(path: Path, limits: Limits) -> bytes:
    """Return the SHA-256 of a package's file.

    Raises `RefusedPackageError` if it is too large, or is not a regular file.
    """
    with _open(path) as file:
        _check_file(file, limits)
        return hashlib.file_digest(file, "sha256").digest()


def unwrap(
    path: Path, keys: Sequence[IntakeKey], limits: Limits, *, allow_pkcs1: bool = False
) -> Unwrapped:
    """Decrypt a package.

    Signatures are not verified here.  Raises `RefusedPackageError`.
    """
    with _open(path) as file:
        _check_file(file, limits)

        def reopen() -> Readable:
            file.seek(0)
            return open_transferred(file, _WHAT)

        try:
            return _Unwrapping(keys, limits, allow_pkcs1=allow_pkcs1).run(reopen)
        except MalformedError as error:
            file.seek(0)
            if file.read(len(_ZIP)) == _ZIP:
                raise _not_encrypted() from None
            at = "" if error.offset is None else f" at offset {error.offset}"
            raise RefusedPackageError(
                Refusal.NOT_A_PACKAGE,
                f"the file is not one whole CMS envelope ({error.reason}{at})",
                advice=error.advice,
            ) from None
        except NotOpenedError:
            raise not_opened() from None


def _not_encrypted() -> RefusedPackageError:
    return RefusedPackageError(
        Refusal.NOT_A_PACKAGE,
        "the file is a zip that is not encrypted",
        advice="unpack it, and name the folder; senders encrypt with `personalise"
        " seal-application`",
    )


def not_opened() -> RefusedPackageError:
    """Return the refusal of a package that does not open, whatever the reason is."""
    return RefusedPackageError(
        Refusal.NOT_OPENED,
        "the package does not open: it was altered, or holds an archive that is damaged or unsafe",
        advice="if it is encrypted in CBC mode, encrypt it with -aes-256-gcm to be told the reason;"
        " `openssl cms` needs `-binary` too",
    )


def _open(path: Path) -> io.BufferedReader:
    """Open a file; a pipe without a writer does not block."""
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def _check_file(file: IO[bytes], limits: Limits) -> None:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise RefusedPackageError(Refusal.NOT_A_PACKAGE, "it is neither a file nor a folder")
    if found.st_size > limits.octets * _TRANSFER_OVERHEAD // 2:
        raise _too_large(limits)


def _too_large(limits: Limits) -> RefusedPackageError:
    return RefusedPackageError(
        Refusal.TOO_LARGE,
        f"the package has more than {limits.octets:,} octets",
        advice="divide it into several packages",
    )


class _Unwrapping:
    """Removes one layer after the other."""

    def __init__(self, keys: Sequence[IntakeKey], limits: Limits, *, allow_pkcs1: bool) -> None:
        self._keys = keys
        self._limits = limits
        self._allow_pkcs1 = allow_pkcs1
        self._signatures: list[SignedStream] = []
        self._digest = b""
        self._authenticated = False

    def run(self, reopen: Callable[[], Readable]) -> Unwrapped:
        content = self._outer(reopen)
        try:
            while (inner := self._signed_inside(content)) is not None:
                content.close()
                content = inner
        except BaseException as error:
            content.close()
            if isinstance(error, MalformedError | RefusedPackageError) and not self._authenticated:
                raise not_opened() from None
            raise
        return Unwrapped(content, tuple(self._signatures), self._digest, self._authenticated)

    def _outer(self, reopen: Callable[[], Readable]) -> Spool:
        """Remove signatures around the envelope, then the envelope."""
        kind = _content_type(reopen())
        if kind != ID_SIGNED_DATA:
            return self._decrypt(reopen, kind)
        enveloped = self._remove_signature(reopen())
        with enveloped:

            def reopen_inner() -> Readable:
                enveloped.seek(0)
                return open_transferred(enveloped, _WHAT)

            return self._outer(reopen_inner)

    def _decrypt(self, reopen: Callable[[], Readable], kind: str) -> Spool:
        if kind not in {ID_ENVELOPED_DATA, ID_AUTH_ENVELOPED_DATA}:
            raise RefusedPackageError(
                Refusal.NOT_A_PACKAGE, "the file is a CMS object that is not encrypted"
            )
        envelope = Envelope.read(reopen(), _WHAT)
        if envelope.size > self._limits.octets:
            raise _too_large(self._limits)
        encrypted_key, key = self._choose(envelope.keys)
        content_key = encrypted_key.unwrap(key.private_key(), envelope.cipher.key_size)
        if content_key is None:
            raise NotOpenedError
        hashed = hashlib.sha256()
        for part in envelope.encrypted(reopen(), _WHAT):
            hashed.update(part)
        self._digest = hashed.digest()
        self._authenticated = envelope.is_authenticated
        content = Spool()
        try:
            for part in envelope.decrypt(reopen(), content_key, _WHAT):
                content.write(part)
            if envelope.content_type == ID_SIGNED_DATA:
                content = self._unwrap_bare(content)
        except BaseException:
            content.close()
            raise
        return content

    def _choose(self, encrypted_keys: Sequence[EncryptedKey]) -> tuple[EncryptedKey, IntakeKey]:
        """Return the encrypted key that is for us, with the intake key that decrypts it."""
        forbidden = False
        for each in encrypted_keys:
            for key in self._keys:
                if not each.recipient.names(key.certificate):
                    continue
                if isinstance(each, TransportedKey) and each.scheme is None:
                    forbidden = not self._allow_pkcs1
                    if forbidden:
                        continue
                return each, key
        if forbidden:
            raise RefusedPackageError(
                Refusal.FORBIDDEN_PADDING,
                "the package is encrypted with RSA PKCS#1 v1.5, which is not accepted",
                advice="encrypt with `-keyopt rsa_padding_mode:oaep`, or allow it with"
                " --allow-pkcs1",
            )
        raise RefusedPackageError(
            Refusal.OTHER_RECIPIENT,
            "the package is encrypted for others, and for none of the intake keys of this PKI",
            advice="encrypt it for the intake.cer of the PKI",
        )

    def _signed_inside(self, content: Spool) -> Spool | None:
        """Remove a signature inside of the envelope; None if there is no more."""
        content.seek(0)
        begin = content.read(512)
        if is_tar(begin) or not begin.lstrip()[:8].lower().startswith(_CMS_BEGINNINGS):
            return None
        content.seek(0)
        if _content_type(open_transferred(content, _WHAT)) != ID_SIGNED_DATA:
            raise RefusedPackageError(
                Refusal.DAMAGED_CONTENT, "the content of the package is a CMS object, not signed"
            )
        content.seek(0)
        return self._remove_signature(open_transferred(content, _WHAT))

    def _unwrap_bare(self, content: Spool) -> Spool:
        """Remove a SignedData without ContentInfo, as some encrypt it under its own type."""
        content.seek(0)
        stream = BerStream(content, _WHAT)
        stream.enter(der.SEQUENCE)
        bare = stream.next_tag() == der.INTEGER
        content.seek(0)
        if not bare:
            return content
        with content:
            return self._remove_signature(_InContentInfo(content))

    def _remove_signature(self, source: Readable) -> Spool:
        if len(self._signatures) == _MAX_SIGNATURES:
            raise RefusedPackageError(
                Refusal.NOT_A_PACKAGE, f"the package has more than {_MAX_SIGNATURES} signatures"
            )
        content = Spool()

        def write(part: bytes) -> None:
            content.write(part)
            if len(content) > self._limits.octets:
                raise _too_large(self._limits)

        try:
            self._signatures.append(read_signed_stream(source, write, _WHAT))
        except BaseException:
            content.close()
            raise
        return content


class _InContentInfo:
    """A SignedData, in the ContentInfo that it lacks."""

    def __init__(self, content: Spool) -> None:
        head = b"\x30\x80" + der.oid(ID_SIGNED_DATA) + b"\xa0\x80"
        self._parts: list[Readable] = [io.BytesIO(head), content, io.BytesIO(bytes(4))]

    def read(self, size: int, /) -> bytes:
        while self._parts:
            if part := self._parts[0].read(size):
                return part
            self._parts.pop(0)
        return b""


def _content_type(source: Readable) -> str:
    stream = BerStream(source, _WHAT)
    stream.enter(der.SEQUENCE)
    return read_oid(ber.read(stream.value(), _WHAT))
