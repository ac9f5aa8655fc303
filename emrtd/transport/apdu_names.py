"""What a command does, in a few words that reveal nothing secret."""

from typing import Final

from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.secure_messaging import SECURE_MESSAGING_BITS
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID

_NAMES: Final = {
    INS.PUT_DATA: "PUT DATA",
    INS.PUT_DATA_ODD: "PUT DATA",
    INS.READ_BINARY_ODD: "READ BINARY (odd)",
    INS.UPDATE_BINARY_ODD: "UPDATE BINARY (odd)",
    INS.MANAGE_SECURITY_ENVIRONMENT: "MSE",
    INS.PERFORM_SECURITY_OPERATION: "PSO: verify certificate",
    0x50: "INITIALIZE UPDATE",
    0xE2: "STORE DATA",
    0xE6: "INSTALL",
}
_MSE: Final = {
    (0xC1, 0xA4): "MSE:Set AT for PACE",
    (0x41, 0xA4): "MSE:Set AT for Chip Authentication",
    (0x81, 0xA4): "MSE:Set AT for Terminal Authentication",
    (0x81, 0xB6): "MSE:Set DST",
    (0x41, 0xA6): "MSE:Set KAT",
}
_SELECTED_BY_NAME, _SELECTED_MASTER_FILE = 0x04, 0x00
_BY_SHORT_IDENTIFIER: Final = 0x80

_BY_IDENTIFIER: Final = {
    (each.directory, each.identifier): file_id for file_id, each in FILES.items()
}
_BY_SFI: Final = {
    (each.directory, each.short_identifier): file_id for file_id, each in FILES.items()
}


class Namer:
    """Names the commands of a connection in order; it follows which directory is selected.

    Under secure messaging the data of a command is not readable, and neither is the file that it
    selects.
    """

    def __init__(self) -> None:
        self._directory = Directory.MASTER_FILE

    def reset(self) -> None:
        """Begin with the master file again."""
        self._directory = Directory.MASTER_FILE

    def name(self, command: CommandAPDU) -> str:
        """Return the name of a command and what it concerns: "SELECT DG1", "READ BINARY 0"."""
        protected = command.cla & SECURE_MESSAGING_BITS == SECURE_MESSAGING_BITS
        match command.ins:
            case INS.SELECT:
                return f"SELECT {self._selected(command, protected=protected)}".rstrip()
            case INS.READ_BINARY | INS.UPDATE_BINARY:
                words = INS(command.ins).name.replace("_", " ")
                return f"{words} {self._position(command)}"
            case INS.MANAGE_SECURITY_ENVIRONMENT:
                return _MSE.get((command.p1, command.p2), "MSE")
        return _NAMES.get(command.ins) or _standard_name(command.ins)

    def _selected(self, command: CommandAPDU, *, protected: bool) -> str:
        if command.p1 == _SELECTED_BY_NAME:
            if protected or command.data == EMRTD_APPLICATION:
                self._directory = Directory.EMRTD
                return "the eMRTD application"
            return "an application"
        if protected:
            return ""
        if command.p1 == _SELECTED_MASTER_FILE:
            self._directory = Directory.MASTER_FILE
            return "the MF"
        identifier = int.from_bytes(command.data, "big")
        return _BY_IDENTIFIER.get((self._directory, identifier), f"EF {identifier:04X}")

    def _position(self, command: CommandAPDU) -> str:
        if not command.p1 & _BY_SHORT_IDENTIFIER:
            return f"from {command.p1 << 8 | command.p2}"
        short = command.p1 & 0x1F
        file: FileID | str = _BY_SFI.get((self._directory, short), f"SFI {short:02X}")
        return f"of {file} from {command.p2}"


def _standard_name(ins: int) -> str:
    return INS(ins).name.replace("_", " ") if ins in INS._value2member_map_ else "unknown command"
