"""The rules of the signing service: who may have what signed, how often, and by which signer.

Every method runs on the service's one signing thread, so nothing here needs a lock.  Time is an
argument.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Final, Protocol

from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.lds.security.security_object import SecurityObject
from emrtd.pki.signer_profile import covers
from emrtd.pki.x509.certificates import Certificate
from personalise.sign_service.interface import (
    DOCUMENT_NUMBER,
    MAX_BODY,
    MAX_IDEMPOTENCY_KEY,
    MAX_NUMBER,
    SignedFile,
)
from personalise.sign_service.ledger import Ledger, Signed
from support.errors import MisuseError


@unique
class Health(StrEnum):
    """Whether signatures are left: plenty, few, or none."""

    OK = "ok"
    LOW = "low"
    EXHAUSTED = "exhausted"


LOW: Final = 0.1
"""Below this part of all that the signers may sign, health is "low"."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class RefusedError(MisuseError):
    """The service does not sign this; `status` is the HTTP status, `retry_after` in seconds."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(reason)


class SigningKey(Protocol):
    """A Document Signer that verifies what it signs before it returns it."""

    @property
    def certificate(self) -> Certificate:
        """Its certificate."""
        ...

    def sign_security_object(self, security_object: SecurityObject, at: datetime) -> bytes:
        """Sign the hashes of the data groups; returns the whole EF.SOD."""
        ...

    def sign_card_security(self, security_infos: bytes, at: datetime) -> bytes:
        """Sign SecurityInfos; returns the whole EF.CardSecurity."""
        ...


Signers = Callable[[], Sequence[SigningKey]]
"""The Document Signers that may sign at present, the oldest first."""


class DocumentRegister(Protocol):
    """Which Document Signer signed which document: `personalise.pki.register.Register`."""

    def count(self, signer: bytes) -> int:
        """How many documents a Document Signer has signed."""
        ...

    def takes(self, sealed_number: bytes) -> bool:
        """Whether a number is sealed for it; `MalformedError` for what is not sealed at all."""
        ...

    def enter(self, signer: bytes, at: datetime, sod: bytes, sealed_number: bytes) -> bool:
        """Enter one, which is nothing new where it is there already."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """A data-preparation client: its certificate's SHA-256 and end, and what it may have signed."""

    name: str
    fingerprint: bytes
    document_types: frozenset[str]
    signatures_per_minute: int
    signatures_per_day: int
    valid_until: datetime = _NEVER


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a client asks for; `body` is the DER of what is to be signed.

    `number` is the document's, sealed: for a security object.
    """

    kind: SignedFile
    idempotency_key: str
    document_type: str
    body: bytes = field(repr=False)
    number: bytes = field(repr=False, default=b"")

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that makes it this request and no other.

        Not the number: it is sealed anew by each run of a client, and stands in the body's DG1.
        """
        head = f"{self.kind}\n{self.document_type}\n".encode()
        return hashlib.sha256(head + self.body).digest()


