from collections.abc import Iterable
from datetime import date
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.access import terminal_authentication
from emrtd.access.chip_authentication import (
    ChipAuthenticationChip,
    EphemeralKey,
    StaticKey,
)
from emrtd.access.chip_authentication import authenticate as authenticate_chip
from emrtd.access.chip_authentication_keys import ChipAuthenticationVariant, StaticPublicKey
from emrtd.access.terminal_authentication import (
    TerminalAuthenticationChip,
    TerminalAuthenticationResult,
    TerminalCredentials,
    authenticate,
)
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey, load_private_key
from emrtd.crypto.protocols import KeyAgreement, chip_authentication_oid
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.pki.cvc.authorization import ID_AUTHENTICATION_TERMINAL, Chat, Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.keys import SCHEMES, sign
from emrtd.pki.cvc.validation import TrustState
from support.errors import MisuseError
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import BOTH, Holder, certify
from tests.helpers import damaged, facts, replace, shared
from vsmartcard.card.function_card import FunctionCard

TODAY = date(2026, 6, 1)
ID_IC = b"L898902C<3"
COMPRESSED = bytes(range(32))


@cache
def cvca() -> Holder:
    return certify("UTCVCA00001", Role.CVCA)


@cache
def dv(role: Role = Role.DV_DOMESTIC) -> Holder:
    return certify("UTDV00001", role, cvca())


@cache
def terminal(rights: Right = BOTH) -> Holder:
    return certify("UTIS00001", Role.TERMINAL, dv(), rights=rights)


def credentials(*chain: Holder) -> TerminalCredentials:
    chain = chain or (cvca(), dv(), terminal())
    return TerminalCredentials(
        chain[-1].key, chain[-1].reference, tuple(each.certificate for each in chain)
    )


def trust(root: Holder | None = None) -> TrustState:
    return TrustState.initial([(root or cvca()).certificate], TODAY)


def chip(root: Holder | None = None, id_ic: bytes = ID_IC) -> TerminalAuthenticationChip:
    side = TerminalAuthenticationChip(trust(root), id_ic)
    side.bind(COMPRESSED)
    return side


class Transmit:
    """Passes commands to the chip's side, and records them."""

    def __init__(self, side: TerminalAuthenticationChip) -> None:
        self.side = side
        self.commands: list[CommandAPDU] = []

    def answer(self, command: CommandAPDU) -> bytes:
        self.commands.append(command)
        header = command.ins, command.p1, command.p2
        if header == (0x22, *terminal_authentication.SET_DST):
            self.side.set_dst(command.data)
        elif header == (0x2A, *terminal_authentication.VERIFY_CERTIFICATE):
            self.side.verify_certificate(command.data)
        elif header == (0x22, *terminal_authentication.SET_AT):
            self.side.set_at(command.data)
        elif header == (0x84, 0, 0):
            assert command.ne == 8
            return self.side.challenge()
        elif header == (0x82, 0, 0):
            self.side.authenticate(command.data)
        else:
            pytest.fail(f"a command {command!r}")
        return b""

    def __call__(self, octets: bytes) -> bytes:
        try:
            return ResponseAPDU(self.answer(CommandAPDU.decode(octets))).encode()
        except ChipRefusalError as refusal:
            return ResponseAPDU(b"", refusal.sw).encode()


def open_with(
    side: TerminalAuthenticationChip,
    who: TerminalCredentials | None = None,
    identifiers: Iterable[bytes] = (ID_IC,),
    compressed: bytes = COMPRESSED,
) -> TerminalAuthenticationResult:
    procedure = authenticate(who or credentials(), side.state.references, identifiers, compressed)
    return run(procedure, Transmit(side))


# --- worked examples -------------------------------------------------------------------------


