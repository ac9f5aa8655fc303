import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import with_command_chaining, with_response_chaining
from emrtd.iso7816.procedure import exchange, run
from emrtd.status_words import SW, meaning
from support.errors import MalformedError, MisuseError
from vsmartcard.card.function_card import FunctionCard

octet = st.integers(0, 255)


@pytest.mark.parametrize(
    ("command", "octets"),
    [
        (CommandAPDU(0, 0xA4, 4, 12), "00A4040C"),
        (CommandAPDU(0, 0x84, ne=8), "0084000008"),
        (CommandAPDU(0, 0xB0, ne=256), "00B0000000"),
        (CommandAPDU(0, 0xA4, 2, 12, b"\x01\x1e"), "00A4020C02011E"),
        (CommandAPDU(0, 0x82, data=b"\xaa", ne=40), "0082000001AA28"),
        (CommandAPDU(0, 0xB0, ne=65_536), "00B000000000 00".replace(" ", "")),
        (CommandAPDU(0, 0xB0, ne=300), "00B00000 00 012C".replace(" ", "")),
        (CommandAPDU(0, 0x88, data=b"\xaa", ne=256, extended=True), "00880000000001AA0100"),
        (CommandAPDU(0, 0xD6, data=b"\xaa", extended=True), "00D60000000001AA"),
    ],
)
def test_the_four_cases_short_and_extended(command: CommandAPDU, octets: str) -> None:
    assert command.encode().hex().upper() == octets
    again = CommandAPDU.decode(bytes.fromhex(octets))
    assert (again.header, again.data, again.ne) == (command.header, command.data, command.ne)
    assert again.is_extended is command.is_extended


@given(
    octet, octet, octet, octet,
    st.binary(max_size=400),
    st.none() | st.integers(1, 65_536),
    st.booleans(),
)  # fmt: skip
def test_commands_read_back(
    cla: int, ins: int, p1: int, p2: int, data: bytes, ne: int | None, extended: bool
) -> None:
    command = CommandAPDU(cla, ins, p1, p2, data, ne, extended)
    again = CommandAPDU.decode(command.encode())
    assert (again.header, again.data, again.ne) == (command.header, data, ne)
    assert again.encode() == command.encode()


@given(st.binary(max_size=400))
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    try:
        command = CommandAPDU.decode(octets)
    except MalformedError:
        return
    assert command.encode() == octets


def test_a_response_needs_its_status_word() -> None:
    with pytest.raises(MalformedError):
        ResponseAPDU.decode(b"\x90")


def test_a_refusal_says_what_was_asked_and_what_the_status_means() -> None:
    with pytest.raises(ChipRefusalError, match=r"reading DG3: .*6982 \(security status"):
        ResponseAPDU(sw=0x6982).require("reading DG3")


@given(st.integers(0, 0xFFFF))
def test_every_status_word_has_a_meaning(sw: int) -> None:
    assert meaning(sw)


def test_values_that_do_not_fit_their_octets_are_misuse() -> None:
    with pytest.raises(MisuseError):
        CommandAPDU(0x100, 0)


def test_long_data_is_chained() -> None:
    card = FunctionCard(lambda _: b"")
    command = CommandAPDU(0, 0x2A, 0, 0xBE, bytes(range(250)) * 2)
    run(with_command_chaining(exchange(command)), card.process)
    assert [each.cla for each in card.commands] == [0x10, 0x00]
    assert b"".join(each.data for each in card.commands) == command.data
    assert not any(each.is_extended for each in card.commands)


def test_a_refusal_ends_a_chain() -> None:
    command = CommandAPDU(0, 0x2A, 0, 0xBE, bytes(600))
    response = run(with_command_chaining(exchange(command)), lambda _: b"\x68\x84")
    assert response.sw == SW.CHAINING_NOT_SUPPORTED


def test_61xx_is_followed_by_get_response() -> None:
    answers = iter([b"\x61\x03", b"abc\x61\x02", b"de\x90\x00"])
    response = run(
        with_response_chaining(exchange(CommandAPDU(0, 0xCA, ne=256))), lambda _: next(answers)
    )
    assert response == ResponseAPDU(b"abcde")


@pytest.mark.parametrize("answer", [b"\x61\x00", bytes(255) + b"\x61\x00"])
def test_an_endless_response_ends(answer: bytes) -> None:
    with pytest.raises(ProtocolError):
        run(with_response_chaining(exchange(CommandAPDU(0, 0xCA, ne=256))), lambda _: answer)
