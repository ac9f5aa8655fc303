from collections.abc import Callable

import pytest
from ecdsa.curves import BRAINPOOLP256t1
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.access.pace import chip_authentication_mapping as cam
from emrtd.access.pace.agreement import decrypt_nonce, encrypt_nonce
from emrtd.access.pace.messages import AuthenticationTemplate
from emrtd.access.pace.protocol import PaceChip, establish
from emrtd.access.pace.variants import PaceVariant
from emrtd.access.password_state import PasswordState
from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import explicit_curve
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import EcGroup, ModpGroup
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.errors import ChipRefusalError, ProtocolError, TransportError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import secured
from emrtd.lds.security.security_infos import PaceInfo
from emrtd.status_words import SW
from support.secret import Secret
from tests.emrtd.access.pace.card import CAN, MRZ, PIN, PUK, Card, variant
from vsmartcard.card.conditions import instruction
from vsmartcard.card.layers import ChangingResponses, Refusing, Torn, Watched

CHAT = bytes.fromhex("7F4C0E060904007F000703010201530163")

MATRIX = [
    (number, mapping, cipher)
    for number in STANDARDISED
    for mapping in Mapping
    for cipher in Cipher
    if not (mapping is Mapping.INTEGRATED and number == 10)  # table 12
    if not (mapping is Mapping.CHIP_AUTHENTICATION and (number < 3 or cipher is Cipher.TDES))
]


def test_the_matrix_has_every_protocol_of_the_standard() -> None:
    assert len(MATRIX) == 14 * 4 + 13 * 4 + 11 * 3
    assert {variant(*each).info.protocol for each in MATRIX} == {
        f"0.4.0.127.0.7.2.2.4.{arc}.{number}"
        for arc in (1, 2, 3, 4, 6)
        for number in (1, 2, 3, 4)
        if (arc, number) != (6, 1)
    }


def mapping_key(offered: PaceVariant) -> tuple[dict[int | None, Secret], bytes]:
    """Generate a static key pair for Chip Authentication Mapping."""
    private = offered.group.private_key()
    secret = Secret(private.to_bytes(offered.group.private_key_size, "big"))
    return {offered.info.parameter_id: secret}, offered.group.public_key(private)


@pytest.mark.parametrize(
    ("number", "mapping", "cipher"),
    MATRIX,
    ids=[f"{number}-{mapping}-{cipher.value}" for number, mapping, cipher in MATRIX],
)
def test_every_variant_of_the_standard_opens(number: int, mapping: Mapping, cipher: Cipher) -> None:
    offered = variant(number, mapping, cipher)
    keys, static = mapping_key(offered)
    card = Card.of(offered, mapping_keys=keys)
    result = run(establish(offered, CAN), card.process)
    assert card.shares(result.secure_messaging)
    assert result.secure_messaging.cipher is cipher
    assert result.terminal_public_key == card.result.terminal_public_key
    assert result.chip_public_key == card.result.chip_public_key
    assert result.terminal_public_key != result.chip_public_key
    assert (result.mapping_public_key is None) is (mapping is Mapping.INTEGRATED)
    assert (result.chip_authentication_data is None) is (mapping != Mapping.CHIP_AUTHENTICATION)
    if result.chip_authentication_data is not None:
        assert result.mapping_public_key is not None
        data = result.chip_authentication_data
        cam.verify(offered.group, data, static, result.mapping_public_key)


@pytest.mark.parametrize("password", [MRZ, CAN, PIN, PUK], ids=lambda each: each.type.name)
def test_every_password_opens(password: Password) -> None:
    card = Card.of(variant(), passwords=[MRZ, CAN, PIN, PUK])
    result = run(establish(variant(), password), card.process)
    assert result.password is card.result.password is password.type
    assert card.shares(result.secure_messaging)


@pytest.mark.parametrize("password", [MRZ, CAN, PIN, PUK], ids=lambda each: each.type.name)
def test_a_wrong_password_is_refused(password: Password) -> None:
    card = Card.of(variant(), passwords=[Password(password.type, Secret(b"other"))])
    with pytest.raises(ChipRefusalError, match=f"PACE with the {password.type.name}") as caught:
        run(establish(variant(), password), card.process)
    assert caught.value.sw == SW.AUTHENTICATION_FAILED
    assert card.chip.result is None


