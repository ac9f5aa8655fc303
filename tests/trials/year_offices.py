"""The offices of a simulated year: two States' PKIs, border posts, and OpenSSL beside them.

Every step is a command of `personalise` or `verify`, run in this process with the clock of the
year.  Each office has a user's folder of its own, as it would have on a machine of its own.
"""

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import time_machine

from emrtd import tlv
from emrtd.pki.pem import encode_pem
from emrtd.pki.x509.certificates import Certificate
from personalise.commands.main import personalise
from support.command_line import run_command_line
from verify.commands.main import verify
from vsmartcard.commands.main import vsmartcard

PROGRAMS: dict[str, click.Command] = {
    "personalise": personalise,
    "verify": verify,
    "vsmartcard": vsmartcard,
}


class WrongError(Exception):
    """A command ended as nobody expected."""


@dataclass
class Clock:
    """The time of the year; every command takes a minute of it."""

    now: datetime

    def tick(self) -> None:
        """Let a minute pass."""
        self.now += timedelta(minutes=1)


@dataclass
class Desk:
    """A machine with a user: runs commands at the time of the clock."""

    name: str
    home: Path
    clock: Clock
    commands: int = 0

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "passphrase").write_text(f"the pass phrase of {self.name}\n")

    def run(self, *arguments: str | Path, status: int | None = 0) -> str:
        """Run a command; return its output.  Raises `WrongError` for another exit status."""
        line = [str(each) for each in arguments]
        said, found = self._run(line)
        if status is not None and found != status:
            told = f"{self.clock.now:%Y-%m-%d} {self.name}: {' '.join(line)}: {found}: {said}"
            raise WrongError(told)
        return said

    def answer(self, *arguments: str | Path, status: int | None = None) -> Any:
        """Run a command with --json; return the object on its standard output."""
        return json.loads(self.run(*arguments, "--json", status=status))

    def _run(self, line: Sequence[str]) -> tuple[str, int]:
        self.clock.tick()
        self.commands += 1
        out, err = io.StringIO(), io.StringIO()
        with (
            self._environment(),
            time_machine.travel(self.clock.now, tick=False),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = run_command_line(PROGRAMS[line[0]], line[1:])
        return out.getvalue() + ("" if "--json" in line and not status else err.getvalue()), status

    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        own = {
            "XDG_DATA_HOME": str(self.home),
            "CHIPSEAL_PASSPHRASE_FILE": str(self.home / "passphrase"),
        }
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value


@dataclass
class Document:
    """A document that was issued: its image, its signer and the key above it, and when."""

    image: Path
    state: "State"
    signer: str
    generation: int
    at: datetime


@dataclass
class RevocationList:
    """What the newest CRL of a State must say."""

    octets: bytes
    until: datetime
    revoked: frozenset[str]


@dataclass
class State:
    """A State's PKI, its officers, and what it must have made, as the trial remembers it."""

    code: str
    country: str
    desk: Desk
    pki: Path
    present: list[str] = field(default_factory=list)
    generations: list[str] = field(default_factory=list)
    """Serial numbers of the CSCA's roots, the first key's first."""
    links: dict[int, Path] = field(default_factory=dict)
    """Link certificates, by the number of the key that they certify."""
    roots: list[Path] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    crl: RevocationList | None = None
    head: str = ""

    @property
    def folder(self) -> Path:
        """The folder of the State's files beside the PKI."""
        return self.desk.home

    def operate(self, *arguments: str | Path, status: int = 0) -> str:
        """Run an operation of `personalise`, with the two officers who are present."""
        officers: list[str] = []
        for name in self.present:
            officers += ["--officer", f"{name}={self.folder}/{name}.p8"]
            officers += ["--officer-passphrase-file", f"{name}={self.folder}/{name}.pass"]
        return self.do(*arguments, *officers, status=status)

    def do(self, *arguments: str | Path, status: int = 0) -> str:
        """Run a command of `personalise` on the PKI without officers."""
        return self.desk.run("personalise", *arguments, "--pki", self.pki, status=status)

    def begin(self, plan: str) -> None:
        """Make the PKI of a plan."""
        path = self.folder / "pki.toml"
        path.write_text(plan)
        self.desk.run("personalise", "pki", "plan", "--plan", path, status=None)
        self.desk.run("personalise", "pki", "init", self.pki, "--plan", path)
        self._new_root()
        self._new_crl()

    def enrol(self, *names: str) -> None:
        """Enrol officers, with the approval of those who are present."""
        for name in names:
            (self.folder / f"{name}.pass").write_text(f"the pass phrase of {name}\n")
            self.operate(
                "officer", "enrol", name, "-o", self.folder / f"{name}.p8",
                "--new-passphrase-file", self.folder / f"{name}.pass",
            )  # fmt: skip

    def issue_crl(self) -> None:
        """Issue a revocation list."""
        self.do("pki", "issue-crl")
        self._new_crl()

    def renew_csca(self, name: str = "") -> None:
        """Make the CSCA's next key."""
        was_revoked = self.generations[-1] in self.revoked
        self.operate("pki", "renew-csca", *(["--name", name] if name else []))
        number = len(self.generations)
        if not was_revoked:
            self.links[number] = _copied(
                self.pki / f"link-csca-{number + 1}.cer", self.folder / f"link-{number}.cer"
            )
        self._new_root()
        self._new_crl()

    def revoke(self, name: str) -> int:
        """Revoke a certificate; return how many documents are affected."""
        serial = _serial(self.pki / f"{name}.cer")
        affected = self.folder / f"affected-{serial}.tsv"
        self.operate("pki", "revoke", name, "--affected", affected)
        self.revoked.add(serial)
        self._new_crl()
        return len(affected.read_text().splitlines())

    def prepare(self, application: Path) -> Document:
        """Issue a document of today; its other data are those of an application that exists."""
        number = len(self.documents) + 1
        folder, image = self.folder / f"application-{number}", self.folder / f"{number}"
        shutil.copytree(application, folder)
        path, day = folder / "application.json", f"{self.desk.clock.now:%Y-%m-%d}"
        end = f"{self.desk.clock.now + timedelta(days=1000):%Y-%m-%d}"
        content = json.loads(path.read_text())
        content["document"] |= {
            "issuing_state": self.code,
            "number": f"Z{self.country}{number:06}",
            "issued": day,
            "expires": end,
        }
        content["holder"]["nationality"] = "XXA"  # stateless: nobody's State
        content["permit"] |= {"valid_from": day, "valid_until": end}
        path.write_text(json.dumps(content))
        self.do("prepare", folder, "-o", image)
        document = Document(
            image,
            self,
            _serial(self.pki / "ds.cer"),
            len(self.generations) - 1,
            self.desk.clock.now,
        )
        self.documents.append(document)
        return document

    def due(self) -> list[dict[str, Any]]:
        """Return what is due, as `pki status` says it."""
        found = self.desk.answer("personalise", "pki", "status", self.pki)
        return list(found["due"])

    def audit(self) -> None:
        """Verify the audit log, and that it continues from where it was the last time."""
        noted = ["--head", self.head] if self.head else []
        said = self.do("audit", "verify", *noted)
        self.head = said.split("head ")[1].split()[0]

    def _new_root(self) -> None:
        self.generations.append(_serial(self.pki / "csca.cer"))
        number = len(self.generations) - 1
        self.roots.append(_copied(self.pki / "csca.cer", self.folder / f"root-{number}.cer"))

    def _new_crl(self) -> None:
        self.crl = RevocationList(
            (self.pki / "crl.crl").read_bytes(),
            self.desk.clock.now + timedelta(days=90),
            frozenset(self.revoked),
        )


@dataclass
class Post:
    """A border post: its trust store, and what must be in it."""

    name: str
    desk: Desk
    store: Path
    roots: dict[str, set[int]] = field(default_factory=dict)
    crls: dict[str, RevocationList] = field(default_factory=dict)

    def take(self, state: State, *files: Path, roots: Sequence[int] = (), crl: bool = False) -> str:
        """Import files of a State; remember the keys that they bring, and the CRL with them."""
        paths = list(files)
        if crl and state.crl is not None:
            path = self.desk.home / f"{state.country}.crl"
            path.write_bytes(state.crl.octets)
            paths.append(path)
            self.crls[state.country] = state.crl
        said = self.desk.run("verify", "trust", "add", self.store, *paths)
        self.roots.setdefault(state.country, set()).update(roots)
        return said

    def expected(self, document: Document) -> dict[str, str]:
        """Return what the checks of a document must say, by what is in the store."""
        country, now = document.state.country, self.desk.clock.now
        if document.generation not in self.roots.get(country, ()):
            return {"ds.chain": "undetermined", "ds.revocation": "undetermined"}
        crl = self.crls.get(country)
        root = document.state.generations[document.generation]
        revocation = "passed"
        if crl is not None and {document.signer, root} & crl.revoked:
            revocation = "failed"
        elif crl is None or crl.until < now:
            revocation = "undetermined"
        return {"ds.chain": "passed", "ds.revocation": revocation}

    def judged(self, document: Document) -> dict[str, str]:
        """Return what `verify image` says."""
        report = self.desk.answer(
            "verify", "image", document.image, "--trust", self.store, status=None
        )
        checks = {each["id"]: each["outcome"] for each in report["checks"]}
        found = {name: checks[name] for name in ("ds.chain", "ds.revocation")}
        failed = "failed" in found.values()
        undetermined = "undetermined" in found.values()
        verdict = "reject" if failed else "refer" if undetermined else "accept"
        if checks["sod.signature"] != "passed" or report["verdict"] != verdict:
            found["verdict"] = f"{report['verdict']}, sod.signature {checks['sod.signature']}"
        return found


class OpenSsl:
    """OpenSSL, which sees the files of a State and knows nothing of the model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[bytes, str], tuple[str, str]] = {}
        folder.mkdir()

    def judged(
        self, document: Document, roots: Sequence[Path], crl: bytes | None, at: datetime
    ) -> dict[str, str]:
        """Return what OpenSSL says of a document's chain and its revocation."""
        trusted, list_, chain = (self._folder / name for name in ("ca.pem", "crl.pem", "ds.pem"))
        trusted.write_text("".join(encode_pem(each.read_bytes(), "CERTIFICATE") for each in roots))
        sod = self._folder / "sod.der"
        sod.write_bytes(tlv.read((document.image / "EF_SOD.bin").read_bytes(), "EF.SOD").value)
        status, _ = self._run(
            "cms", "-verify", "-inform", "DER", "-binary", "-in", sod, "-noverify",
            "-signer", chain, "-out", self._folder / "content",
        )  # fmt: skip
        if status:
            return {"ds.chain": "the signature of EF.SOD does not verify", "ds.revocation": ""}
        when = ["-attime", str(int(at.timestamp()))]
        status, said = self._run(
            "verify", "-x509_strict", "-partial_chain", *when, "-CAfile", trusted, chain
        )
        result = {"ds.chain": "passed" if status == 0 else "undetermined"}
        if status and "unable to get" not in said:
            result["ds.chain"] = said
        result["ds.revocation"] = "undetermined"
        if crl is not None and status == 0:
            list_.write_text(encode_pem(crl, "X509 CRL"))
            # `openssl crl` takes the first certificate of the issuer's name, whatever its key is.
            trusted.write_text(encode_pem(roots[-1].read_bytes(), "CERTIFICATE"))
            result["ds.revocation"] = self._revocation(list_, trusted, chain, roots, at)
        return result

    def _revocation(
        self, list_: Path, trusted: Path, chain: Path, roots: Sequence[Path], at: datetime
    ) -> str:
        status, said = self._run("crl", "-in", list_, "-CAfile", trusted, "-noout", "-text")
        if status or "verify OK" not in said:
            return f"the CRL does not verify: {said.splitlines()[-1:]}"
        signer, authority = self._identified(chain, "authorityKeyIdentifier")
        known = (self._identified(each, "subjectKeyIdentifier") for each in roots)
        issuers = [serial for serial, key in known if key == authority]
        if any(f"Serial Number: {serial}\n" in said for serial in (signer, *issuers)):
            return "failed"
        (end,) = (line for line in said.splitlines() if "Next Update" in line)
        until = datetime.strptime(
            end.split("Next Update: ")[1] + "+0000", "%b %d %H:%M:%S %Y GMT%z"
        )
        return "undetermined" if until < at else "passed"

    def _identified(self, certificate: Path, extension: str) -> tuple[str, str]:
        """Return a certificate's serial number, and the key identifier in an extension."""
        asked = certificate.read_bytes(), extension
        if asked not in self._known:
            _, said = self._run("x509", "-in", certificate, "-noout", "-serial", "-ext", extension)
            serial, *_, key = said.strip().splitlines()
            self._known[asked] = serial.partition("=")[2], key.strip().removeprefix("keyid:")
        return self._known[asked]

    def _run(self, *arguments: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


def seeded(seed: int) -> random.Random:
    """Return the chance of a year."""
    return random.Random(seed)  # noqa: S311 - not for secrets


def _serial(path: Path) -> str:
    return f"{Certificate.parse(path.read_bytes()).serial:X}"


def _copied(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target
