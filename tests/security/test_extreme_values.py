"""Numbers, times and lengths that no issuer writes give a verdict, and no crash."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from emrtd import tlv
from emrtd.access.pace.variants import choose
from emrtd.asn1 import der
from emrtd.crypto.signatures import ecdsa_is_canonical
from emrtd.errors import ProtocolError
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError
from tests.certificates import extension
from tests.security.surgery import operated
from tests.verify.documents import CSCA, PACE_GM, issue, usual
from verify.judging.report import Verdict
from vsmartcard.forging.surgery import Fields, changed, signer_of, with_signers

HUGE = tlv.encode(der.INTEGER, b"\x7f" * 8192)  # 19,728 digits: Python prints none of 4,301

LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def _version(_: bytes) -> bytes:
    return HUGE


def _serial(identifier: bytes) -> bytes:
    return changed(identifier, 1, lambda _: HUGE)


def _salt(_: bytes) -> bytes:
    return der.sequence(der.oid("1.2.840.113549.1.1.10"), der.sequence(der.tagged(2, HUGE)))


@pytest.mark.parametrize("of_signer", [(0, _version), (1, _serial), (4, _salt)])
def test_a_huge_number_in_a_signer_is_judged(
    of_signer: tuple[int, Callable[[bytes], bytes]],
) -> None:
    def operate(fields: Fields) -> Fields:
        return with_signers(fields, changed(signer_of(fields), *of_signer))

    assert operated(usual(), operate).judged().verdict is Verdict.REJECT


def test_a_huge_version_of_signed_data_is_judged() -> None:
    assert operated(usual(), lambda fields: [HUGE, *fields[1:]]).judged().verdict is Verdict.REJECT


@pytest.mark.parametrize("fields", [(HUGE,), (der.integer(2), HUGE), (HUGE, HUGE)])
def test_a_huge_number_in_ef_card_access_is_judged(fields: tuple[bytes, ...]) -> None:
    octets = tlv.encode(der.SET, der.sequence(der.oid(PACE_GM.protocol), *fields))
    assert usual().with_file(FileID.CARD_ACCESS, octets).judged().verdict is Verdict.REJECT
    with pytest.raises(ProtocolError):
        choose(CardAccess.decode(octets).security_infos)


def test_a_certificate_with_a_huge_serial_number_is_judged() -> None:
    encoded = CSCA.certificate().der
    operated_on = changed(encoded, 0, lambda body: changed(body, 1, lambda _: HUGE))
    with pytest.raises(MalformedError):
        Certificate.parse(operated_on)


@pytest.mark.parametrize(
    "signature",
    [
        b"\x30\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01",
        b"\x30\x04\x02\x00\x02\x00",
        b"\x30\x06\x04\x01\x01\x04\x01\x01",
    ],
)
def test_an_ecdsa_signature_that_is_not_two_numbers(signature: bytes) -> None:
    with pytest.raises(MalformedError):
        ecdsa_is_canonical(signature)

    def operate(fields: Fields) -> Fields:
        forged = changed(signer_of(fields), 5, lambda _: der.octet_string(signature))
        return with_signers(fields, forged)

    assert operated(usual(), operate).judged().verdict is Verdict.REJECT


@pytest.mark.parametrize(
    "ends",
    [
        {1: b"99991231235959Z"},  # RFC 5280, 4.1.2.5: no end that is known
        {0: b"00010101000000Z"},
        {0: b"00010101000000Z", 1: b"99991231235959Z"},
    ],
)
def test_a_usage_period_to_the_ends_of_the_calendar_is_judged(ends: dict[int, bytes]) -> None:
    period = der.sequence(*(der.tagged_primitive(end, text) for end, text in ends.items()))
    signer = CSCA.issue(more=[extension(ext.PRIVATE_KEY_USAGE_PERIOD, period)])
    assert issue(signer=signer).judged().verdict is Verdict.ACCEPT


def test_certificates_and_lists_that_never_expire_are_judged() -> None:
    document = issue(signer=CSCA.issue(not_after=LAST), crl=CSCA.crl(next_update=LAST))
    assert document.judged().verdict is Verdict.ACCEPT


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), LAST])
def test_a_document_is_judged_at_the_ends_of_the_calendar(at: datetime) -> None:
    document = issue(signer=CSCA.issue(not_after=LAST), crl=CSCA.crl(next_update=LAST))
    assert document.judged(at=at).verdict is not Verdict.ACCEPT
