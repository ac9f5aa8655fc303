"""What the station makes sure of on the card itself, before the lock and after it.

Between any two commands another program may have selected the master file, or the application.
Files created after that are in the wrong directory, and files that are written and read back by
their short identifiers are those of the wrong directory: EF.DIR has that of EF.COM, EF.ATR/INFO
that of DG1.  A SELECT by the path from the master file leads to the same place whatever is
selected.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.opening import ByBac, ByPace, Way, open_application
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import PasswordType
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, T
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessagingError, secured
from emrtd.iso7816.selecting import select_application, select_file
from emrtd.lds.files import EMRTD_APPLICATION, FILES, ElementaryFile, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.status_words import SW
from personalise.station.cards.interface import PersonalisableCard
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
_THERE: Final = frozenset({SW.OK, SW.FILE_DEACTIVATED})


def require_no_strays(
    card: PersonalisableCard, strays: Iterable[ElementaryFile]
) -> Procedure[None]:
    """Raise `RejectCardError` where a file is in the directory that is not its own."""
    for file in strays:
        wrong = _other(file.directory)
        if (yield from card.find(file, wrong)):
            raise RejectCardError(
                CardFault.CANNOT_FINISH,
                f"{file.file_id} is in the card's {_NAMES[wrong]}, outside the"
                f" {_NAMES[file.directory]}, and cannot be removed: another program used the card"
                " while it was written",
            )


def select_in_master_file(card: PersonalisableCard, file: ElementaryFile) -> Procedure[None]:
    """Select a file that was written to the master file; `RejectCardError` if it is not there."""
    if not (yield from card.find(file, Directory.MASTER_FILE)):
        raise RejectCardError(
            CardFault.CANNOT_FINISH,
            f"{file.file_id} is not in the card's master file, where it was created: another"
            " program used the card while it was written",
        )


def possible_strays(files: Iterable[FileID]) -> list[ElementaryFile]:
    """The files of a document that would be recognised in the directory that is not their own.

    EF.SOD and EF.CVCA share their identifiers with EF.CardSecurity and EF.CardAccess; where the
    document has those as well, nothing can be told by the identifier.
    """
    wanted = [FILES[file_id] for file_id in files]
    places = {(each.directory, each.identifier) for each in wanted}
    return [each for each in wanted if (_other(each.directory), each.identifier) not in places]


def _other(directory: Directory) -> Directory:
    return Directory.EMRTD if directory is Directory.MASTER_FILE else Directory.MASTER_FILE


def way_into(keys: ChipKeys, card_access: bytes | None) -> Way:
    """How a card that holds these keys is opened: by BAC where it has that, by PACE otherwise.

    `card_access` is the document's EF.CardAccess, None where it has none.  Raises `MisuseError`
    where nothing would open the card, `MalformedError` for an EF.CardAccess that is none.
    """
    found = keys.password(PasswordType.MRZ)
    if found is not None and keys.basic_access_control:
        return ByBac(found.password)
    if found is not None and card_access:
        return ByPace(choose(CardAccess.decode(card_access).security_infos), found.password)
    raise MisuseError("the chip keys hold no password that opens the card")


def check_lock() -> Procedure[None]:
    """Raise `RejectCardError` where a locked card shows EF.SOD to somebody without a password."""
    yield from select_application(EMRTD_APPLICATION)
    short_identifier = 0x80 | FILES[FileID.SOD].short_identifier
    response = yield CommandAPDU(0x00, INS.READ_BINARY, short_identifier, ne=1)
    if response.data:
        raise RejectCardError(
            CardFault.DOES_NOT_LOCK,
            "the card is locked, and yet shows EF.SOD without a password: the card is faulty",
        )


def check_complete(
    files: Mapping[FileID, bytes], card: PersonalisableCard, way: Way
) -> Procedure[None]:
    """Make sure that a card that was locked before holds this document, all of it in its place.

    It opens with the document's own passwords, holds its EF.SOD, has every file of the application
    there, and no file in the directory that is not its own; a kind that does not read back before
    the lock is read now.  Raises `RejectCardError`.
    """
    is_ours = False

    def in_session(reader: FileReader) -> Procedure[None]:
        nonlocal is_ours
        is_ours = (yield from reader.read(FILES[FileID.SOD].address)) == files[FileID.SOD]
        if is_ours:
            yield from _require_in_application(files)
            if not card.capabilities.reads_back:
                yield from _require_contents(files, reader)
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
            advice="take a blank card",
        )


def check_contents(files: Mapping[FileID, bytes], way: Way) -> Procedure[None]:
    """Read a locked card's files with its passwords: for a kind that does not read back before.

    What needs Terminal Authentication cannot be read.  Raises `RejectCardError`.
    """
    yield from _in_session(way, lambda reader: _require_contents(files, reader))


def _require_contents(files: Mapping[FileID, bytes], reader: FileReader) -> Procedure[None]:
    for file in (FILES[file_id] for file_id in files):
        if file.directory is not Directory.EMRTD or file.sensitive:
            continue
        if (yield from reader.read(file.address)) != files[file.file_id]:
            raise does_not_read_back(file)


def does_not_read_back(file: ElementaryFile) -> RejectCardError:
    """Make the error for a card that does not hold what was written to it."""
    return RejectCardError(
        CardFault.DOES_NOT_KEEP,
        f"{file.file_id} does not read back as it was written: the card is faulty, or another"
        " program used it",
    )


def _require_in_application(files: Iterable[FileID]) -> Procedure[None]:
    """Every file is in the selected application; one that is kept back counts as there."""
    for file in (FILES[file_id] for file_id in files):
        if file.directory is not Directory.EMRTD:
            continue
        sw = yield from select_file(file.identifier)
        kept_back = file.sensitive and sw == SW.SECURITY_STATUS_NOT_SATISFIED
        if sw not in _THERE and not kept_back:
            raise RejectCardError(
                CardFault.CANNOT_FINISH,
                f"the card is locked, and {file.file_id} is not in its eMRTD application",
            )


def _in_session(way: Way, in_session: Callable[[FileReader], Procedure[T]]) -> Procedure[T]:
    """Open the card, and run what `in_session` makes of a reader, with the application selected.

    A session that was opened and then breaks was ended by another program: `TryAgainError`.
    """
    session = yield from open_application(way)
    reader = FileReader(cipher_block=session.cipher.block_size)
    try:
        return (yield from secured(in_session(reader), session))
    except SecureMessagingError as error:
        problem = f"{error.message}: another program uses the card"
        raise TryAgainError(problem, advice=CLOSE_OTHERS) from error
