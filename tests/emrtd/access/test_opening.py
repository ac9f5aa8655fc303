"""Every way to open a chip ends in a session that reads EF.SOD, in the fewest commands."""

import pytest

from emrtd.access.opening import ByBac, ByPace, Way, open_application
from emrtd.access.pace.variants import choose
from emrtd.access.passwords import Password
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS
from emrtd.iso7816.procedure import run
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import secured
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.pki.cvc.authorization import ID_INSPECTION_SYSTEM, Chat
from tests.verify.documents import PACE_GM, issue, mrz
from tests.vsmartcard.cards import personalised
from vsmartcard.card.conditions import every, instruction
from vsmartcard.card.layers import Refusing, Watched

MRZ = Password.from_mrz_information(mrz().information)
WRONG = Password.from_mrz_information(mrz(document_number="ZU7654321").information)
CHAT = Chat(ID_INSPECTION_SYSTEM, b"\x3f").encode()
VARIANT = choose(SecurityInfos(PACE_GM))


@pytest.mark.parametrize(
    ("way", "commands"),
    [
        pytest.param(ByBac(MRZ), ["SELECT", "GET_CHALLENGE", "EXTERNAL_AUTHENTICATE"], id="BAC"),
        pytest.param(
            ByPace(VARIANT, MRZ),
            [
                "SELECT",
                "SELECT",
                "MANAGE_SECURITY_ENVIRONMENT",
                *["GENERAL_AUTHENTICATE"] * 4,
                "SELECT",
            ],
            id="PACE",
        ),
    ],
)
def test_each_way_opens_the_application(way: Way, commands: list[str]) -> None:
    document = issue(basic_access_control=True, pace=(PACE_GM,))
    chip = personalised(document.files, document.keys)
    card = Watched(chip)
    session = run(open_application(way), card.process)
    assert [INS(command.ins).name for command in card.commands] == commands
    reader = FileReader(cipher_block=session.cipher.block_size)
    reading = secured(reader.read(FILES[FileID.SOD].address), session)
    assert run(reading, chip.process) == document.files[FileID.SOD]


@pytest.mark.parametrize("way", [ByBac(WRONG), ByPace(VARIANT, WRONG)], ids=["BAC", "PACE"])
def test_a_wrong_password_is_refused(way: Way) -> None:
    document = issue(basic_access_control=True, pace=(PACE_GM,))
    with pytest.raises(ChipRefusalError):
        run(open_application(way), personalised(document.files, document.keys).process)


@pytest.mark.parametrize("sw", ["6A80", "6A87", "6700"])
def test_a_chip_that_refuses_a_chat_is_opened_without_one(sw: str) -> None:
    document = issue(pace=(PACE_GM,))
    chip = personalised(document.files, document.keys)
    asked = every(
        instruction(INS.MANAGE_SECURITY_ENVIRONMENT), lambda command: CHAT in command.data
    )
    card = Refusing(chip, asked, int(sw, 16))
    opened = run(ByPace(VARIANT, MRZ, CHAT).authenticate(), card.process)
    assert opened.pace is not None
    assert opened.pace.chat is None


@pytest.mark.parametrize(
    ("chat", "sw", "attempts"),
    [(CHAT, 0x6A80, 2), (CHAT, 0x6982, 1), (CHAT, 0x6300, 1), (None, 0x6A86, 1)],
)
def test_only_a_chat_that_is_not_understood_is_left_out(
    chat: bytes | None, sw: int, attempts: int
) -> None:
    """A second run after any other refusal would cost a try of the password."""
    document = issue(pace=(PACE_GM,))
    chip = personalised(document.files, document.keys)
    asked = instruction(INS.MANAGE_SECURITY_ENVIRONMENT)
    card = Watched(Refusing(chip, asked, sw))
    with pytest.raises(ChipRefusalError) as caught:
        run(ByPace(VARIANT, MRZ, chat).authenticate(), card.process)
    assert caught.value.sw == sw
    tried = {CHAT in command.data for command in card.commands}
    assert tried == ({True, False} if attempts == 2 else {chat is not None})
