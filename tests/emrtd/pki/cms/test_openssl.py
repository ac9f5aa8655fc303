"""Envelopes and signatures that the `openssl cms` command makes are read as they are."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey, load_private_key
from emrtd.crypto.signatures import SignatureFamily
from emrtd.errors import ProtocolError
from emrtd.pki.cms.content_encryption import NotOpenedError
from emrtd.pki.cms.enveloped import Envelope, open_envelope, seal
from emrtd.pki.cms.recipients import AgreedKey, TransportedKey
from emrtd.pki.cms.signed_stream import SignedStream, read_signed_stream
from emrtd.pki.cms.transfer import open_transferred, read_transferred
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from personalise.pki.certificate_file import read_certificate
from support.errors import MalformedError
from support.secret import Secret

CONTENT = bytes(range(256)) * 400 + b"end"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)


KEYS = {
    "rsa": ("rsa:2048",),
    "P-256": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "P-521": ("ec", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "brainpool": ("ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP384r1"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content, and a key and a certificate of each kind."""
    made = tmp_path_factory.mktemp("openssl")
    (made / "content").write_bytes(CONTENT)
    for name, kind in KEYS.items():
        subject = ("-subj", f"/CN={name}", "-days", "30", "-nodes")
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl(made, "req", "-x509", "-newkey", *kind, *subject, *files)
        openssl(made, "pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.key", "-outform", "DER",
                "-out", f"{name}.p8")  # fmt: skip
    return made


def key(folder: Path, name: str) -> PrivateKey:
    return load_private_key(Secret((folder / f"{name}.p8").read_bytes()))


def encrypted(folder: Path, recipient: str, *options: str) -> bytes:
    command = ("cms", "-encrypt", "-binary", "-in", "content", "-out", "made")
    openssl(folder, *command, *options[:1], "-recip", f"{recipient}.pem", *options[1:])
    return (folder / "made").read_bytes()


CIPHERS = [f"-aes-{bits}-{mode}" for bits in (128, 192, 256) for mode in ("cbc", "gcm")]
FORMS = {
    "DER": ("-outform", "DER"),
    "stream": ("-outform", "DER", "-stream"),
    "PEM": ("-outform", "PEM"),
    "PEM stream": ("-outform", "PEM", "-stream"),
    "SMIME": ("-outform", "SMIME"),
    "SMIME CRLF": ("-outform", "SMIME", "-crlfeol", "-stream"),
}
OAEP = ("-keyopt", "rsa_padding_mode:oaep")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize(
    ("recipient", "options"),
    [("P-256", ()), ("rsa", (*OAEP, "-keyopt", "rsa_oaep_md:sha256"))],
    ids=["ECDH", "RSA-OAEP"],
)
def test_every_cipher_is_read_in_every_form(
    recipient: str, options: tuple[str, ...], cipher: str, form: tuple[str, ...], folder: Path
) -> None:
    octets = read_transferred(encrypted(folder, recipient, cipher, *options, *form), "package")
    assert open_envelope(octets, key(folder, recipient)).reveal() == CONTENT
    assert Envelope.read(io.BytesIO(octets)).is_authenticated == cipher.endswith("gcm")


@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("wrap", ["-aes128-wrap", "-aes192-wrap", "-aes256-wrap"])
@pytest.mark.parametrize("recipient", ["P-256", "P-521", "brainpool"])
def test_every_key_agreement_is_read(recipient: str, wrap: str, digest: str, folder: Path) -> None:
    options = ("-keyopt", f"ecdh_kdf_md:{digest}", wrap, "-outform", "DER")
    octets = encrypted(folder, recipient, "-aes-256-gcm", *options)
    assert open_envelope(octets, key(folder, recipient)).reveal() == CONTENT
    agreed = Envelope.read(io.BytesIO(octets)).keys[0]
    assert isinstance(agreed, AgreedKey)
    assert agreed.kdf_hash.value.replace("-", "").lower() == digest


def test_ecdh_with_the_cofactor_is_read(folder: Path) -> None:
    """All curves have the cofactor 1; only the object identifier is another one."""
    options = ("-keyopt", "ecdh_cofactor_mode:1", "-keyopt", "ecdh_kdf_md:sha256")
    octets = encrypted(folder, "P-256", "-aes-128-gcm", *options, "-outform", "DER")
    assert der.oid("1.3.132.1.14.1") in octets
    assert open_envelope(octets, key(folder, "P-256")).reveal() == CONTENT


