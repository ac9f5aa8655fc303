"""The station with another kind of card, which supports less and requires a secure channel.

The card has no master file, cannot be resumed, does not read back, and accepts commands of
personalisation only with a MAC under a card-specific key.
"""

import hashlib
import hmac
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys, ChipPassword
from emrtd.access.passwords import Password
from emrtd.errors import TransportError
from emrtd.globalplatform.keys import StaticKeys
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T, run, through
from emrtd.lds.files import FILES, ElementaryFile, FileID
from emrtd.status_words import SW
from emrtd.transport.readers import connect
from personalise.preparing.chip_profile import CARD_KINDS
from personalise.preparing.station_order import StationOrder
from personalise.station.cards.interface import Blank, Capabilities, CardIdentity, CardState
from personalise.station.cards.iso7816_9 import Iso7816Card, iso7816_card
from personalise.station.cards.registry import card_kind
from personalise.station.checking import way_into
from personalise.station.key_sources.test_key import TestKeySource
from personalise.station.one_card import identify
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
)
from personalise.station.writing import WriteReport, write_card
from support.errors import MalformedError
from support.secret import Secret
from tests.helpers import replace
from tests.plugins import installed
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle

Transmit = Callable[[bytes], bytes]
MAC_SIZE = 8
MASTER_KEY = b"of all cards of this kind"
CLA_CHANNEL = 0x04
PERSONALISING = frozenset(
    {INS.CREATE_FILE, INS.UPDATE_BINARY, INS.PUT_DATA, INS.ACTIVATE_FILE, INS.GET_CHALLENGE}
)
KEYS = ChipKeys(
    (ChipPassword.of(Password.from_mrz_information("L898902C<369080619406236")),),
    basic_access_control=True,
)


def mac(key: bytes, octets: bytes) -> bytes:
    return hmac.digest(key, octets, "sha256")[:MAC_SIZE]


def diversified(serial_number: bytes) -> bytes:
    return hmac.digest(MASTER_KEY, serial_number, "sha256")


class GatedCard:
    """The card: a chip that accepts commands of personalisation only with a MAC."""

    def __init__(self) -> None:
        self.chip = Chip()
        self._key = diversified(self.chip.state.hardware.serial_number)
        self.count = 0

    @property
    def blank(self) -> bool:
        return self.chip.state.life_cycle is not LifeCycle.OPERATIONAL

    def process(self, octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        if not self.blank:
            return self.chip.process(octets)
        if command.ins == INS.READ_BINARY or command.data == b"\x3f\x00" or command.p1 == 0x08:
            return ResponseAPDU(sw=SW.INSTRUCTION_NOT_SUPPORTED).encode()
        if command.cla & CLA_CHANNEL:
            data, given = command.data[:-MAC_SIZE], command.data[-MAC_SIZE:]
            self.count += 1
            plain = replace(command, cla=0x00, data=data)
            if given != mac(self._key, bytes((self.count,)) + plain.header + data):
                return ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT).encode()
            return self.chip.process(plain.encode())
        if command.ins in PERSONALISING:
            return ResponseAPDU(sw=SW.SECURITY_STATUS_NOT_SATISFIED).encode()
        return self.chip.process(octets)


class MasterKey(TestKeySource):
    """A key source that diversifies one key by the card's serial number; a `KeySource`."""

    def for_card(self, diversification_data: bytes, _key_version: int) -> StaticKeys:
        gate = Secret(diversified(diversification_data))
        return StaticKeys(gate, gate, gate)


