"""The number of commands that read EF.SOD, DG1 and DG2 of a real document.

An inspection sends one more at its end, for the life-cycle status, unless its policy has
`life_cycle_status = false`: `tests/verify/inspection/test_life_cycle.py`.
"""

import pytest

from emrtd.access import bac
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import choose
from emrtd.iso7816.procedure import run
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import SecurityInfos
from tests.helpers import shared
from tests.verify.documents import PACE_GM
from tests.vsmartcard.cards import BAC_KEYS, MRZ, personalised
from vsmartcard.card.layers import Watched
from vsmartcard.chip.dispatch import Chip

READ = (FileID.SOD, FileID.DG1, FileID.DG2)
EXTENDED = AtrInfo.of(
    Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 32_768, 32_768
)


@pytest.fixture(scope="module")
def files() -> dict[FileID, bytes]:
    """The files of BSI's set of 2008, with EF.CardAccess and EF.ATR/INFO added."""
    infos = SecurityInfos(PACE_GM)
    return {
        **LdsImage.load(shared("data/lds/bsi2008")).files,
        FileID.CARD_ACCESS: CardAccess(infos).encode(),
        FileID.ATR_INFO: EXTENDED.encode(),
    }


def count(chip: Chip, session: SecureMessaging, reader: FileReader, expected: list[bytes]) -> int:
    """Read the three files, and return the number of commands."""
    card = Watched(chip)
    for file, content in zip(READ, expected, strict=True):
        reading = reader.read(FILES[file].address)
        assert run(secured(reading, session), card.process) == content
    return len(card.exchanges)


def open_by_pace(chip: Chip) -> SecureMessaging:
    variant = choose(SecurityInfos(PACE_GM))
    session = run(establish(variant, MRZ), chip.process).secure_messaging
    run(secured(select_application(EMRTD_APPLICATION), session), chip.process)
    return session


@pytest.mark.parametrize(
    ("buffer", "most"),
    [
        pytest.param(None, 74, id="short"),
        pytest.param(EXTENDED.max_response, 3, id="extended"),
    ],
)
def test_reading_under_aes_takes_the_fewest_commands(
    files: dict[FileID, bytes], buffer: int | None, most: int
) -> None:
    chip = personalised(files, BAC_KEYS)
    session = open_by_pace(chip)
    reader = FileReader(cipher_block=session.cipher.block_size)
    if buffer is not None:
        reader.set_buffer(buffer - 2)
    assert count(chip, session, reader, [files[each] for each in READ]) == most


def test_reading_under_3des_takes_the_fewest_commands(files: dict[FileID, bytes]) -> None:
    chip = personalised(files, BAC_KEYS)
    run(select_application(EMRTD_APPLICATION), chip.process)
    session = run(bac.authenticate(MRZ), chip.process)
    reader = FileReader(cipher_block=session.cipher.block_size)
    assert count(chip, session, reader, [files[each] for each in READ]) == 72
