"""Opening the chip: PACE where it is offered, else Basic Access Control (Doc 9303-11, 4.2)."""

import secrets
from dataclasses import dataclass
from typing import Final

from emrtd.access import bac
from emrtd.access.chip_authentication_keys import announced
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import PaceVariant, choose
from emrtd.access.passwords import Password, PasswordType
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.protocols import Mapping
from emrtd.errors import ChipRefusalError, ProtocolError, TransportError
from emrtd.iso7816.apdu import SHORT_MAX_LE
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from emrtd.pki.cvc.authorization import ID_INSPECTION_SYSTEM, Chat
from emrtd.status_words import SW
from support.errors import ChipsealError, MalformedError
from verify.inspection.channel import Channel, Notes
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.inspection.general_authentication import authenticate_both
from verify.judging.evidence import Access, AccessControl, Failure, PaceTranscript, Step
from verify.judging.faults import Fault, NotTried, PasswordName, Why
from verify.judging.policy import BasicAccessControl

_SHORT_RESPONSE: Final = SHORT_MAX_LE + 2

_EVERY_RIGHT: Final = Chat(ID_INSPECTION_SYSTEM, b"\x3f")

_NOT_UNDERSTOOD: Final = frozenset({SW.INCORRECT_DATA, SW.LC_INCONSISTENT, SW.WRONG_LENGTH})


_PASSWORD_NAMES: Final[dict[PasswordType, PasswordName]] = {
    PasswordType.MRZ: "mrz",
    PasswordType.CAN: "can",
    PasswordType.PIN: "pin",
    PasswordType.PUK: "puk",
}