class GatedKind:
    """The station's side of a `GatedCard`; a `PersonalisableCard`."""

    capabilities = Capabilities(
        resumable=False, master_file=False, reads_back=False, command=200, response=200
    )

    def __init__(self, blank: Blank) -> None:
        self._blank = blank
        self._commands = Iso7816Card(blank.atr, self.capabilities)

    def identity(self) -> Procedure[CardIdentity]:
        return self._commands.identity()

    def begin(self) -> Procedure[CardState]:
        return self._commands.begin()

    def channel(self, procedure: Procedure[T]) -> Procedure[T]:
        identity = yield from self.identity()
        if self._blank.keys is None:
            raise StopReaderError("cards of this kind require the key gate")
        assert identity.serial_number is not None
        key = self._blank.keys.for_card(identity.serial_number, 0).mac
        count = 0

        def layer(command: CommandAPDU) -> Procedure[ResponseAPDU]:
            nonlocal count
            count += 1
            code = mac(key.reveal(), bytes((count,)) + command.header + command.data)
            return (yield replace(command, cla=CLA_CHANNEL, data=command.data + code))

        return (yield from through(procedure, layer))

    def select_directory(self, directory: Directory) -> Procedure[None]:
        assert directory is Directory.EMRTD, "the card has no master file"
        return self._commands.select_directory(directory)

    def create(self, file: ElementaryFile, size: int) -> Procedure[bool]:
        return self._commands.create(file, size)

    def write(self, file: ElementaryFile, offset: int, content: bytes) -> Procedure[None]:
        return self._commands.write(file, offset, content)

    def read(self, file: ElementaryFile, size: int) -> Procedure[bytes]:
        raise AssertionError("the card does not read back")

    def find(self, file: ElementaryFile, directory: Directory) -> Procedure[bool]:
        raise AssertionError("the card has no master file")

    def put_keys(self, keys: ChipKeys) -> Procedure[None]:
        return self._commands.put_keys(keys)

    def lock(self) -> Procedure[None]:
        return self._commands.lock()

    def terminate(self) -> Procedure[bool]:
        return self._commands.terminate()


def document(seed: int = 1) -> dict[FileID, bytes]:
    octets = random.Random(seed).randbytes  # noqa: S311 - reproducible, not secret
    return {
        FileID.DIR: bytes.fromhex("61094F07A0000002471001"),
        FileID.COM: tlv.encode(0x60, octets(20)),
        FileID.SOD: tlv.encode(0x77, octets(600)),
        FileID.DG1: tlv.encode(0x61, octets(93)),
        FileID.DG2: tlv.encode(0x75, octets(700)),
    }


def write(
    transmit: Transmit, files: dict[FileID, bytes], blank: Blank | None = None
) -> WriteReport:
    card = GatedKind(blank or Blank(b"", files, MasterKey()))
    return run(
        with_response_chaining(write_card(files, KEYS, card, way_into(KEYS, None))), transmit
    )


def test_a_card_of_another_kind_is_written_by_the_same_station() -> None:
    card, files = GatedCard(), document()
    report = write(card.process, files)
    assert report == WriteReport(
        4, sum(map(len, files.values())) - len(files[FileID.DIR]), False, False, (FileID.DIR,)
    )
    assert card.chip.state.life_cycle is LifeCycle.OPERATIONAL
    assert card.chip.state.keys == KEYS
    found = {file.identifier: file.content for file in card.chip.state.files}
    del files[FileID.DIR]
    assert found == {FILES[each].identifier: content for each, content in files.items()}
    assert card.count > len(files)  # every command of personalisation was sent with a MAC
    card.chip.reset()
    assert write(card.process, document()).already_complete


