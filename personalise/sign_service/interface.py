"""The interface between client and service: paths, headers, and the files that are signed.

    POST /v1/security-objects?document_type=IR   LDSSecurityObject (DER)  ->  EF.SOD
    POST /v1/card-security?document_type=IR      SecurityInfos (DER)      ->  EF.CardSecurity
    GET  /v1/document-signer                     certificate of the Document Signer in use (DER)
    GET  /health                                 {"status": "ok" | "low" | "exhausted", ...}
    GET  /metrics                                Prometheus text

Both ends authenticate with a certificate (mutual TLS).  A request to sign carries an
`Idempotency-Key` that the client chooses: the same key with the same body returns the same answer
and signs only once.  A security object is sent with `Document-Number`, the number encrypted for the
key of the PKI's register (CMS, base64); the service cannot decrypt it.  An error is
{"error": "one line"}.
"""

from enum import StrEnum, unique
from typing import Final

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
DOCUMENT_NUMBER: Final = "Document-Number"
OCTETS: Final = "application/octet-stream"
DOCUMENT_TYPE: Final = "document_type"

MAX_BODY: Final = 16 * 1024
"""The longest request body, in octets; a security object of 16 SHA-512 hashes has 1,300."""

MAX_IDEMPOTENCY_KEY: Final = 128

MAX_NUMBER: Final = 4096
"""The longest sealed number, in octets; those of this client have about 400."""


@unique
class SignedFile(StrEnum):
    """A file that the service can sign, by the last part of its path."""

    SECURITY_OBJECT = "security-objects"
    CARD_SECURITY = "card-security"

    @property
    def path(self) -> str:
        """The path to which a request to sign it is posted."""
        return f"/v1/{self}"


DOCUMENT_SIGNER_PATH: Final = "/v1/document-signer"
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"
