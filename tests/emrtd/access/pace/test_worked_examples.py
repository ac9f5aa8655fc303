"""The worked examples of Doc 9303-11, appendices G, H and I, and others, in both roles."""

from typing import Any

import pytest

from emrtd.access.pace import chip_authentication_mapping as cam
from emrtd.access.pace import messages
from emrtd.access.pace.agreement import SessionKeys, decrypt_nonce, encrypt_nonce
from emrtd.access.pace.messages import AuthenticationTemplate, Tag
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import PaceVariant
from emrtd.access.passwords import Password, PasswordType
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import EcGroup, Group, ModpGroup
from emrtd.crypto.integrated_mapping import map_integrated
from emrtd.crypto.protocols import ID_STANDARDISED_DOMAIN_PARAMETERS, Mapping
from emrtd.iso7816.apdu import CommandAPDU
from emrtd.iso7816.procedure import run
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from support.secret import Secret
from tests.emrtd.access.pace.card import CAN, MRZ, PIN, Card, sequence
from tests.helpers import facts
from vsmartcard.card.function_card import FunctionCard, in_turn
from vsmartcard.card.layers import Watched

EXAMPLES = {
    "G1": "pace_gm_ecdh_9303-11_G1",
    "G2": "pace_gm_dh_9303-11_G2",
    "H1": "pace_im_ecdh_9303-11_H1",
    "H2": "pace_im_dh_9303-11_H2",
    "I1": "pace_cam_ecdh_9303-11_I1",
    "EAC ECDH": "eac2_worked_example_ecdh",
    "EAC DH": "eac2_worked_example_dh",
}
every_example = pytest.mark.parametrize("name", EXAMPLES)


