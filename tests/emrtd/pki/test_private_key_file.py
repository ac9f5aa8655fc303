import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.pki import private_key_file
from emrtd.pki.private_key_file import (
    KeyFiles,
    WrongPassphraseError,
    decrypt_private_key,
    derived_keys_kept,
    encrypt_private_key,
)
from support.errors import MalformedError
from support.secret import Secret
from vsmartcard.forging.surgery import changed, parts_of

COST = 1 << 14
PASSPHRASE = Secret(b"correct horse battery staple")


@pytest.fixture(autouse=True)
def _cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the low cost with which other tests of this session save time."""
    monkeypatch.setattr(private_key_file, "_COST", COST)


def keys() -> list[PrivateKey]:
    names = ["brainpoolP256r1", "brainpoolP320r1", "secp521r1"]
    return [*(EcPrivateKey.generate(CURVES[name]) for name in names), RsaPrivateKey.generate(2048)]


@pytest.mark.parametrize("key", keys(), ids=lambda key: key.public_key.description)
def test_a_written_key_reads_back(key: PrivateKey) -> None:
    read = decrypt_private_key(encrypt_private_key(key, PASSPHRASE), PASSPHRASE)
    assert read.public_key == key.public_key
    assert read.to_pkcs8() == key.to_pkcs8()


@pytest.mark.parametrize("key", keys(), ids=lambda key: key.public_key.description)
def test_openssl_reads_a_written_key(key: PrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "key.p8"
    path.write_bytes(encrypt_private_key(key, PASSPHRASE))
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE.reveal())
    command = ["openssl", "pkey", "-in", path, "-inform", "DER", "-passin", f"file:{passphrase}"]
    clear = subprocess.run([*command, "-outform", "DER"], check=True, capture_output=True).stdout
    assert len(clear) > 100
    checked = subprocess.run([*command, "-noout", "-check"], check=True, capture_output=True)
    assert b"Key is valid" in checked.stdout + checked.stderr


@pytest.fixture
def salts(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The salt of each key that scrypt derives from now on."""
    derived: list[bytes] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, *, salt: bytes, **parameters: int) -> bytes:
        derived.append(salt)
        return scrypt(password, salt=salt, **parameters)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return derived


def test_the_cost_of_the_product_is_that_of_these_tests() -> None:
    code = (
        f"from emrtd.pki import private_key_file as f; assert f._COST == {COST}; print(f._PARALLEL)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "5\n"


def test_one_object_derives_one_key_and_another_object_another(salts: list[bytes]) -> None:
    key = EcPrivateKey.generate(CURVES["secp256r1"])
    files = KeyFiles(PASSPHRASE)
    written = [files.encrypt(key) for _ in range(3)]
    assert all(files.decrypt(each).to_pkcs8() == key.to_pkcs8() for each in written)
    assert len(salts) == 1
    assert len(set(written)) == 3, "an IV a file"
    KeyFiles(PASSPHRASE).encrypt(key)
    assert len(set(salts)) == 2
    assert "correct horse" not in repr(vars(files))


def test_one_object_opens_files_of_several_salts(salts: list[bytes]) -> None:
    key = EcPrivateKey.generate(CURVES["secp256r1"])
    written = [encrypt_private_key(key, PASSPHRASE) for _ in range(2)]
    files = KeyFiles(PASSPHRASE)
    for each in written * 2:
        assert files.decrypt(each).public_key == key.public_key
    assert len(salts) == 4, "two to write, two to read"
    with pytest.raises(WrongPassphraseError):
        KeyFiles(Secret(b"wrong")).decrypt(written[0])


def test_derived_keys_are_kept_to_the_end_of_a_block_and_no_longer(salts: list[bytes]) -> None:
    key = EcPrivateKey.generate(CURVES["secp256r1"])
    with derived_keys_kept():
        written = encrypt_private_key(key, PASSPHRASE)
        for _ in range(2):
            assert decrypt_private_key(written, PASSPHRASE).public_key == key.public_key
        assert len(salts) == 1
        with pytest.raises(WrongPassphraseError):
            decrypt_private_key(written, Secret(b"another"))
        with pytest.raises(WrongPassphraseError):
            decrypt_private_key(written, Secret(b"another"))
        assert len(salts) == 2
    decrypt_private_key(written, PASSPHRASE)
    decrypt_private_key(written, PASSPHRASE)
    assert len(salts) == 4


def test_a_wrong_pass_phrase_raises_wrong_passphrase_error() -> None:
    octets = encrypt_private_key(EcPrivateKey.generate(CURVES["secp256r1"]), PASSPHRASE)
    with pytest.raises(WrongPassphraseError, match="does not open"):
        decrypt_private_key(octets, Secret(b"wrong"))


@given(st.binary(max_size=200))
def test_any_octets_are_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        decrypt_private_key(octets, PASSPHRASE)


def test_costly_parameters_are_refused() -> None:
    octets = encrypt_private_key(EcPrivateKey.generate(CURVES["secp256r1"]), PASSPHRASE)
    costly = octets.replace(bytes.fromhex("020108020105"), bytes.fromhex("020108020170"))
    assert costly != octets
    with pytest.raises(MalformedError, match="unsupported scrypt parameters"):
        decrypt_private_key(costly, PASSPHRASE)


@pytest.mark.parametrize(
    ("cost", "parallel", "affordable"),
    [
        (17, 2, True),
        (17, 3, False),
        (17, 16, False),
        (18, 1, False),
        (14, 16, True),
        (14, 17, False),
        (14, 0, False),
    ],
)
def test_the_work_of_a_file_is_bounded(cost: int, parallel: int, affordable: bool) -> None:
    """A file could ask for N = 2^17 and p = 16, which take six seconds."""
    octets = encrypt_private_key(EcPrivateKey.generate(CURVES["secp256r1"]), PASSPHRASE)

    def with_parameters(scrypt: bytes) -> bytes:
        salt, *_ = parts_of(scrypt)
        return der.sequence(salt, der.integer(1 << cost), der.integer(8), der.integer(parallel))

    def in_scheme(scheme: bytes) -> bytes:
        return changed(scheme, 1, lambda each: changed(each, 0, in_derivation))

    def in_derivation(derivation: bytes) -> bytes:
        return changed(derivation, 1, with_parameters)

    start = time.process_time()
    with pytest.raises(WrongPassphraseError if affordable else MalformedError):
        decrypt_private_key(changed(octets, 0, in_scheme), PASSPHRASE)
    assert time.process_time() - start < 3


def test_a_key_of_another_kind_is_not_blamed_on_the_pass_phrase() -> None:
    class Ed25519:
        def to_pkcs8(self) -> Secret:
            return Secret(bytes.fromhex("302e020100300506032b657004220420") + bytes(32))

    octets = encrypt_private_key(Ed25519(), PASSPHRASE)  # type: ignore[arg-type]
    with pytest.raises(MalformedError, match="neither an RSA key nor an EC key"):
        decrypt_private_key(octets, PASSPHRASE)
