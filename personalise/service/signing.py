"""The interface of the signing service: paths, headers, and the files that are signed.

`DESCRIPTION` has every operation.  Both ends authenticate with a certificate (mutual TLS).  A
request to sign carries an `Idempotency-Key`: the same key with the same body returns the same
answer and signs only once.  A security object is sent with `Document-Number`, the number encrypted
for the key of the PKI's register (CMS, base64); the service cannot decrypt it.
"""

from dataclasses import replace
from enum import StrEnum, unique
from typing import Final

from personalise.service.errors import ErrorKind
from personalise.service.operations import (
    COMMON,
    EVERYWHERE,
    IDEMPOTENCY,
    OCTETS,
    Answer,
    Body,
    Description,
    Operation,
    Parameter,
)

DOCUMENT_NUMBER: Final = "Document-Number"
DOCUMENT_TYPE: Final = "document_type"

MAX_BODY: Final = 16 * 1024
"""The longest request body, in octets; a security object of 16 SHA-512 hashes has 1,300."""

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

_TYPE: Final = Parameter(
    DOCUMENT_TYPE,
    "query",
    "The document's code in the MRZ, without fillers.",
    {"type": "string", "pattern": "^[A-Z]{1,2}$"},
    "IR",
)
_NUMBER: Final = Parameter(
    DOCUMENT_NUMBER,
    "header",
    "The document's number, encrypted for `register.pub` of the PKI: CMS EnvelopedData (DER,"
    f" at most {MAX_NUMBER:,} octets), in base64.",
    {"type": "string", "contentEncoding": "base64"},
    "MIIBmAYJKoZIhvcNAQcDoIIBiTCCAYUCAQIxggE",
)
_ERRORS: Final = (
    ErrorKind.MALFORMED,
    ErrorKind.NOT_ALLOWED,
    ErrorKind.TIMEOUT,
    ErrorKind.KEY_REUSED,
    ErrorKind.TOO_LARGE,
    ErrorKind.LIMIT,
    *EVERYWHERE,
)
_SIGN: Final = Operation(
    "signSecurityObject",
    "POST",
    SignedFile.SECURITY_OBJECT.path,
    "Have the hashes of the data groups signed",
    (Answer(200, "EF.SOD, whole (Doc 9303-10, 4.6.2).", media_type=OCTETS),),
    _ERRORS,
    description="The service enters the document in the PKI's register before it answers.",
    parameters=(IDEMPOTENCY, _NUMBER, _TYPE),
    body=Body("LDSSecurityObject (DER).", (OCTETS,), MAX_BODY),
)

DESCRIPTION: Final = Description(
    "Chipseal signing service",
    "Signs EF.SOD and EF.CardSecurity for systems that prepare documents.",
    "1.0",
    (
        _SIGN,
        replace(
            _SIGN,
            name="signCardSecurity",
            path=SignedFile.CARD_SECURITY.path,
            summary="Have SecurityInfos signed",
            answers=(
                Answer(200, "EF.CardSecurity, whole (Doc 9303-11, 9.2.11).", media_type=OCTETS),
            ),
            description="",
            parameters=(IDEMPOTENCY, _TYPE),
            body=Body("SecurityInfos (DER).", (OCTETS,), MAX_BODY),
        ),
        Operation(
            "getDocumentSigner",
            "GET",
            DOCUMENT_SIGNER_PATH,
            "The Document Signer in use",
            (Answer(200, "Its certificate (DER).", media_type=OCTETS),),
            EVERYWHERE,
        ),
        *COMMON,
    ),
)
