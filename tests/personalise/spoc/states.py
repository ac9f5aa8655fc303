"""Two States with a SPOC each, who have registered with one another."""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.crypto.private_keys import PrivateKey
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.issuing import scheme_for
from emrtd.pki.cvc.requests import CvRequest, authenticate, request
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.settings import settings_for
from personalise.spoc.certificates import CA_NAME, CRL_NAME, FOLDER, create_spoc, tls_certificate
from personalise.spoc.desk import Answer, SpocDesk
from personalise.spoc.messages import Message, Response, operation_of
from personalise.spoc.partners import Partner, Partners, Policy
from personalise.spoc.soap import decode_response, encode
from personalise.spoc.store import MessageStore
from support.secret import Secret

NOW = datetime.now(UTC).replace(microsecond=0)
PASSPHRASE = Secret(b"a pass phrase for tests")


@dataclass
class State:
    """One State's PKI with its SPOC; `at` is its clock."""

    pki: IssuingPki
    at: datetime = NOW
    stores: list[MessageStore] = field(default_factory=list)

    @classmethod
    def established(cls, folder: Path, code: str) -> Self:
        settings = settings_for(code, f"State {code}", contact="csca@state.example")
        state = cls(create_pki(folder, settings, PASSPHRASE, NOW - timedelta(days=1)))
        create_spoc(state.operations, "localhost", "https://spoc.state.example/crl")
        return state

    def copied(self, folder: Path) -> "State":
        shutil.copytree(self.pki.folder, folder)
        return State(IssuingPki.open(folder, PASSPHRASE))

    @property
    def code(self) -> str:
        return self.pki.settings.country

    @property
    def operations(self) -> PkiOperations:
        return PkiOperations(self.pki.reread(), (), self.at)

    @property
    def store(self) -> MessageStore:
        if not self.stores:
            self.stores.append(MessageStore(self.pki.folder))
        return self.stores[0]

    @property
    def desk(self) -> SpocDesk:
        return SpocDesk(self.pki, self.store, lambda: self.at)

    def certificate(self, role: SpocRole = SpocRole.CLIENT) -> Certificate:
        return tls_certificate(self.pki.folder, role)

    def register(self, other: "State", **policy: object) -> Partner:
        spoc = other.pki.folder / FOLDER
        return Partners(self.pki.folder).add(
            self.operations,
            other.code,
            Policy(url="https://localhost:1/SPOC", **policy),  # type: ignore[arg-type]
            authorities=[Certificate.parse((spoc / CA_NAME).read_bytes())],
            crl=Crl.parse((spoc / CRL_NAME).read_bytes()),
        )

    def raw(self, other: "State", octets: bytes, action: str = "") -> Answer:
        """Return what this State answers to octets from another one's client."""
        return self.desk.answer(other.certificate().der, octets, action)

    def asked_by(self, other: "State", message: Message) -> Response:
        """Return this State's response to another one's message."""
        answer = self.raw(other, encode(message))
        assert answer.status == 200, answer
        return decode_response(answer.body, operation_of(message))

    @property
    def root(self) -> CvCertificate:
        return self.pki.trust_point

    def operations_logged(self) -> list[tuple[str, str]]:
        """Return operation and result of what the audit log has of the SPOC."""
        from personalise.pki.auditing import audit_entries

        found = [each for each in audit_entries(self.pki.folder) if "spoc." in each.operation]
        return [(each.operation, each.subject.get("result", "")) for each in found]


@dataclass
class Verifier:
    """A Document Verifier that makes its requests by hand, so that they can be wrong."""

    holder: str
    authority: str
    kind: str = "brainpoolP256r1"
    keys: list[PrivateKey] = field(default_factory=list)

    def request(self, number: int = 1, **changes: str) -> CvRequest:
        self.keys.append(generate_private_key(changes.pop("kind", self.kind)))
        scheme = scheme_for(self.kind)
        holder = changes.pop("holder", f"{self.holder}{number:05}")
        authority = changes.pop("authority", self.authority)
        return request(self.keys[-1], scheme, holder, authority=authority)

    def signed(self, asked: CvRequest, key: PrivateKey, reference: str) -> CvRequest:
        return authenticate(asked, key, scheme_for(self.kind), reference)