@pytest.mark.parametrize("mgf", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_every_oaep_is_read(digest: str, mgf: str, folder: Path) -> None:
    options = (*OAEP, "-keyopt", f"rsa_oaep_md:{digest}", "-keyopt", f"rsa_mgf1_md:{mgf}")
    label = ("-keyopt", "rsa_oaep_label:00ff") if digest == mgf else ()
    octets = encrypted(folder, "rsa", "-aes-128-cbc", *options, *label, "-outform", "DER")
    assert open_envelope(octets, key(folder, "rsa")).reveal() == CONTENT
    transported = Envelope.read(io.BytesIO(octets)).keys[0]
    assert isinstance(transported, TransportedKey)
    assert transported.scheme is not None
    assert transported.scheme.label == (b"\0\xff" if label else b"")
    with pytest.raises(NotOpenedError):
        open_envelope(octets, RsaPrivateKey.generate(2048))


@pytest.mark.parametrize("by_key", [False, True], ids=["issuer and serial", "key identifier"])
@pytest.mark.parametrize(("name", "options"), [("P-256", ()), ("rsa", OAEP)])
def test_a_recipient_is_known_by_its_certificate(
    name: str, options: tuple[str, ...], by_key: bool, folder: Path
) -> None:
    more = ("-keyid",) if by_key else ()
    octets = encrypted(folder, name, "-aes-256-gcm", *options, *more, "-outform", "DER")
    (found,) = Envelope.read(io.BytesIO(octets)).keys
    for other in KEYS:
        assert found.recipient.names(certificate(folder, other)) == (other == name)


def certificate(folder: Path, name: str) -> Certificate:
    return read_certificate(folder / f"{name}.pem")


def test_pkcs1_is_decrypted_only_on_request(folder: Path) -> None:
    octets = encrypted(folder, "rsa", "-aes-256-cbc", "-outform", "DER")
    own = key(folder, "rsa")
    with pytest.raises(NotOpenedError):
        open_envelope(octets, own)
    envelope = Envelope.read(io.BytesIO(octets))
    (transported,) = envelope.keys
    content_key = transported.unwrap(own, 32)
    assert content_key is not None
    assert b"".join(envelope.decrypt(io.BytesIO(octets), content_key)) == CONTENT


def test_a_wrong_padding_of_pkcs1_looks_like_a_wrong_key(folder: Path) -> None:
    """RFC 3218, 2.3.2: whether the padding was right must not be seen."""
    octets = encrypted(folder, "rsa", "-aes-256-gcm", "-outform", "DER")
    own = key(folder, "rsa")
    assert isinstance(own, RsaPrivateKey)
    envelope = Envelope.read(io.BytesIO(octets))
    (transported,) = envelope.keys
    assert isinstance(transported, TransportedKey)
    seen = set()
    last = transported.encrypted[-1] ^ 1
    for changed in (bytes(256), transported.encrypted[:-1] + bytes((last,)), b"short"):
        content_key = own.decrypt_pkcs1(changed, 32)
        assert len(content_key) == 32
        with pytest.raises(NotOpenedError) as refused:
            list(envelope.decrypt(io.BytesIO(octets), content_key))
        seen.add(str(refused.value))
    assert len(seen) == 1
    assert len(own.decrypt_pkcs1(transported.encrypted, 16)) == 16  # a key of another size


@pytest.mark.parametrize("cipher", CIPHERS)
def test_an_altered_key_looks_like_altered_content(cipher: str, folder: Path) -> None:
    octets = encrypted(folder, "P-256", cipher, "-outform", "DER")
    errors = set()
    wrapped = Envelope.read(io.BytesIO(octets)).keys[0]
    assert isinstance(wrapped, AgreedKey)
    for place in (octets.index(wrapped.wrapped), len(octets) - 1):
        altered = bytearray(octets)
        altered[place] ^= 0xFF
        with pytest.raises(NotOpenedError) as refused:
            open_envelope(bytes(altered), key(folder, "P-256"))
        errors.add(str(refused.value))
    assert len(errors) == 1


@pytest.mark.parametrize("name", KEYS)
def test_openssl_decrypts_what_is_sealed(name: str, folder: Path) -> None:
    public = certificate(folder, name).public_key
    assert public is not None
    (folder / "sealed").write_bytes(seal(CONTENT, public, key_identifier(public)))
    command = ("cms", "-decrypt", "-binary", "-inform", "DER", "-in", "sealed", "-out", "opened")
    openssl(folder, *command, "-inkey", f"{name}.key", "-recip", f"{name}.pem")
    assert (folder / "opened").read_bytes() == CONTENT


@pytest.mark.parametrize("bits", [128, 256])
@pytest.mark.parametrize("encoding", ["DER", "PEM", "SMIME"])
def test_an_envelope_of_pyca_is_opened(encoding: str, bits: int, folder: Path) -> None:
    """Another writer: EnvelopedData with AES in CBC mode and RSA PKCS#1 v1.5."""
    recipient = x509.load_pem_x509_certificate((folder / "rsa.pem").read_bytes())
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(CONTENT).add_recipient(recipient)
    cipher = algorithms.AES128 if bits == 128 else algorithms.AES256
    builder = builder.set_content_encryption_algorithm(cipher)
    form = getattr(serialization.Encoding, encoding)
    made = builder.encrypt(form, [pkcs7.PKCS7Options.Binary])
    octets = read_transferred(made, "package")
    envelope = Envelope.read(io.BytesIO(octets))
    (transported,) = envelope.keys
    assert transported.recipient.names(certificate(folder, "rsa"))
    content_key = transported.unwrap(key(folder, "rsa"), envelope.cipher.key_size)
    assert content_key is not None
    assert b"".join(envelope.decrypt(io.BytesIO(octets), content_key)) == CONTENT


def test_other_ciphers_are_refused_by_name(folder: Path) -> None:
    octets = encrypted(folder, "rsa", "-des3", *OAEP, "-outform", "DER")
    with pytest.raises(MalformedError, match=r"1\.2\.840\.113549\.3\.7.*AES"):
        open_envelope(octets, key(folder, "rsa"))


def signed(folder: Path, signer: str, *options: str) -> bytes:
    command = ("cms", "-sign", "-binary", "-in", "content", "-out", "signed")
    signing = ("-signer", f"{signer}.pem", "-inkey", f"{signer}.key")
    openssl(folder, *command, *signing, *options)
    return (folder / "signed").read_bytes()


def read(octets: bytes) -> tuple[SignedStream, bytes]:
    parts: list[bytes] = []
    found = read_signed_stream(open_transferred(io.BytesIO(octets), "package"), parts.append)
    return found, b"".join(parts)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("signer", KEYS)
def test_every_signature_is_verified(
    signer: str, digest: str, form: tuple[str, ...], folder: Path
) -> None:
    found, content = read(signed(folder, signer, "-nodetach", "-md", digest, *form))
    assert content == CONTENT
    (info,) = found.signers
    (signed_by,) = found.certificates
    assert info.names(signed_by)
    assert info.signing_time is not None
    assert signed_by.public_key is not None
    found.verify(info, signed_by.public_key)
    assert info.digest is Hash(f"SHA-{digest[3:]}")


def test_a_signature_with_pss_is_verified(folder: Path) -> None:
    command = ("cms", "-sign", "-binary", "-nodetach", "-in", "content", "-out", "signed")
    signing = ("-signer", "rsa.pem", "-inkey", "rsa.key", "-keyopt", "rsa_padding_mode:pss")
    openssl(folder, *command, *signing, "-outform", "DER")
    found, _ = read((folder / "signed").read_bytes())
    public = certificate(folder, "rsa").public_key
    assert public is not None
    found.verify(found.signers[0], public)
    assert found.signers[0].scheme.family is SignatureFamily.RSA_PSS


def test_a_signature_over_other_content_is_refused(folder: Path) -> None:
    octets = signed(folder, "P-256", "-nodetach", "-outform", "DER")
    altered = octets.replace(CONTENT[-20:], CONTENT[-19:] + b"x")
    assert altered != octets
    found, _ = read(altered)
    (signed_by,) = found.certificates
    assert signed_by.public_key is not None
    with pytest.raises(ProtocolError, match="digest of the content"):
        found.verify(found.signers[0], signed_by.public_key)


@pytest.mark.parametrize("form", [("-outform", "DER"), ("-outform", "SMIME")], ids=["DER", "SMIME"])
def test_a_detached_signature_is_refused_with_advice(form: tuple[str, str], folder: Path) -> None:
    with pytest.raises(MalformedError, match="-nodetach"):
        read(signed(folder, "P-256", *form))


TRUNCATED: dict[str, Callable[[bytes], bytes]] = {
    "the last octet": lambda octets: octets[:-1],
    "half": lambda octets: octets[: len(octets) // 2],
    "an octet too many": lambda octets: octets + b"\0",
}


@pytest.mark.parametrize("change", TRUNCATED.values(), ids=TRUNCATED)
@pytest.mark.parametrize("stream", [(), ("-stream",)], ids=["definite", "indefinite"])
def test_a_truncated_object_is_malformed(
    change: Callable[[bytes], bytes], stream: tuple[str, ...], folder: Path
) -> None:
    octets = encrypted(folder, "P-256", "-aes-128-gcm", "-outform", "DER", *stream)
    with pytest.raises(MalformedError):
        open_envelope(change(octets), key(folder, "P-256"))
    octets = signed(folder, "P-256", "-nodetach", "-outform", "DER", *stream)
    with pytest.raises(MalformedError):
        read(change(octets))


def test_a_key_of_another_kind_does_not_open_it(folder: Path) -> None:
    octets = encrypted(folder, "rsa", "-aes-128-gcm", *OAEP, "-outform", "DER")
    with pytest.raises(NotOpenedError):
        open_envelope(octets, key(folder, "P-256"))
    assert isinstance(key(folder, "P-256"), EcPrivateKey)
