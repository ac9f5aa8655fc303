"""Numbered blank virtual cards in a folder, for a feeder."""

import secrets
from collections.abc import Iterator
from pathlib import Path

from emrtd.iso7816.procedure import Random
from emrtd.transport.connection import Tray
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.state import ChipState, Hardware
from vsmartcard.reader.feeder import SUFFIX, chips_in


def make_blanks(
    folder: Path,
    count: int,
    *,
    hardware: Hardware | None = None,
    random: Random = secrets.token_bytes,
) -> Iterator[tuple[Path, bytes]]:
    """Make blank cards; yield the file and the serial number of each after it is written.

    The numbers continue after the highest one in the folder and its trays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = 1 + max(map(_number, _all_in(folder)), default=0)
    for number in range(first, first + count):
        path = folder / f"{number:04}{SUFFIX}"
        state = ChipState.blank(hardware, random=random)
        file = StateFile(path)
        file.save(state)
        file.close()
        yield path, state.hardware.serial_number


def _all_in(folder: Path) -> Iterator[Path]:
    for each in (folder, *(folder / tray.value for tray in Tray)):
        yield from chips_in(each)


def _number(path: Path) -> int:
    digits = path.stem.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
