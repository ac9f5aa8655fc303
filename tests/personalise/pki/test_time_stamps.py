"""Time stamps on the audit log, by a time-stamp authority that OpenSSL runs."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from emrtd.errors import ProtocolError
from personalise.commands.main import personalise
from personalise.pki import time_stamps
from personalise.pki.certificate_file import read_certificate
from personalise.pki.time_stamps import TimeStamp
from support.command_line import run_command_line
from support.errors import MalformedError
from tests.helpers import replace

CONFIGURATION = """
[tsa]
default_tsa = server
[server]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
certs = {folder}/ca.pem
signer_key = {folder}/signer.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
EXTENSIONS = "keyUsage = critical, digitalSignature\nextendedKeyUsage = {usage}\n"


class Authority:
    """A time-stamp authority, and its CA; `ca` is what a PKI trusts."""

    def __init__(self, folder: Path, usage: str = "critical, timeStamping") -> None:
        folder.mkdir()
        self.folder = folder
        self.ca = folder / "ca.pem"
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
        (folder / "extensions.cnf").write_text(EXTENSIONS.format(usage=usage))
        (folder / "serial").write_text("01\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9",
                  "-subj", "/C=UT/CN=CA of time stamps")  # fmt: skip
        self._run("req", *curve, "-keyout", "signer.key", "-out", "signer.csr",
                  "-subj", "/C=UT/CN=Time stamps")  # fmt: skip
        self._run("x509", "-req", "-in", "signer.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                  "-CAcreateserial", "-days", "9", "-extfile", "extensions.cnf",
                  "-out", "signer.pem")  # fmt: skip

    def answer(self, query: Path) -> Path:
        answer = query.with_suffix(".tsr")
        self._run("ts", "-reply", "-config", "tsa.cnf", "-section", "server",
                  "-queryfile", str(query), "-out", str(answer))  # fmt: skip
        return answer

    def _run(self, *arguments: str) -> None:
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture
def url(authority: Authority, tmp_path: Path) -> Iterator[str]:
    """The address at which the authority answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            query = tmp_path / "received.tsq"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            octets = authority.answer(query).read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


class Officer:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.pki = folder / "pki"
        self._capsys = capsys
        self.status = 0

    def run(self, *arguments: str | Path) -> str:
        every = [*map(str, arguments), "--pki", str(self.pki)]
        self.status = run_command_line(personalise, every)
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def cut_the_log(self) -> None:
        log = self.pki / "audit.jsonl"
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:1]))


@pytest.fixture
def officer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Officer:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    officer = Officer(tmp_path, capsys)
    assert run_command_line(personalise, ["pki", "init", str(officer.pki)]) == 0
    officer.run("pki", "issue-crl")
    return officer


def test_a_tail_that_was_cut_is_noticed(officer: Officer, authority: Authority, url: str) -> None:
    pytest.importorskip("httpx")
    said = officer.run("audit", "anchor", "--tsa", url, "--tsa-certificate", authority.ca)
    assert officer.status == 0, said
    (anchor,) = (officer.pki / "anchors").glob("*.tsr")
    assert "1 time stamp, of 2" in officer.run("audit", "verify")
    officer.run("pki", "issue-crl")
    assert "1 time stamp, of 2" in officer.run("audit", "verify")
    officer.run("audit", "anchor", "--tsa", url)
    assert "2 time stamps" in officer.run("audit", "verify")
    officer.cut_the_log()
    assert run_command_line(personalise, ["pki", "status", str(officer.pki)]) == 2
    said = officer.run("audit", "verify")
    assert officer.status == 64
    assert "entries are missing or were changed" in said
    elsewhere = officer.folder / "kept.tsr"
    anchor.rename(elsewhere)
    for left in (officer.pki / "anchors").glob("*.tsr"):
        left.unlink()  # whoever cut the log has removed the anchors too
    assert officer.run("audit", "verify").startswith("1 entry")
    said = officer.run("audit", "verify", "--anchor", elsewhere)
    assert officer.status == 64
    assert f"{elsewhere}: the audit log has no line that was stamped" in said


def test_a_machine_without_a_network_carries_query_and_answer(
    officer: Officer, authority: Authority
) -> None:
    query = officer.folder / "head.tsq"
    officer.run("audit", "anchor", "--query", query)
    answer = authority.answer(query)
    assert "--tsa-certificate" in officer.run("audit", "anchor", "--answer", answer)
    assert officer.status == 64
    officer.run("audit", "anchor", "--answer", answer, "--tsa-certificate", authority.ca)
    assert officer.status == 0
    assert "1 time stamp, of 2" in officer.run("audit", "verify")
    stamp = TimeStamp.parse(answer.read_bytes())
    assert len(stamp.digest) == 32
    assert stamp.nonce is not None
    verified = subprocess.run(
        ["openssl", "ts", "-verify", "-queryfile", query, "-in", answer, "-CAfile", authority.ca],
        capture_output=True, check=False,
    )  # fmt: skip
    assert b"Verification: OK" in verified.stdout, verified.stderr


def test_an_answer_of_another_authority_or_another_log_is_refused(
    officer: Officer, authority: Authority, tmp_path: Path
) -> None:
    query = officer.folder / "head.tsq"
    officer.run("audit", "anchor", "--query", query)
    other = Authority(tmp_path / "other")
    said = officer.run(
        "audit", "anchor", "--answer", other.answer(query), "--tsa-certificate", authority.ca
    )
    assert officer.status == 64
    assert "is not the trusted one, nor certified by it" in said
    assert not list((officer.pki / "anchors").glob("*.tsr"))
    answer = authority.answer(query)
    officer.cut_the_log()
    said = officer.run("audit", "anchor", "--answer", answer, "--tsa-certificate", authority.ca)
    assert officer.status == 64
    assert "no line that was stamped" in said
    assert not list((officer.pki / "anchors").glob("*.tsr"))


def test_an_anchor_stays_when_its_answer_is_given_again_after_a_cut(
    officer: Officer, authority: Authority
) -> None:
    query = officer.folder / "head.tsq"
    officer.run("audit", "anchor", "--query", query)
    answer = authority.answer(query)
    officer.run("audit", "anchor", "--answer", answer, "--tsa-certificate", authority.ca)
    officer.cut_the_log()
    assert "no line that was stamped" in officer.run("audit", "anchor", "--answer", answer)
    assert len(list((officer.pki / "anchors").glob("*.tsr"))) == 1
    officer.run("audit", "verify")
    assert officer.status == 64


def test_a_signer_is_for_time_stamps_alone_and_was_valid(
    authority: Authority, tmp_path: Path
) -> None:
    loose = read_certificate(Authority(tmp_path / "loose", "timeStamping").folder / "signer.pem")
    other = read_certificate(Authority(tmp_path / "other").folder / "signer.pem")
    query = tmp_path / "any.tsq"
    query.write_bytes(time_stamps.query(bytes(32), 1))
    stamp = TimeStamp.parse(authority.answer(query).read_bytes())
    stamp.verify(stamp.signer)
    with pytest.raises(ProtocolError, match="may not sign time stamps"):
        replace(stamp, signer=loose).verify(loose)
    with pytest.raises(ProtocolError, match="outside its signer's validity"):
        replace(stamp, at=stamp.at + timedelta(days=10)).verify(stamp.signer)
    with pytest.raises(ProtocolError, match="signature is wrong"):
        replace(stamp, signer=other).verify(other)


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"\x30\x05\x30\x03\x02\x01\x00", b"\x05\x00"])
def test_what_is_no_time_stamp(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        TimeStamp.parse(octets)


def test_one_way_at_a_time(officer: Officer) -> None:
    assert "give one of --tsa, --query and --answer" in officer.run("audit", "anchor")
    said = officer.run("audit", "anchor", "--tsa", "http://127.0.0.1:9/")
    assert officer.status == 64
    assert "use --query and --answer" in said
