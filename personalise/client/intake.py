"""The client of the intake service, for a case-working system."""

import base64
import binascii
import hashlib
import uuid
from pathlib import Path
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_data import ID_DATA, SignedData
from emrtd.pki.x509.certificates import Certificate
from personalise.client.connection import Connection, ServiceUnavailableError
from personalise.service.errors import IDEMPOTENCY_KEY
from personalise.service.intake import (
    APPLICATIONS_PATH,
    CERTIFICATES_PATH,
    PACKAGES_PATH,
    SEALED_TYPES,
    Applications,
    ApplicationState,
    Certificates,
    Package,
    PackageState,
    ReceiptContent,
)
from support.errors import MalformedError
from support.records import from_json

_POLL_SECONDS: Final = 5


class IntakeClient(Connection):
    """Sends packages, and asks how far they are; every call may raise as `Connection` does."""

    def send(
        self,
        package: bytes,
        *,
        idempotency_key: str | None = None,
        media_type: str = SEALED_TYPES[0],
    ) -> Package:
        """Send a package; return what is known of it, with a receipt if it was looked at.

        Store the key before the call, and give it again after a crash: the package is taken once.
        Without a key a new one is drawn, which covers the repetitions of this call only.
        """
        key = idempotency_key or str(uuid.uuid4())
        headers = {IDEMPOTENCY_KEY: key, "Content-Type": media_type}
        known = self.read(self.post(PACKAGES_PATH, package, headers), Package)
        if known.sha256 != hashlib.sha256(package).hexdigest():
            raise ProtocolError(f"{self.url}: the service received another package")
        return known

    def send_application(self, folder: Path, *, idempotency_key: str | None = None) -> Package:
        """Encrypt the folder of an application for the newest intake key, and send it.

        The package differs each time, so that with the same key a second call is answered 409 even
        for the same folder: store what `seal_application` returns, if the process may be killed.
        """
        return self.send(self.seal_application(folder), idempotency_key=idempotency_key)

    def seal_application(self, folder: Path) -> bytes:
        """Return the package of an application's folder, encrypted for the newest intake key.

        Raises `FieldError` for a wrong field.
        """
        from personalise.intake.package import seal_application

        newest = self.certificates().intake[-1].certificate
        return seal_application(folder, Certificate.parse(_decoded(newest)))

    def package(self, package: str) -> Package:
        """Return a package that was sent."""
        return self.read(self.get(f"{PACKAGES_PATH}/{package}"), Package)

    def wait_for(self, package: Package, *, tries: int = 60) -> Package:
        """Ask for a package until it was looked at, every 5 seconds.

        Raises `ServiceUnavailableError` if it was not after so many tries.
        """
        for _ in range(tries):
            if package.state is not PackageState.WAITING:
                return package
            self.pause(_POLL_SECONDS)
            package = self.package(package.package)
        if package.state is not PackageState.WAITING:
            return package
        raise ServiceUnavailableError(
            f"{self.url}: {package.package} was not looked at yet",
            None,
            None,
            advice="ask for it later; it is stored",
        )

    def applications(self, package: str) -> list[ApplicationState]:
        """Return how far the applications of a package are that were taken or held."""
        path = f"{PACKAGES_PATH}/{package}/applications"
        return self.read(self.get(path), Applications).applications

    def application(self, application: str) -> ApplicationState:
        """Return how far an application is."""
        return self.read(self.get(f"{APPLICATIONS_PATH}/{application}"), ApplicationState)

    def certificates(self) -> Certificates:
        """Return for whom packages are encrypted, and who signs receipts."""
        return self.read(self.get(CERTIFICATES_PATH), Certificates)


def read_receipt(package: Package, signer: Certificate) -> ReceiptContent:
    """Verify the receipt of a package, and return its content.

    `signer` is `receipt.cer` of the PKI, received over another channel than this service.  Raises
    `MalformedError` or `ProtocolError` for a receipt that is not signed by it, or of another
    package.
    """
    if package.receipt is None:
        raise ProtocolError(f"{package.package} has no receipt")
    signed = SignedData.parse(_decoded(package.receipt), "receipt")
    if len(signed.signers) != 1 or signer.public_key is None or signed.content is None:
        raise ProtocolError("the receipt is not signed by one signer")
    signed.signers[0].verify(ID_DATA, signed.content, signer.public_key)
    content = from_json(signed.content, ReceiptContent, "receipt")
    if [each.sha256 for each in content.packages] != [package.sha256]:
        raise ProtocolError("the receipt is of another package")
    return content


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("answer", "is not base64") from None
