"""Writing one card: files, keys, read-back of every octet, and the lock.

On a card that can be resumed, the procedure may be interrupted at any command and run again: it
finds what has been written, completes it, and never mixes two documents.  EF.SOD is begun first
there: its hashes identify the document, so all other files on the card belong to that EF.SOD.
On a card that cannot be resumed or not be read, EF.SOD is begun after all other files.

On every card the end of EF.SOD, which holds the signature, is written last, after the keys.  Before
that no inspection accepts the card, so a card that is rejected earlier needs no further treatment.
One that is rejected later is terminated; if it cannot be, the error says that it may be read as a
good one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.opening import Way
from emrtd.errors import TransportError
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.files import FILES, ElementaryFile, FileID
from personalise.station.cards.interface import CardState, PersonalisableCard
from personalise.station.checking import (
    check_complete,
    check_contents,
    check_lock,
    does_not_read_back,
    possible_strays,
    require_no_strays,
    select_in_master_file,
)
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    another_document,
    outcome_of,
)
from support.errors import ChipsealError

DISPENSABLE: Final = frozenset({FileID.ATR_INFO, FileID.DIR})
"""Files that describe the card, not the document; a card without a master file omits them."""

WITHHELD: Final = 128
"""Octets at the end of EF.SOD that are written last.

