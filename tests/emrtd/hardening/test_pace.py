"""Errors about PACE that were found in other readers and chips."""

from collections.abc import Callable

import pytest

from emrtd.access.pace import chip_authentication_mapping as cam
from emrtd.access.pace import messages
from emrtd.access.pace.agreement import PaceResult, encrypt_nonce
from emrtd.access.pace.messages import Tag
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import PaceVariant
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import EcGroup, ModpGroup
from emrtd.crypto.protocols import Mapping
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.status_words import SW
from support.errors import ChipsealError, MalformedError
from support.secret import Secret
from tests.emrtd.access.pace.card import CAN, Card, variant
from tests.helpers import damaged, replace
from vsmartcard.card.conditions import nth, since
from vsmartcard.card.function_card import FunctionCard
from vsmartcard.card.layers import ChangingCommands, ChangingResponses, Watched

GM, IM, CAM = Mapping.GENERIC, Mapping.INTEGRATED, Mapping.CHIP_AUTHENTICATION

Answer = Callable[[bytes, bytes], bytes]
"""Returns a replacement for the chip's value, from the terminal's value and the chip's."""


def pace(offered: PaceVariant, replaced: dict[Tag, Answer]) -> PaceResult:
    """Run PACE with a chip that returns other values in some data objects."""
    key = Secret(b"\x05" * offered.group.private_key_size)
    card = Card.of(offered, mapping_keys={offered.info.parameter_id: key})

    def lie(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if command.ins != INS.GENERAL_AUTHENTICATE or response.sw != SW.OK:
            return response
        sent = messages.decode(command.data)
        ours = sent[0].value if sent else b""
        objects = []
        for each in messages.decode(response.data):
            change = replaced.get(Tag(each.tag))
            objects.append((each.tag, change(ours, each.value) if change else each.value))
        return ResponseAPDU(messages.encode(*objects))

    return run(establish(offered, CAN), ChangingResponses(card, lie).process)


def with_token(command: CommandAPDU) -> bool:
    """Whether this is the last GENERAL AUTHENTICATE, with the terminal's token."""
    return (command.cla, command.ins) == (0x00, INS.GENERAL_AUTHENTICATE)


def flipped(_: bytes, value: bytes) -> bytes:
    return damaged(value)


every_group = pytest.mark.parametrize("number", [0, 12, 13, 18])
both_keys = pytest.mark.parametrize("tag", [Tag.CHIP_MAPPING_DATA, Tag.CHIP_PUBLIC_KEY])


def test_a_genuine_chip_is_opened() -> None:
    for mapping in Mapping:
        pace(variant(mapping=mapping), {})


# --- tokens ---------------------------------------------------------------------------------------


@every_group
def test_the_chips_token_is_checked(number: int) -> None:
    with pytest.raises(ProtocolError, match="token"):
        pace(variant(number), {Tag.CHIP_TOKEN: flipped})


@pytest.mark.parametrize("size", [0, 1, 7, 9, 16])
def test_a_token_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError, match="token"):
        pace(variant(), {Tag.CHIP_TOKEN: lambda _, value: (value * 2)[:size]})


