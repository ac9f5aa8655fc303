"""The interface of the intake service: what is sent, and what is answered.

`DESCRIPTION` has every operation.  Nothing in a path, a query or a header is a person's data: a
package and an application are named by identifiers that the service has drawn.
"""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from personalise.service.errors import ErrorKind
from personalise.service.operations import (
    COMMON,
    EVERYWHERE,
    IDEMPOTENCY,
    Answer,
    Body,
    Description,
    Operation,
    Parameter,
)

PACKAGES_PATH: Final = "/v1/packages"
APPLICATIONS_PATH: Final = "/v1/applications"
CERTIFICATES_PATH: Final = "/v1/certificates"

SEALED_TYPES: Final = ("application/pkcs7-mime", "application/cms")
"""An encrypted package: DER, PEM or S/MIME."""
CLEAR_TYPES: Final = ("application/zip", "application/x-tar", "application/gzip")
"""An archive in clear, from clients that may send one."""

MAX_MEGABYTES: Final = 64
"""The longest encrypted package, unless the configuration says otherwise."""

_INSTANT: Final = "An instant in UTC: YYYY-MM-DDThh:mm:ssZ."
_PACKAGE: Final = "P-5f0c9d1be2a84763"
_APPLICATION: Final = "A-6b1f20c4d97e835a"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class ReceiptSender(msgspec.Struct, frozen=True):
    """Who sent a package."""

    status: Annotated[
        str, msgspec.Meta(description='"authenticated" or "sender not authenticated".')
    ]
    subject: str | None = None
    serial: str | None = None
    certificate_sha256: str | None = None
    signed: Annotated[str | None, msgspec.Meta(description="When it was signed.")] = None


class ReceiptApplication(msgspec.Struct, frozen=True):
    """What became of one application of a package."""

    position: Annotated[int, msgspec.Meta(description="In the archive, from 1.")]
    reference: Annotated[
        str | None, msgspec.Meta(description="Its name, if that is a running number.")
    ]
    outcome: Annotated[str, msgspec.Meta(description='"taken", "held" or "refused".')]
    application: Annotated[str | None, msgspec.Meta(description="Its identifier; null if refused.")]
    field: Annotated[str | None, msgspec.Meta(description="The dotted path of a wrong field.")]
    reason: str | None
    advice: str | None


class ReceiptPackage(msgspec.Struct, frozen=True):
    """What became of one package; `code` says why a whole package was refused."""

    package: str | None
    sha256: Annotated[str | None, msgspec.Meta(description="SHA-256 of what was sent.")]
    sender: ReceiptSender
    outcome: Annotated[str, msgspec.Meta(description='"read" or "refused".')]
    code: str | None
    reason: str | None
    advice: str | None
    taken: int
    held: int
    refused: int
    applications: list[ReceiptApplication]


class ReceiptContent(msgspec.Struct, frozen=True):
    """The content of a receipt: a package and its applications, without a person's data."""

    version: int
    issuing_state: str
    at: Annotated[str, msgspec.Meta(description=_INSTANT)]
    taken: int
    held: int
    refused: int
    refused_packages: int
    packages: list[ReceiptPackage]


@unique
class PackageState(StrEnum):
    """How far a package is."""

    WAITING = "waiting"
    """Stored, and not yet looked at."""
    DONE = "done"
    """There is a receipt."""
    FAILED = "failed"
    """It cannot be looked at: an internal error, which the service's log names."""


class Package(msgspec.Struct, frozen=True):
    """A package that was sent; `receipt` and `content` once it is done."""

    package: Annotated[str, msgspec.Meta(description="Its identifier.")]
    state: PackageState
    sha256: Annotated[str, msgspec.Meta(description="SHA-256 of what was sent.")]
    octets: int
    accepted: Annotated[str, msgspec.Meta(description=_INSTANT)]
    receipt: Annotated[
        str | None,
        msgspec.Meta(description="CMS SignedData (DER, base64) over the content."),
    ] = None
    content: Annotated[
        ReceiptContent | None,
        msgspec.Meta(description="What the receipt says, not signed; verify the receipt."),
    ] = None


class ApplicationState(msgspec.Struct, frozen=True):
    """How far an application is."""

    application: Annotated[str, msgspec.Meta(description="Its identifier.")]
    state: Annotated[
        str,
        msgspec.Meta(
            description="received, held, prepared, claimed, in-doubt, issued, rejected or purged."
        ),
    ]
    final: Annotated[bool, msgspec.Meta(description="Whether it stays so, but for a reprint.")]
    since: Annotated[str, msgspec.Meta(description=_INSTANT)]
    reason: Annotated[str | None, msgspec.Meta(description="Why it is held or rejected.")] = None
    delivery: Annotated[
        str | None,
        msgspec.Meta(
            description="Of a card that is made: checked, failed, packed, handed-over or returned."
        ),
    ] = None


class Applications(msgspec.Struct, frozen=True):
    """The applications of a package that were taken or held."""

    package: str
    applications: list[ApplicationState]


