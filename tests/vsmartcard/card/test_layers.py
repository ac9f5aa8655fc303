import pytest

from emrtd.access import bac
from emrtd.crypto.ciphers import Cipher
from emrtd.errors import ChipRefusalError, TransportError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import exchange, run
from emrtd.iso7816.secure_messaging import BareResponseError, SecureMessaging, secured
from emrtd.lds.files import FileID
from emrtd.transport.recording import Recording
from support.secret import Secret
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, personalised
from vsmartcard.card.clones import SilentClone
from vsmartcard.card.conditions import (
    after,
    always,
    every,
    extended,
    first,
    instruction,
    nth,
    plain,
    protected,
    selects_application,
    since,
    some,
)
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.function_card import FunctionCard, in_turn
from vsmartcard.card.layers import (
    Answering,
    ChangingCommands,
    ChangingResponses,
    Dropping,
    Interrupted,
    Layer,
    Refusing,
    Swapped,
    Torn,
    Watched,
)
from vsmartcard.chip.commands import INSTRUCTIONS, CarryOut, instead
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.session import Core

SELECT = CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, bytes.fromhex("A0000002471001"))
READ = CommandAPDU(0x00, INS.READ_BINARY, 0x81, 0x00, ne=256)
READ_DIR = CommandAPDU(0x00, INS.READ_BINARY, 0x9E, 0x00, ne=256)
OK = b"\x90\x00"


def opened(card: Layer | Chip) -> SecureMessaging:
    card.process(SELECT.encode())
    return run(bac.authenticate(MRZ), card.process)


def echo() -> FunctionCard:
    return FunctionCard(lambda command: command.data)


def send(card: Layer | FunctionCard, *commands: CommandAPDU) -> list[str]:
    return [card.process(command.encode()).hex() for command in commands]


# --- conditions ----------------------------------------------------------------------------------


def test_a_condition_on_a_single_command() -> None:
    inside = CommandAPDU(0x0C, INS.READ_BINARY, ne=256)
    assert (protected(inside), plain(inside), protected(READ), plain(READ)) == (1, 0, 0, 1)
    assert not protected(CommandAPDU(0x08, INS.READ_BINARY))
    assert selects_application(SELECT)
    assert not selects_application(CommandAPDU(0x00, INS.SELECT, 0x02, 0x0C, b"\x01\x1e"))
    assert extended(CommandAPDU.decode(CommandAPDU(0, 0xB0, ne=257).encode()))
    assert not extended(READ)
    assert instruction(INS.SELECT, INS.READ_BINARY)(READ)
    assert not instruction(INS.SELECT)(READ)
    assert every(always, plain)(READ)
    assert not every(always, protected)(READ)
    assert some(protected, plain)(READ)
    assert not some(protected, extended)(READ)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (nth(0, 2), [1, 0, 1, 0]),
        (since(nth(1)), [0, 1, 1, 1]),
        (after(nth(1)), [0, 0, 1, 1]),
        (first(instruction(INS.READ_BINARY)), [1, 0, 0, 0]),
        (every(since(nth(2)), nth(3)), [0, 0, 0, 1]),
        (some(nth(0), nth(3)), [1, 0, 0, 1]),
    ],
)
def test_a_condition_that_counts_commands(condition, met: list[int]) -> None:
    assert [condition(READ) for _ in range(4)] == met


# --- layers --------------------------------------------------------------------------------------


def test_a_layer_passes_everything_through() -> None:
    chip = personalised()
    layer = Layer(Layer(chip))
    assert layer.atr == chip.atr
    session = opened(layer)
    layer.reset()
    with pytest.raises(BareResponseError):
        run(secured(exchange(READ), session), layer.process)


def test_watched_records_exchanges_that_a_recording_replays() -> None:
    card = Watched(personalised())
    assert send(card, SELECT, READ) == ["9000", "6982"]
    card.reset()
    assert card.resets == 1
    assert [each.ins for each in card.commands] == [INS.SELECT, INS.READ_BINARY]
    recording = Recording(card.exchanges)
    assert recording.transmit(SELECT.encode()) == OK
    assert recording.transmit(READ.encode()) == b"\x69\x82"


def test_watched_records_a_command_that_was_not_answered() -> None:
    gone = Torn(echo(), nth(1), error=lambda: TransportError("another program reset the card"))
    card = Watched(gone)
    send(card, SELECT)
    with pytest.raises(TransportError, match="another program"):
        send(card, READ)
    assert card.sent == [SELECT.encode(), READ.encode()]
    assert len(card.exchanges) == 1


def test_answering_answers_some_commands_and_passes_the_others() -> None:
    beneath = Watched(echo())
    answers = iter([ResponseAPDU(b"other"), b"\x6a\x82", None])
    card = Answering(beneath, lambda _: next(answers))
    command = CommandAPDU(0x00, 0x20, data=b"data")
    assert send(card, command, command, command) == [
        b"other".hex() + "9000", "6a82", b"data".hex() + "9000",
    ]  # fmt: skip
    assert len(beneath.exchanges) == 1
    assert send(Refusing(beneath, nth(1), 0x6985), command, command)[1] == "6985"


def test_layers_change_commands_and_responses() -> None:
    card = ChangingCommands(echo(), lambda command: CommandAPDU(0x00, command.ins, data=b"meddled"))
    assert send(card, SELECT) == [b"meddled".hex() + "9000"]
    changed = ChangingResponses(
        card, lambda command, response: ResponseAPDU(response.data[:3], command.ins << 8)
    )
    assert send(changed, SELECT) == [b"med".hex() + "a400"]


