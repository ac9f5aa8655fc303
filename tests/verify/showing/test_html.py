"""The HTML report is complete and self-contained, and escapes all data of a chip."""

from html.parser import HTMLParser

import msgspec
import pytest

from emrtd.lds.files import FileID
from support.printable_text import printable
from tests.helpers import replace
from tests.verify.documents import face, issue, permit, usual, with_face
from verify.judging.quirks import FileQuirk
from verify.judging.report import Report, Verdict
from verify.showing.html import render_html

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def accepted() -> Report:
    return usual().judged()


def test_the_page_contains_the_whole_report() -> None:
    report = accepted()
    page = Page(render_html(report))
    assert page.open == []
    text = " ".join(page.text.split())
    assert "ACCEPT" in text
    for check in report.checks:
        assert check.id in text
        assert check.reason in text
        assert check.clause in text
    for words in ("MUSTERMANN", "ERIKA MARIA", "ZU1234567", "SKILLED WORKER", "NOT allowed",
                  "CSCA Utopia", "No public funds", *report.document["mrz"].split()):  # fmt: skip
        assert words in text
    for name, row in report.data_groups.items():
        assert name in text
        assert f"{row.size:,} octets" in text
    for quirk in report.tolerated:
        assert quirk in text


@pytest.mark.parametrize("verdict", Verdict)
def test_the_lit_lamp_and_the_heading_show_the_verdict(verdict: Verdict) -> None:
    report = replace(accepted(), verdict=verdict, why=("because",) * (verdict != "accept"))
    page = Page(render_html(report))
    lamps = [attributes["class"] for tag, attributes in page.elements if "lamp" in str(attributes)]
    assert [lamp for lamp in lamps if lamp and lamp.endswith(" on")] == [f"lamp {verdict} on"]
    assert {"accept": "ACCEPT", "refer": "REFER", "reject": "REJECT"}[verdict] in page.text


def test_the_page_has_no_script_and_fetches_nothing() -> None:
    page = Page(render_html(accepted()))
    policies = [a["content"] for tag, a in page.elements if "http-equiv" in a]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "form", "base", "a"}
        assert not any(name.startswith("on") for name in attributes)
        source = attributes.get("src")
        assert source is None or source.startswith("data:image/png;base64,")


def test_the_page_is_accessible_to_screen_readers() -> None:
    """A screen reader finds a language, a title, headings, and names of tables and pictures."""
    page = Page(render_html(accepted()))
    elements = dict(page.elements)
    assert elements["html"]["lang"] == "en"
    assert "title" in elements
    assert all(a.get("alt") for tag, a in page.elements if tag == "img")
    headers = [a for tag, a in page.elements if tag == "th"]
    assert headers
    assert all(a.get("scope") in {"row", "col"} for a in headers)
    ids = {a["id"] for _, a in page.elements if "id" in a}
    labels = {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a}
    assert labels <= ids


@pytest.mark.parametrize("text", [HOSTILE, "{{ 7 * 7 }}", "{% raw %}", "&lt;b&gt;", "' onclick='x"])
def test_text_of_a_chip_is_escaped(text: str) -> None:
    hostile = issue(permit=permit(category=text, work=text, remarks=(text,)))
    page = Page(render_html(hostile.judged()))
    assert page.open == []
    assert page.text.count(text) == 3
    assert not any(tag == "script" for tag, _ in page.elements)
    assert [tag for tag, _ in page.elements].count("img") == 1


def test_reasons_and_quirks_are_escaped() -> None:
    report = accepted()
    quirk = FileQuirk("lds.dg2", HOSTILE)
    checks = tuple(
        msgspec.structs.replace(check, reason=HOSTILE, tolerated=(quirk,))
        for check in report.checks
    )
    trust = replace(report.trust, csca=HOSTILE, ds=HOSTILE, revocation=HOSTILE)
    refused = replace(
        report, checks=checks, why=(HOSTILE,), trust=trust, verdict=Verdict.REJECT, policy=HOSTILE
    )
    page = Page(render_html(refused))
    assert page.open == []
    assert not any(tag == "script" for tag, _ in page.elements)
    assert page.text.count(HOSTILE) == len(checks) + 1 + 3 + 1 + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("none\u202edetcirtsernu", "none\ufffddetcirtsernu"),
        ("a\x1b[2Jb\x9bc\x00\r\n", "a\ufffd[2Jb\ufffdc\ufffd\ufffd\ufffd"),
        ("Łukasz Жуков 中文 محمد", "Łukasz Жуков 中文 محمد"),
        ("\u2066x\u2069 \u200b", "\ufffdx\ufffd \ufffd"),
    ],
)
def test_control_and_bidirectional_characters_are_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("portrait", [b"", b"\xff\xd8\xff", b"GIF89a" + bytes(40), b"<svg/>"])
def test_a_portrait_that_cannot_be_decoded_is_not_shown(portrait: bytes) -> None:
    page = Page(render_html(replace(accepted(), portrait=portrait)))
    assert "img" not in dict(page.elements)
    assert "No portrait that can be shown" in page.text or not portrait


def test_a_portrait_that_ends_early_is_shown_as_far_as_it_goes() -> None:
    whole = dict(Page(render_html(with_face(face()).judged())).elements)["img"]["src"]
    page = Page(render_html(with_face(face()[:-2]).judged(looked_at=True)))
    assert dict(page.elements)["img"]["src"] == whole
    assert "lds.dg2: the face image ends early" in page.text


def test_an_unsigned_portrait_is_marked_as_not_proven() -> None:
    assert "not proven genuine" not in render_html(accepted())
    changed = usual().flipped(FileID.DG2, -40)
    assert "not proven genuine" in render_html(changed.judged())
    assert "not proven genuine" in render_html(issue(anchors=()).judged())


def test_a_document_without_files_has_a_page() -> None:
    empty = usual()
    for file_id in list(empty.files):
        empty = empty.with_file(file_id, None)
    page = Page(render_html(empty.judged()))
    assert "REFER TO SECOND LINE" in page.text
    assert "No machine readable zone was read" in page.text
    assert "No permit (DG13)" in page.text
