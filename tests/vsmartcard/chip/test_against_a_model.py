"""Compare a chip in personalisation with a model, for random sequences of commands."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emrtd.iso7816.apdu import CommandAPDU
from emrtd.lds.files import EMRTD_APPLICATION
from tests.vsmartcard.cards import BAC_KEYS, put_keys, transmit
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.files.file_system import FILE_OVERHEAD
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState, Hardware

MEMORY = 3000
IDENTIFIERS = st.sampled_from([0x0101, 0x0102, 0x011C, 0x011D, 0x0121])


class ChipAndModel(RuleBasedStateMachine):
    """The model: files by directory and identifier, the current file, and whether it is locked."""

    @initialize()
    def insert(self) -> None:
        self.chip = Chip(ChipState(Hardware(memory=MEMORY)))
        self.files: dict[tuple[bool, int], bytes] = {}
        self.in_application = False
        self.current: tuple[bool, int] | None = None
        self.begun = self.locked = self.has_keys = False

    def send(self, command: CommandAPDU | str) -> int:
        self.response = transmit(self.chip, command)
        return self.response.sw

    def free_memory(self) -> int:
        used = sum(len(content) + FILE_OVERHEAD for content in self.files.values())
        return MEMORY - used - len(self.chip.state.keys.encode())

    @rule(application=st.booleans())
    def select_directory(self, application: bool) -> None:
        command = "00A4040C07" + EMRTD_APPLICATION.hex() if application else "00A4000C"
        assert self.send(command) == 0x9000
        self.in_application, self.current = application, None

    @rule(identifier=IDENTIFIERS)
    def select_file(self, identifier: int) -> None:
        sw = self.send(f"00A4020C02{identifier:04X}")
        key = self.in_application, identifier
        always = not self.in_application and identifier == 0x011C
        if self.locked and not always and (self.in_application or key in self.files):
            assert sw == 0x6982
        elif key in self.files:
            assert sw == 0x9000
            self.current = key
        else:
            assert sw == 0x6A82

    @rule(identifier=IDENTIFIERS, size=st.integers(0, 1200))
    def create(self, identifier: int, size: int) -> None:
        sw = self.send(f"00E000000A62088002{size:04X}8302{identifier:04X}")
        key = self.in_application, identifier
        same_short = {(self.in_application, 0x0101), (self.in_application, 0x0121)}
        taken = key in self.files or (key in same_short and same_short & self.files.keys())
        if self.locked:
            assert sw == 0x6982
        elif taken:
            assert sw == 0x6A89
        elif size + FILE_OVERHEAD > self.free_memory():
            assert sw == 0x6A84
        else:
            assert sw == 0x9000
            self.files[key] = bytes(size)
            self.current, self.begun = key, True

    @rule(offset=st.integers(0, 1300), data=st.binary(min_size=1, max_size=200))
    def write(self, offset: int, data: bytes) -> None:
        sw = self.send(CommandAPDU(0x00, 0xD6, *divmod(offset, 256), data))
        if self.locked:
            assert sw == 0x6982
        elif self.current is None:
            assert sw == 0x6986
        elif offset > len(self.files[self.current]):
            assert sw == 0x6B00
        elif offset + len(data) > len(self.files[self.current]):
            assert sw == 0x6A84
        else:
            assert sw == 0x9000
            before = self.files[self.current]
            self.files[self.current] = before[:offset] + data + before[offset + len(data) :]

    @rule(offset=st.integers(0, 1300), ne=st.integers(1, 256))
    def read(self, offset: int, ne: int) -> None:
        sw = self.send(CommandAPDU(0x00, 0xB0, *divmod(offset, 256), ne=ne))
        readable = not self.locked or self.current == (False, 0x011C)
        if self.current is None:
            assert sw == 0x6986
        elif not readable:
            assert sw == 0x6982
        elif offset >= len(self.files[self.current]):
            assert sw == 0x6B00
        else:
            expected = self.files[self.current][offset : offset + ne]
            assert self.response.data == expected
            assert sw == (0x9000 if len(expected) == ne or ne == 256 else 0x6282)

    @precondition(lambda self: not self.locked and self.free_memory() > 100)
    @rule()
    def put(self) -> None:
        put_keys(self.chip, BAC_KEYS)
        self.begun = self.has_keys = True

    @rule()
    def activate(self) -> None:
        sw = self.send("00440000")
        if self.locked:
            assert sw == 0x6982
        elif self.begun and self.has_keys:
            assert sw == 0x9000
            self.locked = True
        else:
            assert sw == 0x6985

    @rule()
    def cut_the_power(self) -> None:
        self.chip = Chip(ChipState.decode(self.chip.state.encode()))
        self.in_application, self.current = False, None

    @invariant()
    def the_files_are_those_of_the_model(self) -> None:
        found = {
            (bool(file.directory), file.identifier): file.content for file in self.chip.state.files
        }
        assert found == self.files
        assert (self.chip.state.life_cycle is LifeCycle.OPERATIONAL) is self.locked


TestChipAndModel = ChipAndModel.TestCase
TestChipAndModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
