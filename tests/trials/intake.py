"""An intake service that is killed at random moments while a client sends packages, and again.

The client does what docs/integration.md says: it stores a key with each package, and repeats the
request with it until there is a receipt.  In the end every document must have one application, and
every receipt must name those of the ledger.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from emrtd.errors import ProtocolError
from personalise.client import (
    ClientCredentials,
    IntakeClient,
    ServiceUnavailableError,
    read_receipt,
)
from personalise.ledger.opening import open_ledger
from personalise.pki.folder import RECEIPT
from personalise.pki.issuing_pki import IssuingPki
from personalise.service.intake import PackageState, ReceiptContent
from tests.personalise.intake.packages import application_files, packed, record
from tests.tls import write_tls

_OF_A_PACKAGE = 3
"""Applications of a package; every fourth package has a document of the one before it."""
_LIFE = 4.0
"""Seconds that a service lives at most, after it is ready."""


class Trial:
    """A service that is started again whenever it was killed, and what its client has received."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "XDG_DATA_HOME": str(folder / "home")}
        self.environment.pop("CHIPSEAL_PASSPHRASE_FILE", None)
        self._run("pki", "init", str(folder / "pki"))
        ca = write_tls(folder, "ca", None)
        for name in ("service", "client"):
            write_tls(folder, name, ca)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "intake.toml").write_text(
            f'[listen]\nport = {self.port}\ncertificate = "service.pem"\nkey = "service.key"\n'
            'client_authorities = "ca.pem"\n[intake]\njobs = 1\nanswer_seconds = 1\n'
            '[[client]]\nname = "trial"\ncertificate = "client.pem"\npackages_per_minute = 10000\n'
        )
        self.pki = IssuingPki.without_keys(folder / "pki")
        self.receipts: dict[str, ReceiptContent] = {}
        self.problems: list[str] = []
        self.sent = threading.Event()

    def kill(self, kills: int, seed: int, packages: int) -> int:
        """Kill the service so often while packages are sent; return how many kills met work."""
        chance, at_work = random.Random(seed), 0  # noqa: S311 - moments of kills
        octets = {f"case-{number}": self._package(number) for number in range(packages)}
        sender = threading.Thread(target=self._send, args=(octets,), daemon=True)
        sender.start()
        for _ in range(kills):
            process = self._start()
            self.sent.wait(chance.uniform(0, _LIFE))
            at_work += sender.is_alive()
            process.send_signal(signal.SIGKILL)
            process.wait()
        process = self._start()
        sender.join(600)
        process.terminate()
        if process.wait(60) != 0:
            self.problems.append("the service does not end at SIGTERM")
        if sender.is_alive():
            self.problems.append("not every package had a receipt after ten minutes")
        return at_work

    def check(self, packages: int) -> list[str]:
        """Return what is wrong."""
        problems = list(self.problems)
        ledger = open_ledger(f"sqlite:///{self.folder / 'pki' / 'ledger.sqlite'}", None)
        try:
            entries = list(ledger.jobs())
            documents = [each.document for each in entries]
            if len(set(documents)) != len(documents):
                problems.append("a document has two applications")
            numbers = {number for each in range(packages) for number in _numbers(each)}
            if len(numbers) != len(documents):
                problems.append(f"{len(documents)} applications of {len(numbers)} documents")
            taken = [
                each.application
                for receipt in self.receipts.values()
                for each in receipt.packages[0].applications
                if each.outcome == "taken"
            ]
            if sorted(taken, key=str) != sorted(each.job.id for each in entries):
                problems.append("the receipts do not name the applications of the ledger")
        finally:
            ledger.close()
        done = self._run("ledger", "verify", "--pki", str(self.folder / "pki"))
        if done.returncode != 0:
            problems.append(f"ledger verify: {done.stdout}{done.stderr}")
        return problems

    def _start(self) -> "subprocess.Popen[bytes]":
        script = Path(sys.executable).parent / "personalise"
        config, pki = self.folder / "intake.toml", self.folder / "pki"
        command = [script, "intake-service", "--config", config, "--pki", pki, "--log", "json"]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, env=self.environment, stderr=log)
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            time.sleep(0.05)
        self.problems.append("the service ended by itself; see its log")
        return process

    def _send(self, packages: dict[str, bytes]) -> None:
        signer = self.pki.certificate(RECEIPT)
        names = [self.folder / name for name in ("client.pem", "client.key", "ca.pem")]
        url, credentials = f"https://127.0.0.1:{self.port}", ClientCredentials(*names)
        for key, octets in packages.items():
            while key not in self.receipts:
                try:
                    with IntakeClient(url, credentials, wait=lambda _: time.sleep(0.2)) as client:
                        known = client.send(octets, idempotency_key=key)
                        if known.state is PackageState.DONE:
                            self.receipts[key] = read_receipt(known, signer)
                        elif known.state is PackageState.FAILED:
                            self.problems.append(f"{key} has failed")
                            return
                except ServiceUnavailableError:
                    time.sleep(0.2)
                except ProtocolError as error:
                    self.problems.append(f"{key}: {error}")
                    return
        self.sent.set()

    def _package(self, number: int) -> bytes:
        files: dict[str, bytes] = {}
        for position, document in enumerate(_numbers(number)):
            files |= application_files(f"{position:04}/", record(document))
        return packed(self.folder / "package.p7m", files, self.pki).read_bytes()

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        script = Path(sys.executable).parent / "personalise"
        return subprocess.run(
            [script, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )


def _numbers(package: int) -> list[str]:
    """Return the numbers of the documents of a package."""
    own = [f"ZU{package:04}{position}" for position in range(_OF_A_PACKAGE)]
    if package % 4 == 3:
        own[0] = f"ZU{package - 1:04}0"
    return own


def run(folder: Path, kills: int, seed: int) -> tuple[str, list[str]]:
    """Carry out the trial; return what was seen, and what is wrong."""
    trial, packages = Trial(folder), 4 * kills
    at_work = trial.kill(kills, seed, packages)
    problems = trial.check(packages)
    taken = sum(each.taken for each in trial.receipts.values())
    told = (
        f"{kills} kills, {at_work} of them at work; {len(trial.receipts)} receipts of {packages}"
        f" packages, {taken} applications taken"
    )
    return told, problems
