"""Checks of the card's content, before the lock and after it.

Between any two commands another program may have selected the master file, or the application.
Files that are created after that are in the wrong directory.  Writing and reading back by short
identifier does not notice it, because files of the two directories share short identifiers: EF.DIR
has that of EF.COM, EF.ATR/INFO that of DG1.  A SELECT by the path from the master file finds the
same file whatever is currently selected.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.opening import ByBac, ByPace, Way, open_application
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import PasswordType
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T
from emrtd.iso7816.reading import FileAddress, FileReader
from emrtd.iso7816.secure_messaging import SecureMessagingError, secured
from emrtd.iso7816.selecting import select_application, select_file
from emrtd.lds.files import EMRTD_APPLICATION, FILES, ElementaryFile, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.status_words import SW
from personalise.station.cards.interface import Capabilities, PersonalisableCard
from personalise.station.outcomes import (
    CLOSE_OTHERS,
    CardFault,
    RejectCardError,
    TryAgainError,
)
from support.errors import MisuseError

_NAMES: Final = {
    Directory.MASTER_FILE: "master file",
    Directory.EMRTD: "eMRTD application",
}
_EXISTS: Final = frozenset({SW.OK, SW.FILE_DEACTIVATED})


def require_no_strays(
    card: PersonalisableCard, strays: Iterable[ElementaryFile]
) -> Procedure[None]:
    """Raise `RejectCardError` if one of these files is in the other directory."""
    for file in strays:
        wrong = _other(file.directory)
        if (yield from card.find(file, wrong)):
            raise RejectCardError(
                CardFault.CANNOT_FINISH,
                f"{file.file_id} is in the card's {_NAMES[wrong]} instead of its"
                f" {_NAMES[file.directory]}, and cannot be removed: another program used the card"
                " while it was written",
            )


def select_in_master_file(card: PersonalisableCard, file: ElementaryFile) -> Procedure[None]:
    """Select a file by its path from the master file; raises `RejectCardError` if not found."""
    if not (yield from card.find(file, Directory.MASTER_FILE)):
        raise RejectCardError(
            CardFault.CANNOT_FINISH,
            f"{file.file_id} is not in the card's master file, where it was created: another"
            " program used the card while it was written",
        )


def possible_strays(files: Iterable[FileID]) -> list[ElementaryFile]:
    """Return the files of a document whose identifier shows if they are in the wrong directory.

    EF.SOD and EF.CVCA share their identifiers with EF.CardSecurity and EF.CardAccess: if the
    document has those as well, a file with that identifier is expected in both directories.
    """
    expected = [FILES[file_id] for file_id in files]
    places = {(each.directory, each.identifier) for each in expected}
    return [each for each in expected if (_other(each.directory), each.identifier) not in places]


def _other(directory: Directory) -> Directory:
    return Directory.EMRTD if directory is Directory.MASTER_FILE else Directory.MASTER_FILE


def way_into(keys: ChipKeys, card_access: bytes | None) -> Way:
    """Return how a card with these keys is opened: by BAC if it supports that, else by PACE.

    `card_access` is the document's EF.CardAccess, None if it has none.  Raises `MisuseError` if
    neither can open the card, `MalformedError` for an EF.CardAccess that cannot be decoded.
    """
    found = keys.password(PasswordType.MRZ)
    if found is not None and keys.basic_access_control:
        return ByBac(found.password)
    if found is not None and card_access:
        return ByPace(choose(CardAccess.decode(card_access).security_infos), found.password)
    raise MisuseError("the chip keys hold no password that opens the card")


def check_lock() -> Procedure[None]:
    """Raise `RejectCardError` if EF.SOD of a locked card can be read without a password."""
    yield from select_application(EMRTD_APPLICATION)
    short_identifier = 0x80 | FILES[FileID.SOD].short_identifier
    response = yield CommandAPDU(0x00, INS.READ_BINARY, short_identifier, ne=1)
    if response.data:
        raise RejectCardError(
            CardFault.DOES_NOT_LOCK,
            "the card is locked, but EF.SOD can be read without a password: the card is faulty",
        )


def check_complete(
    files: Mapping[FileID, bytes], card: PersonalisableCard, way: Way
) -> Procedure[None]:
    """Check that a card that was locked before holds this document, complete.

    The card must open with the document's passwords, hold its EF.SOD, have every file of the
    application in the application, and no file in the wrong directory.  If its kind does not read
    back before the lock, the contents of the files are compared too.  Raises `RejectCardError`.
    """
    is_ours = False

    def in_session(reader: FileReader) -> Procedure[None]:
        nonlocal is_ours
        security_object = address_of(FILES[FileID.SOD], card.capabilities)
        is_ours = (yield from reader.read(security_object)) == files[FileID.SOD]
        if is_ours:
            yield from _require_in_application(files)
            if not card.capabilities.reads_back:
                yield from _require_contents(files, card, reader)
            if card.capabilities.master_file:
                yield from require_no_strays(card, possible_strays(files))

    try:
        yield from _in_session(way, in_session)
    except (ChipRefusalError, ProtocolError):
        if is_ours:
            raise
    if not is_ours:
        raise RejectCardError(
            CardFault.OTHER_DOCUMENT,
            "the card is locked, and holds another document",
            advice="use a blank card",
        )


def check_contents(
    files: Mapping[FileID, bytes], card: PersonalisableCard, way: Way
) -> Procedure[None]:
    """Compare the files of a locked card with the document's: for a kind that is not read before.

    Files that require Terminal Authentication are skipped.  Raises `RejectCardError` for a file
    that differs.
    """
    yield from _in_session(way, lambda reader: _require_contents(files, card, reader))


def address_of(file: ElementaryFile, capabilities: Capabilities) -> FileAddress:
    """Return how a file of a locked card is selected."""
    if capabilities.short_identifiers:
        return file.address
    return replace(file.address, short_identifier=0)


def _require_contents(
    files: Mapping[FileID, bytes], card: PersonalisableCard, reader: FileReader
) -> Procedure[None]:
    for file in (FILES[file_id] for file_id in files):
        if file.directory is not Directory.EMRTD or file.sensitive:
            continue
        address = address_of(file, card.capabilities)
        if (yield from reader.read(address)) != files[file.file_id]:
            raise does_not_read_back(file)


def does_not_read_back(file: ElementaryFile) -> RejectCardError:
    """Return the error for a card that does not hold what was written to it."""
    return RejectCardError(
        CardFault.DOES_NOT_KEEP,
        f"{file.file_id} does not read back as it was written: the card is faulty, or another"
        " program used it",
    )


def _require_in_application(files: Iterable[FileID]) -> Procedure[None]:
    """Raise `RejectCardError` if a file is missing from the selected application.

    A sensitive file that is refused with 6982 exists.
    """
    for file in (FILES[file_id] for file_id in files):
        if file.directory is not Directory.EMRTD:
            continue
        sw = yield from select_file(file.identifier)
        protected = file.sensitive and sw == SW.SECURITY_STATUS_NOT_SATISFIED
        if sw not in _EXISTS and not protected:
            raise RejectCardError(
                CardFault.CANNOT_FINISH,
                f"the card is locked, and {file.file_id} is not in its eMRTD application",
            )


def _in_session(way: Way, in_session: Callable[[FileReader], Procedure[T]]) -> Procedure[T]:
    """Open the card, and run the procedure that `in_session` returns for a file reader.

    If the session breaks after it was opened, another program has ended it: raises `TryAgainError`.
    """
    session = yield from open_application(way)
    reader = FileReader(cipher_block=session.cipher.block_size)
    try:
        return (yield from secured(in_session(reader), session))
    except SecureMessagingError as error:
        problem = f"{error.message}: another program uses the card"
        raise TryAgainError(problem, advice=CLOSE_OTHERS) from error