@pytest.mark.parametrize("example", ["ecdh", "dh"])
def test_the_worked_examples_of_version_2(example: str) -> None:
    vector = facts(f"vectors/eac2_worked_example_{example}.json")
    ta = vector["TA_version_2"]
    root, verifier, is_ = (
        CvCertificate.decode(bytes.fromhex(ta["certificates"][name]["certificate"]))
        for name in ("CVCA", "DV", "terminal")
    )
    id_ic = bytes.fromhex(ta["ID_PICC"])
    group = STANDARDISED[vector["parameter_id"]]
    assert group.compress(bytes.fromhex(vector["PACE"]["ka_chip_public"])) == id_ic
    compressed = bytes.fromhex(ta["comp_PK_PCD"])
    r_ic = bytes.fromhex(ta["challenge_r_PICC"])
    auxiliary = bytes.fromhex(ta["auxiliary_data"])  # empty
    message = terminal_authentication.signed_message(id_ic, r_ic, compressed, auxiliary)
    assert message.hex().upper() == ta["signed_message"]

    # The root of the first example is for inspection systems, the others for another terminal type.
    chat = Chat(verifier.chat.terminal_type, b"\xdf\xff\xff\xff\xff")
    state = TrustState.initial([replace(root, chat=chat)], root.effective)
    side = TerminalAuthenticationChip(state, id_ic, random=lambda size: r_ic)
    for certificate in (verifier, is_):
        side.set_dst(tlv.encode(0x83, certificate.authority_reference.encode()))
        side.verify_certificate(certificate.value)
    oid = is_.public_key.oid
    side.set_at(
        tlv.encode(0x80, der.oid_value(oid)) + tlv.encode(0x83, is_.holder_reference.encode())
        + tlv.encode(0x91, compressed)
    )  # fmt: skip
    assert side.challenge() == r_ic
    authorization = side.authenticate(bytes.fromhex(ta["signature"]))
    assert authorization.template.hex() == "0000000110"
    assert side.effective is None
    side.bind(compressed)
    assert side.effective == authorization

    # The terminal's side: its private key signs the same message.
    key = load_private_key(Secret(bytes.fromhex(ta["terminal_private_key_pkcs8"])))
    who = TerminalCredentials(key, is_.holder_reference, (root, verifier, is_))
    again = TerminalAuthenticationChip(state, id_ic, random=lambda size: r_ic)
    transmit = Transmit(again)
    run(authenticate(who, [root.holder_reference], [id_ic], compressed, version=2), transmit)
    assert again.compressed_key == compressed
    assert transmit.commands[4].data == (
        tlv.encode(0x80, der.oid_value(oid)) + tlv.encode(0x83, is_.holder_reference.encode())
        + tlv.encode(0x91, compressed)
    )  # fmt: skip


def test_the_published_chain_opens_a_chip() -> None:
    def read(name: str) -> CvCertificate:
        return CvCertificate.decode(shared(f"data/cvc/{name}.cvcert").read_bytes())

    key = load_private_key(Secret(shared("data/cvc/new/keyIS_new.der").read_bytes()))
    certificates = tuple(read(f"new/cert{who}_new") for who in ("CVCA", "DVD", "IS"))
    who = TerminalCredentials(key, "NLIS7202000NL001", certificates)
    state = TrustState.initial([read("orig/certCVCA_orig")], date(2008, 5, 19))
    side = TerminalAuthenticationChip(state, ID_IC)
    side.bind(COMPRESSED)
    result = open_with(side, who)
    assert [each.holder_reference for each in result.chain] == [
        "NLCVCAA00002", "NLDVAAANL001", "NLIS7202000NL001",
    ]  # fmt: skip
    assert side.state.references == ("NLCVCAA00002", "NLCVCAA00001")
    assert side.effective is not None
    assert side.effective.rights == Right.READ_DG3


# --- both roles ------------------------------------------------------------------------------