@every_group
def test_swapped_tokens_are_refused(number: int) -> None:
    """The chip returns the terminal's own token."""
    with pytest.raises(ProtocolError, match="token"):
        pace(variant(number), {Tag.CHIP_TOKEN: lambda sent, _: sent})


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ("", MalformedError, "ends inside a tag"),
        ("7C00", MalformedError, "has no data object 86"),
        ("7C028600", ProtocolError, "T.IC is wrong"),
        ("86083132333435363738", MalformedError, "begins with tag 86 instead of 7C"),
        ("7C0A8508" + "31" * 8, MalformedError, "has no data object 86"),
    ],
)
def test_an_answer_without_token_is_refused(
    answer: str, error: type[ChipsealError], says: str
) -> None:
    """A reader skipped the check when it could not parse the answer."""
    card = Card.of(variant())

    def lie(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        return ResponseAPDU(bytes.fromhex(answer)) if with_token(command) else response

    with pytest.raises(error, match=says):
        run(establish(variant(), CAN), ChangingResponses(card, lie).process)


def test_the_chip_refuses_a_wrong_token_without_sending_its_own() -> None:
    card = Card.of(variant(mapping=CAM), mapping_keys={13: Secret(b"\x05" * 32)})

    def meddle(command: CommandAPDU) -> CommandAPDU:
        return replace(command, data=damaged(command.data)) if with_token(command) else command

    watched = Watched(ChangingCommands(card, meddle))
    with pytest.raises(ChipRefusalError):
        run(establish(variant(mapping=CAM), CAN), watched.process)
    assert watched.exchanges[-1][1] == b"\x63\x00"
    assert card.chip.result is None


def test_a_chip_that_does_not_know_the_password_is_refused() -> None:
    """The chip performs all steps, but cannot compute the token."""
    group = variant().group
    keys = iter([5, 6])

    def answer(command: CommandAPDU) -> bytes:
        if command.ins == INS.MANAGE_SECURITY_ENVIRONMENT:
            return b""
        sent = messages.decode(command.data)
        tag = sent[0].tag + 1 if sent else Tag.ENCRYPTED_NONCE
        values = {0x80: bytes(range(16)), 0x86: bytes(8)}
        value = values.get(tag) or group.public_key(next(keys))
        return messages.encode((tag, value))

    with pytest.raises(ProtocolError, match="token"):
        run(establish(variant(), CAN), FunctionCard(answer).process)


# --- public keys ----------------------------------------------------------------------------------


@every_group
@both_keys
def test_the_terminals_own_key_echoed_back_is_refused(number: int, tag: Tag) -> None:
    with pytest.raises(ProtocolError, match="our own public key"):
        pace(variant(number), {tag: lambda sent, _: sent})


@both_keys
def test_an_echoed_integer_is_recognised_behind_leading_zeros(tag: Tag) -> None:
    with pytest.raises(ProtocolError, match="our own public key"):
        pace(variant(2), {tag: lambda sent, _: b"\x00" + sent})


@pytest.mark.parametrize("number", [8, 9, 11, 12, 13, 14, 16, 18])
@both_keys
def test_a_point_off_the_curve_is_refused(number: int, tag: Tag) -> None:
    with pytest.raises(ProtocolError, match="not on the curve"):
        pace(variant(number), {tag: flipped})


@pytest.mark.parametrize("number", [8, 13, 18])
@both_keys
def test_the_point_at_infinity_is_refused(number: int, tag: Tag) -> None:
    size = STANDARDISED[number].private_key_size
    with pytest.raises(MalformedError, match="is not 04 and two coordinates"):
        pace(variant(number), {tag: lambda _, __: b"\x00"})
    for octets in (b"\x04" + bytes(2 * size), b"\x04" + bytes(2 * size - 1) + b"\x01"):
        with pytest.raises(ProtocolError, match="not on the curve"):
            pace(variant(number), {tag: lambda _, __, octets=octets: octets})


@pytest.mark.parametrize("number", [9, 13, 16, 18])
@both_keys
def test_a_coordinate_beyond_the_field_is_refused(number: int, tag: Tag) -> None:
    group = STANDARDISED[number]
    assert isinstance(group, EcGroup)

    def beyond(_: bytes, value: bytes) -> bytes:
        size = group.curve.size
        x = int.from_bytes(value[1 : 1 + size], "big") + group.curve.p
        return value[:1] + (x % (1 << 8 * size)).to_bytes(size, "big") + value[1 + size :]

    with pytest.raises(ProtocolError):
        pace(variant(number), {tag: beyond})


@both_keys
def test_compressed_and_truncated_points_are_refused(tag: Tag) -> None:
    for change in (
        lambda _, value: b"\x02" + value[1:33],
        lambda _, value: value[:-1],
        lambda _, value: value + b"\x00",
        lambda _, value: b"\x05" + value[1:],
        lambda _, value: b"",
    ):
        with pytest.raises(MalformedError, match="is not 04 and two coordinates"):
            pace(variant(), {tag: change})


@pytest.mark.parametrize("number", [0, 1, 2])
@both_keys
def test_a_dh_value_outside_the_subgroup_is_refused(number: int, tag: Tag) -> None:
    group = STANDARDISED[number]
    assert isinstance(group, ModpGroup)
    for value in (0, 1, 2, group.p - 1, group.p):
        octets = value.to_bytes((group.p.bit_length() + 7) // 8, "big")
        with pytest.raises(ProtocolError):
            pace(variant(number), {tag: lambda _, __, octets=octets: octets})


@pytest.mark.parametrize("tag", [0x81, 0x83])
@pytest.mark.parametrize("value", ["", "04" + "00" * 64, "04" + "FF" * 64, "00", "02" + "11" * 32])
def test_the_chip_refuses_invalid_public_keys(tag: int, value: str) -> None:
    card = Card.of(variant())

    def meddle(command: CommandAPDU) -> CommandAPDU:
        if command.ins == INS.GENERAL_AUTHENTICATE:
            objects = messages.decode(command.data)
            if objects and objects[0].tag == tag:
                return replace(command, data=messages.encode((tag, bytes.fromhex(value))))
        return command

    with pytest.raises(ChipRefusalError) as caught:
        run(establish(variant(), CAN), ChangingCommands(card, meddle).process)
    assert caught.value.sw == SW.INCORRECT_DATA


# --- nonces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mapping", Mapping)
def test_a_nonce_of_zeros_is_refused(mapping: Mapping) -> None:
    offered = variant(mapping=mapping)
    zeros = encrypt_nonce(offered, CAN, Secret(bytes(16)))
    with pytest.raises(ProtocolError, match="all zeros"):
        pace(offered, {Tag.ENCRYPTED_NONCE: lambda _, __: zeros})


@pytest.mark.parametrize("size", [0, 8, 15, 17, 80, 200])
def test_a_nonce_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError, match=f"nonce of {size} octets"):
        pace(variant(), {Tag.ENCRYPTED_NONCE: lambda _, __: b"\x11" * size})


def test_integrated_mapping_requires_a_nonce_of_its_size() -> None:
    offered = variant(mapping=IM, cipher=Cipher.AES256)
    with pytest.raises(ProtocolError, match="nonce of 16 octets"):
        pace(offered, {Tag.ENCRYPTED_NONCE: lambda _, value: value[:16]})


def test_generic_mapping_accepts_a_longer_nonce() -> None:
    """4.4.3.3: any multiple of the block size."""
    offered = variant(cipher=Cipher.AES256)
    card = Card.of(offered)
    chip = card.chip
    chip._random = lambda size: bytes(range(1, size + 1)) * (2 if size == 16 else 1)
    assert card.shares(run(establish(offered, CAN), card.process).secure_messaging)


def test_integrated_mapping_refuses_mapping_data_of_the_chip() -> None:
    with pytest.raises(ProtocolError, match="mapping data"):
        pace(variant(mapping=IM), {Tag.CHIP_MAPPING_DATA: lambda _, __: b"\x01"})


# --- secrets with leading zeros -------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 8, 13, 18])
@pytest.mark.parametrize("mapping", [GM, IM])
def test_a_shared_secret_with_leading_zeros_opens_the_chip(number: int, mapping: Mapping) -> None:
    """If the secret is not padded, 1 session in 256 fails, and 1 in 2 on P-521."""
    offered = variant(number, mapping)
    seen: list[bytes] = []
    kind = type(offered.group)
    original = kind.agree

    def agree(self, private: int, peer: bytes) -> bytes:
        seen.append(original(self, private, peer))
        return seen[-1]

    private = 0

    def drawn(size: int) -> bytes:
        """Return a new key each time, but the same nonce, so that the generator is the same."""
        nonlocal private
        private += 1
        return private.to_bytes(size, "big")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "agree", agree)
        size = (offered.group.field.bit_length() + 7) // 8
        for _ in range(1500):
            card = Card.of(offered)
            result = run(establish(offered, CAN, random=drawn), card.process)
            assert card.shares(result.secure_messaging)
            assert len(seen[-1]) == size
            if seen[-1][0] == 0:
                return
    pytest.fail("no secret with leading zeros came up")