The signature is at the end of EF.SOD (RFC 5652, 5.3).  Without this many of its octets it cannot be
completed by trial: of ML-DSA, whose last 84 octets at most are hints, 44 octets of z are missing.
One short command holds them, so that the last write is whole or absent.
"""

Progress = Callable[[int, int], None]
"""A callback that receives the octets written and read back so far, and the total."""


@dataclass(frozen=True, slots=True)
class Milestones:
    """What a ledger enters while a card is written; if a call raises, nothing more is sent.

    `begin` is called before the first command that changes the card, `locking` before the first
    command after which an inspection might accept it: the one that writes the end of EF.SOD.
    Neither is called for a card that is locked already.  `inspecting` is called for every card,
    before it is opened as an inspector would.  `was_locking`: `locking` was entered for
    this card before, so that it may hold the whole document; None if that is not known.
    """

    begin: Callable[[], None] = lambda: None
    locking: Callable[[], None] = lambda: None
    inspecting: Callable[[], None] = lambda: None
    was_locking: bool | None = None


_NO_ENTRIES: Final = Milestones()


@dataclass(frozen=True, slots=True)
class WriteReport:
    """The result of writing a card.

    `files` is the number of files, `octets` the sum of their sizes.  `resumed` means that the card
    was partly or wholly written before, `already_complete` that it was complete and locked.
    `left_off` are files that were not written because cards of this kind have no master file.
    """

    files: int
    octets: int
    resumed: bool
    already_complete: bool
    left_off: tuple[FileID, ...] = ()


def write_card(
    files: Mapping[FileID, bytes],
    keys: ChipKeys,
    card: PersonalisableCard,
    way: Way,
    progress: Progress = lambda _done, _total: None,
    *,
    milestones: Milestones = _NO_ENTRIES,
) -> Procedure[WriteReport]:
    """Write a document to a card and lock it.

    `way` opens a locked card with the document's own passwords, so that a card that was pulled out
    right after its lock is recognised as done.  Raises `WriteError`; after a transport error
    nothing more is sent to the card.
    """
    writer = _Writer(files, keys, card, way, progress, milestones=milestones)
    try:
        return (yield from writer.write())
    except ChipsealError as error:
        resumable = card.capabilities.resumable or writer.may_be_locked
        outcome = outcome_of(error, begun=writer.begun, resumable=resumable)
        if isinstance(outcome, RejectCardError) and writer.holds_all(outcome):
            can_answer = not isinstance(error, TransportError)
            terminated = can_answer and (yield from _terminate(card))
            outcome = outcome.with_whole_document(terminated=terminated)
        if outcome is error:
            raise
        raise outcome from error


def _terminate(card: PersonalisableCard) -> Procedure[bool]:
    """Terminate a card; return whether the card says that it is."""
    try:
        return (yield from card.terminate())
    except ChipsealError:
        return False


class _Writer:
    """Writes one document to one card, and records how far it has come.

    `begun` is set once the card may be partly written, `complete` once it may hold the whole
    document, `may_be_locked` once it may also be locked: the document must then not be written to
    another card until this card has been checked again.
    """

    def __init__(
        self,
        files: Mapping[FileID, bytes],
        keys: ChipKeys,
        card: PersonalisableCard,
        way: Way,
        progress: Progress,
        *,
        milestones: Milestones,
    ) -> None:
        self.begun = False
        self.complete = milestones.was_locking is True
        self.may_be_locked = False
        self._may_be_complete = False
        self._milestones = milestones
        self._left_off = _left_off(files, card)
        self._files = {each: files[each] for each in files if each not in self._left_off}
        self._keys = keys
        self._card = card
        self._way = way
        self._progress = progress
        self._done = 0
        self._total = (1 + card.capabilities.reads_back) * sum(map(len, self._files.values()))

    def write(self) -> Procedure[WriteReport]:
        """Write, read back and lock the card, and check the lock."""
        if FileID.SOD not in self._files:
            raise RejectApplicationError(
                "the image has no EF.SOD", advice="write an image that `personalise prepare` made"
            )
        state = yield from self._card.begin()
        self.begun = state is not CardState.EMPTY
        self._may_be_complete = self.begun and not self._card.capabilities.reads_back
        if state is CardState.TERMINATED:
            self.complete = False  # no inspection accepts it
            raise RejectCardError(CardFault.TERMINATED, "the card is terminated")
        self.may_be_locked = state is CardState.LOCKED
        if self.may_be_locked:
            self.complete = True
            yield from check_complete(self._files, self._card, self._way)
            return self._report(state)
        if self.begun and not self._card.capabilities.resumable:
            self.complete = self._milestones.was_locking is not False
            raise RejectCardError(
                CardFault.CANNOT_FINISH,
                "the card is partly written, and a card of this kind cannot be resumed",
            )
        self._milestones.begin()
        yield from self._card.channel(self._personalise(blank=not self.begun))
        yield from check_lock()
        if not self._card.capabilities.reads_back:
            yield from check_contents(self._files, self._card, self._way)
        return self._report(state)

    def holds_all(self, rejected: RejectCardError) -> bool:
        """Whether the rejected card may hold the whole document, and no other one.

        A card that was written before and cannot be read may hold it from then.
        """
        may_hold_all = self.complete or self._may_be_complete
        return may_hold_all and rejected.fault is not CardFault.OTHER_DOCUMENT

    def _report(self, state: CardState) -> WriteReport:
        return WriteReport(
            len(self._files),
            sum(map(len, self._files.values())),
            resumed=state is not CardState.EMPTY,
            already_complete=state is CardState.LOCKED,
            left_off=self._left_off,
        )

    def _personalise(self, *, blank: bool) -> Procedure[None]:
        """Do everything that is sent through the card's channel; `blank` if it has no file yet.

        Each directory is selected once, then all its files are created.  So on a blank card it is
        enough to check where the last of them is: if another program had selected another
        directory before, the last file would be in the wrong one as well.
        """
        self.begun = True
        for directory, group in groupby(self._in_writing_order(), lambda f: f.directory):
            files = list(group)
            yield from self._card.select_directory(directory)
            yield from self._write_files(files)
            if self._card.capabilities.reads_back:
                yield from self._read_back(files, files[-1:] if blank else files)
            if self._card.capabilities.master_file:
                yield from require_no_strays(self._card, self._suspects(files, blank=blank))
        yield from self._return_to_application()
        yield from self._card.put_keys(self._keys)
        self._milestones.locking()
        yield from self._finish_security_object()
        self.may_be_locked = True
        yield from self._card.lock()

    def _suspects(
        self, files: Sequence[ElementaryFile], *, blank: bool
    ) -> Sequence[ElementaryFile]:
        """Return those files of one directory that are to be looked for in the other.

        On a blank card this is the last file of the application, and none of the master file's: the
        last of those was read back by its path.
        """
        suspects = [each for each in possible_strays(self._files) if each in files]
        if not blank:
            return suspects
        return [each for each in suspects if each.directory is Directory.EMRTD][-1:]

    def _in_writing_order(self) -> list[ElementaryFile]:
        """Return the files of the application, with EF.SOD first or last, then those of the MF.

        The end of EF.SOD is written later.
        """
        first = self._card.capabilities.resumable and self._card.capabilities.reads_back
        return sorted(
            (FILES[file_id] for file_id in self._files),
            key=lambda file: (
                file.directory is Directory.MASTER_FILE,
                (file.file_id is FileID.SOD) != first,
            ),
        )

    def _write_files(self, files: Sequence[ElementaryFile]) -> Procedure[None]:
        """Create all files of the selected directory, then write them.

        So a card that is too small is rejected before personal data is written to it.
        """
        existing = set()
        for file in files:
            new = yield from self._card.create(file, len(self._files[file.file_id]))
            if not new:
                existing.add(file.file_id)
                yield from self._recognise(file)
            elif file.file_id is FileID.SOD:
                self.complete = False
        for file in files:
            content = self._to_be_written(file)
            if file.file_id in existing:
                yield from self._complete(file, content)
            else:
                yield from self._card.write(file, 0, content)
            self._advance(content)

    def _to_be_written(self, file: ElementaryFile) -> bytes:
        """Return the content of a file; of EF.SOD all but its end."""
        content = self._files[file.file_id]
        return content[:-WITHHELD] if file.file_id is FileID.SOD else content

    def _finish_security_object(self) -> Procedure[None]:
        """Write the end of EF.SOD, and read back the whole file."""
        file, content = FILES[FileID.SOD], self._files[FileID.SOD]
        begun = len(content[:-WITHHELD])
        if not self.complete:
            self.complete = True
            yield from self._card.write(file, begun, content[begun:])
        self._advance(content[begun:])
        if self._card.capabilities.reads_back:
            yield from self._return_to_application()
            if (yield from self._card.read(file, len(content))) != content:
                raise does_not_read_back(file)
            self._advance(content)

    def _return_to_application(self) -> Procedure[None]:
        """Select the application again if the master file was selected since.

        EF.CardSecurity has the identifier of EF.SOD: if another program selected the master file
        while the end of EF.SOD was written, EF.SOD does not read back here.
        """
        if any(FILES[each].directory is Directory.MASTER_FILE for each in self._files):
            yield from self._card.select_directory(Directory.EMRTD)

    def _read_back(
        self, files: Sequence[ElementaryFile], by_path: Sequence[ElementaryFile]
    ) -> Procedure[None]:
        """Read back the files of the selected directory, except EF.SOD.

        Those in `by_path` that belong to the master file are selected by their path first.
        """
        for file in files:
            if file.file_id is FileID.SOD:
                continue
            content = self._files[file.file_id]
            if file.directory is Directory.MASTER_FILE and file in by_path:
                yield from select_in_master_file(self._card, file)
            if (yield from self._card.read(file, len(content))) != content:
                raise does_not_read_back(file)
            self._advance(content)

    def _recognise(self, file: ElementaryFile) -> Procedure[None]:
        """Raise `RejectCardError` if an existing file means that the card cannot be resumed.

        An existing EF.SOD must be the beginning of the document's EF.SOD.
        """
        if not self._card.capabilities.resumable:
            raise RejectCardError(
                CardFault.CANNOT_FINISH,
                f"{file.file_id} already exists on the card, and a card of this kind cannot be"
                " resumed",
            )
        if file.file_id is FileID.SOD:
            content = self._files[file.file_id]
            found = yield from self._card.read(file, len(content))
            self.complete = found == content
            if not content.startswith(found.rstrip(b"\0")):
                raise another_document(file.file_id)

    def _complete(self, file: ElementaryFile, content: bytes) -> Procedure[None]:
        """Write what is missing from a file that was partly written before."""
        found = yield from self._card.read(file, len(content))
        same = _common_prefix(found, content)
        yield from self._card.write(file, same, content[same:])

    def _advance(self, content: bytes) -> None:
        self._done += len(content)
        self._progress(self._done, self._total)


def _left_off(files: Mapping[FileID, bytes], card: PersonalisableCard) -> tuple[FileID, ...]:
    """Return the files that are not written to a card without a master file.

    Raises `RejectApplicationError` for a file of the master file that the document needs.
    """
    if card.capabilities.master_file:
        return ()
    of_master_file = [each for each in files if FILES[each].directory is Directory.MASTER_FILE]
    for file_id in of_master_file:
        if file_id not in DISPENSABLE:
            raise RejectApplicationError(
                f"the image has {file_id}, and cards of this kind have no master file for it",
                advice="prepare the document with a chip profile without PACE, or for another card",
            )
    return tuple(of_master_file)


def _common_prefix(left: bytes, right: bytes) -> int:
    """Return the length of the common prefix."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))