def test_ef_sod_is_created_last_on_a_card_that_cannot_be_resumed() -> None:
    card, order = GatedCard(), []

    def watch(octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        if command.ins == INS.CREATE_FILE:
            parameters = tlv.read(command.data[:-MAC_SIZE], "parameters").children()
            order.append(int.from_bytes(parameters.one(0x83).value, "big"))
        return card.process(octets)

    write(watch, document())
    assert order[-1] == FILES[FileID.SOD].identifier


def test_a_partly_written_card_that_cannot_be_resumed_is_rejected() -> None:
    card = GatedCard()
    count = iter(range(1000))

    def torn(octets: bytes) -> bytes:
        if next(count) == 8:
            raise TransportError("the card left")
        return card.process(octets)

    with pytest.raises(RejectCardError, match="the card left, and a card of this kind") as left:
        write(torn, document())
    assert left.value.fault is CardFault.CANNOT_FINISH
    card.chip.reset()
    card.count = 0
    with pytest.raises(RejectCardError, match="is partly written") as refused:
        write(card.process, document())
    assert refused.value.fault is CardFault.CANNOT_FINISH
    assert card.blank


def test_a_card_that_left_before_it_was_written_may_be_tried_again() -> None:
    def leaves(_octets: bytes) -> bytes:
        raise TransportError("the card left")

    with pytest.raises(TryAgainError, match="the card left"):
        write(leaves, document())


def test_files_that_cannot_be_read_before_the_lock_are_compared_after_it() -> None:
    card = GatedCard()

    def corrupting(octets: bytes) -> bytes:
        command = CommandAPDU.decode(octets)
        response = card.process(octets)
        if command.ins == INS.ACTIVATE_FILE:
            dg2 = card.chip.state.files.find((Directory.EMRTD, FILES[FileID.DG2].identifier))
            assert dg2 is not None
            changed = replace(dg2, content=dg2.content[:-1] + bytes((dg2.content[-1] ^ 1,)))
            card.chip = Chip(card.chip.state.with_changed_file(changed))
        return response

    for _ in range(2):
        with pytest.raises(RejectCardError, match="DG2 does not read back") as refused:
            write(corrupting, document())
        assert refused.value.fault is CardFault.DOES_NOT_KEEP
        card.chip.reset()


@pytest.mark.parametrize("executed", [False, True])
def test_a_card_that_leaves_while_it_is_locked_is_tried_again(executed: bool) -> None:
    """The document must not be written to another card while it may be on this one."""
    card = GatedCard()

    def torn(octets: bytes) -> bytes:
        if CommandAPDU.decode(octets).ins == INS.ACTIVATE_FILE:
            if executed:
                card.process(octets)
            raise TransportError("the card left")
        return card.process(octets)

    with pytest.raises(TryAgainError, match="the card left"):
        write(torn, document())
    card.chip.reset()
    card.count = 0
    if executed:
        assert write(card.process, document()).already_complete
        return
    with pytest.raises(RejectCardError, match="is partly written"):
        write(card.process, document())


def test_an_image_that_needs_a_master_file_is_rejected() -> None:
    card = GatedCard()
    files = document() | {FileID.CARD_ACCESS: tlv.encode(0x31, bytes(40))}
    with pytest.raises(RejectApplicationError, match=r"EF\.CardAccess"):
        write(card.process, files)
    assert card.chip.state.life_cycle is LifeCycle.BLANK


def test_a_missing_key_stops_the_reader_and_a_wrong_key_rejects_the_card() -> None:
    card = GatedCard()
    with pytest.raises(StopReaderError, match="require the key gate"):
        write(card.process, document(), Blank(b""))

    class WrongKey(MasterKey):
        def for_card(self, _diversification_data: bytes, _key_version: int) -> StaticKeys:
            return StaticKeys(*(Secret(hashlib.sha256(b"wrong").digest()) for _ in range(3)))

    with pytest.raises(RejectCardError, match="6988"):
        write(card.process, document(), Blank(b"", keys=WrongKey()))
    assert card.chip.state.life_cycle is LifeCycle.BLANK


def test_a_kind_of_card_is_found_by_its_name(tmp_path: Path) -> None:
    assert card_kind("iso7816-9") is iso7816_card
    with pytest.raises(RejectApplicationError, match=r"'none', and this station has only .*7816-9"):
        card_kind("none")
    source = "from tests.pair.test_kinds_of_cards import GatedKind as plugin"
    broken = "import a_module_that_is_not_there"
    with installed(tmp_path, CARD_KINDS, {"gated": source, "broken": broken}):
        assert card_kind("gated").__name__ == "GatedKind"  # type: ignore[attr-defined]
        with pytest.raises(StopReaderError, match="'broken' cannot be loaded from plugin_broken:"):
            card_kind("broken")


def test_a_blank_card_has_a_serial_number_and_a_locked_card_does_not_show_it(
    tmp_path: Path,
) -> None:
    with connect(f"virtual:{tmp_path / 'card'}", blank=True) as connection:
        identity = identify("iso7816-9", connection)
        assert identity.serial_number is not None
        assert identity.name == identity.serial_number.hex().upper()
        assert identity.atr == connection.atr
        files = {each: octets for each, octets in document().items() if each is not FileID.DIR}
        card = iso7816_card(Blank(connection.atr, keys=TestKeySource()))
        run(write_card(files, KEYS, card, way_into(KEYS, None)), connection.transmit)
        assert identify("iso7816-9", connection) == CardIdentity(connection.atr)
        assert CardIdentity(b"", cplc=b"\x12").name == "12"
        assert CardIdentity(b"").name is None


def test_a_station_order_decodes_to_what_was_encoded() -> None:
    order = StationOrder("iso7816-9", KEYS)
    octets = order.encode()
    assert StationOrder.decode(octets).keys.encode() == KEYS.encode()
    assert StationOrder.decode(octets).card_profile == "iso7816-9"
    for size in range(len(octets)):
        with pytest.raises(MalformedError):
            StationOrder.decode(octets[:size])
    for name in (b"", b"A", b"-", b"a b", b"a\n", b"x" * 65):
        with pytest.raises(MalformedError):
            StationOrder.decode(tlv.encode(0xE8, tlv.encode(0x80, name), KEYS.encode()))
    with pytest.raises(MalformedError, match="is one of the first release") as first:
        StationOrder.decode(KEYS.encode())
    assert "personalise prepare" in first.value.advice
