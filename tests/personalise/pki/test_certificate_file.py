from pathlib import Path

import pytest

from emrtd.pki.pem import encode_pem
from personalise.pki.certificate_file import read_certificate
from support.errors import MalformedError
from tests.certificates import Authority

CERTIFICATE = Authority().certificate()


@pytest.mark.parametrize(
    "octets",
    [
        CERTIFICATE.der,
        CERTIFICATE.to_pem().encode(),
        f"its key\n{encode_pem(b'key', 'PRIVATE KEY')}{CERTIFICATE.to_pem()}".encode(),
    ],
    ids=["DER", "PEM", "behind another block"],
)
def test_the_first_certificate_is_read(octets: bytes, tmp_path: Path) -> None:
    path = tmp_path / "certificate"
    path.write_bytes(octets)
    assert read_certificate(path) == CERTIFICATE


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (encode_pem(b"key", "PRIVATE KEY").encode(), "holds no certificate"),
        (encode_pem(b"key", "CERTIFICATE").encode(), "certificate: "),
        (b"neither", "certificate: "),
    ],
)
def test_a_file_without_a_certificate_is_refused_with_its_path(
    octets: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "certificate"
    path.write_bytes(octets)
    with pytest.raises(MalformedError, match=f"^{path}: {reason}"):
        read_certificate(path)
