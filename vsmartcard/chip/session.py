"""The session of a chip, which ends with its power, and the `Core` that commands work on."""

from dataclasses import dataclass, field, replace
from enum import Enum, unique
from functools import lru_cache
from typing import Final

import msgspec

from emrtd.access.bac import BacChip
from emrtd.access.chip_authentication import ChipAuthenticationChip
from emrtd.access.chip_keys import ActiveAuthenticationKey
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.protocol import PaceChip
from emrtd.access.password_state import PasswordState
from emrtd.access.passwords import PasswordType
from emrtd.access.terminal_authentication import TerminalAuthenticationChip
from emrtd.crypto.private_keys import PrivateKey
from emrtd.globalplatform.emrtd_groupings import KeyParts
from emrtd.globalplatform.scp03 import KeySet, Scp03Card
from emrtd.globalplatform.secure_channel import SecureChannel
from emrtd.iso7816.apdu import SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Random
from emrtd.iso7816.reading import response_capacity
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FILES, FileID
from support.errors import MalformedError
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState

_ATR_INFO: Final = (Directory.MASTER_FILE, FILES[FileID.ATR_INFO].identifier)


@unique
class ChipAccess(Enum):
    """The chip access procedure that the terminal has done (Doc 9303-11, 4.2).

    The PUK gives access to PIN management (TR-03110-2, 2.4.1), not to the LDS.
    """

    NONE = "none"
    BAC = "Basic Access Control"
    PACE = "PACE"
    PIN_MANAGEMENT = "PACE with the PUK"


@unique
class Protocol(Enum):
    """The protocol that GENERAL AUTHENTICATE continues, as selected by MSE:Set AT."""

    PACE = "PACE"
    CHIP_AUTHENTICATION = "Chip Authentication"


@dataclass(frozen=True, slots=True)
class PaceSession:
    """PACE in this session: its passwords, which the CAN may have resumed, and its result."""

    chip: PaceChip
    passwords: dict[PasswordType, PasswordState]
    result: PaceResult | None = None


@dataclass(frozen=True, slots=True)
class StationSession:
    """The station's session with a chip that is not locked yet.

    `selected`: the security domain is selected, not the application.  `card` and `key_set` have
    answered INITIALIZE UPDATE; `channel` is open once the station is authenticated.  `block` is the
    number of the next block of STORE DATA; None until INSTALL [for personalization].
    """

    selected: bool = False
    card: Scp03Card | None = None
    key_set: KeySet | None = None
    channel: SecureChannel | None = None
    block: int | None = None
    key_parts: KeyParts = field(default_factory=KeyParts)

    def with_block(self, block: int | None) -> "StationSession":
        """Expect another block of STORE DATA next."""
        return StationSession(
            self.selected, self.card, self.key_set, self.channel, block, self.key_parts
        )


