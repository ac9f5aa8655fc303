"""What a PKI holds, as values: keys, certificates, the CRL, lists, and what was done last."""

from datetime import datetime
from enum import StrEnum, unique
from typing import Self

from emrtd.pki.x509.certificates import Certificate
from personalise.pki.settings import Revocation
from support.values import Value


@unique
class Use(StrEnum):
    """What a certificate or key is for now."""

    IN_USE = "in use"
    KEPT = "kept"
    EXPIRED = "expired"
    REVOKED = "revoked"


class HeldCertificate(Value, frozen=True):
    """A certificate of the PKI; `name` is its key's label or its file's name.

    `current` says that it is the newest of its use, though it may be revoked or expired.
    `signs_until` is the end of the private key's usage; for a card-verifiable certificate, all
    times are the begin of a day, and the last day is included.
    """

    name: str
    kind: str
    serial: str
    subject: str
    key: str
    valid_from: datetime
    valid_until: datetime
    signs_until: datetime
    current: bool
    use: Use
    documents: int | None = None
    limit: int | None = None

    @classmethod
    def of(
        cls,
        certificate: Certificate,
        name: str,
        kind: str,
        use: Use,
        *,
        current: bool,
        documents: int | None = None,
        limit: int | None = None,
    ) -> Self:
        """Return a certificate of X.509."""
        return cls(
            name,
            kind,
            f"{certificate.serial:X}",
            str(certificate.subject),
            certificate.key,
            certificate.not_before,
            certificate.not_after,
            certificate.signing_period[1],
            current,
            use,
            documents,
            limit,
        )


class HeldKey(Value, frozen=True):
    """A private key by its label: in a file or in the HSM, and its certificate's serial number."""

    label: str
    place: str
    certificate: str | None


class CurrentCrl(Value, frozen=True):
    """The revocation list in force, and the revocations that it does not have yet."""

    number: int | None
    this_update: datetime
    next_update: datetime | None
    revoked: int
    missing: tuple[Revocation, ...]


class PublishedList(Value, frozen=True):
    """A Master List that was signed: when, over how many certificates, and its digest (hex)."""

    kind: str
    at: str
    certificates: int
    sha256: str


class Performed(Value, frozen=True):
    """An operation in the audit log, and the officers who approved it."""

    at: str
    operation: str
    subject: dict[str, str]
    outcome: str
    officers: tuple[str, ...]


class Overview(Value, frozen=True):
    """A PKI at an instant.

    `log_error` says why the audit log cannot be relied on, if so; `interrupted` are the operations
    in it that were begun and have no end.  `clock_error` says that the clock is behind.
    """

    folder: str
    state: str
    organisation: str
    at: datetime
    officers: tuple[str, ...]
    required: int
    keys: tuple[HeldKey, ...]
    certificates: tuple[HeldCertificate, ...]
    crl: CurrentCrl | None
    revocations: tuple[Revocation, ...]
    lists: tuple[PublishedList, ...]
    last: tuple[Performed, ...]
    interrupted: tuple[Performed, ...]
    log_head: str
    log_error: str | None
    clock_error: str | None
