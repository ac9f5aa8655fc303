"""The way to one chip, plain at first and then through secure messaging."""

import secrets
from typing import Final, TypeVar

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
from verify.inspection.events import Listener, nobody
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
from verify.judging.faults import Exhausted, Fault, NotTried, PasswordName, Refused, Why

T = TypeVar("T")

MOST_COMMANDS: Final = 20_000
"""Commands of one inspection; the largest documents need 3,000 where blocks are 32 octets."""


class Channel:
    """Carries procedures to the chip, and reads files; opens a chip anew that dropped its session.

    What it finds is written into `notes` and told to a listener.  `takes_chains` says that
    EF.ATR/INFO allows command chaining and states no buffers: extended length is then for key
    agreement alone (Doc 9303-11, 9.3.1.2).
    """

    def __init__(
        self, notes: Notes, listener: Listener = nobody, random: Random = secrets.token_bytes
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
        """The session as it is now; only the methods of the channel change it."""
        return self._state

    # --- the session -----------------------------------------------------------------------------

    def authenticate(self, way: Way) -> Procedure[OpenedSession]:
        """Open the chip by PACE or BAC, in the directory that this wants."""
        opened = yield from self.carry(way.authenticate(self.random))
        self._enter(self._state.secured(opened))
        return opened

    def reopen_by(self, way: Way) -> None:
        """Have a chip that drops the session from now on opened anew."""
        self._enter(self._state.reopenable(way))

    def open(self, access: Access) -> None:
        """The eMRTD application can be read."""
        self._enter(self._state.opened(access))
        self.tell(events.Opened(access))

    def reset(self) -> Procedure[None]:
        """Power the chip up anew, and begin with a plain channel."""
        self._enter(self._state.reset())
        yield Reset()

    def change_session(
        self, session: SecureMessaging, chip_key: bytes | None = None
    ) -> Procedure[Exchange | None]:
        """Go over to a new session; return the first exchange in it, as it went over the wire.

        Where the chip cannot answer in it, the chip is opened anew, and the session is another one;
        None where there was no answer at all.  Raises `StoppedError` where the chip was not asked.
        """
        recorded: list[Exchange] = []

        def record(command: CommandAPDU) -> Procedure[ResponseAPDU]:
            response = yield command
            recorded.append(Exchange(command.encode(), response.encode()))
            return response

        # any answer will do, so long as it is in the session
        probe = exchange(self.reader.probe(FILES[FileID.COM].address))
        before = self._commands
        try:
            recording = through(secured(probe, session), record)
            yield from through(with_response_chaining(recording), self._counted)
        except FAULTS_OF_CHIPS as error:
            if isinstance(error, StoppedError) and self._commands == before + 1:
                raise  # not even the first command was sent; an answer without end is the chip's
            yield from self._recover()
        else:
            self._enter(self._state.rekeyed(session, chip_key))
        return recorded[0] if recorded else None

    def show(
        self,
        *,
        chip_authentication: ChipAuthenticationTranscript | None = None,
        terminal_authentication: TerminalAuthenticationTranscript | None = None,
    ) -> None:
        """Note what holds only as long as the session does."""
        self._enter(
            self._state.showing(
                chip_authentication=chip_authentication,
                terminal_authentication=terminal_authentication,
            )
        )

    def _enter(self, state: State) -> None:
        self._state = state
        if state.messaging is not None:
            self.reader.protect(state.messaging.cipher.block_size)

    def _recover(self) -> Procedure[bool]:
        """Open anew a chip that dropped the session; whether that succeeded."""
        self._enter(self._state.dropped())
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
        if way is None:
            return False
        yield Reset()  # some keep what they have of a session until then
        try:
            yield from select_master_file()  # in plain, it ends what the chip has of a session
            if way.directory is Directory.EMRTD:
                yield from self.select_application()
            yield from self.authenticate(way)
        except FAULTS_OF_CHIPS:
            return False
        if access is not None:
            if way.directory is not Directory.EMRTD:
                yield from self.select_application()
            self._enter(self._state.opened(access))
        return True

    # --- commands --------------------------------------------------------------------------------

    def carry(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure over the channel as it is now.

        Raises `StoppedError` where the session is lost, and once a chip has used up what one
        inspection may ask of it, so that one which hands out its files octet by octet keeps nobody
        waiting for ever.
        """
        if self._state.stage is Stage.LOST:
            raise StoppedError(NotTried(Why.NO_SESSION))
        if self._state.messaging is not None:
            procedure = secured(procedure, self._state.messaging)
        return through(with_response_chaining(procedure), self._counted)

    def carry_in_chains(self, procedure: Procedure[T]) -> Procedure[T]:
        """The same for commands whose data may be long, where the chip takes chains of them."""
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
        """Select the eMRTD application; whether the chip has it."""
        try:
            yield from self.carry(select_application(EMRTD_APPLICATION))
        except FAULTS_OF_CHIPS as error:
            return self.fail(Step.APPLICATION, fault_of(error))
        return True

    def fail(self, step: Step, fault: Fault, password: PasswordName | None = None) -> bool:
        """Note that a step of opening did not succeed; returns False."""
        failure = Failure(step, fault, password)
        self.notes.failures.append(failure)
        self.tell(events.StepFailed(failure))
        return False

    # --- files -----------------------------------------------------------------------------------

    def read(self, file: ElementaryFile, *, expected: bool = True) -> Procedure[bytes | None]:
        """Read one file into the notes; what the chip will not give is noted down instead.

        A file that is not `expected` may be absent without a note.
        """
        octets, fault = yield from self._try(file)
        if fault is not None and (expected or not _is_absence(fault)):
            self.leave(file.file_id, fault)
        return octets

    def read_optional(self, file: ElementaryFile) -> Procedure[bytes | None]:
        """Read a file into the notes where the chip gives it; that it does not is no finding."""
        octets, _ = yield from self._try(file)
        return octets

    def leave(self, file_id: FileID, fault: Fault) -> None:
        """Note that a file was not read, and why."""
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
                if file.tag in {octets[0], None} or self.reader.selects(file.address):
                    return octets
                return (yield from self.carry(self._read_selected(file)))
            except SecureMessagingError:
                if not self.reader.retreat():
                    self._enter(self._state.lost())
                    self.tell(events.SessionLost(reopening=False))
                    raise
                if not (yield from self._recover()):
                    raise

    def _read_selected(self, file: ElementaryFile) -> Procedure[bytes]:
        """Read by its identifier a file in whose place the short one has found another.

        EF.COM has its short identifier from EF.DIR, EF.SOD from EF.CardSecurity: a chip that does
        not find one in the application looks on in the master file, and stays there.
        """
        if file.directory is Directory.MASTER_FILE:
            yield from select_master_file()
        else:
            yield from select_application(APPLICATIONS[file.directory])
        return (yield from self.reader.read(file.address, by_identifier=True))


def _is_absence(fault: Fault) -> bool:
    """Whether a fault says that the chip has no such file."""
    return isinstance(fault, Refused) and fault.sw == SW.FILE_NOT_FOUND
