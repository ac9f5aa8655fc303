"""gmrtd reads our cards in a real PC/SC reader (github.com/gmrtd/gmrtd, cmd/gmrtd-reader).

gmrtd uses the first of all readers, reads what it can, and then opens a browser with a report; our
browser is a script that keeps the file.  The report contains all values as JSON.

Its CSCA certificates are built in.  None of Germany's has signed our cards, so that its Passive
Authentication fails at the chain, after it has verified every hash and the signature of EF.SOD.
"""

import base64
import html
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path

from emrtd.lds.files import FileID
from tests.interop.findings import building_alone
from tests.issuing import Agreement, Card, Issuer, Kind
from tests.personalise.applications import changed
from tests.readers import Insert
from tests.requirement import REFUSED_MODULE, program

pytestmark = [pytest.mark.device, pytest.mark.interop]

VERSION = "v1.1.2"
READY_BINARY = "CHIPSEAL_GMRTD_READER"
"""An environment variable that may contain the path of a gmrtd-reader that is already built."""

_MODULE = f"github.com/gmrtd/gmrtd/cmd/gmrtd-reader@{VERSION}"
_REFUSALS = ("This module version is not available", "403 Forbidden", "404 Not Found", "410 Gone")
_UNKNOWN_SIGNER = "[Verify] cert.Verify error"


@pytest.fixture(scope="session")
def gmrtd_reader() -> Path:
    """Return the program, which one of the test processes installs and keeps."""
    if ready := os.environ.get(READY_BINARY):
        return Path(ready)
    folder = user_cache_path("chipseal") / "interop" / f"gmrtd-{VERSION}"
    installed = folder / "gmrtd-reader"
    with building_alone(folder):
        if not installed.exists():
            _install(program("go", "golang-go"), folder)
    return installed


