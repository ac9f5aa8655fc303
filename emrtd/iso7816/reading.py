"""Reading elementary files in as few commands as the chip allows (Doc 9303-10, 3.6.3 to 3.6.5).

The first READ BINARY uses the short EF identifier and requests a full block, and the file's length
is parsed from its answer, without a SELECT or a probe.  A block is as large as both buffers allow,
up to 65,503 octets if EF.ATR/INFO allows extended length.  A smaller limit that the chip shows
applies for the rest of the session.  Offsets from 32,768 use READ BINARY with odd INS.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import ber
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816 import odd_ins
from emrtd.iso7816.apdu import EXTENDED_MAX_LE, INS, SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure
from emrtd.iso7816.secure_messaging import BareResponseError
from emrtd.iso7816.selecting import select_command, select_file
from emrtd.status_words import SW
from support.errors import MalformedError
from support.reasons import Reason

MAX_FILE_SIZE: Final = 1 << 20
"""The largest file that is read, in octets; a larger declared length is an error."""

_MAX_INDEFINITE: Final = 64 * 1024
"""The largest file without a declared length, in octets; EF.SOD of some documents is one."""

_SMALL_BLOCKS: Final = (0xDF, 0xA0, 0x80, 0x60, 0x40, 0x20)
"""The block sizes tried, in this order, if a chip refuses a larger one with 6700."""

_HEADER: Final = 6
"""Enough octets for the tag and the length field of any file."""

_MOST_RETRIES: Final = len(_SMALL_BLOCKS) + 3
"""How often one READ BINARY is sent before its last answer is final."""

_WARNINGS: Final = (SW.END_OF_FILE, SW.FILE_DEACTIVATED)
"""Warnings that may accompany octets; some chips warn that EF.CardAccess is deactivated."""


class FileAddress(msgspec.Struct, frozen=True):
    """How a file is selected: its 2-octet identifier, its 5-bit SFI, and its name in errors.

    The SFI is 0 for a file without one.  `one_object` is true if the file is one data object, whose
    header declares its length.
    """

    name: str
    identifier: int
    short_identifier: int
    one_object: bool = True
    directory: Directory = Directory.EMRTD


@lru_cache(maxsize=64)
def response_capacity(buffer: int, cipher_block: int | None) -> int:
    """Return how many octets of a file fit in a response of `buffer` octets, status word excluded.

    `cipher_block` is the block size of secure messaging in octets (8 or 16), None without it.
    The protected response is DO 87 with its padding indicator, DO 99 (4 octets) and DO 8E (10).
    """
    if cipher_block is None:
        return min(buffer, EXTENDED_MAX_LE)
    room = buffer - 4 - 10 - 1 - 1  # tag of DO 87, padding indicator
    for length_field in (1, 2, 3):
        cryptogram = (room - length_field) // cipher_block * cipher_block
        if len(tlv.encode_length(cryptogram + 1)) <= length_field:
            return max(cryptogram - 1, 1)  # padding takes at least one octet
    raise AssertionError("a response buffer is at most 65,536 octets")


class FileReader:
    """Reads files in one session, and remembers what the chip supports.

    `buffer` is the largest response data field in octets: 256, or the value of EF.ATR/INFO.
    """

    def __init__(self, buffer: int = SHORT_MAX_LE, cipher_block: int | None = None) -> None:
        self._buffer = buffer
        self._cipher_block = cipher_block
        self._smaller_blocks: Iterator[int] = iter(_SMALL_BLOCKS)
        self._block_limit = EXTENDED_MAX_LE
        self._short_identifiers_work: dict[Directory, bool] = {}
        self._header_first = False

    @property
    def block(self) -> int:
        """How many octets of a file one READ BINARY currently requests."""
        return min(response_capacity(self._buffer, self._cipher_block), self._block_limit)

    def set_cipher_block(self, cipher_block: int) -> None:
        """Use the block size of a new secure messaging session."""
        self._cipher_block = cipher_block

    def set_buffer(self, buffer: int) -> None:
        """Use responses of `buffer` octets, status word excluded, as EF.ATR/INFO allows."""
        self._buffer = buffer

    def reduce_block(self) -> bool:
        """Request less from now on; return False if no smaller block is left."""
        if self.block > SHORT_MAX_LE:
            self._buffer = SHORT_MAX_LE
            return True
        for size in self._smaller_blocks:
            if size < self.block:
                self._block_limit = size
                return True
        return False

    def reduce_after_lost_session(self) -> bool:
        """Request less after a session broke; return False if nothing less can be requested.

        Extended length is given up first.  Then the header of a file is read before the rest is
        requested, because some chips end the session if a file ends before Le octets.
        """
        if self.block <= SHORT_MAX_LE and not self._header_first:
            self._header_first = True
            return True
        return self.reduce_block()

    def needs_select(self, file: FileAddress) -> bool:
        """Whether a file needs SELECT: it has no SFI, or the chip does not support SFIs."""
        return not (
            file.short_identifier and self._short_identifiers_work.get(file.directory, True)
        )

    def probe(self, file: FileAddress) -> CommandAPDU:
        """Return the cheapest command that accesses a file: read one octet, or select it."""
        if self.needs_select(file):
            return select_command(file.identifier)
        return CommandAPDU(0x00, INS.READ_BINARY, 0x80 | file.short_identifier, 0x00, ne=1)

    def read(
        self,
        file: FileAddress,
        *,
        by_identifier: bool = False,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Procedure[bytes]:
        """Read one whole file, without any padding after its data object.

        `by_identifier` selects it by its 2-octet identifier instead of using its SFI.
        `progress` is called after each block with the octets read so far and the total, which is
        None if the file does not declare its length.
        Raises `ChipRefusalError` if the chip refuses the file (6A82: not found; 6982: access
        denied), `MalformedError` if the octets are not a file, `ProtocolError` if the chip returns
        more octets than requested.
        """
        first = min(self.block, _HEADER) if self._header_first else self.block
        first_block = self._select_and_read if by_identifier else self._first_block
        content = yield from first_block(file, first)
        if not content and file.one_object and first > _HEADER:
            self._header_first = True  # some chips answer 6B00 if a file ends before Le octets
            first = _HEADER
            content = yield from first_block(file, first)
        size = self._declared_size(content, file)
        is_indefinite = file.one_object and size is None
        at_end = size is None and not is_indefinite and len(content) < min(first, self.block)
        report = progress or _ignore_progress
        report(len(content[:size]), size)
        while not at_end and (size is None or len(content) < size):
            wanted = self.block if size is None else min(self.block, size - len(content))
            part = yield from self._block_at(file, len(content), wanted)
            content += part
            if is_indefinite:
                size = _indefinite_size(content, part, file)
            report(len(content[:size]), size)
            if size is None:
                at_end = not part if is_indefinite else len(part) < wanted
            elif not part:
                reason = Reason(
                    "ends after {octets} of {size} octets", octets=len(content), size=size
                )
                raise MalformedError(file.name, reason, len(content))
            if len(content) > MAX_FILE_SIZE:
                raise MalformedError(
                    file.name,
                    Reason(
                        "does not end within {max_file_size} octets", max_file_size=MAX_FILE_SIZE
                    ),
                )
        return content[:size]

    def _declared_size(self, head: bytes, file: FileAddress) -> int | None:
        if not head:
            raise MalformedError(file.name, "is empty", 0)
        if not file.one_object:
            return None
        if ber.is_indefinite(head):
            return _indefinite_size(head, head, file)
        size = tlv.declared_size(head, file.name)
        if size > MAX_FILE_SIZE:
            raise MalformedError(
                file.name,
                Reason(
                    "declares {size} octets, above the limit of {max_file_size}",
                    size=size,
                    max_file_size=MAX_FILE_SIZE,
                ),
                0,
            )
        return size

    def _first_block(self, file: FileAddress, wanted: int) -> Procedure[bytes]:
        """Read by SFI; before any SFI has worked, a refusal may mean that the chip has no SFIs."""
        if not self.needs_select(file):
            work = self._short_identifiers_work.get(file.directory)
            try:
                response = yield from self._read_binary(
                    lambda ne: CommandAPDU(
                        0x00, INS.READ_BINARY, 0x80 | file.short_identifier, 0x00, ne=ne
                    ),
                    wanted,
                )
            except BareResponseError:  # the session may or may not be over
                if work:
                    raise
            else:
                if response.sw == SW.OK or response.sw in _WARNINGS:
                    self._short_identifiers_work[file.directory] = True
                    return response.data
                if work:
                    raise ChipRefusalError(response.sw, Reason("reading {file}", file=file.name))
        return (yield from self._select_and_read(file, wanted))

    def _select_and_read(self, file: FileAddress, wanted: int) -> Procedure[bytes]:
        try:
            sw = yield from select_file(file.identifier)
        except BareResponseError as error:  # 6A82 does not end a session
            if error.sw != SW.FILE_NOT_FOUND:
                raise
            reason = "the chip answers 6A82 (not found) in plain, which is not authenticated"
            raise ProtocolError(
                Reason("selecting {file}: {reason}", file=file.name, reason=reason)
            ) from None
        if sw not in {SW.OK, SW.FILE_DEACTIVATED}:
            raise ChipRefusalError(sw, Reason("selecting {file}", file=file.name))
        content = yield from self._block_at(file, 0, min(wanted, self.block))
        if file.short_identifier:  # the file exists, but its SFI did not work
            self._short_identifiers_work.setdefault(file.directory, False)
        return content

    def _block_at(self, file: FileAddress, offset: int, wanted: int) -> Procedure[bytes]:
        """Read up to `wanted` octets at an offset; returns no octets at the end of the file."""
        if offset >= odd_ins.FIRST_OFFSET:
            return (yield from self._block_at_far(file, offset, wanted))
        response = yield from self._read_binary(
            lambda ne: CommandAPDU(0x00, INS.READ_BINARY, offset >> 8, offset & 0xFF, ne=ne), wanted
        )
        if response.sw == SW.WRONG_OFFSET:
            return b""
        return response.require(Reason("reading {file}", file=file.name), *_WARNINGS)

    def _block_at_far(self, file: FileAddress, offset: int, wanted: int) -> Procedure[bytes]:
        at = odd_ins.encode_offset(offset)
        response = yield from self._read_binary(
            lambda ne: CommandAPDU(0x00, INS.READ_BINARY_ODD, 0x00, 0x00, at, ne=ne),
            min(wanted + odd_ins.OVERHEAD, self.block),
        )
        if response.sw == SW.WRONG_OFFSET:
            return b""
        data = response.require(Reason("reading {file}", file=file.name), *_WARNINGS)
        return odd_ins.decode_answer(data, Reason("{file}, answer to READ BINARY", file=file.name))[
            :wanted
        ]

    def _read_binary(
        self, command: Callable[[int], CommandAPDU], wanted: int
    ) -> Procedure[ResponseAPDU]:
        """Send a READ BINARY; if the chip refuses its length, reduce it and send it again."""
        is_bare = False
        for _ in range(_MOST_RETRIES):
            try:
                response = yield command(wanted)
            except BareResponseError as error:
                if is_bare or not _is_of_length(error.sw):
                    raise
                response, is_bare = ResponseAPDU(sw=error.sw), True
            else:
                is_bare = False
            sw1, sw2 = divmod(response.sw, 256)
            if sw1 == 0x6C and (sw2 or SHORT_MAX_LE) != wanted:
                wanted = sw2 or SHORT_MAX_LE  # the number of octets left in the file
            elif response.sw == SW.WRONG_LENGTH and self.reduce_block():
                wanted = min(wanted, self.block)
            elif is_bare:
                raise BareResponseError(response.sw)
            else:
                break
        if len(response.data) > wanted:
            raise ProtocolError(
                Reason(
                    "the chip returned {octets} octets, {wanted} were requested",
                    octets=len(response.data),
                    wanted=wanted,
                )
            )
        return response


def _indefinite_size(content: bytes, part: bytes, file: FileAddress) -> int | None:
    """Return the size of a file of indefinite length (X.690, 8.1.3.6) if it has ended, else None.

    Its end is looked for only if the last part can have it.
    """
    if len(content) > _MAX_INDEFINITE:
        raise MalformedError(
            file.name,
            Reason("does not end within {max_indefinite} octets", max_indefinite=_MAX_INDEFINITE),
        )
    if b"\0\0" not in content[-len(part) - 1 :]:
        return None
    try:
        return ber.size_of(content, file.name)
    except MalformedError:
        return None


def _ignore_progress(_done: int, _of: int | None) -> None:
    pass


def _is_of_length(sw: int) -> bool:
    """Whether a status word refuses only the length of a command."""
    return sw == SW.WRONG_LENGTH or sw >> 8 == 0x6C
