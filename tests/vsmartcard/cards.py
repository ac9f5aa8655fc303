"""Chips for tests: blank, personalised over their own commands, and locked."""

import secrets
from collections.abc import Callable, Mapping

from emrtd.access.chip_keys import ChipKeys, ChipPassword
from emrtd.access.passwords import Password
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Random
from emrtd.lds.files import APPLICATIONS, FILES, FileID
from vsmartcard.chip.commands import INSTRUCTIONS, Instructions
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState, Hardware

MRZ_INFORMATION = "L898902C<369080619406236"  # of the specimen of Doc 9303-11, appendix D
MRZ = Password.from_mrz_information(MRZ_INFORMATION)
BAC_KEYS = ChipKeys(passwords=(ChipPassword.of(MRZ),), basic_access_control=True)

FILE_CONTENTS = {
    FileID.ATR_INFO: bytes.fromhex("47038401C0"),
    FileID.DIR: bytes.fromhex("61094F07A0000002471001"),
    FileID.COM: bytes.fromhex("60095F0104303130375C00"),
    FileID.SOD: b"\x77\x03sod",
    FileID.DG1: b"\x61\x03dg1",
    FileID.DG2: b"\x75\x82\x03\xe8" + bytes(range(250)) * 4,
    FileID.DG3: b"\x63\x03dg3",
}


def transmit(chip: Chip, command: CommandAPDU | str) -> ResponseAPDU:
    """Send a command, or its octets in hexadecimal."""
    octets = bytes.fromhex(command) if isinstance(command, str) else command.encode()
    return ResponseAPDU.decode(chip.process(octets))


def done(chip: Chip, command: CommandAPDU | str) -> bytes:
    """Send a command that must succeed."""
    response = transmit(chip, command)
    assert response.sw == 0x9000, f"{response.sw:04X}"
    return response.data


def select_directory(chip: Chip, directory: Directory) -> None:
    """Select the master file, or an application."""
    in_application = directory is not Directory.MASTER_FILE
    done(chip, "00A4040C07" + APPLICATIONS[directory].hex() if in_application else "00A4000C")


def select(chip: Chip, file: FileID) -> int:
    """Select a file in its directory, and return the status word."""
    entry = FILES[file]
    select_directory(chip, entry.directory)
    return transmit(chip, f"00A4020C02{entry.identifier:04X}").sw


def create(chip: Chip, file: FileID, content: bytes) -> None:
    """Create a file in its directory and write it."""
    entry = FILES[file]
    select_directory(chip, entry.directory)
    control = bytes.fromhex(
        f"620D8004{len(content):08X}8302{entry.identifier:04X}8801{entry.short_identifier << 3:02X}"
    )
    control = b"\x62" + bytes((len(control) - 2,)) + control[2:]
    done(chip, CommandAPDU(0x00, INS.CREATE_FILE, data=control))
    for offset in range(0, len(content), 200):
        part = content[offset : offset + 200]
        command = CommandAPDU(0x00, INS.UPDATE_BINARY, *divmod(offset, 256), part)
        if offset >= odd_ins.FIRST_OFFSET:
            data = odd_ins.encode_offset(offset) + odd_ins.encode_data(part)
            command = CommandAPDU(0x00, INS.UPDATE_BINARY_ODD, data=data)
        done(chip, command)


def put_keys(chip: Chip, keys: ChipKeys) -> None:
    """Put every data object of the keys."""
    for tag, value in keys.data_objects():
        done(chip, CommandAPDU(0x00, INS.PUT_DATA, tag >> 8, tag & 0xFF, value.reveal()))


def personalised(
    files: Mapping[FileID, bytes] = FILE_CONTENTS,
    keys: ChipKeys = BAC_KEYS,
    *,
    hardware: Hardware | None = None,
    locked: bool = True,
    random: Random = secrets.token_bytes,
    instructions: Instructions = INSTRUCTIONS,
) -> Chip:
    """Return a chip with these files and keys.

    `instructions` is its table of instructions after personalisation.
    """
    chip = Chip(ChipState(hardware or Hardware()), random=random)
    for file, content in files.items():
        create(chip, file, content)
    put_keys(chip, keys)
    if locked:
        done(chip, "00440000")
    return Chip(chip.state, random=random, instructions=instructions)


def counting() -> Callable[[int], bytes]:
    """Return a source of the octets 01, 02, 03, ... for tests that need the same each time."""
    position = 0

    def random(size: int) -> bytes:
        nonlocal position
        position += size
        return bytes((position - size + 1 + each) & 0xFF for each in range(size))

    return random
