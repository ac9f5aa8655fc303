"""Writing a card, with the virtual chip: interrupted at any command, and finished the next time."""

import random
from collections.abc import Callable

import pytest

from emrtd import tlv
from emrtd.access.chip_keys import ChipKeys, ChipPassword
from emrtd.access.opening import ByBac, ByPace
from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, ResponseAPDU
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import Procedure, run
from emrtd.lds.answer_to_reset import card_capabilities
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.status_words import SW
from personalise.station.cards.apdu_sizes import capabilities_for
from personalise.station.cards.interface import Capabilities, CardState
from personalise.station.cards.iso7816_9 import Iso7816Card
from personalise.station.checking import way_into
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    TryAgainError,
)
from personalise.station.writing import WriteReport, write_card
from support.errors import MisuseError
from tests.helpers import replace
from tests.verify.documents import PACE_GM
from vsmartcard.card.conditions import every, instruction, nth
from vsmartcard.card.layers import Refusing, Torn, Watched
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState, Hardware

Transmit = Callable[[bytes], bytes]
KEYS = ChipKeys(
    (ChipPassword.of(Password.from_mrz_information("L898902C<369080619406236")),),
    basic_access_control=True,
)
EXTENDED = AtrInfo.of(
    Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 4000, 4000
)


def document(seed: int = 1, portrait: int = 700) -> dict[FileID, bytes]:
    """A small document of random octets, with files in both directories."""
    octets = random.Random(seed).randbytes  # noqa: S311 - reproducible, not secret
    return {
        FileID.COM: tlv.encode(0x60, octets(20)),
        FileID.DG1: tlv.encode(0x61, octets(93)),
        FileID.DG2: tlv.encode(0x75, octets(portrait)),
        FileID.SOD: tlv.encode(0x77, octets(600)),
        FileID.CARD_ACCESS: tlv.encode(0x31, octets(40)),
    }


def write(
    transmit: Transmit,
    files: dict[FileID, bytes],
    keys: ChipKeys = KEYS,
    capabilities: Capabilities = Capabilities(),  # noqa: B008 - immutable
) -> WriteReport:
    card = Iso7816Card(b"", capabilities)
    procedure = write_card(files, keys, card, way_into(keys, None))
    return run(with_response_chaining(procedure), transmit)


def assert_written(chip: Chip, files: dict[FileID, bytes]) -> None:
    assert chip.state.life_cycle is LifeCycle.OPERATIONAL
    assert chip.state.keys.encode() == KEYS.encode()
    found = {(file.directory.value, file.identifier): file.content for file in chip.state.files}
    expected = {
        (FILES[file_id].directory, FILES[file_id].identifier): content
        for file_id, content in files.items()
    }
    assert found == expected


