"""The intake service over HTTP."""

import asyncio
import base64
import hashlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from emrtd.crypto.signatures import DsaPublicKey
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from personalise.intake_service.allowance import Allowances
from personalise.intake_service.configuration import Configuration, IntakeClientRules
from personalise.intake_service.inbox import Inbox, Stored
from personalise.intake_service.states import instant, state_of
from personalise.intake_service.worker import Worker
from personalise.ledger.interface import Ledger
from personalise.pki.clock import require_clock
from personalise.pki.folder import RECEIPT
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuing_pki import IssuingPki
from personalise.service.clients import Clients
from personalise.service.errors import (
    IDEMPOTENCY_KEY,
    ErrorKind,
    RefusedError,
    require_idempotency_key,
)
from personalise.service.intake import (
    CLEAR_TYPES,
    DESCRIPTION,
    PACKAGES_PATH,
    SEALED_TYPES,
    Applications,
    Certificates,
    IntakeCertificate,
    Package,
    PackageState,
    ReceiptContent,
)
from personalise.service.web import (
    RETRY_SECONDS,
    Handler,
    Service,
    ServiceApplication,
    answer,
    one_header,
    read_body,
)
from support.files import write_atomically
from support.health import ROOM, Check, Condition, room_in

BODY_SECONDS: Final = 300
"""Seconds that a package may take to arrive."""
UPLOADS: Final = 8
"""Packages that may arrive at once."""
UPLOADS_OF_A_CLIENT: Final = 4
"""Packages that may arrive at once from one client: one that is slow keeps nobody out."""


@dataclass(frozen=True)
class Parts:
    """What an intake service works with."""

    pki: IssuingPki
    ledger: Ledger
    inbox: Inbox
    worker: Worker
    settings: Configuration
    clock: Callable[[], datetime]
    registry: CollectorRegistry


