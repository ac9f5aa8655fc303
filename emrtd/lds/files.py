"""The table of elementary files (Doc 9303-10, 3.10, 3.11 and 4.7)."""

from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

import msgspec

from emrtd.iso7816.directories import Directory

if TYPE_CHECKING:
    from emrtd.iso7816.reading import FileAddress

EMRTD_APPLICATION: Final = bytes.fromhex("A0000002471001")
"""AID of the LDS1 eMRTD application (Doc 9303-10, 4.5.6)."""

APPLICATIONS: Final = {Directory.EMRTD: EMRTD_APPLICATION}
"""The AID of every directory but the master file."""

MASTER_FILE: Final = 0x3F00


@unique
class FileID(StrEnum):
    """Every elementary file, by its name in Doc 9303."""

    ATR_INFO = "EF.ATR/INFO"
    DIR = "EF.DIR"
    CARD_ACCESS = "EF.CardAccess"
    CARD_SECURITY = "EF.CardSecurity"
    COM = "EF.COM"
    SOD = "EF.SOD"
    CVCA = "EF.CVCA"
    DG1 = "DG1"
    DG2 = "DG2"
    DG3 = "DG3"
    DG4 = "DG4"
    DG5 = "DG5"
    DG6 = "DG6"
    DG7 = "DG7"
    DG8 = "DG8"
    DG9 = "DG9"
    DG10 = "DG10"
    DG11 = "DG11"
    DG12 = "DG12"
    DG13 = "DG13"
    DG14 = "DG14"
    DG15 = "DG15"
    DG16 = "DG16"


class ElementaryFile(msgspec.Struct, frozen=True):
    """The address of an elementary file, and the tag that it begins with.

    `identifier` is the 2-octet file identifier, `short_identifier` the 5-bit SFI; both are unique
    only within their directory.  `tag` is None if the file does not begin with a fixed tag.
    `sensitive` is whether a chip may require Terminal Authentication before the file is read
    (Doc 9303-10, Table 5; Doc 9303-11, 7).
    """

    file_id: FileID
    identifier: int
    short_identifier: int
    tag: int | None
    directory: Directory
    number: int | None = None
    sensitive: bool = False

    @property
    def file_name(self) -> str:
        """The name of the file in an LDS image: EF_DG1.bin."""
        stem = self.file_id.removeprefix("EF.").replace("/", "_")
        return f"EF_{stem}.bin"

    @property
    def address(self) -> "FileAddress":
        """The address of the file once its application is selected."""
        from emrtd.iso7816.reading import FileAddress

        several = {FileID.ATR_INFO, FileID.DIR, FileID.CVCA}
        return FileAddress(
            self.file_id,
            self.identifier,
            self.short_identifier,
            one_object=self.file_id not in several,
            directory=self.directory,
        )


_SENSITIVE_DATA_GROUPS: Final = (3, 4)  # fingers and irises


def _data_group(number: int, tag: int) -> ElementaryFile:
    return ElementaryFile(
        FileID(f"DG{number}"),
        0x0100 + number,
        number,
        tag,
        Directory.EMRTD,
        number=number,
        sensitive=number in _SENSITIVE_DATA_GROUPS,
    )


_DATA_GROUP_TAGS: Final = (
    0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70,
)  # fmt: skip

FILES: Final = {
    file.file_id: file
    for file in (
        ElementaryFile(FileID.ATR_INFO, 0x2F01, 0x01, None, Directory.MASTER_FILE),
        ElementaryFile(FileID.DIR, 0x2F00, 0x1E, 0x61, Directory.MASTER_FILE),
        ElementaryFile(FileID.CARD_ACCESS, 0x011C, 0x1C, 0x31, Directory.MASTER_FILE),
        ElementaryFile(FileID.CARD_SECURITY, 0x011D, 0x1D, 0x30, Directory.MASTER_FILE),
        ElementaryFile(FileID.COM, 0x011E, 0x1E, 0x60, Directory.EMRTD),
        ElementaryFile(FileID.SOD, 0x011D, 0x1D, 0x77, Directory.EMRTD),
        ElementaryFile(FileID.CVCA, 0x011C, 0x1C, 0x42, Directory.EMRTD),
        *(_data_group(number, tag) for number, tag in enumerate(_DATA_GROUP_TAGS, start=1)),
    )
}

DATA_GROUPS: Final = tuple(file for file in FILES.values() if file.number is not None)
"""DG1 to DG16, in order."""


def data_group(number: int) -> ElementaryFile:
    """Return the data group with this number, 1 to 16."""
    return DATA_GROUPS[number - 1]


def data_group_by_tag(tag: int) -> ElementaryFile | None:
    """Return the data group that begins with this tag, as EF.COM lists it; None for any other."""
    return next((file for file in DATA_GROUPS if file.tag == tag), None)
