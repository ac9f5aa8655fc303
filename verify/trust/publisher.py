"""The publisher's key: an encrypted PKCS#8 file, with its certificate beside it."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from emrtd.crypto.key_kinds import fitting_hash, generate_private_key
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.pki.private_key_file import decrypt_private_key, encrypt_private_key
from emrtd.pki.x509.certificate_writer import (
    Issuer,
    Period,
    Subject,
    build_certificate,
    key_identifier,
    new_serial_number,
)
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.extension_writer import AlternativeName, CertificateKind
from emrtd.pki.x509.extensions import KeyUsage
from emrtd.pki.x509.issuing import EMAIL_PROTECTION
from emrtd.pki.x509.names import COMMON_NAME, encode_name
from support.errors import MisuseError
from support.files import write_atomically
from support.records import read_bounded
from support.secret import Secret

_KIND: Final = "brainpoolP256r1"
_VALIDITY: Final = timedelta(days=3650)
_MOST: Final = 64 * 1024


def certificate_path(key: Path) -> Path:
    """Return the path of the certificate of a key file."""
    return key.with_suffix(".cer")


def load_publisher(
    path: Path, passphrase: Secret, at: datetime
) -> tuple[PrivateKey, Certificate, bool]:
    """Read the key and its certificate; make both if neither exists; True says that they are new.

    Raises `MisuseError` if the pass phrase is wrong or one of the files is missing.
    """
    beside = certificate_path(path)
    if beside == path:
        raise MisuseError(f"{path}: is the name of a certificate", advice="name the key NAME.p8")
    if path.exists() != beside.exists():
        missing = beside if path.exists() else path
        raise MisuseError(f"{missing}: is missing", advice="put key and certificate back together")
    if path.exists():
        key = decrypt_private_key(read_bounded(path, _MOST), passphrase)
        certificate = Certificate.parse(read_bounded(beside, _MOST))
        if certificate.public_key != key.public_key:
            raise MisuseError(f"{beside}: is not the certificate of {path}")
        return key, certificate, False
    key = generate_private_key(_KIND)
    certificate = Certificate.parse(_issue(key, at))
    write_atomically(path, encrypt_private_key(key, passphrase), mode=0o600)
    write_atomically(beside, certificate.der)
    return key, certificate, True


def _issue(key: PrivateKey, at: datetime) -> bytes:
    at = at.replace(microsecond=0)
    name = encode_name((COMMON_NAME, "Trust publisher"))
    alternative = AlternativeName("", uri="urn:chipseal:trust-publisher")
    scheme = SignatureScheme(SignatureFamily.ECDSA, fitting_hash(_KIND))
    identifier = key_identifier(key.public_key)
    issuer = Issuer(name, alternative, identifier, key, scheme, explicit_parameters=False)
    subject = Subject(
        CertificateKind.COMMUNICATION,
        name,
        alternative,
        key.public_key,
        Period(at, at + _VALIDITY),
        key_usage=frozenset({KeyUsage.DIGITAL_SIGNATURE}),
        extended_key_usage=(EMAIL_PROTECTION,),
    )
    return build_certificate(subject, issuer, new_serial_number(secrets.token_bytes))
