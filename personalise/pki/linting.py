"""Linting of files: certificates, CRLs and signed lists, in DER or PEM (`personalise pki lint`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.errors import ProtocolError
from emrtd.pki.cms.bundle import read_bundle
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.cms.signer_info import SignerInfo
from emrtd.pki.lint.certificates import kind_of, lint_certificate
from emrtd.pki.lint.crl import lint_crl
from emrtd.pki.lint.findings import LintFinding
from emrtd.pki.lint.german import lint_german_key
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationList
from emrtd.pki.lists.master_list import ID_MASTER_LIST, MasterList
from emrtd.pki.pem import PEM_BEGIN, decode_pem
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import MAX_CRL, Crl
from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki.certificate_file import is_bundle, is_crl
from support.errors import MalformedError
from support.records import read_bounded

_MAX_FILE: Final = MAX_CRL  # the largest of these files
_MASTER_LIST, _DEVIATION_LIST = "Doc 9303-12, 9.1, Table 18", "Doc 9303-12, 10"

Finding = tuple[str, LintFinding]
"""The part of the file, and what is wrong with it."""


def lint_file(path: Path) -> Iterator[Finding]:
    """Yield a finding for every deviation of a file from its profile in Doc 9303-12.

    Raises `MalformedError` if the file is neither a certificate, nor a CRL, nor a signed list.
    """
    octets = read_bounded(path, _MAX_FILE)
    if octets.lstrip().startswith(PEM_BEGIN):
        for _, block in decode_pem(octets, path.name):
            yield from _lint(block, path.name)
    else:
        yield from _lint(octets, path.name)


def _lint(octets: bytes, what: str) -> Iterator[Finding]:
    whole = ber.read(ber.definite(octets, what), what).expect(der.SEQUENCE)
    first = whole.children[0] if whole.children else whole
    if is_bundle(octets):
        for each in read_bundle(octets, what) or ():
            yield from _lint(each, what)
    elif first.tag == der.OID:
        yield from _list(SignedData.parse(octets, what), what)
    elif is_crl(first):
        yield from (("CRL", finding) for finding in lint_crl(Crl.parse(octets)))
    else:
        yield from _certificate(Certificate.parse(octets))


def _certificate(certificate: Certificate) -> Iterator[Finding]:
    where = _where(certificate)
    for finding in (*lint_certificate(certificate), *lint_german_key(certificate)):
        yield where, finding


def _where(certificate: Certificate) -> str:
    return f"certificate {certificate.serial:X} of {certificate.country or 'no country'}"


def _list(signed: SignedData, what: str) -> Iterator[Finding]:
    if signed.content_type == ID_MASTER_LIST:
        master_list = MasterList.read(signed)
        listed, clause = master_list.certificates, _MASTER_LIST
        for each in master_list.unreadable:
            yield "list", LintFinding(each, "Doc 9303-12, 9.2")
        for stranger in master_list.strangers:
            reason = f"a {kind_of(stranger).noun}, and no CSCA or link certificate"
            yield _where(stranger), LintFinding(reason, "Doc 9303-12, 5.3")
    elif signed.content_type == ID_DEVIATION_LIST:
        DeviationList.read(signed)
        listed, clause = (), _DEVIATION_LIST
    else:
        raise MalformedError(what, f"signs content of type {signed.content_type}")
    enclosed = (*signed.certificates, *listed)
    for reason in _problems(signed, enclosed):
        yield "signature", LintFinding(reason, clause)
    for certificate in enclosed:
        yield from _certificate(certificate)


def _problems(signed: SignedData, enclosed: Sequence[Certificate]) -> Iterator[str]:
    """Yield what is wrong with the signature of a list, and with its signer."""
    if signed.version != 3:
        yield f"the version is {signed.version} and not 3"
    if signed.crls:
        yield "crls are enclosed"
    yield from (each.explanation for each in sorted(signed.tolerated))
    for info in signed.signers:
        if info.key_identifier is None:
            yield "the signer is named by issuer and serial number, not by its key identifier"
        if info.signing_time is None:
            yield "signingTime is missing"
        named = [each for each in signed.certificates if info.names(each)]
        signer = next((each for each in named if _has_signed(each, info, signed)), None)
        if not named:
            yield "the signer's certificate is not enclosed"
        elif signer is None:
            yield "the signature does not verify with the key of the signer that it names"
        elif kind_of(signer) in {CertificateKind.CSCA_ROOT, CertificateKind.CSCA_LINK}:
            yield "the signer is a CSCA"
        elif not any(each.is_ca and signer.is_signed_by(each) for each in enclosed):
            yield "the certificate of the signer's CSCA is not in the list"


def signers_of(signed: SignedData) -> Iterator[tuple[Certificate, SignerInfo]]:
    """Yield each enclosed certificate whose key has signed, and what it has signed with."""
    for info in signed.signers:
        for each in signed.certificates:
            if info.names(each) and _has_signed(each, info, signed):
                yield each, info


def _has_signed(certificate: Certificate, info: SignerInfo, signed: SignedData) -> bool:
    if certificate.public_key is None:
        return False
    try:
        info.verify(signed.content_type, signed.content, certificate.public_key)
    except ProtocolError:
        return False
    return True
