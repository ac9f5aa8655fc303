"""The channel to one chip: plain at first, then protected by secure messaging."""

import secrets
from typing import Final, TypeVar

import msgspec

from emrtd.access.opening import OpenedSession, Way
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import (
    command_capacity,
    with_command_chaining,
    with_response_chaining,
)
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, Random, Reset, exchange, through
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, SecureMessagingError, secured
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.files import APPLICATIONS, EMRTD_APPLICATION, FILES, ElementaryFile, FileID
from emrtd.status_words import SW
from verify.inspection import events
from verify.inspection.events import Listener, ignore
from verify.inspection.faults import FAULTS_OF_CHIPS, StoppedError, fault_of
from verify.inspection.notes import Notes
from verify.inspection.state import Stage, State
from verify.judging.evidence import (
    Access,
    ChipAuthenticationTranscript,
    Exchange,
    Failure,
    Step,
    TerminalAuthenticationTranscript,
)
from verify.judging.faults import (
    Exhausted,
    Fault,
    NotTried,
    PasswordName,
    Refused,
    Violated,
    Why,
)

T = TypeVar("T")

MOST_COMMANDS: Final = 20_000
"""The limit of commands in one inspection; the largest documents take 3,000 (32 octets each)."""


_IN_FORMER_SESSION: Final = (
    "Chip Authentication: the chip answered in the session before, whose keys it should have left"
)


class FirstExchange(msgspec.Struct, frozen=True):
    """The first exchange in a new session, as transmitted.

    The response is empty if no whole one arrived.  `fault` is why the exchange proves nothing, None
    if it verified.  `in_former_session`: the response verified in the session before.
    """

    exchange: Exchange
    fault: Fault | None = None
    in_former_session: bool = False


