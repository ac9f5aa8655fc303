"""Look at a card before its cases are run: which protocols and files it has."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from conformance.chip.situation import Access, Card
from emrtd.access import chip_authentication_keys
from emrtd.access.opening import ByBac, ByPace, Way
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import Password
from emrtd.access.terminal_authentication import identifier_of_document
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.procedure import Procedure, Reset, exchange
from emrtd.iso7816.reading import FileAddress, FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.com import Com
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import DATA_GROUPS, EMRTD_APPLICATION, FILES, FileID
from emrtd.lds.security.security_infos import (
    PaceInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
)
from emrtd.lds.security.sod import Sod
from emrtd.status_words import SW
from support.errors import MalformedError, MisuseError

Input = TypeVar("Input")
Output = TypeVar("Output")

_OF_THE_MASTER_FILE: Final = (FileID.CARD_ACCESS, FileID.ATR_INFO)
_READ: Final = (FileID.COM, FileID.SOD, FileID.DG1, FileID.DG14, FileID.DG15)
_EXTENDED: Final = CommandAPDU(0x00, INS.SELECT, 0x02, 0x0C, b"\x01\x01", extended=True)
_READ_ODD: Final = CommandAPDU(0x00, INS.READ_BINARY_ODD, 0x01, 0x1E, b"\x54\x01\x00", 7)


def discover(mrz: Password | None, can: Password | None) -> Procedure[Card]:
    """Open a card by each protocol that it has, and read what every terminal may read.

    PACE is run with the MRZ, as the standard requires (2.1), or with the CAN if there is no MRZ.
    Raises `MisuseError` if neither password opens the card.
    """
    files = yield from _master_file()
    ways, session = yield from _open(_ways(files, mrz, can))
    reader = FileReader(cipher_block=session.cipher.block_size)
    for file_id in _READ:
        content = yield from _optional(reader, file_id, session)
        if content is not None:
            files[file_id] = content
    card = _card(ways, files)
    trust_points = yield from _trust_points(card, reader, session)
    way = next(iter(ways.values()))
    if (yield from _accepts(_READ_ODD, way)):
        card = replace(card, profiles=card.profiles | {"OddIns"})
    extended = _announced_extended_length(files)
    if extended is None:
        extended = yield from _accepts(_EXTENDED, way)
    return replace(card, trust_points=trust_points, chains=not extended)


def _master_file() -> Procedure[dict[FileID, bytes]]:
    yield Reset()
    yield from select_master_file()
    reader, files = FileReader(), {}
    for file_id in _OF_THE_MASTER_FILE:
        try:
            files[file_id] = yield from reader.read(FILES[file_id].address)
        except (ChipRefusalError, MalformedError):
            continue  # absent, or not readable without a session
    return files


def _ways(
    files: dict[FileID, bytes], mrz: Password | None, can: Password | None
) -> dict[Access, Way]:
    """Return the ways to try: PACE if EF.CardAccess announces it, BAC with the MRZ."""
    ways: dict[Access, Way] = {}
    password = mrz or can
    infos = _decoded(SecurityInfos.decode, files.get(FileID.CARD_ACCESS))
    if infos is not None and infos.of(PaceInfo) and password is not None:
        variant = _decoded(choose, infos)
        if variant is not None:
            ways[Access.PACE] = ByPace(variant, password)
    if mrz is not None:
        ways[Access.BAC] = ByBac(mrz)
    return ways


def _open(ways: dict[Access, Way]) -> Procedure[tuple[dict[Access, Way], SecureMessaging]]:
    """Try each way in a session of its own; return those that work, and a session."""
    found: dict[Access, Way] = {}
    refusal = ""
    for access, way in ways.items():
        yield Reset()
        try:
            yield from _session(way)
        except (ChipRefusalError, ProtocolError) as error:
            refusal = f": {error.message}"
        else:
            found[access] = way
    if not found:
        raise MisuseError(
            f"the card does not open with this password{refusal}",
            advice="compare --mrz or --can with what is printed on the card",
        )
    yield Reset()
    return found, (yield from _session(next(iter(found.values()))))


def _session(way: Way) -> Procedure[SecureMessaging]:
    if isinstance(way, ByBac):
        yield from select_application(EMRTD_APPLICATION)
        return (yield from way.authenticate()).messaging
    yield from select_master_file()
    session = (yield from way.authenticate()).messaging
    yield from secured(select_application(EMRTD_APPLICATION), session)
    return session


def _optional(
    reader: FileReader, file_id: FileID, session: SecureMessaging
) -> Procedure[bytes | None]:
    try:
        return (yield from secured(reader.read(FILES[file_id].address), session))
    except ChipRefusalError:
        return None


def _trust_points(
    card: Card, reader: FileReader, session: SecureMessaging
) -> Procedure[tuple[str, ...]]:
    """Return the references in EF.CVCA; none if it cannot be read."""
    address = FileAddress("EF.CVCA", card.cvca_file, card.cvca_short, one_object=False)
    try:
        content = yield from secured(reader.read(address), session)
        return Cvca.decode(content).references
    except (ChipRefusalError, MalformedError):
        return ()


def _announced_extended_length(files: dict[FileID, bytes]) -> bool | None:
    """Whether EF.ATR/INFO says that the card has extended length; None if it does not say."""
    try:
        info = AtrInfo.decode(files.get(FileID.ATR_INFO, b""))
        if info.max_command is not None:
            return True
        announced = info.capabilities
    except MalformedError:
        return None  # a case reports it
    return None if announced is None else Capability.EXTENDED_LENGTH in announced


def _accepts(command: CommandAPDU, way: Way) -> Procedure[bool]:
    """Whether the card carries out a command, in a session that is not used again.

    A card that does not know the form of the command may refuse it in plain and end the session.
    """
    yield Reset()
    session = yield from _session(way)
    try:
        response = yield from secured(exchange(command), session)
    except ProtocolError:
        return False
    return response.sw in {SW.OK, SW.END_OF_FILE}


def _card(ways: dict[Access, Way], files: dict[FileID, bytes]) -> Card:
    group = _decoded(DataGroup14.decode, files.get(FileID.DG14))
    infos = SecurityInfos() if group is None else group.security_infos
    malformed = FileID.DG14 in files and group is None  # LDS_E reports it
    terminal = next(iter(infos.of(TerminalAuthenticationInfo)), None)
    listed = frozenset(_listed(files))
    profiles = {access.value for access in ways}
    profiles |= {each for each in ("DG3", "DG4") if FileID(each) in listed}
    profiles |= {"TA"} if terminal is not None or malformed else set()
    profiles |= {"EFATR"} if FileID.ATR_INFO in files else set()
    of_cvca = FILES[FileID.CVCA]
    identifier, short = of_cvca.identifier, of_cvca.short_identifier
    if terminal is not None and terminal.ef_cvca is not None:
        identifier, short = terminal.ef_cvca, terminal.ef_cvca_short or 0
    return Card(
        ways,
        files,
        listed,
        infos,
        _decoded(chip_authentication_keys.choose, infos),
        frozenset(profiles | {"MF", "DATE", "MIG"}),
        identifier=_identifier(files),
        cvca_file=identifier,
        cvca_short=short,
    )


def _listed(files: dict[FileID, bytes]) -> Iterable[FileID]:
    """Return the data groups that EF.SOD lists, or EF.COM if there is no EF.SOD."""
    sod = _decoded(Sod.parse, files.get(FileID.SOD))
    com = _decoded(Com.decode, files.get(FileID.COM))
    numbers: Iterable[int] = () if com is None else com.data_groups
    if sod is not None:
        numbers = sod.security_object.hashes
    return (DATA_GROUPS[number - 1].file_id for number in numbers if 1 <= number <= 16)


def _identifier(files: dict[FileID, bytes]) -> bytes:
    """Return ID_IC after BAC, from DG1; empty if it cannot be read."""
    group = _decoded(DataGroup1.decode, files.get(FileID.DG1))
    return b"" if group is None else identifier_of_document(group.mrz.information)


def _decoded(decode: Callable[[Input], Output], value: Input | None) -> Output | None:
    """Decode a value; return None if it is missing or unusable, which the cases report."""
    if value is None:
        return None
    try:
        return decode(value)
    except (MalformedError, ProtocolError):
        return None
