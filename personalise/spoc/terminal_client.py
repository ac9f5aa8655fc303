"""A terminal asks its Document Verifier for its next certificate (TR-03129, 4.2).

The terminal's folder is what `verify --terminal` reads: is.p8, is.cvcert, and the certificates
above it.  Nothing changes in it unless everything that was received verifies.
"""

import ssl
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.keys import CvPublicKey, kind_of
from emrtd.pki.cvc.requests import authenticate, request
from personalise.pki.cvca import DV_CERTIFICATE, IS_CERTIFICATE, IS_KEY
from personalise.pki.keys.custody import FileCustody
from personalise.spoc.client import post
from personalise.spoc.dv_soap import (
    DvCode,
    DvMessage,
    DvOperation,
    DvResponse,
    decode_dv_response,
    encode_message,
)
from support.errors import MalformedError, MisuseError
from support.files import write_atomically
from support.records import read_bounded
from support.secret import Secret
from support.tls import load_key

Ask = Callable[[DvMessage], DvResponse]
"""Sends a message to the Document Verifier; raises `ChipsealError`."""

_MAX_FILE: Final = 64 * 1024
_OK: Final = 200


def asking(url: str, authority: Path, certificate: Path, key: Path) -> Ask:
    """Return what asks the Document Verifier at an address, with PEM files for TLS.

    `authority` is the CA of its server; raises `MisuseError` if a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(authority)
        load_key(context, certificate, key)
    except OSError as error:
        raise MisuseError(f"a file for TLS cannot be used ({error.strerror or error})") from None

    def ask(message: DvMessage) -> DvResponse:
        status, body = post(url, context, encode_message(message), "", url, lambda _: None)
        if status != _OK:
            raise ProtocolError(f"{url}: answers with status {status}")
        try:
            response = decode_dv_response(body, message.operation)
        except MalformedError as error:
            raise ProtocolError(f"{url}: its answer cannot be read ({error})") from None
        if response.code is not DvCode.CERTIFICATES or not response.certificates:
            raise ProtocolError(f"{url}: answers {response.code}")
        return response

    return ask


def renew_terminal(
    folder: Path, passphrase: Secret, ask: Ask, *, state: str, holder: str, today: date
) -> CvCertificate:
    """Make the terminal's next key for documents of a State, and have it certified.

    `holder` begins its reference, without the number; the key is encrypted with `passphrase`.
    Raises `MisuseError`, or `ProtocolError` if what the Document Verifier sends does not verify.
    """
    found = [
        CvCertificate.decode(each)
        for each in ask(DvMessage(DvOperation.GET_CA_CERTIFICATES)).certificates
    ]
    verifiers = [
        each for each in found if each.role.is_dv and each.authority_reference[:2] == state
    ]
    if not verifiers:
        raise MisuseError(f"the Document Verifier has no certificate of {state}")
    verifier = max(verifiers, key=lambda each: (each.effective, each.holder_reference))
    authorities = [
        each for each in found if each.role is Role.CVCA and each.holder_reference[:2] == state
    ]
    issuer = _key_of(verifier, authorities)
    keys = FileCustody(folder, passphrase)
    before = _certificate(folder / IS_CERTIFICATE)
    if before is not None and before.holder_reference[:-5] != holder:
        raise MisuseError(
            f"{folder}: holds the terminal {before.holder_reference}",
            advice="choose another folder, one for each State and holder",
        )
    number = 1 if before is None else int(before.holder_reference[-5:]) + 1
    key = generate_private_key(kind_of(issuer))
    asked = request(key, issuer.scheme, f"{holder}{number:05}", authority=verifier.holder_reference)
    if before is not None and before.expiration >= today:
        former = keys.private_key(IS_KEY)
        asked = authenticate(asked, former, before.public_key.scheme, before.holder_reference)
    answer = ask(DvMessage(DvOperation.REQUEST_CERTIFICATE, asked.encode()))
    made = CvCertificate.decode(answer.certificates[0])
    made.verify(issuer)
    same_key = made.key_under(issuer).key == key.public_key
    if not same_key or made.holder_reference != asked.holder_reference:
        raise ProtocolError("the Document Verifier certified another key than was asked for")
    for each in authorities:
        kind = "root" if each.is_self_signed else "link"
        name = f"cvca-{kind}-{each.holder_reference.encode('latin-1').hex()}.cvcert"
        write_atomically(folder / name, each.encode())
    keys.replace(IS_KEY, key)
    write_atomically(folder / DV_CERTIFICATE, verifier.encode())
    write_atomically(folder / IS_CERTIFICATE, made.encode())
    return made


def _key_of(verifier: CvCertificate, authorities: Sequence[CvCertificate]) -> CvPublicKey:
    """Return the Document Verifier's key, after its certificate is verified."""
    for each in authorities:
        if each.holder_reference == verifier.authority_reference:
            verifier.verify(each.public_key)
            return verifier.key_under(each.public_key)
    raise ProtocolError(f"the certificate of {verifier.authority_reference} was not sent")


def _certificate(path: Path) -> CvCertificate | None:
    return CvCertificate.decode(read_bounded(path, _MAX_FILE)) if path.is_file() else None
