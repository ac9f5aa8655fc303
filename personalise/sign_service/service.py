"""The rules of the signing service: which client may have what signed, how often, by which signer.

Every method runs on the service's only signing thread.  Other processes may serve the same clients
from the same PKI and store, and `prepare` may sign beside them: from counting a signer's documents
to entering the next one, the register and the store are locked.  Time is an argument.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.lds.security.security_object import SecurityObject
from emrtd.pki.signer_profile import covers
from emrtd.pki.x509.certificates import Certificate
from personalise.pki.clock import TOLERANCE
from personalise.service.clients import Clients
from personalise.service.errors import ErrorKind, RefusedError, require_idempotency_key
from personalise.service.signing import (
    DOCUMENT_NUMBER,
    MAX_BODY,
    MAX_NUMBER,
    SignedFile,
)
from personalise.sign_service.signature_store import SignatureStore, Signed
from support.errors import MisuseError
from support.health import Condition

LOW: Final = 0.1
"""Readiness says so below this part of the signatures that all signers together may make."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class SigningKey(Protocol):
    """A Document Signer that verifies what it signs before it returns it."""

    @property
    def certificate(self) -> Certificate:
        """The Document Signer's certificate."""
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
    """Which Document Signer signed which document: `personalise.pki.register.Register`.

    `signer` is the SHA-256 of the Document Signer's certificate.
    """

    def latest(self) -> datetime | None:
        """Return the time of the latest document; None if there is none."""
        ...

    def count(self, signer: bytes) -> int:
        """Return how many documents a Document Signer has signed."""
        ...

    def takes(self, sealed_number: bytes) -> bool:
        """Whether a number is encrypted for the register's key.

        Raises `MalformedError` if the octets are not an envelope.
        """
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from entering documents; all entries are made, or none."""
        ...

    def contains(self, signer: bytes, sod: bytes) -> bool:
        """Whether a document is entered, by the SHA-256 of its EF.SOD."""
        ...

    def enter(
        self,
        signer: bytes,
        at: datetime,
        sod: bytes,
        sealed_number: bytes,
        *,
        limit: int | None = None,
    ) -> bool:
        """Enter a document, by the SHA-256 of its EF.SOD; one that is already entered is kept.

        Returns False, and enters nothing, if the signer has already signed `limit` other documents.
        """
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """A client: the SHA-256 and the end of its certificate, and what it may have signed."""

    name: str
    fingerprint: bytes
    document_types: frozenset[str]
    signatures_per_minute: int
    signatures_per_day: int
    valid_until: datetime = _NEVER


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A client's request; `body` is the DER of the content to sign.

    `number` is the encrypted document number, for a security object only.
    """

    kind: SignedFile
    idempotency_key: str
    document_type: str
    body: bytes = field(repr=False)
    number: bytes = field(repr=False, default=b"")

    @property
    def digest(self) -> bytes:
        """SHA-256 over the fields that distinguish this request from others.

        The number is left out: each run of a client encrypts it again, and the hash of DG1, which
        holds the number, is part of the body.
        """
        head = f"{self.kind}\n{self.document_type}\n".encode()
        return hashlib.sha256(head + self.body).digest()


