"""The client of the signing service."""

import base64
import uuid
from typing import TYPE_CHECKING

from personalise.client.connection import Connection
from personalise.service.errors import IDEMPOTENCY_KEY
from personalise.service.operations import OCTETS
from personalise.service.signing import (
    DOCUMENT_NUMBER,
    DOCUMENT_SIGNER_PATH,
    DOCUMENT_TYPE,
    SignedFile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class SigningClient(Connection):
    """Asks the signing service for signatures.

    It does not look at what it receives: `prepare --sign-service` verifies each signature and its
    chain to the CSCA before it uses it.
    """

    def document_signer(self) -> bytes:
        """Return the certificate (DER) of the Document Signer in use."""
        return self.get(DOCUMENT_SIGNER_PATH).content

    def sign(
        self,
        kind: SignedFile,
        content: bytes,
        document_type: str,
        sealed_number: bytes | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> bytes:
        """Have content signed; return EF.SOD or EF.CardSecurity.

        `content` is the DER of an LDSSecurityObject or of SecurityInfos, `sealed_number` the
        number of the document, encrypted for the PKI's register, for an EF.SOD.
        """
        headers: Mapping[str, str] = {
            IDEMPOTENCY_KEY: idempotency_key or str(uuid.uuid4()),
            "Content-Type": OCTETS,
        }
        if sealed_number is not None:
            headers = {**headers, DOCUMENT_NUMBER: base64.b64encode(sealed_number).decode()}
        return self.post(kind.path, content, headers, {DOCUMENT_TYPE: document_type}).content
