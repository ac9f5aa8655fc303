"""Writing one card: files, keys, read-back of every octet, and the lock.

The procedure may be torn off at any command and run again: it finds what is there, finishes it, and
never mixes two documents.  EF.SOD is written first, for its hashes name the document; whatever
else is on a card belongs to the EF.SOD that is on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.answer_to_reset import card_capabilities
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FILES, ElementaryFile, FileID
from personalise.station.cards.interface import Buffers, Card, CardState, WrongCardError
from personalise.station.cards.iso7816_9 import Iso7816Card, another_document
from support.errors import MisuseError

CARD_PROFILES: Final[dict[str, Callable[[Buffers], Card]]] = {"iso7816-9": Iso7816Card}
"""The kinds of cards there are, by the name that a chip profile uses."""

_EXTENDED_OVERHEAD: Final = 9
"""Octets of an extended command that are not data: header, Lc and Le."""
_STATUS_WORD: Final = 2
_LEAST_EXTENDED: Final = 1000
"""What a chip with extended length holds that does not say more (Doc 9303-10, 3.11.1)."""
_LARGEST: Final = 32_768

Progress = Callable[[int, int], None]
"""Is told how many octets are written and read back, and how many there will have been."""


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What came of writing a card.

    `resumed` says that the card had been begun before, `already_complete` that nothing at all was
    left to do.  `octets` counts the content of the files.
    """

    files: int
    octets: int
    resumed: bool
    already_complete: bool


def buffers_for(atr: bytes, files: Mapping[FileID, bytes]) -> Buffers:
    """How long commands may be: extended where both the card and its EF.ATR/INFO say so."""
    capabilities = card_capabilities(atr)
    if capabilities is None or Capability.EXTENDED_LENGTH not in capabilities:
        return Buffers()
    command = response = _LEAST_EXTENDED
    if FileID.ATR_INFO in files:
        info = AtrInfo.decode(files[FileID.ATR_INFO])
        command, response = info.max_command or command, info.max_response or response
    return Buffers(
        max(255, min(command, _LARGEST) - _EXTENDED_OVERHEAD),
        max(256, min(response, _LARGEST) - _STATUS_WORD),
    )


def write_card(
    files: Mapping[FileID, bytes],
    keys: ChipKeys,
    card: Card,
    open_locked: Procedure[bytes],
    progress: Progress = lambda _done, _total: None,
) -> Procedure[WriteReport]:
    """Write a document to a card and lock it.

    `open_locked` opens a locked card with the document's own passwords and returns its EF.SOD: so a
    card whose lock was the last thing to happen before it was pulled out counts as done.
    Raises `WrongCardError`, `ChipRefusalError` where the card refuses something, `ProtocolError`
    where it does not hold what was written.
    """
    if FileID.SOD not in files:
        raise MisuseError("the image has no EF.SOD: it was not made by data preparation")
    state = yield from card.begin()
    report = WriteReport(
        len(files),
        sum(map(len, files.values())),
        resumed=state is not CardState.EMPTY,
        already_complete=False,
    )
    if state is CardState.TERMINATED:
        raise WrongCardError("the card was terminated for good: take another")
    if state is CardState.LOCKED:
        yield from _check_locked(files[FileID.SOD], open_locked)
        return WriteReport(report.files, report.octets, resumed=True, already_complete=True)
    writer = _Writer(files, card, progress)
    for directory, there in groupby(_in_writing_order(files), lambda file: file.directory):
        yield from writer.write_directory(directory, list(there))
    for tag, value in keys.data_objects():
        yield from card.put(tag, value)
    yield from card.lock()
    yield from _check_lock(card)
    return report


class _Writer:
    """Writes the files, and keeps count."""

    def __init__(self, files: Mapping[FileID, bytes], card: Card, progress: Progress) -> None:
        self._files = files
        self._card = card
        self._progress = progress
        self._done = 0
        self._total = 2 * sum(map(len, files.values()))

    def write_directory(
        self, directory: Directory, files: Sequence[ElementaryFile]
    ) -> Procedure[None]:
        """Create all files of one directory, then write them, then read all of them back.

        A card that is too small shows it before anything of a person is on it.
        """
        yield from self._card.select_directory(directory)
        existing = set()
        for file in files:
            new = yield from self._card.create(file, len(self._files[file.file_id]))
            if not new:
                existing.add(file.file_id)
                yield from self._recognise(file)
        for file in files:
            content = self._files[file.file_id]
            if file.file_id in existing:
                yield from self._complete(file, content)
            else:
                yield from self._card.write(file, 0, content)
            self._advance(content)
        for file in files:
            content = self._files[file.file_id]
            if (yield from self._card.read(file, len(content))) != content:
                raise ProtocolError(
                    f"{file.file_id} does not read back as it was written: the card is faulty,"
                    " take it out of use"
                )
            self._advance(content)

    def _recognise(self, file: ElementaryFile) -> Procedure[None]:
        """Make sure that an EF.SOD on the card is ours, as far as it was written."""
        if file.file_id is FileID.SOD:
            content = self._files[file.file_id]
            begun = (yield from self._card.read(file, len(content))).rstrip(b"\0")
            if not content.startswith(begun):
                raise another_document(file)

    def _complete(self, file: ElementaryFile, content: bytes) -> Procedure[None]:
        """Write what is missing of a file that was begun before."""
        found = yield from self._card.read(file, len(content))
        same = _common_prefix(found, content)
        yield from self._card.write(file, same, content[same:])

    def _advance(self, content: bytes) -> None:
        self._done += len(content)
        self._progress(self._done, self._total)


def _in_writing_order(files: Mapping[FileID, bytes]) -> list[ElementaryFile]:
    """EF.SOD, the rest of the application, then the files of the MF."""
    return sorted(
        (FILES[file_id] for file_id in files),
        key=lambda file: (file.directory is Directory.MASTER_FILE, file.file_id is not FileID.SOD),
    )


def _common_prefix(left: bytes, right: bytes) -> int:
    """How many octets the two begin with alike."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))


def _check_locked(security_object: bytes, open_locked: Procedure[bytes]) -> Procedure[None]:
    """A locked card is done if it opens with our passwords and holds our EF.SOD."""
    try:
        found = yield from open_locked
    except (ChipRefusalError, ProtocolError):
        found = b""
    if found != security_object:
        raise WrongCardError("the card is locked, and holds another document: take a blank card")


def _check_lock(card: Card) -> Procedure[None]:
    """A locked card must not show its files to somebody without a password."""
    yield from card.select_directory(Directory.EMRTD)
    try:
        yield from card.read(FILES[FileID.SOD], 1)
    except ChipRefusalError:
        return
    raise ProtocolError(
        "the card is locked, and yet shows EF.SOD without a password: the card is faulty"
    )