@cache
def rsa_key() -> RsaPrivateKey:
    return RsaPrivateKey(rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize("oid", SCHEMES)
def test_every_signature_scheme_opens_the_chip(oid: str) -> None:
    scheme = SCHEMES[oid]
    key: PrivateKey = rsa_key()
    if scheme.family is SignatureFamily.ECDSA:
        key = EcPrivateKey.generate(CURVES["brainpoolP320r1"])
    root = certify("UTCVCA00001", Role.CVCA, key=key, scheme=scheme)
    verifier = certify("UTDV00001", Role.DV_FOREIGN, root, key=key, scheme=scheme)
    inspection = certify("UTIS00001", Role.TERMINAL, verifier, key=key, scheme=scheme)
    side = chip(root)
    open_with(side, credentials(root, verifier, inspection))
    assert side.effective is not None
    assert side.effective.rights == BOTH


@pytest.mark.parametrize("name", sorted(CURVES))
def test_every_curve_opens_the_chip(name: str) -> None:
    root = certify("UTCVCA00001", Role.CVCA, curve=name)
    verifier = certify("UTDV00001", Role.DV_FOREIGN, root, curve=name)
    inspection = certify("UTIS00001", Role.TERMINAL, verifier, curve=name)
    open_with(chip(root), credentials(root, verifier, inspection))


def test_the_commands_are_those_of_the_clause() -> None:
    side = chip()
    transmit = Transmit(side)
    run(authenticate(credentials(), ["UTCVCA00001"], [ID_IC], COMPRESSED), transmit)
    sent = [(each.ins, each.p1, each.p2) for each in transmit.commands]
    assert sent == [
        (0x22, 0x81, 0xB6), (0x2A, 0x00, 0xBE), (0x22, 0x81, 0xB6), (0x2A, 0x00, 0xBE),
        (0x22, 0x81, 0xA4), (0x84, 0x00, 0x00), (0x82, 0x00, 0x00),
    ]  # fmt: skip
    assert transmit.commands[0].data == tlv.encode(0x83, b"UTCVCA00001")
    assert transmit.commands[1].data[:2] == b"\x7f\x4e"  # without 7F21
    assert transmit.commands[4].data == tlv.encode(0x83, b"UTIS00001")
    assert len(transmit.commands[6].data) == 64  # r || s


def test_rights_are_the_intersection_of_the_chain_and_the_chat() -> None:
    side = chip()
    open_with(side, credentials(cvca(), dv(), terminal(Right.READ_DG3)))
    assert side.effective is not None
    assert side.effective.rights == Right.READ_DG3
    confined = TerminalAuthenticationChip(
        trust(), ID_IC, confined=Chat.inspection_system(Role.TERMINAL, Right.READ_DG4)
    )
    confined.bind(COMPRESSED)
    open_with(confined)
    assert confined.effective is not None
    assert confined.effective.rights == Right.READ_DG4


def test_another_type_of_terminal_than_in_the_chat_is_refused() -> None:
    side = TerminalAuthenticationChip(
        trust(), ID_IC, confined=Chat(ID_AUTHENTICATION_TERMINAL, bytes(5))
    )
    side.bind(COMPRESSED)
    with pytest.raises(ChipRefusalError) as refusal:
        open_with(side)
    assert refusal.value.sw == 0x6985
    assert side.effective is None


def test_link_certificates_are_sent_and_stored() -> None:
    link = certify("UTCVCA00002", Role.CVCA, cvca(), effective=date(2027, 1, 1))
    verifier = certify("UTDV00002", Role.DV_DOMESTIC, link, effective=date(2027, 2, 1))
    inspection = certify("UTIS00001", Role.TERMINAL, verifier, effective=date(2027, 2, 1))
    side = chip()
    result = open_with(side, credentials(cvca(), link, verifier, inspection))
    assert result.chain[0].holder_reference == "UTCVCA00002"
    assert side.state.references == ("UTCVCA00002", "UTCVCA00001")
    assert side.state.current_date == date(2027, 2, 1)


def test_static_binding_after_pace_is_a_quirk() -> None:
    dynamic = bytes(32)
    side = chip(id_ic=ID_IC)
    result = open_with(side, identifiers=[dynamic, ID_IC])
    assert "not to PACE" in result.quirks[0]
    assert side.effective is not None
    assert open_with(chip(id_ic=dynamic), identifiers=[dynamic, ID_IC]).quirks == ()
    with pytest.raises(ChipRefusalError) as refusal:
        open_with(chip(id_ic=b"other"), identifiers=[dynamic, ID_IC])
    assert refusal.value.sw == 0x6300


def test_the_identifier_after_bac_is_the_document_number_with_its_check_digit() -> None:
    assert terminal_authentication.identifier_of_document("L898902C<369080619406236") == ID_IC
    long = "D23145890734" + "9" + "3407127" + "9507122"
    assert terminal_authentication.identifier_of_document(long) == b"D231458907349"


def test_auxiliary_data_is_signed_and_available_to_the_chip() -> None:
    oid = f"{terminal_authentication.ID_AUXILIARY_DATA}.2"
    auxiliary = terminal_authentication.encode_auxiliary_data([(oid, b"20260101")])
    side = TerminalAuthenticationChip(trust(), ID_IC)
    procedure = authenticate(
        credentials(), ["UTCVCA00001"], [ID_IC], COMPRESSED, version=2, auxiliary=auxiliary
    )
    run(procedure, Transmit(side))
    assert side.auxiliary == {oid: b"20260101"}
    twice = terminal_authentication.encode_auxiliary_data([(oid, b"1"), (oid, b"2")])
    assert terminal_authentication.read_auxiliary_data(twice) == {oid: b"2"}


def test_version_2_then_chip_authentication_is_the_general_procedure() -> None:
    """Chip Authentication uses the key signed in Terminal Authentication (TR-03110-2, 2.3.5)."""
    group = STANDARDISED[13]
    private = group.private_key()
    oid = chip_authentication_oid(KeyAgreement.ECDH, Cipher.AES128)
    static = StaticKey(group, Secret(private.to_bytes(32, "big")), (oid,), 13)
    key = StaticPublicKey(group, group.public_key(private), 13)
    variant = ChipAuthenticationVariant(oid, Cipher.AES128, key, version=2)
    ephemeral = EphemeralKey.generate(group)
    side = Transmit(TerminalAuthenticationChip(trust(), ID_IC))
    agreement = ChipAuthenticationChip([static])

    def answer(command: CommandAPDU) -> bytes:
        if (command.ins, command.p1) == (0x22, 0x41):
            agreement.set_at(command.data)
            return b""
        if command.ins == 0x86:
            data, result = agreement.general_authenticate(command.data, side.side.compressed_key)
            card.renew(result.secure_messaging)
            side.side.bind(result.compressed_terminal_key)
            return data
        return side.answer(command)

    def session() -> SecureMessaging:
        secret = Secret(bytes(16))
        return SecureMessaging(Cipher.AES128, secret, secret)

    card = FunctionCard(answer, session())
    old = session()
    procedure = authenticate(
        credentials(), ["UTCVCA00001"], [ID_IC], ephemeral.compressed, version=2
    )
    run(secured(procedure, old), card.process)
    assert side.side.effective is None  # not before the session of that key
    result = run(secured(authenticate_chip(variant, ephemeral=ephemeral), old), card.process)
    assert result.compressed_terminal_key == ephemeral.compressed
    assert side.side.effective is not None
    assert side.side.effective.rights == BOTH


# --- what the chip must not accept -----------------------------------------------------------


def test_without_chip_authentication_a_terminal_has_no_rights() -> None:
    side = TerminalAuthenticationChip(trust(), ID_IC)
    with pytest.raises(ChipRefusalError) as refusal:
        open_with(side)
    assert refusal.value.sw == 0x6982
    assert side.effective is None


def test_rights_end_with_the_session_they_are_bound_to() -> None:
    side = chip()
    open_with(side)
    assert side.effective is not None
    side.bind(bytes(32))
    assert side.effective is None


def test_a_second_terminal_authentication_is_refused() -> None:
    side = chip()
    open_with(side)
    with pytest.raises(ChipRefusalError) as refusal:
        open_with(side)
    assert refusal.value.sw == 0x6982
    assert side.effective is not None


@pytest.mark.parametrize("what", ["id", "key", "signer"])
def test_a_signature_over_anything_else_is_refused(what: str) -> None:
    side = chip()
    who = credentials()
    if what == "signer":
        who = replace(who, signer=EcPrivateKey.generate(CURVES["brainpoolP256r1"]))
    with pytest.raises(ChipRefusalError) as refusal:
        open_with(
            side,
            who,
            [b"another document"] if what == "id" else [ID_IC],
            bytes(32) if what == "key" else COMPRESSED,
        )
    assert refusal.value.sw == 0x6300
    assert side.effective is None


def test_a_challenge_is_valid_for_one_attempt() -> None:
    side = chip()
    for certificate in (dv().certificate, terminal().certificate):
        side.set_dst(tlv.encode(0x83, certificate.authority_reference.encode()))
        side.verify_certificate(certificate.value)
    reference = tlv.encode(0x83, b"UTIS00001")
    with pytest.raises(ChipRefusalError, match="6985"):
        side.authenticate(bytes(64))
    side.set_at(reference)
    with pytest.raises(ChipRefusalError, match="6985"):
        side.authenticate(bytes(64))
    r_ic = side.challenge()
    with pytest.raises(ChipRefusalError, match="6985"):
        side.authenticate(bytes(64))  # MSE:Set AT is valid for one attempt
    side.set_at(reference)
    side.challenge()
    message = terminal_authentication.signed_message(ID_IC, r_ic, COMPRESSED, b"")
    scheme = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
    stale = sign(terminal().key, scheme, message)
    with pytest.raises(ChipRefusalError, match="6300"):
        side.authenticate(stale)


def test_a_der_signature_is_refused() -> None:
    side = chip()
    for certificate in (dv().certificate, terminal().certificate):
        side.set_dst(tlv.encode(0x83, certificate.authority_reference.encode()))
        side.verify_certificate(certificate.value)
    side.set_at(tlv.encode(0x83, b"UTIS00001"))
    message = terminal_authentication.signed_message(ID_IC, side.challenge(), COMPRESSED, b"")
    scheme = SignatureScheme(SignatureFamily.ECDSA, Hash.SHA256)
    with pytest.raises(ChipRefusalError, match="6300"):
        side.authenticate(terminal().key.sign(scheme, message))


def test_a_document_verifier_is_not_accepted_as_a_terminal() -> None:
    side = chip()
    side.set_dst(tlv.encode(0x83, b"UTCVCA00001"))
    side.verify_certificate(dv().certificate.value)
    with pytest.raises(ChipRefusalError, match="6985"):
        side.set_at(tlv.encode(0x83, b"UTDV00001"))


def test_only_the_key_imported_last_can_be_selected() -> None:
    side = chip()
    for certificate in (dv().certificate, terminal().certificate):
        side.set_dst(tlv.encode(0x83, certificate.authority_reference.encode()))
        side.verify_certificate(certificate.value)
    with pytest.raises(ChipRefusalError, match="6A88"):
        side.set_dst(tlv.encode(0x83, b"UTDV00001"))
    side.set_at(tlv.encode(0x83, b"UTIS00001"))
    with pytest.raises(ChipRefusalError, match="6A88"):
        side.set_at(tlv.encode(0x83, b"UTIS00002"))


def test_mse_set_dst_is_required_before_each_certificate() -> None:
    side = chip()
    with pytest.raises(ChipRefusalError, match="6985"):
        side.verify_certificate(dv().certificate.value)
    with pytest.raises(ChipRefusalError, match="6A88"):
        side.set_dst(tlv.encode(0x83, b"XXCVCA00001"))


def test_a_refused_certificate_does_not_change_the_state() -> None:
    expired = certify("UTDV00001", Role.DV_DOMESTIC, cvca(), expiration=date(2026, 5, 31))
    side = chip()
    before = side.state
    for data in (expired.certificate.value, damaged(dv().certificate.value)):
        side.set_dst(tlv.encode(0x83, b"UTCVCA00001"))
        with pytest.raises(ChipRefusalError, match="6300"):
            side.verify_certificate(data)
        assert side.state is before


def test_only_certificates_advance_the_current_date() -> None:
    later = certify("UTDV00009", Role.DV_DOMESTIC, cvca(), effective=date(2026, 12, 1))
    side = TerminalAuthenticationChip(trust(), ID_IC)
    side.set_dst(tlv.encode(0x83, b"UTCVCA00001"))
    side.verify_certificate(later.certificate.value)
    assert side.state.current_date == date(2026, 12, 1)


def test_version_2_with_another_protocol_than_the_certificates_is_refused() -> None:
    side = chip()
    for certificate in (dv().certificate, terminal().certificate):
        side.set_dst(tlv.encode(0x83, certificate.authority_reference.encode()))
        side.verify_certificate(certificate.value)
    other = tlv.encode(0x80, der.oid_value("0.4.0.127.0.7.2.2.2.2.1"))
    with pytest.raises(ChipRefusalError, match="6A80"):
        side.set_at(other + tlv.encode(0x83, b"UTIS00001") + tlv.encode(0x91, COMPRESSED))


@given(st.binary(max_size=80))
def test_any_octets_are_refused_by_the_chip(octets: bytes) -> None:
    side = chip()
    for step in (side.set_dst, side.verify_certificate, side.set_at, side.authenticate):
        with pytest.raises(ChipRefusalError):
            step(octets)


# --- what the terminal must not accept -------------------------------------------------------


@pytest.mark.parametrize("nonce", [b"", bytes(8), bytes(range(7)), bytes(range(9))])
def test_a_challenge_that_is_not_a_nonce_is_refused(nonce: bytes) -> None:
    def process(octets: bytes) -> bytes:
        return (nonce if CommandAPDU.decode(octets).ins == 0x84 else b"") + b"\x90\x00"

    with pytest.raises(ProtocolError, match="r_IC"):
        run(authenticate(credentials(), ["UTCVCA00001"], [ID_IC], COMPRESSED), process)


@pytest.mark.parametrize("at", range(7))
def test_a_refusal_ends_terminal_authentication_at_once(at: int) -> None:
    """No later command, and no signature, goes to a chip that has refused a certificate."""
    transmit = Transmit(chip())
    sent = []

    def refusing(octets: bytes) -> bytes:
        sent.append(octets)
        return b"\x63\x00" if len(sent) == at + 1 else transmit(octets)

    with pytest.raises(ChipRefusalError) as caught:
        run(authenticate(credentials(), ["UTCVCA00001"], [ID_IC], COMPRESSED), refusing)
    assert caught.value.sw == 0x6300
    assert len(sent) == at + 1


def test_a_chip_without_a_known_trust_point_is_misuse() -> None:
    with pytest.raises(MisuseError, match="UTIS00001"):
        next(authenticate(credentials(), ["XXCVCA00001"], [ID_IC], COMPRESSED))
    with pytest.raises(MisuseError, match="no certificate of the terminal"):
        _ = replace(credentials(), reference="UTIS00009").certificate
