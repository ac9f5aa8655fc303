from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.access import chip_authentication, chip_authentication_keys
from emrtd.access.chip_authentication import (
    ChipAuthenticationChip,
    ChipAuthenticationResult,
    EphemeralKey,
    Method,
    StaticKey,
    authenticate,
)
from emrtd.access.chip_authentication_keys import ChipAuthenticationVariant, StaticPublicKey
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED, encode_agreement_key
from emrtd.crypto.groups import EcGroup, Group
from emrtd.crypto.protocols import (
    CHIP_AUTHENTICATION_PROTOCOLS,
    ID_PK_DH,
    ID_PK_ECDH,
    KeyAgreement,
    chip_authentication_oid,
)
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, exchange, run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.security.security_infos import (
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PrivilegedTerminalInfo,
    SecurityInfo,
    SecurityInfos,
)
from emrtd.transport.recording import Recording
from support.errors import MalformedError
from support.secret import Secret
from tests.helpers import facts, replace
from vsmartcard.card.function_card import FunctionCard

SELECT = CommandAPDU(0x00, INS.SELECT, 0x02, 0x0C, b"\x01\x0e")
GROUPS = sorted(STANDARDISED)


def session(cipher: Cipher = Cipher.AES128, ssc: int = 0) -> SecureMessaging:
    key = Secret(bytes(range(cipher.key_size)))
    return SecureMessaging(cipher, key, key, ssc)


def static(group: Group, *ciphers: Cipher, key_id: int | None = None) -> StaticKey:
    private = group.private_key()
    size = (private.bit_length() + 7) // 8
    protocols = tuple(chip_authentication_oid(group.key_agreement, each) for each in ciphers)
    return StaticKey(group, Secret(private.to_bytes(size, "big")), protocols, key_id)


def public(key: StaticKey) -> bytes:
    return key.group.public_key(int.from_bytes(key.private.reveal(), "big"))


def infos(*keys: StaticKey, version: int = 1) -> SecurityInfos:
    """Return the SecurityInfos of DG14 for these keys."""
    entries: list[SecurityInfo] = []
    for key in keys:
        oid = ID_PK_DH if key.group.key_agreement is KeyAgreement.DH else ID_PK_ECDH
        encoded = encode_agreement_key(key.group, public(key), explicit=version == 1)
        entries.append(ChipAuthenticationPublicKeyInfo(oid, encoded, key.key_id))
        entries += [ChipAuthenticationInfo(oid, key.key_id, version) for oid in key.protocols]
    return SecurityInfos(*entries)


class Chip(FunctionCard):
    """A card that passes its commands to the chip's side of Chip Authentication."""

    def __init__(self, *keys: StaticKey, compressed: bytes | None = None) -> None:
        super().__init__(self.answer, session())
        self.side = ChipAuthenticationChip(keys)
        self.compressed = compressed
        self.result: ChipAuthenticationResult | None = None

    def answer(self, command: CommandAPDU) -> bytes:
        header = command.ins, command.p1, command.p2
        data = b""
        if header == (0x22, *chip_authentication.SET_KAT):
            self.result = self.side.set_kat(command.data)
        elif header == (0x22, *chip_authentication.SET_AT):
            self.side.set_at(command.data)
        elif header == (0x86, 0, 0):
            data, self.result = self.side.general_authenticate(command.data, self.compressed)
        if self.result is not None:
            self.renew(self.result.secure_messaging)
        return data


def open_with(
    procedure: Procedure[ChipAuthenticationResult], transmit: Callable[[bytes], bytes]
) -> ChipAuthenticationResult:
    """Run a procedure inside the old session, then send a SELECT in the new one."""
    result = run(secured(procedure, session()), transmit)
    assert run(secured(exchange(SELECT), result.secure_messaging), transmit).sw == 0x9000
    return result


# --- recorded sessions and worked examples ---------------------------------------------------


