"""What DG11, DG12 and the century add to a report."""

import io
import json
from datetime import UTC, date, datetime

import pytest

from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.files import FileID
from emrtd.mrz import Mrz
from emrtd.pki.findings import Outcome
from tests.certificates import DAY, NOW
from tests.helpers import shared
from tests.verify.documents import CSCA, Document, born, issue, issued, mrz
from verify.judging.evidence import Evidence
from verify.judging.report import Report, Verdict
from verify.showing.html import render_html
from verify.showing.text import print_report

OLD = mrz(date_of_birth="080701")


def text(report: Report) -> str:
    stream = io.StringIO()
    print_report(report, stream)
    return stream.getvalue()


def passport(code: str, expires: date | str = date(2031, 11, 21)) -> Mrz:
    return Mrz.build(
        "TD3", document_code=code, issuing_state="UTO", document_number="ZU1234567",
        nationality="UTO", date_of_birth="900131", sex="F", date_of_expiry=expires,
        surname="Mustermann",
    )  # fmt: skip


def with_details() -> Document:
    holder = born(
        "19080701",
        name_in_full="Мустерманн<<Эрика<Мария",
        other_names=("Muster<<Rika",),
        personal_number="19080701-17",
        place_of_birth="Anytown<MN",
    )
    return issue(mrz=OLD, more={11: holder, 12: issued("20261120", issuing_authority="Agency")})


def test_the_full_date_of_birth_decides_the_century() -> None:
    assert issue(mrz=OLD).judged().document["date_of_birth"] == "2008-07-01"
    report = with_details().judged()
    assert report.document["date_of_birth"] == "1908-07-01"
    assert report.verdict is Verdict.ACCEPT


def test_without_ef_sod_dg11_counts_as_much_as_dg1() -> None:
    evidence = with_details().evidence()
    files = {each: evidence.files[each] for each in (FileID.DG1, FileID.DG11)}
    report = with_details().judged(Evidence(files=files))
    assert report.document["date_of_birth"] == "1908-07-01"
    assert report.document["personal_number"] == "19080701-17"
    assert report.verdict is Verdict.REFER


def test_a_date_of_birth_that_was_not_signed_decides_nothing() -> None:
    changed = with_details().with_file(FileID.DG11, born("19080701"))
    document = changed.judged().document
    assert document["date_of_birth"] == "2008-07-01"
    assert "name_in_full" not in document


def test_another_date_of_birth_in_dg11_is_not_shown_as_the_holders() -> None:
    report = issue(mrz=OLD, more={11: born("19080702")}).judged()
    assert report.document["date_of_birth"] == "2008-07-01"
    assert report.check("mrz.matches-details").outcome is Outcome.WARNING


def test_nobody_is_born_after_the_issue_of_the_document() -> None:
    young = mrz(date_of_birth="170101")
    assert issue(mrz=young).judged().document["date_of_birth"] == "2017-01-01"
    older = issue(mrz=young, more={12: issued("20161231")}).judged()
    assert older.document["date_of_birth"] == "1917-01-01"


def test_the_details_are_in_every_form_of_the_report() -> None:
    report = with_details().judged()
    expected = {
        "name_in_full": "Мустерманн, Эрика Мария",
        "other_names": "Muster, Rika",
        "personal_number": "19080701-17",
        "place_of_birth": "Anytown, MN",
        "issuing_authority": "Agency",
        "date_of_issue": "2026-11-20",
        "date_of_birth": "1908-07-01",
    }
    document = json.loads(json.dumps(report.as_json()))["document"]
    assert expected.items() <= document.items()
    for form in (text(report), render_html(report)):
        for label in ("Name in full", "Other names", "Personal number", "Place of birth"):
            assert label in form
        for value in expected.values():
            assert value in form


def test_absent_details_are_no_fields() -> None:
    document = issue(more={11: DataGroup11().encode()}).judged().document
    assert not {"name_in_full", "other_names", "personal_number", "place_of_birth"} & set(document)


