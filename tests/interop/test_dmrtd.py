"""dmrtd reads our cards in a real PC/SC reader (the Rust crate dmrtd).

The program in tests/interop/dmrtd prints tab-separated pairs, one a line.  dmrtd does Passive
Authentication up to our CSCA certificate, which has explicit parameters.
"""

import hashlib
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.files import FileID
from tests.helpers import REPOSITORY
from tests.interop.findings import Findings, building_alone
from tests.issuing import Agreement, Card, Issuer, Kind
from tests.readers import Insert
from tests.requirement import program

pytestmark = [pytest.mark.device, pytest.mark.interop]

_PROJECT = REPOSITORY / "tests/interop/dmrtd"


@pytest.fixture(scope="session")
def dmrtd_reader() -> Path:
    """Return the program, which one of the test processes builds and keeps."""
    sources = [_PROJECT / "Cargo.toml", _PROJECT / "src/main.rs"]
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    folder = user_cache_path("chipseal") / "interop" / f"dmrtd-{digest[:16]}"
    built = folder / "dmrtd-reader"
    with building_alone(folder):
        if not built.exists():
            _build(program("cargo", "cargo"), folder)
            shutil.copy(folder / "target/debug/dmrtd-reader", folder / "copied")
            (folder / "copied").rename(built)
            shutil.rmtree(folder / "target")
    return built


def _build(cargo: str, folder: Path) -> None:
    """Build it in a folder outside the repository, since cargo writes a lock file."""
    shutil.copytree(_PROJECT, folder, dirs_exist_ok=True)
    command = [cargo, "build", "--quiet", "--target-dir", str(folder / "target")]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )
    if done.returncode:
        remark = " ".join(done.stderr.split())
        if "error[" in remark:
            pytest.fail(done.stderr, pytrace=False)
        pytest.skip(f"dmrtd cannot be built; it needs Rust 1.92 or newer: {remark}")


@dataclass(frozen=True)
class Dmrtd:
    """Inserts cards and has dmrtd read them."""

    program: Path
    insert: Insert

    def read(self, card: Card, way: str, csca: Path) -> Findings:
        """Read a card by "bac", "mrz" or "can", and `check` the result."""
        reader = self.insert(card.state).reader
        command: list[str | Path] = [self.program, reader, way, csca, secrets.token_hex(8)]
        found = Findings.of(command, card, by_can=way == "can")
        check(card, found)
        return found


def check(card: Card, found: Findings) -> None:
    """Assert that what was read of a card is what was issued."""
    files = card.image.files
    expected = {FileID.COM, FileID.SOD, *groups(card, found)}
    expected |= set() if found["access"] == "BAC" else {FileID.CARD_ACCESS}
    read = dict(map(str.split, found.all["file"]))
    assert set(read) == {each.name for each in expected}
    for name, octets in read.items():
        assert bytes.fromhex(octets) == files[FileID[name]]
    assert found["mrz"] == card.mrz.text
    assert found["document-number"] == card.mrz.document_number
    (face,) = DataGroup2.decode(files[FileID.DG2]).faces()
    assert bytes.fromhex(found["face"]) == face.data
    assert found["lds-version"] == "0108"


def groups(card: Card, found: Findings) -> list[FileID]:
    """Return the data groups of a card, in order; without DG3 if it was refused."""
    there = [each for each in FileID if each.startswith("DG") and each in card.image.files]
    return [each for each in there if each != FileID.DG3 or "fingers-refused" not in found]


def is_authentic(card: Card, found: Findings) -> bool:
    """Whether passive authentication succeeded, with every data group that was not refused."""
    return found["passive-authentication"].split() == ["true", *groups(card, found)]


@pytest.fixture
def dmrtd(dmrtd_reader: Path, insert: Insert) -> Dmrtd:
    return Dmrtd(dmrtd_reader, insert)


