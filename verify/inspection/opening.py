"""Open the chip: by PACE if it offers that, else by Basic Access Control (Doc 9303-11, 4.2)."""

from collections.abc import Callable
from typing import Final

import msgspec

from emrtd.access.chip_authentication_keys import announced_protocols
from emrtd.access.opening import ByBac, ByPace
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import Password, PasswordType
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.errors import LongCommandRefusedError, ProtocolError
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from emrtd.pki.cvc.authorization import ID_INSPECTION_SYSTEM, Chat
from emrtd.status_words import SW
from support.errors import ChipsealError, MalformedError, MisuseError
from verify.inspection import events
from verify.inspection.channel import Channel
from verify.inspection.faults import FAULTS_OF_CHIPS, fault_of
from verify.inspection.general_authentication import authenticate_both
from verify.inspection.master_file import read_master_file
from verify.judging.evidence import Access, AccessControl, Step
from verify.judging.faults import Fault, NotTried, PasswordName, Refused, TooLong, Why
from verify.judging.policy import BasicAccessControl

_EVERY_RIGHT: Final = Chat(ID_INSPECTION_SYSTEM, b"\x3f")

_PASSWORD_NAMES: Final[dict[PasswordType, PasswordName]] = {
    PasswordType.MRZ: "mrz",
    PasswordType.CAN: "can",
    PasswordType.PIN: "pin",
    PasswordType.PUK: "puk",
}


class Credentials(msgspec.Struct, frozen=True):
    """The passwords that open a chip: the MRZ, the CAN, or both; PACE tries the CAN first."""

    mrz: Password | None = None
    can: Password | None = None


