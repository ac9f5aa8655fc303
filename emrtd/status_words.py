"""Status words of ISO/IEC 7816-4, with what they mean (Doc 9303-10, 3.5 and 3.6)."""

from enum import IntEnum, unique
from typing import Final

from support.reasons import Reason


@unique
class SW(IntEnum):
    """The status words that an eMRTD or a terminal uses; two octets, SW1 || SW2."""

    OK = 0x9000
    END_OF_FILE = 0x6282
    FILE_DEACTIVATED = 0x6283
    AUTHENTICATION_FAILED = 0x6300
    EXECUTION_ERROR = 0x6400
    MEMORY_FAILURE = 0x6581
    WRONG_LENGTH = 0x6700
    LOGICAL_CHANNEL_NOT_SUPPORTED = 0x6881
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882
    LAST_COMMAND_EXPECTED = 0x6883
    CHAINING_NOT_SUPPORTED = 0x6884
    COMMAND_INCOMPATIBLE_WITH_FILE = 0x6981
    SECURITY_STATUS_NOT_SATISFIED = 0x6982
    AUTHENTICATION_METHOD_BLOCKED = 0x6983
    REFERENCE_DATA_NOT_USABLE = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    NO_CURRENT_EF = 0x6986
    SM_DATA_OBJECT_MISSING = 0x6987
    SM_DATA_OBJECT_INCORRECT = 0x6988
    INCORRECT_DATA = 0x6A80
    FUNCTION_NOT_SUPPORTED = 0x6A81
    FILE_NOT_FOUND = 0x6A82
    NOT_ENOUGH_MEMORY = 0x6A84
    INCORRECT_P1_P2 = 0x6A86
    LC_INCONSISTENT = 0x6A87
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    FILE_ALREADY_EXISTS = 0x6A89
    WRONG_OFFSET = 0x6B00
    INSTRUCTION_NOT_SUPPORTED = 0x6D00
    CLASS_NOT_SUPPORTED = 0x6E00
    NO_PRECISE_DIAGNOSIS = 0x6F00


_MEANINGS: Final = {
    SW.OK: "done",
    SW.END_OF_FILE: "end of file reached before Ne octets",
    SW.FILE_DEACTIVATED: "selected file deactivated",
    SW.AUTHENTICATION_FAILED: "authentication failed",
    SW.EXECUTION_ERROR: "execution error",
    SW.MEMORY_FAILURE: "memory failure",
    SW.WRONG_LENGTH: "wrong length",
    SW.LOGICAL_CHANNEL_NOT_SUPPORTED: "logical channel not supported",
    SW.SECURE_MESSAGING_NOT_SUPPORTED: "secure messaging not supported",
    SW.LAST_COMMAND_EXPECTED: "last command of the chain expected",
    SW.CHAINING_NOT_SUPPORTED: "command chaining not supported",
    SW.COMMAND_INCOMPATIBLE_WITH_FILE: "command incompatible with the file structure",
    SW.SECURITY_STATUS_NOT_SATISFIED: "security status not satisfied",
    SW.AUTHENTICATION_METHOD_BLOCKED: "authentication method blocked",
    SW.REFERENCE_DATA_NOT_USABLE: "reference data not usable",
    SW.CONDITIONS_NOT_SATISFIED: "conditions of use not satisfied",
    SW.NO_CURRENT_EF: "command not allowed, no current file",
    SW.SM_DATA_OBJECT_MISSING: "secure messaging data object missing",
    SW.SM_DATA_OBJECT_INCORRECT: "secure messaging data object incorrect",
    SW.INCORRECT_DATA: "incorrect parameters in the data field",
    SW.FUNCTION_NOT_SUPPORTED: "function not supported",
    SW.FILE_NOT_FOUND: "file or application not found",
    SW.NOT_ENOUGH_MEMORY: "not enough memory in the file or on the chip",
    SW.INCORRECT_P1_P2: "incorrect P1-P2",
    SW.LC_INCONSISTENT: "Lc inconsistent with P1-P2",
    SW.REFERENCED_DATA_NOT_FOUND: "referenced data not found",
    SW.FILE_ALREADY_EXISTS: "file already exists",
    SW.WRONG_OFFSET: "offset outside the file",
    SW.INSTRUCTION_NOT_SUPPORTED: "instruction not supported",
    SW.CLASS_NOT_SUPPORTED: "class not supported",
    SW.NO_PRECISE_DIAGNOSIS: "no precise diagnosis",
}


def meaning(sw: int) -> str:
    """Describe the status word `sw` in a few words."""
    known = _MEANINGS.get(SW(sw)) if sw in SW._value2member_map_ else None
    if known is not None:
        return known
    sw1, sw2 = divmod(sw, 256)
    if sw1 == 0x61:
        return Reason("{count} more octets to fetch", count=sw2 or 256)
    if sw1 == 0x6C:
        return Reason("wrong Le, {count} octets are available", count=sw2 or 256)
    if sw & 0xFFF0 == 0x63C0:
        return Reason("verification failed, {count} tries left", count=sw & 15)
    return {0x62: "warning", 0x63: "warning", 0x64: "execution error", 0x65: "memory error"}.get(
        sw1, "unknown status word"
    )
