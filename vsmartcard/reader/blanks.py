"""Numbered blank virtual cards in a folder, for a feeder."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emrtd.globalplatform.keys import MasterKeys, cipher_of
from emrtd.globalplatform.parameters import Variant
from emrtd.iso7816.procedure import Random
from emrtd.transport.connection import Tray
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.security_domain import TransportKeys
from vsmartcard.chip.state import ChipState, Hardware
from vsmartcard.reader.feeder import SUFFIX, chips_in

SAMPLES: Final = TransportKeys()
"""Blanks with the published test key."""


def make_blanks(
    folder: Path,
    count: int,
    *,
    hardware: Hardware | None = None,
    transport: TransportKeys | None = SAMPLES,
    random: Random = secrets.token_bytes,
) -> Iterator[tuple[Path, bytes]]:
    """Make blank cards; yield the file and the serial number of each after it is written.

    By default they are of the kind `iso7816-9`, with the published test key; with `transport` None
    anyone can personalise them.
    The numbers continue after the highest one in the folder and its trays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = 1 + max(map(_number, _all_in(folder)), default=0)
    for number in range(first, first + count):
        path = folder / f"{number:04}{SUFFIX}"
        state = ChipState.blank(hardware, random=random, transport=transport)
        file = StateFile(path)
        file.save(state)
        file.close()
        yield path, state.hardware.serial_number


def read_master_key(path: Path) -> MasterKeys:
    """Read a master key in hexadecimal; raises `MalformedError` unless it is an AES key."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        master = Secret(bytes.fromhex(text))
        cipher_of(master)
    except (ValueError, MisuseError):
        raise MalformedError(
            str(path), "does not hold a key of 16, 24 or 32 octets in hexadecimal"
        ) from None
    return MasterKeys.single(master)


def read_variant(text: str) -> Variant:
    """Read the parameter i of SCP03 in hexadecimal; raises `MisuseError`."""
    try:
        return Variant.of(int(text, 16))
    except (ValueError, MalformedError):
        raise MisuseError(
            f"{text!r} is not a parameter i of SCP03", advice="use a sum of 01, 10, 20 and 40"
        ) from None


def _all_in(folder: Path) -> Iterator[Path]:
    for each in (folder, *(folder / tray.value for tray in Tray)):
        yield from chips_in(each)


def _number(path: Path) -> int:
    digits = path.stem.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
