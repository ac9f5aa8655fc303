"""Cards with transport keys, of each kind: written, torn out at every command, refused by name."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.keys import TEST_KEYS, MasterKeys
from emrtd.globalplatform.parameters import Mode, SecurityLevel, Variant
from emrtd.globalplatform.personalisation import STORE_DATA
from emrtd.globalplatform.scp03 import INITIALIZE_UPDATE
from emrtd.globalplatform.secure_channel import SecureChannelError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FileID
from emrtd.status_words import SW
from personalise.station.key_sources.interface import ChannelSettings, KeySource, Replacement
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
)
from support.secret import Secret
from tests.pair.station_cards import (
    BATCH_VERSION,
    KINDS,
    Batch,
    batch_blank,
    blank,
    sample_blank,
    sample_keys,
    write,
    write_without_keys,
)
from tests.pair.test_writing import assert_written, document
from vsmartcard.card.conditions import first, instruction, nth
from vsmartcard.card.layers import Interrupted, Refusing, Torn, Watched
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import BlankKind, SecurityDomain, TransportKeys
from vsmartcard.chip.state import ChipState, Hardware

SHORT = Hardware(extended_length=False)
ISO, GP = KINDS
LONG = AtrInfo.of(Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 4000, 4000)
IDS = [kind.label for kind in KINDS]
of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=IDS)


def domain_of(chip: Chip) -> SecurityDomain:
    assert chip.state.security_domain is not None
    return chip.state.security_domain


def with_domain(chip: Chip, **changes: object) -> Chip:
    domain = replace(domain_of(chip), **changes)
    return Chip(chip.state.with_security_domain(domain))


@of_each_kind
@pytest.mark.parametrize("hardware", [Hardware(), SHORT], ids=["extended", "short"])
def test_a_card_is_written_and_its_keys_are_not_used_again(
    kind: BlankKind, hardware: Hardware
) -> None:
    chip, files = sample_blank(kind, hardware), document(portrait=3000)
    assert not write(chip, files, kind).resumed
    assert_written(chip, files)
    chip.reset()
    card = Watched(chip)
    assert write(card, files, kind).already_complete
    assert not [each for each in card.commands if each.ins == INITIALIZE_UPDATE]
    for command in ("80500000080102030405060708", "80CA9F7F00", "00A4040008A000000151000000"):
        answer = chip.process(bytes.fromhex(command))
        assert answer in {b"\x6e\x00", b"\x6a\x82"}  # nothing that identifies the card


@of_each_kind
@pytest.mark.parametrize("level", list(SecurityLevel))
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("pseudo_random", [False, True])
@pytest.mark.parametrize("size", [16, 24, 32])
def test_every_mode_level_and_size_of_key(
    tmp_path: Path,
    kind: BlankKind,
    level: SecurityLevel,
    mode: Mode,
    pseudo_random: bool,
    size: int,
) -> None:
    keys = MasterKeys.single(Secret(bytes(range(size))))
    chip = with_domain(
        blank(TransportKeys(kind, keys, BATCH_VERSION)),
        variant=Variant(mode, pseudo_random),
    )
    source = Batch(tmp_path, keys, settings=ChannelSettings(level, mode))
    card, files = Watched(chip), document()
    write(card, files, kind, source)
    assert_written(chip, files)
    sent = b"".join(card.sent)
    assert domain_of(chip).keys.enc.reveal() not in sent
    password = chip.state.keys.passwords[0].password.secret.reveal()
    assert (password in sent) is (kind is ISO and not level.encrypts_commands)


def tears(kind: BlankKind, hardware: Hardware | None = None) -> list[tuple[BlankKind, int, bool]]:
    card = Watched(sample_blank(kind, hardware))
    write(card, document(), kind)
    return [(kind, at, done) for at in range(len(card.sent)) for done in (False, True)]


@pytest.mark.parametrize("hardware", [Hardware(), SHORT], ids=["extended", "short"])
@of_each_kind
def test_a_card_torn_out_at_any_command_is_finished_by_the_next_write(
    kind: BlankKind, hardware: Hardware
) -> None:
    files = document()
    for _, at, executed in tears(kind, hardware):
        chip = sample_blank(kind, hardware)
        with pytest.raises(TryAgainError):
            write(Torn(chip, nth(at), carried_out=executed), files, kind)
        chip.reset()
        locked = chip.state.life_cycle is LifeCycle.OPERATIONAL
        begun = chip.state.life_cycle is not LifeCycle.BLANK
        report = write(chip, files, kind)
        assert (report.already_complete, report.resumed) == (locked, begun), at
        assert_written(chip, files)
        assert domain_of(chip).failures == 0


@of_each_kind
def test_a_card_torn_out_while_its_keys_are_replaced_is_finished(
    tmp_path: Path, kind: BlankKind
) -> None:
    new = Replacement(0x12, MasterKeys.single(Secret(bytes(range(16)))))
    source, files = Batch(tmp_path, replacement=new), document()
    whole = Watched(batch_blank(kind))
    write(whole, files, kind, source)
    for at, executed in itertools.product(range(len(whole.sent)), (False, True)):
        chip = batch_blank(kind)
        with pytest.raises(TryAgainError):
            write(Torn(chip, nth(at), carried_out=executed), files, kind, source)
        chip.reset()
        write(chip, files, kind, source)
        assert_written(chip, files)
        domain = domain_of(chip)
        assert domain.key_version == new.version
        assert domain.keys == new.keys.for_card(domain.diversification_data, new.version)
    assert not source.failed_cards.exist()


@of_each_kind
def test_a_blank_takes_no_command_of_personalisation_from_anyone(kind: BlankKind) -> None:
    chip = sample_blank(kind)
    refusals = {SW.SECURITY_STATUS_NOT_SATISFIED, SW.INSTRUCTION_NOT_SUPPORTED}
    if kind is GP:
        chip.process(bytes.fromhex("00A4040C08A000000151000000"))
    for command in (
        CommandAPDU(0x00, INS.CREATE_FILE, data=bytes.fromhex("6208800200108302011D")),
        CommandAPDU(0x00, INS.UPDATE_BINARY, 0x81, 0, b"a"),
        CommandAPDU(0x00, INS.PUT_DATA, 0x00, 0xC2, b"\x01"),
        CommandAPDU(0x00, INS.ACTIVATE_FILE),
        CommandAPDU(0x00, INS.TERMINATE_CARD_USAGE),
        CommandAPDU(0x80, 0xE6, 0x20, 0x00, bytes.fromhex("000007A0000002471001000000")),
        CommandAPDU(0x80, STORE_DATA, 0x08, 0x00, bytes.fromhex("E0010701011D1D000010")),
        CommandAPDU(0x80, 0xD8, 0x30, 0x81, bytes(70)),
        CommandAPDU(0x84, STORE_DATA, 0x08, 0x00, bytes(30)),
    ):
        assert ResponseAPDU.decode(chip.process(command.encode())).sw in refusals, command
    assert chip.state.life_cycle is LifeCycle.BLANK


def test_a_partly_written_card_is_read_by_the_station_alone() -> None:
    chip = sample_blank(ISO)
    with pytest.raises(TryAgainError):
        write(Torn(chip, nth(14)), document(), ISO)
    chip.reset()
    chip.process(bytes.fromhex("00A4040C07A0000002471001"))
    for command in ("00B09D0000", "00A4020C02011D"):
        assert chip.process(bytes.fromhex(command)) == b"\x69\x82"


# --- keys that are not the card's --------------------------------------------------------------


def refused(
    card: Chip | Watched, kind: BlankKind, keys: KeySource, fault: CardFault
) -> RejectCardError:
    with pytest.raises(RejectCardError) as raised:
        write(card, document(), kind, keys)
    assert raised.value.fault is fault, raised.value
    return raised.value


@of_each_kind
def test_a_test_key_on_a_production_card_and_the_reverse(tmp_path: Path, kind: BlankKind) -> None:
    test_key = sample_keys()
    test_key.failed_cards = Batch(tmp_path).failed_cards
    refused(batch_blank(kind), kind, test_key, CardFault.NOT_A_TEST_CARD)
    source = Batch(tmp_path / "other", versions=(0x30,))
    error = refused(sample_blank(kind), kind, source, CardFault.TEST_CARD)
    assert "published test key" in str(error)
    error = refused(sample_blank(kind), kind, Batch(tmp_path / "third"), CardFault.WRONG_KEYS)
    assert "no keys of version 17 (hexadecimal 11), only of version 48 (hexadecimal 30)" in str(
        error
    )


@of_each_kind
def test_a_card_of_another_batch_is_tried_once(tmp_path: Path, kind: BlankKind) -> None:
    chip = batch_blank(kind)
    other = Batch(tmp_path, MasterKeys.single(Secret(bytes(32))))
    error = refused(chip, kind, other, CardFault.WRONG_KEYS)
    assert "other keys of version 17 (hexadecimal 11) than batch 17" in str(error)
    assert domain_of(chip).failures == 1
    assert chip.state.life_cycle is LifeCycle.BLANK
    chip.reset()
    again = refused(chip, kind, other, CardFault.WRONG_KEYS)
    assert domain_of(chip).failures == 1  # nothing was tried
    right = Batch(tmp_path)
    refused(chip, kind, right, CardFault.WRONG_KEYS)
    (note,) = right.failed_cards.folder.iterdir()
    assert str(note) in again.advice
    note.unlink()  # a person says that it may be tried
    write(chip, document(), kind, right)
    assert domain_of(chip).failures == 0


@of_each_kind
def test_another_card_of_the_batch_is_written_after_one_failed(
    tmp_path: Path, kind: BlankKind
) -> None:
    wrong = Batch(tmp_path, MasterKeys.single(Secret(bytes(32))))
    refused(batch_blank(kind), kind, wrong, CardFault.WRONG_KEYS)
    hardware = Hardware(serial_number=bytes(range(8)))
    chip = batch_blank(kind, hardware)
    write(chip, document(), kind, Batch(tmp_path))
    assert_written(chip, document())


@of_each_kind
def test_a_card_locked_by_wrong_keys_is_named(tmp_path: Path, kind: BlankKind) -> None:
    chip = with_domain(batch_blank(kind), failures=10)
    refused(chip, kind, Batch(tmp_path), CardFault.KEYS_BLOCKED)
    chip = batch_blank(kind)
    select = "00A4040C08A000000151000000" if kind is GP else "00A4040C07A0000002471001"
    chip.process(bytes.fromhex(select))
    for _ in range(10):
        assert chip.process(bytes.fromhex("805000000801020304050607")[:4] + b"\x08" + bytes(8))
    assert domain_of(chip).failures == 10
    chip.reset()
    refused(chip, kind, Batch(tmp_path), CardFault.KEYS_BLOCKED)


@of_each_kind
def test_a_blank_of_another_kind_is_rejected(kind: BlankKind) -> None:
    other = next(each for each in KINDS if each is not kind)
    error = refused(sample_blank(other), kind, sample_keys(), CardFault.WRONG_KIND)
    assert kind.label in str(error) or "CREATE FILE" in str(error)


@of_each_kind
def test_without_keys_a_card_that_wants_them_stops_the_reader(
    kind: BlankKind, tmp_path: Path
) -> None:
    chip, files = sample_blank(kind), document()
    with pytest.raises(StopReaderError, match="--card-keys"):
        write_without_keys(chip, files, kind)
    assert chip.state.life_cycle is LifeCycle.BLANK
    open_chip = Chip(ChipState())
    error = refused(open_chip, ISO, Batch(tmp_path), CardFault.WRONG_KIND)
    assert "--card-keys none" in error.advice


def test_a_card_of_the_other_mode_is_named(tmp_path: Path) -> None:
    chip = with_domain(batch_blank(GP), variant=Variant(Mode.S16))
    error = refused(chip, GP, Batch(tmp_path), CardFault.WRONG_KIND)
    assert "does not use S8" in str(error)
    assert domain_of(chip).failures == 0


def test_a_level_that_the_card_does_not_support_is_named(tmp_path: Path) -> None:
    chip = with_domain(batch_blank(GP), variant=Variant(r_encryption=False))
    with pytest.raises(RejectCardError, match="does not support security level 33"):
        write(chip, document(), GP, Batch(tmp_path))


# --- faults of the cards -----------------------------------------------------------------------


STEPS = (
    "creating files",
    "writing files",
    "writing files",
    "creating files",
    "writing files",
    "storing the chip's keys",
    "writing files",
    "locking the card",
)
"""What each STORE DATA does: the application, the master file, then the end of EF.SOD, the lock."""


@pytest.mark.parametrize("sw", [SW.CONDITIONS_NOT_SATISFIED, SW.MEMORY_FAILURE, SW.INCORRECT_DATA])
@pytest.mark.parametrize(("at", "step"), list(enumerate(STEPS)))
def test_store_data_refused_half_way(at: int, step: str, sw: int) -> None:
    """The step is named; the card can be finished unless it held the whole document already."""
    chip, files = sample_blank(GP), document(portrait=1000)
    keys_at_fault = step.startswith("storing") and sw == SW.INCORRECT_DATA
    expected = RejectApplicationError if keys_at_fault else RejectCardError
    with pytest.raises(expected) as raised:
        write(Refusing(chip, _nth_of(STORE_DATA, at), sw), files, GP)
    assert f"{sw:04X}" in str(raised.value)
    assert keys_at_fault or f"STORE DATA, {step}" in str(raised.value)
    complete = at >= len(STEPS) - 2
    terminated = chip.state.life_cycle is LifeCycle.TERMINATED
    assert terminated is complete
    assert ("the card was terminated" in str(raised.value)) is complete
    chip.reset()
    if not terminated:
        write(chip, files, GP)
        assert_written(chip, files)


def test_the_steps_are_those_of_a_whole_card() -> None:
    card = Watched(sample_blank(GP))
    write(card, document(portrait=1000), GP)
    assert len([each for each in card.commands if each.ins == STORE_DATA]) == len(STEPS)


def _nth_of(ins: int, at: int) -> Callable[[CommandAPDU], bool]:
    count = itertools.count()
    return lambda command: command.ins == ins and next(count) == at


@of_each_kind
def test_a_card_that_is_too_small_is_rejected_before_personal_data_is_written(
    kind: BlankKind,
) -> None:
    chip = sample_blank(kind, Hardware(memory=1400))
    error = refused(chip, kind, sample_keys(), CardFault.NO_ROOM)
    assert "no room for" in str(error)
    assert not any(any(file.content) for file in chip.state.files)
    chip = sample_blank(kind, Hardware(memory=1640))
    error = refused(chip, kind, sample_keys(), CardFault.NO_ROOM)
    assert "no room for the chip's keys" in str(error)


@of_each_kind
def test_a_card_that_refuses_its_announced_length_gets_short_commands(kind: BlankKind) -> None:
    files = document(portrait=9000) | {FileID.ATR_INFO: LONG.encode()}
    chip = sample_blank(kind, Hardware(max_command=800))
    write(chip, files, kind)
    assert_written(chip, files)


@of_each_kind
def test_a_card_whose_counter_is_behind(tmp_path: Path, kind: BlankKind) -> None:
    """It does not count commands without data, which `globalplatform` cards do not get."""
    chip = with_domain(batch_blank(kind), counts_empty_commands=False)
    counting, files = ChannelSettings(), document()
    if kind is ISO:
        with pytest.raises(RejectCardError, match=r"SCP03|does not read back|69"):
            write(chip, files, kind, Batch(tmp_path, settings=counting))
        chip = with_domain(batch_blank(kind), counts_empty_commands=False)
    settings = replace(counting, counts_empty_commands=False)
    write(chip, files, kind, Batch(tmp_path, settings=settings))
    assert_written(chip, files)


@of_each_kind
def test_another_program_that_ends_the_session_is_named(kind: BlankKind) -> None:
    chip, files = sample_blank(kind), document()

    class Other(Watched):
        def process(self, octets: bytes) -> bytes:
            command = CommandAPDU.decode(octets)
            if command.ins in {STORE_DATA, INS.UPDATE_BINARY} and not self.resets:
                self.resets += 1
                chip.process(bytes.fromhex("8050000008") + bytes(8))  # begins its own session
            return super().process(octets)

    with pytest.raises(TryAgainError, match="another program"):
        write(Other(chip), files, kind)
    chip.reset()
    write(chip, files, kind)
    assert_written(chip, files)


@pytest.mark.parametrize(
    "command",
    ["00A4000C023F00", "00A4040C07A0000002471001", "00A4040C08A000000151000000", "00A4020C02011E"],
)
@of_each_kind
def test_a_program_that_selects_something_costs_at_most_another_try(
    kind: BlankKind, command: str
) -> None:
    whole, files = Watched(sample_blank(kind)), document()
    write(whole, files, kind)
    for at in range(len(whole.sent)):
        chip = sample_blank(kind)
        card = Interrupted(chip, nth(at), [bytes.fromhex(command)])
        try:
            write(card, files, kind)
        except TryAgainError:
            chip.reset()
            write(chip, files, kind)
        assert_written(chip, files)
        assert domain_of(chip).failures == 0


@of_each_kind
def test_a_response_that_was_changed_on_its_way_is_not_taken(kind: BlankKind) -> None:
    chip = sample_blank(kind)

    class Changing(Watched):
        def process(self, octets: bytes) -> bytes:
            response = super().process(octets)
            if CommandAPDU.decode(octets).cla & 0x04 and len(response) > 2:
                return response[:-3] + bytes((response[-3] ^ 1,)) + response[-2:]
            return response

    with pytest.raises(RejectCardError) as raised:
        write(Changing(chip), document(), kind)
    assert isinstance(raised.value.__cause__, SecureChannelError)


def test_put_key_that_the_card_refuses_leaves_a_card_that_can_be_finished(tmp_path: Path) -> None:
    new = Replacement(0x12, TEST_KEYS)
    chip, source = batch_blank(GP), Batch(tmp_path, replacement=new)
    with pytest.raises(RejectCardError) as raised:
        write(Refusing(chip, first(instruction(0xD8)), SW.INCORRECT_DATA), document(), GP, source)
    assert isinstance(raised.value.__cause__, ChipRefusalError)
    chip.reset()
    write(chip, document(), GP, source)
    assert domain_of(chip).key_version == 0x12


def test_the_state_of_a_blank_is_kept() -> None:
    for kind in KINDS:
        state = with_domain(
            batch_blank(kind), counts_empty_commands=False, failures=3, sequence_counter=0x010203
        ).state
        assert ChipState.decode(state.encode()).security_domain == state.security_domain


@of_each_kind
def test_a_blank_jmrtd_applet_is_named_as_another_kind(kind: BlankKind) -> None:
    chip = sample_blank(BlankKind.JMRTD_APPLET)
    files = document() | {FileID.DG3: b"\x63\x03\x02\x01\x00"}
    with pytest.raises(RejectCardError, match=kind.label) as raised:
        write(chip, files, kind)
    assert raised.value.fault is CardFault.WRONG_KIND
    assert chip.state.life_cycle is LifeCycle.BLANK
