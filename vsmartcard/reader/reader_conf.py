"""reader.conf, which lists the virtual readers of a pcscd and their ports (reader.conf(5)).

Each entry of vpcd's driver makes two readers, on two consecutive ports.  Two entries with the same
driver file would share its variables and break, so each of our entries has its own copy.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emrtd.errors import TransportError

SYSTEM_FOLDER: Final = Path("/etc/reader.conf.d")
"""The folder with the reader.conf files of the system's pcscd."""

SLOTS: Final = 2
"""The number of readers of one entry, fixed when vpcd is compiled."""

MOST_READERS: Final = 16
"""The most readers that one pcscd supports."""

_DRIVER: Final = "libifdvpcd.so"
_DRIVER_FOLDERS: Final = ("/usr/lib/pcsc/drivers/serial", "/usr/lib64/pcsc/drivers/serial")
_LINE: Final = re.compile(
    r'^\s*(FRIENDLYNAME|CHANNELID|LIBPATH)\s+"?([^"\n]+?)"?\s*$', re.MULTILINE
)
_MOST_OCTETS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class VpcdEntry:
    """One entry of vpcd: the prefix of its readers' names, and the port of the first."""

    name: str
    port: int
    driver: Path

    def port_of(self, reader: str) -> int | None:
        """Return the port of a reader, `NAME index slot` in pcscd; None if it is another's."""
        match = re.fullmatch(rf"{re.escape(self.name)} [0-9A-F]{{2}} ([0-9A-F]{{2}})", reader)
        return None if match is None else self.port + int(match[1], 16)


def read_entries(folder: Path) -> tuple[VpcdEntry, ...]:
    """Return the entries of vpcd in the files of a configuration folder."""
    return tuple(entry for text in _texts(folder) for entry in _entries(text))


def write_entries(folder: Path, count: int, first_port: int) -> tuple[VpcdEntry, ...]:
    """Write a configuration folder with entries for `count` readers, and a driver for each."""
    driver = _find_driver()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    entries = []
    for number in range((count + SLOTS - 1) // SLOTS):
        copy = folder.parent / f"libifdvpcd-{number}.so"
        shutil.copyfile(driver, copy)
        entries.append(VpcdEntry(f"Virtual PCD {number}", first_port + SLOTS * number, copy))
    text = "\n".join(map(_format, entries))
    (folder / "chipseal.conf").write_text(text, encoding="utf-8")
    return tuple(entries)


def _format(entry: VpcdEntry) -> str:
    return (
        f'FRIENDLYNAME "{entry.name}"\n'
        f"DEVICENAME /dev/null:0x{entry.port:X}\n"
        f"LIBPATH {entry.driver}\n"
        f"CHANNELID 0x{entry.port:X}\n"
    )


def _texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            yield path.read_bytes()[:_MOST_OCTETS].decode(errors="replace")
        except OSError:
            continue  # a folder, or not readable


def _entries(text: str) -> Iterator[VpcdEntry]:
    found: dict[str, str] = {}
    for key, value in _LINE.findall(text):
        found = {key: value} if key == "FRIENDLYNAME" else found | {key: value}
        if len(found) == 3:
            driver = Path(found["LIBPATH"])
            if "vpcd" in driver.name and re.fullmatch(r"0x[0-9A-Fa-f]+|\d+", found["CHANNELID"]):
                yield VpcdEntry(found["FRIENDLYNAME"], int(found["CHANNELID"], 0), driver)
            found = {}


def _find_driver() -> Path:
    installed = [entry.driver for entry in read_entries(SYSTEM_FOLDER)]
    for driver in (*installed, *(Path(folder) / _DRIVER for folder in _DRIVER_FOLDERS)):
        if driver.is_file():
            return driver
    raise TransportError(
        "vpcd, the driver of virtual readers, is not installed",
        advice="apt install vsmartcard-vpcd",
    )
