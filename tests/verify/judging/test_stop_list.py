"""document.stop-list: documents that their issuer reports as lost or stolen."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.stop_list import Stop, StopList, StopReason, build_stop_list
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.issuing import EMAIL_PROTECTION
from support.errors import MalformedError
from tests.certificates import DAY, NOW, Authority, extended_key_usage, key, key_usage
from tests.helpers import damaged
from tests.verify.bulk.archives import Archive
from tests.verify.documents import CSCA, usual
from verify.judging.judgement import judge
from verify.judging.policy import load_policy
from verify.judging.report import Report, Verdict

STOLEN = Stop(StopReason.STOLEN, NOW - 3 * DAY)
ELSEWHERE = Authority(country="XX", label="elsewhere", common_name="CSCA Elsewhere")


def stops(
    *numbers: str,
    state: str = "UTO",
    authority: Authority = CSCA,
    extensions: list[bytes] | None = None,
    age: timedelta = DAY,
) -> bytes:
    purposes = [key_usage(ext.KeyUsage.DIGITAL_SIGNATURE), extended_key_usage(EMAIL_PROTECTION)]
    named = [writer.authority_key_identifier(authority.key_identifier)]
    signer = authority.issue("stops", extensions=[*named, *(extensions or purposes)])
    entries = [(state, number, STOLEN) for number in numbers]
    return build_stop_list(entries, key("stops"), signer, NOW - age, NOW - age + 2 * DAY)


def judged(octets: bytes | None) -> Report:
    document = usual()
    listed = None if octets is None else StopList.parse(octets)
    policy = load_policy("default")
    return judge(document.evidence(), document.trust, policy, NOW, {}, stop_list=listed)


def test_a_document_that_is_listed_is_rejected_with_its_reason() -> None:
    report = judged(stops("ZU1234567", "ZU0000001"))
    assert report.verdict is Verdict.REJECT
    check = report.check("document.stop-list")
    assert check.outcome is Outcome.FAILED
    assert check.reason == "its issuer reports it as stolen since 2026-11-19"


def test_a_document_that_is_not_listed_is_accepted() -> None:
    report = judged(stops("ZU1234568"))
    assert report.check("document.stop-list").outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT


def test_without_a_list_the_check_is_not_performed() -> None:
    report = judged(None)
    assert report.check("document.stop-list").outcome is Outcome.NOT_PERFORMED
    assert report.verdict is Verdict.ACCEPT


def test_a_list_that_is_out_of_date_still_names_documents() -> None:
    assert judged(stops("ZU1234567", age=30 * DAY)).verdict is Verdict.REJECT
    report = judged(stops(age=30 * DAY))
    assert report.check("document.stop-list").outcome is Outcome.UNDETERMINED
    assert report.verdict is Verdict.REFER


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (lambda: stops("ZU1234567", authority=ELSEWHERE), "no CSCA of XX"),
        (lambda: damaged(stops("ZU1234567")), "signature"),
        (
            lambda: stops("ZU1234567", extensions=[key_usage(ext.KeyUsage.DIGITAL_SIGNATURE)]),
            "not for signing",
        ),
        (
            lambda: stops("ZU1234567", extensions=[extended_key_usage(EMAIL_PROTECTION)]),
            "not for signing",
        ),
    ],
)
def test_a_list_of_nobody_is_undetermined(octets: object, reason: str) -> None:
    report = judged(octets())  # type: ignore[operator]
    check = report.check("document.stop-list")
    assert check.outcome is Outcome.UNDETERMINED
    assert reason in check.reason
    assert report.verdict is Verdict.REFER


def test_a_list_has_no_number_and_two_lists_nothing_in_common() -> None:
    one, other = StopList.parse(stops("ZU1234567")), StopList.parse(stops("ZU1234567"))
    assert b"1234567" not in one.signed_data.content
    assert one.entries.keys().isdisjoint(other.entries.keys())
    assert one.find("UTO", "ZU1234567") == one.find("UTO<", "ZU1234567<<") == STOLEN
    assert one.find("GBR", "ZU1234567") is None
    assert "ZU" not in repr(one)


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_list_is_read_or_malformed(position: int, mask: int) -> None:
    octets = bytearray(stops("ZU1234567"))
    octets[position] ^= mask
    try:
        StopList.parse(bytes(octets))
    except MalformedError:
        return


def test_bulk_names_a_listed_document(archive: Archive) -> None:
    archive.save("one")
    path = archive.root / "stops"
    path.write_bytes(stops("ZU1234567"))
    ran = archive.bulk(archive.images, "--stop-list", path)
    assert ran.summary["by_check"]["document.stop-list"] == {"failed": 1}
    image = archive.images / "one"
    at = ("--at", "2026-11-22T12:00:00", "--trust", archive.store)
    assert archive.run("image", image, *at, "--stop-list", path).status == 1
    assert archive.run("image", image, *at).status == 0
    path.write_bytes(b"no list")
    failed = archive.run("image", image, *at, "--stop-list", path)
    assert failed.status == 64
    assert str(path) in failed.error


@pytest.fixture
def archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Archive:
    made = Archive(tmp_path, capsys)
    made.images.mkdir()
    (tmp_path / "csca.cer").write_bytes(CSCA.certificate().der)
    (tmp_path / "crl.crl").write_bytes(CSCA.crl())
    assert made.run("trust", "add", made.store, *tmp_path.glob("c*.c*")).status == 0
    return made


@pytest.mark.parametrize(("size", "reads"), [(15, False), (16, True), (64, True), (65, False)])
def test_a_key_has_16_to_64_octets(size: int, *, reads: bool) -> None:
    signer = CSCA.issue("stops")
    octets = build_stop_list([], key("stops"), signer, NOW, NOW + DAY, random=lambda _: bytes(size))
    if reads:
        assert StopList.parse(octets).key == bytes(size)
        return
    with pytest.raises(MalformedError, match=f"a key of {size} octets"):
        StopList.parse(octets)
