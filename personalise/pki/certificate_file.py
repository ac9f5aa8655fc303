"""Reading certificates from a file in DER or PEM."""

from collections.abc import Iterator
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
    return next(_read(path))


def read_certificates(path: Path) -> list[Certificate]:
    """Read all certificates in a file, one in DER or any number in PEM; raises `MalformedError`."""
    return list(_read(path))


def _read(path: Path) -> Iterator[Certificate]:
    octets = read_bounded(path, _MAX_FILE)
    blocks = _certificates(octets, str(path)) if PEM_BEGIN in octets else iter([octets])
    for each in blocks:
        try:
            yield Certificate.parse(each)
        except MalformedError as error:
            raise MalformedError(str(path), str(error)) from None


def _certificates(octets: bytes, what: str) -> Iterator[bytes]:
    found = False
    for label, block in decode_pem(octets, what):
        if label == b"CERTIFICATE":
            found = True
            yield block
    if not found:
        raise MalformedError(what, "holds no certificate in PEM")
