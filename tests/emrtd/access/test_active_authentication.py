from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from emrtd.access import active_authentication
from emrtd.access.active_authentication import SignedChallenge
from emrtd.crypto import iso9796
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.signatures import (
    EcPublicKey,
    PublicKey,
    RsaPublicKey,
    SignatureFamily,
    SignatureScheme,
)
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.security.security_infos import ActiveAuthenticationInfo
from support.secret import Secret
from tests.helpers import facts

CURVE_NAMES = sorted(CURVES)
NONCE = bytes(range(8))


@cache
def rsa_key(bits: int = 1024) -> RsaPrivateKey:
    return RsaPrivateKey(rsa.generate_private_key(65537, bits))


@cache
def ec_key(name: str) -> EcPrivateKey:
    return EcPrivateKey.generate(CURVES[name])


def chip(
    key: PrivateKey, algorithm: Hash | None = None, spoil: Callable[[bytes], bytes] = bytes
) -> Callable[[bytes], bytes]:
    def process(octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        assert (command.cla, command.ins, command.p1, command.p2) == (0, 0x88, 0, 0)
        signature = spoil(active_authentication.sign(key, command.data, algorithm))
        return ResponseAPDU(signature[: command.ne]).encode()

    return process


def authenticate(
    key: PublicKey, transmit: Callable[[bytes], bytes], info: ActiveAuthenticationInfo | None
) -> active_authentication.Verified:
    exchange = run(active_authentication.challenge(key), transmit)
    return active_authentication.verify(key, info, exchange)


@pytest.mark.parametrize("algorithm", Hash)
def test_rsa_verifies_with_every_trailer(algorithm: Hash) -> None:
    key = rsa_key()
    verified = authenticate(key.public_key, chip(key, algorithm), None)
    assert (verified.hash, verified.quirks) == (algorithm, ())


@pytest.mark.parametrize("name", CURVE_NAMES)
def test_ecdsa_verifies_on_every_curve(name: str) -> None:
    key = ec_key(name)
    algorithm = active_authentication.hash_for(key.public_key)
    info = active_authentication.info_for(key.public_key, algorithm)
    assert info is not None
    verified = authenticate(key.public_key, chip(key), info)
    assert verified.quirks == ()
    assert verified.hash is algorithm
    assert verified.hash.size <= max(28, (key.public_key.curve.n.bit_length() + 7) // 8)


def test_dg14_has_no_info_for_rsa() -> None:
    assert active_authentication.info_for(rsa_key().public_key, Hash.SHA256) is None


def test_the_recorded_session_verifies() -> None:
    session = facts("vectors/aa_rsa_extra.json")["rsa_session"]
    key = DataGroup15.decode(bytes.fromhex(session["DG15"])).public_key
    assert isinstance(key, RsaPublicKey)
    signature, nonce = bytes.fromhex(session["signature"]), bytes.fromhex(session["RND.IFD"])
    sent: list[bytes] = []

    def recorded(command: bytes) -> bytes:
        sent.append(command)
        return signature + b"\x90\x00"

    exchange = run(
        active_authentication.challenge(key, random=lambda size: nonce, short_capacity=231),
        recorded,
    )
    assert sent == [bytes.fromhex("0088000008") + nonce + b"\x00"]
    representative, _ = iso9796.open_signature(key, signature)
    assert representative.hex().upper() == session["F"]
    verified = active_authentication.verify(key, None, exchange)
    assert (verified.hash, verified.quirks) == (Hash.SHA256, ())
    recovered = iso9796.verify(key, signature, nonce)
    assert recovered.m1.hex().upper() == session["M1"]


def test_the_recorded_session_runs_octet_for_octet_under_secure_messaging() -> None:
    session = facts("vectors/aa_rsa_extra.json")["rsa_session"]
    sm = session["sm"]
    key = DataGroup15.decode(bytes.fromhex(session["DG15"])).public_key
    ks_enc, ks_mac = (Secret(bytes.fromhex(sm[name])) for name in ("KSenc", "KSmac"))
    messaging = SecureMessaging(Cipher.TDES, ks_enc, ks_mac, int(sm["SSC_before"], 16))
    nonce = bytes.fromhex(session["RND.IFD"])

    def recorded(command: bytes) -> bytes:
        assert command.hex().upper() == sm["command"]
        return bytes.fromhex(sm["response"])

    procedure = active_authentication.challenge(key, random=lambda size: nonce, short_capacity=231)
    exchange = run(secured(procedure, messaging), recorded)
    assert exchange.signature.hex().upper() == session["signature"]


def test_another_chip_is_refused() -> None:
    for genuine, other in (
        (rsa_key(), rsa_key.__wrapped__(1024)),
        (ec_key("secp256r1"), EcPrivateKey.generate(CURVES["secp256r1"])),
    ):
        with pytest.raises(ProtocolError):
            authenticate(genuine.public_key, chip(other), None)


def test_a_signature_over_another_nonce_is_refused() -> None:
    for key in (rsa_key(), ec_key("brainpoolP256r1")):
        signature = active_authentication.sign(key, bytes(8))
        with pytest.raises(ProtocolError):
            active_authentication.verify(key.public_key, None, SignedChallenge(NONCE, signature))


def test_a_der_signature_without_dg14_is_accepted_with_its_quirks() -> None:
    """Portuguese identity cards sign so: P-384 over SHA-256, DER-encoded, no DG14."""
    key = ec_key("secp384r1")
    der = key.sign(SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256), NONCE)
    verified = active_authentication.verify(key.public_key, None, SignedChallenge(NONCE, der))
    assert verified.hash is Hash.SHA256
    assert [each.split()[3] for each in verified.quirks] == ["DER", "name"]


def test_an_x9_62_algorithm_in_dg14_is_a_quirk() -> None:
    key = ec_key("secp256r1")
    info = ActiveAuthenticationInfo("1.2.840.10045.4.3.2")
    verified = authenticate(key.public_key, chip(key), info)
    assert len(verified.quirks) == 1
    assert "1.2.840.10045.4.3.2" in verified.quirks[0]


def test_an_unknown_algorithm_in_dg14_is_a_quirk() -> None:
    key = ec_key("secp256r1")
    verified = authenticate(key.public_key, chip(key), ActiveAuthenticationInfo("1.2.3"))
    assert "does not name" in verified.quirks[0]


def test_sha1_is_a_quirk() -> None:
    key = ec_key("secp192r1")
    info = ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.1")
    verified = authenticate(key.public_key, chip(key, Hash.SHA1), info)
    assert "SHA-1" in verified.quirks[0]


def test_only_the_hash_that_dg14_names_is_tried() -> None:
    key = ec_key("secp384r1")
    info = ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.4")
    with pytest.raises(ProtocolError):
        authenticate(key.public_key, chip(key, Hash.SHA256), info)


@given(st.binary(max_size=80))
def test_any_answer_is_refused(answer: bytes) -> None:
    for key in (rsa_key(), ec_key("secp256r1")):
        with pytest.raises(ProtocolError):
            active_authentication.verify(key.public_key, None, SignedChallenge(NONCE, answer))


def test_a_signature_of_zeros_is_refused() -> None:
    key = ec_key("secp256r1").public_key
    with pytest.raises(ProtocolError):
        active_authentication.verify(key, None, SignedChallenge(NONCE, bytes(64)))


def test_the_echoed_challenge_is_refused() -> None:
    def echo(command: bytes) -> bytes:
        return CommandAPDU.decode(command).data + b"\x90\x00"

    with pytest.raises(ProtocolError):
        authenticate(rsa_key().public_key, echo, None)


@pytest.mark.parametrize(
    ("bits", "truncates_above"), [(1024, None), (2048, None), (1024, 100), (2048, 256)]
)
def test_a_truncated_answer_is_requested_again_in_the_other_form(
    bits: int, truncates_above: int | None
) -> None:
    """Some chips truncate the answer to a short Le, others return nothing for an extended one."""
    key = rsa_key(bits)
    asked: list[tuple[bool, bytes]] = []

    def process(octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        asked.append((command.is_extended, command.data))
        signature = active_authentication.sign(key, command.data)
        if truncates_above and len(asked) == 1:
            signature = signature[: truncates_above - 1]
        return ResponseAPDU(signature).encode()

    assert authenticate(key.public_key, process, None).hash is Hash.SHA256
    first = bits > 8 * 223
    assert [form for form, _ in asked] == ([first, not first] if truncates_above else [first])
    assert len({nonce for _, nonce in asked}) == len(asked)


def test_a_chip_that_refuses_both_forms_raises_a_refusal() -> None:
    with pytest.raises(ChipRefusalError, match="6700"):
        run(active_authentication.challenge(rsa_key().public_key), lambda _: b"\x67\x00")


def test_the_chip_refuses_a_nonce_of_another_size() -> None:
    with pytest.raises(ChipRefusalError) as refusal:
        active_authentication.sign(rsa_key(), bytes(7))
    assert refusal.value.sw == 0x6700


def test_the_command_is_internal_authenticate() -> None:
    command = next(active_authentication.challenge(EcPublicKey(CURVES["secp256r1"], (1, 1))))
    assert (command.ins, len(command.data), command.ne) == (INS.INTERNAL_AUTHENTICATE, 8, 256)
