from dataclasses import FrozenInstanceError

import pytest

from emrtd.access.bac import BacChip
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.directories import Directory
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.files import FILES
from support.secret import Secret
from tests.vsmartcard.cards import MRZ
from vsmartcard.chip.files.access_rules import SENSITIVE
from vsmartcard.chip.protocols.challenges import AUTHENTICATIONS
from vsmartcard.chip.protocols.security_environment import STEPS
from vsmartcard.chip.session import ChipAccess, Protocol, Session

FILE = Directory.EMRTD, 0x0101


def keys() -> SecureMessaging:
    return SecureMessaging(Cipher.AES128, Secret(bytes(16)), Secret(bytes(16)))


def test_every_chip_access_and_every_protocol_has_its_commands() -> None:
    assert set(AUTHENTICATIONS) == set(ChipAccess)
    assert set(STEPS) == set(Protocol)


def test_every_sensitive_data_group_needs_a_right() -> None:
    sensitive = {file.identifier for file in FILES.values() if file.sensitive}
    assert set(SENSITIVE) == sensitive


def test_a_session_is_immutable() -> None:
    session = Session()
    with pytest.raises(FrozenInstanceError):
        session.access = ChipAccess.BAC  # type: ignore[misc]
    assert session.with_file(FILE) != session == Session()


def test_selecting_a_file_and_a_directory() -> None:
    session = Session().with_file(FILE)
    assert (session.directory, session.file, session.in_master_file) == (
        Directory.EMRTD, FILE, False,
    )  # fmt: skip
    assert session.with_file(FILE) is session
    assert session.with_directory(Directory.EMRTD).file is None


def test_agreed_keys_are_used_after_the_response() -> None:
    agreed = keys()
    session = Session().with_bac(BacChip(MRZ)).opened_by_bac(agreed)
    assert (session.access, session.bac) == (ChipAccess.BAC, None)
    assert (session.secure_messaging, session.next_secure_messaging) == (None, agreed)
    after = session.responded()
    assert (after.secure_messaging, after.next_secure_messaging) == (agreed, None)
    assert after.responded() is after
    again = keys()
    renewed = after.chip_authenticated(again, b"key")
    assert (renewed.secure_messaging, renewed.next_secure_messaging) == (agreed, again)
    assert renewed.terminal_key == b"key"