@pytest.mark.parametrize(
    ("name", "agrees"),
    [
        ("Mustermann<<Erika<Maria", True),
        ("MUSTERMANN<<ERIKA<MARIA<ANNA", True),
        ("ERIKA<MARIA<MUSTERMANN", True),
        ("Mustermann-Schmidt<<Erika-Maria", True),
        ("Müstermann<<Erika", True),  # not compared
        ("Мустерманн", True),  # not compared
        ("MUSTERFRAU<<ERIKA<MARIA", False),
        ("MUSTERMANN<<ERIKA", False),
    ],
)
def test_another_name_in_dg11_is_a_quirk(name: str, agrees: bool) -> None:
    document = issue(more={11: born("19900131", name_in_full=name)})
    report = document.judged()
    assert report.verdict is Verdict.ACCEPT
    quirk = "lds.dg11: DG11: the name is not the one in DG1"
    assert (quirk not in report.tolerated) is agrees
    check = document.judged(policy="strict").check("mrz.matches-details")
    assert (check.outcome is Outcome.PASSED) is agrees


def test_a_document_without_end_is_called_so() -> None:
    report = issue(mrz=mrz(date_of_expiry="<<<<<<")).judged()
    assert report.document["date_of_expiry"] == "without end"
    assert "lds.dg1: DG1: there is no date of expiry" in report.tolerated
    assert "without end" in text(report)
    assert issue(mrz=mrz(date_of_expiry="990101")).judged().document["date_of_expiry"] == (
        "2099-01-01"
    )


def test_a_document_without_end_does_not_expire() -> None:
    document = issue(
        mrz=mrz(date_of_expiry="<<<<<<"), permit=None, crl=CSCA.crl(next_update=NOW + 9999 * DAY)
    )
    report = document.judged(at=datetime(2036, 1, 1, tzinfo=UTC))
    assert report.check("document.expired").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("code", "expires", "signed", "quirk"),
    [
        ("P", date(2031, 11, 21), "20261120", ""),
        ("PP", date(2031, 11, 21), "20261120", ""),
        ("PN", date(2031, 11, 21), "20251231", ""),
        ("PN", date(2031, 11, 21), "20260101", "not harmonized"),
        ("PN", date(2031, 11, 21), None, "not harmonized"),  # by the signer's first day
        ("P", date(2038, 1, 1), "20261120", "before 2038"),
        ("P", "<<<<<<", "20261120", "before 2038"),
        ("P", "3111<<", "20261120", ""),
    ],
)
def test_the_code_of_a_passport_is_judged_by_its_date_of_issue(
    code: str, expires: date | str, signed: str | None, quirk: str
) -> None:
    more = {} if signed is None else {12: issued(signed)}
    report = issue(mrz=passport(code, expires), more=more).judged()
    found = [each for each in report.tolerated if "document code" in each]
    assert len(found) == bool(quirk)
    assert all(each.startswith("lds.dg1: DG1: the document code") for each in found)
    assert all(quirk in each for each in found)
    assert report.check("lds.structure").outcome is Outcome.PASSED


def test_the_code_of_a_permit_has_any_second_letter() -> None:
    for code in ("IX", "PX"):
        report = issue(mrz=mrz(document_code=code), more={12: issued("20261120")}).judged()
        assert not any("document code" in each for each in report.tolerated)


@pytest.mark.parametrize(
    ("case", "field", "value"),
    [
        ("born-a-century-ago", "date_of_birth", "1908-07-01"),
        ("without-end-990101", "date_of_expiry", "2099-01-01"),
        ("without-end-fillers", "date_of_expiry", "without end"),
    ],
)
def test_the_cases_of_real_documents(case: str, field: str, value: str) -> None:
    folder = shared(f"data/cases/documents/{case}")
    zone = DataGroup1.decode((folder / "EF_DG1.bin").read_bytes()).mrz
    details = folder / "EF_DG11.bin"
    more = {11: details.read_bytes()} if details.exists() else {}
    report = issue(mrz=zone, permit=None, more=more).judged()
    assert report.document[field] == value
    assert report.check("document.expired").outcome is Outcome.PASSED
    assert report.check("mrz.matches-details").outcome is not Outcome.WARNING
    assert report.verdict is Verdict.ACCEPT