def _session_of(state: dict[str, str]) -> SecureMessaging:
    size = len(bytes.fromhex(state["KSenc"]))
    cipher = {24: Cipher.AES192, 32: Cipher.AES256}.get(size, Cipher.AES128)
    if state["algorithm"] == "3DES":
        cipher = Cipher.TDES
    ks_enc, ks_mac = (Secret(bytes.fromhex(state[name])) for name in ("KSenc", "KSmac"))
    return SecureMessaging(cipher, ks_enc, ks_mac, int(state.get("SSC", "0"), 16))


@pytest.mark.parametrize("index", range(4), ids=["AT", "DE", "MY", "FR"])
def test_a_recorded_session_runs_octet_for_octet(index: int) -> None:
    vector = facts("vectors/ca_v1_sessions.json")["vectors"][index]
    dg14 = DataGroup14.decode(bytes.fromhex(vector["DG14"])).security_infos
    variant = chip_authentication_keys.choose(dg14)
    assert variant.key.public.hex().upper() == vector["chip_public_key"]
    assert variant.assumed is (vector["ca_protocol_oid"] is None)
    if not variant.assumed:
        assert variant.protocol == vector["ca_protocol_oid"]
    ephemeral = EphemeralKey.of(variant.key.group, int(vector["terminal_ephemeral_private"], 16))
    assert ephemeral.public.hex().upper() == vector["terminal_ephemeral_public"]
    shared = ephemeral.agree(variant.key.public)
    assert shared.hex().upper() == vector["shared_secret_K"]
    recording = Recording(
        (bytes.fromhex(each["protected_command"]), bytes.fromhex(each["protected_response"]))
        for each in vector["exchanges"]
    )
    methods = [Method.GENERAL_AUTHENTICATE] if index == 2 else None  # MY: 3DES by MSE:Set AT
    old = _session_of(vector["before"])
    result = run(
        secured(authenticate(variant, ephemeral=ephemeral, by=methods), old), recording.transmit
    )
    after = _session_of(vector["after"])
    assert result.secure_messaging.cipher is after.cipher
    assert (
        result.secure_messaging.protect_command(SELECT).encode()
        == after.protect_command(SELECT).encode()
    )
    fresh = chip_authentication._session_keys(shared, b"", variant.cipher)
    assert [key.reveal().hex().upper() for key in fresh] == [
        vector["after"]["KSenc"], vector["after"]["KSmac"],
    ]  # fmt: skip
    proof = secured(exchange(SELECT), _session_of(vector["after"]))
    assert run(proof, recording.transmit).sw == 0x9000
    assert recording.remaining == 0
    assert bool(result.quirks) is variant.assumed


