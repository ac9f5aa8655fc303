"""What client and service agree on: paths, headers, and what is signed.

    POST /v1/security-objects?document_type=IR   LDSSecurityObject (DER)  ->  EF.SOD
    POST /v1/card-security?document_type=IR      SecurityInfos (DER)      ->  EF.CardSecurity
    GET  /v1/document-signer                     certificate of the Document Signer in use (DER)
    GET  /health                                 {"status": "ok" | "low" | "exhausted", ...}
    GET  /metrics                                Prometheus text

Both ends prove who they are by certificate (mutual TLS).  A request to sign carries an
`Idempotency-Key` of the client's choice: the same key with the same body has the same answer, and
signs once.  A security object comes with `Document-Number`, the number sealed for the PKI's
register (CMS, base64), which nobody but its officers opens.  An error is {"error": "one line"}.
"""

from enum import StrEnum, unique
from typing import Final

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
DOCUMENT_NUMBER: Final = "Document-Number"
OCTETS: Final = "application/octet-stream"
DOCUMENT_TYPE: Final = "document_type"

MAX_BODY: Final = 16 * 1024
"""The largest thing that is signed, in octets; a security object of 16 SHA-512 hashes has 1,300."""

MAX_IDEMPOTENCY_KEY: Final = 128

MAX_NUMBER: Final = 4096
"""The longest sealed number, in octets; ours have about 400."""


@unique
class SignedFile(StrEnum):
    """What can be signed, by the last part of its path."""

    SECURITY_OBJECT = "security-objects"
    CARD_SECURITY = "card-security"

    @property
    def path(self) -> str:
        """Where it is posted."""
        return f"/v1/{self}"


DOCUMENT_SIGNER_PATH: Final = "/v1/document-signer"
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"
