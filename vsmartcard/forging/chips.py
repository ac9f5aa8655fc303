"""The chip that a forger makes: files and keys, written and locked without a station."""

from collections.abc import Mapping

from emrtd.access.chip_keys import ChipKeys
from emrtd.lds.files import FILES, FileID
from vsmartcard.chip.files.file_system import FileSystem, TransparentFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState, Hardware


def locked_state(
    files: Mapping[FileID, bytes], keys: ChipKeys, hardware: Hardware | None = None
) -> ChipState:
    """Return the state of a locked chip with these files and keys."""
    system = FileSystem(
        tuple(
            TransparentFile(file.directory, file.identifier, file.short_identifier, files[file_id])
            for file_id, file in FILES.items()
            if file_id in files
        )
    )
    return ChipState(hardware or Hardware(), LifeCycle.OPERATIONAL, system, keys)
