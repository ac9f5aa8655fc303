"""Every decoder takes less than 1 s and 64 MB for 1 MB of input."""

import time
import tracemalloc
from contextlib import suppress

import pytest

from emrtd import tlv
from emrtd.lds.files import FILES, FileID
from emrtd.lds.registry import decode
from support.errors import MalformedError

SIZE = 1_000_000


def nested(tag: int) -> bytes:
    octets = b""
    for _ in range(3000):
        octets = tlv.encode(tag, octets)
    return octets


BODIES = {
    "only zeros": bytes(SIZE - 8),
    "one tag list": tlv.encode(0x5C, b"\x61" * (SIZE - 16)),
    "one MRZ": tlv.encode(0x5F1F, b"A" * (SIZE - 16)),
    "as many objects as are read": (b"\x80\x2e" + b"x" * 46) * 19_999,
    "as many names as are read": tlv.encode(0x5F0F, b"\xc3\xa9" * 20) * 19_999,
    "as many images as are read": tlv.encode(0x5F40, b"\xff" * 40) * 19_999,
    "as many templates as are read": tlv.encode(0xA1, b"\x5f\x50\x00" * 8) * 19_999,
    "a template of templates": tlv.encode(0x7F61, b"\x02\x01\x01", b"\x7f\x60\x00" * 19_998),
    "a deep nest": nested(0xA1),
    "a deep SEQUENCE": nested(0x30),
}


@pytest.mark.parametrize("file_id", FileID)
def test_decoding_a_megabyte_takes_less_than_a_second(file_id: FileID) -> None:
    tag = FILES[file_id].tag or 0x47
    for name, body in BODIES.items():
        octets = tlv.encode(tag, body)
        assert len(octets) <= SIZE + 16
        start = time.process_time()
        with suppress(MalformedError):
            decode(file_id, octets)
        assert time.process_time() - start < 1, name


@pytest.mark.parametrize("file_id", FileID)
def test_decoding_a_megabyte_takes_less_than_64_mb(file_id: FileID) -> None:
    tag = FILES[file_id].tag or 0x47
    for name in ("one tag list", "as many names as are read", "as many templates as are read"):
        octets = tlv.encode(tag, BODIES[name])
        with suppress(MalformedError):
            decode(file_id, octets[:100])  # so that its imports are not measured
        tracemalloc.start()
        with suppress(MalformedError):
            decode(file_id, octets)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64_000_000, name
