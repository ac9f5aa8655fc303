"""Two services and `prepare` on one PKI: limits hold for all of them together.

Each Document Signer and each client of this PKI is one round at its limit; there are ten of each.
"""

import base64
import datetime as dt
import multiprocessing
import os
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from emrtd.crypto.hashes import Hash
from emrtd.lds.security.security_object import SecurityObject
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.operations import PkiOperations
from personalise.pki.register import Register
from personalise.pki.settings import changed, settings_for
from support.errors import MisuseError
from tests.personalise.conftest import NOW, PASSPHRASE
from tests.tls import write_tls

ROUNDS = 10
LIMIT = 20
QUOTA = 5
SCRIPT = Path(sys.executable).parent / "personalise"


@dataclass
class Services:
    """Two running services, and what they wrote to standard error so far."""

    pki: IssuingPki
    folder: Path
    ports: Sequence[int]
    logs: Sequence[Path]

    def client(self, name: str, port: int) -> httpx.Client:
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, timeout=60)

    def sign(self, clients: Sequence[httpx.Client], keys: Sequence[str]) -> list[httpx.Response]:
        """Send each key to one of the clients in turn, many at once."""
        number = base64.b64encode(self.pki.seal_number("ZU0000001")).decode()

        def one(place: int) -> httpx.Response:
            key = keys[place]
            return clients[place % len(clients)].post(
                "/v1/security-objects?document_type=IR",
                content=SecurityObject.over({1: key.encode()}, Hash.SHA256).encode(),
                headers={"Idempotency-Key": key, "Document-Number": number},
            )

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, range(len(keys))))

    def registered(self) -> list[bytes]:
        """Return the SHA-256 of every registered EF.SOD, as often as it is registered."""
        with closing(Register(self.pki.folder)) as register:
            return [
                each.sod
                for signer in self.pki.document_signers()
                for each in register.signed_by(signer.certificate.fingerprint, self.pki.unseal)
            ]

    def counts(self) -> list[int]:
        with closing(Register(self.pki.folder)) as register:
            signers = self.pki.document_signers()
            return [register.count(each.certificate.fingerprint) for each in signers]


def configuration(folder: Path, name: str, port: int, store: str = "signatures.sqlite") -> Path:
    clients = "".join(
        f"""
        [[client]]
        name = "{each}"
        certificate = "{each}.pem"
        document_types = ["IR"]
        signatures_per_minute = 100000
        signatures_per_day = {100_000 if each == "main" else QUOTA}
        """
        for each in ("main", *(f"client-{number}" for number in range(ROUNDS)))
    )
    path = folder / f"{name}.toml"
    path.write_text(
        f"""
        [listen]
        port = {port}
        certificate = "service.pem"
        key = "service.key"
        client_authorities = "ca.pem"
        [signing]
        store = "{store}"
        {clients}
        """
    )
    return path


def start(services: Services, configuration: Path, log: Path) -> subprocess.Popen[bytes]:
    passphrase = services.folder / "passphrase"
    with log.open("wb") as written:
        return subprocess.Popen(
            [
                SCRIPT, "sign-service", "--pki", services.pki.folder,
                "--config", configuration, "--passphrase-file", passphrase,
            ],
            stderr=written,
            env={**os.environ},
        )  # fmt: skip


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("two")
    (folder / "passphrase").write_bytes(PASSPHRASE.reveal() + b"\n")
    settings = changed(settings_for("UTO", "Utopia"), documents_per_signer=LIMIT)
    pki = create_pki(folder / "pki", settings, PASSPHRASE, NOW)
    for _ in range(ROUNDS - 1):
        PkiOperations(pki.reread(), (), NOW).issue_document_signer()
    ca = write_tls(folder, "ca", None)
    for name in ("service", "main", *(f"client-{number}" for number in range(ROUNDS))):
        write_tls(folder, name, ca)
    found = Services(
        pki.reread(), folder, [free_port(), free_port()], [folder / "0.log", folder / "1.log"]
    )
    processes = [
        start(found, configuration(folder, str(number), port), found.logs[number])
        for number, port in enumerate(found.ports)
    ]
    try:
        for port in found.ports:
            wait_for(port)
        yield found
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


def wait_for(port: int) -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(port)


def register_documents(folder: Path, count: int, accepted: "multiprocessing.Queue[int]") -> None:
    """Register documents of the Document Signer in use, as `prepare` does, one by one."""
    pki = IssuingPki.open(folder, PASSPHRASE)
    signer = pki.document_signer().certificate
    number = 0
    for place in range(count):
        try:
            pki.register_document(signer, dt.datetime.now(dt.UTC), b"%d" % place, "ZU0000002")
        except MisuseError:
            continue
        number += 1
    accepted.put(number)


def test_limits_hold_for_two_services_and_prepare_together(services: Services) -> None:
    mains = [services.client("main", port) for port in services.ports]

    # One key at both services in the same instant: one answer, never a 503.
    keys = [f"same-{number}" for number in range(ROUNDS) for _ in range(4)]
    answers = services.sign(mains, keys)
    assert {each.status_code for each in answers} == {200}
    for number in range(ROUNDS):
        assert len({each.content for each in answers[4 * number : 4 * number + 4]}) == 1
    given = {each.content for each in answers}
    assert len(given) == ROUNDS

    # A client's quota, ten times.
    for number in range(ROUNDS):
        name = f"client-{number}"
        clients = [services.client(name, port) for port in services.ports]
        answers = services.sign(clients, [f"{name}-{place}" for place in range(QUOTA + 5)])
        assert Counter(each.status_code for each in answers) == {200: QUOTA, 429: 5}
        given |= {each.content for each in answers if each.status_code == 200}

    # Ten signers' limits, while `prepare` signs with the last one.
    accepted: multiprocessing.Queue[int] = multiprocessing.get_context("fork").Queue()
    prepare = multiprocessing.get_context("fork").Process(
        target=register_documents, args=(services.pki.folder, LIMIT - 5, accepted)
    )
    left = ROUNDS * LIMIT - len(given)
    answers = services.sign(mains, [f"a-{place}" for place in range(left - LIMIT)])
    assert {each.status_code for each in answers} == {200}
    given |= {each.content for each in answers}
    prepare.start()
    answers = services.sign(mains, [f"b-{place}" for place in range(LIMIT)])
    by_prepare = accepted.get(timeout=60)
    prepare.join(20)
    assert {each.status_code for each in answers} <= {200, 503}
    given |= {each.content for each in answers if each.status_code == 200}

    assert services.counts() == [LIMIT] * ROUNDS
    registered = Counter(services.registered())
    assert set(registered.values()) == {1}
    assert len(given) + by_prepare == ROUNDS * LIMIT
    assert {sha256(each).digest() for each in given} <= set(registered)
    answers = services.sign(mains, [f"c-{place}" for place in range(20)])
    assert {each.status_code for each in answers} == {503}
    for log in services.logs:
        lines = log.read_text().splitlines()
        assert lines[0].startswith("signing on https://")
        assert len(lines) <= 3, "a repeated line is logged once a minute"
        for line in lines[1:]:
            assert "every Document Signer has expired, is revoked or has reached its limit" in line


def test_a_service_with_another_store_is_refused_beside_them(services: Services) -> None:
    path = configuration(services.folder, "other", free_port(), "other.sqlite")
    log = services.folder / "other.log"
    process = start(services, path, log)
    assert process.wait(60) == 64
    assert "a signing service with the store" in log.read_text()
    assert not (services.folder / "other.sqlite").exists()
