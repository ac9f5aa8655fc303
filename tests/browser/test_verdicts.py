"""From the card on the reader to the verdict, in a real browser on a real pcscd."""

from urllib.parse import urlsplit

import pytest

from emrtd.lds.files import FileID
from tests.browser.conftest import Open, Post
from tests.security.copies import clone_of
from tests.verify.documents import CAN, CSCA, issue, mrz, permit, usual

LINES = "\n".join(usual().how.mrz.lines)


def test_a_good_card_is_accepted(post: Post) -> None:
    post.put(usual())
    post.phase("asking")
    post.scan(LINES)
    report = post.verdict("accept")
    assert post.title == "ACCEPT"
    report.locator(".face img").wait_for()
    assert report.locator(".tile.yes").count() == 2
    assert report.locator(".tile.no").inner_text().endswith("NOT allowed")
    assert report.locator(".muted").count() == 0
    assert "United Kingdom (GBR)" in report.inner_text()
    assert "21 November 2031" in report.inner_text()
    assert report.locator(".problem").count() == 0
    assert post.problems == []


def test_the_scan_may_come_before_the_card(post: Post) -> None:
    post.scan(LINES)
    post.window.get_by_text("The password is ready").wait_for()
    post.put(usual())
    post.verdict("accept")


def test_the_next_card_resets_the_page(post: Post) -> None:
    post.scan(CAN)
    card = post.put(usual())
    post.verdict("accept")
    card.take_out()
    post.put(usual())
    post.phase("asking")
    assert post.window.locator("#report").is_hidden()
    assert post.window.locator("#history li").count() == 1


def test_a_forged_card_is_rejected(post: Post) -> None:
    forged = usual().flipped(FileID.DG13, -3)
    post.put(forged)
    post.phase("asking")
    post.scan(LINES)
    report = post.verdict("reject")
    first = report.locator(".problem").first
    assert "DG13" in first.inner_text()
    assert "forgery" in first.inner_text()
    assert "What to do: Suspected forgery" in first.inner_text()
    assert "Doc 9303-11" in first.inner_text()


def test_a_revoked_signer_is_rejected_and_the_permit_is_only_a_claim(open_post: Open) -> None:
    serial = CSCA.issue("DS 1", "brainpoolP256r1").serial
    post = open_post(revoked=(serial,))
    post.put(usual())
    post.phase("asking")
    post.scan(LINES)
    report = post.verdict("reject")
    assert "revocation" in report.locator(".problem").first.inner_text()
    assert report.locator(".muted .tile").count() == 4
    assert "which is rejected" in report.locator(".muted .claim").inner_text()


def test_a_clone_is_rejected(post: Post) -> None:
    post.put(clone_of(usual()))
    post.phase("asking")
    post.scan(LINES)
    report = post.verdict("reject")
    assert "cloning" in report.locator(".problem").first.inner_text()


@pytest.mark.parametrize(
    ("typed", "name"),
    [("654321", "CAN"), ("\n".join(mrz(document_number="ZU7654321").lines), "MRZ")],
)
def test_a_wrong_password_is_read_again(post: Post, typed: str, name: str) -> None:
    post.put(usual())
    post.phase("asking")
    post.scan(typed)
    post.phase("asking.warn")
    assert post.title == f"The chip did not open with this {name}: read it again"
    assert post.window.locator("#history li").count() == 0
    post.scan(LINES)  # it replaces what was typed before
    post.verdict("accept")


def test_a_misread_character_is_named_before_the_card_is_read(post: Post) -> None:
    post.put(usual())
    post.phase("asking")
    at = LINES.index("ZU1234567") + 2
    post.window.keyboard.type((LINES[:at] + "I" + LINES[at + 1 :]).replace("\n", "\r"))
    wrong = post.window.locator(".mark.wrong").first
    wrong.wait_for()
    assert "Document number: wrong" in wrong.inner_text()
    assert "I may be 1" in wrong.inner_text()


def test_an_expired_permit_is_muted(post: Post) -> None:
    from datetime import date

    over = permit(valid_from=date(2025, 1, 1), valid_until=date(2026, 1, 1))
    post.put(issue(permit=over))
    post.phase("asking")
    post.scan(LINES)
    report = post.verdict("refer")
    assert "not in force" in report.locator(".muted").inner_text()


def test_nothing_is_requested_from_elsewhere(post: Post) -> None:
    post.scan(CAN)
    post.put(usual())
    post.verdict("accept").locator(".face img").wait_for()
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(post.url))
    assert {each for each in post.requested if not each.startswith((origin, "blob:"))} == set()
    assert not any(CAN in each or "ZU12" in each for each in post.requested)