class IntakeApplication:
    """The ASGI application of an intake service; what blocks runs on `thread`."""

    def __init__(self, parts: Parts, thread: ThreadPoolExecutor) -> None:
        self._parts = parts
        self._uploads: Counter[str] = Counter()
        self._allowances = Allowances(time.monotonic)
        checks: dict[str, Check] = {
            "keys": self._keys,
            "database": self._database,
            "clock": self._clock,
            "disk": lambda: room_in(parts.settings.inbox, parts.pki.folder),
            "room": self._room,
        }
        handlers: dict[str, Handler[IntakeClientRules]] = {
            "sendPackage": self._send,
            "getPackage": self._package,
            "listApplications": self._applications,
            "getApplication": self._application,
            "getCertificates": self._certificates,
        }
        self.http = ServiceApplication(
            Service(
                "intake-service",
                "chipseal_intake",
                DESCRIPTION,
                Clients(parts.settings.clients).find,
                parts.clock,
                thread,
                checks,
                handlers,
                parts.registry,
            )
        )
        self.asgi = self.http.asgi

    # --- packages

    async def _send(self, request: Request, client: IntakeClientRules) -> Response:
        parts = self._parts
        key = require_idempotency_key(one_header(request, IDEMPOTENCY_KEY))
        is_clear = _is_clear(request, client)
        self._allowances.take(client.name, client.packages_per_minute)
        of_client = self._uploads[client.name]
        if of_client >= UPLOADS_OF_A_CLIENT or self._uploads.total() >= UPLOADS:
            raise RefusedError(
                ErrorKind.UNAVAILABLE, "too many packages arrive at once", RETRY_SECONDS
            )
        self._uploads[client.name] += 1
        try:
            await self.http.on_thread(self._require_room)
            part = parts.inbox.part()
            try:
                stored, is_new = await self._receive(request, client, key, part, is_clear=is_clear)
            finally:
                part.unlink(missing_ok=True)
        finally:
            self._uploads[client.name] -= 1
        parts.worker.wake()
        if stored.state is PackageState.WAITING:
            looked_at = asyncio.wrap_future(
                await self.http.on_thread(lambda: parts.worker.watch(stored.package))
            )
            await asyncio.wait({looked_at}, timeout=parts.settings.answer_seconds)
            stored = await self.http.on_thread(lambda: parts.inbox.get(stored.package))
        location = {"Location": f"{PACKAGES_PATH}/{stored.package}"}
        if stored.state is PackageState.WAITING:
            return answer(_shown(stored), 202, **location, Retry_After=str(RETRY_SECONDS))
        return answer(_shown(stored), 201 if is_new else 200, **location)

    async def _receive(
        self,
        request: Request,
        client: IntakeClientRules,
        key: str,
        part: Path,
        *,
        is_clear: bool,
    ) -> tuple[Stored, bool]:
        """Store the body of a request, encrypted, and enter it."""
        parts = self._parts
        digest, size = hashlib.sha256(), 0

        def count(octets: bytes) -> None:
            nonlocal size
            digest.update(octets)
            size += len(octets)

        if is_clear:
            clear = bytearray()

            def keep(octets: bytes) -> None:
                count(octets)
                clear.extend(octets)

            most = parts.settings.max_clear_octets
            await read_body(request, keep, seconds=BODY_SECONDS, most=most)
            await self.http.on_thread(lambda: self._seal(bytes(clear), part))
        else:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:

                def write(octets: bytes) -> None:
                    count(octets)
                    file.write(octets)

                most = parts.settings.max_octets
                await read_body(request, write, seconds=BODY_SECONDS, most=most)
                file.flush()
                await self.http.on_thread(lambda: os.fsync(file.fileno()))
        return await self.http.on_thread(
            lambda: parts.inbox.accept(
                part, client.name, key, digest.digest(), octets=size, at=parts.clock()
            )
        )

    def _seal(self, archive: bytes, part: Path) -> None:
        """Encrypt an archive for the newest intake key: nothing in clear is on disk."""
        newest = intake_keys(self._parts.pki)[-1].certificate
        key = newest.public_key
        if key is None or isinstance(key, DsaPublicKey):
            raise RefusedError(ErrorKind.UNAVAILABLE, "the intake's key cannot be used")
        write_atomically(part, seal(archive, key, key_identifier(key)), 0o600)

    async def _package(self, request: Request, client: IntakeClientRules) -> Response:
        package = request.path_params["package"]
        inbox = self._parts.inbox
        return answer(_shown(await self.http.on_thread(lambda: inbox.get(package, client.name))))

    # --- applications

    async def _applications(self, request: Request, client: IntakeClientRules) -> Response:
        package, parts = request.path_params["package"], self._parts

        def look() -> Applications:
            parts.inbox.get(package, client.name)
            names = parts.inbox.applications(package)
            return Applications(package, [state_of(parts.ledger, each) for each in names])

        return answer(await self.http.on_thread(look))

    async def _application(self, request: Request, client: IntakeClientRules) -> Response:
        application, parts = request.path_params["application"], self._parts

        def look() -> msgspec.Struct:
            parts.inbox.require_application(application, client.name)
            return state_of(parts.ledger, application)

        return answer(await self.http.on_thread(look))

    async def _certificates(self, _: Request, __: IntakeClientRules) -> Response:
        pki = self._parts.pki

        def read() -> Certificates:
            intake = [_certificate(pki.certificate(each)) for each in pki.intake_labels()]
            return Certificates(intake, _certificate(pki.certificate(RECEIPT)))

        return answer(await self.http.on_thread(read))

    # --- readiness

    def _keys(self) -> Condition:
        """Look for the keys; an HSM is asked, and no key is opened."""
        pki = self._parts.pki
        intake = set(pki.intake_labels()) & set(pki.local_keys.labels())
        if not intake:
            return Condition(ready=False, what="there is no intake key", left=0)
        if RECEIPT not in pki.custody.labels():
            return Condition(ready=False, what="there is no key that signs receipts")
        pki.issuer_of(pki.certificate("ds"))  # applications are checked against both
        return Condition(ready=True, what="intake keys", left=len(intake))

    def _database(self) -> Condition:
        self._parts.ledger.counts()
        return Condition(ready=True, what="answers")

    def _clock(self) -> Condition:
        pki = self._parts.pki.reread()
        require_clock(pki.folder, self._parts.clock(), pki.settings.accepted_clock)
        return Condition(ready=True, what="not behind what was signed")

    def _room(self) -> Condition:
        left = max(0, self._parts.settings.max_waiting - self._parts.inbox.waiting())
        return Condition(ready=left > 0, what="packages may wait", left=left)

    def _require_room(self) -> None:
        """Refuse what could not be stored or would wait too long."""
        if not self._room().ready:
            raise RefusedError(ErrorKind.UNAVAILABLE, "too many packages wait", RETRY_SECONDS)
        free = shutil.disk_usage(self._parts.settings.inbox).free
        if free < ROOM + UPLOADS * self._parts.settings.max_octets:
            raise RefusedError(
                ErrorKind.UNAVAILABLE, "there is no room on the service's disk", RETRY_SECONDS
            )


def _is_clear(request: Request, client: IntakeClientRules) -> bool:
    """Whether the body is an archive in clear; raises `RefusedError` for another type."""
    coding = one_header(request, "Content-Encoding").strip().lower()
    if coding not in {"", "identity"}:
        raise RefusedError(
            ErrorKind.WRONG_TYPE, "the body has a Content-Encoding", advice="send it without one"
        )
    named = one_header(request, "Content-Type").partition(";")[0].strip().lower()
    if named in SEALED_TYPES:
        return False
    if named not in CLEAR_TYPES:
        raise RefusedError(
            ErrorKind.WRONG_TYPE,
            "the Content-Type is not that of a package",
            advice=f"send an encrypted package as {SEALED_TYPES[0]}",
        )
    if not client.clear:
        raise RefusedError(
            ErrorKind.NOT_ALLOWED,
            f"{client.name} may not send archives in clear",
            advice="encrypt it for a certificate of GET /v1/certificates",
        )
    return True


def _shown(stored: Stored) -> Package:
    content = stored.content
    return Package(
        stored.package,
        stored.state,
        stored.sha256.hex(),
        stored.octets,
        instant(stored.accepted),
        None if stored.receipt is None else base64.b64encode(stored.receipt).decode(),
        None if content is None else msgspec.json.decode(content, type=ReceiptContent),
    )


def _certificate(certificate: Certificate) -> IntakeCertificate:
    return IntakeCertificate(
        str(certificate.key),
        instant(certificate.not_after),
        base64.b64encode(certificate.der).decode(),
    )
