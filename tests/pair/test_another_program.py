"""Another program selects files on the card between the station's commands."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from emrtd import tlv
from emrtd.errors import TransportError
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import run
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from personalise.station.cards.iso7816_9 import Iso7816Card
from personalise.station.checking import way_into
from personalise.station.outcomes import CardFault, RejectCardError, TryAgainError, WriteError
from personalise.station.writing import WriteReport, write_card
from tests.helpers import replace
from tests.pair.test_kinds_of_cards import KEYS, document
from vsmartcard.card.conditions import after, nth
from vsmartcard.card.layers import Interrupted, Torn, Watched
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.files.file_system import FileSystem, TransparentFile
from vsmartcard.chip.life_cycle import LifeCycle

Transmit = Callable[[bytes], bytes]
SELECT_MASTER_FILE = bytes.fromhex("00A4000C023F00")
SELECT_APPLICATION = bytes.fromhex("00A4040C07") + EMRTD_APPLICATION
COMMANDS = range(50)
"""Positions of commands; a write of any of these documents has fewer."""


def passport() -> dict[FileID, bytes]:
    """A document with files in both directories, two of which share an identifier."""
    return document() | {
        FileID.CARD_ACCESS: tlv.encode(0x31, bytes(40)),
        FileID.CARD_SECURITY: tlv.encode(0x30, bytes(200)),
    }


def old_passport() -> dict[FileID, bytes]:
    """A document without PACE, whose MF files share short identifiers with DG1 and EF.COM.

    DG1 and EF.COM are large enough that the MF's files could be written into them.
    """
    return document() | {FileID.ATR_INFO: bytes.fromhex("47038401C0")}


def twins() -> dict[FileID, bytes]:
    """A document whose MF files have the identifiers and sizes of files of the application."""
    octets = b"a" * 100
    return document() | {
        FileID.COM: tlv.encode(0x60, octets),
        FileID.SOD: tlv.encode(0x77, octets),
        FileID.CVCA: tlv.encode(0x42, octets),
        FileID.DIR: tlv.encode(0x61, b"d" * 100),
        FileID.CARD_SECURITY: tlv.encode(0x30, b"s" * 100),
        FileID.CARD_ACCESS: tlv.encode(0x31, b"c" * 100),
    }


DOCUMENTS = {
    "permit": document,
    "passport": passport,
    "old passport": old_passport,
    "twins": twins,
}


def interrupted(chip: Chip, command: bytes, *before: int) -> Transmit:
    """Let another program send `command` before the commands at these positions, or before all."""
    when = nth(*before) if before else after(nth(0))
    return Interrupted(chip, when, [command]).process


def write(transmit: Transmit, files: dict[FileID, bytes]) -> WriteReport:
    procedure = write_card(files, KEYS, Iso7816Card(b""), way_into(KEYS, None))
    return run(with_response_chaining(procedure), transmit)


def content(chip: Chip) -> dict[tuple[int, int], bytes]:
    return {(file.directory.value, file.identifier): file.content for file in chip.state.files}


def expected(files: dict[FileID, bytes]) -> dict[tuple[int, int], bytes]:
    return {
        (FILES[each].directory.value, FILES[each].identifier): octets
        for each, octets in files.items()
    }


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("command", [SELECT_MASTER_FILE, SELECT_APPLICATION])
@pytest.mark.parametrize("before", COMMANDS)
def test_no_card_is_locked_with_a_file_in_the_wrong_directory(
    name: str, command: bytes, before: int
) -> None:
    chip, files = Chip(), DOCUMENTS[name]()
    for transmit in (interrupted(chip, command, before), chip.process):
        with suppress(TryAgainError, RejectCardError):
            write(transmit, files)
        chip.reset()
    if chip.state.life_cycle is LifeCycle.OPERATIONAL:
        assert content(chip) == expected(files)
        assert write(chip.process, files).already_complete


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("command", [SELECT_MASTER_FILE, SELECT_APPLICATION])
def test_no_card_is_locked_while_a_program_selects_before_every_command(
    name: str, command: bytes
) -> None:
    chip, files = Chip(), DOCUMENTS[name]()
    with pytest.raises(WriteError):
        write(interrupted(chip, command), files)
    assert chip.state.life_cycle is not LifeCycle.OPERATIONAL


def test_a_program_that_selects_before_and_after_a_write_does_no_harm() -> None:
    chip = Chip()
    chip.process(SELECT_MASTER_FILE)
    assert not write(chip.process, passport()).resumed
    chip.process(SELECT_MASTER_FILE)
    assert write(chip.process, passport()).already_complete


def test_a_card_with_files_outside_the_application_is_rejected_and_never_locked() -> None:
    chip, files = Chip(), document()
    with pytest.raises(RejectCardError, match="master file instead of its eMRTD") as rejected:
        write(interrupted(chip, SELECT_MASTER_FILE, 1, 2), files)
    assert rejected.value.fault is CardFault.CANNOT_FINISH
    assert rejected.value.exit_status == 65
    assert "another program" in rejected.value.message
    for _ in range(2):
        chip.reset()
        with pytest.raises(RejectCardError) as again:
            write(chip.process, files)
        assert again.value.fault is CardFault.CANNOT_FINISH
    assert chip.state.life_cycle is LifeCycle.IN_PERSONALISATION


def test_a_file_missing_from_the_master_file_is_noticed_before_the_lock() -> None:
    files = passport()
    del files[FileID.DIR], files[FileID.CARD_SECURITY]
    watched = Watched(Chip())
    write(watched.process, files)
    commands = [command for command, _ in watched.exchanges]
    chip = Chip()
    with pytest.raises(RejectCardError, match="is not in the card's master file") as found:
        write(interrupted(chip, SELECT_APPLICATION, commands.index(SELECT_MASTER_FILE) + 1), files)
    assert found.value.fault is CardFault.CANNOT_FINISH
    chip.reset()
    with pytest.raises(RejectCardError, match="is in the card's eMRTD application instead of its"):
        write(chip.process, files)
    assert chip.state.life_cycle is LifeCycle.IN_PERSONALISATION


def locked(files: dict[FileID, bytes], *strays: TransparentFile, without: str = "") -> Chip:
    """A locked card with these files more, or one file less."""
    chip = Chip()
    write(chip.process, files)
    kept = tuple(
        file
        for file in chip.state.files
        if not without or file.identifier != FILES[FileID(without)].identifier
    )
    return Chip(replace(chip.state, files=FileSystem((*kept, *strays))))


def test_a_locked_card_is_complete_only_with_each_file_in_its_directory() -> None:
    files = document()
    assert write(locked(files).process, files).already_complete
    dg2 = FILES[FileID.DG2]
    stray = TransparentFile(Directory.MASTER_FILE, dg2.identifier, dg2.short_identifier, b"\x75\0")
    with pytest.raises(RejectCardError, match="DG2 is in the card's master file") as found:
        write(locked(files, stray).process, files)
    assert found.value.fault is CardFault.CANNOT_FINISH
    with pytest.raises(RejectCardError, match="DG2 is not in its eMRTD application"):
        write(locked(files, without="DG2").process, files)
    with pytest.raises(RejectCardError, match="holds another document"):
        write(locked(files, without="EF.SOD").process, files)


@pytest.mark.parametrize("command", [SELECT_MASTER_FILE, SELECT_APPLICATION])
def test_a_session_that_another_program_ends_is_not_another_document(command: bytes) -> None:
    files = passport()
    chip = Chip()
    write(chip.process, files)
    watched = Watched(chip)
    chip.reset()
    assert write(watched.process, files).already_complete
    opened = next(at for at, (sent, _) in enumerate(watched.exchanges) if sent[0] & 0x0C == 0x0C)
    assert opened < len(watched.exchanges) - 10
    for at in range(opened, len(watched.exchanges)):
        chip.reset()
        with pytest.raises(TryAgainError, match="another program uses the card"):
            write(interrupted(chip, command, at), files)
    chip.reset()
    assert write(chip.process, files).already_complete


def test_nothing_is_sent_after_a_transport_error() -> None:
    """The card that answers next may be a different one."""
    watched = Watched(Chip())
    write(watched.process, passport())
    for at in range(len(watched.exchanges)):
        reset = partial(TransportError, "another program reset the card", advice="close it")
        card = Watched(Torn(Chip(), nth(at), error=reset))
        with pytest.raises(TryAgainError, match="another program reset the card; close it") as left:
            write(card.process, passport())
        assert left.value.exit_status == 69
        assert len(card.sent) == at + 1
