import random

import pytest

from emrtd.lds.files import FILES, FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.registry import CODECS, decode, tolerated
from support.errors import MalformedError
from tests.helpers import shared


def test_every_file_has_a_codec() -> None:
    assert set(CODECS) == set(FileID) == set(FILES)


def test_every_file_of_the_bsi_sample_encodes_to_the_same_octets() -> None:
    image = LdsImage.load(shared("data/lds/bsi2008"))
    assert len(image.files) == 8
    for file_id, octets in image.files.items():
        content = decode(file_id, octets)
        assert content.encode() == octets, file_id
        assert all(isinstance(each, str) for each in tolerated(content))


def test_a_card_security_of_a_real_chip_encodes_to_the_same_octets() -> None:
    octets = shared("data/card/efcardsecurity.dump").read_bytes()
    content = decode(FileID.CARD_SECURITY, octets)
    assert content.encode() == octets


@pytest.mark.parametrize("file_id", FileID)
def test_any_octets_decode_or_are_malformed(file_id: FileID) -> None:
    source = random.Random(file_id)  # noqa: S311 - not a secret
    tag = FILES[file_id].tag or 0x47
    for size in range(60):
        body = source.randbytes(size)
        octets = tag.to_bytes(1 if tag < 256 else 2, "big") + bytes((size,)) + body
        try:
            decode(file_id, octets)
        except MalformedError:
            continue
