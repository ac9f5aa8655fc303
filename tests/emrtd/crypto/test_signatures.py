import hashlib
import subprocess
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa import SigningKey, util
from ecdsa import curves as other_curves
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES, Curve
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey, load_private_key
from emrtd.crypto.public_keys import UnusableKeyError, decode_public_key, encode_public_key
from emrtd.crypto.signatures import (
    EcPublicKey,
    SignatureFamily,
    SignatureScheme,
    ecdsa_decode,
    ecdsa_encode,
    ecdsa_from_plain,
    ecdsa_is_canonical,
    ecdsa_to_plain,
    verify,
    verify_rsa_without_null,
)
from emrtd.errors import ProtocolError
from support.errors import ChipsealError, MalformedError, MisuseError
from support.secret import Secret
from tests.certificates import WithoutNull

MESSAGE = b"EF.SOD is signed; everything else is a claim"
OTHER_NAMES = {
    "secp192r1": "NIST192p", "secp224r1": "NIST224p", "secp256r1": "NIST256p",
    "secp384r1": "NIST384p", "secp521r1": "NIST521p",
}  # fmt: skip


@pytest.fixture(scope="module")
def rsa_key() -> RsaPrivateKey:
    return RsaPrivateKey.generate(2048)


def ecdsa_with(algorithm: Hash) -> SignatureScheme:
    return SignatureScheme(SignatureFamily.ECDSA, algorithm)


@pytest.mark.parametrize("algorithm", Hash)
@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
def test_ecdsa_on_every_curve_with_every_hash(curve: Curve, algorithm: Hash) -> None:
    key = EcPrivateKey.generate(curve)
    signature = key.sign(ecdsa_with(algorithm), MESSAGE)
    verify(key.public_key, ecdsa_with(algorithm), signature, MESSAGE)
    with pytest.raises(ProtocolError):
        verify(key.public_key, ecdsa_with(algorithm), signature, MESSAGE + b".")


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
def test_another_ecdsa_implementation_agrees(curve: Curve) -> None:
    other_name = OTHER_NAMES.get(curve.name, curve.name.replace("brainpool", "BRAINPOOL"))
    other_curve = getattr(other_curves, other_name)
    key = EcPrivateKey.generate(curve)
    theirs = SigningKey.from_string(key.private.reveal(), curve=other_curve)
    for algorithm in (Hash.SHA1, Hash.SHA512):
        function = getattr(hashlib, algorithm.name.lower())
        signature = theirs.sign(
            MESSAGE, hashfunc=function, sigencode=util.sigencode_der, allow_truncate=True
        )
        verify(key.public_key, ecdsa_with(algorithm), signature, MESSAGE)
        assert theirs.verifying_key.verify(
            key.sign(ecdsa_with(algorithm), MESSAGE),
            MESSAGE,
            hashfunc=function,
            sigdecode=util.sigdecode_der,
            allow_truncate=True,
        )


def test_the_same_randomness_makes_the_same_signature() -> None:
    def same(size: int) -> bytes:
        return bytes(range(size))

    curve = CURVES["brainpoolP256r1"]
    key = EcPrivateKey.generate(curve, random=same)
    first, second = (key.sign(ecdsa_with(Hash.SHA256), MESSAGE) for _ in range(2))
    assert first == second
    verify(key.public_key, ecdsa_with(Hash.SHA256), first, MESSAGE)


@pytest.mark.parametrize("algorithm", Hash)
@pytest.mark.parametrize("family", [SignatureFamily.RSA, SignatureFamily.RSA_PSS])
def test_rsa_signatures_verify(
    rsa_key: RsaPrivateKey, family: SignatureFamily, algorithm: Hash
) -> None:
    scheme = SignatureScheme(family, algorithm)
    signature = rsa_key.sign(scheme, MESSAGE)
    verify(rsa_key.public_key, scheme, signature, MESSAGE)
    with pytest.raises(ProtocolError):
        verify(rsa_key.public_key, scheme, signature, MESSAGE[:-1])


def test_a_pss_salt_of_another_length_than_stated_is_wrong(rsa_key: RsaPrivateKey) -> None:
    signature = rsa_key.sign(SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256, 20), MESSAGE)
    with pytest.raises(ProtocolError):
        verify(
            rsa_key.public_key,
            SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256),
            signature,
            MESSAGE,
        )


