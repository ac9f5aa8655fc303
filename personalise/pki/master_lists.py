"""Publishing a Master List: the CSCA and link certificates that this State trusts (Doc 9303-12, 9).

What is brought in was issued by others.  It is verified and linted before it is signed: whoever
imports the list rests on it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from emrtd.pki.lint.certificates import kind_of, lint_certificate
from emrtd.pki.lists.master_list import ID_MASTER_LIST, encode_master_list, is_csca
from emrtd.pki.lists.signing import sign_list
from emrtd.pki.x509.certificates import Certificate
from personalise.pki.list_signers import MASTER_LIST, list_signer
from personalise.pki.operations import PkiOperations
from support.errors import MisuseError
from support.files import write_atomically

_SHOWN: Final = 3
"""Findings in an error message; `personalise pki lint` prints all of them."""


def publish_master_list(
    operations: PkiOperations,
    brought: Sequence[tuple[Path, Certificate]],
    path: Path,
    *,
    reason: str = "",
) -> None:
    """Sign a Master List of certificates, each with the file that contains it; write it to `path`.

    `reason` says why certificates of other States are listed that do not conform to Doc 9303-12;
    it is entered in the audit log, which names the list by the SHA-256 of its signed content.
    Raises `MisuseError` if `path` exists, for a certificate that is not a CSCA's or is not signed
    by the key that it names, and for findings without a reason.
    """
    if path.exists():
        raise MisuseError(f"{path}: already exists", advice="choose another file for the list")
    pki = operations.pki
    own = pki.issued()
    certificates = {certificate: file for file, certificate in brought}
    _require_cscas(certificates)
    findings = list(_findings(certificates, own))
    if findings and not reason.strip():
        raise MisuseError(
            _summary(findings),
            advice="ask the State that issued it, or give the reason for listing it with"
            " --accept-findings",
        )
    signer, issuer = list_signer(operations, MASTER_LIST)
    content = encode_master_list(tuple(certificates))
    digest = hashlib.sha256(content).hexdigest()
    subject = {"certificates": str(len(certificates)), "sha256": digest}
    if findings:
        count = len({file for file, _ in findings})
        subject |= {"with findings": str(count), "reason": reason.strip()}
    key = pki.signer(operations.label_of(signer.public_key, MASTER_LIST.stem))
    with operations.operation("master-list.publish", subject):
        signed = sign_list(
            ID_MASTER_LIST,
            content,
            key,
            signer,
            csca=issuer,
            scheme=pki.scheme_of(signer),
            at=operations.at,
        )
        write_atomically(path, signed)


def _require_cscas(certificates: Mapping[Certificate, Path]) -> None:
    for certificate, file in certificates.items():
        if not is_csca(certificate):
            raise MisuseError(
                f"{file}: is not a CSCA or link certificate but a {kind_of(certificate).noun},"
                " and a Master List contains nothing else (Doc 9303-12, 5.3)",
                advice="leave it out",
            )
        is_known = certificate.public_key is not None and certificate.scheme is not None
        if is_known and _names_itself(certificate) and not certificate.is_signed_by(certificate):
            raise MisuseError(
                f"{file}: the certificate's own signature is wrong",
                advice="ask the State that issued it for the right one",
            )


def _names_itself(certificate: Certificate) -> bool:
    """Whether a certificate says that its own key signed it; a link has another authority key."""
    extensions = certificate.extensions
    authority = extensions.authority_key_identifier
    return certificate.is_self_issued and authority in {None, extensions.subject_key_identifier}


def _findings(
    certificates: Mapping[Certificate, Path], own: Sequence[Certificate]
) -> Iterator[tuple[Path, str]]:
    """Yield what is to be said against certificates of other States, with their files."""
    for certificate, file in certificates.items():
        if certificate in own:
            continue
        for finding in lint_certificate(certificate):
            yield file, f"{finding.reason} [{finding.clause}]"
        if not any(
            certificate.is_signed_by(each)
            for each in _may_have_signed(certificate, [*certificates, *own])
        ):
            yield file, "the CSCA that signed it is not among the certificates"


def _may_have_signed(
    certificate: Certificate, candidates: Sequence[Certificate]
) -> Iterator[Certificate]:
    wanted = certificate.extensions.authority_key_identifier
    for each in candidates:
        by_key = wanted is not None and each.extensions.subject_key_identifier == wanted
        if is_csca(each) and (by_key or certificate.issuer.matches(each.subject)):
            yield each


def _summary(findings: Sequence[tuple[Path, str]]) -> str:
    shown = "; ".join(f"{file}: {what}" for file, what in findings[:_SHOWN])
    more = len(findings) - _SHOWN
    return f"{shown}; and {more} more, see `personalise pki lint`" if more > 0 else shown
