"""The invariants of `Chip.process`, fuzzed.

It answers any octets with a response APDU, and never with 6F00, which means an internal error.  A
locked chip never changes a file, and reveals no data of the LDS before chip access.
"""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.access import bac
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import variant_of
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import SecurityInfos
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, done
from tests.vsmartcard.chip.test_extended_access import GENERIC, permit
from vsmartcard.chip.commands import INSTRUCTIONS
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.protocols.security_environment import TEMPLATES

LOCKED = permit().state
IN_PERSONALISATION = Chip()
done(IN_PERSONALISATION, "00E0000009620780017F83020101")

_interesting = st.sampled_from(
    [bytes.fromhex(text) for text in (
        "", "00", "3F00", "011C", "0101", "0103", EMRTD_APPLICATION.hex(),
        "540100", "5402FFFF5301AA", "6207800105830201FF", "E003C20101", "7C00", "7C0281" + "00",
        "800A04007F00070202040202830101", "800A04007F0007020203020284010D",
        "830B" + b"UTCVCA00001".hex(), "7F4E00", "7F4E005F3700",
    )]
)  # fmt: skip
_data = st.binary(max_size=80) | _interesting | st.tuples(_interesting, _interesting).map(b"".join)
_parameters = st.sampled_from([*TEMPLATES, (0, 0), (4, 12), (0, 12), (2, 12), (0x81, 0)]) | (
    st.tuples(st.integers(0, 255), st.integers(0, 255))
)
_commands = st.builds(
    lambda cla, ins, parameters, data, ne, extended: CommandAPDU(
        cla, ins, *parameters, data, ne, extended
    ),
    st.sampled_from([0x00, 0x00, 0x00, 0x10]),
    st.sampled_from(sorted(INSTRUCTIONS)) | st.integers(0, 255),
    _parameters,
    _data,
    st.none() | st.sampled_from([1, 8, 256, 65536]) | st.integers(1, 65536),
    st.booleans(),
)
_octets = st.binary(max_size=60) | _commands.map(CommandAPDU.encode)

_SECRETS = [
    content[2:]
    for file, content in FILE_CONTENTS.items()
    if file not in {FileID.ATR_INFO, FileID.DIR, FileID.DG2, FileID.COM}
]


def answers(chip: Chip, commands: Iterable[bytes]) -> list[ResponseAPDU]:
    found = []
    for octets in commands:
        response = ResponseAPDU.decode(chip.process(octets))
        assert response.sw >> 12 in {6, 9}
        assert response.sw != 0x6F00
        found.append(response)
    return found


@given(st.lists(_octets, max_size=12))
def test_a_blank_chip(commands: list[bytes]) -> None:
    chip = Chip()
    answers(chip, commands)
    assert chip.state.files.size + len(chip.state.keys.encode()) <= chip.state.hardware.memory


@given(st.lists(_octets, max_size=12))
def test_a_chip_in_personalisation(commands: list[bytes]) -> None:
    answers(Chip(IN_PERSONALISATION.state), commands)


@given(st.lists(_octets, max_size=12))
def test_a_locked_chip_reveals_no_file_and_keeps_its_state(commands: list[bytes]) -> None:
    chip = Chip(LOCKED)
    for response in answers(chip, commands):
        assert not any(secret in response.data for secret in _SECRETS)
    assert chip.state == LOCKED


def _session(chip: Chip, by_pace: bool) -> SecureMessaging:
    if by_pace:
        variant = variant_of(GENERIC, SecurityInfos(GENERIC))
        return run(establish(variant, MRZ), chip.process).secure_messaging
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    return run(bac.authenticate(MRZ), chip.process)


@settings(max_examples=60)
@given(st.booleans(), st.lists(_commands, max_size=10))
def test_inside_a_session_every_answer_is_protected(
    by_pace: bool, commands: list[CommandAPDU]
) -> None:
    chip = Chip(LOCKED)
    session = _session(chip, by_pace)
    for command in commands:
        protected = session.protect_command(command)
        response = ResponseAPDU.decode(chip.process(protected.encode()))
        while response.sw >> 8 == 0x61:
            more = ResponseAPDU.decode(chip.process(bytes.fromhex("00C0000000")))
            response = ResponseAPDU(response.data + more.data, more.sw)
        plain = session.unprotect_response(response)
        assert plain.sw != 0x6F00
        assert FILE_CONTENTS[FileID.DG3][2:] not in plain.data
    assert chip.state.files == LOCKED.files
    assert chip.state.life_cycle is LifeCycle.OPERATIONAL


@settings(max_examples=60)
@given(st.data())
def test_an_altered_octet_ends_the_session(data: st.DataObject) -> None:
    chip = Chip(LOCKED)
    session = _session(chip, by_pace=False)
    protected = session.protect_command(data.draw(_commands))
    octets = bytearray(protected.encode())
    le = 2 if protected.is_extended else 1  # the outer Le is not authenticated
    position = data.draw(st.integers(0, len(octets) - 1 - le))
    octets[position] ^= data.draw(st.integers(1, 255))
    (response,) = answers(chip, [bytes(octets)])
    assert response.sw != 0x9000
    assert not response.data
    late = session.protect_command(CommandAPDU(0, 0xB0, 0x81, ne=5))
    (response,) = answers(chip, [late.encode()])
    assert response == ResponseAPDU(sw=0x6988)
