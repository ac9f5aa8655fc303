"""CMS as it is transferred: DER, PEM (RFC 7468), or an S/MIME entity (RFC 8551, 3.2)."""

import base64
import binascii
import re
from typing import Final

from emrtd.pki.pem import PEM_BEGIN, decode_pem
from support.errors import MalformedError

_PEM_LABELS: Final = frozenset({b"CMS", b"PKCS7", b"PKCS #7 SIGNED DATA"})
_CONTENT_TYPES: Final = frozenset({b"application/pkcs7-mime", b"application/x-pkcs7-mime"})
_DER: Final = b"\x30"
"""The first octet of every CMS object."""
_HEADER: Final = re.compile(rb"([!-9;-~]+):[ \t]*(.*)")
_MAX_HEADERS: Final = 16 * 1024
"""Octets of an S/MIME entity in which its headers must end."""


def read_transferred(octets: bytes, what: str) -> bytes:
    """Return the CMS object (BER or DER) that a file contains, in whatever form it was transferred.

    Octets that begin neither as PEM nor with a header are returned as they are.  Raises
    `MalformedError`, whose `what` is the given name, for PEM of something else, and for a message
    that is not of the type application/pkcs7-mime in base64 or binary.
    """
    text = octets.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if text.startswith(PEM_BEGIN):
        label, block = next(decode_pem(text, what))
        if label not in _PEM_LABELS:
            found = label.decode("ascii", "replace")
            raise MalformedError(what, f"is PEM of {found!r}, not of CMS")
        return block
    if octets.startswith(_DER) or _HEADER.match(text) is None:
        return octets
    return _read_entity(text, what)


def _read_entity(text: bytes, what: str) -> bytes:
    """Return the body of an S/MIME entity, decoded."""
    end = re.compile(rb"\r?\n\r?\n").search(text, 0, _MAX_HEADERS)
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
        raise MalformedError(what, f"is a message of {found}, not of application/pkcs7-mime")
    encoding = headers.get(b"content-transfer-encoding", b"7bit").lower()
    body = text[end.end() :]
    if encoding == b"binary":
        return body
    if encoding != b"base64":
        found = encoding.decode("ascii", "replace")
        raise MalformedError(what, f"is a message encoded as {found}, not as base64 or binary")
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        raise MalformedError(what, "is a message whose body is not base64") from None
