"""The PDF contains the whole report, tagged, and reads no text of a chip as markup."""

import subprocess

import pytest

from emrtd.pki.findings import Check, Outcome
from tests.helpers import replace
from tests.requirement import program
from tests.verify.documents import usual
from verify.judging.report import Report, Verdict
from verify.showing.pdf import render_pdf

pytest.importorskip("typst", reason="needs chipseal[pdf]")

MARKUP = '#panic("no") $x$ *b* = h `raw` \\ // /* <label> @ref [c] #{1}'


@pytest.fixture(scope="module")
def report() -> Report:
    return usual().judged()


def text_of(pdf: bytes) -> str:
    tool = program("pdftotext", "poppler-utils")
    found = subprocess.run([tool, "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(found.stdout.decode().split())


@pytest.mark.interop
def test_it_contains_the_whole_report(report: Report) -> None:
    text = text_of(render_pdf(report))
    assert "ACCEPT" in text
    for words in (*report.document["mrz"].split(), "SKILLED WORKER", "NOT allowed", "CSCA Utopia"):
        assert words in text
    for check in report.checks:
        assert check.id in text


@pytest.mark.interop
def test_text_of_a_chip_is_no_markup(report: Report) -> None:
    hostile = replace(report, document={**report.document, "surname": MARKUP})
    hostile = replace(
        hostile,
        checks=(Check("sod.signature", Outcome.PASSED, MARKUP, ""),),
        permit={**(report.permit or {}), "remarks": [MARKUP]},
    )
    text = text_of(render_pdf(hostile))
    assert text.count('#panic("no") $x$ *b*') == 3


@pytest.mark.interop
@pytest.mark.parametrize("verdict", [Verdict.REFER, Verdict.REJECT])
def test_entitlements_are_a_claim_unless_the_document_is_accepted(
    report: Report, verdict: Verdict
) -> None:
    assert "Claimed by" not in text_of(render_pdf(report))
    assert "Claimed by the document" in text_of(render_pdf(replace(report, verdict=verdict)))


@pytest.mark.interop
def test_a_script_without_a_font_is_named(report: Report) -> None:
    unknown = "\U00012000"  # cuneiform
    named = replace(report, document={**report.document, "name_in_full": unknown})
    assert "for which this machine has no font" in text_of(render_pdf(named))


def test_it_is_tagged_and_declares_pdf_ua(report: Report) -> None:
    pdf = render_pdf(report)
    assert pdf.startswith(b"%PDF-")
    assert b"/MarkInfo" in pdf
    assert b"pdfuaid:part" in pdf
    assert render_pdf(replace(report, portrait=b"not an image", permit=None)).startswith(b"%PDF-")