@dataclass(frozen=True)
class Session:
    """One session: it begins at power-up, and again whenever secure messaging ends.

    A session is immutable; its methods are its transitions, and a new session is `Session()`.  The
    protocol objects in it count their own steps.  `secure_messaging` protects the present command;
    `next_secure_messaging` replaces it after the response (Doc 9303-11, 9.8.2).  `file` is the
    current EF.  `terminal_key` is Comp(PK_DH,IFD) of the latest Chip Authentication or PACE-CAM.
    """

    directory: Directory = Directory.MASTER_FILE
    file: tuple[Directory, int] | None = None
    access: ChipAccess = ChipAccess.NONE
    secure_messaging: SecureMessaging | None = field(default=None, repr=False)
    next_secure_messaging: SecureMessaging | None = field(default=None, repr=False)
    selected: Protocol | None = None
    bac: BacChip | None = field(default=None, repr=False)
    pace: PaceSession | None = field(default=None, repr=False)
    chip_authentication: ChipAuthenticationChip | None = field(default=None, repr=False)
    terminal_authentication: TerminalAuthenticationChip | None = field(default=None, repr=False)
    terminal_key: bytes | None = None
    station: StationSession = field(default_factory=StationSession, repr=False)

    @property
    def pace_result(self) -> PaceResult | None:
        """The result of PACE in this session; None if it was not done."""
        return None if self.pace is None else self.pace.result

    @property
    def in_master_file(self) -> bool:
        """Whether the MF is the current directory."""
        return self.directory is Directory.MASTER_FILE

    def with_directory(self, directory: Directory) -> "Session":
        """Select a directory, and no file in it."""
        return self._at(directory, None)

    def with_file(self, file: tuple[Directory, int]) -> "Session":
        """Select a file, and its directory with it."""
        if file == self.file and file[0] is self.directory:
            return self
        return self._at(file[0], file)

    def _at(self, directory: Directory, file: tuple[Directory, int] | None) -> "Session":
        """Do the same as `replace`, which would take a quarter of the time of SELECT."""
        session = object.__new__(Session)
        session.__dict__.update(self.__dict__, directory=directory, file=file)
        return session

    def with_station(self, station: StationSession) -> "Session":
        """Go on with another state of the station's session."""
        session = object.__new__(Session)
        session.__dict__.update(self.__dict__, station=station)
        return session

    def with_selected(self, protocol: Protocol | None) -> "Session":
        """Select the protocol that GENERAL AUTHENTICATE continues; None selects none."""
        return replace(self, selected=protocol)

    def with_bac(self, bac: BacChip) -> "Session":
        """Begin Basic Access Control, with a new challenge that replaces an earlier one."""
        return replace(self, bac=bac)

    def opened_by_bac(self, secure_messaging: SecureMessaging) -> "Session":
        """Give the terminal access after BAC (Doc 9303-11, 4.3.4)."""
        return replace(
            self, bac=None, access=ChipAccess.BAC, next_secure_messaging=secure_messaging
        )

    def with_pace(self, pace: PaceSession) -> "Session":
        """Keep the state of PACE, so that it can be selected."""
        return replace(self, pace=pace)

    def opened_by_pace(self, pace: PaceSession, result: PaceResult) -> "Session":
        """Give the terminal access after PACE: the session begins in the MF (Doc 9303-11, 4.4.2).

        What an earlier session had authenticated is lost.  CAM replaces Chip Authentication.
        """
        cam = result.chip_authentication_data is not None
        puk = result.password is PasswordType.PUK
        return Session(
            access=ChipAccess.PIN_MANAGEMENT if puk else ChipAccess.PACE,
            secure_messaging=self.secure_messaging,
            next_secure_messaging=result.secure_messaging,
            pace=replace(pace, result=result),
            terminal_key=result.variant.group.compress(result.terminal_public_key) if cam else None,
        )

    def with_chip_authentication(self, chip: ChipAuthenticationChip) -> "Session":
        """Begin Chip Authentication."""
        return replace(self, chip_authentication=chip)

    def chip_authenticated(
        self, secure_messaging: SecureMessaging, terminal_key: bytes
    ) -> "Session":
        """Restart secure messaging with new keys after the response (Doc 9303-11, 6.2.2).

        Rights that Terminal Authentication has bound to another key end; the terminal can
        authenticate again.
        """
        terminal = self.terminal_authentication
        if terminal is not None:
            terminal.bind(terminal_key)
            if terminal.compressed_key is not None and terminal.effective is None:
                terminal = None
        return replace(
            self,
            next_secure_messaging=secure_messaging,
            terminal_key=terminal_key,
            terminal_authentication=terminal,
        )

    def with_terminal_authentication(self, chip: TerminalAuthenticationChip) -> "Session":
        """Begin Terminal Authentication, bound to the key of an earlier Chip Authentication."""
        if self.terminal_key is not None:
            chip.bind(self.terminal_key)
        return replace(self, terminal_authentication=chip)

    def responded(self) -> "Session":
        """Use the newly agreed keys, if any, after the response."""
        if self.next_secure_messaging is None:
            return self
        return replace(
            self, secure_messaging=self.next_secure_messaging, next_secure_messaging=None
        )


class Limits(msgspec.Struct, frozen=True):
    """What a chip accepts and returns: the largest APDUs in octets, and extended Lc and Le."""

    max_command: int
    max_response: int
    extended_length: bool

    @classmethod
    def of(cls, state: ChipState) -> "Limits":
        """Return the limits of the hardware, and of EF.ATR/INFO once the chip is locked.

        The JMRTD applet does not accept extended Lc and Le.
        """
        announced, hardware = _announced(state), state.hardware
        commands, responses = announced.max_command, announced.max_response
        capabilities = announced.capabilities
        return cls(
            hardware.max_command if commands is None else min(commands, hardware.max_command),
            hardware.max_response if responses is None else min(responses, hardware.max_response),
            not state.is_jmrtd_applet
            and hardware.extended_length
            and (capabilities is None or Capability.EXTENDED_LENGTH in capabilities),
        )


@dataclass(slots=True)
class Core:
    """A running chip: its state, its session and its source of randomness.

    A command replaces `state` or `session`, or leaves them.  `active_authentication` caches the
    loaded private key, with the key that it was loaded from; `_limits` the limits, with the state
    that they were read from.
    """

    state: ChipState
    random: Random
    session: Session = field(default_factory=Session)
    active_authentication: tuple[ActiveAuthenticationKey, PrivateKey] | None = field(
        default=None, repr=False
    )
    _limits: tuple[ChipState, Limits] | None = field(default=None, init=False, repr=False)

    @property
    def limits(self) -> Limits:
        """The limits of the chip in its present state."""
        if self._limits is None or self._limits[0] is not self.state:
            self._limits = self.state, Limits.of(self.state)
        return self._limits[1]

    def response_room(self, command: CommandAPDU) -> int:
        """Return how many octets of data the response can hold, inside a session or not."""
        buffer = self.limits.max_response - 2 if command.extended else SHORT_MAX_LE
        if self.session.station.channel is not None:
            return self.session.station.channel.response_capacity(buffer)
        session = self.session.secure_messaging
        return response_capacity(buffer, None if session is None else session.cipher.block_size)

    def change_file(self, file: TransparentFile) -> None:
        """Replace a file with its changed version."""
        self.state = self.state.with_changed_file(file)


def _announced(state: ChipState) -> AtrInfo:
    """Return EF.ATR/INFO, which binds the chip once it is locked."""
    return _decode_announced(
        file.content
        if state.life_cycle is LifeCycle.OPERATIONAL
        and (file := state.files.find(_ATR_INFO)) is not None
        else b""
    )


@lru_cache(maxsize=64)
def _decode_announced(content: bytes) -> AtrInfo:
    try:
        return AtrInfo.decode(content)
    except MalformedError:
        return AtrInfo(b"")
