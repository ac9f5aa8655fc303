"""Reading a certificate from a file in DER or PEM."""

from pathlib import Path
from typing import Final

from emrtd.pki.pem import PEM_BEGIN, decode_pem
from emrtd.pki.x509.certificates import MAX_CERTIFICATE, Certificate
from support.errors import MalformedError
from support.records import read_bounded

_MAX_FILE: Final = 16 * MAX_CERTIFICATE
"""Octets: a PEM file may also hold text, a key and a chain."""


def read_certificate(path: Path) -> Certificate:
    """Read the certificate in a file, of PEM the first one; raises `MalformedError`."""
    octets = read_bounded(path, _MAX_FILE)
    if PEM_BEGIN in octets:
        octets = _first_certificate(octets, str(path))
    try:
        return Certificate.parse(octets)
    except MalformedError as error:
        raise MalformedError(str(path), str(error)) from None


def _first_certificate(octets: bytes, what: str) -> bytes:
    for label, block in decode_pem(octets, what):
        if label == b"CERTIFICATE":
            return block
    raise MalformedError(what, "holds no certificate in PEM")