def test_a_password_that_the_chip_lacks_is_refused() -> None:
    with pytest.raises(ChipRefusalError) as caught:
        run(establish(variant(), PIN), Card.of(variant(), passwords=[CAN, MRZ]).process)
    assert caught.value.sw == SW.REFERENCED_DATA_NOT_FOUND


def test_explicit_domain_parameters_open_the_chip() -> None:
    twist = BRAINPOOLP256t1
    p, a, b = (int(value) for value in (twist.curve.p(), twist.curve.a(), twist.curve.b()))
    g = int(twist.generator.x()), int(twist.generator.y())
    curve = explicit_curve(p, a % p, b, g, int(twist.order))
    known = STANDARDISED[2]
    assert isinstance(known, ModpGroup)
    for agreement, group in (
        (KeyAgreement.ECDH, EcGroup(curve)),
        (KeyAgreement.DH, ModpGroup(known.p, pow(known.g, 3, known.p), known.q)),
    ):
        for mapping in (Mapping.GENERIC, Mapping.INTEGRATED):
            offered = PaceVariant(PaceInfo.of(agreement, mapping, Cipher.AES256, 50), group)
            card = Card.of(offered)
            result = run(establish(offered, CAN), card.process)
            assert card.shares(result.secure_messaging)


def test_the_domain_parameters_are_sent_if_they_are_ambiguous() -> None:
    offered = [variant(13, ambiguous=True), variant(17, ambiguous=True)]
    card = Card.of(*offered)
    assert card.shares(run(establish(offered[1], CAN), card.process).secure_messaging)
    assert card.result.variant == offered[1]
    template = AuthenticationTemplate.decode(card.commands[0].data)
    assert template.parameter_id == 17
    with pytest.raises(ChipRefusalError) as caught:
        card.chip.select(AuthenticationTemplate(offered[1].info.protocol, 2).encode())
    assert caught.value.sw == SW.REFERENCED_DATA_NOT_FOUND


@pytest.mark.parametrize("sw", [0x6A80, 0x6A87, 0x6A88])
@pytest.mark.parametrize("ambiguous", [True, False])
def test_unambiguous_domain_parameters_are_sent_to_a_chip_that_requires_them(
    sw: int, ambiguous: bool
) -> None:
    offered = variant(ambiguous=ambiguous)
    card = Card.of(offered)

    def unnamed(command: CommandAPDU) -> bool:
        selecting = command.ins == INS.MANAGE_SECURITY_ENVIRONMENT
        return selecting and AuthenticationTemplate.decode(command.data).parameter_id is None

    result = run(establish(offered, CAN), Refusing(card, unnamed, sw).process)
    assert card.shares(result.secure_messaging)


@pytest.mark.parametrize(
    ("ambiguous", "sw", "named"),
    [
        (False, 0x6A88, [False, True]),
        (False, 0x6982, [False]),
        (True, 0x6A88, [True]),
    ],
)
def test_the_domain_parameters_are_named_once(ambiguous: bool, sw: int, named: list[bool]) -> None:
    """They are sent again only if they were not sent, and the status word may mean that."""
    offered = variant(ambiguous=ambiguous)
    card = Watched(Refusing(Card.of(offered), lambda _: True, sw))
    with pytest.raises(ChipRefusalError) as caught:
        run(establish(offered, CAN), card.process)
    assert caught.value.sw == sw
    sent = [AuthenticationTemplate.decode(each.data).parameter_id for each in card.commands]
    assert [each is not None for each in sent] == named


@pytest.mark.parametrize("sw", [0x63C0, 0x63C1, 0x63CF, 0x63D0])
def test_a_number_of_tries_is_a_warning_and_none_is_a_refusal(sw: int) -> None:
    """MSE:Set AT answers 63CX if X tries are left (4.4.4.1)."""
    warns = sw in {0x63C1, 0x63CF}
    selecting = instruction(INS.MANAGE_SECURITY_ENVIRONMENT)
    card = ChangingResponses(
        Card.of(variant()),
        lambda command, response: ResponseAPDU(sw=sw) if selecting(command) else response,
    )
    if warns:
        run(establish(variant(), CAN), card.process)
    else:
        with pytest.raises(ChipRefusalError) as caught:
            run(establish(variant(), CAN), card.process)
        assert caught.value.sw == sw


