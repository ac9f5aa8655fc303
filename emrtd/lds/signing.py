"""The Document Signer: signs EF.SOD and EF.CardSecurity, and verifies each before returning it.

This finds a wrong certificate, a faulty HSM or an internal error before a chip is written.
"""

from datetime import datetime
from typing import Final

import msgspec

from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.errors import ProtocolError
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod, build_sod
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.x509.certificates import Certificate
from support.errors import MisuseError

ID_SECURITY_OBJECT: Final = "0.4.0.127.0.7.3.2.1"
"""The content type of EF.CardSecurity (Doc 9303-11, 9.2.11)."""


class DocumentSigner(msgspec.Struct, frozen=True):
    """A Document Signer's key and certificate, and the certificate of the CSCA that issued it."""

    signer: Signer
    certificate: Certificate
    csca: Certificate
    scheme: SignatureScheme

    def sign_security_object(self, security_object: SecurityObject, at: datetime) -> bytes:
        """Sign the hashes of the data groups; returns the whole EF.SOD.

        Raises `MisuseError` if the key may not sign at that instant, `ProtocolError` if the new
        signature does not verify.
        """
        self._check_period(at)
        encoded = build_sod(
            security_object,
            self.signer,
            self.certificate,
            hash=self.scheme.hash,
            scheme=self.scheme,
            signing_time=at,
        )
        sod = Sod.parse(encoded)
        self._check_signature(sod.signed_data, security_object.encode())
        return encoded

    def sign_card_security(self, security_infos: bytes, at: datetime) -> bytes:
        """Sign SecurityInfos (DER); returns the whole EF.CardSecurity.  Raises as above."""
        self._check_period(at)
        encoded = build_signed_data(
            ID_SECURITY_OBJECT,
            security_infos,
            self.signer,
            self.certificate,
            self.scheme.hash,
            at,
            scheme=self.scheme,
        )
        self._check_signature(SignedData.parse(encoded, "EF.CardSecurity"), security_infos)
        return encoded

    def _check_period(self, at: datetime) -> None:
        begin, end = self.certificate.signing_period
        if at < begin:
            raise MisuseError(
                f"the Document Signer's key signs from {begin:%Y-%m-%d %H:%M:%S} UTC on, and this"
                f" machine's clock says {at:%Y-%m-%d %H:%M:%S}",
                advice="set the clock, or wait until then",
            )
        if at > end:
            raise MisuseError(
                f"the Document Signer's key signs from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and not"
                f" on {at:%Y-%m-%d}",
                advice="issue a new Document Signer",
            )

    def _check_signature(self, signed: SignedData, content: bytes) -> None:
        """Verify the new signature, up to the CSCA, as an inspection system does."""
        if signed.content != content or len(signed.signers) != 1:
            raise ProtocolError("the Document Signer signed other content than requested")
        key, csca_key = self.certificate.public_key, self.csca.public_key
        if key is None or csca_key is None:
            raise ProtocolError("the kind of the Document Signer's or the CSCA's key is unknown")
        signed.signers[0].verify(signed.content_type, content, key)
        self.certificate.verify_signed_by(csca_key)
