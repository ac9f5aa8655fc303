import pytest

from emrtd.access import bac
from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, run
from emrtd.iso7816.reading import FileAddress, FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from tests.helpers import damaged
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, counting, done, personalised, transmit
from vsmartcard.chip.dispatch import Chip


def opened(chip: Chip) -> SecureMessaging:
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    return run(bac.authenticate(MRZ), chip.process)


def protected(chip: Chip, session: SecureMessaging, command: CommandAPDU | str) -> ResponseAPDU:
    if isinstance(command, str):
        command = CommandAPDU.decode(bytes.fromhex(command))
    return session.unprotect_response(transmit(chip, session.protect_command(command)))


def read(reader: FileReader, file: FileID) -> Procedure[bytes]:
    entry = FILES[file]
    return reader.read(FileAddress(file, entry.identifier, entry.short_identifier))


def test_the_worked_example_of_appendix_d() -> None:
    chip = personalised(random=counting())
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    nonces = iter(
        (bytes.fromhex("4608F91988702212"), bytes.fromhex("0B4F80323EB3191CB04970CB4052790B"))
    )
    chip._core.random = lambda _size: next(nonces)
    assert done(chip, "0084000008").hex().upper() == "4608F91988702212"
    answer = done(
        chip,
        "0082000028"
        "72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A7" + "28",
    )
    assert answer.hex().upper() == (
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D7449"
    )
    select_com = transmit(chip, "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800")
    assert select_com.encode().hex().upper() == "990290008E08FA855A5D4C50A8ED9000"


def test_every_file_reads_back_after_basic_access_control() -> None:
    chip = personalised()
    session = opened(chip)
    for file in (FileID.COM, FileID.SOD, FileID.DG1, FileID.DG2, FileID.DG3):
        reader = FileReader(cipher_block=8)
        content = run(secured(read(reader, file), session), chip.process)
        assert content == FILE_CONTENTS[file]


def test_a_wrong_mrz_is_refused_and_never_blocks() -> None:
    chip = personalised()
    wrong = Password.from_mrz_information("L898902C<369080619406237")
    for _ in range(20):
        done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
        with pytest.raises(ChipRefusalError) as refused:
            run(bac.authenticate(wrong), chip.process)
        assert refused.value.sw == 0x6300
    assert protected(chip, opened(chip), "00B0810005").sw == 0x9000


def test_a_challenge_can_be_used_once() -> None:
    chip = personalised()
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    done(chip, "0084000008")
    assert transmit(chip, "0082000028" + "00" * 40 + "28").sw == 0x6300
    assert transmit(chip, "0082000028" + "00" * 40 + "28").sw == 0x6985


@pytest.mark.parametrize("command", ["00B0810000", "00A4020C020101", "00B1000103540100" + "00"])
def test_a_plain_read_ends_the_session(command: str) -> None:
    chip = personalised()
    session = opened(chip)
    assert transmit(chip, command).sw == 0x6982
    late = session.protect_command(CommandAPDU(0, INS.READ_BINARY, 0x81, ne=5))
    assert transmit(chip, late) == ResponseAPDU(sw=0x6988)
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    assert transmit(chip, "00B0810000").sw == 0x6982


@pytest.mark.parametrize("command", ["0084000008", "00", "80CA000000", "01B0810000"])
def test_any_other_plain_command_ends_the_session_too(command: str) -> None:
    chip = personalised()
    session = opened(chip)
    assert transmit(chip, command).sw >> 12 == 6
    late = session.protect_command(CommandAPDU(0, INS.READ_BINARY, 0x81, ne=5))
    assert transmit(chip, late) == ResponseAPDU(sw=0x6988)


@pytest.mark.parametrize(
    ("tamper", "sw"),
    [
        (damaged, 0x6988),  # the MAC
        (lambda octets: octets[:-10], 0x6987),  # no DO 8E
        (lambda octets: b"\x99\x02\x90\x00" + octets, 0x6988),
    ],
)
def test_an_error_of_secure_messaging_is_answered_in_plain_and_ends_the_session(tamper, sw) -> None:
    chip = personalised()
    session = opened(chip)
    command = session.protect_command(CommandAPDU(0, INS.READ_BINARY, 0x81, ne=5))
    bad = CommandAPDU(0x0C, INS.READ_BINARY, 0x81, 0, tamper(command.data), 256)
    assert transmit(chip, bad) == ResponseAPDU(sw=sw)
    late = session.protect_command(CommandAPDU(0, INS.READ_BINARY, 0x81, ne=5))
    assert transmit(chip, late) == ResponseAPDU(sw=0x6988)


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00A4020C02010F", 0x6A82),
        ("00B0AF0000", 0x6A86),
        ("00B08F0000", 0x6A82),
        ("00B0817F05", 0x6B00),
        ("00D6810001FF", 0x6982),
        ("00E0000000", 0x6982),
        ("0044000000", 0x6982),
        ("00FE0000", 0x6982),
        ("0012000000", 0x6D00),
        ("00B0810010", 0x6282),
    ],
)
def test_any_other_error_is_answered_in_the_session_which_continues(command: str, sw: int) -> None:
    chip = personalised()
    session = opened(chip)
    assert protected(chip, session, command).sw == sw
    assert protected(chip, session, "00B0810005") == ResponseAPDU(FILE_CONTENTS[FileID.DG1])


def test_bac_needs_the_application_and_is_possible_once_in_a_session() -> None:
    chip = personalised()
    assert transmit(chip, "0084000008").sw == 0x6985
    session = opened(chip)
    assert protected(chip, session, "0084000008").sw == 0x6985


def test_le_of_zeros_returns_as_much_as_the_response_holds() -> None:
    chip = personalised()
    session = opened(chip)
    answer = protected(chip, session, "00B0820000")
    assert (answer.sw, answer.data) == (0x9000, FILE_CONTENTS[FileID.DG2][:231])
    answer = protected(chip, session, CommandAPDU(0, INS.READ_BINARY, 0x82, ne=65536))
    assert (answer.sw, answer.data) == (0x9000, FILE_CONTENTS[FileID.DG2])
