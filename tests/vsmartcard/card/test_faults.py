"""Faults from their text: what each does, what repeats with a seed, and how mistakes are named."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.access import bac
from emrtd.errors import ProtocolError, TransportError, TransportFault
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.procedure import exchange, run
from emrtd.iso7816.secure_messaging import SecureMessagingError, secured
from emrtd.lds.files import FileID
from support.errors import MisuseError
from tests.helpers import REPOSITORY
from tests.vsmartcard.cards import BAC_KEYS, FILE_CONTENTS, MRZ, create, personalised, put_keys
from vsmartcard.card.conditions import always
from vsmartcard.card.faults.kinds import FAULTS
from vsmartcard.card.faults.layers import FRAME_WAITING_SECONDS, Losing
from vsmartcard.card.faults.spec import read_faults
from vsmartcard.card.faults.when import When
from vsmartcard.card.function_card import FunctionCard
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Watched
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState

SELECT = CommandAPDU(0x00, INS.SELECT, 0x04, 0x0C, bytes.fromhex("A0000002471001"))
CHALLENGE = CommandAPDU(0x00, INS.GET_CHALLENGE, ne=8)
READ = CommandAPDU(0x00, INS.READ_BINARY, 0x81, 0x00, ne=256)
DATA = bytes(range(256))


def answering(data: bytes = DATA) -> Watched:
    return Watched(FunctionCard(lambda _command: data))


def outcomes(card: Card, *commands: CommandAPDU) -> list[str]:
    """Return each response in hexadecimal, or the fault of the transport."""
    found = []
    for command in commands:
        try:
            found.append(card.process(command.encode()).hex())
        except TransportError as error:
            found.append(error.fault.value)
    return found


WHOLE = DATA.hex() + "9000"
LEFT, NOTHING = TransportFault.CARD_REMOVED.value, TransportFault.CARD_MUTE.value

OVER = {
    "tear-before": ("tear-before:2", [WHOLE, LEFT, LEFT], 1),
    "tear-after": ("tear-after:2", [WHOLE, LEFT, LEFT], 2),
    "refuse": ("refuse:2", [WHOLE, "6f00", WHOLE], 2),
    "refuse with its status word": ("refuse:insB0/2-3,6A82", [WHOLE, "6a82", "6a82"], 1),
    "wrong-status": ("wrong-status:2,6A82", [WHOLE, DATA.hex() + "6a82", WHOLE], 3),
    "short": ("short:2", [WHOLE, DATA[:128].hex() + "9000", WHOLE], 3),
    "short with its size": ("short:2-,3", [WHOLE, "0001029000", "0001029000"], 3),
    "lose-long": ("lose-long:2-", [WHOLE, NOTHING, NOTHING], 3),
    "lose-long with its size": ("lose-long,257", [WHOLE, WHOLE, WHOLE], 3),
    "mute": ("mute:2", [WHOLE, NOTHING, NOTHING], 1),
    "drop": ("drop:2", [WHOLE, "6988", WHOLE], 2),
}


@pytest.mark.parametrize("name", OVER)
def test_a_fault_between_terminal_and_card(name: str) -> None:
    spec, expected, carried_out = OVER[name]
    beneath = answering()
    assert outcomes(read_faults([spec]).over(beneath), READ, READ, READ) == expected
    assert len(beneath.exchanges) == carried_out


def test_a_mute_card_answers_after_a_reset() -> None:
    card = read_faults(["mute:2"]).over(answering())
    assert outcomes(card, READ, READ) == [WHOLE, NOTHING]
    card.reset()
    assert outcomes(card, READ) == [WHOLE]


def test_only_long_answers_are_lost() -> None:
    assert outcomes(Losing(answering(DATA[:255]), always), READ) == [DATA[:255].hex() + "9000"]


def test_a_flipped_bit_of_a_response_and_of_a_command() -> None:
    beneath = answering()
    changed = bytes.fromhex(outcomes(read_faults(["flip:1"]).over(beneath), READ)[0])
    assert number_of_bits(changed, bytes.fromhex(WHOLE)) == 1
    outcomes(read_faults(["flip-command:2"]).over(beneath), READ, SELECT)
    assert [number_of_bits(*each) for each in zip(
        beneath.sent[1:], (READ.encode(), SELECT.encode()), strict=True
    )] == [0, 1]  # fmt: skip


def number_of_bits(octets: bytes, others: bytes) -> int:
    assert len(octets) == len(others)
    pairs = zip(octets, others, strict=True)
    return sum((one ^ other).bit_count() for one, other in pairs)


def test_waiting_uses_the_clock_that_it_is_given() -> None:
    waited: list[float] = []
    specs = ["slow:2,7.5", "slow:3", "wtx:4", "wtx:5,59"]
    card = read_faults(specs, sleep=waited.append).over(answering())
    assert outcomes(card, *[READ] * 5) == [WHOLE] * 5
    assert waited == [7.5, 0.5, FRAME_WAITING_SECONDS, 59 * FRAME_WAITING_SECONDS]
    assert pytest.approx(0.0773, abs=0.0001) == FRAME_WAITING_SECONDS


# --- faults of the session and of the chip -------------------------------------------------------


def opened_and_read(card: Card, reads: int = 2) -> list[bytes | type[Exception]]:
    """Open the card by BAC and read EF.DG1 a few times; return its octets, or the error."""
    card.process(SELECT.encode())
    session = run(bac.authenticate(MRZ), card.process)
    found: list[bytes | type[Exception]] = []
    for _ in range(reads):
        try:
            found.append(run(secured(exchange(READ), session), card.process).data)
        except ProtocolError as error:
            found.append(type(error))
    return found


DG1 = FILE_CONTENTS[FileID.DG1]


@pytest.mark.parametrize("spec", ["reset:insB0/2", "swap:insB0/2", "other-program:insB0/2"])
def test_a_session_ends_where_the_card_is_disturbed(spec: str) -> None:
    first, second = opened_and_read(read_faults([spec]).card(personalised().state))
    assert first == DG1
    assert isinstance(second, type)
    assert issubclass(second, SecureMessagingError)


def test_another_card_takes_the_place_of_the_first(tmp_path: Path) -> None:
    other = personalised({FileID.DIR: b"\x61\x01o"})
    file = StateFile(tmp_path / "other.chip")
    file.save(other.state)
    file.close()
    spec = f"swap:2,{tmp_path / 'other.chip'}"
    read_faults([spec])  # which leaves the file to the next reader
    card = read_faults([spec]).card(personalised().state)
    directory = CommandAPDU(0x00, INS.READ_BINARY, 0x9E, 0x00, ne=256)
    assert outcomes(card, SELECT, directory) == ["9000", "61016f9000"]


def test_another_program_sends_its_command() -> None:
    beneath = answering()
    outcomes(read_faults(["other-program:2,0084000008"]).over(beneath), READ, SELECT)
    assert beneath.sent == [READ.encode(), CHALLENGE.encode(), SELECT.encode()]


def test_a_counter_jumps_before_the_response() -> None:
    first, second = opened_and_read(
        read_faults(["counter-jump:insB0/2,3"]).card(personalised().state)
    )
    assert first == DG1
    assert second is SecureMessagingError


def test_nonces_are_the_same_after_every_reset_and_differ_within_a_session() -> None:
    def nonces(*specs: str, seed: str = "1") -> list[str]:
        card = read_faults(specs, seed).card(personalised().state)
        found = []
        for _ in range(2):
            card.reset()
            found += outcomes(card, SELECT, CHALLENGE, CHALLENGE)[1:]
        return found

    first, second, third, fourth = nonces("nonce-reuse")
    assert (first, second) == (third, fourth)
    assert first != second
    assert nonces("nonce-reuse")[0] == first != nonces("nonce-reuse", seed="2")[0]
    assert len(set(nonces())) == 4


def test_a_memory_forgets_what_it_has_confirmed() -> None:
    blank = ChipState()
    faults = read_faults(["forget:2"])  # the first write creates the file
    chip = Chip(blank, memory=faults.memory)
    create(chip, FileID.COM, FILE_CONTENTS[FileID.COM])
    stored = next(iter(chip.state.files)).content
    assert stored == bytes(len(FILE_CONTENTS[FileID.COM]))
    put_keys(chip, BAC_KEYS)
    assert chip.state.keys == BAC_KEYS


# --- composing, seeds ----------------------------------------------------------------------------


def test_the_first_fault_is_nearest_to_the_chip() -> None:
    assert outcomes(read_faults(["short,1", "refuse:1"]).over(answering()), READ, READ) == [
        "6f00", "009000",
    ]  # fmt: skip
    lost = read_faults(["short,1", "lose-long"]).over(answering())
    assert outcomes(lost, READ) == ["009000"]
    assert outcomes(read_faults(["lose-long", "short,1"]).over(answering()), READ) == [NOTHING]


def test_the_same_seed_gives_the_same_faults_whatever_stands_beside_them() -> None:
    def flips(*specs: str, seed: str = "1") -> list[str]:
        return outcomes(read_faults(specs, seed).over(answering()), *[READ] * 50)

    once = flips("flip:0.2")
    assert 1 < sum(each != WHOLE for each in once) < 25
    assert flips("flip:0.2") == flips("slow:1,0", "flip:0.2") == once
    assert flips("flip:0.2", seed="2") != once
    twice = flips("flip:0.2", "flip:0.2")
    assert sum(each != WHOLE for each in twice) > sum(each != WHOLE for each in once)


@given(st.binary(max_size=40), st.integers(0, 1000))
def test_any_octets_get_an_answer_under_all_faults(octets: bytes, seed: int) -> None:
    specs = [
        f"{name}:0.2" if kind.counts and not name.startswith("tear") else name
        for name, kind in FAULTS.items()
        if not name.startswith("tear")
    ]
    card = read_faults(specs, str(seed), sleep=lambda _: None).card(STATE)
    for _ in range(3):
        try:
            assert len(card.process(octets)) >= 2
        except TransportError as error:
            assert error.fault is TransportFault.CARD_MUTE  # noqa: PT017


STATE = personalised().state


# --- the text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("", When()),
        ("12", When(None, 12, 12)),
        ("12-", When(None, 12)),
        ("12-20", When(None, 12, 20)),
        ("0.01", When(probability=0.01)),
        ("1.0", When()),
        ("insB0", When(0xB0)),
        ("insb0/3", When(0xB0, 3, 3)),
        ("insD6/2-", When(0xD6, 2)),
        ("ins86/0.5", When(0x86, probability=0.5)),
    ],
)
def test_the_text_of_a_position(text: str, when: When) -> None:
    assert When.decode(text) == when


@pytest.mark.parametrize(
    "text", ["0", "x", "-", "3-2", "1.5", "0.", "insB", "insB03", "insB0/", "/3", "ins", "1-2-3"]
)
def test_a_mistake_in_a_position(text: str) -> None:
    with pytest.raises(MisuseError, match=r"does not say when a fault happens; write N, N-, N-M"):
        read_faults([f"mute:{text}"])


@pytest.mark.parametrize("ending", ["", "3", "4-5"])
def test_positions_are_of_the_commands_with_the_instruction(ending: str) -> None:
    condition = When.decode("insB0" + (ending and f"/{ending}")).condition(Random(0))  # noqa: S311
    met = [condition(each) for each in (READ, SELECT, READ, READ, SELECT, READ, READ)]
    assert [number for number, each in enumerate(met) if each] == {
        "": [0, 2, 3, 5, 6],
        "3": [3],
        "4-5": [5, 6],
    }[ending]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("tare-after:12", "'tare-after:12': no fault is called 'tare-after'; choose from tear-be"),
        ("", "no fault is called ''"),
        ("mute,3", "'mute,3': mute takes no value, not 1"),
        ("slow:1,2,3", "slow takes at most 1 value, not 2"),
        ("slow:1,fast", "'fast' is not a number of seconds"),
        ("slow:1,inf", "'inf' is not a number of seconds"),
        ("refuse:1,90", "'90' is not a status word"),
        ("short:1,-1", "'-1' is not a number from 0 to 65535"),
        ("wtx:1,60", "'60' is not a number from 1 to 59"),
        ("other-program:1,xy", "'xy' is not a command"),
        ("swap:1,/nowhere.chip", "/nowhere.chip: no such card"),
        ("nonce-reuse:3", "nonce-reuse concerns every session"),
        ("forget:insD6", "forget counts writes of the memory"),
    ],
)
def test_a_mistake_is_named(spec: str, message: str) -> None:
    with pytest.raises(MisuseError) as raised:
        read_faults([spec])
    assert message in str(raised.value)


def test_every_fault_can_be_made() -> None:
    makers: dict[str, Callable[[], object]] = {
        name: lambda name=name: read_faults([name]) for name in FAULTS
    }
    assert all(make() for make in makers.values())


def test_the_documentation_lists_every_fault() -> None:
    page = (REPOSITORY / "docs/virtual-card.md").read_text(encoding="utf-8")
    rows = []
    for name, kind in FAULTS.items():
        form = name + (":WHEN" if kind.counts else "") + "".join(f",{each}" for each in kind.values)
        rows.append(f"| `{form}` | {kind.meaning} |")
    assert "\n".join(rows) in page
