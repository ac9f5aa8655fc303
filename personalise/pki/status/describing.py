"""Certificates, CRLs and signed lists in lines of text, for an officer."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.pki.cms.bundle import read_bundle
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.lint.certificates import kind_of
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationList
from emrtd.pki.lists.master_list import ID_MASTER_LIST, MasterList
from emrtd.pki.pem import PEM_BEGIN, decode_pem
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import MAX_CRL, Crl
from emrtd.pki.x509.extensions import KeyUsage
from personalise.pki.certificate_file import is_bundle, is_crl
from support.errors import MalformedError
from support.printable_text import counted
from support.records import read_bounded

_CV_CERTIFICATE: Final = b"\x7f\x21"
_SHOWN: Final = 20


def describe_file(path: Path) -> Iterator[str]:
    """Yield the lines about a file, DER or PEM; raises `MalformedError` if it is none of these."""
    octets = read_bounded(path, MAX_CRL)
    if octets.lstrip().startswith(PEM_BEGIN):
        blocks = [block for _, block in decode_pem(octets, path.name)]
    else:
        blocks = [octets]
    for block in blocks:
        yield from _describe(block, path.name)


def _describe(octets: bytes, what: str) -> Iterator[str]:
    if octets.startswith(_CV_CERTIFICATE):
        yield from _card_verifiable(CvCertificate.decode(octets))
        return
    whole = ber.read(ber.definite(octets, what), what).expect(der.SEQUENCE)
    first = whole.children[0] if whole.children else whole
    if is_bundle(octets):
        for each in read_bundle(octets, what) or ():
            yield from _describe(each, what)
    elif first.tag == der.OID:
        yield from _list(SignedData.parse(octets, what), what)
    elif is_crl(first):
        yield from _crl(Crl.parse(octets))
    else:
        yield from _certificate(Certificate.parse(octets))


def _certificate(certificate: Certificate) -> Iterator[str]:
    extensions = certificate.extensions
    begin, end = certificate.signing_period
    scheme = certificate.scheme
    yield f"{kind_of(certificate).noun} {certificate.serial:X}"
    yield f"  subject        {certificate.subject}"
    yield f"  issuer         {certificate.issuer}"
    yield f"  key            {certificate.key}"
    yield f"  signed with    {'an unknown algorithm' if scheme is None else scheme.description}"
    valid = certificate.not_before, certificate.not_after
    yield f"  valid          {' to '.join(map(_instant, valid))}"
    if extensions.private_key_usage_period is not None:
        yield f"  key signs      {_instant(begin)} to {_instant(end)}"
    if extensions.key_usage is not None:
        names = sorted(KeyUsage(each).name for each in extensions.key_usage)
        yield f"  key usage      {', '.join(names).lower().replace('_', ' ')}"
    for name, values in (
        ("document types", sorted(extensions.document_types or ())),
        ("CRL at", extensions.crl_distribution_points),
        ("purposes", sorted(extensions.extended_key_usage or ())),
        ("read past", sorted(each.explanation for each in certificate.tolerated)),
    ):
        if values:
            yield f"  {name:14} {', '.join(values)}"
    for name, identifier in (
        ("subject key", extensions.subject_key_identifier),
        ("authority key", extensions.authority_key_identifier),
    ):
        if identifier is not None:
            yield f"  {name:14} {identifier.hex()}"
    yield f"  SHA-256        {certificate.fingerprint.hex()}"


def _crl(crl: Crl) -> Iterator[str]:
    number = "without a number" if crl.number is None else f"number {crl.number}"
    end = "no next one named" if crl.next_update is None else f"next by {_instant(crl.next_update)}"
    yield f"revocation list, {number}"
    yield f"  issuer         {crl.issuer}"
    yield f"  issued         {_instant(crl.this_update)}, {end}"
    if crl.objection is not None:
        yield f"  cannot be used: {crl.objection}"
    yield f"  revoked        {len(crl.revoked)}"
    for serial, at in list(crl.revoked.items())[:_SHOWN]:
        yield f"    {serial:X} on {_instant(at)}"
    if len(crl.revoked) > _SHOWN:
        yield f"    and {len(crl.revoked) - _SHOWN} more"


def _list(signed: SignedData, what: str) -> Iterator[str]:
    if signed.content_type == ID_MASTER_LIST:
        listed = MasterList.read(signed).certificates
        countries = sorted({each.country or "?" for each in listed})
        named = "1 country" if len(countries) == 1 else f"{len(countries)} countries"
        yield f"Master List of {counted(len(listed), 'certificate')} of {named}"
        yield f"  countries      {' '.join(countries)}"
    elif signed.content_type == ID_DEVIATION_LIST:
        deviations = DeviationList.read(signed).deviations
        yield f"Deviation List of {counted(len(deviations), 'deviation')}"
    else:
        raise MalformedError(what, f"signs content of type {signed.content_type}")
    for info in signed.signers:
        if info.signing_time is not None:
            yield f"  signed         {_instant(info.signing_time)}"
    for each in signed.certificates:
        yield f"  enclosed       {kind_of(each).noun} {each.serial:X}, {each.subject}"
    yield f"  content        SHA-256 {sha256(signed.content).hexdigest()}"


def _card_verifiable(certificate: CvCertificate) -> Iterator[str]:
    key = certificate.public_key.key
    yield f"card-verifiable certificate of {certificate.holder_reference}"
    yield f"  authority      {certificate.authority_reference}"
    yield f"  role           {certificate.role.name.lower().replace('_', ' ')}"
    yield f"  key            {'on the curve of its CVCA' if key is None else key.description}"
    valid = f"{certificate.effective} to {certificate.expiration}"
    yield f"  valid          {valid}, the last day included"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
