"""Signing a stop list: the documents that this State reports as lost, stolen or given back."""

from collections.abc import Sequence
from datetime import datetime

from emrtd.pki.lists.stop_list import Stop, build_stop_list
from emrtd.pki.x509.certificates import Certificate
from personalise.pki.list_signers import STOP_LIST, list_signer
from personalise.pki.operations import PkiOperations


def issue_stop_list_signer(operations: PkiOperations) -> Certificate:
    """Make a Stop List Signer, which replaces the one before it."""
    pki, label = operations.pki, operations.new_label(STOP_LIST.stem)
    with operations.operation("signer.issue", {"label": label, "kind": STOP_LIST.name}):
        csca = operations.issuing_csca()
        with pki.certifying(label) as key:
            certificate = csca.issue_signing(key, STOP_LIST.name, operations.at)
        pki.publish(STOP_LIST.stem, certificate)
    return certificate


def sign_stop_list(
    operations: PkiOperations, stops: Sequence[tuple[str, str, Stop]], next_update: datetime
) -> bytes:
    """Sign a list of documents, each with its State and number; return DER.

    Raises `MisuseError` unless the PKI has a Stop List Signer that may sign now.
    """
    certificate, _ = list_signer(operations, STOP_LIST)
    label = operations.label_of(certificate.public_key, STOP_LIST.stem)
    signer = operations.pki.signer(label)
    return build_stop_list(stops, signer, certificate, operations.at, next_update)