def test_a_document_is_written_and_locked_in_the_fewest_commands() -> None:
    chip, files = Chip(), document()
    card = Watched(chip)
    report = write(card.process, files)
    assert report == WriteReport(5, sum(map(len, files.values())), False, False)
    assert_written(chip, files)
    writes = sum(-(-len(content) // 255) for content in files.values())
    reads = sum(-(-len(content) // 256) for content in files.values())
    creates, keys, selects = len(files), 2, 4  # begin, two directories, the check of the lock
    selects += 2  # one file of each directory by the path from the MF, to detect other programs
    selects += 3  # the application and EF.SOD again for its end, the application for the read-back
    assert len(card.exchanges) == selects + creates + writes + reads + keys + 1 + 1


@pytest.mark.parametrize("portrait", [32_760, 70_000])
def test_extended_length_writes_files_beyond_32767_octets(portrait: int) -> None:
    chip, files = Chip(), document(portrait=portrait) | {FileID.ATR_INFO: EXTENDED.encode()}
    capabilities = capabilities_for(chip.atr, files)
    assert capabilities == Capabilities(command=3991, response=3998)
    card = Watched(chip)
    write(card.process, files, capabilities=capabilities)
    assert_written(chip, files)
    assert len(card.exchanges) < 2 * portrait / 3900 + 40
    chip = Chip()
    write(chip.process, files)  # and in short commands
    assert_written(chip, files)


def test_a_card_that_refuses_its_announced_length_gets_short_commands() -> None:
    chip = Chip(ChipState(Hardware(max_command=800, max_response=65_535)))
    files = document() | {FileID.ATR_INFO: EXTENDED.encode()}
    write(chip.process, files, capabilities=capabilities_for(chip.atr, files))
    assert_written(chip, files)


def test_apdus_are_short_unless_the_card_announces_extended_length() -> None:
    short = Chip(ChipState(Hardware(extended_length=False)))
    files = document() | {FileID.ATR_INFO: EXTENDED.encode()}
    assert capabilities_for(short.atr, files) == Capabilities()
    assert capabilities_for(Chip().atr, document()) == Capabilities(command=991, response=998)
    for atr in ("", "3B", "3B8F8001804F0CA000000306", "3B80800101", "3BFF"):
        assert card_capabilities(bytes.fromhex(atr)) is None
        assert capabilities_for(bytes.fromhex(atr), files) == Capabilities()


def tears() -> list[tuple[int, bool]]:
    card = Watched(Chip())
    write(card.process, document())
    return [(at, executed) for at in range(len(card.exchanges)) for executed in (False, True)]


@pytest.mark.parametrize(("at", "executed"), tears())
def test_a_write_interrupted_at_any_command_is_finished_by_the_next(
    at: int, executed: bool
) -> None:
    chip, files = Chip(), document()
    with pytest.raises(TryAgainError):
        write(Torn(chip, nth(at), carried_out=executed).process, files)
    chip.reset()
    locked = chip.state.life_cycle is LifeCycle.OPERATIONAL
    begun = chip.state.life_cycle is not LifeCycle.BLANK
    report = write(chip.process, files)
    assert (report.already_complete, report.resumed) == (locked, begun)
    assert_written(chip, files)


def test_a_write_interrupted_many_times_is_finished_by_the_last() -> None:
    chip, files = Chip(), document(portrait=3000)
    for at in (4, 9, 14, 19, 24, 29, 34, 39):
        with pytest.raises(TryAgainError):
            write(Torn(chip, nth(at), carried_out=at % 2 == 0).process, files)
        chip.reset()
    write(chip.process, files)
    assert_written(chip, files)


def test_a_partly_written_block_is_written_again() -> None:
    chip, files = Chip(), document()
    with pytest.raises(TryAgainError):
        write(Torn(chip, nth(14)).process, files)
    damaged = [
        replace(file, content=file.content[:100] + b"\xff" + file.content[101:])
        if file.identifier == FILES[FileID.DG2].identifier
        else file
        for file in chip.state.files
    ]
    chip = Chip(replace(chip.state, files=type(chip.state.files)(tuple(damaged))))
    write(chip.process, files)
    assert_written(chip, files)


def torn(files: dict[FileID, bytes], at: int) -> Chip:
    chip = Chip()
    with pytest.raises(TryAgainError):
        write(Torn(chip, nth(at)).process, files)
    chip.reset()
    return chip


@pytest.mark.parametrize("other", [document(2), document(1, 701) | {FileID.SOD: b"\x77\x01\x00"}])
def test_a_card_partly_written_with_another_document_is_left_unchanged(
    other: dict[FileID, bytes],
) -> None:
    chip = torn(other, 12)
    before = chip.state
    with pytest.raises(RejectCardError, match=r"another document \(EF\.SOD differs\)"):
        write(chip.process, document())
    assert chip.state == before
    write(chip.process, other)
    assert_written(chip, other)


def test_a_locked_card_of_another_document_is_refused() -> None:
    chip = Chip()
    write(chip.process, document(2))
    before = chip.state
    with pytest.raises(RejectCardError, match="locked, and holds another document"):
        write(chip.process, document())
    chip.reset()
    password = ChipPassword.of(Password.from_mrz_information("X123456789"))
    with pytest.raises(RejectCardError, match="locked, and holds another document"):
        write(chip.process, document(), replace(KEYS, passwords=(password,)))
    assert chip.state == before


def test_a_terminated_card_is_refused() -> None:
    chip = Chip(ChipState(life_cycle=LifeCycle.TERMINATED))
    with pytest.raises(RejectCardError, match="terminated"):
        write(chip.process, document())


def test_a_card_that_is_too_small_is_rejected_before_personal_data_is_written() -> None:
    chip = Chip(ChipState(Hardware(memory=1400)))
    with pytest.raises(RejectCardError, match=r"no room for DG2 \(704 octets\)"):
        write(chip.process, document())
    assert not any(any(file.content) for file in chip.state.files)
    chip = Chip(ChipState(Hardware(memory=1640)))
    with pytest.raises(RejectCardError, match="no room for the chip's keys"):
        write(chip.process, document())


def test_a_card_that_is_not_an_emrtd_is_rejected() -> None:
    for sw in (SW.FILE_NOT_FOUND, SW.CLASS_NOT_SUPPORTED):
        with pytest.raises(RejectCardError, match="no eMRTD application"):
            write(lambda _, sw=sw: ResponseAPDU(sw=sw).encode(), document())
    with pytest.raises(RejectCardError, match="6900") as refused:
        write(lambda _: b"\x69\x00", document())
    assert refused.value.fault is CardFault.REFUSES
    assert isinstance(refused.value.__cause__, ChipRefusalError)


def test_a_card_without_control_parameters_is_written() -> None:
    chip, files = Chip(), document()
    for_control_parameters = every(instruction(INS.SELECT), lambda command: command.p2 == 0x04)
    write(Refusing(chip, for_control_parameters, SW.INCORRECT_P1_P2).process, files)
    assert_written(chip, files)


def test_a_card_that_does_not_store_what_is_written_is_rejected() -> None:
    with pytest.raises(RejectCardError, match=r"EF\.COM does not read back"):
        write(Refusing(Chip(), instruction(INS.UPDATE_BINARY), SW.OK).process, document())


def test_a_card_that_does_not_lock_is_rejected() -> None:
    with pytest.raises(RejectCardError, match="without a password"):
        write(Refusing(Chip(), instruction(INS.ACTIVATE_FILE), SW.OK).process, document())


def test_an_image_without_a_security_object_is_refused() -> None:
    files = document()
    del files[FileID.SOD]
    with pytest.raises(RejectApplicationError, match=r"no EF\.SOD"):
        write(Chip().process, files)


# --- what a station tells, and what it repeats ----------------------------------------------------


def whole() -> dict[FileID, bytes]:
    """Return a document with a sensitive data group and several files of the master file."""
    octets = random.Random(9).randbytes  # noqa: S311 - reproducible, not secret
    return document() | {
        FileID.DG3: tlv.encode(0x63, octets(50)),
        FileID.DIR: tlv.encode(0x61, octets(9)),
        FileID.ATR_INFO: tlv.encode(0x47, octets(3)),
    }


def test_the_progress_counts_what_is_written_and_what_is_read_back() -> None:
    files, seen = whole(), list[tuple[int, int]]()
    card = Iso7816Card(b"")
    procedure = write_card(
        files, KEYS, card, way_into(KEYS, None), lambda done, total: seen.append((done, total))
    )
    run(with_response_chaining(procedure), Chip().process)
    total = 2 * sum(map(len, files.values()))
    assert {each for _, each in seen} == {total}
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) == 2 * len(files) + 1  # the end of EF.SOD is written separately
    assert seen[-1] == (total, total)


def test_files_that_are_complete_are_not_written_again() -> None:
    chip, files = Chip(), whole()
    with pytest.raises(TryAgainError):
        write(Torn(chip, instruction(INS.ACTIVATE_FILE)).process, files)
    chip.reset()
    card = Watched(chip)
    assert write(card.process, files).resumed
    assert not [each for each in card.commands if each.ins == INS.UPDATE_BINARY and each.data]
    assert not [each for each in card.commands if each.ins == INS.CREATE_FILE and not each.data]


def test_each_file_of_a_resumed_card_is_looked_for_by_its_path() -> None:
    """On a blank card the last file of the master file is enough."""

    def by_path(card: Watched) -> list[bytes]:
        """Return the identifiers that were selected by their path from the master file."""
        selected = [each for each in card.commands if each.ins == INS.SELECT and each.p1 == 0x08]
        return sorted({each.data for each in selected if len(each.data) == 2} & of_master_file)

    chip, files = Chip(), whole()
    of_master_file = {
        FILES[each].identifier.to_bytes(2, "big")
        for each in (FileID.CARD_ACCESS, FileID.DIR, FileID.ATR_INFO)
    }
    blank = Watched(Torn(chip, instruction(INS.ACTIVATE_FILE)))
    with pytest.raises(TryAgainError):
        write(blank.process, files)
    chip.reset()
    resumed = Watched(chip)
    write(resumed.process, files)
    assert len(by_path(blank)) == 1
    assert by_path(resumed) == sorted(of_master_file)


def test_a_refusal_of_the_station_is_not_its_own_cause() -> None:
    chip = Chip(ChipState(life_cycle=LifeCycle.TERMINATED))
    with pytest.raises(RejectCardError) as refused:
        write(chip.process, document())
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("reads_back", [False, True])
def test_a_complete_card_with_a_sensitive_data_group_is_recognised(reads_back: bool) -> None:
    """DG3 is closed without Terminal Authentication; files of the master file are elsewhere."""
    chip, files = Chip(), whole()
    kind = Capabilities(reads_back=reads_back)
    assert not write(chip.process, files, capabilities=kind).already_complete
    chip.reset()
    assert write(chip.process, files, capabilities=kind).already_complete


def test_the_way_into_a_card() -> None:
    infos = CardAccess(SecurityInfos(PACE_GM)).encode()
    closed, without = replace(KEYS, basic_access_control=False), replace(KEYS, passwords=())
    assert isinstance(way_into(KEYS, None), ByBac)
    assert isinstance(way_into(KEYS, infos), ByBac)
    assert isinstance(way_into(closed, infos), ByPace)
    for keys, card_access in ((closed, None), (closed, b""), (without, infos), (without, None)):
        with pytest.raises(MisuseError, match="no password that opens the card"):
            way_into(keys, card_access)


def test_a_card_that_cannot_be_resumed_and_has_the_file_is_rejected() -> None:
    """Its kind did not see that it was not blank."""

    class Forgetful(Iso7816Card):
        def begin(self) -> Procedure[CardState]:
            yield from super().begin()
            return CardState.EMPTY

    chip = torn(document(), 8)
    assert chip.state.files
    card = Forgetful(b"", Capabilities(resumable=False))
    procedure = write_card(document(), KEYS, card, way_into(KEYS, None))
    with pytest.raises(RejectCardError, match="already exists on the card") as refused:
        run(with_response_chaining(procedure), chip.process)
    assert refused.value.fault is CardFault.CANNOT_FINISH
