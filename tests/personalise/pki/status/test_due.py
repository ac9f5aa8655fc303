"""What is due in a PKI, over the years of its life."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki.create import create_pki
from personalise.pki.cvca_operations import renew_inspection_system
from personalise.pki.folder import AUDIT_LOG_NAME
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.naming import find_certificate
from personalise.pki.operations import PkiOperations
from personalise.pki.settings import changed, settings_for
from personalise.pki.status.due import Due, due
from personalise.pki.status.overview import read_overview
from personalise.pki.status.values import Use
from personalise.pki.stop_lists import issue_stop_list_signer
from support.errors import MisuseError
from support.secret import Secret

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSPHRASE = Secret(b"a pass phrase for tests")
DAY = timedelta(days=1)


@pytest.fixture
def pki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IssuingPki:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    settings = changed(settings_for("UTO", "Utopia"), documents_per_signer=10)
    return create_pki(tmp_path / "pki", settings, PASSPHRASE, BEGIN)


@pytest.fixture
def operations(pki: IssuingPki) -> Callable[[datetime], PkiOperations]:
    def at(instant: datetime) -> PkiOperations:
        return PkiOperations(pki.reread(), (), instant)

    return at


def to_do(pki: IssuingPki, at: datetime) -> list[Due]:
    return due(read_overview(IssuingPki.without_keys(pki.folder), at))


def about(found: list[Due], words: str) -> list[Due]:
    return [each for each in found if words in each.what]


def test_nothing_but_the_calendar_is_due_on_the_first_day(pki: IssuingPki) -> None:
    found = to_do(pki, BEGIN + timedelta(hours=1))
    assert [each.clause for each in found] == ["Doc 9303-11, 4.1"]
    assert not found[0].overdue
    assert found[0].by == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "announced", "ends", "command"),
    [
        ("next revocation list", 76, 90, "pki issue-crl"),
        ("ds-1 ends", 69, 90, "pki issue-ds"),
        ("terminal/is.cvcert", 24, 31, "eac renew-is"),
        ("terminal/dv.cvcert", 77, 91, "eac renew-dv"),
        ("renew the CSCA", 5 * 365 - 366, 5 * 365, "pki renew-csca"),
        ("station ends", 5 * 365 - 90, 5 * 365, ""),
    ],
)
def test_what_ends_is_announced_and_then_overdue(
    pki: IssuingPki, words: str, announced: int, ends: int, command: str
) -> None:
    early, soon = BEGIN + announced * DAY - 12 * DAY / 24, BEGIN + announced * DAY + 12 * DAY / 24
    last, after = BEGIN + ends * DAY - 12 * DAY / 24, BEGIN + ends * DAY + 12 * DAY / 24
    assert about(to_do(pki, early), words) == []
    for at, overdue in ((soon, False), (last, False), (after, True)):
        (found,) = about(to_do(pki, at), words)
        assert found.overdue is overdue, at
        assert found.command.endswith(command)


def test_what_was_done_is_no_longer_due(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    at = BEGIN + 95 * DAY
    assert {each.command for each in to_do(pki, at) if each.overdue} == {
        "personalise pki issue-crl", "personalise pki issue-ds",
        "personalise eac renew-is", "personalise eac renew-dv",
    }  # fmt: skip
    operations(at).issue_crl()
    operations(at).issue_document_signer()
    found = to_do(pki, at)
    assert not about(found, "revocation list")
    assert not about(found, "ds-")
    overview = read_overview(pki, at)
    uses = {each.name: each.use for each in overview.certificates}
    assert (uses["ds-1"], uses["ds-2"]) == (Use.KEPT, Use.IN_USE)
    assert [each.operation for each in overview.last] == ["pki.init", "crl.issue", "ds.issue"]


def test_a_key_is_renewed_before_what_it_certifies(pki: IssuingPki) -> None:
    for days in (
        85,
        95,
    ):  # the terminal's certificate ends after 31 days, the Document Verifier's 91
        commands = [each.command for each in to_do(pki, BEGIN + days * DAY)]
        verifier = commands.index("personalise eac renew-dv")
        assert (commands.index("personalise eac renew-is") > verifier) is (days == 95)
    commands = [each.command for each in to_do(pki, BEGIN + 4000 * DAY) if each.overdue]
    chain = [each for each in commands if each.startswith("personalise eac")]
    assert chain == [f"personalise eac renew-{each}" for each in ("cvca", "dv", "is")]


def test_a_signer_that_is_nearly_full(pki: IssuingPki) -> None:
    signer = pki.certificate("ds")
    for number in range(10):
        sod = number.to_bytes(2, "big")
        pki.register_document(signer, BEGIN, sod, f"N{number}")
        found = about(to_do(pki, BEGIN + DAY), "of 10 documents")
        assert [each.overdue for each in found] == {8: [False], 9: [True]}.get(number, [])


def test_a_revocation_is_published_and_distributed_within_48_hours(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    operations(BEGIN + DAY).issue_document_signer()
    at = BEGIN + 2 * DAY
    revoked = next(each for each in pki.issued() if "Document Signer 1" in str(each.subject))
    before = (pki.folder / "crl.crl").read_bytes()
    operations(at).revoke(revoked)
    (found,) = about(to_do(pki, at + DAY), "distribute")
    assert (found.by, found.overdue) == (at + 2 * DAY, False)
    assert not about(to_do(pki, at + 3 * DAY), "distribute")
    (pki.folder / "crl.crl").write_bytes(before)  # the list was lost, or its signing failed
    (found,) = about(to_do(pki, at + DAY), "is on no revocation list")
    assert not found.overdue
    (found,) = about(to_do(pki, at + 3 * DAY), "is on no revocation list")
    assert found.overdue


def test_a_certificate_is_found_by_the_name_that_the_status_prints(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    operations(BEGIN + DAY).issue_document_signer()
    for each in read_overview(pki, BEGIN + DAY).certificates:
        if each.name.startswith(("csca-", "ds-")):
            assert f"{find_certificate(pki, each.name).serial:X}" == each.serial
    assert find_certificate(pki, "ds-2") == find_certificate(pki, "ds")
    with pytest.raises(MisuseError, match="no certificate 'ds-3'"):
        find_certificate(pki, "ds-3")
    operations(BEGIN + DAY).issue_document_signer()  # in the same second
    with pytest.raises(MisuseError, match="may be"):
        find_certificate(pki, "ds-3")


def test_no_signer_in_use_is_overdue(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    operations(BEGIN + DAY).revoke(find_certificate(pki, "ds"))
    (found,) = about(to_do(pki, BEGIN + 2 * DAY), "the Document Signer is revoked")
    assert (found.overdue, found.command) == (True, "personalise pki issue-ds")


def test_a_rollover(pki: IssuingPki, operations: Callable[[datetime], PkiOperations]) -> None:
    at = BEGIN + 1600 * DAY
    (notice,) = about(to_do(pki, at), "tell other States")
    assert notice.by == BEGIN + 5 * 365 * DAY - 90 * DAY
    operations(at).renew_csca()
    found = to_do(pki, at + DAY)
    assert not about(found, "renew the CSCA")
    assert [each.by for each in about(found, "sign nothing with it before")] == [at + 2 * DAY]
    assert not about(to_do(pki, at + 3 * DAY), "sign nothing")
    overview = read_overview(pki, at)
    assert {"csca-1", "csca-2"} <= {each.name for each in overview.certificates}


def test_a_list_signer_that_ends(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    operations(BEGIN + DAY).issue_list_signer(CertificateKind.MASTER_LIST_SIGNER)
    assert not about(to_do(pki, BEGIN + 600 * DAY), "mls-1 ends")
    (found,) = about(to_do(pki, BEGIN + 732 * DAY), "mls-1 ends")
    assert (found.overdue, found.command) == (True, "personalise pki issue-list-signer master")


def test_a_stop_list_signer_that_ends(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    certificate = issue_stop_list_signer(operations(BEGIN + DAY))
    end = certificate.not_after
    assert not about(to_do(pki, end - 100 * DAY), "sls ends")
    (found,) = about(to_do(pki, end + DAY), "sls ends")
    assert (found.overdue, found.command) == (True, "personalise pki issue-list-signer stop")


def test_an_audit_log_that_was_changed_is_overdue(pki: IssuingPki) -> None:
    log = pki.folder / AUDIT_LOG_NAME
    log.write_bytes(log.read_bytes().replace(b"UTO", b"ATU"))
    (found,) = about(to_do(pki, BEGIN + DAY), "audit log does not verify")
    assert found.overdue
    log.write_bytes(b"")
    log.unlink()
    assert about(to_do(pki, BEGIN + DAY), "audit log does not verify")


def test_an_operation_without_an_end_is_overdue(pki: IssuingPki) -> None:
    pki.audit_log.append("ds.issue", {"label": "ds-2"}, "begun", BEGIN + DAY)
    (found,) = about(to_do(pki, BEGIN + DAY), "ds.issue of 2026-03-03T09:00:00Z has no end")
    assert found.overdue


def test_a_clock_that_is_behind_is_overdue(pki: IssuingPki) -> None:
    (found,) = about(to_do(pki, BEGIN - DAY), "clock")
    assert found.overdue


def test_keys_lists_and_numbers(
    pki: IssuingPki, operations: Callable[[datetime], PkiOperations]
) -> None:
    renew = operations(BEGIN + DAY)
    renew_inspection_system(renew, pki.cv_certificate("is.cvcert").chat.rights)
    overview = read_overview(pki, BEGIN + DAY)
    serials = {each.label: each.certificate for each in overview.keys}
    assert serials["csca-1"] == f"{pki.certificate('csca').serial:X}"
    assert {each.place for each in overview.keys} == {"file"}
    assert overview.crl is not None
    assert overview.crl.number == 1
    digest = hashlib.sha256((pki.folder / AUDIT_LOG_NAME).read_bytes().splitlines()[-1])
    assert overview.log_head == digest.hexdigest()