class Channel:
    """Runs procedures on the chip and reads files; opens the chip again if it ends the session.

    It records its results in `notes` and reports events to a listener.  `takes_chains` is True if
    EF.ATR/INFO allows command chaining and states no buffer sizes: extended length may then be used
    for key agreement only (Doc 9303-11, 9.3.1.2).
    """

    def __init__(
        self, notes: Notes, listener: Listener = ignore, random: Random = secrets.token_bytes
    ) -> None:
        self.notes = notes
        self.random = random
        self.tell = listener
        self.reader = FileReader()
        self.takes_chains = False
        self._state = State()
        self._commands = 0

    @property
    def state(self) -> State:
        """The current state of the session; only methods of the channel change it."""
        return self._state

    # --- the session -----------------------------------------------------------------------------

    def authenticate(self, way: Way) -> Procedure[OpenedSession]:
        """Run PACE or BAC, in the directory that is selected."""
        opened = yield from self.carry(way.authenticate(self.random))
        self._enter(self._state.secured(opened))
        return opened

    def reopen_by(self, way: Way) -> None:
        """From now on, open the chip again in this way if it ends the session."""
        self._enter(self._state.reopenable(way))

    def open(self, access: Access) -> None:
        """Record that the eMRTD application can be read, and how it was opened."""
        self._enter(self._state.opened(access))
        self.tell(events.Opened(access))

    def reset(self) -> Procedure[None]:
        """Reset the chip; the channel is plain afterwards."""
        self._enter(self._state.reset())
        yield Reset()

    def change_session(
        self, session: SecureMessaging, chip_key: bytes | None = None
    ) -> Procedure[FirstExchange]:
        """Change to a new session; return the first exchange in it.

        If the chip does not answer in the new session, no session is left: the caller calls
        `begin_again`.  Raises `StoppedError` if the limit of commands is reached before the chip is
        asked.
        """
        recorded: list[Exchange] = []
        former = self._state.messaging
        in_former = False

        def record(command: CommandAPDU) -> Procedure[ResponseAPDU]:
            nonlocal in_former
            recorded.append(Exchange(command.encode(), b""))
            response = yield command
            recorded[-1] = Exchange(command.encode(), response.encode())
            in_former = former is not None and _is_of(former, response)
            return response

        # any answer in the new session proves the key, even a refusal
        probe = exchange(self.reader.probe(FILES[FileID.COM].address))
        before = self._commands
        try:
            recording = through(secured(probe, session), record)
            yield from through(with_response_chaining(recording), self._counted)
        except FAULTS_OF_CHIPS as error:
            if isinstance(error, StoppedError) and self._commands == before + 1:
                raise  # no command was sent: this says nothing about the chip's key
            fault: Fault = Violated(_IN_FORMER_SESSION) if in_former else fault_of(error)
        else:
            self._enter(self._state.rekeyed(session, chip_key))
            return FirstExchange(recorded[0])
        return FirstExchange(recorded[0], fault, in_former)

    def begin_again(self) -> Procedure[bool]:
        """Reset the chip after a proof was disturbed, and open it; return whether that succeeded.

        The number of calls is bounded by the number of proofs, and so is not limited here.
        """
        return (yield from self._recover(counted=False))

    def show(
        self,
        *,
        chip_authentication: ChipAuthenticationTranscript | None = None,
        terminal_authentication: TerminalAuthenticationTranscript | None = None,
    ) -> None:
        """Record a result that is valid for this session only."""
        self._enter(
            self._state.showing(
                chip_authentication=chip_authentication,
                terminal_authentication=terminal_authentication,
            )
        )

    def _enter(self, state: State) -> None:
        self._state = state
        if state.messaging is not None:
            self.reader.set_cipher_block(state.messaging.cipher.block_size)

    def _recover(self, *, counted: bool = True) -> Procedure[bool]:
        """Open the chip again after it ended the session; return whether that succeeded."""
        if self._state.stage is Stage.LOST:
            return False
        self._enter(self._state.dropped(counted=counted))
        reopening = self._state.stage is Stage.REOPENING
        self.tell(events.SessionLost(reopening))
        if reopening and (yield from self._reopen()):
            self.tell(events.Reopened())
            return True
        if reopening:
            self._enter(self._state.lost())
            self.tell(events.SessionLost(reopening=False))
        return False

    def _reopen(self) -> Procedure[bool]:
        way, access = self._state.way, self._state.access
        yield Reset()  # some chips keep parts of a session until a reset
        try:
            yield from through(select_master_file(), self._counted)  # ends what is left of it
            if way is None or way.directory is Directory.EMRTD:
                yield from self.select_application()
            if way is not None:
                yield from self.authenticate(way)
        except FAULTS_OF_CHIPS:
            return False
        if access is not None:
            if way is not None and way.directory is not Directory.EMRTD:
                yield from self.select_application()
            self._enter(self._state.opened(access))
        return True

    # --- commands --------------------------------------------------------------------------------

    def carry(self, procedure: Procedure[T]) -> Procedure[T]:
        """Return a procedure that runs over the current channel.

        Raises `StoppedError` if the session is lost, or if the inspection has sent `MOST_COMMANDS`
        commands: a chip that returns its files octet by octet must not block it for ever.
        """
        if self._state.stage is Stage.LOST:
            raise StoppedError(NotTried(Why.NO_SESSION))
        if self._state.messaging is not None:
            procedure = secured(procedure, self._state.messaging)
        return through(with_response_chaining(procedure), self._counted)

    def carry_in_chains(self, procedure: Procedure[T]) -> Procedure[T]:
        """As `carry`, for commands with long data: chained if the chip requires that."""
        if self.takes_chains:
            session = self._state.messaging
            block = None if session is None else session.cipher.block_size
            procedure = with_command_chaining(procedure, command_capacity(block))
        return self.carry(procedure)

    def _counted(self, command: CommandAPDU) -> Procedure[ResponseAPDU]:
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            raise StoppedError(Exhausted(MOST_COMMANDS))
        return (yield command)

    def select_application(self) -> Procedure[bool]:
        """Select the eMRTD application; return whether the chip has it."""
        try:
            yield from self.carry(select_application(EMRTD_APPLICATION))
        except FAULTS_OF_CHIPS as error:
            return self.fail(Step.APPLICATION, fault_of(error))
        return True

    def fail(self, step: Step, fault: Fault, password: PasswordName | None = None) -> bool:
        """Record that a step of opening failed; return False."""
        failure = Failure(step, fault, password)
        self.notes.failures.append(failure)
        self.tell(events.StepFailed(failure))
        return False

    # --- files -----------------------------------------------------------------------------------

    def read(self, file: ElementaryFile, *, expected: bool = True) -> Procedure[bytes | None]:
        """Read a file and record its content, or why it was not read; return the content.

        The absence of a file that is not `expected` is not recorded.
        """
        octets, fault = yield from self._try(file)
        if fault is not None and (expected or not _is_absence(fault)):
            self.leave(file.file_id, fault)
        return octets

    def read_optional(self, file: ElementaryFile) -> Procedure[bytes | None]:
        """Read a file and record its content; a failure is not recorded.  Return the content."""
        octets, _ = yield from self._try(file)
        return octets

    def leave(self, file_id: FileID, fault: Fault) -> None:
        """Record that a file was not read, and why."""
        self.notes.unread[file_id] = fault
        self.tell(events.NotRead(file_id, fault))

    def _try(self, file: ElementaryFile) -> Procedure[tuple[bytes | None, Fault | None]]:
        try:
            octets = yield from self._read(file)
        except FAULTS_OF_CHIPS as error:
            return None, fault_of(error)
        self.notes.files[file.file_id] = octets
        self.tell(events.Read(file.file_id, len(octets)))
        return octets, None

    def _read(self, file: ElementaryFile) -> Procedure[bytes]:
        def progress(done: int, of: int | None) -> None:
            self.tell(events.Reading(file.file_id, done, of))

        while True:
            try:
                reading = self.reader.read(file.address, progress=progress)
                octets = yield from self.carry(reading)
                if file.tag in {octets[0], None} or self.reader.needs_select(file.address):
                    return octets
                return (yield from self.carry(self._read_selected(file)))
            except SecureMessagingError:
                if not self.reader.reduce_after_lost_session():
                    self._enter(self._state.lost())
                    self.tell(events.SessionLost(reopening=False))
                    raise
                if not (yield from self._recover()):
                    raise

    def _read_selected(self, file: ElementaryFile) -> Procedure[bytes]:
        """Read a file by its identifier, because its short identifier selected another file.

        EF.COM has the short identifier of EF.DIR, and EF.SOD that of EF.CardSecurity: some chips
        that do not find one in the application select the one in the master file, and stay there.
        """
        if file.directory is Directory.MASTER_FILE:
            yield from select_master_file()
        else:
            yield from select_application(APPLICATIONS[file.directory])
        return (yield from self.reader.read(file.address, by_identifier=True))


def _is_of(session: SecureMessaging, response: ResponseAPDU) -> bool:
    """Whether a response verifies in a session whose last response was the one before it.

    The chip may have counted the command, which was not of this session, or not.
    """
    for _ in range(2):
        try:
            session.unprotect_response(response)
        except SecureMessagingError:
            continue
        return True
    return False


def _is_absence(fault: Fault) -> bool:
    """Whether a fault is the chip's answer that it has no such file."""
    return isinstance(fault, Refused) and fault.sw == SW.FILE_NOT_FOUND