class IntakeCertificate(msgspec.Struct, frozen=True):
    """A certificate of the intake."""

    key: Annotated[str, msgspec.Meta(description="The kind of its key.")]
    until: Annotated[str, msgspec.Meta(description=_INSTANT)]
    certificate: Annotated[str, msgspec.Meta(description="DER, base64.")]


class Certificates(msgspec.Struct, frozen=True):
    """For whom packages are encrypted, the newest last, and who signs receipts."""

    intake: list[IntakeCertificate]
    receipt: IntakeCertificate


_EXAMPLE_CONTENT: Final = ReceiptContent(
    1,
    "UTO",
    "2026-11-30T08:15:02Z",
    taken=1,
    held=0,
    refused=1,
    refused_packages=0,
    packages=[
        ReceiptPackage(
            None,
            _SHA256,
            ReceiptSender("authenticated", "CN=Case working", "01", _SHA256, None),
            "read",
            None,
            None,
            None,
            taken=1,
            held=0,
            refused=1,
            applications=[
                ReceiptApplication(1, "0001", "taken", _APPLICATION, None, None, None),
                ReceiptApplication(
                    2,
                    "0002",
                    "refused",
                    None,
                    "holder.born",
                    "is not a date of the calendar",
                    None,
                ),
            ],
        )
    ],
)
_WAITING: Final = Package(_PACKAGE, PackageState.WAITING, _SHA256, 40213, "2026-11-30T08:15:00Z")
_DONE: Final = Package(
    _PACKAGE,
    PackageState.DONE,
    _SHA256,
    40213,
    "2026-11-30T08:15:00Z",
    "MIIEqQYJKoZIhvcNAQcCoIIEmjCCBJY=",
    _EXAMPLE_CONTENT,
)
_ISSUED: Final = ApplicationState(
    _APPLICATION, "issued", final=True, since="2026-12-01T09:02:17Z", delivery="packed"
)
_CERTIFICATE: Final = IntakeCertificate(
    "brainpoolP256r1", "2036-11-27T00:00:00Z", "MIIB2DCCAX6gAwIBAgIQ"
)

_PACKAGE_ID: Final = Parameter(
    "package",
    "path",
    "The package's identifier.",
    {"type": "string", "pattern": "^P-[0-9a-f]{16}$"},
    _PACKAGE,
)
_APPLICATION_ID: Final = Parameter(
    "application",
    "path",
    "The application's identifier, from the receipt.",
    {"type": "string", "pattern": "^A-[0-9a-f]{16}$"},
    _APPLICATION,
)
_FOUND: Final = (ErrorKind.NOT_FOUND, *EVERYWHERE)
_LOCATION: Final = {"Location": "The path of the package."}

DESCRIPTION: Final = Description(
    "Chipseal intake service",
    "Takes applications for documents from case-working systems, and says how far they are.",
    "1.0",
    (
        Operation(
            "sendPackage",
            "POST",
            PACKAGES_PATH,
            "Send a package of one application or many",
            (
                Answer(200, "It was sent before, under the same key.", _DONE, headers=_LOCATION),
                Answer(201, "It was looked at; there is a receipt.", _DONE, headers=_LOCATION),
                Answer(
                    202,
                    "It is stored, and will be looked at; ask for it later.",
                    _WAITING,
                    headers={**_LOCATION, "Retry-After": "Seconds to wait."},
                ),
            ),
            (
                ErrorKind.MALFORMED,
                ErrorKind.NOT_ALLOWED,
                ErrorKind.TIMEOUT,
                ErrorKind.KEY_REUSED,
                ErrorKind.TOO_LARGE,
                ErrorKind.WRONG_TYPE,
                ErrorKind.LIMIT,
                *EVERYWHERE,
            ),
            description="A package that is refused whole has a receipt as well, which says why.",
            parameters=(IDEMPOTENCY,),
            body=Body(
                "An encrypted package, or, if the client may send one, an archive in clear.",
                (*SEALED_TYPES, *CLEAR_TYPES),
                MAX_MEGABYTES * 1024 * 1024,
            ),
        ),
        Operation(
            "getPackage",
            "GET",
            f"{PACKAGES_PATH}/{{package}}",
            "A package that was sent, and its receipt",
            (Answer(200, "The package.", _DONE),),
            _FOUND,
            parameters=(_PACKAGE_ID,),
        ),
        Operation(
            "listApplications",
            "GET",
            f"{PACKAGES_PATH}/{{package}}/applications",
            "How far the applications of a package are",
            (Answer(200, "Those that were taken or held.", Applications(_PACKAGE, [_ISSUED])),),
            _FOUND,
            parameters=(_PACKAGE_ID,),
        ),
        Operation(
            "getApplication",
            "GET",
            f"{APPLICATIONS_PATH}/{{application}}",
            "How far an application is",
            (Answer(200, "The application.", _ISSUED),),
            _FOUND,
            parameters=(_APPLICATION_ID,),
        ),
        Operation(
            "getCertificates",
            "GET",
            CERTIFICATES_PATH,
            "For whom packages are encrypted, and who signs receipts",
            (Answer(200, "The certificates.", Certificates([_CERTIFICATE], _CERTIFICATE)),),
            EVERYWHERE,
        ),
        *COMMON,
    ),
)
