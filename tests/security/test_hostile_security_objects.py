"""Any octets in place of EF.SOD are judged in well under half a second."""

import time
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.lds.files import FileID
from emrtd.pki.path import forget
from emrtd.pki.x509.certificates import Certificate
from tests.certificates import Authority, extension, key, make_certificate, name
from tests.security.surgery import signed_data_of
from tests.verify.documents import CSCA, usual
from verify.judging.report import Verdict
from vsmartcard.forging.surgery import (
    EF_SOD_TAG,
    changed,
    fields_of,
    signed_data,
    signer_of,
    with_certificates,
    with_signers,
)

LARGEST: Final = 64_000
"""The size in octets: slightly less than a signed file may have."""
SECONDS: Final = 0.5


def sod(*contents: bytes) -> bytes:
    return tlv.encode(EF_SOD_TAG, *contents)


def nested(depth: int, inner: bytes) -> bytes:
    return b"\x30\x80" * depth + inner + b"\0\0" * depth


def composed(certificates: Iterable[Certificate], signers: Iterable[tuple[bytes, int]]) -> bytes:
    """Return an EF.SOD with these certificates and a signer for each name and serial number."""
    fields = fields_of(signed_data_of(usual()))
    fields = with_certificates(fields, *(each.der for each in certificates))
    infos = [
        changed(signer_of(fields), 1, lambda _, who=who: der.sequence(who[0], der.integer(who[1])))
        for who in signers
    ]
    return sod(signed_data(with_signers(fields, *infos)))


def a_name_of_many_parts(reverse: bool = False) -> bytes:
    parts = [
        der.set_of(der.sequence(der.oid("2.5.4.3"), der.utf8_string(str(number))))
        for number in range(2_000)
    ]
    return der.sequence(*(reversed(parts) if reverse else parts))


def issued_by(issuer: bytes, *extensions: bytes) -> Certificate:
    signer = key("DS 1").public_key
    return make_certificate(issuer, name("UT", "DS"), signer, key("DS 2"), extensions, serial=5)


def many_extensions() -> bytes:
    extensions = [extension(f"1.2.3.{number}", b"") for number in range(4_500)]
    return composed([issued_by(CSCA.name, *extensions)], [(CSCA.name, 5)])


def one_extension_many_times() -> bytes:
    extensions = [extension("2.5.29.14", b"")] * 4_500
    return composed([issued_by(CSCA.name, *extensions)], [(CSCA.name, 5)])


def many_parts_in_another_order() -> bytes:
    certificate = issued_by(a_name_of_many_parts())
    return composed([certificate], [(a_name_of_many_parts(reverse=True), 5)])


def many_certificates_and_signers() -> bytes:
    """Signers of one key; their CSCA is not in the trust store, and has another key."""
    elsewhere = Authority(label="elsewhere", common_name="CSCA Elsewhere")
    certificates = [elsewhere.issue(serial=100 + number) for number in range(64)]
    return composed(certificates, [(elsewhere.name, 100 + number) for number in range(16)])


def many_strangers() -> bytes:
    strangers = [
        Authority(label=f"stranger {number}", kind="secp384r1").certificate(serial=number + 1)
        for number in range(60)
    ]
    return composed([CSCA.issue(), *strangers], [(CSCA.name, 100)])


HOSTILE: Final[dict[str, Callable[[], bytes]]] = {
    "4 MB of zeros": lambda: sod(bytes(4_000_000)),
    "4 MB of indefinite lengths": lambda: sod(nested(31, b"\x05\0" * 2_000_000)),
    "as deep as is read": lambda: sod(nested(31, b"\x05\0" * (LARGEST // 2 - 70))),
    "deeper than is read": lambda: sod(b"\x30\x80" * (LARGEST // 2)),
    "many deep ones": lambda: sod(nested(1, nested(30, b"") * (LARGEST // 120))),
    "many segments": lambda: sod(b"\x24\x80" + b"\x04\0" * (LARGEST // 2 - 4) + b"\0\0"),
    "many extensions": many_extensions,
    "one extension many times": one_extension_many_times,
    "many parts of a name in another order": many_parts_in_another_order,
    "many certificates and signers": many_certificates_and_signers,
    "many strangers": many_strangers,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_any_security_object_is_judged_within_half_a_second(what: str) -> None:
    document = usual().with_file(FileID.SOD, HOSTILE[what]())
    forget()
    start = time.process_time()
    report = document.judged()
    assert time.process_time() - start < SECONDS
    assert report.verdict is not Verdict.ACCEPT


def test_a_security_object_is_bounded_before_it_is_read() -> None:
    reason = usual().with_file(FileID.SOD, HOSTILE["4 MB of zeros"]()).judged().why
    assert any("has 4,000,000 octets, more than 65,536" in each for each in reason)