@pytest.mark.parametrize("example", ["ecdh", "dh"])
def test_the_worked_examples_of_version_2(example: str) -> None:
    vector = facts(f"vectors/eac2_worked_example_{example}.json")
    ca = vector["CA_version_2"]
    expected_public = bytes.fromhex(ca["chip_static_public"])
    group = STANDARDISED[vector["parameter_id"]]
    key = StaticKey(group, Secret(bytes.fromhex(ca["chip_static_private"])), (ca["oid"],))
    assert public(key) == expected_public
    cipher = CHIP_AUTHENTICATION_PROTOCOLS[ca["oid"]].cipher
    variant = ChipAuthenticationVariant(
        ca["oid"], cipher, StaticPublicKey(group, expected_public), version=2
    )
    ephemeral = EphemeralKey.of(group, int(ca["terminal_ephemeral_private"], 16))
    assert ephemeral.public.hex().upper() == ca["terminal_ephemeral_public"]
    assert ephemeral.compressed.hex().upper() == vector["TA_version_2"]["comp_PK_PCD"]
    shared = ephemeral.agree(expected_public)
    assert shared.hex().upper() == ca["shared_secret_K"]
    nonce = bytes.fromhex(ca["nonce_r_PICC"])
    ks_enc, ks_mac = chip_authentication._session_keys(shared, nonce, cipher)
    assert ks_enc.reveal().hex().upper() == ca["KSenc"]
    assert ks_mac.reveal().hex().upper() == ca["KSmac"]
    assert group.public_key_object(ca["oid"], ephemeral.public).hex().upper() == ca["token_input"]
    equivalent = chip_authentication._session_keys(shared, b"", cipher)
    assert [each.reveal().hex().upper() for each in equivalent] == [
        ca["CA_version_1_equivalent"]["KSenc"], ca["CA_version_1_equivalent"]["KSmac"],
    ]  # fmt: skip

    side = ChipAuthenticationChip([key], random=lambda size: nonce)
    side.set_at(tlv.encode(0x80, der.oid_value(ca["oid"])))
    answer, chip = side.general_authenticate(
        tlv.encode(0x7C, tlv.encode(0x80, ephemeral.public)), ephemeral.compressed
    )
    token = bytes.fromhex(ca["token_T_PICC"])
    assert answer == tlv.encode(0x7C, tlv.encode(0x81, nonce), tlv.encode(0x82, token))
    answers = iter([b"\x90\x00", answer + b"\x90\x00"])
    result = run(authenticate(variant, ephemeral=ephemeral), lambda _: next(answers))
    command = result.secure_messaging.protect_command(SELECT)
    assert chip.secure_messaging.unprotect_command(command) == SELECT
    assert result.terminal_public_key == chip.terminal_public_key == ephemeral.public


# --- both roles ------------------------------------------------------------------------------


@cache
def key_of(parameters: int) -> StaticKey:
    return static(STANDARDISED[parameters], *Cipher)


@pytest.mark.parametrize("cipher", Cipher)
@pytest.mark.parametrize("parameters", GROUPS)
def test_every_cipher_and_group(parameters: int, cipher: Cipher) -> None:
    key = replace(
        key_of(parameters),
        protocols=(chip_authentication_oid(key_of(parameters).group.key_agreement, cipher),),
    )
    chip = Chip(key)
    variant = chip_authentication_keys.choose(infos(key))
    result = open_with(authenticate(variant), chip.process)
    assert result.secure_messaging.cipher is cipher
    first = (chip.commands[0].p1, chip.commands[0].p2)
    assert first == (
        chip_authentication.SET_KAT if cipher is Cipher.TDES else chip_authentication.SET_AT
    )
    assert chip.result is not None
    assert chip.result.terminal_public_key == result.terminal_public_key
    assert result.compressed_terminal_key == key.group.compress(result.terminal_public_key)


@pytest.mark.parametrize("parameters", [0, 13])
def test_3des_uses_mse_set_at_if_the_chip_refuses_set_kat(parameters: int) -> None:
    chip = Chip(replace(key_of(parameters), protocols=key_of(parameters).protocols[:1]))

    def no_kat(command: CommandAPDU) -> bytes:
        if (command.p1, command.p2) == chip_authentication.SET_KAT:
            raise ChipRefusalError(0x6A86, "MSE:Set KAT")
        return chip.answer(command)

    chip.handle = no_kat
    variant = chip_authentication_keys.choose(infos(*chip.side._keys))
    assert open_with(authenticate(variant), chip.process).cipher is Cipher.TDES
    assert [each.ins for each in chip.commands[:3]] == [0x22, 0x22, 0x86]


def test_several_keys_are_selected_by_their_identifiers() -> None:
    keys = (
        static(STANDARDISED[12], Cipher.AES128, key_id=1),
        static(STANDARDISED[13], Cipher.TDES, key_id=300),
        static(STANDARDISED[16], Cipher.AES256, key_id=3),
    )
    offered = chip_authentication_keys.variants(infos(*keys))
    assert {(each.key.key_id, each.cipher) for each in offered} == {
        (1, Cipher.AES128), (300, Cipher.TDES), (3, Cipher.AES256),
    }  # fmt: skip
    assert chip_authentication_keys.choose(infos(*keys)).key.key_id == 3
    for variant in offered:
        chip = Chip(*keys)
        result = open_with(authenticate(variant), chip.process)
        assert result.cipher is variant.cipher
        reference = b"\x01\x2c" if variant.key.key_id == 300 else bytes([variant.key.key_id or 0])
        assert tlv.encode(0x84, reference) in chip.commands[0].data