class SigningService:
    """Signs for clients with the first Document Signer that is valid and below its limit.

    `limit` is how many documents one Document Signer signs; after that the next one signs.
    """

    def __init__(
        self,
        clients: Sequence[Client],
        signers: Signers,
        limit: int,
        store: SignatureStore,
        register: DocumentRegister,
    ) -> None:
        self._clients = Clients(clients)
        self._signers = signers
        self._limit = limit
        self._store = store
        self._register = register

    def client(self, certificate: bytes, at: datetime) -> Client:
        """Return the client with this certificate (DER); raises `RefusedError`."""
        return self._clients.find(certificate, at)

    def sign(self, client: Client, request: SigningRequest, at: datetime) -> bytes:
        """Sign, or return the answer that was given under the same key; raises `RefusedError`."""
        if len(request.body) > MAX_BODY:
            raise RefusedError(ErrorKind.TOO_LARGE, f"the body is larger than {MAX_BODY} octets")
        is_document = request.kind is SignedFile.SECURITY_OBJECT
        if is_document and not self._takes_number(request.number):
            raise RefusedError(
                ErrorKind.MALFORMED,
                f"the {DOCUMENT_NUMBER} is missing, too long, or not encrypted for the register",
            )
        key = require_idempotency_key(request.idempotency_key)
        known = self._store.find(client.name, key)
        if known is not None and self._is_given(request, known):
            return known.response
        with self._register.locked():
            # The store is committed first.  If the register then fails, the signature is entered
            # when the request is repeated, and no second one is made.
            with self._store.locked():
                signed = self._sign_once(client, request, at)
            self._enter_document(request, signed)
        return signed.response

    def _is_given(self, request: SigningRequest, known: Signed) -> bool:
        """Whether an answer may be given again; raises `RefusedError` for another request's key."""
        if known.request != request.digest:
            raise RefusedError(
                ErrorKind.KEY_REUSED, "this Idempotency-Key was used for another request"
            )
        if request.kind is not SignedFile.SECURITY_OBJECT:
            return True
        return self._register.contains(known.signer, _digest(known))

    def _sign_once(self, client: Client, request: SigningRequest, at: datetime) -> Signed:
        """Return the signature under the request's key, which is made if there is none yet."""
        known = self._store.find(client.name, request.idempotency_key)
        if known is not None:
            current = known.signer in map(id_of, self._signers())
            if self._is_given(request, known) or (current and self._has_room(known.signer)):
                return known
            self._store.withdraw(known)  # its signer may sign no more, and it was not entered
        if request.document_type not in client.document_types:
            raise RefusedError(
                ErrorKind.NOT_ALLOWED, f"{client.name} may not have documents of this type signed"
            )
        self._charge(client, at)
        self._require_clock(at)
        signer = self.signer(at)
        types = signer.certificate.extensions.document_types
        if types is not None and not covers(types, request.document_type):
            raise RefusedError(
                ErrorKind.NOT_ALLOWED, "the Document Signer does not sign documents of this type"
            )
        response = _sign(signer, request, at)
        key, kind = request.idempotency_key, request.kind
        signed = Signed(client.name, key, request.digest, id_of(signer), kind, at, response)
        self._store.enter(signed)
        return signed

    def _enter_document(self, request: SigningRequest, signed: Signed) -> None:
        """Enter a document into the PKI's register, once, before its EF.SOD is returned."""
        if request.kind is SignedFile.SECURITY_OBJECT and not self._register.enter(
            signed.signer, signed.at, _digest(signed), request.number, limit=self._limit
        ):
            raise RefusedError(ErrorKind.UNAVAILABLE, "the Document Signer has reached its limit")

    def _require_clock(self, at: datetime) -> None:
        latest = self._register.latest()
        if latest is not None and latest - at > TOLERANCE:
            raise RefusedError(
                ErrorKind.UNAVAILABLE,
                f"the service's clock says {at:%Y-%m-%d %H:%M}, but a document was signed at"
                f" {latest:%Y-%m-%d %H:%M}",
                advice="set the clock of the service's machine",
            )

    def signer(self, at: datetime) -> SigningKey:
        """Return the first Document Signer that is valid and below its limit at an instant.

        Raises `RefusedError` if there is none.
        """
        for each in self._signers():
            if _may_sign(each.certificate, at) and self._has_room(id_of(each)):
                return each
        raise RefusedError(
            ErrorKind.UNAVAILABLE,
            "every Document Signer has expired, is revoked or has reached its limit",
            advice="issue one with `personalise pki issue-ds`",
        )

    def remaining(self, at: datetime) -> dict[str, int]:
        """Return how many signatures each valid Document Signer has left, by serial number."""
        return {
            f"{each.certificate.serial:X}": max(0, self._limit - self._register.count(id_of(each)))
            for each in self._signers()
            if _may_sign(each.certificate, at)
        }

    def signatures(self, at: datetime) -> Condition:
        """Return whether the Document Signers have signatures left at an instant."""
        remaining = self.remaining(at)
        left = sum(remaining.values())
        if left == 0:
            what = "no Document Signer is valid and below its limit"
        elif left < LOW * self._limit * len(self._signers()):
            what = "few signatures are left; issue a Document Signer soon"
        else:
            what = "signatures"
        return Condition(ready=left > 0, what=what, left=left)

    def clock(self, at: datetime) -> Condition:
        """Return whether the clock is not behind what was signed."""
        self._require_clock(at)
        return Condition(ready=True, what="not behind what was signed")

    def database(self, at: datetime) -> Condition:
        """Return whether the store and the register answer."""
        self._store.given("", at)
        self._register.latest()
        return Condition(ready=True, what="answers")

    def keys(self) -> Condition:
        """Return whether the Document Signers' keys can be opened."""
        count = len(self._signers())
        what = "Document Signers" if count else "there is no Document Signer"
        return Condition(ready=count > 0, what=what, left=count)

    def _takes_number(self, number: bytes) -> bool:
        return 1 <= len(number) <= MAX_NUMBER and self._register.takes(number)

    def _has_room(self, signer: bytes) -> bool:
        return self._register.count(signer) < self._limit

    def _charge(self, client: Client, at: datetime) -> None:
        if self._store.given(client.name, at) >= client.signatures_per_day:
            raise RefusedError(
                ErrorKind.LIMIT, f"{client.name} has used its signatures of this day", 3600
            )
        if not self._store.take_allowance(client.name, client.signatures_per_minute, at):
            wait = max(1, 60 // client.signatures_per_minute)
            raise RefusedError(
                ErrorKind.LIMIT,
                f"{client.name} exceeds {client.signatures_per_minute} signatures a minute",
                wait,
            )


def id_of(signer: SigningKey) -> bytes:
    """Return the SHA-256 of a Document Signer's certificate, its name in store and register."""
    return signer.certificate.fingerprint


def _digest(signed: Signed) -> bytes:
    return hashlib.sha256(signed.response).digest()


def _may_sign(certificate: Certificate, at: datetime) -> bool:
    begin, end = certificate.signing_period
    return begin <= at <= end


def _sign(signer: SigningKey, request: SigningRequest, at: datetime) -> bytes:
    body = request.body
    if request.kind is SignedFile.SECURITY_OBJECT:
        security_object = SecurityObject.decode(body)
        try:
            security_object.encode()
        except MisuseError as error:  # decoding accepts more than may be signed
            raise RefusedError(ErrorKind.MALFORMED, str(error)) from None
        return signer.sign_security_object(security_object, at)
    SecurityInfos.decode(body)  # only SecurityInfos are signed as EF.CardSecurity
    return signer.sign_card_security(body, at)
