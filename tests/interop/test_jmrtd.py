"""JMRTD reads our cards in a real PC/SC reader (org.jmrtd:jmrtd of Maven Central).

The program in tests/interop/jmrtd prints tab-separated pairs, one a line.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.files import FileID
from tests.interop.findings import Findings
from tests.issuing import Agreement, Card, Issuer, Kind
from tests.personalise.applications import changed
from tests.readers import Insert
from vsmartcard.chip.security_domain import BlankKind

pytestmark = [pytest.mark.device, pytest.mark.interop]


@dataclass(frozen=True)
class Jmrtd:
    """Inserts cards and has JMRTD read them."""

    class_path: str
    insert: Insert

    def read(self, card: Card, way: str, inspection_system: Path | None = None) -> Findings:
        """Read a card, by "bac", "mrz/GM", "can/CAM" ..., and `check` the result."""
        arguments = [] if inspection_system is None else [str(inspection_system)]
        reader = self.insert(card.state).reader
        java = ["java", "-XX:TieredStopAtLevel=1", "-cp", self.class_path]
        command = [*java, "chipseal.interop.ReadCard", reader, way, *arguments]
        found = Findings.of(command, card, by_can=way.startswith("can/"))
        check(card, found, way)
        return found


def check(card: Card, found: Findings, way: str) -> None:
    """Assert that what was read of a card is what was issued."""
    files = card.image.files
    by_name = {each.name: octets for each, octets in files.items()}
    by_name["CardSecurity"] = files.get(FileID.CARD_SECURITY, b"")
    read = {name: (size, digest) for name, size, digest in map(str.split, found.all["file"])}
    present = {each.name for each in files if each.startswith("DG")} | {"SOD", "COM"}
    present |= {"CardSecurity"} if "/CAM" in way else set()
    assert set(read) == present - ({"DG3"} if "fingers-refused" in found else set())
    for name, (size, digest) in read.items():
        assert size == str(len(by_name[name]))
        assert digest == sha256(by_name[name])
    groups = [name for name in read if name.startswith("DG")]
    assert sorted(found.all["hash"]) == sorted(f"{name} true" for name in groups)
    assert found["sod-signature"] == "true"
    assert found["mrz"] == card.mrz.text
    assert found["document-number"] == card.mrz.document_number
    faces = DataGroup2.decode(files[FileID.DG2]).faces()
    assert [each.split()[1:] for each in found.all["face"]] == [
        [str(len(face.data)), sha256(face.data)] for face in faces
    ]
    if FileID.DG3 in files and "fingers-refused" not in found:
        fingers = DataGroup3.decode(files[FileID.DG3]).fingers()
        assert [each.split()[1:] for each in found.all["finger"]] == [
            [str(len(finger.data)), sha256(finger.data)] for finger in fingers
        ]


def sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


@pytest.fixture
def jmrtd(class_path: str, insert: Insert) -> Jmrtd:
    return Jmrtd(class_path, insert)


# --- the profiles that ship ----------------------------------------------------------------------


def test_the_permit_of_today(jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path) -> None:
    card = issuer.issue("permit", tmp_path)
    found = jmrtd.read(card, "can/GM")
    assert found["access"] == "id-PACE-ECDH-GM-AES-CBC-CMAC-128 13"
    assert found["chip-authentication"] == "id-CA-ECDH-AES-CBC-CMAC-128"
    assert found["com"] == "6175636b6c6d6e 1.8"
    assert found["name"] == DataGroup11.decode(card.image.files[FileID.DG11]).name_in_full
    assert "fingers-refused" in found
    assert "finger" not in found


def test_chip_authentication_mapping_and_the_mrz(
    jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path
) -> None:
    found = jmrtd.read(issuer.issue("permit", tmp_path), "mrz/CAM")
    assert found["access"] == "id-PACE-ECDH-CAM-AES-CBC-CMAC-128 13"
    assert found["chip-authentication-mapping"] == "true"


def test_fingerprints_are_read_with_terminal_authentication(
    jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path
) -> None:
    card = issuer.issue("permit", tmp_path)
    found = jmrtd.read(card, "can/GM", issuer.inspection_system(tmp_path / "is"))
    assert found["terminal-authentication"].startswith("UTIS")
    assert "finger" in found


@pytest.mark.parametrize("terminal_authentication", [False, True])
def test_basic_access_control(
    jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path, terminal_authentication: bool
) -> None:
    """Without PACE, Terminal Authentication uses the document number as ID_IC."""
    card = issuer.issue("permit-bac", tmp_path)
    terminal = issuer.inspection_system(tmp_path / "is") if terminal_authentication else None
    found = jmrtd.read(card, "bac", terminal)
    assert found["access"] == "BAC"
    assert found["chip-authentication"] == "id-CA-ECDH-AES-CBC-CMAC-128"
    assert ("terminal-authentication" in found) is terminal_authentication
    assert ("finger" in found) is terminal_authentication
    assert ("fingers-refused" in found) is not terminal_authentication


def passport_application() -> dict[str, Any]:
    record = changed("document.code", "P")
    del record["permit"]
    return record


def test_a_passport(jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path) -> None:
    card = issuer.issue("passport", tmp_path, passport_application())
    found = jmrtd.read(card, "mrz/GM", issuer.inspection_system(tmp_path / "is"))
    assert len(found["mrz"]) == 88
    assert found["active-authentication"] == "true EC"
    assert found["authority"] == DataGroup12.decode(card.image.files[FileID.DG12]).issuing_authority
    assert "finger" in found


def test_a_card_of_the_kind_globalplatform(jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path) -> None:
    """It was personalised through its security domain."""
    kind = Kind(
        chip_authentication=(Agreement(),),
        active_authentication={"algorithm": "ECDSA", "curve": "secp256r1"},
        terminal_authentication=True,
        bac=True,
        card=BlankKind.GLOBALPLATFORM,
    )
    card = issuer.issue(kind, tmp_path)
    found = jmrtd.read(card, "mrz/GM", issuer.inspection_system(tmp_path / "is"))
    assert found["active-authentication"] == "true EC"
    assert found["chip-authentication"] == "id-CA-ECDH-AES-CBC-CMAC-128"
    assert "finger" in found


def test_a_card_of_the_kind_jmrtd_applet(jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path) -> None:
    found = jmrtd.read(issuer.issue("permit-jmrtd-applet", tmp_path), "bac/select")
    assert found["access"] == "BAC"
    assert found["chip-authentication"] == "id-CA-ECDH-3DES-CBC-CBC"


# --- other kinds of chips ------------------------------------------------------------------------
# Integrated Mapping with AES-192 is left out: JMRTD sends a nonce t of 32 octets, but Doc 9303-11,
# 4.4.3.3.2 requires the length of the key, 24, and the chip refuses it.

PROTOCOL_CIPHERS = {
    "3DES": "3DES-CBC-CBC",
    "AES-128": "AES-CBC-CMAC-128",
    "AES-192": "AES-CBC-CMAC-192",
    "AES-256": "AES-CBC-CMAC-256",
}

_PACE = [
    Agreement("3DES", 0, "GM"),
    Agreement("AES-192", 1, "GM"),
    Agreement("AES-128", 2, "GM"),
    Agreement("AES-128", 8, "GM"),
    Agreement("AES-256", 10, "GM"),
    Agreement("AES-192", 12, "GM"),
    Agreement("3DES", 13, "GM"),
    Agreement("AES-256", 18, "GM"),
    Agreement("AES-256", 0, "IM"),
    Agreement("AES-128", 1, "IM"),
    Agreement("3DES", 11, "IM"),
    Agreement("AES-128", 14, "IM"),
    Agreement("AES-256", 17, "IM"),
    Agreement("AES-128", 9, "CAM"),
    Agreement("AES-192", 15, "CAM"),
    Agreement("AES-256", 16, "CAM"),
]


@pytest.mark.parametrize("pace", _PACE, ids=Agreement.label)
def test_pace(jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path, pace: Agreement) -> None:
    static = [Agreement(parameters=pace.parameters)] if pace.mapping == "CAM" else []
    card = issuer.issue(Kind(pace=[pace], chip_authentication=static), tmp_path)
    found = jmrtd.read(card, f"can/{pace.mapping}")
    variant = f"id-PACE-{pace.key_agreement}-{pace.mapping}-{PROTOCOL_CIPHERS[pace.cipher]}"
    assert found["access"] == f"{variant} {pace.parameters}"
    proofs = ["true"] if pace.mapping == "CAM" else []
    assert found.all.get("chip-authentication-mapping", []) == proofs


_CHIP = [
    Agreement("3DES", 0),
    Agreement("3DES", 11),
    Agreement("AES-128", 2),
    Agreement("AES-128", 8),
    Agreement("AES-192", 12),
    Agreement("AES-256", 16),
    Agreement("AES-256", 18),
]


@pytest.mark.parametrize("key", _CHIP, ids=Agreement.label)
def test_chip_authentication(jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path, key: Agreement) -> None:
    """By MSE:Set KAT with 3DES, by MSE:Set AT and GENERAL AUTHENTICATE with AES."""
    card = issuer.issue(Kind(chip_authentication=[key], bac=True), tmp_path)
    found = jmrtd.read(card, "bac")
    cipher = PROTOCOL_CIPHERS[key.cipher]
    assert found["chip-authentication"] == f"id-CA-{key.key_agreement}-{cipher}"


def test_chip_authentication_with_one_of_two_keys(
    jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path
) -> None:
    """Keys have identifiers if there are several (Doc 9303-11, 9.2.5)."""
    keys = [Agreement("AES-256", 16), Agreement("3DES", 2)]
    card = issuer.issue(Kind(chip_authentication=keys), tmp_path)
    assert jmrtd.read(card, "mrz/GM")["chip-authentication"].startswith("id-CA-")


_ACTIVE = [
    {"algorithm": "RSA", "bits": 2048, "hash": "SHA-256"},
    {"algorithm": "RSA", "bits": 3072, "hash": "SHA-512"},
    {"algorithm": "ECDSA", "curve": "secp224r1", "hash": "SHA-224"},
    {"algorithm": "ECDSA", "curve": "brainpoolP384r1", "hash": "SHA-384"},
    {"algorithm": "ECDSA", "curve": "secp521r1", "hash": "SHA-256"},
]


@pytest.mark.parametrize("key", _ACTIVE, ids=lambda key: "-".join(map(str, key.values())))
def test_active_authentication(
    jmrtd: Jmrtd, issuer: Issuer, tmp_path: Path, key: dict[str, str | int]
) -> None:
    card = issuer.issue(Kind(active_authentication=key), tmp_path)
    family = str(key["algorithm"]).removesuffix("DSA")
    assert jmrtd.read(card, "mrz/GM")["active-authentication"] == f"true {family}"
