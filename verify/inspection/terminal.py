"""Terminal Authentication: this terminal proves its right to sensitive data (Doc 9303-11, 7.1)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from emrtd.access.chip_authentication import ChipAuthenticationResult
from emrtd.access.terminal_authentication import (
    TerminalCredentials,
    authenticate,
    identifier_of_document,
)
from emrtd.crypto.signatures import EcPublicKey, PublicKey
from emrtd.errors import ProtocolError
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FILES, ElementaryFile, FileID
from emrtd.lds.security.security_infos import TerminalAuthenticationInfo
from emrtd.pki.cvc.authorization import Right, Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.private_key_file import WrongPassphraseError, decrypt_private_key
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from verify.inspection.channel import Channel, Notes
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.judging.evidence import Failure, Step, TerminalAuthenticationTranscript
from verify.judging.faults import Fault, NotTried, Why

_MAX_FILE: Final = 64 * 1024
_CERTIFICATES: Final = "*.cvcert"
_KEYS: Final = "*.p8"

_RIGHTS: Final = {FileID.DG3: Right.READ_DG3, FileID.DG4: Right.READ_DG4}


def load_terminal(folder: Path, passphrase: Secret) -> TerminalCredentials:
    """Read an inspection system's folder: card-verifiable certificates, and one encrypted key.

    Raises `MisuseError` where something is missing or does not fit together.
    """
    if not folder.is_dir():
        raise MisuseError(f"{folder}: there is no such folder; name an inspection system's")
    certificates = tuple(map(_read_certificate, sorted(folder.glob(_CERTIFICATES))))
    keys = sorted(folder.glob(_KEYS))
    if len(keys) != 1:
        raise MisuseError(f"{folder}: holds {len(keys)} keys (*.p8) instead of one")
    try:
        key = decrypt_private_key(_read(keys[0]), passphrase)
    except WrongPassphraseError:
        raise WrongPassphraseError(
            f"{keys[0]}: the pass phrase does not open this key; name the file that holds the"
            " right one with --passphrase-file"
        ) from None
    for certificate in certificates:
        if certificate.role is Role.TERMINAL and _is_of(certificate, key.public_key):
            return TerminalCredentials(key, certificate.holder_reference, certificates)
    raise MisuseError(f"{folder}: no certificate (*.cvcert) is of the key {keys[0].name}")


def _is_of(certificate: CvCertificate, key: PublicKey) -> bool:
    """Whether a certificate is of this key; that of a terminal inherits its curve."""
    curve = key.curve if isinstance(key, EcPublicKey) else None
    try:
        return certificate.public_key.inherit(curve).key == key
    except ProtocolError:
        return False


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        octets = file.read(_MAX_FILE + 1)
    if len(octets) > _MAX_FILE:
        raise MalformedError(str(path), f"has more than {_MAX_FILE} octets")
    return octets


def _read_certificate(path: Path) -> CvCertificate:
    try:
        return CvCertificate.decode(_read(path))
    except MalformedError as error:
        raise MalformedError(f"{path}: {error.what}", error.reason, error.offset) from None


def prove_right(
    channel: Channel,
    notes: Notes,
    credentials: TerminalCredentials | None,
    chip_authentication: ChipAuthenticationResult | None,
) -> Procedure[None]:
    """Authenticate this terminal, where the chip wants that and there are credentials."""
    info = _offered(notes)
    if info is None or credentials is None:
        return
    compressed = _compressed_key(channel, chip_authentication)
    if compressed is None:
        fault = NotTried(Why.NOTHING_TO_BIND_TO)
        notes.terminal_authentication = refused(credentials, fault)
        return
    references = yield from _references(channel, notes, info)
    identifiers = tuple(_identifiers(channel, notes))
    try:
        result = yield from channel.carry_in_chains(
            authenticate(credentials, references, identifiers, compressed)
        )
    except (*FAULTS_OF_CHIPS, MisuseError) as error:
        notes.terminal_authentication = refused(credentials, fault_of(error))
    else:
        notes.terminal_authentication = accepted(credentials, result.chain)


def accepted(
    credentials: TerminalCredentials, chain: Iterable[CvCertificate]
) -> TerminalAuthenticationTranscript:
    """The chip has accepted these certificates: the rights are those that all of them give."""
    rights = Right.READ_DG3 | Right.READ_DG4
    for certificate in chain:  # Doc 9303-11, 7.1.4.3.6
        rights &= certificate.chat.rights
    named = tuple(str(file_id) for file_id, right in _RIGHTS.items() if right in rights)
    return TerminalAuthenticationTranscript(credentials.reference, named)


def refused(credentials: TerminalCredentials, fault: Fault) -> TerminalAuthenticationTranscript:
    """Terminal Authentication did not succeed, and why."""
    return TerminalAuthenticationTranscript(credentials.reference, refusal=fault)


def objection_to_reading(notes: Notes, file_id: FileID) -> NotTried | None:
    """Why a sensitive data group need not be asked for; None where it may be had."""
    if _offered(notes) is None:
        return None
    transcript = notes.terminal_authentication
    if transcript is None:
        return NotTried(Why.NO_TERMINAL_KEY)
    if transcript.refusal is not None:
        return NotTried(Why.TERMINAL_NOT_AUTHENTICATED)
    if file_id not in transcript.rights:
        return NotTried(Why.NO_RIGHT, transcript.holder)
    return None


def _offered(notes: Notes) -> TerminalAuthenticationInfo | None:
    octets = notes.files.get(FileID.DG14)
    if octets is None:
        return None
    try:
        found = DataGroup14.decode(octets).security_infos.of(TerminalAuthenticationInfo)
    except MalformedError:
        return None  # lds.structure says so
    return next((info for info in found if info.version == 1), None)


def _compressed_key(channel: Channel, result: ChipAuthenticationResult | None) -> bytes | None:
    """Comp(PK_DH,IFD) of the session: of Chip Authentication, or of PACE that proved the chip."""
    if result is not None:
        return result.compressed_terminal_key
    pace = channel.pace
    if pace is None or pace.chip_authentication_data is None:
        return None
    return pace.variant.group.compress(pace.terminal_public_key)


def _references(
    channel: Channel, notes: Notes, info: TerminalAuthenticationInfo
) -> Procedure[tuple[str, ...]]:
    """The chip's trust points, from EF.CVCA, or as PACE told them."""
    file = FILES[FileID.CVCA]
    if info.ef_cvca is not None:
        short = 0 if info.ef_cvca_short is None else info.ef_cvca_short
        file = ElementaryFile(FileID.CVCA, info.ef_cvca, short, file.tag, Directory.EMRTD)
    octets = yield from channel.read(file, notes, expected=False)
    notes.unread.pop(FileID.CVCA, None)
    try:
        if octets is not None:
            return Cvca.decode(octets).references
    except MalformedError as error:
        notes.failures.append(Failure(Step.TRUST_POINTS, fault_of(error)))
    cars = () if channel.pace is None else channel.pace.cars
    return tuple(car.decode("latin-1") for car in cars)


def _identifiers(channel: Channel, notes: Notes) -> Iterator[bytes]:
    """ID_IC: after PACE the chip's compressed key; the document number after BAC."""
    if channel.pace is not None:
        yield channel.pace.variant.group.compress(channel.pace.chip_public_key)
    try:
        yield identifier_of_document(DataGroup1.decode(notes.files[FileID.DG1]).mrz.information)
    except (KeyError, MalformedError):
        return
