"""A PKI in one encrypted file, which m of n officers open together.

    the line "chipseal PKI backup 1", the length of the header (4 octets), the header (JSON), chunks

The chunks are a tar archive, encrypted with AES-256-GCM under a key that exists nowhere else.  Its
halves are split by Shamir's scheme into a share for each officer, which is encrypted for the
officer's key (CMS).  The archive also has the pass phrase of the PKI's keys, so that the officers
need nothing but their own keys on a bare machine.  What the ledger keeps is not in it: a period's
key that was destroyed must not come back.
"""

import base64
import io
import secrets
import sqlite3
import struct
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated, Final

import msgspec

from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import EcPublicKey, PublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.enveloped import open_envelope, seal
from emrtd.pki.x509.certificate_writer import key_identifier
from personalise.pki.folder import AUDIT_KEY_NAME, AUDIT_LOG_NAME
from support.errors import MalformedError, MisuseError
from support.records import Record, from_json
from support.secret import Secret

MAGIC: Final = b"chipseal PKI backup 1\n"
PASSPHRASE_FILE: Final = ".passphrase"  # noqa: S105
_LENGTH: Final = struct.Struct(">I")
_MAX_HEADER: Final = 1 << 20
_CHUNK: Final = 1 << 20
_TAG: Final = 16
_HALF: Final = 16  # octets that one polynomial of Shamir's scheme shares
_SHARE: Final = 1 + 2 * _HALF
_MAX_OFFICERS: Final = 100

_LEFT_OUT: Final = ("ledger.sqlite", "retention/", "journals/", "spool/")
"""What belongs to the ledger, which has copies of its own (docs/ledger.md)."""


class Share(Record, frozen=True):
    """An officer's share of the key, encrypted for the officer (CMS, base64)."""

    officer: str
    envelope: str


class Header(Record, frozen=True):
    """What a backup is, in clear; `pki` is the SHA-256 of the key of the PKI's log (hex)."""

    pki: str
    state: str
    made: datetime
    required: Annotated[int, msgspec.Meta(ge=1, le=_MAX_OFFICERS)]
    shares: tuple[Share, ...]


