"""Command and response APDUs, in all four cases, short and extended (ISO/IEC 7816-3, 12.1)."""

from enum import IntEnum, unique
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError
from support.values import Hidden, Value

SHORT_MAX_DATA: Final = 255
SHORT_MAX_LE: Final = 256
EXTENDED_MAX_DATA: Final = 65535
EXTENDED_MAX_LE: Final = 65536


@unique
class INS(IntEnum):
    """Instruction octets (ISO/IEC 7816-4, 7816-8, 7816-9)."""

    ACTIVATE_FILE = 0x44
    TERMINATE_CARD_USAGE = 0xFE
    MANAGE_SECURITY_ENVIRONMENT = 0x22
    PERFORM_SECURITY_OPERATION = 0x2A
    VERIFY = 0x20
    RESET_RETRY_COUNTER = 0x2C
    EXTERNAL_AUTHENTICATE = 0x82
    GET_CHALLENGE = 0x84
    GENERAL_AUTHENTICATE = 0x86
    INTERNAL_AUTHENTICATE = 0x88
    SELECT = 0xA4
    READ_BINARY = 0xB0
    READ_BINARY_ODD = 0xB1
    GET_RESPONSE = 0xC0
    GET_DATA = 0xCA
    UPDATE_BINARY = 0xD6
    UPDATE_BINARY_ODD = 0xD7
    PUT_DATA = 0xDA
    PUT_DATA_ODD = 0xDB
    CREATE_FILE = 0xE0
    DELETE_FILE = 0xE4


class CommandAPDU(Value, frozen=True):
    """A command: header, data of 0 to 65,535 octets, Ne of 1 to 65,536 or None for no response.

    `extended` selects the extended form; data above 255 or Ne above 256 octets imply it.
    """

    cla: int
    ins: int
    p1: int = 0
    p2: int = 0
    data: Hidden[bytes] = b""
    ne: int | None = None
    extended: bool = False

    def __post_init__(self) -> None:
        if (self.cla | self.ins | self.p1 | self.p2) & ~0xFF:
            raise MisuseError("CLA, INS, P1 and P2 of a command must be one octet each")
        if len(self.data) > EXTENDED_MAX_DATA:
            raise MisuseError(f"a command carries at most {EXTENDED_MAX_DATA} octets of data")
        if self.ne is not None and not 1 <= self.ne <= EXTENDED_MAX_LE:
            raise MisuseError(f"Ne must be 1 to {EXTENDED_MAX_LE}")

    @property
    def is_extended(self) -> bool:
        """Whether the command is encoded with extended length fields."""
        return self.extended or len(self.data) > SHORT_MAX_DATA or (self.ne or 0) > SHORT_MAX_LE

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    def encode(self) -> bytes:
        """Encode the command (4 to 65,544 octets)."""
        lc_size, le_size = (3, 2) if self.is_extended else (1, 1)
        parts = [self.header]
        if self.data:
            parts += [len(self.data).to_bytes(lc_size, "big"), self.data]
        elif self.is_extended and self.ne is not None:
            parts.append(b"\x00")  # case 2 extended: 00 announces the two octets of Le
        if self.ne is not None:
            parts.append((self.ne & (1 << 8 * le_size) - 1).to_bytes(le_size, "big"))
        return b"".join(parts)

    @classmethod
    def decode(cls, octets: bytes) -> "CommandAPDU":
        """Decode a command; raises `MalformedError` if its length fields do not fit."""
        if len(octets) < 4:
            raise MalformedError("command APDU", "shorter than its header of 4 octets")
        cla, ins, p1, p2 = octets[:4]
        body = octets[4:]
        if not body:
            return cls(cla, ins, p1, p2)
        if len(body) == 1:
            return cls(cla, ins, p1, p2, ne=body[0] or 256)
        if body[0] == 0 and len(body) >= 3:
            return cls._decode_extended(octets[:4], body)
        data, le = body[1 : 1 + body[0]], body[1 + body[0] :]
        if not data or len(data) != body[0] or len(le) > 1:
            raise MalformedError("command APDU", "Lc does not fit its length", 4)
        return cls(cla, ins, p1, p2, data, (le[0] or 256) if le else None)

    @classmethod
    def _decode_extended(cls, header: bytes, body: bytes) -> "CommandAPDU":
        cla, ins, p1, p2 = header
        first = int.from_bytes(body[1:3], "big")
        if len(body) == 3:
            return cls(cla, ins, p1, p2, ne=first or EXTENDED_MAX_LE, extended=True)
        data, le = body[3 : 3 + first], body[3 + first :]
        if not data or len(data) != first or len(le) not in {0, 2}:
            raise MalformedError("command APDU", "extended Lc does not fit its length", 4)
        ne = (int.from_bytes(le, "big") or EXTENDED_MAX_LE) if le else None
        return cls(cla, ins, p1, p2, data, ne, extended=True)


class ResponseAPDU(Value, frozen=True):
    """A response: data of 0 to 65,536 octets, and the status word."""

    data: Hidden[bytes] = b""
    sw: int = SW.OK

    def encode(self) -> bytes:
        """Encode the response: data, then SW1 and SW2."""
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def decode(cls, octets: bytes) -> "ResponseAPDU":
        """Decode a response; raises `MalformedError` for fewer than 2 octets."""
        if len(octets) < 2:
            raise MalformedError("response APDU", "shorter than a status word of 2 octets")
        return cls(octets[:-2], int.from_bytes(octets[-2:], "big"))

    def require(self, doing: str, *accepted: int) -> bytes:
        """Return the data; raises `ChipRefusalError` unless `sw` is 9000 or in `accepted`."""
        if self.sw != SW.OK and self.sw not in accepted:
            raise ChipRefusalError(self.sw, doing)
        return self.data
