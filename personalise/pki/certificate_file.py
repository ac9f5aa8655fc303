"""Reading certificates from a file: DER, PEM, and bundles of them (`.p7b`, `.p7c`) in either."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.pki.cms.bundle import read_bundle
from emrtd.pki.pem import PEM_BEGIN, decode_pem
from emrtd.pki.x509.certificates import MAX_CERTIFICATE, Certificate
from support.errors import MalformedError
from support.records import read_bounded

_MAX_FILE: Final = 16 * MAX_CERTIFICATE
"""Octets: a PEM file may also hold text, a key and a chain."""

_BUNDLES: Final = frozenset({b"PKCS7", b"CMS"})


def read_certificate(path: Path) -> Certificate:
    """Read the certificate in a file, of several the first one; raises `MalformedError`."""
    return next(_read(path))


def read_certificates(path: Path) -> list[Certificate]:
    """Read all certificates in a file; raises `MalformedError`.

    DER holds one or is a bundle; PEM holds any number.  CRLs in a bundle are left out.
    """
    return list(_read(path))


def _read(path: Path) -> Iterator[Certificate]:
    octets = read_bounded(path, _MAX_FILE)
    what = str(path)
    found = False
    for each in _blocks(octets, what):
        found = True
        try:
            yield Certificate.parse(each)
        except MalformedError as error:
            raise MalformedError(what, str(error)) from None
    if not found:
        raise MalformedError(what, "holds no certificate")


def _blocks(octets: bytes, what: str) -> Iterator[bytes]:
    """Yield the certificates, encoded; of a file that is none, the whole of it."""
    if PEM_BEGIN not in octets:
        yield from certificates_in(octets, what)
        return
    for label, block in decode_pem(octets, what):
        if label == b"CERTIFICATE":
            yield block
        elif label in _BUNDLES:
            yield from certificates_in(block, what)


def certificates_in(octets: bytes, what: str) -> Iterator[bytes]:
    """Yield the certificates of a bundle without its CRLs; else the octets themselves."""
    if not is_bundle(octets):
        yield octets
        return
    for each in read_bundle(octets, what) or ():
        body = ber.read(each, what).children
        if body and not is_crl(body[0]):
            yield each


def is_bundle(octets: bytes) -> bool:
    """Whether this is CMS that nobody signed: certificates and CRLs (RFC 5652, 5.2.1)."""
    length = octets[1:2] or b"\0"
    start = 2 + (length[0] & 0x7F if length[0] > 0x80 else 0)
    if octets[start : start + 1] != bytes((der.OID,)):
        return False
    try:
        return read_bundle(octets, "bundle") is not None
    except MalformedError:
        return False


def is_crl(body: ber.Value) -> bool:
    """Whether a signed body is a TBSCertList: a time follows its issuer (RFC 5280, 5.1)."""
    times = {der.UTC_TIME, der.GENERALIZED_TIME}
    return any(each.tag in times for each in body.children[2:5])