def write_backup(
    folder: Path,
    output: IO[bytes],
    *,
    state: str,
    passphrase: Secret,
    officers: Mapping[str, PublicKey],
    required: int,
    at: datetime,
    log: bytes,
) -> None:
    """Write a backup of a PKI's folder; `log` is its audit log as it is to be kept.

    Raises `MisuseError` unless 1 <= `required` <= officers, all with keys on curves.
    """
    if not 1 <= required <= len(officers) <= _MAX_OFFICERS:
        raise MisuseError(
            f"{required} of {len(officers)} officers cannot open a backup",
            advice="enrol officers with `personalise officer enrol`",
        )
    key = secrets.token_bytes(2 * _HALF)
    pki = sha256((folder / AUDIT_KEY_NAME).read_bytes()).hexdigest()
    shares = tuple(_shares(key, officers, required))
    header = msgspec.json.encode(Header(pki, state, at, required, shares))
    output.write(MAGIC + _LENGTH.pack(len(header)) + header)
    with (
        closing(_Encrypting(output, key, header)) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, octets in _contents(folder, passphrase, log):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(octets), 0o600
            archive.addfile(entry, io.BytesIO(octets))


def read_header(source: IO[bytes], what: str) -> Header:
    """Read what a backup says of itself; raises `MalformedError` or `FieldError`."""
    header, _ = _header(source, what)
    return header


def read_backup(
    source: IO[bytes], what: str, keys: Mapping[str, PrivateKey]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a backup by their names, the pass phrase first.

    `keys` are those of the officers who open it.  Raises `MisuseError` if they are too few or not
    theirs, and `MalformedError` if the file was altered or cut; what was yielded before is good.
    """
    header, encoded = _header(source, what)
    key = _joined(header, keys)
    stream = _Decrypting(source, key, encoded, what)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is None or not _is_inside(entry.name):
                    raise MalformedError(what, "holds something that is no file of a PKI")
                yield entry.name, content.read()
    except tarfile.TarError:
        raise MalformedError(what, "is not an archive") from None
    stream.require_end()


def _contents(folder: Path, passphrase: Secret, log: bytes) -> Iterator[tuple[str, bytes]]:
    yield PASSPHRASE_FILE, passphrase.reveal()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not path.is_file() or path.is_symlink() or hidden or name.startswith(_LEFT_OUT):
            continue
        if path.suffix == ".sqlite":
            yield name, _consistent(path)
        elif not name.endswith((".sqlite-wal", ".sqlite-shm")):
            yield name, log if name == AUDIT_LOG_NAME else path.read_bytes()


def _consistent(path: Path) -> bytes:
    """Return a database as of one instant, though others may be writing to it."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        copy = sqlite3.connect(":memory:")
        with closing(copy):
            connection.backup(copy)
            return copy.serialize()


def _is_inside(name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and not Path(name).is_absolute() and ".." not in parts


def _shares(key: bytes, officers: Mapping[str, PublicKey], required: int) -> Iterator[Share]:
    from Crypto.Protocol.SecretSharing import Shamir

    halves = [Shamir.split(required, len(officers), half) for half in (key[:_HALF], key[_HALF:])]
    for (name, public), first, second in zip(sorted(officers.items()), *halves, strict=True):
        if not isinstance(public, EcPublicKey):
            raise MisuseError(f"the key of {name} is not on a curve")
        share = bytes((first[0],)) + first[1] + second[1]
        envelope = seal(share, public, key_identifier(public))
        yield Share(name, base64.b64encode(envelope).decode())


def _joined(header: Header, keys: Mapping[str, PrivateKey]) -> bytes:
    from Crypto.Protocol.SecretSharing import Shamir

    opened: dict[int, bytes] = {}
    for share in header.shares:
        if share.officer not in keys:
            continue
        try:
            octets = open_envelope(base64.b64decode(share.envelope), keys[share.officer]).reveal()
        except (ProtocolError, MalformedError, ValueError):
            raise MisuseError(
                f"the key of {share.officer} does not open their share of the backup"
            ) from None
        if len(octets) != _SHARE:
            raise MisuseError(f"the share of {share.officer} is not a share")
        opened[octets[0]] = octets[1:]
    if len(opened) < header.required:
        names = ", ".join(each.officer for each in header.shares)
        raise MisuseError(
            f"{header.required} officers open this backup, and {len(opened)} are here",
            advice=f"name more of {names} with --officer NAME=KEYFILE",
        )
    chosen = list(opened.items())[: header.required]
    halves = (
        Shamir.combine([(index, share[start : start + _HALF]) for index, share in chosen])
        for start in (0, _HALF)
    )
    return b"".join(halves)


def _header(source: IO[bytes], what: str) -> tuple[Header, bytes]:
    if source.read(len(MAGIC)) != MAGIC:
        raise MalformedError(what, "is not a backup of a PKI")
    length = source.read(_LENGTH.size)
    size = _LENGTH.unpack(length)[0] if len(length) == _LENGTH.size else 0
    if not 0 < size <= _MAX_HEADER:
        raise MalformedError(what, "has no header")
    encoded = source.read(size)
    return from_json(encoded, Header, what), encoded


class _Chunks:
    """The nonce and the additional data of each chunk; the last one says so, against cutting."""

    def __init__(self, key: bytes, header: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.cipher = AESGCM(key)
        self._header = sha256(header).digest()
        self._number = 0

    def next(self, *, last: bool) -> tuple[bytes, bytes]:
        nonce = self._number.to_bytes(12, "big")
        self._number += 1
        return nonce, self._header + bytes((last,))


class _Encrypting(io.RawIOBase):
    def __init__(self, output: IO[bytes], key: bytes, header: bytes) -> None:
        self._output, self._chunks, self._waiting = output, _Chunks(key, header), b""

    def writable(self) -> bool:
        return True

    def write(self, octets: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._waiting += bytes(octets)
        while len(self._waiting) > _CHUNK:
            self._put(self._waiting[:_CHUNK], last=False)
            self._waiting = self._waiting[_CHUNK:]
        return len(octets)

    def close(self) -> None:
        if not self.closed:
            self._put(self._waiting, last=True)
        super().close()

    def _put(self, octets: bytes, *, last: bool) -> None:
        nonce, additional = self._chunks.next(last=last)
        self._output.write(self._chunks.cipher.encrypt(nonce, octets, additional))


class _Decrypting(io.RawIOBase):
    def __init__(self, source: IO[bytes], key: bytes, header: bytes, what: str) -> None:
        self._source, self._chunks, self._what = source, _Chunks(key, header), what
        self._open, self._ahead, self._ended = b"", source.read(_CHUNK + _TAG), False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._open) < size):
            self._more()
        size = len(self._open) if size < 0 else size
        taken, self._open = self._open[:size], self._open[size:]
        return taken

    def require_end(self) -> None:
        """Read on to the last chunk, so that a backup that was cut is noticed."""
        while not self._ended:
            self._more()

    def _more(self) -> None:
        from cryptography.exceptions import InvalidTag

        following = self._source.read(_CHUNK + _TAG)
        self._ended = not following
        nonce, additional = self._chunks.next(last=self._ended)
        try:
            self._open += self._chunks.cipher.decrypt(nonce, self._ahead, additional)
        except InvalidTag:
            raise MalformedError(self._what, "was altered or cut, or is for other keys") from None
        self._ahead = following