def test_openssl_agrees_on_pss_with_another_mask(rsa_key: RsaPrivateKey, tmp_path: Path) -> None:
    scheme = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA384, 32, Hash.SHA1)
    (tmp_path / "key.der").write_bytes(encode_public_key(rsa_key.public_key))
    (tmp_path / "signature").write_bytes(rsa_key.sign(scheme, MESSAGE))
    (tmp_path / "message").write_bytes(MESSAGE)
    command = (
        "openssl dgst -sha384 -verify key.der -signature signature -sigopt rsa_padding_mode:pss "
        "-sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha1 message"
    )
    subprocess.run(command.split(), check=True, cwd=tmp_path, capture_output=True)


RSA: Final = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)


def test_a_digest_info_without_null_needs_its_own_verification(rsa_key: RsaPrivateKey) -> None:
    signature = WithoutNull(rsa_key).sign(RSA, MESSAGE)
    verify_rsa_without_null(rsa_key.public_key, RSA, signature, MESSAGE)
    with pytest.raises(ProtocolError):
        verify(rsa_key.public_key, RSA, signature, MESSAGE)
    with pytest.raises(ProtocolError):
        verify_rsa_without_null(rsa_key.public_key, RSA, signature, MESSAGE + b".")
    with pytest.raises(ProtocolError):
        verify_rsa_without_null(rsa_key.public_key, RSA, rsa_key.sign(RSA, MESSAGE), MESSAGE)
    pss = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256)
    with pytest.raises(ProtocolError):
        verify_rsa_without_null(rsa_key.public_key, pss, signature, MESSAGE)


@pytest.mark.parametrize("change", ["behind", "short", "filling"])
def test_a_digest_info_without_null_is_compared_in_full(
    rsa_key: RsaPrivateKey, change: str
) -> None:
    """Unchecked octets would allow a forged signature if the exponent is small."""
    size = rsa_key.public_key.size
    digest = der.octet_string(Hash.SHA256.digest(MESSAGE))
    info = der.sequence(der.sequence(der.oid(Hash.SHA256.oid)), digest)
    padded = {
        "behind": b"\x00\x01" + b"\xff" * 8 + b"\x00" + info + bytes(size - len(info) - 11),
        "short": b"\x00\x01" + b"\xff" * 7 + b"\x00" + info + bytes(size - len(info) - 10),
        "filling": b"\x00\x01" + b"\xfe" * (size - len(info) - 3) + b"\x00" + info,
    }[change]
    signature = rsa_key.apply(int.from_bytes(padded, "big")).to_bytes(size, "big")
    with pytest.raises(ProtocolError):
        verify_rsa_without_null(rsa_key.public_key, RSA, signature, MESSAGE)


def test_a_scheme_of_another_key_type_is_refused(rsa_key: RsaPrivateKey) -> None:
    ec_key = EcPrivateKey.generate(CURVES["secp256r1"])
    rsa = SignatureScheme(SignatureFamily.RSA, Hash.SHA256)
    with pytest.raises(MisuseError):
        ec_key.sign(rsa, MESSAGE)
    with pytest.raises(MisuseError):
        rsa_key.sign(ecdsa_with(Hash.SHA256), MESSAGE)
    with pytest.raises(ProtocolError):
        verify(ec_key.public_key, rsa, b"signature", MESSAGE)
    with pytest.raises(ProtocolError):
        verify(rsa_key.public_key, ecdsa_with(Hash.SHA256), b"signature", MESSAGE)


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
@pytest.mark.parametrize("explicit", [False, True])
def test_public_keys_read_back(curve: Curve, explicit: bool) -> None:
    key = EcPrivateKey.generate(curve).public_key
    assert decode_public_key(encode_public_key(key, explicit=explicit)) == key


def test_openssl_writes_the_same_explicit_parameters(tmp_path: Path) -> None:
    command = (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP320r1 "
        "-pkeyopt ec_param_enc:explicit -outform DER -out sec1.der"
    )
    subprocess.run(command.split(), check=True, cwd=tmp_path, capture_output=True)
    for conversion in (
        "openssl pkcs8 -topk8 -nocrypt -in sec1.der -outform DER -out key.der",
        "openssl pkey -in key.der -pubout -outform DER -out public.der",
    ):
        subprocess.run(conversion.split(), check=True, cwd=tmp_path, capture_output=True)
    key = load_private_key(Secret((tmp_path / "key.der").read_bytes()))
    assert key.public_key.description == "brainpoolP320r1"
    assert decode_public_key((tmp_path / "public.der").read_bytes()) == key.public_key
    ours = tmp_path / "ours.der"
    ours.write_bytes(encode_public_key(key.public_key))
    subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(ours), "-noout"], check=True, capture_output=True
    )


