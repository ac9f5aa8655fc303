"""Several variants of PACE, and Terminal Authentication, through a real pcscd."""

from pathlib import Path

import pytest

from emrtd.access import chip_authentication, terminal_authentication
from emrtd.access.chip_keys import ChipKeys, ChipPassword
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import variant_of
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.iso7816.chaining import with_command_chaining
from emrtd.iso7816.procedure import Procedure, T, run
from emrtd.iso7816.reading import FileAddress, FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from emrtd.transport.connection import Connection
from emrtd.transport.readers import connect
from tests.readers import Insert
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, personalised
from tests.vsmartcard.chip.test_extended_access import GENERIC, credentials, permit, variant
from tests.vsmartcard.chip.test_pace import chip_with
from verify.inspection import capture, inspect
from verify.inspection.opening import Credentials as InspectionCredentials
from verify.judging.evidence import Access, AccessControl
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.dispatch import Chip

pytestmark = pytest.mark.device


def stored(chip: Chip, folder: Path) -> Path:
    file = StateFile(folder / "card")
    file.save(chip.state)
    file.close()
    return folder / "card"


def through(card: Connection, session: SecureMessaging, procedure: Procedure[T]) -> T:
    return run(secured(with_command_chaining(procedure), session), card.transmit)


def read(card: Connection, session: SecureMessaging, file: FileID) -> bytes:
    entry = FILES[file]
    reader = FileReader(cipher_block=session.cipher.block_size)
    address = FileAddress(file, entry.identifier, entry.short_identifier)
    return through(card, session, reader.read(address))


@pytest.mark.parametrize(
    ("number", "mapping", "cipher"),
    [
        (13, Mapping.GENERIC, Cipher.AES128),
        (12, Mapping.INTEGRATED, Cipher.TDES),
        (17, Mapping.CHIP_AUTHENTICATION, Cipher.AES256),
        (2, Mapping.GENERIC, Cipher.AES192),
        (1, Mapping.INTEGRATED, Cipher.AES256),
    ],
)
def test_pace_in_several_variants(
    insert: Insert, tmp_path: Path, number: int, mapping: Mapping, cipher: Cipher
) -> None:
    info = PaceInfo.of(STANDARDISED[number].key_agreement, mapping, cipher, number)
    reader = insert(stored(chip_with(info), tmp_path)).reader
    with connect(reader) as card:
        opened = run(establish(variant_of(info, SecurityInfos(info)), MRZ), card.transmit)
        session = opened.secure_messaging
        through(card, session, select_application(EMRTD_APPLICATION))
        assert read(card, session, FileID.DG2) == FILE_CONTENTS[FileID.DG2]


def test_bac_after_a_failed_pace_is_in_a_new_session(insert: Insert, tmp_path: Path) -> None:
    """The chip announces a mapping without its key; it is reset before BAC."""
    keys = ChipKeys(passwords=(ChipPassword.of(MRZ),), basic_access_control=True)
    offered = PaceInfo.of(KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION, Cipher.AES128, 13)
    files = FILE_CONTENTS | {FileID.CARD_ACCESS: SecurityInfos(offered).encode()}
    reader = insert(stored(personalised(files, keys), tmp_path)).reader
    lines: list[str] = []
    with connect(reader) as card:
        evidence = capture(card, inspect(InspectionCredentials(mrz=MRZ)), lines.append)
    assert evidence.session is not None
    assert evidence.session.access == Access(AccessControl.BAC, "mrz")
    assert lines.count("reset") == 1
    assert evidence.files[FileID.SOD] == FILE_CONTENTS[FileID.SOD]


def test_fingerprints_with_terminal_authentication(insert: Insert, tmp_path: Path) -> None:
    with connect(insert(stored(permit(), tmp_path)).reader) as card:
        opened = run(establish(variant_of(GENERIC, SecurityInfos(GENERIC)), MRZ), card.transmit)
        session = opened.secure_messaging
        through(card, session, select_application(EMRTD_APPLICATION))
        chip = through(card, session, chip_authentication.authenticate(variant(13, Cipher.AES128)))
        identifier = opened.variant.group.compress(opened.chip_public_key)
        through(
            card,
            chip.secure_messaging,
            terminal_authentication.authenticate(
                credentials(), ["UTCVCA00001"], [identifier], chip.compressed_terminal_key
            ),
        )
        content = read(card, chip.secure_messaging, FileID.DG3)
    assert content == FILE_CONTENTS[FileID.DG3]