def _install(go: str, folder: Path) -> None:
    environment = {**os.environ, "GOBIN": str(folder)}
    done = subprocess.run(
        [go, "install", _MODULE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if done.returncode:
        remark = " ".join(done.stderr.split())
        if any(each in remark for each in _REFUSALS):
            pytest.skip(f"{REFUSED_MODULE} gmrtd: {remark}")
        pytest.skip(f"gmrtd cannot be installed: {remark}")


@pytest.fixture(scope="session")
def germany(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """An issuing State whose CSCA certificates are built into gmrtd."""
    return Issuer.established(tmp_path_factory.mktemp("germany"), "D")


APPLICATION = changed("document.issuing_state", "D", changed("holder.nationality", "D"))


@dataclass(frozen=True)
class Session:
    """What gmrtd reports about a session and its Passive Authentication."""

    results: dict[str, Any]
    passive_authentication_error: str

    def __getitem__(self, name: str) -> Any:
        return self.results[name]

    def succeeded(self, *names: str) -> bool:
        """Whether all of these were done successfully."""
        return all(self.results.get(name, {}).get("success") is True for name in names)

    @property
    def failed(self) -> bool:
        """Whether any protocol failed, other than Passive Authentication."""
        others = (each for name, each in self.results.items() if name != "passiveAuthResult")
        return any(each.get("success") is False for each in others)


@dataclass(frozen=True)
class Gmrtd:
    """Inserts cards into the first reader and has gmrtd read them."""

    program: Path
    insert: Insert
    folder: Path

    def read(
        self, card: Card, *arguments: str, can: bool = False, ends: str = _UNKNOWN_SIGNER
    ) -> Session:
        """Read a card; assert that its files are those issued.

        `ends` is in the error of its Passive Authentication.  gmrtd drops the leading zeros of a
        shared secret and fails in one session of 256, so it may try a second session.
        """
        self.insert(card.state, first=True)
        session = self._read(card, *arguments, can=can)
        if session is None or session.failed:
            session = self._read(card, *arguments, can=can)
        assert session is not None, (self.folder / "log").read_text(encoding="utf-8")
        assert ends in session.passive_authentication_error
        return session

    def _read(self, card: Card, *arguments: str, can: bool) -> Session | None:
        """Run one session; return None if gmrtd failed."""
        mrz = card.mrz
        printed = ["-doc", mrz.document_number, "-dob", mrz.date_of_birth]
        secret = ["-can", card.can] if can else [*printed, "-exp", mrz.date_of_expiry]
        report = self.folder / "report.html"
        browser = self.folder / "xdg-open"
        browser.write_text(f'#!/bin/sh\ncp "${{1#file://}}" {report}\n', encoding="ascii")
        browser.chmod(0o700)
        done = subprocess.run(
            [self.program, *secret, *arguments],
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        (self.folder / "log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            return None
        text = report.read_bytes().decode("latin-1")
        found = _json_in(text)
        _check_files(card, found["document"]["mf"])
        error = re.search(r"Error: (\[PassiveAuth\][^<]*)", html.unescape(text))
        return Session(found["session"], "" if error is None else error[1])


def _json_in(report: str) -> dict[str, Any]:
    for text in re.findall(r"(?s)<pre[^>]*>(.*?)</pre>", report):
        if '"mf"' in (plain := html.unescape(text)):
            found: dict[str, Any] = json.loads(plain)
            return found
    pytest.fail("gmrtd's report contains no JSON of what was read")


def _check_files(card: Card, master_file: dict[str, Any]) -> None:
    files = card.image.files
    read = {name.lower(): value for name, value in master_file["lds1"].items()}
    for file_id in (FileID.SOD, FileID.COM, FileID.DG1, FileID.DG2, FileID.DG13, FileID.DG14):
        if file_id in files:
            found = base64.b64decode(read[file_id.name.lower()]["rawData"])
            assert found == files[file_id]


@pytest.fixture
def gmrtd(gmrtd_reader: Path, insert: Insert, tmp_path: Path) -> Gmrtd:
    folder = tmp_path / "gmrtd"
    folder.mkdir()
    return Gmrtd(gmrtd_reader, insert, folder)


def test_the_permit_of_today(gmrtd: Gmrtd, germany: Issuer, tmp_path: Path) -> None:
    """gmrtd prefers Chip Authentication Mapping, and verifies it with EF.CardSecurity."""
    session = gmrtd.read(germany.issue("permit", tmp_path, APPLICATION), can=True)
    assert session.succeeded("paceResult", "paceCamResult")
    assert session["paceResult"]["oid"] == "0.4.0.127.0.7.2.2.4.6.2"


def test_basic_access_control(gmrtd: Gmrtd, germany: Issuer, tmp_path: Path) -> None:
    session = gmrtd.read(germany.issue("permit-bac", tmp_path, APPLICATION), "-skipPace")
    assert session.succeeded("bacResult", "chipAuthResult")


def test_a_changed_octet_is_detected(gmrtd: Gmrtd, germany: Issuer, tmp_path: Path) -> None:
    """gmrtd compares the hashes before the chain, where the other tests end."""
    card = germany.issue("permit", tmp_path, APPLICATION)
    gmrtd.read(card.with_changed_octet(FileID.DG13), ends="DG hash mismatch (dg:13)")


@pytest.mark.parametrize(
    "pace",
    [
        Agreement("3DES", 13, "GM"),
        Agreement("AES-192", 10, "GM"),
        Agreement("AES-256", 17, "GM"),
        Agreement("AES-128", 12, "CAM"),
        Agreement("AES-256", 16, "CAM"),
    ],
    ids=Agreement.label,
)
def test_pace(gmrtd: Gmrtd, germany: Issuer, tmp_path: Path, pace: Agreement) -> None:
    """Only ECDH, with Generic and Chip Authentication Mapping: gmrtd supports nothing else."""
    static = [Agreement(parameters=pace.parameters)] if pace.mapping == "CAM" else []
    kind = Kind(pace=[pace], chip_authentication=static)
    session = gmrtd.read(germany.issue(kind, tmp_path, APPLICATION))
    assert session["paceResult"]["parameterId"] == pace.parameters
    assert session.succeeded("paceResult")
    assert session.succeeded("paceCamResult") is (pace.mapping == "CAM")


@pytest.mark.parametrize(
    "key",
    [Agreement("3DES", 11), Agreement("AES-192", 15), Agreement("AES-256", 14)],
    ids=Agreement.label,
)
def test_chip_authentication(gmrtd: Gmrtd, germany: Issuer, tmp_path: Path, key: Agreement) -> None:
    session = gmrtd.read(germany.issue(Kind(chip_authentication=[key]), tmp_path, APPLICATION))
    assert session.succeeded("paceResult", "chipAuthResult")


@pytest.mark.parametrize(
    "key",
    [
        {"algorithm": "RSA", "bits": 3072, "hash": "SHA-256"},
        {"algorithm": "ECDSA", "curve": "brainpoolP384r1", "hash": "SHA-384"},
    ],
    ids=lambda key: str(key["algorithm"]),
)
def test_active_authentication(
    gmrtd: Gmrtd, germany: Issuer, tmp_path: Path, key: dict[str, str | int]
) -> None:
    """With extended length, which a signature longer than a short response needs."""
    card = germany.issue(Kind(active_authentication=key), tmp_path, APPLICATION)
    assert gmrtd.read(card, "-maxRead", "4096").succeeded("paceResult", "activeAuthResult")
