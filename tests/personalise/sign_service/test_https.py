"""The service as its clients use it: HTTPS with certificates on both sides, on the loopback."""

import base64
import datetime as dt
import multiprocessing
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.errors import ProtocolError, TransportError
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.lds.signing import DocumentSigner
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.client import ClientCredentials
from personalise.pki.register import KEY_NAME, Register
from personalise.pki.settings import settings_for
from personalise.sign_service import web
from personalise.sign_service.client import DocumentToSign, RemoteDocumentSigner
from personalise.sign_service.configuration import Configuration
from personalise.sign_service.service import SigningService
from personalise.sign_service.signature_store import SignatureStore
from personalise.sign_service.web import SigningApplication
from support.errors import MisuseError
from support.https_server import listen, serve
from tests.helpers import replace
from tests.tls import write_tls

AT = dt.datetime.now(dt.UTC).replace(microsecond=0)
SETTINGS = settings_for("UTO", "Utopia")
CSCA = CountrySigningCa(SETTINGS.profile, EcPrivateKey.generate(CURVES["brainpoolP256r1"]))
ROOT = CSCA.issue_root(AT)
REGISTER_KEY = EcPrivateKey.generate(CURVES["brainpoolP256r1"]).public_key
NUMBER = seal(b"ZU0000001", REGISTER_KEY, key_identifier(REGISTER_KEY))
DOCUMENT = DocumentToSign("IR", NUMBER)
OBJECT = SecurityObject.over({1: b"dg1", 2: b"dg2"}, Hash.SHA256)


