"""An issuing State with all its keys in memory, for specimens, forgeries, tests and measurements.

A real issuing State stores its keys securely and logs each operation; this class does neither.
"""

import secrets
from datetime import datetime
from typing import Final, Self

from emrtd.crypto.key_kinds import fitting_hash, generate_private_key
from emrtd.crypto.private_keys import PrivateKey, RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.iso7816.procedure import Random
from emrtd.lds.signing import DocumentSigner
from emrtd.mrz.countries import two_letter_code
from emrtd.pki.cvc.issuing import CURVE, CvChain, issue_chain
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.issuing import CountrySigningCa, CscaProfile, pkd_crl_url
from support.errors import MisuseError
from support.values import Hidden, Value

_FIRST: Final = 1


class IssuingState(Value, frozen=True):
    """A CSCA, its first Document Signer and revocation list, and a CVCA's chain.

    `csca_certificate` and `crl` (DER) are for trust stores, `chain.cvca` for chips;
    `inspection_system` is the private key of the chain's last certificate.
    """

    csca: CountrySigningCa
    csca_certificate: Certificate
    document_signer: DocumentSigner
    crl: Hidden[bytes]
    chain: CvChain
    inspection_system: Hidden[PrivateKey]

    @classmethod
    def make(
        cls,
        at: datetime,
        state: str = "UTO",
        *,
        organisation: str = "Utopia",
        key: str = "brainpoolP256r1",
        random: Random = secrets.token_bytes,
    ) -> Self:
        """Make the keys, and issue all certificates and the CRL at one instant.

        `state` is the code in the MRZ.  `key` is the kind of the CSCA's and the Document Signer's
        key: the name of a curve, or "RSA-3072".  With elliptic-curve keys the same `random` makes
        the same State.  Raises `MisuseError` for an unknown State or kind of key.
        """
        country = two_letter_code(state)
        if country is None:
            raise MisuseError(f"{state!r} is not the code of a State in the MRZ, such as UTO or D")
        at = at.replace(microsecond=0)
        csca_key, signer_key = (generate_private_key(key, random) for _ in range(2))
        rsa = isinstance(csca_key, RsaPrivateKey)
        family = SignatureFamily.RSA_PSS if rsa else SignatureFamily.ECDSA
        scheme = SignatureScheme(family, fitting_hash(key))
        profile = CscaProfile(state, country, organisation, scheme, (pkd_crl_url(state),))
        csca = CountrySigningCa(profile, csca_key, random)
        root = csca.issue_root(at)
        certificate = csca.issue_document_signer(signer_key.public_key, _FIRST, at)
        cvca, document_verifier, inspection_system = (
            generate_private_key(CURVE, random) for _ in range(3)
        )
        return cls(
            csca,
            root,
            DocumentSigner(signer_key, certificate, root, scheme),
            csca.issue_crl(_FIRST, at),
            issue_chain(country, cvca, document_verifier, inspection_system.public_key, at.date()),
            inspection_system,
        )