@pytest.mark.parametrize(
    ("number", "extended"),
    [(13, [False] * 4), (18, [False] * 4), (2, [False, True, True, False])],
)
def test_only_keys_of_2048_bits_are_asked_for_with_extended_length(
    number: int, extended: list[bool]
) -> None:
    card = Card.of(variant(number))
    run(establish(variant(number), CAN), card.process)
    assert [(each.ne or 0) > 256 for each in card.commands[1:]] == extended


@pytest.mark.parametrize(
    ("mapping", "size", "accepted"),
    [
        (Mapping.GENERIC, 0, False),
        (Mapping.GENERIC, 8, False),
        (Mapping.GENERIC, 16, True),
        (Mapping.GENERIC, 64, True),
        (Mapping.GENERIC, 80, False),
        (Mapping.INTEGRATED, 0, False),
        (Mapping.INTEGRATED, 16, True),
        (Mapping.INTEGRATED, 32, False),
    ],
)
def test_the_sizes_of_an_encrypted_nonce(mapping: Mapping, size: int, accepted: bool) -> None:
    offered = variant(mapping=mapping)
    if accepted:
        assert len(decrypt_nonce(offered, CAN, bytes(range(size))).reveal()) == size
    else:
        with pytest.raises(ProtocolError, match=f"encrypted nonce of {size} octets"):
            decrypt_nonce(offered, CAN, bytes(size))


def test_a_nonce_of_zeros_is_refused() -> None:
    """The mapped generator would not depend on the password."""
    z = encrypt_nonce(variant(), CAN, Secret(bytes(16)))
    with pytest.raises(ProtocolError, match="all zeros"):
        decrypt_nonce(variant(), CAN, z)


def test_certification_authority_references_are_sent_only_for_a_chat() -> None:
    cars = (b"UTCVCA00002", b"UTCVCA00001", b"UTCVCA00000")
    card = Card.of(variant(), cars=cars)
    result = run(establish(variant(), CAN, chat=CHAT), card.process)
    assert result.cars == card.result.cars == cars[:2]
    assert result.chat == card.result.chat == CHAT
    card = Card.of(variant(), cars=cars)
    result = run(establish(variant(), CAN), card.process)
    assert result.cars == card.result.cars == ()
    assert result.chat is None


def test_public_keys_of_2048_bits_use_extended_length() -> None:
    card = Card.of(variant(2))
    run(establish(variant(2), CAN), card.process)
    sizes = [len(command.encode()) for command in card.commands]
    assert max(sizes) > 261
    assert card.commands[2].encode().hex().startswith("10860000000108")


# --- PIN and PUK ----------------------------------------------------------------------------------


def with_token(command: CommandAPDU) -> bool:
    """Whether this is the last GENERAL AUTHENTICATE, with the terminal's token."""
    return (command.cla, command.ins) == (0x00, INS.GENERAL_AUTHENTICATE)


def attempt(card: Card, password: Password) -> int:
    """Return the status word of PACE with this password."""
    try:
        run(establish(variant(), password), card.process)
    except ChipRefusalError as error:
        return error.sw
    return SW.OK


WRONG = Password.pin("000000")


def test_the_pin_is_suspended_resumed_and_blocked() -> None:
    state = PasswordState(PIN, retry_limit=3)
    card = Card.of(variant(), passwords=[CAN, state])
    assert attempt(card, WRONG) == 0x63C2
    assert attempt(card, WRONG) == 0x63C1
    assert state.suspended
    for password in (PIN, WRONG):
        assert attempt(card, password) == SW.CONDITIONS_NOT_SATISFIED
    assert attempt(card, CAN) == SW.OK
    assert attempt(card, WRONG) == 0x63C0
    for password in (PIN, WRONG):
        assert attempt(card, password) == 0x63C0  # already in the answer to MSE:Set AT
    assert attempt(card, CAN) == SW.OK
    assert state.tries_left == 0
    state.failures = 0  # RESET RETRY COUNTER, with the PUK
    assert attempt(card, PIN) == SW.OK


