"""CMS as it is transferred: DER, PEM (RFC 7468), or an S/MIME entity (RFC 8551, 3.2)."""

import base64
import binascii
import io
import re
from typing import Final

from emrtd.asn1.stream import CHUNK, Readable
from support.errors import MalformedError

_PEM_LABELS: Final = frozenset({b"CMS", b"PKCS7", b"PKCS #7 SIGNED DATA"})
_PEM_LINE: Final = re.compile(rb"-----BEGIN ([^\r\n]{0,64}?)-----[ \t]*\r?\n")
_PEM_BEGIN: Final = b"-----BEGIN "
_CONTENT_TYPES: Final = frozenset({b"application/pkcs7-mime", b"application/x-pkcs7-mime"})
_DER: Final = b"\x30"
"""The first octet of every CMS object."""
_HEADER: Final = re.compile(rb"([!-9;-~]+):[ \t]*(.*)")
_EMPTY_LINE: Final = re.compile(rb"\r?\n\r?\n")
_MAX_HEADERS: Final = 16 * 1024
"""Octets of an S/MIME entity in which its headers must end."""
_WHITE: Final = b" \t\r\n"
_NO_BASE64: Final = "is not base64 where it should be"


def read_transferred(octets: bytes, what: str) -> bytes:
    """Return the CMS object (BER or DER) that a file contains, in whatever form it was transferred.

    The errors are those of `open_transferred`.
    """
    source, parts = open_transferred(io.BytesIO(octets), what), []
    while part := source.read(CHUNK):
        parts.append(part)
    return b"".join(parts)


def open_transferred(source: Readable, what: str) -> Readable:
    """Return a stream of the CMS object in a file, in whatever form it was transferred.

    Octets that begin neither as PEM nor with a header are returned as they are.  Raises
    `MalformedError`, whose `what` is the given name, for PEM of something else, and for a message
    that is not of the type application/pkcs7-mime in base64 or binary; the returned stream raises
    it for text that is not base64.
    """
    begin = _read_up_to(source, _MAX_HEADERS)
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip(_WHITE)
    if text.startswith(_PEM_BEGIN):
        line = _PEM_LINE.match(text)
        if line is None:
            raise MalformedError(what, "is PEM without a line break after its first line")
        if line[1] not in _PEM_LABELS:
            found = line[1].decode("ascii", "replace")
            raise MalformedError(what, f"is PEM of {found!r}, not of CMS")
        end = b"-----END " + line[1] + b"-----"
        return _Base64(text[line.end() :], source, what, end)
    if begin.startswith(_DER) or _HEADER.match(text) is None:
        return _Prefixed(begin, source)
    return _open_entity(text, source, what)


def _open_entity(text: bytes, source: Readable, what: str) -> Readable:
    """Return the body of an S/MIME entity, decoded."""
    end = _EMPTY_LINE.search(text)
    if end is None:
        raise MalformedError(what, "is a message without an empty line after its headers")
    lines = re.sub(rb"\r?\n[ \t]+", b" ", text[: end.start()]).splitlines()
    headers = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise MalformedError(what, "is a message with a line among its headers that is none")
        headers[header[1].lower()] = header[2].strip()
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind not in _CONTENT_TYPES:
        found = kind.decode("ascii", "replace") or "no type"
        advice = "sign with `-nodetach`" if kind == b"multipart/signed" else ""
        reason = f"is a message of {found}, not of application/pkcs7-mime"
        raise MalformedError(what, reason, advice=advice)
    encoding = headers.get(b"content-transfer-encoding", b"7bit").lower()
    body = text[end.end() :]
    if encoding == b"binary":
        return _Prefixed(body, source)
    if encoding != b"base64":
        found = encoding.decode("ascii", "replace")
        raise MalformedError(what, f"is a message encoded as {found}, not as base64 or binary")
    return _Base64(body, source, what, None)


def _read_up_to(source: Readable, size: int) -> bytes:
    parts, have = [], 0
    while have < size and (part := source.read(size - have)):
        parts.append(part)
        have += len(part)
    return b"".join(parts)


class _Prefixed:
    """Octets that were read already, and what follows them in the source."""

    def __init__(self, begin: bytes, source: Readable) -> None:
        self._begin = begin
        self._source = source

    def read(self, size: int, /) -> bytes:
        if self._begin:
            part, self._begin = self._begin[:size], self._begin[size:]
            return part
        return self._source.read(size)


class _Base64:
    """What base64 text stands for; with `end`, up to the line that begins with it (PEM)."""

    def __init__(self, begin: bytes, source: Readable, what: str, end: bytes | None) -> None:
        self._text = begin
        self._source = source
        self._what = what
        self._end = end
        self._rest = b""  # characters of an unfinished group of four
        self._octets = b""
        self._padded = False
        self._done = False

    def read(self, size: int, /) -> bytes:
        while not self._octets and not self._done:
            self._fill()
        part, self._octets = self._octets[:size], self._octets[size:]
        return part

    def _fill(self) -> None:
        text = self._text or self._source.read(CHUNK)
        self._text = b""
        if not text:
            self._close()
            return
        if self._end is not None:
            text = self._before_end(text, self._end)
        characters = self._rest + text.translate(None, _WHITE)
        whole = len(characters) - len(characters) % 4
        self._rest = characters[whole:]
        if whole:
            self._decode(characters[:whole])

    def _before_end(self, text: bytes, end: bytes) -> bytes:
        """Return the base64 before the last line, and finish there if it is in sight."""
        dash = text.find(b"-")
        if dash < 0:
            return text
        while len(text) - dash < len(end) and (more := self._source.read(CHUNK)):
            text += more
        if not text.startswith(end, dash):
            raise MalformedError(self._what, _NO_BASE64)
        self._done = True
        if (len(self._rest) + len(text[:dash].translate(None, _WHITE))) % 4:
            raise MalformedError(self._what, _NO_BASE64)
        return text[:dash]

    def _decode(self, characters: bytes) -> None:
        if self._padded:
            raise MalformedError(self._what, _NO_BASE64)
        try:
            self._octets = base64.b64decode(characters, validate=True)
        except binascii.Error:
            raise MalformedError(self._what, _NO_BASE64) from None
        self._padded = characters.endswith(b"=")

    def _close(self) -> None:
        if self._end is not None:
            raise MalformedError(self._what, "a PEM block has no end")
        if self._rest:
            raise MalformedError(self._what, _NO_BASE64)
        self._done = True
