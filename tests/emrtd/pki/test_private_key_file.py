import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.pki.private_key_file import (
    WrongPassphraseError,
    decrypt_private_key,
    encrypt_private_key,
)
from support.errors import MalformedError
from support.secret import Secret
from vsmartcard.forging.surgery import changed, parts_of

PASSPHRASE = Secret(b"correct horse battery staple")


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
