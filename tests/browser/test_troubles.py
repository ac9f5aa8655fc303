"""What goes wrong at the counter: named on the page, which goes on."""

from tests.browser.conftest import Post
from tests.readers import InsertedCard
from tests.verify.documents import usual

LINES = "\n".join(usual().how.mrz.lines)


def snatch(card: InsertedCard) -> None:
    """Take a card away while a command is at it."""
    card.process.kill()
    card.process.wait()


def test_a_card_that_leaves_in_mid_read_is_read_when_it_comes_back(post: Post) -> None:
    card = post.put(usual(), "slow,0.05")
    post.phase("asking")
    post.scan(LINES)
    post.window.locator(".lines li", has_text="EF.SOD").wait_for()
    snatch(card)
    post.phase("interrupted")
    assert post.title == "The card left the reader"
    assert "read again by itself" in post.text
    assert post.window.locator("#meter").is_hidden()  # without a value it would move
    post.put(usual())
    post.verdict("accept")
    assert post.problems == []


def test_an_interrupted_inspection_can_be_left(post: Post) -> None:
    card = post.put(usual(), "slow,0.05")
    post.phase("asking")
    post.scan(LINES)
    post.window.locator(".lines li", has_text="EF.SOD").wait_for()
    snatch(card)
    post.phase("interrupted")
    post.window.get_by_role("button", name="Next card").click()
    post.phase("ready")
    post.put(usual())
    post.phase("asking")


def test_a_chip_that_stalls_is_named(post: Post) -> None:
    card = post.put(usual(), "slow:21-,120")
    post.phase("asking")
    post.scan(LINES)
    post.phase("warn.busy")
    assert post.title == "The chip does not answer"
    snatch(card)
    post.phase("interrupted")
    post.put(usual())
    post.verdict("accept")


def test_a_desk_that_has_ended_is_named_and_leaves_nothing_of_a_person(post: Post) -> None:
    post.scan(LINES)
    post.put(usual())
    post.verdict("accept").locator(".face img").wait_for()
    post.stop()
    post.phase("away")
    assert post.title == "The desk does not answer"
    left = post.window.content()
    for personal in ("MUSTERMANN", "ZU1234567", "blob:"):
        assert personal not in left, personal