class Example:
    """One example, with the same names of values as the others."""

    def __init__(self, name: str) -> None:
        file = facts(f"vectors/{EXAMPLES[name]}.json")
        values: dict[str, Any] = {**file, **file.get("PACE", {})}
        for key, value in list(values.items()):
            if key.endswith("_xy"):
                values[key.removesuffix("_xy")] = "04" + value
        values.setdefault("shared_secret_K", values.get("shared_secret_K_x"))
        for ours, theirs in (("IFD", "PCD"), ("IC", "PICC")):
            values.setdefault(f"T_{ours}", values.get(f"T_{theirs}"))
            values.setdefault(f"token_input_T_{ours}", values.get(f"token_input_{theirs}"))
        self.values = values
        info = PaceInfo(values["oid"], values["parameter_id"])
        self.variant = PaceVariant(info, STANDARDISED[values["parameter_id"]])
        self.s = Secret(self.octets("nonce_s"))

    def octets(self, key: str) -> bytes:
        octets = bytes.fromhex(self.values[key])
        return octets if isinstance(self.variant.group, EcGroup) else octets.lstrip(b"\x00")

    def number(self, key: str) -> int:
        return int(self.values[key], 16) % self.variant.group.order

    @property
    def password(self) -> Password:
        if "K" in self.values:
            fields = self.values["mrz_fields_with_check_digits"].values()
            password = Password.from_mrz_information("".join(fields))
            assert password.secret.reveal().hex().upper() == self.values["K"]
            return password
        if "PACE" in self.values:
            assert self.values["password"] == f"{PIN.secret.reveal().decode()} (PIN)"
            return PIN
        return CAN  # H.1, H.2: 123456, although the text states another

    @property
    def mapped(self) -> Group:
        if self.variant.info.mapping is Mapping.INTEGRATED:
            t = bytes.fromhex(self.values["nonce_t"])
            return map_integrated(self.variant.group, self.s, t, self.variant.info.cipher)
        return self.variant.group.map_generic(self.s.reveal(), self.octets("shared_H"))

    def generator(self) -> bytes:
        group = self.mapped
        if isinstance(group, EcGroup):
            return group.curve.encode_point(group.curve.g)
        return group.g.to_bytes((group.g.bit_length() + 7) // 8, "big")


@every_example
def test_the_printed_nonce_encrypts_and_decrypts(name: str) -> None:
    example = Example(name)
    key = example.password.key(example.variant.info.cipher)
    assert key.reveal().hex().upper() == example.values["K_pi"]
    z = bytes.fromhex(example.values["encrypted_nonce_z"])
    assert encrypt_nonce(example.variant, example.password, example.s) == z
    assert decrypt_nonce(example.variant, example.password, z) == example.s


@every_example
def test_the_printed_mapping_is_computed(name: str) -> None:
    example = Example(name)
    assert example.generator() == example.octets("mapped_generator")
    if example.variant.info.mapping is Mapping.INTEGRATED:
        return
    group = example.variant.group
    for ours, theirs in (("terminal", "chip"), ("chip", "terminal")):
        private = example.number(f"map_{ours}_private")
        assert group.public_key(private) == example.octets(f"map_{ours}_public")
        shared = group.shared_element(private, example.octets(f"map_{theirs}_public"))
        assert shared.lstrip(b"\x00") == example.octets("shared_H").lstrip(b"\x00")


@every_example
def test_key_agreement_session_keys_and_tokens(name: str) -> None:
    example = Example(name)
    group, info = example.mapped, example.variant.info
    for ours, theirs in (("terminal", "chip"), ("chip", "terminal")):
        private = example.number(f"ka_{ours}_private")
        assert group.public_key(private) == example.octets(f"ka_{ours}_public")
        shared = group.agree(private, example.octets(f"ka_{theirs}_public"))
        assert shared.hex().upper() == example.values["shared_secret_K"]
    keys = SessionKeys(example.variant, shared)
    assert keys.enc.reveal().hex().upper() == example.values["KSenc"]
    assert keys._mac.reveal().hex().upper() == example.values["KSmac"]
    for token, public in (("T_IFD", "ka_chip_public"), ("T_IC", "ka_terminal_public")):
        octets = example.octets(public)
        message = example.variant.group.public_key_object(info.protocol, octets)
        assert message.hex().upper() == example.values[f"token_input_{token}"]
        assert keys.token(octets).hex().upper() == example.values[token]


@every_example
def test_the_whole_protocol_in_both_roles(name: str) -> None:
    example = Example(name)
    values, variant = example.values, example.variant
    order = variant.group.order
    mapping_keys = None
    if variant.info.mapping is Mapping.CHIP_AUTHENTICATION:
        private = bytes.fromhex(values["derived_chip_static_private_key"])
        mapping_keys = {variant.info.parameter_id: Secret(private)}
    first = "nonce_t" if variant.info.mapping is Mapping.INTEGRATED else "map_terminal_private"
    chip_randomness = [values["nonce_s"], values["ka_chip_private"]]
    if first != "nonce_t":
        chip_randomness.insert(1, values["map_chip_private"])
    card = Card.of(
        variant,
        passwords=[example.password],
        mapping_keys=mapping_keys,
        random=sequence(order, *chip_randomness),
    )
    random = sequence(order, values[first], values["ka_terminal_private"])
    watched = Watched(card)
    result = run(establish(variant, example.password, random=random), watched.process)

    log = [
        (command.hex().upper(), response.hex().upper()) for command, response in watched.exchanges
    ]
    assert len(log) == 5
    for index, expected in enumerate(values.get("apdus", ())):
        command, response = log[index]
        assert command == expected["command"]
        if not expected["response"].startswith("7C1B"):  # G.2 prints the answer to another command
            assert response == expected["response"]
    for expected in values.get("derived_apdus_not_in_document", ()):
        assert log[2] == (expected["command"], expected["response"])
    for side in (result, card.result):
        assert side.terminal_public_key == example.octets("ka_terminal_public")
        assert side.chip_public_key == example.octets("ka_chip_public")
        assert side.secure_messaging._ks_enc.reveal().hex().upper() == values["KSenc"]
        assert side.secure_messaging._ks_mac.reveal().hex().upper() == values["KSmac"]
        assert side.secure_messaging.ssc == 0
    assert card.shares(result.secure_messaging)
    if first != "nonce_t":
        assert result.mapping_public_key == example.octets("map_chip_public")


def test_chip_authentication_mapping_of_appendix_i() -> None:
    example = Example("I1")
    values, group = example.values, example.variant.group
    private = Secret(bytes.fromhex(values["derived_chip_static_private_key"]))
    static = bytes.fromhex("04" + values["chip_static_public_xy"])
    assert group.public_key(int.from_bytes(private.reveal(), "big")) == static
    data = cam.generate(group, private, example.number("map_chip_private"))
    assert data.hex().upper() == values["CA_data"]
    ks_enc = Secret(bytes.fromhex(values["KSenc"]))
    iv = Cipher.AES128.encrypt_block(ks_enc, b"\xff" * 16)
    assert iv.hex().upper() == values["CA_data_iv"]
    encrypted = cam.encrypt(Cipher.AES128, ks_enc, data)
    assert encrypted.hex().upper() == values["encrypted_CA_data"]
    assert cam.decrypt(Cipher.AES128, ks_enc, encrypted, group) == data
    cam.verify(group, data, static, example.octets("map_chip_public"))


@pytest.mark.parametrize("index", [0, 1])
def test_recorded_sessions_of_real_chips_run_with_a_test_password(index: int) -> None:
    """The recordings do not contain the passwords: the nonce is encrypted with a test password."""
    session = facts("vectors/pace_extra_sessions.json")["vectors"][index]
    info = PaceInfo(session["protocol_oid"], session["parameter_id"])
    variant = PaceVariant(info, STANDARDISED[session["parameter_id"]])
    octets = {
        key: bytes.fromhex(value)
        for key, value in session.items()
        if isinstance(value, str) and set(value) <= set("0123456789ABCDEF") and len(value) > 2
    }
    s = Secret(octets["nonce_s"])
    assert session["cipher"] == info.cipher.value.split("-", maxsplit=1)[0]
    private = {key: int(session[f"terminal_{key}_private"], 16) for key in ("map", "ka")}
    shared = variant.group.shared_element(private["map"], octets["chip_map_public"])
    assert shared == octets["H"]
    mapped = variant.group.map_generic(s.reveal(), shared)
    assert isinstance(mapped, EcGroup)
    assert mapped.curve.encode_point(mapped.curve.g) == octets["mapped_generator"]
    secret = mapped.agree(private["ka"], octets["chip_ka_public"])
    assert secret == octets["shared_secret_K"]
    keys = SessionKeys(variant, secret)
    for token, key in (("T_IFD", "chip_ka_public"), ("T_IC", "terminal_ka_public")):
        message = variant.group.public_key_object(info.protocol, octets[key])
        assert message == octets[f"token_input_{token}"]
        assert keys.token(octets[key]) == octets[token]
    last = [(Tag.CHIP_TOKEN, octets["T_IC"])]
    if info.mapping is Mapping.CHIP_AUTHENTICATION:
        encrypted = octets["encrypted_chip_authentication_data"]
        last.append((Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA, encrypted))
    answers = [
        b"",
        messages.encode((Tag.ENCRYPTED_NONCE, encrypt_nonce(variant, MRZ, s))),
        messages.encode((Tag.CHIP_MAPPING_DATA, octets["chip_map_public"])),
        messages.encode((Tag.CHIP_PUBLIC_KEY, octets["chip_ka_public"])),
        messages.encode(*last),
    ]
    card = FunctionCard(in_turn(answers))
    random = sequence(
        variant.group.order, session["terminal_map_private"], session["terminal_ka_private"]
    )
    result = run(establish(variant, MRZ, random=random), card.process)
    assert [command.data for command in card.commands[2:]] == [
        messages.encode((Tag.TERMINAL_MAPPING_DATA, octets["terminal_map_public"])),
        messages.encode((Tag.TERMINAL_PUBLIC_KEY, octets["terminal_ka_public"])),
        messages.encode((Tag.TERMINAL_TOKEN, octets["T_IFD"])),
    ]
    assert result.secure_messaging._ks_enc.reveal() == octets["KSenc"]
    assert result.secure_messaging._ks_mac.reveal() == octets["KSmac"]
    if info.mapping is Mapping.CHIP_AUTHENTICATION:
        data = octets["chip_authentication_data"]
        assert result.chip_authentication_data == data
        iv = info.cipher.encrypt_block(keys.enc, b"\xff" * 16)
        assert iv.hex().upper() == session["CA_IV"]
        assert cam.encrypt(info.cipher, keys.enc, data) == encrypted  # the chip's role
        static = octets["static_chip_public_key"]
        cam.verify(variant.group, data, static, octets["chip_map_public"])
        assert session["static_key_algorithm_id"] == ID_STANDARDISED_DOMAIN_PARAMETERS
        assert int(session["static_key_keyId"], 16) == info.parameter_id


@pytest.mark.parametrize("name", ["G1", "G2", "I1"])
def test_the_pace_info_and_the_template_equal_the_printed_ones(name: str) -> None:
    example = Example(name)
    info = bytes.fromhex(example.values["PACEInfo"])
    assert SecurityInfos.decode(der.set_of(info)).of(PaceInfo) == (example.variant.info,)
    data = CommandAPDU.decode(bytes.fromhex(example.values["apdus"][0]["command"])).data
    template = AuthenticationTemplate.decode(data)
    kind = PasswordType[example.values["password_type"]]
    assert kind == example.values["password_ref"]
    assert template == AuthenticationTemplate(example.values["oid"], kind)
    assert template.encode() == data


@pytest.mark.parametrize("name", ["G2", "H2"])
def test_the_group_of_the_appendices_is_standardised(name: str) -> None:
    example = Example(name)
    group = example.variant.group
    assert isinstance(group, ModpGroup)
    assert (group.p, group.g, group.q) == tuple(int(example.values[each], 16) for each in "pgq")


def test_the_generator_printed_by_its_coordinates_is_computed() -> None:
    values = Example("H1").values
    x, y = values["mapped_generator_x"], values["mapped_generator_y"]
    assert Example("H1").generator().hex().upper() == f"04{x}{y}"


def test_deviations_of_appendix_g_2_from_the_transmitted_octets() -> None:
    """G.2 prints a public key with a leading zero octet, and an answer with a trust point."""
    values = Example("G2").values
    printed = bytes.fromhex(values["ka_terminal_public_as_printed"])
    assert printed == b"\x00" + bytes.fromhex(values["ka_terminal_public"])
    answer = bytes.fromhex(values["apdus"][4]["response"])
    t_ic, objects = messages.decode_answer(answer, Tag.CHIP_TOKEN)
    assert t_ic.hex().upper() == values["T_IC"]
    assert objects.one(Tag.CERTIFICATION_AUTHORITY_REFERENCE).value == b"DETESTCVCA00003"
