"""PEM (RFC 7468): octets as base64 text between two lines with a label."""

import binascii
from collections.abc import Iterator
from typing import Final

from support.errors import MalformedError

PEM_BEGIN: Final = b"-----BEGIN "
"""The beginning of every block."""

_DASHES: Final = b"-----"
_MAX_LABEL: Final = 64


def encode_pem(octets: bytes, label: str) -> str:
    """Write octets as PEM; `label` is CERTIFICATE, X509 CRL, CMS, ..."""
    text = binascii.b2a_base64(octets, newline=False).decode("ascii")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def decode_pem(octets: bytes, what: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and octets of each block, in order; text between the blocks is skipped.

    Raises `MalformedError`, whose `what` is the given name, for a block without an end and for one
    that is not base64.
    """
    position = 0
    while (begin := octets.find(PEM_BEGIN, position)) >= 0:
        inner = octets.find(_DASHES, begin + len(PEM_BEGIN))
        label = octets[begin + len(PEM_BEGIN) : max(inner, 0)]
        ending = b"-----END " + label + _DASHES
        end = octets.find(ending, inner)
        if inner < 0 or end < 0 or len(label) > _MAX_LABEL:
            raise MalformedError(what, "a PEM block has no end", begin)
        position = end + len(ending)
        try:
            text = b"".join(octets[inner + len(_DASHES) : end].split())
            block = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            raise MalformedError(what, "a PEM block is not base64", begin) from None
        yield label, block
