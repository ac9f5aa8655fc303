"""CMS in DER, PEM and S/MIME."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.pki.cms.transfer import read_transferred
from emrtd.pki.pem import encode_pem
from support.errors import MalformedError

CMS = b"\x30\x82\x01\x00" + bytes(range(256))
BODY = base64.encodebytes(CMS).decode()
MESSAGE = (
    "MIME-Version: 1.0\n"
    'Content-Disposition: attachment; filename="smime.p7m"\n'
    "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data;\n"
    '\tname="smime.p7m"\n'
    "Content-Transfer-Encoding: base64\n"
    f"\n{BODY}"
)


@pytest.mark.parametrize(
    "octets",
    [
        CMS,
        encode_pem(CMS, "CMS").encode(),
        encode_pem(CMS, "PKCS7").replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf\r\n" + encode_pem(CMS, "CMS").encode(),
        MESSAGE.encode(),
        MESSAGE.replace("\n", "\r\n").encode(),
        MESSAGE.lower().replace(BODY.lower(), BODY).encode(),
        MESSAGE.replace("/pkcs7", "/x-pkcs7").encode(),
        MESSAGE.replace("base64", "binary").partition("\n\n")[0].encode() + b"\r\n\r\n" + CMS,
    ],
    ids=[
        "DER", "PEM", "CRLF", "byte order mark", "S/MIME", "S/MIME with CRLF", "lower case",
        "x-pkcs7", "binary",
    ],
)  # fmt: skip
def test_one_object_is_read_in_every_form(octets: bytes) -> None:
    assert read_transferred(octets, "package") == CMS


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (encode_pem(CMS, "CERTIFICATE").encode(), "PEM of 'CERTIFICATE'"),
        (b"-----BEGIN CMS-----\nMIIB", "has no end"),
        (MESSAGE.replace("application/pkcs7-mime", "text/plain").encode(), "text/plain"),
        (MESSAGE.replace("Content-Type", "X-Type").encode(), "no type"),
        (MESSAGE.replace(": base64", ": quoted-printable").encode(), "quoted-printable"),
        (MESSAGE.replace("\n\n", "\n").encode(), "without an empty line"),
        (MESSAGE.replace("\n\n", "\nno header\n\n").encode(), "a line among its headers"),
        (MESSAGE.encode() + b"-- \nSent by a program\n", "not base64"),
        (b"A: b\n" * 100_000 + b"\n", "without an empty line"),
    ],
)
def test_other_text_is_refused_by_name(octets: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason) as refused:
        read_transferred(octets, "package")
    assert refused.value.what == "package"


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for attempt in (octets, b"Content-Type: " + octets, b"-----BEGIN CMS-----" + octets):
        try:
            read_transferred(attempt, "package")
        except MalformedError:
            continue