def test_the_right_pin_resets_the_counter() -> None:
    state = PasswordState(PIN, retry_limit=3)
    card = Card.of(variant(), passwords=[CAN, state])
    for _ in range(4):
        assert attempt(card, WRONG) == 0x63C2
        assert attempt(card, PIN) == SW.OK
        assert state.failures == 0
    state.failures = 2
    assert attempt(card, PIN) == SW.CONDITIONS_NOT_SATISFIED
    assert attempt(card, CAN) == SW.OK
    assert attempt(card, PIN) == SW.OK
    assert state.tries_left == 3


def test_a_resumed_pin_is_suspended_again_in_another_session() -> None:
    state = PasswordState(PIN, retry_limit=3, failures=2)
    card = Card.of(variant(), passwords=[CAN, state])
    assert attempt(card, CAN) == SW.OK
    again = PasswordState(PIN, state.retry_limit, state.failures)
    assert again.suspended
    assert not state.suspended


def test_the_can_resumes_only_a_pin_that_is_already_suspended() -> None:
    card = Card.of(variant(), passwords=[CAN, PasswordState(PIN, retry_limit=3)])
    assert attempt(card, CAN) == SW.OK
    assert attempt(card, WRONG) == 0x63C2
    assert attempt(card, WRONG) == 0x63C1
    assert attempt(card, PIN) == SW.CONDITIONS_NOT_SATISFIED


def test_a_suspended_pin_is_resumed_inside_the_session_of_the_can() -> None:
    card = Card.of(variant(), passwords=[CAN, PasswordState(PIN, 3, failures=2)])
    first = run(establish(variant(), CAN), card.process)
    card.session, card.chip.result = card.result.secure_messaging, None
    second = run(secured(establish(variant(), PIN), first.secure_messaging), card.process)
    assert second.password == PIN.type
    assert card.shares(second.secure_messaging)


def test_a_chip_without_can_blocks_but_does_not_suspend() -> None:
    state = PasswordState(PIN, retry_limit=2, suspends=False)
    card = Card.of(variant(), passwords=[state])
    assert attempt(card, WRONG) == 0x63C1
    assert attempt(card, WRONG) == 0x63C0
    assert attempt(card, PIN) == 0x63C0


def test_a_deactivated_pin_is_refused() -> None:
    state = PasswordState(PIN, retry_limit=3, active=False)
    assert attempt(Card.of(variant(), passwords=[state]), PIN) == SW.FILE_DEACTIVATED
    chip = PaceChip([variant()], {PIN.type: state})
    template = AuthenticationTemplate(variant().info.protocol, PIN.type)
    assert chip.select(template.encode()) == SW.FILE_DEACTIVATED
    with pytest.raises(ChipRefusalError) as caught:
        chip.general_authenticate(b"\x7c\x00")
    assert caught.value.sw == SW.REFERENCE_DATA_NOT_USABLE


def test_a_blocked_pin_is_refused_even_if_the_terminal_ignores_the_warning() -> None:
    chip = PaceChip([variant()], {PIN.type: PasswordState(PIN, 3, failures=3)})
    template = AuthenticationTemplate(variant().info.protocol, PIN.type)
    assert chip.select(template.encode()) == 0x63C0
    with pytest.raises(ChipRefusalError) as caught:
        chip.general_authenticate(b"\x7c\x00")
    assert caught.value.sw == SW.AUTHENTICATION_METHOD_BLOCKED


def test_mrz_and_can_never_block() -> None:
    card = Card.of(variant(), passwords=[CAN, MRZ])
    for _ in range(20):
        assert attempt(card, Password.can("000000")) == SW.AUTHENTICATION_FAILED
    assert attempt(card, CAN) == SW.OK


def test_stopping_before_the_token_costs_no_try() -> None:
    state = PasswordState(PIN, retry_limit=3)
    card = Card.of(variant(), passwords=[CAN, state])

    with pytest.raises(TransportError):
        run(establish(variant(), WRONG), Torn(card, with_token).process)
    assert state.failures == 0


# --- the chip's chain of commands -----------------------------------------------------------------


def selected(*extra: bytes) -> PaceChip:
    chip = PaceChip([variant()], {CAN.type: PasswordState(CAN)})
    template = AuthenticationTemplate(variant().info.protocol, CAN.type).encode()
    assert chip.select(template + b"".join(extra)) == SW.OK
    return chip


