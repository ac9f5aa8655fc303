"""What `personalise pki lint` looks at: certificates, CRLs, signed lists, in DER or PEM."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.errors import MalformedError, ProtocolError
from emrtd.pki.certificates import Certificate
from emrtd.pki.crl import Crl
from emrtd.pki.lint import Complaint, lint_certificate, lint_crl
from emrtd.pki.signed_data import SignedData
from personalise.records import read_bounded

_MAX_FILE: Final = 64 * 1024 * 1024
_ID_MASTER_LIST: Final = "2.23.136.1.1.2"
_LIST_CLAUSE: Final = "Doc 9303-12, 9"


def lint_file(path: Path) -> Iterator[tuple[str, Complaint]]:
    """Yield where and what, for everything in a file that its profile has otherwise.

    Raises `MalformedError` where it is neither a certificate, nor a CRL, nor a signed list.
    """
    octets = read_bounded(path, _MAX_FILE)
    if octets.lstrip().startswith(b"-----BEGIN"):
        octets = _from_pem(octets, path)
    whole = ber.read(ber.definite(octets, path.name), path.name).expect(der.SEQUENCE)
    first = whole.children[0] if whole.children else whole
    if first.tag == der.OID:
        yield from _list(octets, path)
    elif _is_crl(first):
        yield from (("CRL", complaint) for complaint in lint_crl(Crl.parse(octets)))
    else:
        yield from _certificate(Certificate.parse(octets))


def _certificate(certificate: Certificate) -> Iterator[tuple[str, Complaint]]:
    where = f"certificate {certificate.serial:X} of {certificate.country or 'no country'}"
    yield from ((where, complaint) for complaint in lint_certificate(certificate))


def _list(octets: bytes, path: Path) -> Iterator[tuple[str, Complaint]]:
    signed = SignedData.parse(octets, path.name)
    if signed.content_type != _ID_MASTER_LIST:
        raise MalformedError(path.name, f"signs content of type {signed.content_type}")
    for info in signed.signers:
        if info.key_identifier is None:
            reason = "the signer is named by issuer and serial number, not by its key identifier"
            yield "signature", Complaint(reason, _LIST_CLAUSE)
        if info.signing_time is None:
            yield "signature", Complaint("signingTime is missing", _LIST_CLAUSE)
        yield from (
            ("signature", Complaint("does not verify", _LIST_CLAUSE))
            for _ in range(not _verifies(signed))
        )
    for certificate in signed.certificates:
        yield from _certificate(certificate)
    content = ber.read(signed.content, path.name).expect(der.SEQUENCE).children
    if len(content) != 2:
        raise MalformedError(path.name, "is no CscaMasterList")
    for each in content[1].expect(der.SET).children:
        yield from _certificate(Certificate.parse(each.encoded))


def _verifies(signed: SignedData) -> bool:
    for certificate in signed.certificates:
        if certificate.public_key is None:
            continue
        try:
            signed.signers[0].verify(signed.content_type, signed.content, certificate.public_key)
        except ProtocolError:
            continue
        return True
    return False


def _is_crl(body: ber.Value) -> bool:
    """Whether a signed body is a TBSCertList: a time follows its issuer (RFC 5280, 5.1)."""
    times = {der.UTC_TIME, der.GENERALIZED_TIME}
    return any(each.tag in times for each in body.children[2:5])


def _from_pem(octets: bytes, path: Path) -> bytes:
    import base64
    import binascii

    lines = octets.decode("latin-1").strip().splitlines()
    try:
        end = next(number for number, line in enumerate(lines) if line.startswith("-----END"))
        return base64.b64decode("".join(lines[1:end]), validate=True)
    except (StopIteration, binascii.Error):
        raise MalformedError(path.name, "is not PEM") from None