class Opener(msgspec.Struct, frozen=True):
    """Opens one chip over a channel, with this terminal's passwords and as its policy allows."""

    channel: Channel
    credentials: Credentials
    basic_access_control: BasicAccessControl
    terminal: TerminalCredentials | None = None

    def open(self) -> Procedure[bool]:
        """Open the chip and select the eMRTD application; return whether that succeeded."""
        infos = yield from read_master_file(self.channel)
        offered = SecurityInfos() if infos is None else infos
        for step in _STEPS:
            if (yield from step(self, offered)):
                return True
        self.channel.tell(events.NotOpened())
        return False

    # --- PACE ------------------------------------------------------------------------------------

    def _by_pace(self, infos: SecurityInfos) -> Procedure[bool]:
        """Try PACE with the CAN if given, then with the MRZ; reset the chip if both fail."""
        if not infos.of(PaceInfo) or self.basic_access_control is BasicAccessControl.ONLY:
            return False
        for password in (self.credentials.can, self.credentials.mrz):
            if password is not None and (yield from self._by_pace_with(infos, password)):
                return True
        yield from self.channel.reset()  # 4.1: PACE or BAC, but not both in the same session
        return False

    def _by_pace_with(
        self, infos: SecurityInfos, password: Password, *, short: bool = False
    ) -> Procedure[bool]:
        """Run PACE; if its keys are too long for the chip, again with a curve that it offers.

        `short`: only variants whose keys fit in commands of short length.
        """
        channel, name = self.channel, _PASSWORD_NAMES[password.type]
        channel.tell(events.Opening(AccessControl.PACE, name))
        try:
            way = ByPace(choose(_on_curves(infos) if short else infos), password, self._chat(infos))
        except (MalformedError, ProtocolError) as error:
            return channel.fail(Step.PACE, fault_of(error), name)
        try:
            yield from channel.authenticate(way)
        except (*FAULTS_OF_CHIPS, MisuseError) as error:
            fault = _fault_of_pace(error)
            channel.fail(Step.PACE, fault, name)
            if isinstance(fault, TooLong) and _on_curves(infos).of(PaceInfo):
                return (yield from self._by_pace_with(infos, password, short=True))
            return False
        if self.terminal is not None and announced_protocols(infos):
            channel.reopen_by(way)
            yield from authenticate_both(channel, infos, self.terminal)
        channel.reopen_by(way.without_chat)
        yield from self._read_card_security(infos)
        selected = yield from channel.select_application()
        if not selected:  # some chips have no other application, and cannot select it
            octets = yield from channel.read_optional(FILES[FileID.COM])
            if octets is None:
                return self._explain_closed_application(infos)
        channel.open(Access(AccessControl.PACE, name, way.variant.name))
        return True

    def _explain_closed_application(self, infos: SecurityInfos) -> bool:
        """Record that an identity card wants a terminal's certificate first; return False.

        Such a card announces version 2 of Chip Authentication and refuses the application with 6982
        (TR-03110-2, 2.3.5).
        """
        channel = self.channel
        refused = channel.notes.failures[-1].fault
        denied = isinstance(refused, Refused) and refused.sw == SW.SECURITY_STATUS_NOT_SATISFIED
        if denied and self.terminal is None and announced_protocols(infos):
            return channel.fail(Step.APPLICATION, NotTried(Why.TERMINAL_WANTED))
        return False

    def _chat(self, infos: SecurityInfos) -> bytes | None:
        """Return the CHAT with which this terminal asks for the chip's trust points.

        In version 1 every access bit is set (4.4.4.1), in version 2 those of the certificate.
        """
        if self.terminal is None:
            return None
        return (
            self.terminal.certificate.chat if announced_protocols(infos) else _EVERY_RIGHT
        ).encode()

    def _read_card_security(self, infos: SecurityInfos) -> Procedure[None]:
        """Read EF.CardSecurity, which has the key of Chip Authentication Mapping, if offered."""
        if FileID.CARD_SECURITY in self.channel.notes.files:
            return
        if any(info.mapping is Mapping.CHIP_AUTHENTICATION for info in infos.of(PaceInfo)):
            yield from self.channel.read(FILES[FileID.CARD_SECURITY])

    # --- chips without PACE ----------------------------------------------------------------------

    def _without_password(self, _: SecurityInfos) -> Procedure[bool]:
        """Read without a password, as old chips allow (4.1, note 1).

        DG1 is the test, since some chips allow EF.COM and EF.SOD alone to be read.
        """
        self.channel.tell(events.Opening(AccessControl.NONE))
        yield from self.channel.select_application()
        octets = yield from self.channel.read_optional(FILES[FileID.DG1])
        if octets is None:
            return False
        self.channel.open(Access(AccessControl.NONE))
        return True

    def _by_bac(self, infos: SecurityInfos) -> Procedure[bool]:
        """Run Basic Access Control in the application that is selected."""
        channel, password = self.channel, self.credentials.mrz
        objection = self._objection_to_bac(infos)
        if objection is not None or password is None:
            return channel.fail(Step.BAC, objection or NotTried(Why.NO_MRZ))
        name = _PASSWORD_NAMES[password.type]
        channel.tell(events.Opening(AccessControl.BAC, name))
        way = ByBac(password)
        try:
            yield from channel.authenticate(way)
        except FAULTS_OF_CHIPS as error:
            return channel.fail(Step.BAC, fault_of(error), name)
        channel.reopen_by(way)
        channel.open(Access(AccessControl.BAC, name))
        return True

    def _objection_to_bac(self, infos: SecurityInfos) -> NotTried | None:
        """Return why the policy does not allow BAC with this chip; None if it does."""
        allowed = self.basic_access_control
        if allowed is BasicAccessControl.NEVER:
            return NotTried(Why.BAC_NOT_ALLOWED)
        if infos.of(PaceInfo) and allowed is BasicAccessControl.WITHOUT_PACE:
            return NotTried(Why.PACE_OFFERED)
        return None


def _on_curves(infos: SecurityInfos) -> SecurityInfos:
    """Return the SecurityInfos without the variants of PACE over DH."""
    return SecurityInfos(
        *(
            each
            for each in infos
            if not (isinstance(each, PaceInfo) and each.key_agreement is KeyAgreement.DH)
        )
    )


def _fault_of_pace(error: ChipsealError) -> Fault:
    """Return the fault of PACE; it names extended length if the chip refused such a command.

    Chips without it answer not only 6700.  The password has no part in such a command: it carries
    the public keys alone.
    """
    if isinstance(error, LongCommandRefusedError):
        return TooLong(error.sw, error.doing)
    return fault_of(error)


_STEPS: Final[tuple[Callable[[Opener, SecurityInfos], Procedure[bool]], ...]] = (
    Opener._by_pace,
    Opener._without_password,
    Opener._by_bac,
)
"""The ways to open a chip, in the order of 4.2; each returns whether the chip is open."""
