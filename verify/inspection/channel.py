"""The way to one chip, plain at first and then through secure messaging; and what came over it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from emrtd.access.pace.agreement import PaceResult
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import (
    command_capacity,
    with_command_chaining,
    with_response_chaining,
)
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.procedure import Procedure, Reset, exchange, through
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, SecureMessagingError, secured
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.files import APPLICATIONS, FILES, ElementaryFile, FileID
from emrtd.status_words import SW
from support.errors import MalformedError
from verify.inspection.faults import StoppedError, fault_of
from verify.judging.evidence import (
    Access,
    ActiveAuthenticationTranscript,
    ChipAuthenticationTranscript,
    Evidence,
    Exchange,
    Failure,
    PaceTranscript,
    Session,
    TerminalAuthenticationTranscript,
)
from verify.judging.faults import Exhausted, Fault, NotTried, Why

T = TypeVar("T")

_MOST_REOPENINGS: Final = 4
"""How often a chip that drops its session is opened anew."""

MOST_COMMANDS: Final = 20_000
"""Commands of one inspection; the largest documents need 3,000 where blocks are 32 octets."""


@dataclass
class Notes:
    """What is written down in the course of one inspection."""

    files: dict[FileID, bytes] = field(default_factory=dict, repr=False)
    unread: dict[FileID, Fault] = field(default_factory=dict)
    access: Access | None = None
    failures: list[Failure] = field(default_factory=list)
    pace: list[PaceTranscript] = field(default_factory=list)
    chip_authentication: ChipAuthenticationTranscript | None = None
    active_authentication: ActiveAuthenticationTranscript | None = None
    terminal_authentication: TerminalAuthenticationTranscript | None = None

    def forget_card_security_proof(self) -> None:
        """A key of EF.CardSecurity is tied to no data group, only to the session it proved."""
        if self.chip_authentication is not None and self.chip_authentication.version == 2:
            self.chip_authentication = None

    def forget_session(self) -> None:
        """The files come through another session, if any: what this one has shown is not of them.

        Whoever relays PACE to a genuine chip, and then has it deny its application, may have put
        a copy of another in its place.
        """
        self.access = None
        self.pace.clear()
        self.forget_card_security_proof()
        self.terminal_authentication = None

    def evidence(self, optical_mrz: str) -> Evidence:
        """All of it as evidence; counts, time and ATR are the transport's to add."""
        session = Session(
            atr=b"",
            access=self.access,
            failures=tuple(self.failures),
            pace=self.pace[0] if self.pace else None,
            reopened=tuple(self.pace[1:]),
            chip_authentication=self.chip_authentication,
            active_authentication=self.active_authentication,
            terminal_authentication=self.terminal_authentication,
        )
        return Evidence(
            files=self.files, unread=self.unread, session=session, optical_mrz=optical_mrz
        )


class Channel:
    """Carries procedures to the chip, and reads files; opens a chip anew that dropped its session.

    `session` is secure messaging as it is now, None for a plain channel; `pace` is the PACE that
    opened the chip.  `reopen` is a procedure that opens the chip again, and says whether it did;
    None before the chip is open.  `takes_chains` says that EF.ATR/INFO allows command chaining and
    states no buffers: extended length is then for key agreement alone (Doc 9303-11, 9.3.1.2).
    """

    def __init__(self) -> None:
        self.reader = FileReader()
        self.takes_chains = False
        self.reopen: Callable[[], Procedure[bool]] | None = None
        self.session: SecureMessaging | None = None
        self.pace: PaceResult | None = None
        self._reopenings = 0
        self._commands = 0
        self._lost = False

    def protect(self, session: SecureMessaging | None) -> None:
        """From now on everything goes through this session; None for a plain channel."""
        self.session = session
        if session is not None:
            self.reader.protect(session.cipher.block_size)

    def reset(self) -> Procedure[None]:
        """Power the chip up anew, and begin with a plain channel."""
        self.protect(None)
        self.reopen = self.pace = None
        self._lost = False
        yield Reset()

    def carry(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure over the channel as it is now.

        Raises `ProtocolError` once a chip has used up what one inspection may ask of it, so that
        one which hands out its files octet by octet keeps nobody waiting for ever.
        """
        if self.session is not None:
            procedure = secured(procedure, self.session)
        return through(with_response_chaining(procedure), self._counted)

    def carry_in_chains(self, procedure: Procedure[T]) -> Procedure[T]:
        """The same for commands whose data may be long, where the chip takes chains of them."""
        if self.takes_chains:
            block = None if self.session is None else self.session.cipher.block_size
            procedure = with_command_chaining(procedure, command_capacity(block))
        return self.carry(procedure)

    def _counted(self, command: CommandAPDU) -> Procedure[ResponseAPDU]:
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            raise StoppedError(Exhausted(MOST_COMMANDS))
        return (yield command)

    def change_session(self, session: SecureMessaging) -> Procedure[Exchange | None]:
        """Go over to a new session; return the first exchange in it, as it went over the wire.

        Where the chip cannot answer in it, the chip is opened anew, and the session is another one;
        None where there was no answer at all.
        """
        recorded: list[Exchange] = []

        def record(command: CommandAPDU) -> Procedure[ResponseAPDU]:
            response = yield command
            recorded.append(Exchange(command.encode(), response.encode()))
            return response

        # any answer will do, so long as it is in the session
        probe = exchange(self.reader.probe(FILES[FileID.COM].address))
        try:
            recording = through(secured(probe, session), record)
            yield from through(with_response_chaining(recording), self._counted)
        except (MalformedError, ProtocolError):
            self._lost = not (yield from self._recover())
        else:
            self.protect(session)
        return recorded[0] if recorded else None

    def read(
        self, file: ElementaryFile, notes: Notes, *, expected: bool = True
    ) -> Procedure[bytes | None]:
        """Read one file into the notes; what the chip will not give is noted down instead.

        A file that is not `expected` may be absent without a note.
        """
        file_id = file.file_id
        try:
            octets = yield from self._read(file)
        except ChipRefusalError as error:
            if expected or error.sw != SW.FILE_NOT_FOUND:
                notes.unread[file_id] = fault_of(error)
            return None
        except (MalformedError, ProtocolError) as error:
            notes.unread[file_id] = fault_of(error)
            return None
        notes.files[file_id] = octets
        return octets

    def _read(self, file: ElementaryFile) -> Procedure[bytes]:
        while not self._lost:
            try:
                octets = yield from self.carry(self.reader.read(file.address))
                if file.tag in {octets[0], None} or self.reader.selects(file.address):
                    return octets
                return (yield from self.carry(self._read_selected(file)))
            except SecureMessagingError:
                self._lost = not (self.reader.retreat() and (yield from self._recover()))
                if self._lost:
                    raise
        raise StoppedError(NotTried(Why.NO_SESSION))

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

    def _recover(self) -> Procedure[bool]:
        """Open anew a chip that dropped the session; whether that succeeded."""
        self._reopenings += 1
        if self.reopen is None or self._reopenings > _MOST_REOPENINGS:
            return False
        self.protect(None)
        yield Reset()  # some keep what they have of a session until then
        return (yield from self.reopen())