def test_a_key_reference_is_an_unsigned_integer() -> None:
    encode = chip_authentication_keys.encode_key_reference
    assert [encode(number).hex() for number in (0, 13, 195, 300)] == ["00", "0d", "c3", "012c"]


def test_dg14_without_chip_authentication_info_means_3des() -> None:
    key = static(STANDARDISED[12], Cipher.TDES)
    only_the_key = SecurityInfos(*infos(key).of(ChipAuthenticationPublicKeyInfo))
    variant = chip_authentication_keys.choose(only_the_key)
    assert variant.assumed
    result = open_with(authenticate(variant), Chip(key).process)
    assert "3DES is assumed" in result.quirks[0]


def test_an_identifier_in_only_one_of_the_two_infos_is_ignored() -> None:
    key = static(STANDARDISED[12], Cipher.AES128)
    (info,) = infos(key).of(ChipAuthenticationInfo)
    others = infos(key).of(ChipAuthenticationPublicKeyInfo)
    variant = chip_authentication_keys.choose(SecurityInfos(*others, replace(info, key_id=1)))
    assert not variant.assumed


def test_an_empty_answer_to_general_authenticate_is_a_quirk() -> None:
    key = static(STANDARDISED[12], Cipher.AES128)
    chip = Chip(key)
    plain = chip.answer
    chip.handle = lambda command: plain(command) and b""
    variant = chip_authentication_keys.choose(infos(key))
    assert "7C" in open_with(authenticate(variant), chip.process).quirks[0]


@pytest.mark.parametrize("parameters", [0, 2, 12, 18])
@pytest.mark.parametrize("cipher", [Cipher.AES128, Cipher.AES256])
def test_version_2_requires_the_key_that_the_terminal_signed(
    parameters: int, cipher: Cipher
) -> None:
    key = static(STANDARDISED[parameters], cipher, key_id=parameters)
    ephemeral = EphemeralKey.generate(key.group)
    chip = Chip(key, compressed=ephemeral.compressed)
    variant = chip_authentication_keys.choose(infos(key, version=2), version=2)
    open_with(authenticate(variant, ephemeral=ephemeral), chip.process)
    another = Chip(key, compressed=EphemeralKey.generate(key.group).compressed)
    with pytest.raises(ChipRefusalError) as refusal:
        open_with(authenticate(variant, ephemeral=ephemeral), another.process)
    assert refusal.value.sw == 0x6300


def test_keys_for_privileged_terminals_come_last() -> None:
    common = static(STANDARDISED[13], Cipher.AES128, key_id=1)
    privileged = static(STANDARDISED[13], Cipher.AES128, key_id=2)
    entries = SecurityInfos(
        PrivilegedTerminalInfo(infos(privileged, version=2)), *infos(common, version=2)
    )
    offered = chip_authentication_keys.variants(entries, version=2)
    assert [each.key.key_id for each in offered] == [1, 2]
    assert chip_authentication_keys.variants(infos(common, version=2)) == ()


# --- what must not be believed ---------------------------------------------------------------


def test_a_chip_without_the_private_key_fails_in_the_new_session() -> None:
    genuine, clone = (static(STANDARDISED[13], Cipher.AES128) for _ in range(2))
    variant = chip_authentication_keys.choose(infos(genuine))
    chip = Chip(clone)
    result = run(secured(authenticate(variant), session()), chip.process)
    command = result.secure_messaging.protect_command(SELECT)
    with pytest.raises(ProtocolError):
        chip.session.unprotect_command(command)
    forged = chip.session.protect_response(ResponseAPDU())
    with pytest.raises(ProtocolError, match="MAC is wrong"):
        result.secure_messaging.unprotect_response(forged)


