import hashlib
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from emrtd import tlv
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.errors import ProtocolError
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import Sod
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.private_key_file import WrongPassphraseError
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.keys.station import StationKeys
from personalise.pki.settings import settings_for
from support.errors import MisuseError
from support.secret import Secret
from tests.helpers import replace
from tests.personalise.conftest import NOW, PASSPHRASE

DATA_GROUPS = {1: b"\x61\x01\x00", 2: b"\x75\x01\x00"}


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return (done.stdout + done.stderr).decode("latin-1")


def pem(certificate: Path) -> Path:
    path = certificate.with_suffix(".pem")
    openssl("x509", "-inform", "DER", "-in", certificate, "-out", path)
    return path


def test_a_new_pki_derives_one_key_from_its_pass_phrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    salts = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, *, salt: bytes, **parameters: int) -> bytes:
        salts.append(salt)
        return scrypt(password, salt=salt, **parameters)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    made = create_pki(tmp_path / "pki", settings_for("UTO", "Utopia"), PASSPHRASE, NOW)
    assert len(list((tmp_path / "pki").rglob("*.p8"))) == 10
    assert len(salts) == 1
    assert IssuingPki.open(made.folder, PASSPHRASE).local_keys.private_key("station")
    assert len(salts) == 2


@pytest.mark.parametrize(
    ("key", "pss", "signature", "hash_name"),
    [
        ("brainpoolP256r1", True, "ECDSA", "SHA-256"),
        ("brainpoolP384r1", True, "ECDSA", "SHA-384"),
        ("secp521r1", True, "ECDSA", "SHA-512"),
        ("RSA-2048", True, "RSA-PSS", "SHA-256"),
        ("RSA-2048", False, "RSA", "SHA-256"),
    ],
)
def test_a_pki_is_created_and_opened_again(
    key: str, pss: bool, signature: str, hash_name: str, tmp_path: Path
) -> None:
    settings = settings_for("D<<", "Bund", key, pss=pss, contact="csca@bund.example")
    assert (settings.state, settings.country) == ("D", "DE")
    assert (settings.signature, settings.hash) == (signature, hash_name)
    made = create_pki(tmp_path / "pki", settings, PASSPHRASE, NOW)
    opened = IssuingPki.open(tmp_path / "pki", PASSPHRASE)
    assert opened.settings == made.settings == settings
    assert opened.certificate("csca").subject.country == "DE"
    assert len(list((tmp_path / "pki" / "issued").iterdir())) == 5
    signed = opened.document_signer().sign_security_object(
        SecurityObject.over(DATA_GROUPS, Hash.SHA256), NOW
    )
    assert Sod.parse(signed).security_object.hashes[1] == Hash.SHA256.digest(DATA_GROUPS[1])


def test_openssl_accepts_csca_ds_crl_and_sod(tmp_path: Path) -> None:
    """With named curves: OpenSSL 3 refuses certificate chains with explicit parameters."""
    settings = settings_for("UTO", "Utopia", named_curves=True)
    pki = create_pki(tmp_path / "pki", settings, PASSPHRASE, NOW)
    csca, signer = pem(pki.folder / "csca.cer"), pem(pki.folder / "ds.cer")
    crl = tmp_path / "crl.pem"
    openssl("crl", "-inform", "DER", "-in", pki.folder / "crl.crl", "-out", crl)
    check = ("-x509_strict", "-crl_check", "-CRLfile", crl, "-CAfile", csca)
    assert openssl("verify", *check, signer).endswith("OK\n")
    _cms_verify(pki, tmp_path, "-CAfile", csca, "-purpose", "any")


@pytest.mark.parametrize("key", ["RSA-2048", "brainpoolP256r1"])
def test_openssl_accepts_what_docs_pki_says(key: str, tmp_path: Path) -> None:
    """Chains of RSA keys; with explicit parameters only the root and the CRL."""
    pki = create_pki(tmp_path / "pki", settings_for("UTO", "U", key), PASSPHRASE, NOW)
    csca, signer = pem(pki.folder / "csca.cer"), pem(pki.folder / "ds.cer")
    crl = tmp_path / "crl.pem"
    openssl("crl", "-inform", "DER", "-in", pki.folder / "crl.crl", "-out", crl)
    assert openssl("verify", "-x509_strict", "-CAfile", csca, csca).endswith("OK\n")
    assert "verify OK" in openssl("crl", "-in", crl, "-CAfile", csca, "-noout")
    if key == "RSA-2048":
        check = ("-x509_strict", "-crl_check", "-CRLfile", crl, "-CAfile", csca)
        assert openssl("verify", *check, signer).endswith("OK\n")
        _cms_verify(pki, tmp_path, "-CAfile", csca, "-purpose", "any")