def name_of(password: Password) -> PasswordName:
    """The kind of a password, as evidence names it."""
    return _PASSWORD_NAMES[password.type]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens a chip: the MRZ, the CAN, or both; PACE takes the CAN where there is one."""

    mrz: Password | None = None
    can: Password | None = None


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens one chip over a channel, and writes down how."""

    channel: Channel
    notes: Notes
    credentials: Credentials
    basic_access_control: BasicAccessControl
    terminal: TerminalCredentials | None = None
    random: Random = secrets.token_bytes

    def open(self) -> Procedure[bool]:
        """Open the chip and select the eMRTD application; whether data can be read now."""
        infos = yield from self._read_master_file()
        offers_pace = infos is not None and bool(infos.of(PaceInfo))
        takes_pace = offers_pace and self.basic_access_control is not BasicAccessControl.ONLY
        if infos is not None and takes_pace:
            if (yield from self._open_by_pace(infos)):
                return True
            self.notes.forget_session()
            yield from self.channel.reset()  # 4.1: PACE or BAC, but not both in the same session
        yield from self._select_application()
        # Old chips let anyone read (4.1, note 1).  DG1 tells, since some show EF.COM and EF.SOD.
        if (yield from self._gives(FileID.DG1)):
            self.notes.access = Access(AccessControl.NONE)
            return True
        return (yield from self._open_by_bac(offers_pace=offers_pace))

    # --- the master file -------------------------------------------------------------------------

    def _read_master_file(self) -> Procedure[SecurityInfos | None]:
        """EF.CardAccess, EF.ATR/INFO and EF.DIR, which anyone may read.

        Where EF.CardAccess cannot be found, the master file may not be selected, or its SFI may
        have found EF.CVCA of an application that is selected by default.
        """
        channel, notes = self.channel, self.notes
        octets = yield from channel.read(FILES[FileID.CARD_ACCESS], notes, expected=False)
        if octets is None or octets[0] != FILES[FileID.CARD_ACCESS].tag:
            notes.files.pop(FileID.CARD_ACCESS, None)
            notes.unread.pop(FileID.CARD_ACCESS, None)
            yield from self._select_master_file()
            octets = yield from channel.read(FILES[FileID.CARD_ACCESS], notes, expected=False)
        yield from self._learn_buffers()
        yield from channel.read(FILES[FileID.DIR], notes, expected=False)
        notes.unread.pop(FileID.DIR, None)  # optional, and some chips keep it closed
        if octets is None:
            return None
        try:
            return CardAccess.decode(octets).security_infos
        except MalformedError as error:
            self._note_failure(Step.CARD_ACCESS, fault_of(error))
            return None

    def _learn_buffers(self) -> Procedure[None]:
        octets = yield from self.channel.read(FILES[FileID.ATR_INFO], self.notes, expected=False)
        self.notes.unread.pop(FileID.ATR_INFO, None)
        if octets is None:
            return
        try:
            said = AtrInfo.decode(octets)
        except MalformedError:
            return  # lds.structure says so
        largest, capabilities = said.max_response, said.capabilities or Capability(0)
        self.channel.takes_chains = largest is None and Capability.COMMAND_CHAINING in capabilities
        if largest is not None and largest > _SHORT_RESPONSE:
            self.channel.reader.allow(largest - 2)

    # --- PACE ------------------------------------------------------------------------------------

    def _open_by_pace(self, infos: SecurityInfos) -> Procedure[bool]:
        """With the CAN where there is one, then with the MRZ."""
        for password in (self.credentials.can, self.credentials.mrz):
            if password is not None and (yield from self._open_by_pace_with(infos, password)):
                return True
        return False

    def _open_by_pace_with(self, infos: SecurityInfos, password: Password) -> Procedure[bool]:
        chat = self._chat(infos)
        try:
            variant = choose(infos)
            result = yield from self._establish_asking(variant, password, chat)
        except TransportError:
            raise
        except ChipsealError as error:
            return self._note_failure(Step.PACE, fault_of(error), password)
        if self.terminal is not None and announced(infos):
            yield from authenticate_both(
                self.channel, self.notes, result, infos, self.terminal, random=self.random
            )

        def reopen(*, into_application: bool) -> Procedure[bool]:
            self.notes.forget_card_security_proof()
            try:
                yield from select_master_file()  # in plain, it ends what the chip has of a session
                yield from self._establish(variant, password)
            except FAULTS_OF_CHIPS:
                return False
            if into_application:
                yield from self._select_application()
            return True

        self.channel.reopen = lambda: reopen(into_application=False)
        yield from self._read_card_security(infos)
        selected = yield from self._select_application()
        if not selected and not (yield from self._gives(FileID.COM)):  # some have no other
            return False
        self.notes.access = Access(AccessControl.PACE, name_of(password), result.variant.name)
        self.channel.reopen = lambda: reopen(into_application=True)
        return True

    def _chat(self, infos: SecurityInfos) -> bytes | None:
        """The CHAT by which this terminal asks for the chip's trust points.

        In version 1 every access bit is set (4.4.4.1), in version 2 those of its own certificate.
        """
        if self.terminal is None:
            return None
        return (self.terminal.certificate.chat if announced(infos) else _EVERY_RIGHT).encode()

    def _establish_asking(
        self, variant: PaceVariant, password: Password, chat: bytes | None
    ) -> Procedure[PaceResult]:
        """Some chips refuse what they do not know in MSE:Set AT: those are asked for nothing."""
        try:
            return (yield from self._establish(variant, password, chat))
        except ChipRefusalError as error:
            if chat is None or error.sw not in _NOT_UNDERSTOOD:
                raise
        return (yield from self._establish(variant, password))

    def _establish(
        self, variant: PaceVariant, password: Password, chat: bytes | None = None
    ) -> Procedure[PaceResult]:
        procedure = establish(variant, password, random=self.random, chat=chat)
        result = yield from self.channel.carry(procedure)
        self.channel.protect(result.secure_messaging)
        self.channel.pace = result
        self._note_pace(result)
        return result

    def _note_pace(self, result: PaceResult) -> None:
        """Every time: what one chip has proven says nothing of one that is opened after it."""
        self.notes.pace.append(
            PaceTranscript(
                protocol=result.info.protocol,
                parameter_id=result.info.parameter_id,
                mapping_key=result.mapping_public_key,
                chip_authentication_data=result.chip_authentication_data,
            )
        )

    def _read_card_security(self, infos: SecurityInfos) -> Procedure[None]:
        """EF.CardSecurity, with the key of Chip Authentication Mapping, where that is offered."""
        if FileID.CARD_SECURITY in self.notes.files:
            return
        if any(info.mapping is Mapping.CHIP_AUTHENTICATION for info in infos.of(PaceInfo)):
            yield from self.channel.read(FILES[FileID.CARD_SECURITY], self.notes)

    # --- Basic Access Control --------------------------------------------------------------------

    def _open_by_bac(self, *, offers_pace: bool) -> Procedure[bool]:
        password, allowed = self.credentials.mrz, self.basic_access_control
        if allowed is BasicAccessControl.NEVER:
            return self._note_failure(Step.BAC, NotTried(Why.BAC_NOT_ALLOWED))
        if offers_pace and allowed is BasicAccessControl.WITHOUT_PACE:
            return self._note_failure(Step.BAC, NotTried(Why.PACE_OFFERED))
        if password is None:
            return self._note_failure(Step.BAC, NotTried(Why.NO_MRZ))

        def attempt() -> Procedure[None]:
            session = yield from self.channel.carry(bac.authenticate(password, random=self.random))
            self.channel.protect(session)

        try:
            yield from attempt()
        except FAULTS_OF_CHIPS as error:
            return self._note_failure(Step.BAC, fault_of(error), password)
        self.notes.access = Access(AccessControl.BAC, name_of(password))

        def reopen() -> Procedure[bool]:
            try:
                yield from select_master_file()  # in plain, it ends what the chip has of a session
                yield from self._select_application()
                yield from attempt()
            except FAULTS_OF_CHIPS:
                return False
            return True

        self.channel.reopen = reopen
        return True

    # --- both ------------------------------------------------------------------------------------

    def _select_master_file(self) -> Procedure[None]:
        """Select the master file, whatever the chip says to that."""
        try:
            yield from self.channel.carry(select_master_file())
        except (MalformedError, ProtocolError) as error:
            self._note_failure(Step.MASTER_FILE, fault_of(error))

    def _select_application(self) -> Procedure[bool]:
        try:
            yield from self.channel.carry(select_application(EMRTD_APPLICATION))
        except FAULTS_OF_CHIPS as error:
            return self._note_failure(Step.APPLICATION, fault_of(error))
        return True

    def _gives(self, file_id: FileID) -> Procedure[bool]:
        """Whether the chip gives a file of the application now; that it does not is no finding."""
        octets = yield from self.channel.read(FILES[file_id], self.notes)
        self.notes.unread.pop(file_id, None)
        return octets is not None

    def _note_failure(self, step: Step, fault: Fault, password: Password | None = None) -> bool:
        named = None if password is None else name_of(password)
        self.notes.failures.append(Failure(step, fault, named))
        return False