def refusal(call: Callable[[], object]) -> int:
    with pytest.raises(ChipRefusalError) as caught:
        call()
    return caught.value.sw


def test_the_chip_refuses_commands_out_of_order() -> None:
    key = tlv.encode(0x83, variant().group.public_key(5))
    token = tlv.encode(0x85, bytes(8))
    for wrong in (tlv.encode(0x81, key[2:]), key, token):
        chip = selected()
        assert (
            refusal(
                lambda chip=chip, wrong=wrong: chip.general_authenticate(tlv.encode(0x7C, wrong))
            )
            == SW.CONDITIONS_NOT_SATISFIED
        )
    chip = selected()
    chip.general_authenticate(b"\x7c\x00")
    assert refusal(lambda: chip.general_authenticate(tlv.encode(0x7C, token))) == (
        SW.CONDITIONS_NOT_SATISFIED
    )
    mapping = tlv.encode(0x7C, tlv.encode(0x81, variant().group.public_key(5)))
    assert refusal(lambda: chip.general_authenticate(mapping)) == SW.CONDITIONS_NOT_SATISFIED
    assert chip.general_authenticate(b"\x7c\x00")  # a failed chain may restart


def test_a_token_cannot_be_tried_twice() -> None:
    card = Card.of(variant())
    with pytest.raises(ChipRefusalError):
        run(establish(variant(), Password.can("000000")), card.process)
    again = card.commands[-1].encode()
    assert card.process(again) == SW.CONDITIONS_NOT_SATISFIED.to_bytes(2, "big")


def test_after_success_the_chip_requires_mse_set_at_again() -> None:
    card = Card.of(variant())
    run(establish(variant(), CAN), card.process)
    assert refusal(lambda: card.chip.general_authenticate(b"\x7c\x00")) == (
        SW.CONDITIONS_NOT_SATISFIED
    )


@pytest.mark.parametrize(
    ("data", "sw"),
    [
        ("", SW.INCORRECT_DATA),
        ("800A04007F00070202040202", SW.INCORRECT_DATA),
        ("830102", SW.INCORRECT_DATA),
        ("800A04007F0007020204020283020102", SW.INCORRECT_DATA),
        ("800A04007F00070202040205830102", SW.INCORRECT_DATA),
        ("800A04007F00070202040202830105", SW.REFERENCED_DATA_NOT_FOUND),
        ("800A04007F00070202040202830103", SW.REFERENCED_DATA_NOT_FOUND),
        ("800A04007F0007020204020283010284010C", SW.REFERENCED_DATA_NOT_FOUND),
        ("800A04007F00070202040602830102", SW.REFERENCED_DATA_NOT_FOUND),
    ],
)
def test_the_chip_refuses_a_wrong_template(data: str, sw: int) -> None:
    offered = [variant(), variant(mapping=Mapping.CHIP_AUTHENTICATION)]
    chip = PaceChip(offered, {CAN.type: PasswordState(CAN)})
    assert refusal(lambda: chip.select(bytes.fromhex(data))) == sw
    assert refusal(lambda: chip.general_authenticate(b"\x7c\x00")) == SW.CONDITIONS_NOT_SATISFIED


def test_the_chip_ignores_unknown_data_objects() -> None:
    assert selected(b"\x95\x01\x80", b"\x65\x00").general_authenticate(b"\x7c\x00")[:3] == (
        b"\x7c\x12\x80"
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.binary(max_size=80), st.booleans())
def test_any_octets_are_answered_or_refused(steps: int, octets: bytes, wrapped: bool) -> None:
    chip, group = selected(), variant().group
    if wrapped:
        octets = tlv.encode(0x7C, octets)
    valid = [b"", tlv.encode(0x81, group.public_key(5)), tlv.encode(0x83, group.public_key(6))]
    for each in valid[:steps]:
        chip.general_authenticate(tlv.encode(0x7C, each))
    for call in (chip.general_authenticate, chip.select):
        try:
            call(octets)
        except ChipRefusalError:
            assert chip.result is None


def test_results_show_no_secret() -> None:
    result = run(establish(variant(), CAN), Card.of(variant()).process)
    assert "123456" not in repr(result)
    assert "SecureMessaging" not in repr(result)