def test_a_dropped_session_ends() -> None:
    card = Dropping(personalised(), nth(4))
    session = opened(card)
    assert run(secured(exchange(READ), session), card.process).sw == 0x9000
    with pytest.raises(BareResponseError, match="6988"):
        run(secured(exchange(READ), session), card.process)
    assert send(card, SELECT, READ) == ["9000", "6982"]


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_torn_card_answers_nothing_until_it_is_put_back(carried_out: bool) -> None:
    chip = Chip()
    create = CommandAPDU(0x00, INS.CREATE_FILE, data=bytes.fromhex("620780010583020101"))
    card = Torn(chip, nth(1), carried_out=carried_out)
    send(card, SELECT)
    for _ in range(2):
        with pytest.raises(TransportError, match="left"):
            send(card, create)
    with pytest.raises(TransportError, match="left"):
        card.reset()
    assert card.gone
    assert len(chip.state.files.files) == carried_out
    card.gone = False
    assert send(card, SELECT) == ["9000"]
    card.gone = True
    with pytest.raises(TransportError):
        send(card, SELECT)


def test_a_command_of_another_program_ends_the_session() -> None:
    """A plain command ends the session (Doc 9303-11, 9.8.3)."""
    beneath = Watched(personalised())
    card = Interrupted(beneath, nth(3), [bytes.fromhex("00A4000C")])
    session = opened(card)
    assert len(beneath.exchanges) == 3
    with pytest.raises(BareResponseError):
        run(secured(exchange(READ), session), card.process)
    assert [each.p1 for each in beneath.commands[3:]] == [0x00, 0x81]


def test_the_old_connection_reaches_a_swapped_card() -> None:
    other = personalised({FileID.DIR: b"\x61\x01o", FileID.DG1: b"\x61\x01x"})
    card = Swapped(personalised(), other, nth(3))
    session = opened(card)
    with pytest.raises(BareResponseError):
        run(secured(exchange(READ), session), card.process)
    assert send(card, READ_DIR) == ["61016f9000"]
    assert card.card is other


def test_a_silent_clone_answers_outside_a_session() -> None:
    inside = CommandAPDU(0x0C, INS.INTERNAL_AUTHENTICATE, data=b"x", ne=256)
    outside = CommandAPDU(0x00, INS.INTERNAL_AUTHENTICATE, data=b"x", ne=256)
    assert send(SilentClone(echo()), inside, outside) == ["6988", b"x".hex() + "9000"]


# --- doubles and connections ---------------------------------------------------------------------


def test_a_function_card_protects_its_responses() -> None:
    keys = Cipher.AES128, Secret(bytes(16)), Secret(bytes(16))
    other = Cipher.AES128, Secret(b"\x01" * 16), Secret(b"\x01" * 16)

    def handle(command: CommandAPDU) -> bytes:
        if command.ins == INS.GENERAL_AUTHENTICATE:
            card.renew(SecureMessaging(*other))
        if command.ins == INS.SELECT:
            raise ChipRefusalError(0x6A82, "selecting")
        return b"data"

    card = FunctionCard(handle, SecureMessaging(*keys))
    session = SecureMessaging(*keys)
    assert run(secured(exchange(READ), session), card.process) == ResponseAPDU(b"data")
    assert run(secured(exchange(SELECT), session), card.process) == ResponseAPDU(sw=0x6A82)
    renewing = CommandAPDU(0x00, INS.GENERAL_AUTHENTICATE, ne=256)
    assert run(secured(exchange(renewing), session), card.process).data == b"data"
    session = SecureMessaging(*other)
    assert run(secured(exchange(READ), session), card.process).data == b"data"
    assert [each.ins for each in card.commands] == [0xB0, 0xA4, 0x86, 0xB0]
    card.reset()
    assert send(card, READ) == [b"data".hex() + "9000"]
    assert send(FunctionCard(in_turn([b"1", ResponseAPDU(sw=0x6300)])), READ, READ) == [
        "319000", "6300",
    ]  # fmt: skip


def test_a_connection_can_be_made_from_any_card() -> None:
    chip = personalised()
    card = Watched(chip)
    with CardConnection(card, "a reader") as connection:
        assert (connection.reader, connection.atr) == ("a reader", chip.atr)
        assert connection.transmit(SELECT.encode()) == OK
        connection.reset()
    assert card.resets == 2
    with pytest.raises(TransportError, match="a reader: the connection is closed"):
        connection.transmit(SELECT.encode())
    torn = CardConnection(Torn(chip, always))
    with pytest.raises(TransportError, match="left"):
        torn.transmit(SELECT.encode())
    torn.close()


# --- the chip's own table ------------------------------------------------------------------------


def test_a_chip_uses_the_table_of_instructions_that_it_is_given() -> None:
    def change(carry_out: CarryOut) -> CarryOut:
        def read(core: Core, command: CommandAPDU) -> ResponseAPDU:
            response = carry_out(core, command)
            return ResponseAPDU(bytes(len(response.data)), response.sw)

        return read

    state = personalised().state
    liar = Chip(state, instructions=instead(INS.READ_BINARY, change))
    size = len(FILE_CONTENTS[FileID.DG1])
    for chip, expected in ((liar, bytes(size)), (Chip(state), FILE_CONTENTS[FileID.DG1])):
        session = opened(chip)
        assert run(secured(exchange(READ), session), chip.process).data == expected
    without = {ins: each for ins, each in INSTRUCTIONS.items() if ins != INS.SELECT}
    assert Chip(state, instructions=without).process(SELECT.encode()) == b"\x6d\x00"
