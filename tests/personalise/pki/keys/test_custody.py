from pathlib import Path

import pytest

from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme, verify
from personalise.pki.keys.custody import FileCustody, KeyCustody
from support.errors import MalformedError, MisuseError
from support.secret import Secret

ECDSA = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)


@pytest.fixture
def custody(tmp_path: Path) -> KeyCustody:
    return FileCustody(tmp_path, Secret(b"pass phrase"))


def test_a_key_is_made_used_and_destroyed(custody: KeyCustody, tmp_path: Path) -> None:
    public_key = custody.generate("ds-1", "brainpoolP256r1")
    custody.generate("csca-1", "RSA-2048")
    assert custody.labels() == ["csca-1", "ds-1"]
    signer = custody.signer("ds-1")
    assert signer.public_key == public_key
    verify(public_key, ECDSA, signer.sign(ECDSA, b"message"), b"message")
    custody.destroy("ds-1")
    assert custody.labels() == ["csca-1"]
    with pytest.raises(MisuseError, match="does not exist"):
        custody.signer("ds-1")
    with pytest.raises(MisuseError, match="does not exist"):
        custody.destroy("ds-1")
    assert [path.name for path in tmp_path.iterdir()] == ["csca-1.p8"]


def test_a_label_is_used_once_and_cannot_name_another_folder(custody: KeyCustody) -> None:
    custody.generate("key", "secp256r1")
    with pytest.raises(MisuseError, match="already"):
        custody.generate("key", "secp256r1")
    for label in ("../key", "", "a/b", ".hidden"):
        with pytest.raises(MisuseError, match="label"):
            custody.generate(label, "secp256r1")


def test_unknown_kinds_of_keys_are_refused(custody: KeyCustody) -> None:
    for kind in ("brainpoolP255r1", "RSA-1024", "RSA-99999", "DSA"):
        with pytest.raises(MisuseError):
            custody.generate("key", kind)
    assert custody.labels() == []


def test_a_damaged_key_file_is_malformed(custody: KeyCustody, tmp_path: Path) -> None:
    (tmp_path / "key.p8").write_bytes(b"0" * 50)
    with pytest.raises(MalformedError):
        custody.signer("key")
