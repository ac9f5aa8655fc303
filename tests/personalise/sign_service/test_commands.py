"""`personalise sign-service` and `prepare --sign-service`, each as its user runs it."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import httpx

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.security.sod import Sod
from emrtd.pki.x509.certificates import Certificate
from tests.personalise.applications import CONTRACT
from tests.personalise.applications import folder as application_folder
from tests.tls import write_tls

SCRIPTS = Path(sys.executable).parent


def test_prepare_has_its_security_objects_signed_by_the_service(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "home")}
    personalise = str(SCRIPTS / "personalise")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [personalise, *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    ca = write_tls(tmp_path, "ca", None)
    for name in ("service", "client"):
        write_tls(tmp_path, name, ca)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = tmp_path / "service.toml"
    configuration.write_text(
        f"""
        [listen]
        port = {port}
        certificate = "service.pem"
        key = "service.key"
        client_authorities = "ca.pem"
        [[client]]
        name = "prep-1"
        certificate = "client.pem"
        document_types = ["IR"]
        """
    )
    run("pki", "init", tmp_path / "pki")
    application = application_folder(tmp_path / "application")
    service = subprocess.Popen(
        [personalise, "sign-service", "--pki", str(tmp_path / "pki"), "--config", configuration],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stderr is not None
        assert "signing on https" in service.stderr.readline()
        _wait_for(port)
        public = tmp_path / "public"
        (public / "terminal").mkdir(parents=True)
        for name in ("pki.json", "csca.cer", "station.cer", "register.pub", "terminal/cvca.cvcert"):
            shutil.copy(tmp_path / "pki" / name, public / name)
        run(
            "prepare", application, "--pki", public, "-o", tmp_path / "image",
            "--sign-service", f"https://127.0.0.1:{port}",
            "--tls-certificate", tmp_path / "client.pem",
            "--tls-key", tmp_path / "client.key",
            "--tls-authority", tmp_path / "ca.pem",
        )  # fmt: skip
        signer = Certificate.parse((tmp_path / "pki" / "ds.cer").read_bytes())
        affected = tmp_path / "affected.tsv"
        run("pki", "revoke", "ds", "--pki", tmp_path / "pki", "--affected", affected)
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        context.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        ready = httpx.get(f"https://127.0.0.1:{port}/health/ready", verify=context)
        assert ready.status_code == 503
        found = ready.json()["checks"]
        assert {name for name, each in found.items() if not each["ready"]} == {"keys", "signatures"}
        assert found["signatures"]["left"] == 0, "revoked: no more"
    finally:
        service.terminate()
        assert service.wait(20) in {0, -15}
    image = LdsImage.load(tmp_path / "image")
    sod = Sod.parse(image.files[FileID.SOD])
    assert set(sod.security_object.hashes) >= {1, 2}
    assert FileID.CARD_SECURITY in image.files
    assert not (public / "register.sqlite").exists()
    assert sod.signed_data.certificates[0] == signer
    (line,) = affected.read_text().splitlines()
    number, _, digest = line.split("\t")
    assert number == CONTRACT["document"]["number"], "a service's documents are in the register"
    assert digest == sha256(image.files[FileID.SOD]).hexdigest()
    store = tmp_path / "signatures.sqlite"
    assert store.stat().st_mode & 0o777 == 0o600
    assert number.encode() not in store.read_bytes()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
