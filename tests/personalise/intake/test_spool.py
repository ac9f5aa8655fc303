import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalise.intake import spool as module
from personalise.intake.spool import BLOCK, Spool


@given(
    st.lists(st.integers(0, 3 * BLOCK), max_size=6),
    st.lists(st.tuples(st.integers(0, 8 * BLOCK), st.integers(-1, 3 * BLOCK)), max_size=6),
)
def test_what_was_written_is_read_anywhere(sizes: list[int], reads: list[tuple[int, int]]) -> None:
    octets = b"".join(bytes((number + 1,)) * size for number, size in enumerate(sizes))
    plain = io.BytesIO(octets)
    for limit in (0, 10 * BLOCK):
        with Spool(in_memory=limit) as spool:
            position = 0
            for size in sizes:
                spool.write(octets[position : position + size])
                position += size
            assert len(spool) == len(octets)
            for offset, size in reads:
                plain.seek(offset)
                spool.seek(offset)
                assert spool.read(size) == plain.read(size)
                assert spool.tell() == max(plain.tell(), offset)


def test_what_is_on_disk_is_encrypted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "on disk"

    def named_file(**_: object) -> object:
        return path.open("w+b")

    monkeypatch.setattr(module.tempfile, "TemporaryFile", named_file)
    secret = b"SURNAME<<GIVEN<NAMES" * 10_000
    with Spool(in_memory=0) as spool:
        spool.write(secret)
        written = path.read_bytes()
        assert len(written) >= len(secret) - BLOCK
        assert b"SURNAME" not in written
        assert spool.read() == secret


def test_a_full_disk_names_the_folder() -> None:
    spool = Spool(in_memory=0)
    spool._file = Path("/dev/full").open("w+b", buffering=0)  # noqa: SIM115
    with pytest.raises(OSError, match="No space left") as full:
        spool.write(bytes(BLOCK))
    assert full.value.filename


def test_short_content_stays_in_memory() -> None:
    with Spool() as spool:
        spool.write(bytes(1000))
        assert spool._file is None