def test_another_generator_makes_an_unknown_curve() -> None:
    """CVE-2020-0601: the attacker chooses the generator and so knows a private key."""
    curve = CURVES["brainpoolP256r1"]
    forged = curve.with_generator(curve.multiply(12345, curve.g))
    with pytest.raises(UnusableKeyError, match="unknown curve of 256 bits"):
        decode_public_key(encode_public_key(EcPublicKey(forged, forged.g)))


def test_a_point_off_the_curve_is_malformed() -> None:
    curve = CURVES["secp256r1"]
    octets = bytearray(encode_public_key(EcPublicKey(curve, curve.g)))
    octets[-1] ^= 1
    with pytest.raises(MalformedError):
        decode_public_key(bytes(octets))


@given(st.binary(max_size=200))
def test_any_octets_are_a_public_key_or_malformed(octets: bytes) -> None:
    try:
        decode_public_key(octets)
    except MalformedError:
        return


@given(st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=300)
def test_a_damaged_public_key_is_read_or_malformed(position: int, value: int) -> None:
    curve = CURVES["brainpoolP256r1"]
    octets = bytearray(encode_public_key(EcPublicKey(curve, curve.g)))
    octets[position % len(octets)] = value
    try:
        decode_public_key(bytes(octets))
    except MalformedError:
        return


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
def test_private_keys_read_back_from_pkcs8(curve: Curve) -> None:
    key = EcPrivateKey.generate(curve)
    for explicit in (False, True):
        assert load_private_key(key.to_pkcs8(explicit=explicit)).public_key == key.public_key


def test_other_software_reads_our_pkcs8(rsa_key: RsaPrivateKey) -> None:
    assert load_private_key(rsa_key.to_pkcs8()).public_key == rsa_key.public_key
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    theirs = serialization.load_der_private_key(key.to_pkcs8().reveal(), None)
    assert isinstance(theirs, ec.EllipticCurvePrivateKey)
    signature = theirs.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    verify(key.public_key, ecdsa_with(Hash.SHA256), signature, MESSAGE)


@given(st.binary(max_size=200))
def test_any_octets_are_a_private_key_or_malformed(octets: bytes) -> None:
    try:
        load_private_key(Secret(octets))
    except ChipsealError:
        return


def test_the_repr_of_a_private_key_has_no_secret() -> None:
    key = EcPrivateKey.generate(CURVES["secp256r1"])
    assert key.private.reveal().hex() not in repr(key) + repr(vars(key))


@given(st.integers(1, 2**224), st.integers(1, 2**224))
def test_plain_and_der_signatures_convert(r: int, s: int) -> None:
    curve = CURVES["brainpoolP256r1"]
    plain = ecdsa_to_plain(ecdsa_encode(r, s), curve)
    assert len(plain) == 64
    assert ecdsa_from_plain(plain, curve) == ecdsa_encode(r, s)


def test_signatures_of_the_wrong_size_do_not_convert() -> None:
    curve = CURVES["secp192r1"]
    with pytest.raises(MalformedError):
        ecdsa_from_plain(bytes(47), curve)
    with pytest.raises(MalformedError):
        ecdsa_to_plain(ecdsa_encode(1 << 200, 1), curve)
    with pytest.raises(MalformedError):
        ecdsa_to_plain(ecdsa_encode(-1, 1), curve)


def test_surplus_zeros_are_read_and_are_not_canonical() -> None:
    assert ecdsa_decode(bytes.fromhex("3008 0203000001 020102")) == (1, 2)
    assert not ecdsa_is_canonical(bytes.fromhex("3008 0203000001 020102"))
    assert ecdsa_is_canonical(bytes.fromhex("3006 020101 020102"))


@pytest.mark.parametrize("name", ["secp256r1", "brainpoolP224r1"])
@pytest.mark.parametrize("number", [0, -1, "n"])
def test_numbers_outside_the_group_are_wrong(name: str, number: int | str) -> None:
    curve = CURVES[name]
    bad = curve.n if isinstance(number, str) else number
    key = EcPublicKey(curve, curve.g)
    for r, s in ((bad, 1), (1, bad)):
        with pytest.raises(ProtocolError):
            verify(key, ecdsa_with(Hash.SHA256), ecdsa_encode(r, s), MESSAGE)
