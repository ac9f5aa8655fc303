"""The EAC PKI of a State: the names of its keys and files, and the creation of its first chain.

DIR/terminal/cvca.cvcert    the trust point of chips
DIR/terminal/dv.cvcert      the domestic Document Verifier's certificate
DIR/terminal/is.cvcert      the inspection system's certificate; its key is is.p8
"""

from datetime import date
from pathlib import Path
from typing import Final

from emrtd.pki.cvc.issuing import CURVE, issue_chain
from personalise.pki.keys.custody import FileCustody, KeyCustody
from support.files import write_atomically

FOLDER: Final = "terminal"
TRUST_POINT: Final = "cvca.cvcert"
DV_CERTIFICATE: Final = "dv.cvcert"
IS_CERTIFICATE: Final = "is.cvcert"
IS_KEY: Final = "is"
CVCA_LABEL: Final = "cvca-1"
DOCUMENT_VERIFIER_LABEL: Final = "dv-1"


def make_terminal(
    folder: Path, country: str, custody: KeyCustody, local_keys: FileCustody, day: date
) -> None:
    """Make the keys and certificates of a CVCA, a Document Verifier and an inspection system.

    `custody` holds the keys of the first two; the inspection system's key and all certificates are
    written to the folder `terminal`.
    """
    terminal_keys = local_keys.beside(FOLDER)
    for label in (CVCA_LABEL, DOCUMENT_VERIFIER_LABEL):
        custody.generate(label, CURVE)
    chain = issue_chain(
        country,
        custody.signer(CVCA_LABEL),
        custody.signer(DOCUMENT_VERIFIER_LABEL),
        terminal_keys.generate(IS_KEY, CURVE),
        day,
    )
    for name, certificate in (
        (TRUST_POINT, chain.cvca),
        (DV_CERTIFICATE, chain.document_verifier),
        (IS_CERTIFICATE, chain.inspection_system),
    ):
        write_atomically(folder / FOLDER / name, certificate.encode())
