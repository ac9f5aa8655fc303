"""Certificates and CRLs with any contents, for forgeries and for tests.

Nothing is checked.  An issuer uses `certificate_writer`, which writes only what Doc 9303-12, 7.1
allows.
"""

from collections.abc import Iterable
from datetime import datetime

from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import PublicKey, SignatureScheme, Signer
from emrtd.pki.x509.algorithms import encode_scheme, scheme_for
from emrtd.pki.x509.extensions import DOCUMENT_TYPE_LIST


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Encode an Extension from the encoding of its value."""
    fields = [der.oid(oid), *([der.boolean(True)] if critical else []), der.octet_string(value)]
    return der.sequence(*fields)


def document_types(*types: str) -> bytes:
    """Encode a DocumentTypeList of any number and length."""
    listed = der.set_of(*map(der.printable_string, types))
    return extension(DOCUMENT_TYPE_LIST, der.sequence(der.integer(0), listed))


def write_certificate(
    issuer: bytes,
    subject: bytes,
    public: PublicKey,
    signing: Signer,
    extensions: Iterable[bytes],
    *,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    scheme: SignatureScheme | None = None,
) -> bytes:
    """Sign a certificate; return it in DER.  `issuer`, `subject` and `extensions` are encoded.

    The default of `scheme` is ECDSA or RSA-PSS, by the signing key, with SHA-256.
    """
    scheme = scheme or scheme_for(signing.public_key, Hash.SHA256)
    listed = list(extensions)
    return _signed(
        signing,
        scheme,
        der.tagged(0, der.integer(2)),
        der.integer(serial),
        encode_scheme(scheme),
        issuer,
        der.sequence(der.time(not_before), der.time(not_after)),
        subject,
        encode_public_key(public),
        *([der.tagged(3, der.sequence(*listed))] if listed else []),
    )


def write_crl(
    issuer: bytes,
    signing: Signer,
    entries: Iterable[bytes],
    extensions: Iterable[bytes],
    *,
    issued: datetime,
    next_update: datetime | None,
    scheme: SignatureScheme | None = None,
) -> bytes:
    """Sign a CRL; return it in DER.  `issuer`, `entries` and `extensions` are encoded."""
    scheme = scheme or scheme_for(signing.public_key, Hash.SHA256)
    listed, extended = list(entries), list(extensions)
    return _signed(
        signing,
        scheme,
        der.integer(1),
        encode_scheme(scheme),
        issuer,
        der.time(issued),
        *([der.time(next_update)] if next_update else []),
        *([der.sequence(*listed)] if listed else []),
        *([der.tagged(0, der.sequence(*extended))] if extended else []),
    )


def crl_entry(serial: int, revoked: datetime, *extensions: bytes) -> bytes:
    """Encode an entry of a CRL."""
    extended = [der.sequence(*extensions)] if extensions else []
    return der.sequence(der.integer(serial), der.time(revoked), *extended)


def _signed(signing: Signer, scheme: SignatureScheme, *fields: bytes) -> bytes:
    body = der.sequence(*fields)
    signature = der.bit_string(signing.sign(scheme, body))
    return der.sequence(body, encode_scheme(scheme), signature)