@pytest.fixture
def csca(issuer: Issuer) -> Path:
    """The CSCA certificate of our cards."""
    return issuer.pki / "csca.cer"


def test_the_permit_of_today(dmrtd: Dmrtd, issuer: Issuer, tmp_path: Path, csca: Path) -> None:
    card = issuer.issue("permit", tmp_path)
    found = dmrtd.read(card, "can", csca)
    assert found["access"] == "0.4.0.127.0.7.2.2.4.2.2 13"
    assert is_authentic(card, found)
    assert found["fingers-refused"] == "sw=6982"
    files = card.image.files
    assert found["name"] == DataGroup11.decode(files[FileID.DG11]).name_in_full
    assert found["authority"] == DataGroup12.decode(files[FileID.DG12]).issuing_authority


def test_basic_access_control(dmrtd: Dmrtd, issuer: Issuer, tmp_path: Path, csca: Path) -> None:
    card = issuer.issue("permit-bac", tmp_path)
    found = dmrtd.read(card, "bac", csca)
    assert found["access"] == "BAC"
    assert is_authentic(card, found)


def test_a_changed_octet_is_detected(
    dmrtd: Dmrtd, issuer: Issuer, tmp_path: Path, csca: Path
) -> None:
    card = issuer.issue(Kind(), tmp_path).with_changed_octet(FileID.DG13)
    refusal = "data group 13 does not match the value in EF.SOD"
    assert dmrtd.read(card, "mrz", csca)["passive-authentication"] == refusal


def test_another_csca_of_the_same_name_does_not_verify_the_document(
    dmrtd: Dmrtd, issuer: Issuer, tmp_path: Path
) -> None:
    another = Issuer.established(tmp_path / "another", issuer.state)
    found = dmrtd.read(issuer.issue(Kind(), tmp_path), "mrz", another.pki / "csca.cer")
    assert found["passive-authentication"].startswith("false")


@pytest.mark.parametrize("key", ["secp384r1", "secp521r1", "brainpoolP512r1", "RSA-3072"])
def test_passive_authentication(dmrtd: Dmrtd, tmp_path: Path, key: str) -> None:
    """With other keys of the CSCA and the Document Signer; RSA with PSS."""
    issuer = Issuer.established(tmp_path / "utopia", "UTO", key)
    card = issuer.issue(Kind(), tmp_path)
    assert is_authentic(card, dmrtd.read(card, "mrz", issuer.pki / "csca.cer"))


@pytest.mark.parametrize(
    "pace",
    [
        Agreement("AES-128", 10),
        Agreement("AES-192", 12),
        Agreement("AES-256", 15),
        Agreement("AES-192", 16),
        Agreement("AES-256", 18),
    ],
    ids=Agreement.label,
)
def test_pace(dmrtd: Dmrtd, issuer: Issuer, tmp_path: Path, csca: Path, pace: Agreement) -> None:
    """Generic Mapping with AES, on the curves that dmrtd supports.

    With DH, dmrtd drops the leading zeros of a shared secret, and fails in one session of 256.
    """
    card = issuer.issue(Kind(pace=[pace]), tmp_path)
    found = dmrtd.read(card, "mrz", csca)
    cipher = {"AES-128": 2, "AES-192": 3, "AES-256": 4}[pace.cipher]
    assert found["access"] == f"0.4.0.127.0.7.2.2.4.2.{cipher} {pace.parameters}"
    assert is_authentic(card, found)


def test_active_authentication(dmrtd: Dmrtd, issuer: Issuer, tmp_path: Path, csca: Path) -> None:
    """With ECDSA on the only curve of dmrtd; it cannot receive the long signatures of RSA."""
    key = {"algorithm": "ECDSA", "curve": "secp256r1", "hash": "SHA-256"}
    card = issuer.issue(Kind(active_authentication=key), tmp_path)
    found = dmrtd.read(card, "mrz", csca)
    assert found["active-authentication"] == "true"
    assert is_authentic(card, found)