def test_a_wrong_token_of_version_2_is_refused() -> None:
    genuine, clone = (static(STANDARDISED[13], Cipher.AES128) for _ in range(2))
    ephemeral = EphemeralKey.generate(genuine.group)
    variant = chip_authentication_keys.choose(infos(genuine, version=2), version=2)
    chip = Chip(clone, compressed=ephemeral.compressed)
    with pytest.raises(ProtocolError, match="token is wrong"):
        open_with(authenticate(variant, ephemeral=ephemeral), chip.process)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("7C00", "data object 81 is missing"),
        ("7C0A8108" + "00" * 8, "data object 82 is missing"),
        ("7C148107" + "00" * 7 + "8209" + "00" * 9, "nonce has 7 octets instead of 8"),
    ],
)
def test_an_answer_of_version_2_without_nonce_or_token_is_refused(answer: str, says: str) -> None:
    key = static(STANDARDISED[13], Cipher.AES128)
    variant = chip_authentication_keys.choose(infos(key, version=2), version=2)
    answers = iter([b"\x90\x00", bytes.fromhex(answer) + b"\x90\x00"])
    with pytest.raises((ProtocolError, MalformedError), match=says):
        run(authenticate(variant), lambda _: next(answers))


def test_a_refused_key_leaves_the_old_session() -> None:
    key = static(STANDARDISED[13], Cipher.AES128)
    chip = Chip(key)
    old = session()
    variant = chip_authentication_keys.choose(infos(key))
    curve = CURVES["brainpoolP256r1"]
    bad = EphemeralKey(key.group, Secret(b"\x01"), curve.encode_point((curve.g[0], curve.g[1] ^ 1)))
    with pytest.raises(ChipRefusalError) as refusal:
        run(secured(authenticate(variant, ephemeral=bad), old), chip.process)
    assert refusal.value.sw == 0x6A80
    assert run(secured(exchange(SELECT), old), chip.process).sw == 0x9000


@pytest.mark.parametrize("parameters", [0, 13])
def test_the_chip_validates_the_terminals_key(parameters: int) -> None:
    group = STANDARDISED[parameters]
    key = static(group, Cipher.TDES)
    side = ChipAuthenticationChip([key])
    size = len(public(key))
    bad = [b"", b"\x00", b"\x04" + bytes(size - 1), b"\x04" * size, bytes(size)]
    if parameters == 0:
        bad += [b"\x01", (group.field - 1).to_bytes(128, "big"), b"\x02"]
    for octets in bad:
        with pytest.raises(ChipRefusalError) as refusal:
            side.set_kat(tlv.encode(0x91, octets))
        assert refusal.value.sw == 0x6A80


def test_a_static_key_off_its_curve_is_not_used() -> None:
    curve = CURVES["brainpoolP256r1"]
    point = curve.encode_point((curve.g[0], curve.g[1] ^ 1))
    info = ChipAuthenticationPublicKeyInfo(
        ID_PK_ECDH, encode_agreement_key(EcGroup(curve), point, explicit=True)
    )
    with pytest.raises(ProtocolError, match="not on the curve"):
        chip_authentication_keys.choose(SecurityInfos(info))
    with pytest.raises(ProtocolError, match="no key for Chip Authentication"):
        chip_authentication_keys.choose(SecurityInfos())


def test_a_key_of_the_other_kind_is_not_used() -> None:
    key = static(STANDARDISED[13])
    info = ChipAuthenticationPublicKeyInfo(
        ID_PK_DH, encode_agreement_key(key.group, public(key), explicit=True)
    )
    with pytest.raises(ProtocolError, match="other kind"):
        chip_authentication_keys.choose(SecurityInfos(info))


