"""Signs Master Lists and Deviation Lists (Doc 9303-12, 9 and 10)."""

from datetime import datetime

from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.x509.certificates import Certificate


def sign_list(
    content_type: str,
    content: bytes,
    signer: Signer,
    certificate: Certificate,
    *,
    csca: Certificate,
    scheme: SignatureScheme,
    at: datetime,
) -> bytes:
    """Sign the content of a list; return the SignedData (DER).

    `content_type` is `ID_MASTER_LIST` or `ID_DEVIATION_LIST`.  The signer is named by its key
    identifier, and the list encloses its certificate and the CSCA's (Tables 18 and 19).  Raises
    `MisuseError` if the certificate is not for the signer's key.
    """
    return build_signed_data(
        content_type,
        content,
        signer,
        certificate,
        scheme.hash,
        at,
        scheme=scheme,
        by_key_identifier=True,
        others=[csca],
    )
