"""The register of documents: files of the first release, and entries of other processes."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from personalise.pki.register import FILE_NAME, Register
from support.database import DamagedDatabaseError

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
SIGNER = bytes(32)


def test_a_register_of_the_first_release_is_read(tmp_path: Path) -> None:
    """Its files had neither an application id nor a version."""
    register = Register(tmp_path)
    register.enter(SIGNER, AT, b"sod", b"sealed")
    register.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as old:
        old.execute("PRAGMA application_id = 0")
        old.execute("PRAGMA user_version = 0")
    old.close()
    register = Register(tmp_path)
    assert register.count(SIGNER) == 1
    assert register.enter(SIGNER, AT, b"another", b"sealed")
    register.close()


def test_a_database_of_something_else_is_not_a_register(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE document (name TEXT)")
    other.close()
    with pytest.raises(DamagedDatabaseError, match="is not a register of documents"):
        Register(tmp_path)


def test_entries_of_a_failed_block_are_neither_kept_nor_counted(tmp_path: Path) -> None:
    register = Register(tmp_path)
    assert register.count(SIGNER) == 0

    def fail() -> None:
        with register.locked():
            register.enter(SIGNER, AT, b"sod", b"sealed")
            assert register.count(SIGNER) == 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert register.count(SIGNER) == 0
    register.close()
