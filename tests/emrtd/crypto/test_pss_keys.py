"""PKCS#8 keys under id-RSASSA-PSS, made and read by OpenSSL."""

import subprocess
from pathlib import Path

import pytest

from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey, load_private_key
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme, verify
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from tests.helpers import replaced

MESSAGE = b"a message"
OID_PSS = bytes.fromhex("2a864886f70d01010a")


def pss(digest: Hash, salt: int | None = None, mgf: Hash | None = None) -> SignatureScheme:
    return SignatureScheme(SignatureFamily.RSA_PSS, digest, salt, mgf)


def openssl_key(folder: Path, *options: str) -> bytes:
    path = folder / "key.der"
    command = ["openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"]
    for each in options:
        command += ["-pkeyopt", f"rsa_pss_keygen_{each}"]
    subprocess.run([*command, "-outform", "DER", "-out", path], check=True, capture_output=True)
    octets = path.read_bytes()
    assert OID_PSS in octets
    return octets


def signs(key: RsaPrivateKey, scheme: SignatureScheme) -> None:
    verify(key.public_key, scheme, key.sign(scheme, MESSAGE), MESSAGE)


def load(octets: bytes) -> RsaPrivateKey:
    key = load_private_key(Secret(octets))
    assert isinstance(key, RsaPrivateKey)
    return key


def test_a_key_without_parameters_makes_every_pss_signature_and_no_other(tmp_path: Path) -> None:
    key = load(openssl_key(tmp_path))
    for scheme in (pss(Hash.SHA256), pss(Hash.SHA512, 20), pss(Hash.SHA256, 32, Hash.SHA1)):
        signs(key, scheme)
    with pytest.raises(MisuseError, match="under id-RSASSA-PSS, and cannot make RSA with SHA-256"):
        key.sign(SignatureScheme(SignatureFamily.RSA, Hash.SHA256), MESSAGE)
    with pytest.raises(MisuseError, match="makes only RSA-PSS signatures"):
        key.apply(2)


def test_a_key_with_parameters_keeps_them(tmp_path: Path) -> None:
    """RFC 4055, 3.1: the hashes are the same, and the salt is no shorter."""
    octets = openssl_key(tmp_path, "md:sha384", "mgf1_md:sha256", "saltlen:32")
    key = load(octets)
    for salt in (32, 48, None):
        signs(key, pss(Hash.SHA384, salt, Hash.SHA256))
    for scheme in (
        pss(Hash.SHA384, 31, Hash.SHA256),
        pss(Hash.SHA384, 32),
        pss(Hash.SHA256, 32, Hash.SHA256),
    ):
        with pytest.raises(
            MisuseError, match="only for RSA-PSS with SHA-384, MGF1 with SHA-256 and a salt of 32"
        ):
            key.sign(scheme, MESSAGE)


@pytest.mark.parametrize("options", [(), ("md:sha256", "mgf1_md:sha256", "saltlen:32")])
def test_a_key_is_written_as_it_was_read(options: tuple[str, ...], tmp_path: Path) -> None:
    octets = openssl_key(tmp_path, *options)
    assert load(octets).to_pkcs8().reveal() == octets


def test_another_kind_of_rsa_key_is_refused(tmp_path: Path) -> None:
    octets = openssl_key(tmp_path)
    with pytest.raises(MalformedError, match="neither an RSA key nor"):
        load(octets.replace(OID_PSS, OID_PSS[:-1] + b"\x07"))  # id-RSAES-OAEP
    with pytest.raises(MalformedError):
        load(replaced(octets, b"\x06\x09" + OID_PSS, b"\x06\x09" + OID_PSS + b"\x05\x00"))
