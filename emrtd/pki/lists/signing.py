"""Signs Master Lists and Deviation Lists (Doc 9303-12, 9 and 10), and verifies them."""

from datetime import datetime

from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_data import SignedData
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
    `MisuseError` if the certificate is not for the signer's key, `ProtocolError` if the list or the
    certificate does not verify.
    """
    encoded = build_signed_data(
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
    if certificate.public_key is None or csca.public_key is None:
        raise ProtocolError("the key of the list's signer or of its CSCA is of an unknown kind")
    signed = SignedData.parse(encoded, "signed list")
    signed.signers[0].verify(content_type, content, certificate.public_key)
    certificate.verify_signed_by(csca.public_key)
    return encoded