def test_openssl_accepts_the_sod_of_explicit_parameters(pki: IssuingPki, tmp_path: Path) -> None:
    _cms_verify(pki, tmp_path, "-noverify")  # the signature by the DS; not the chain, see above


def _cms_verify(pki: IssuingPki, folder: Path, *how: str | Path) -> None:
    security_object = SecurityObject.over(DATA_GROUPS, Hash.SHA256)
    signed = pki.document_signer().sign_security_object(security_object, NOW)
    path, content = folder / "sod.der", folder / "content"
    path.write_bytes(tlv.read_expected(signed, 0x77, "EF.SOD").value)
    command = ("cms", "-verify", "-inform", "DER", "-binary", "-in", path, "-out", content)
    assert "successful" in openssl(*command, *how)
    assert content.read_bytes() == security_object.encode()


def test_card_security_is_signed_with_its_own_content_type(pki: IssuingPki) -> None:
    signed = pki.document_signer().sign_card_security(b"\x31\x00", NOW)
    assert bytes.fromhex("04007f0007030201") in signed


def test_a_signer_refuses_to_sign_outside_its_period_and_with_another_key(pki: IssuingPki) -> None:
    signer = pki.document_signer()
    security_object = SecurityObject.over(DATA_GROUPS, Hash.SHA256)
    for instant, advice in (
        (NOW - timedelta(seconds=1), "set the clock"),
        (NOW + timedelta(days=91), "issue a new Document Signer"),
    ):
        with pytest.raises(MisuseError, match=advice):
            signer.sign_security_object(security_object, instant)
    other_csca = replace(signer, csca=pki.certificate("station"))
    with pytest.raises(ProtocolError):
        other_csca.sign_security_object(security_object, NOW)
    curve = signer.certificate.public_key.curve  # type: ignore[union-attr]
    other_key = replace(signer, signer=EcPrivateKey.generate(curve))
    with pytest.raises(MisuseError, match="certificate is not for the signer"):
        other_key.sign_security_object(security_object, NOW)

    class Faulty:
        public_key = signer.signer.public_key

        def sign(self, scheme: object, message: bytes) -> bytes:
            return signer.signer.sign(signer.scheme, message + b"!")

    with pytest.raises(ProtocolError):
        replace(signer, signer=Faulty()).sign_security_object(security_object, NOW)


def test_only_the_station_with_the_key_opens_an_envelope(
    pki: IssuingPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    envelope = pki.seal_for_station(Secret(b"chip keys"))
    assert StationKeys(PASSPHRASE).open(envelope) == Secret(b"chip keys")
    key_file = pki.folder / "keys" / "station.p8"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(MisuseError, match="--station-key"):
        StationKeys(PASSPHRASE).open(envelope)
    assert StationKeys(PASSPHRASE, key_file).open(envelope) == Secret(b"chip keys")
    with pytest.raises(WrongPassphraseError, match="--passphrase-file"):
        StationKeys(Secret(b"wrong"), key_file).open(envelope)
    another = EcPrivateKey.generate(pki._station_key.curve).public_key
    with pytest.raises(MisuseError, match="for another key"):
        StationKeys(PASSPHRASE, key_file).open(seal(b"x", another, b"id"))
    csca_key = pki.folder / "keys" / "csca-1.p8"
    with pytest.raises(MisuseError, match="for another key"):
        StationKeys(PASSPHRASE, csca_key).open(envelope)


def test_only_the_owner_may_read_keys_and_folder(pki: IssuingPki, home: Path) -> None:
    for path in [*(pki.folder / "keys").iterdir(), *(home / "station-keys").iterdir()]:
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_a_pki_is_created_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for("UTO", "Utopia")
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "file").touch()
    with pytest.raises(MisuseError, match="already exists"):
        create_pki(occupied, settings, PASSPHRASE, NOW)

    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emrtd.pki.x509.issuing.CountrySigningCa.issue_crl", fail)
    with pytest.raises(OSError, match="No space"):
        create_pki(tmp_path / "pki", settings, PASSPHRASE, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]


def test_a_missing_pki_a_wrong_state_and_a_wrong_kind_of_key_are_named(
    pki: IssuingPki, tmp_path: Path
) -> None:
    with pytest.raises(MisuseError, match="personalise pki init"):
        IssuingPki.open(tmp_path, PASSPHRASE)
    for state in ("ZZZ", "", "D1", "ANT", "XXA", "DEU"):
        with pytest.raises(MisuseError, match="not the code of a State"):
            settings_for(state, "x")
    for key in ("brainpoolP999r1", "DSA"):
        with pytest.raises(MisuseError, match="not a kind of key"):
            settings_for("UTO", "x", key)
    with pytest.raises(WrongPassphraseError):
        IssuingPki.open(pki.folder, Secret(b"wrong")).document_signer()