def test_chip_authentication_data_with_leading_zeros_is_padded() -> None:
    group = variant().group
    n, static = group.order, 0x1234567890ABCDEF
    for wanted in (1, 0xFF, 1 << 200):  # CA_IC itself
        mapping_private = wanted * static % n
        secret = Secret(static.to_bytes(32, "big"))
        data = cam.generate(group, secret, mapping_private)
        assert data == wanted.to_bytes(32, "big")
        key = Secret(bytes(16))
        encrypted = cam.encrypt(Cipher.AES128, key, data)
        assert cam.decrypt(Cipher.AES128, key, encrypted, group) == data
        public = group.public_key(mapping_private)
        cam.verify(group, data, group.public_key(static), public)


# --- Chip Authentication Mapping ------------------------------------------------------------------


def test_cam_a_failed_decryption_is_an_error() -> None:
    for change in (
        flipped,
        lambda _, value: value[:-1],
        lambda _, value: value[:-16],
        lambda _, value: b"",
        lambda _, value: value + value[:16],
    ):
        with pytest.raises(ProtocolError, match="does not decrypt"):
            pace(variant(mapping=CAM), {Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA: change})


@pytest.mark.parametrize("mapping", [GM, CAM])
def test_cam_data_is_required_if_and_only_if_the_mapping_is_cam(mapping: Mapping) -> None:
    offered = variant(mapping=mapping)
    card = Card.of(offered, mapping_keys={13: Secret(b"\x05" * 32)})

    def lie(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if not with_token(command):
            return response
        objects = [(Tag.CHIP_TOKEN, messages.decode(response.data)[0].value)]
        if mapping is GM:
            objects.append((Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA, bytes(48)))
        return ResponseAPDU(messages.encode(*objects))

    with pytest.raises(ProtocolError, match="do not fit the mapping"):
        run(establish(offered, CAN), ChangingResponses(card, lie).process)


def test_cam_another_static_key_is_a_clone() -> None:
    result = pace(variant(mapping=CAM), {})
    group = variant().group
    data, mapping_public = result.chip_authentication_data, result.mapping_public_key
    assert data is not None
    assert mapping_public is not None
    genuine = group.public_key(int.from_bytes(b"\x05" * 32, "big"))
    cam.verify(group, data, genuine, mapping_public)
    for forged in (group.public_key(7), b"\x04" + bytes(64), b"", genuine[:-1]):
        with pytest.raises(ProtocolError):
            cam.verify(group, data, forged, mapping_public)
    for wrong in (flipped(b"", data), bytes(32), b""):
        with pytest.raises(ProtocolError):
            cam.verify(group, wrong, genuine, mapping_public)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("sw", [0x6300, 0x63C2, 0x6982, 0x6A80, 0x6700, 0x6F00])
def test_a_refusal_at_any_step_is_never_a_session(step: int, sw: int) -> None:
    card = Card.of(variant())

    refused = since(nth(step))
    refusing = ChangingResponses(
        card, lambda command, response: replace(response, sw=sw) if refused(command) else response
    )
    if (step, sw) == (0, 0x63C2):
        sw = 0x63C0  # 63C2 is but a warning there: tries are left
    with pytest.raises(ChipRefusalError) as caught:
        run(establish(variant(), CAN), refusing.process)
    assert caught.value.sw == sw


def test_no_error_contains_the_password() -> None:
    for replaced in ({Tag.CHIP_TOKEN: flipped}, {Tag.CHIP_PUBLIC_KEY: flipped}):
        with pytest.raises(ChipsealError) as caught:
            pace(variant(), replaced)
        assert "123456" not in str(caught.value)