def test_a_secret_with_leading_zero_octets_keeps_them() -> None:
    """An x-coordinate that begins with 00: one session in 256."""
    group = STANDARDISED[13]
    key = static(group, Cipher.AES128)
    peer = public(key)
    ephemeral = next(
        each
        for each in (EphemeralKey.of(group, number) for number in range(2, 5000))
        if each.agree(peer)[0] == 0
    )
    assert len(ephemeral.agree(peer)) == 32
    variant = chip_authentication_keys.choose(infos(key))
    open_with(authenticate(variant, ephemeral=ephemeral), Chip(key).process)


def test_the_chip_requires_mse_set_at_before_each_general_authenticate() -> None:
    side = ChipAuthenticationChip([static(STANDARDISED[13], Cipher.AES128)])
    data = tlv.encode(0x7C, tlv.encode(0x80, public(key_of(13))))
    with pytest.raises(ChipRefusalError) as refusal:
        side.general_authenticate(data)
    assert refusal.value.sw == 0x6985
    side.set_at(tlv.encode(0x80, der.oid_value(side._keys[0].protocols[0])))
    side.general_authenticate(data)
    with pytest.raises(ChipRefusalError):
        side.general_authenticate(data)


def test_an_unknown_protocol_is_6a80_and_an_unknown_key_6a88() -> None:
    side = ChipAuthenticationChip([static(STANDARDISED[13], Cipher.AES128, key_id=1)])
    known = tlv.encode(0x80, der.oid_value(side._keys[0].protocols[0]))
    for data, sw in (
        (tlv.encode(0x80, der.oid_value("0.4.0.127.0.7.2.2.3.2.4")), 0x6A80),
        (known + tlv.encode(0x84, b"\x02"), 0x6A88),
        (b"", 0x6A80),
        (b"\x80", 0x6A80),
    ):
        with pytest.raises(ChipRefusalError) as refusal:
            side.set_at(data)
        assert refusal.value.sw == sw
    with pytest.raises(ChipRefusalError) as refusal:
        side.set_kat(tlv.encode(0x91, public(key_of(13))))
    assert refusal.value.sw == 0x6A88  # no key for 3DES
    twice = ChipAuthenticationChip([key_of(13), key_of(12)])
    with pytest.raises(ChipRefusalError) as refusal:
        twice.set_kat(tlv.encode(0x91, public(key_of(13))))
    assert refusal.value.sw == 0x6A88  # ambiguous


@given(st.binary(max_size=120))
def test_any_octets_are_refused_by_the_chip(octets: bytes) -> None:
    side = ChipAuthenticationChip([key_of(13)])
    for step in (side.set_kat, side.set_at, side.general_authenticate):
        with pytest.raises(ChipRefusalError):
            step(octets)


@pytest.mark.parametrize("version", [1, 2])
@given(octets=st.binary(max_size=60))
def test_any_answer_of_the_chip_ends_in_a_result_or_a_chipseal_error(
    version: int, octets: bytes
) -> None:
    variant = ChipAuthenticationVariant(
        chip_authentication_oid(KeyAgreement.ECDH, Cipher.AES128),
        Cipher.AES128,
        StaticPublicKey(STANDARDISED[13], public(key_of(13))),
        version,
    )
    answers = iter([b"\x90\x00", octets + b"\x90\x00"])
    try:
        run(authenticate(variant), lambda _: next(answers))
    except (MalformedError, ProtocolError):
        return
    assert version == 1


def test_the_mapping_key_is_found_by_the_parameter_id() -> None:
    keys = [static(STANDARDISED[13], key_id=13), static(STANDARDISED[12], key_id=12)]
    found = chip_authentication_keys.mapping_key(infos(*keys), 13)
    assert found == StaticPublicKey(STANDARDISED[13], public(keys[0]), 13)
    with pytest.raises(ProtocolError, match="identifier 16"):
        chip_authentication_keys.mapping_key(infos(*keys), 16)
