"""The Country Verifying CA and those below it: who may read fingerprints (Doc 9303-12, 7.2).

A CVCA certifies Document Verifiers, and these certify inspection systems.  Validities are short,
for a chip has no clock and no revocation list.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import PublicKey, SignatureFamily, SignatureScheme, Signer
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Role
from emrtd.pki.cvc.certificates import CvCertificate, holder_reference, issue
from emrtd.pki.cvc.keys import CvPublicKey
from personalise.pki.key_custody import FileCustody, KeyCustody
from support.files import write_atomically

FOLDER: Final = "terminal"
TRUST_POINT: Final = "cvca.cvcert"
DV_CERTIFICATE: Final = "dv.cvcert"
IS_CERTIFICATE: Final = "is.cvcert"
IS_KEY: Final = "is"
CVCA_LABEL: Final = "cvca-1"
DOCUMENT_VERIFIER_LABEL: Final = "dv-1"
CURVE: Final = "brainpoolP256r1"
SCHEME: Final = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)

# Doc 9303-12, Table 3: 6 months to 3 years, 2 weeks to 3 months, 1 day to 1 month.
CVCA_VALIDITY: Final = timedelta(days=3 * 365)
DOCUMENT_VERIFIER_VALIDITY: Final = timedelta(days=90)
INSPECTION_SYSTEM_VALIDITY: Final = timedelta(days=30)

_FIRST: Final = "00001"


@dataclass(frozen=True)
class VerifyingChain:
    """Certificates from the trust point of chips down to one inspection system."""

    cvca: CvCertificate
    document_verifier: CvCertificate
    inspection_system: CvCertificate


def issue_chain(
    country: str, cvca: Signer, document_verifier: Signer, inspection_system: PublicKey, day: date
) -> VerifyingChain:
    """Certify a CVCA by itself, a domestic Document Verifier, and an inspection system.

    The inspection system may read fingerprints and irises.  `country` is of two letters; every
    period begins on `day`.
    """
    root, middle, end = (
        holder_reference(country, mnemonic, _FIRST) for mnemonic in ("CVCA", "DV", "IS")
    )

    def certify(  # noqa: PLR0917 - what a certificate says
        key: PublicKey, holder: str, role: Role, validity: timedelta, signer: Signer, authority: str
    ) -> CvCertificate:
        return issue(
            public_key=CvPublicKey.of(key, SCHEME),
            holder=holder,
            chat=Chat.inspection_system(role, ALL_RIGHTS),
            effective=day,
            expiration=day + validity,
            signer=signer,
            scheme=SCHEME,
            authority=authority,
        )

    return VerifyingChain(
        certify(cvca.public_key, root, Role.CVCA, CVCA_VALIDITY, cvca, root),
        certify(
            document_verifier.public_key,
            middle,
            Role.DV_DOMESTIC,
            DOCUMENT_VERIFIER_VALIDITY,
            cvca,
            root,
        ),
        certify(
            inspection_system,
            end,
            Role.TERMINAL,
            INSPECTION_SYSTEM_VALIDITY,
            document_verifier,
            middle,
        ),
    )


def make_terminal(
    folder: Path, country: str, custody: KeyCustody, local_keys: FileCustody, day: date
) -> None:
    """Make a CVCA, a Document Verifier, and one inspection system with all that it needs.

    The keys of the first two stay in `custody`; the inspection system gets a folder of its own.
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