@dataclass
class Service:
    url: str
    folder: Path

    def credentials(self, name: str = "client") -> ClientCredentials:
        folder = self.folder
        return ClientCredentials(folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem")

    def signer(self, name: str = "client", csca: Certificate = ROOT) -> RemoteDocumentSigner:
        waits: list[int] = []
        return RemoteDocumentSigner(self.url, self.credentials(name), csca, DOCUMENT, waits.append)


def run_service(path: Path) -> None:
    web.BODY_SECONDS = 1
    configuration = Configuration(path)
    (path.parent / KEY_NAME).write_bytes(encode_public_key(REGISTER_KEY))
    signers = []
    for number in range(2):
        key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
        certificate = CSCA.issue_document_signer(key.public_key, number, AT)
        signers.append(DocumentSigner(key, certificate, ROOT, SETTINGS.scheme))
    thread = ThreadPoolExecutor(1)
    application = SigningApplication(
        lambda: SigningService(
            configuration.clients,
            lambda: signers,
            configuration.limit(100),
            SignatureStore(configuration.store),
            Register(path.parent),
        ),
        thread,
        lambda: dt.datetime.now(dt.UTC),
    )
    serve(application.asgi, configuration.listening, listen(configuration.listening))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    ca = write_tls(folder, "ca", None)
    for name in ("service", "client", "stranger"):
        write_tls(folder, name, ca)
    write_tls(folder, "outsider", None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "service.toml").write_text(
        f"""
        [listen]
        port = {port}
        certificate = "service.pem"
        key = "service.key"
        client_authorities = "ca.pem"
        [signing]
        documents_per_signer = 20
        [[client]]
        name = "prep-1"
        certificate = "client.pem"
        document_types = ["IR"]
        """
    )
    process = multiprocessing.get_context("fork").Process(
        target=run_service, args=(folder / "service.toml",), daemon=True
    )
    process.start()
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield Service(f"https://127.0.0.1:{port}", folder)
    process.terminate()
    process.join(10)


def test_a_client_gets_its_ef_sod_signed(service: Service) -> None:
    sod = Sod.parse(service.signer().sign_security_object(OBJECT, AT))
    assert sod.security_object == OBJECT


def test_many_clients_at_once_are_served_across_a_rotation_of_signers(service: Service) -> None:
    def one(_: int) -> bytes:
        signer = service.signer()
        sod = Sod.parse(signer.sign_security_object(OBJECT, AT))
        signer.close()
        return sod.signed_data.certificates[0].fingerprint

    with ThreadPoolExecutor(6) as pool:
        signers = list(pool.map(one, range(24)))
    assert len(set(signers)) == 2


def test_a_retry_signs_once(service: Service) -> None:
    credentials = service.credentials()
    context = ssl.create_default_context(cafile=str(credentials.service_authority))
    context.load_cert_chain(credentials.certificate, credentials.key)
    with httpx.Client(base_url=service.url, verify=context) as http:
        answers = {
            http.post(
                "/v1/security-objects?document_type=IR",
                content=OBJECT.encode(),
                headers={
                    "Idempotency-Key": "one and the same",
                    "Document-Number": base64.b64encode(NUMBER).decode(),
                },
            ).content
            for _ in range(3)
        }
        assert len(answers) == 1
        assert http.get("/health/live").json() == {"status": "live"}
        ready = http.get("/health/ready").json()
        assert ready["ready"]
        assert set(ready["checks"]) == {"keys", "database", "clock", "signatures"}
        assert "chipseal_signing_answers_total" in http.get("/metrics").text
        too_large = http.post(
            "/v1/security-objects?document_type=IR",
            content=bytes(17_000),
            headers={"Idempotency-Key": "large"},
        )
        assert too_large.status_code == 413


@pytest.mark.parametrize("name", ["outsider"])
def test_a_client_certificate_of_another_ca_is_refused(service: Service, name: str) -> None:
    with pytest.raises(TransportError, match="rejects the client's certificate"):
        service.signer(name).sign_security_object(OBJECT, AT)


def test_a_client_that_is_not_configured_is_refused(service: Service) -> None:
    with pytest.raises(MisuseError, match="not in the service's configuration"):
        service.signer("stranger").sign_security_object(OBJECT, AT)


def test_a_signature_under_another_csca_is_refused(service: Service) -> None:
    other = CountrySigningCa(SETTINGS.profile, EcPrivateKey.generate(CURVES["brainpoolP256r1"]))
    with pytest.raises(ProtocolError):
        service.signer(csca=other.issue_root(AT)).sign_security_object(OBJECT, AT)


def test_a_body_that_does_not_arrive_is_answered_with_408(service: Service) -> None:
    credentials = service.credentials()
    context = ssl.create_default_context(cafile=str(credentials.service_authority))
    context.load_cert_chain(credentials.certificate, credentials.key)
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    with (
        socket.create_connection(address) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.settimeout(30)
        connection.sendall(
            b"POST /v1/security-objects HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nabc"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_port_in_use_and_an_encrypted_key_are_one_line_errors(
    service: Service, tmp_path: Path
) -> None:
    listening = Configuration(service.folder / "service.toml").listening
    with pytest.raises(MisuseError, match=r"cannot listen here \(Address already in use"):
        listen(listening)
    encrypted = tmp_path / "encrypted.key"
    command = ["openssl", "pkcs8", "-topk8", "-passout", "pass:x", "-out", encrypted]
    subprocess.run([*command, "-in", listening.key], check=True)
    with pytest.raises(MisuseError, match="cannot be used for TLS"):
        listen(replace(listening, key=encrypted))
    credentials = replace(service.credentials(), key=encrypted)
    with pytest.raises(MisuseError, match="TLS certificate or key cannot be used"):
        RemoteDocumentSigner(service.url, credentials, ROOT, DOCUMENT, lambda _: None)


def test_plain_http_and_missing_files_are_misuse(service: Service, tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="https"):
        RemoteDocumentSigner("http://x", service.credentials(), ROOT, DOCUMENT, lambda _: None)
    with pytest.raises(MisuseError, match="is not a valid address"):
        RemoteDocumentSigner("https://x:y", service.credentials(), ROOT, DOCUMENT, lambda _: None)
    absent = ClientCredentials(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    with pytest.raises(MisuseError, match="cannot be used"):
        RemoteDocumentSigner("https://x", absent, ROOT, DOCUMENT, lambda _: None)


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "\xb2"}, {"Retry-After": "9" * 5000}, {"Content-Encoding": "gzip"}],
    ids=["no digit", "too many digits", "no gzip"],
)
def test_an_answer_that_is_not_of_the_service_is_one_error(
    service: Service, headers: dict[str, str]
) -> None:
    """Such as the answer of a proxy in front of it."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers=raw, stream=httpx.ByteStream(b"not json"))

    signer = service.signer()
    signer._service._http = httpx.Client(
        base_url="https://x", transport=httpx.MockTransport(answer)
    )
    with pytest.raises(TransportError, match="try again later"):
        signer.sign_security_object(OBJECT, AT)
