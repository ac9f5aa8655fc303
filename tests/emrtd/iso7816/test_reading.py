"""Reading from chips with small buffers, old chips, and faulty or hostile chips."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.reading import FileAddress, FileReader, response_capacity
from emrtd.status_words import SW
from support.errors import ChipsealError, MalformedError
from vsmartcard.card.function_card import FunctionCard

DG2 = FileAddress("DG2", 0x0102, 0x02)
ATR_INFO = FileAddress("EF.ATR/INFO", 0x2F01, 0x01, one_object=False)


class Card(FunctionCard):
    """A chip with one file; `refuse` may answer any command instead of it."""

    def __init__(
        self,
        content: bytes,
        refuse: Callable[[CommandAPDU], ResponseAPDU | None] = lambda _: None,
        *,
        end_of_file: int = SW.END_OF_FILE,
    ) -> None:
        super().__init__(lambda command: refuse(command) or self.answer(command))
        self.content = content
        self.end_of_file = end_of_file

    def answer(self, command: CommandAPDU) -> ResponseAPDU:
        if command.ins == 0xA4:
            return ResponseAPDU()
        assert command.ne
        if command.ins == 0xB1:
            offset = int.from_bytes(tlv.read_expected(command.data, 0x54, "offset").value, "big")
            data = self.content[offset : offset + command.ne - 4]
            return ResponseAPDU(tlv.encode(0x53, data))
        offset = 0 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        data = self.content[offset : offset + command.ne]
        if not data:
            return ResponseAPDU(sw=SW.WRONG_OFFSET)
        return ResponseAPDU(data, SW.OK if len(data) == command.ne else self.end_of_file)


def test_the_first_block_is_read_by_sfi_without_a_probe() -> None:
    content = tlv.encode(0x75, bytes(15_079))
    card = Card(content)
    assert run(FileReader().read(DG2), card.process) == content
    assert len(card.commands) == 59  # 15,083 octets at 256 a block
    assert card.commands[0].p1 == 0x82


def test_extended_length_reads_a_file_in_one_command() -> None:
    content = tlv.encode(0x75, bytes(32_472))
    card = Card(content)
    assert run(FileReader(buffer=65_536).read(DG2), card.process) == content
    assert len(card.commands) == 1


@pytest.mark.parametrize(
    ("buffer", "cipher_block", "octets"),
    [(256, 16, 223), (256, 8, 231), (256, None, 256), (65_536, 16, 65_503), (1000, 16, 975)],
)
def test_capacity_fills_the_buffer(buffer: int, cipher_block: int | None, octets: int) -> None:
    assert response_capacity(buffer, cipher_block) == octets


@given(st.integers(60, 65_536), st.sampled_from([8, 16]))
def test_capacity_is_exact(buffer: int, cipher_block: int) -> None:
    def protected(octets: int) -> int:
        cryptogram = (octets // cipher_block + 1) * cipher_block
        return len(tlv.encode(0x87, b"\x01", bytes(cryptogram))) + 4 + 10

    capacity = response_capacity(buffer, cipher_block)
    assert protected(capacity) <= buffer < protected(capacity + 1)


def test_offsets_from_32768_use_odd_ins() -> None:
    content = tlv.encode(0x75, bytes(range(256)) * 200)
    card = Card(content)
    assert run(FileReader().read(DG2), card.process) == content
    assert all(c.ins == 0xB1 or c.p1 < 0x80 for c in card.commands[1:])
    assert any(c.ins == 0xB1 for c in card.commands)


@settings(max_examples=40)
@given(st.integers(1, 40_000), st.sampled_from([256, 300, 1000, 5000, 65_536]))
def test_every_length_reads_back(length: int, buffer: int) -> None:
    content = tlv.encode(0x75, bytes(length))
    card = Card(content)
    assert run(FileReader(buffer=buffer).read(DG2), card.process) == content


def refuse_extended(command: CommandAPDU) -> ResponseAPDU | None:
    return ResponseAPDU(sw=SW.WRONG_LENGTH) if command.is_extended else None


def test_6700_to_an_extended_read_falls_back_to_short_and_stays_there() -> None:
    content = tlv.encode(0x75, bytes(2000))
    card = Card(content, refuse_extended)
    reader = FileReader(buffer=65_536)
    assert run(reader.read(DG2), card.process) == content
    assert sum(c.is_extended for c in card.commands) == 1
    assert run(reader.read(DG2), card.process) == content
    assert sum(c.is_extended for c in card.commands) == 1


def test_6700_to_a_full_block_finds_a_block_size_that_works() -> None:
    card = Card(
        tlv.encode(0x75, bytes(2000)),
        lambda c: ResponseAPDU(sw=SW.WRONG_LENGTH) if (c.ne or 0) > 128 else None,
    )
    reader = FileReader()
    assert run(reader.read(DG2), card.process) == card.content
    assert reader.block == 128


def test_6cxx_repeats_the_command_with_the_length_it_states() -> None:
    content = tlv.encode(0x75, bytes(300))

    def refuse(command: CommandAPDU) -> ResponseAPDU | None:
        offset = 0 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        left = len(content) - offset
        return ResponseAPDU(sw=0x6C00 | left) if left < (command.ne or 0) else None

    assert run(FileReader(buffer=200).read(DG2), Card(content, refuse).process) == content
    assert run(FileReader().read(ATR_INFO), Card(content, refuse).process) == content


def test_a_chip_without_short_identifiers_is_read_by_select() -> None:
    content = tlv.encode(0x75, bytes(600))
    card = Card(
        content,
        lambda c: ResponseAPDU(sw=SW.INCORRECT_P1_P2) if c.ins == 0xB0 and c.p1 & 0x80 else None,
    )
    reader = FileReader()
    assert run(reader.read(DG2), card.process) == content
    card.commands.clear()
    assert run(reader.read(DG2), card.process) == content
    assert card.commands[0].ins == 0xA4  # the SFI is not tried again


def test_an_absent_file_raises_a_refusal() -> None:
    card = Card(b"", lambda _: ResponseAPDU(sw=SW.FILE_NOT_FOUND))
    with pytest.raises(ChipRefusalError) as caught:
        run(FileReader().read(DG2), card.process)
    assert caught.value.sw == SW.FILE_NOT_FOUND


@pytest.mark.parametrize("end", [SW.END_OF_FILE, SW.OK])
def test_a_file_of_several_objects_is_read_to_its_end(end: int) -> None:
    content = bytes.fromhex("4703B08100") + tlv.encode(0x7F66, bytes(20))
    card = Card(content, end_of_file=end)
    assert run(FileReader().read(ATR_INFO), card.process) == content


def test_a_declared_length_of_4_gigabytes_is_malformed() -> None:
    card = Card(bytes.fromhex("7584FFFFFFFF") + bytes(300))
    with pytest.raises(MalformedError, match="declares"):
        run(FileReader().read(DG2), card.process)
    assert len(card.commands) == 1


def test_an_endless_file_ends() -> None:
    card = Card(b"", lambda c: ResponseAPDU(b"\x42" * (c.ne or 0)))
    with pytest.raises(MalformedError, match="octets follow the data object"):
        run(FileReader(buffer=65_536).read(ATR_INFO), card.process)


def test_a_file_that_returns_no_more_octets_is_cut_short() -> None:
    head = tlv.encode(0x75, bytes(2000))[:100]
    card = Card(head, lambda c: None if c.p1 & 0x80 else ResponseAPDU(b""), end_of_file=SW.OK)
    with pytest.raises(MalformedError, match="ends after 100 of 2004"):
        run(FileReader().read(DG2), card.process)


def test_endless_6cxx_ends() -> None:
    answers = iter(range(10_000))
    card = Card(b"", lambda _: ResponseAPDU(sw=0x6C01 + next(answers) % 2))
    with pytest.raises(ChipRefusalError):
        run(FileReader().read(DG2), card.process)


def test_more_octets_than_requested_are_refused() -> None:
    card = Card(b"", lambda c: ResponseAPDU(tlv.encode(0x75, bytes(300))[: (c.ne or 0) + 1]))
    with pytest.raises(ProtocolError, match="were requested"):
        run(FileReader(buffer=100).read(DG2), card.process)


@given(st.lists(st.binary(min_size=2, max_size=300), max_size=40))
def test_any_answers_end_in_octets_or_an_error(answers: list[bytes]) -> None:
    left = iter(answers)
    try:
        run(FileReader().read(DG2), lambda _: next(left, b"\x6f\x00"))
    except ChipsealError:
        return


SOD = FileAddress("EF.SOD", 0x011D, 0x1D)


@pytest.mark.parametrize("size", [3, 250, 2_000, 20_000])
@pytest.mark.parametrize("padding", [b"", bytes(300), b"\xff" * 300], ids=["none", "00", "FF"])
def test_a_file_of_indefinite_length_is_read_to_its_end(size: int, padding: bytes) -> None:
    """X.690, 8.1.3.6: its length field is 80, two octets 00 end it. Zeros inside do not."""
    octets = b"\x77\x80" + tlv.encode(0x30, tlv.encode(0x04, bytes(size))) + b"\0\0"
    chip = Card(octets + padding)
    assert run(FileReader().read(SOD), chip.process) == octets
    assert len(chip.commands) <= 2 + len(octets) // 256


def test_a_file_of_indefinite_length_without_an_end_is_returned_whole() -> None:
    octets = b"\x77\x80" + tlv.encode(0x04, bytes(600))
    assert run(FileReader().read(SOD), Card(octets).process) == octets


def test_a_file_of_indefinite_length_is_bounded() -> None:
    card = Card(b"\x77\x80" + b"\x24\x80" * 100_000)
    with pytest.raises(MalformedError, match="does not end within 65536 octets"):
        run(FileReader().read(SOD), card.process)
    assert len(card.commands) < 260
