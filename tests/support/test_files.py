import errno
import fcntl
import os
from pathlib import Path

import pytest

from support.errors import MalformedError
from support.files import decoding, locked_folder, write_atomically


def test_a_full_disk_leaves_the_old_file_and_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "crl.crl"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomically(path, b"new")
    assert raised.value.filename == str(path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as raised:
        write_atomically(tmp_path, b"octets")
    assert raised.value.filename == str(tmp_path)


def test_a_decoding_error_names_the_file() -> None:
    with (
        pytest.raises(MalformedError, match=r"^a\.cer: certificate: is cut short at offset 7$"),
        decoding(Path("a.cer")),
    ):
        raise MalformedError("certificate", "is cut short", 7)


def test_a_folder_is_locked_by_one_process_at_a_time(tmp_path: Path) -> None:
    def is_free() -> bool:
        descriptor = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    with locked_folder(tmp_path):
        assert not is_free()
    assert is_free()
