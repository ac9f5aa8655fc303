"""`personalise sign-service` and `prepare --sign-service`, each as its user runs it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.sod import Sod
from tests.personalise.applications import folder as application_folder
from tests.personalise.sign_service.tls import write_tls

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
        run(
            "prepare", application, "--pki", tmp_path / "pki", "-o", tmp_path / "image",
            "--sign-service", f"https://127.0.0.1:{port}",
            "--tls-certificate", tmp_path / "client.pem",
            "--tls-key", tmp_path / "client.key",
            "--tls-authority", tmp_path / "ca.pem",
        )  # fmt: skip
    finally:
        service.terminate()
        assert service.wait(20) in {0, -15}
    image = LdsImage.load(tmp_path / "image")
    sod = Sod.parse(image.files[FileID.SOD])
    assert set(sod.security_object.hashes) >= {1, 2}
    assert FileID.CARD_SECURITY in image.files
    assert (tmp_path / "signatures.sqlite").exists()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