class SigningService:
    """Signs for clients with the first of its Document Signers that still may.

    `limit` is how many documents one Document Signer signs; when it is reached the next one takes
    over between two signatures.
    """

    def __init__(
        self,
        clients: Sequence[Client],
        signers: Signers,
        limit: int,
        ledger: Ledger,
        register: DocumentRegister,
    ) -> None:
        self._clients: Mapping[bytes, Client] = {each.fingerprint: each for each in clients}
        self._signers = signers
        self._limit = limit
        self._ledger = ledger
        self._register = register
        self._allowances: dict[str, _Allowance] = {}

    def client(self, certificate: bytes, at: datetime) -> Client:
        """The client with this certificate (DER); a connection may outlive its certificate."""
        known = self._clients.get(hashlib.sha256(certificate).digest())
        if known is None:
            raise RefusedError(403, "this client certificate is not in the service's configuration")
        if at > known.valid_until:
            raise RefusedError(403, f"the certificate of {known.name} has expired")
        return known

    def sign(self, client: Client, request: SigningRequest, at: datetime) -> bytes:
        """Sign, or give again what was signed before under the same key."""
        if len(request.body) > MAX_BODY:
            raise RefusedError(413, f"what is to be signed is larger than {MAX_BODY} octets")
        is_document = request.kind is SignedFile.SECURITY_OBJECT
        if is_document and not self._takes_number(request.number):
            raise RefusedError(400, f"give a {DOCUMENT_NUMBER}, sealed for the register, in base64")
        key = request.idempotency_key
        if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii():
            raise RefusedError(400, "give an Idempotency-Key of 1 to 128 ASCII characters")
        known = self._ledger.find(client.name, key)
        if known is not None:
            if known.request != request.digest:
                raise RefusedError(409, "this Idempotency-Key was used for another request")
            self._enter_document(request, known)
            return known.response
        if request.document_type not in client.document_types:
            raise RefusedError(403, f"{client.name} may not have documents of this type signed")
        self._charge(client, at)
        signer = self.signer(at)
        types = signer.certificate.extensions.document_types
        if types is not None and not covers(types, request.document_type):
            raise RefusedError(403, "the Document Signer does not sign documents of this type")
        response = _sign(signer, request, at)
        signed = Signed(client.name, key, request.digest, id_of(signer), request.kind, at, response)
        self._ledger.enter(signed)
        self._enter_document(request, signed)
        return response

    def _enter_document(self, request: SigningRequest, signed: Signed) -> None:
        """Enter a document into the PKI's register, once; before that nobody is given its EF.SOD.

        Where that fails, the answer waits in the ledger, and whoever asks again causes no second
        signature.
        """
        if request.kind is SignedFile.SECURITY_OBJECT:
            digest = hashlib.sha256(signed.response).digest()
            self._register.enter(signed.signer, signed.at, digest, request.number)

    def signer(self, at: datetime) -> SigningKey:
        """The Document Signer in use at an instant: the first that is valid and below its limit."""
        for each in self._signers():
            if _may_sign(each.certificate, at) and self._used_by(each) < self._limit:
                return each
        raise RefusedError(
            503, "every Document Signer has reached its limit or its end, or is revoked; issue one"
        )

    def remaining(self, at: datetime) -> dict[str, int]:
        """How many signatures each valid Document Signer has left, by its serial number."""
        return {
            f"{each.certificate.serial:X}": max(0, self._limit - self._used_by(each))
            for each in self._signers()
            if _may_sign(each.certificate, at)
        }

    def health(self, at: datetime) -> Health:
        """Whether the Document Signers in use have signatures left at an instant."""
        left = sum(self.remaining(at).values())
        if left == 0:
            return Health.EXHAUSTED
        return Health.LOW if left < LOW * self._limit * len(self._signers()) else Health.OK

    def _takes_number(self, number: bytes) -> bool:
        return 1 <= len(number) <= MAX_NUMBER and self._register.takes(number)

    def _used_by(self, signer: SigningKey) -> int:
        return self._register.count(id_of(signer))

    def _charge(self, client: Client, at: datetime) -> None:
        if self._ledger.given(client.name, at) >= client.signatures_per_day:
            raise RefusedError(429, f"{client.name} has used its signatures of the day", 3600)
        allowance = self._allowances.setdefault(
            client.name, _Allowance(float(client.signatures_per_minute), at)
        )
        if not allowance.take(client.signatures_per_minute, at):
            wait = max(1, 60 // client.signatures_per_minute)
            raise RefusedError(429, f"{client.name} asks faster than it may", wait)


@dataclass
class _Allowance:
    """What is left of a client's rate: a bucket that refills through the minute."""

    left: float
    since: datetime

    def take(self, per_minute: int, at: datetime) -> bool:
        refilled = (at - self.since).total_seconds() * per_minute / 60
        self.left = min(float(per_minute), self.left + max(refilled, 0.0))
        self.since = at
        if self.left < 1:
            return False
        self.left -= 1
        return True


def id_of(signer: SigningKey) -> bytes:
    """How the ledger names a Document Signer: the SHA-256 of its certificate."""
    return signer.certificate.fingerprint


def _may_sign(certificate: Certificate, at: datetime) -> bool:
    begin, end = certificate.signing_period
    return begin <= at <= end


def _sign(signer: SigningKey, request: SigningRequest, at: datetime) -> bytes:
    body = request.body
    if request.kind is SignedFile.SECURITY_OBJECT:
        security_object = SecurityObject.decode(body)
        try:
            security_object.encode()
        except MisuseError as error:  # what may be read of other States is not what we sign
            raise RefusedError(400, str(error)) from None
        return signer.sign_security_object(security_object, at)
    SecurityInfos.decode(body)  # nothing that is not SecurityInfos is signed as EF.CardSecurity
    return signer.sign_card_security(body, at)
