"""Two States exchange certificates of terminals, as their officers type it, over HTTPS.

Utopia's Document Verifier asks Austria's CVCA; a terminal of Utopia then reads the fingerprints of
an Austrian card.
"""

import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import re
import shlex
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emrtd.pki.private_key_file import decrypt_private_key
from personalise.commands.main import personalise
from support.command_line import run_command_line
from support.passphrase import read_passphrase
from tests.helpers import REPOSITORY
from tests.issuing import Agreement, Card, Issuer, Kind
from tests.personalise.applications import changed
from verify.commands.main import verify


@dataclass
class Office:
    """A State's PKI officer, and the service of its SPOC."""

    issuer: Issuer
    code: str
    port: int
    processes: list[Any] = field(default_factory=list)

    def run(self, *arguments: str | Path, status: int = 0) -> str:
        """Return the output of `personalise eac` with these arguments."""
        output, errors = io.StringIO(), io.StringIO()
        line = ["eac", *map(str, arguments), "--pki", str(self.issuer.pki)]
        with (
            self.issuer.at_work(),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            found = run_command_line(personalise, line)
        assert found == status, errors.getvalue()
        return output.getvalue() + errors.getvalue()

    def register(self, other: "Office", *options: str) -> None:
        spoc = other.issuer.pki / "spoc"
        self.run(
            "partner", "add", other.code, "--url", f"https://localhost:{other.port}/SPOC",
            "--ca", spoc / "ca.cer", "--crl", spoc / "crl.crl", *options,
        )  # fmt: skip

    def serve(self, *options: str) -> None:
        """Start the service, and return when it listens."""
        reading, writing = os.pipe()
        arguments = ["eac", "serve", "--port", str(self.port), *options]

        def work() -> None:
            os.dup2(writing, 2)
            with (
                self.issuer.at_work(),
                os.fdopen(2, "w", closefd=False) as errors,
                contextlib.redirect_stderr(errors),
            ):
                run_command_line(personalise, [*arguments, "--pki", str(self.issuer.pki)])

        process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
        process.start()
        os.close(writing)
        with os.fdopen(reading) as lines:
            assert "listening on https://127.0.0.1" in lines.readline()
        self.processes.append(process)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
            process.join(10)
        self.processes.clear()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[tuple[Office, Office]]:
    utopia = Office(Issuer.established(tmp_path / "utopia", "UTO"), "UT", free_port())
    austria = Office(Issuer.established(tmp_path / "austria", "AUT"), "AT", free_port())
    for office in (utopia, austria):
        url = f"https://spoc.{office.code.lower()}.example/crl"
        office.run("spoc", "init", "--host", "localhost", "--crl-url", url)
    utopia.register(austria)
    austria.register(utopia)
    yield utopia, austria
    utopia.stop()
    austria.stop()


PAGE = REPOSITORY / "docs" / "eac.md"
BLOCK = re.compile(r"^```(sh[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def command(line: str) -> str:
    """Run a line of the page, and return its output; `echo … > FILE` writes the file."""
    words = shlex.split(line)
    if words[0] == "echo":
        Path(words[3]).write_text(f"{words[1]}\n")
        return ""
    if words[0] == "openssl":
        subprocess.run(words, check=True, capture_output=True)
        return ""
    output, errors = io.StringIO(), io.StringIO()
    assert words[0] == "personalise"
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        status = run_command_line(personalise, words[1:])
    assert status == 0, (line, errors.getvalue())
    return output.getvalue() + errors.getvalue()


def test_the_page_as_it_is_typed_and_the_terminal_reads_fingerprints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chip of before the renewal is read with certificates of before and after it."""
    monkeypatch.chdir(tmp_path)
    utopia, austria = (
        Office(Issuer(tmp_path / name, code), code[:2], free_port())
        for name, code in (("utopia", "UTO"), ("austria", "AUT"))
    )
    (tmp_path / "home").mkdir()
    for office in (utopia, austria):  # one user has both
        office.issuer.folder.mkdir()
        (office.issuer.folder / "home").symlink_to(tmp_path / "home")
    text = PAGE.read_text(encoding="utf-8")
    text = text.replace("8444", str(utopia.port)).replace("8445", str(austria.port))
    cards: list[Card] = []
    said: dict[str, str] = {}
    with utopia.issuer.at_work():
        for kind, lines in BLOCK.findall(text):
            if kind == "sh background":
                for office in (utopia, austria):
                    if f"--port {office.port}" in lines:
                        office.serve()
                continue
            for line in lines.splitlines():
                said[line] = command(line)
                if line.startswith("personalise eac certify-terminal AT"):
                    cards = cards or [issued(austria, tmp_path)]
                    proved("utopia/pki/foreign/AT/terminal", austria, cards[0], tmp_path)
                if line.startswith("personalise eac terminal renew"):
                    proved("gate-at", austria, cards[0], tmp_path)
                    assert said[line].startswith("UTGATE1AT00001 by UTDVAT001, ")
        utopia.stop()
        austria.stop()
        for name in ("utopia", "austria"):
            command(f"personalise audit verify --pki {name}/pki")
    shown = [line for line in text.splitlines() if line.startswith("    AT: ")]
    assert len(shown) == 2
    for line in shown:
        assert f"{line.strip()}\n" in said.values()
    asked = [each for line, each in said.items() if line.startswith("personalise eac requests")]
    assert "waits for an officer" in asked[0]
    assert "answered, imported" in asked[1]
    root = (tmp_path / "from-austria" / "01-root.cvcert").read_bytes()
    digest = hashlib.sha256(root).hexdigest()
    assert any(digest in each for line, each in said.items() if "eac fetch" in line)


def issued(austria: Office, folder: Path) -> Card:
    kind = Kind(terminal_authentication=True, chip_authentication=[Agreement()])
    (folder / "card").mkdir()
    record = changed("document.issuing_state", "AUT")
    return austria.issuer.issue(kind, folder / "card", record)


def proved(terminal: str, austria: Office, card: Card, folder: Path) -> None:
    """Our terminal reads the fingerprints of the other State's card."""
    trust = folder / "trust.sqlite"
    if not trust.exists():
        published = [str(austria.issuer.pki / name) for name in ("csca.cer", "crl.crl")]
        with contextlib.redirect_stdout(io.StringIO()):
            assert run_command_line(verify, ["trust", "add", str(trust), *published]) == 0
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        run_command_line(
            verify,
            ["card", "--reader", f"virtual:{card.state}", "--trust", str(trust), "--json",
             "--mrz", card.mrz.text, "--terminal", terminal],
        )  # fmt: skip
    report = json.loads(output.getvalue())
    found = {each["id"]: each["outcome"] for each in report["checks"]}
    assert found["terminal.authentication"] == "passed"
    assert report["data_groups"]["DG3"]["hash"] == "passed"


def status_of(office: Office, *, certificate: Path, key: Path, path: str = "/SPOC?wsdl") -> int:
    """Return the status that a TLS client with this certificate gets, or 0 if TLS refuses it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate, key)
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    try:
        with (
            socket.create_connection(("127.0.0.1", office.port)) as plain,
            context.wrap_socket(plain) as connection,
        ):
            connection.sendall(request)
            answer = connection.recv(64)
    except OSError:
        return 0
    return int(answer.split()[1]) if answer else 0


def tls_files(office: Office, end: str, folder: Path) -> dict[str, Path]:
    """Write an end's certificate and its key, in clear, as PEM."""
    spoc = office.issuer.pki / "spoc"
    with office.issuer.at_work():
        key = decrypt_private_key((spoc / f"{end}.p8").read_bytes(), read_passphrase())
    certificate, key_file = folder / f"{end}.pem", folder / f"{end}.key"
    for path, octets, kind in (
        (certificate, (spoc / f"{end}.cer").read_bytes(), "x509"),
        (key_file, key.to_pkcs8().reveal(), "pkey"),
    ):
        command = ["openssl", kind, "-inform", "DER", "-out", str(path)]
        subprocess.run(command, input=octets, check=True)
    return {"certificate": certificate, "key": key_file}


def test_who_connects_must_be_a_registered_state(
    offices: tuple[Office, Office], tmp_path: Path
) -> None:
    utopia, austria = offices
    client, server = (tls_files(utopia, end, tmp_path) for end in ("client", "server"))
    own = tls_files(austria, "client", tmp_path / "austria")
    austria.serve()
    assert status_of(austria, **client) == 200
    assert status_of(austria, **client, path="/SPOC") == 404
    assert status_of(austria, **server) == 0  # OpenSSL looks at the purpose first
    assert status_of(austria, **own) == 0  # its CA is not registered
    utopia.run("spoc", "renew", "--revoke")
    austria.register(utopia)  # with the list that revokes it
    assert status_of(austria, **client) == 401
    assert "does not accept our certificate" not in utopia.run("fetch", "AT")
    utopia.run("spoc", "renew", "--revoke")
    assert "none of them is trusted yet" in utopia.run("fetch", "AT")
    austria.register(utopia)
    assert "none of them is trusted yet" in utopia.run("fetch", "AT")
    austria.run("partner", "remove", "UT")
    assert "does not accept our certificate" in utopia.run("fetch", "AT", status=64)
    austria.register(utopia)
    root = austria.issuer.pki / "terminal" / "cvca.cvcert"
    said = utopia.run("send", "AT", root, "--by-our-cvca", status=2)
    assert "failure_outer_signature; refused" in said  # Austria does not know our CVCA
    line = ["eac", "requests", "--pki", str(austria.issuer.pki)]
    (tmp_path / "text").write_text("closed\x1b[2J on Sunday\n")
    utopia.run("message", "AT", tmp_path / "text", "--subject", "maintenance", status=64)
    (tmp_path / "text").write_text("closed on Sunday\n")
    utopia.run("message", "AT", tmp_path / "text", "--subject", "maintenance")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert run_command_line(personalise, line) == 0
    assert output.getvalue().endswith("    maintenance\n\n    closed on Sunday\n")
    # Our client looks at the server's certificate before it sends anything.
    austria.stop()
    assert "cannot be reached" in utopia.run("fetch", "AT", status=69)
    austria.register(utopia)
    austria.serve()
    austria.run("spoc", "renew", "--revoke")
    utopia.register(austria)
    assert "is not this State's server: its certificate: revoked on" in utopia.run(
        "fetch", "AT", status=64
    )
