import pytest

from emrtd.pki.pem import decode_pem, encode_pem
from support.errors import MalformedError

OCTETS = bytes(range(200))
BLOCK = encode_pem(OCTETS, "CERTIFICATE").encode()


def test_lines_have_64_characters() -> None:
    lines = BLOCK.splitlines()
    assert lines[0] == b"-----BEGIN CERTIFICATE-----"
    assert lines[-1] == b"-----END CERTIFICATE-----"
    assert {len(line) for line in lines[1:-2]} == {64}  # RFC 7468, 2


def test_every_block_is_read_and_text_between_blocks_is_skipped() -> None:
    crl = encode_pem(b"\x30\x00", "X509 CRL").replace("\n", "\r\n").encode()
    assert list(decode_pem(b"who: me\n" + BLOCK + b"and\n" + crl, "file")) == [
        (b"CERTIFICATE", OCTETS),
        (b"X509 CRL", b"\x30\x00"),
    ]
    assert list(decode_pem(b"nothing", "file")) == []


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (BLOCK[:-30], "has no end"),
        (BLOCK.replace(b"END CERT", b"END KERT"), "has no end"),
        (b"-----BEGIN CERTIFICATE", "has no end"),
        (b"-----BEGIN " + b"A" * 65 + b"-----\n-----END " + b"A" * 65 + b"-----", "has no end"),
        (BLOCK.replace(b"AAEC", b"A*EC"), "not base64"),
        (BLOCK.replace(b"AAEC", b"AAE"), "not base64"),
    ],
)
def test_an_incomplete_block_and_one_that_is_not_base64_are_malformed(
    octets: bytes, reason: str
) -> None:
    assert octets != BLOCK
    with pytest.raises(MalformedError, match=rf"^file: a PEM block .*{reason}"):
        list(decode_pem(octets, "file"))
