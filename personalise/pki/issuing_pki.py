"""The issuing PKI of one State, in a folder: made by `create`, used by operations and `prepare`.

`personalise.pki.folder` says which files the folder has.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from emrtd.crypto.checked_signer import CheckedSigner
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    SignatureFamily,
    SignatureScheme,
    VerifyingKey,
)
from emrtd.errors import ProtocolError
from emrtd.iso7816.procedure import Random
from emrtd.lds.signing import DocumentSigner
from emrtd.pki.cms.enveloped import open_envelope, seal
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.issuance import Issuance, SecurityObjectSigner
from personalise.pki import cvca
from personalise.pki.audit_log import AuditLog
from personalise.pki.folder import (
    AUDIT_LABEL,
    AUDIT_LOG_NAME,
    INTAKE,
    MAX_FILE,
    REGISTER,
    STATION,
    read_file,
    read_settings,
    write_settings,
)
from personalise.pki.keys.custody import FileCustody, KeyCustody
from personalise.pki.register import Register, read_register_key
from personalise.pki.settings import Settings
from support.errors import ChipsealError, MisuseError
from support.files import in_file, write_atomically
from support.passphrase import read_secret_line
from support.records import read_bounded
from support.secret import Secret

_DS_LABEL: Final = re.compile(r"ds-\d+")
_INTAKE_LABEL: Final = re.compile(rf"{INTAKE}(-\d+)?")

Pin = Callable[[], Secret]
"""Returns the PIN of an HSM when it is needed."""


def no_pin() -> Secret:
    """Raise `MisuseError`: the PIN is needed and no file with it was named."""
    raise MisuseError(
        "the keys are in an HSM, and its PIN is required",
        advice="name the file that holds it with --pin-file",
    )


def pin_in(file: Path | None) -> Pin:
    """Return the function that reads the PIN from the first line of a file when it is needed."""
    return no_pin if file is None else lambda: read_secret_line(file)


@dataclass(frozen=True)
class IssuingPki:
    """An open PKI.

    `custody` holds the keys that sign, in files or in an HSM; `local_keys` those that decrypt,
    always in files: the intake's, the register's, and the station's until it is moved there.
    """

    folder: Path
    settings: Settings
    custody: KeyCustody
    local_keys: FileCustody
    pin: Pin = no_pin

    @classmethod
    def open(
        cls,
        folder: Path,
        passphrase: Secret,
        pin: Pin = no_pin,
        *,
        with_signing_keys: bool = True,
    ) -> Self:
        """Open a PKI; raises `MisuseError` if the folder holds none.

        `pin` is called if the keys are in an HSM, except without `with_signing_keys`.
        """
        settings = read_settings(folder)
        local_keys = FileCustody(folder / "keys", passphrase)
        custody = custody_of(settings, local_keys, pin) if with_signing_keys else local_keys
        return cls(folder, settings, custody, local_keys, pin)

    @classmethod
    def without_keys(cls, folder: Path) -> Self:
        """Open a PKI to look at what is public; none of its keys can be used."""
        return cls.open(folder, Secret(b""), with_signing_keys=False)

    def save(self, settings: Settings) -> Self:
        """Write new settings, atomically; return the PKI with them."""
        write_settings(self.folder, settings)
        return replace(self, settings=settings)

    def reread(self) -> Self:
        """Return the PKI with the settings that are on disk now, and the same custody."""
        return replace(self, settings=read_settings(self.folder))

    def signer(self, label: str) -> CheckedSigner:
        """Return the signer of one key; it verifies each signature before it returns it."""
        return CheckedSigner(self.custody.signer(label), label)

    def generate(
        self, label: str, kind: str = "", scheme: SignatureScheme | None = None
    ) -> PublicKey:
        """Make a key that signs certificates or documents, of the PKI's kind or another one.

        Raises `ProtocolError` if it does not sign what its public half verifies: the public key is
        about to be certified.  It is destroyed then, as an HSM would keep it.
        """
        key = self.custody.generate(label, kind or self.settings.kind_of_key(label))
        with self._destroying_if_it_fails(label):
            signer = self.signer(label)
            if signer.public_key != key:
                raise ProtocolError(f"the key {label!r} is another one than the HSM has just made")
            signer.sign(scheme or self.settings.scheme_for(key.description), label.encode())
        return key

    @contextmanager
    def certifying(
        self, label: str, kind: str = "", scheme: SignatureScheme | None = None
    ) -> Iterator[PublicKey]:
        """Make a key as `generate` does for a block that certifies it; destroyed if that fails."""
        key = self.generate(label, kind, scheme)
        with self._destroying_if_it_fails(label):
            yield key

    @contextmanager
    def _destroying_if_it_fails(self, label: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with suppress(ChipsealError, OSError):  # the first error is reported
                self.custody.destroy(label)
            raise

    @property
    def csca(self) -> CountrySigningCa:
        """The CSCA in use, with its key."""
        return CountrySigningCa(self.settings.profile, self.signer(self.settings.csca))

    @property
    def audit_log(self) -> AuditLog:
        """The log of every operation, with the key that signs it."""
        return AuditLog(self.folder / AUDIT_LOG_NAME, self.signer(AUDIT_LABEL))

    def record(self, certificate: Certificate) -> None:
        """Write a certificate to the folder `issued`; `ProtocolError` if it does not verify."""
        self._verify(certificate)
        write_atomically(self._record_of(certificate), certificate.der)

    def publish(self, name: str, certificate: Certificate) -> None:
        """Write a certificate to `NAME.cer` and to the folder `issued`.

        Raises `ProtocolError` if it does not verify.
        """
        self.record(certificate)
        write_atomically(self.folder / f"{name}.cer", certificate.der)

    @contextmanager
    def withdrawing_if_it_fails(self, made: Mapping[str, Certificate]) -> Iterator[None]:
        """Remove what the block recorded or published, if it fails: by name, or "" for none."""
        try:
            yield
        except BaseException:
            for name, certificate in made.items():
                self._record_of(certificate).unlink(missing_ok=True)
                if name:
                    (self.folder / f"{name}.cer").unlink(missing_ok=True)
            raise

    def _record_of(self, certificate: Certificate) -> Path:
        return self.folder / "issued" / f"{certificate.serial:X}.cer"

    def _verify(self, certificate: Certificate) -> None:
        """Verify a certificate with the key of the CSCA that is to have signed it."""
        extensions = certificate.extensions
        own = extensions.subject_key_identifier == extensions.authority_key_identifier
        require_signed(certificate if own else self.issuer_of(certificate), certificate)

    def issued(self) -> list[Certificate]:
        """Return every certificate that this PKI ever issued."""
        found = []
        for path in sorted((self.folder / "issued").glob("*.cer")):
            with in_file(path):
                found.append(Certificate.parse(read_bounded(path, MAX_FILE)))
        return found

    def certificate(self, name: str) -> Certificate:
        """Return a certificate of the folder by name: "csca", "ds", "station" or "intake"."""
        with in_file(self.folder / f"{name}.cer"):
            return Certificate.parse(read_file(self.folder, f"{name}.cer"))

    def document_signer(self) -> DocumentSigner:
        """Return the Document Signer in use, with its chain.

        Raises `MisuseError` if it or its CSCA is revoked.
        """
        label = self.settings.document_signer
        key = self.signer(label)
        certificate = next(
            (each for each in self.issued() if each.public_key == key.public_key), None
        )
        if certificate is None:
            raise MisuseError(
                f"{self.folder}: no certificate was issued for the key {label!r}",
                advice="run `personalise pki issue-ds`",
            )
        if self.is_revoked(certificate):
            raise MisuseError(
                f"{self.folder}: the Document Signer is revoked",
                advice="run `personalise pki issue-ds`",
            )
        signer = self._document_signer(key, certificate)
        self.require_unrevoked(signer.csca)
        return signer

    def require_unrevoked(self, csca: Certificate) -> None:
        """Raise `MisuseError` if a CSCA is revoked: no certificate under it is trusted."""
        if self.is_revoked(csca):
            raise MisuseError(
                f"{self.folder}: the CSCA {csca.serial:X} is revoked",
                advice="run `personalise pki renew-csca` with a new name, then issue new signers",
            )

    def document_signers(self) -> list[DocumentSigner]:
        """Return every Document Signer whose key is here and is not revoked, the oldest first.

        The Document Signers of a revoked CSCA are left out too.
        """
        issued = {each.public_key: each for each in self.issued() if not self.is_revoked(each)}
        labels = [label for label in self.custody.labels() if _DS_LABEL.fullmatch(label)]
        found = []
        for label in sorted(labels, key=lambda label: int(label.partition("-")[2])):
            key = self.signer(label)
            certificate = issued.get(key.public_key)
            if certificate is None:
                continue
            signer = self._document_signer(key, certificate)
            if not self.is_revoked(signer.csca):
                found.append(signer)
        return found

    def _document_signer(self, key: CheckedSigner, certificate: Certificate) -> DocumentSigner:
        return DocumentSigner(
            key,
            certificate,
            self.issuer_of(certificate),
            self.scheme_of(certificate),
        )

    def scheme_of(self, certificate: Certificate) -> SignatureScheme:
        """Return the scheme with which the key of a Document Signer or a list signer signs.

        An RSA key keeps the padding of its certificate's signature after the CSCA moved to a curve.
        """
        scheme, issued = self.settings.scheme_for(certificate.key), certificate.scheme
        families = self.settings.scheme.family, scheme.family, issued and issued.family
        if families == (SignatureFamily.ECDSA, SignatureFamily.RSA_PSS, SignatureFamily.RSA):
            return SignatureScheme(SignatureFamily.RSA, scheme.hash)
        return scheme

    def root_of(self, key: VerifyingKey) -> Certificate:
        """Return the CSCA's root for one of its keys; `MisuseError` if there is none."""
        for each in self.issued():
            may_be = each.is_ca and each.is_self_issued and each.public_key == key
            if may_be and each.is_signed_by(each):  # a link to a key under the same name is not
                return each
        raise MisuseError(f"{self.folder}: no root was issued for the CSCA's key")

    def issuer_of(self, certificate: Certificate) -> Certificate:
        """Return the root of the CSCA whose key signed a certificate of this PKI."""
        wanted = certificate.extensions.authority_key_identifier
        for each in self.issued():
            identifier = each.extensions.subject_key_identifier
            if each.is_ca and identifier == wanted and each.public_key is not None:
                return self.root_of(each.public_key)
        raise MisuseError(f"{self.folder}: holds no certificate of the CSCA that signed this one")

    def is_revoked(self, certificate: Certificate) -> bool:
        """Whether the settings list this certificate as revoked."""
        return f"{certificate.serial:X}" in {each.serial for each in self.settings.revoked}

    @property
    def station_identifier(self) -> bytes:
        """The key identifier by which envelopes name the station."""
        return key_identifier(self._station_key)

    def seal_for_station(self, content: Secret, random: Random = secrets.token_bytes) -> bytes:
        """Encrypt a secret for the personalisation station (CMS, DER)."""
        return seal(content.reveal(), self._station_key, self.station_identifier, random)

    @property
    def trust_point(self) -> CvCertificate:
        """The CVCA certificate that chips trust."""
        return self.cv_certificate(cvca.TRUST_POINT)

    def cv_certificate(self, name: str) -> CvCertificate:
        """Return a card-verifiable certificate of `terminal/` by its file's name."""
        return CvCertificate.decode(read_file(self.folder, f"{cvca.FOLDER}/{name}"))

    def issuance(self, signer: SecurityObjectSigner | None = None) -> Issuance:
        """Return what data preparation needs; `signer` replaces the PKI's Document Signer."""
        signer = signer or self.document_signer()
        return Issuance(
            signer,
            self.settings.scheme_for(signer.certificate.key).hash,
            self.seal_for_station,
            self.trust_point,
            counted=self.settings.ledger.uncounted == "refuse",
        )

    def register_document(self, signer: Certificate, at: datetime, sod: bytes, number: str) -> None:
        """Enter a signed document; `MisuseError` if its Document Signer has reached its limit."""
        with closing(Register(self.folder)) as register:
            self.enter(register, signer, at, sod, number)

    def enter(
        self, register: Register, signer: Certificate, at: datetime, sod: bytes, number: str
    ) -> None:
        """Enter a signed document in an open register, as `register_document` does."""
        sealed, limit = self.seal_number(number), self.settings.documents_per_signer
        digest = hashlib.sha256(sod).digest()
        if not register.enter(signer.fingerprint, at, digest, sealed, limit=limit):
            raise MisuseError(
                f"the Document Signer has reached its limit of {limit:,} documents",
                advice="run `personalise pki issue-ds`",
            )

    def seal_number(self, number: str) -> bytes:
        """Encrypt a document's number for the register (CMS, DER)."""
        key = read_register_key(self.folder)
        return seal(number.encode(), key, key_identifier(key))

    def intake_labels(self) -> list[str]:
        """Return the labels of the keys for which applications are encrypted, the oldest first."""
        labels = [each for each in self.local_keys.labels() if _INTAKE_LABEL.fullmatch(each)]
        return sorted(labels, key=lambda label: int(label.partition("-")[2] or 1))

    def unseal(self, sealed: bytes) -> Secret:
        """Decrypt a number of the register."""
        return open_envelope(sealed, self._register_key)

    @cached_property
    def _register_key(self) -> EcPrivateKey:
        return self.local_keys.agreement_key(REGISTER)

    @property
    def _station_key(self) -> EcPublicKey:
        key = self.certificate(STATION).public_key
        if not isinstance(key, EcPublicKey):
            raise MisuseError(f"{self.folder}: the station's key is not an elliptic-curve key")
        return key


def require_signed(issuer: Certificate, *signed: Certificate | Crl) -> None:
    """Verify what is about to be published; `ProtocolError` if the issuer's key did not sign it."""
    if issuer.public_key is None:
        raise ProtocolError(f"{issuer.key} is not a key that verifies certificates")
    for each in signed:
        each.verify_signed_by(issuer.public_key)


def custody_of(settings: Settings, local_keys: FileCustody, pin: Pin) -> KeyCustody:
    """Return the custody of the signing keys: the HSM of the settings, or files."""
    if settings.hsm is None:
        return local_keys
    from personalise.pki.keys import hsm

    return hsm.custody_of(settings.hsm.module, settings.hsm.token, pin)
