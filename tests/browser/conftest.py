"""Browser tests: Debian's Chromium on the desk, with cards in virtual readers of a real pcscd.

Each test has a desk of its own, at one reader, and a window that opened its address.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, sync_playwright
from playwright.sync_api import Page as Window
from playwright.sync_api import TimeoutError as TooLate

from tests.readers import Claims, Insert, InsertedCard, claims, insert, virtual_readers
from tests.requirement import program
from tests.verify.desk.desks import AT, running_desk, state_file, trust_store
from tests.verify.documents import Document
from vsmartcard.chip.dispatch import Chip
from vsmartcard.reader.readers import VirtualReader

__all__ = ["claims", "insert", "virtual_readers"]

SECONDS = 20.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.device)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium without a screen; the test is skipped where there is none.

    It ends with the module: as long as it runs, so does an event loop in this thread, in which
    tests of other rooms could run no loop of their own.
    """
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        camera = "--use-fake-device-for-media-stream"  # permission is still asked for
        args = ["--no-sandbox", camera]
        running = playwright.chromium.launch(executable_path=path, args=args)
        yield running
        running.close()


@dataclass
class Post:
    """A border post: a desk, its window in the browser, and the reader before the officer."""

    window: Window
    url: str
    reader: VirtualReader
    insert: Insert
    folder: Path
    stop: Callable[[], None]
    requested: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def put(self, card: Document | Chip, *faults: str) -> InsertedCard:
        """Put a card on the reader, with these faults."""
        path = state_file(card, self.folder / "card")
        return self.insert(path, reader=self.reader, faults=faults)

    def scan(self, text: str) -> None:
        """Type as a scanner does that sends Enter after every line."""
        self.window.keyboard.type(text.replace("\n", "\r") + "\r", delay=1)

    def phase(self, name: str) -> None:
        """Wait for a phase of the desk."""
        try:
            self.window.locator(f"#phase.{name}").wait_for(timeout=SECONDS * 1000)
        except TooLate:
            shown = self.window.locator("body").inner_text()
            pytest.fail(f"the desk is not {name}; it shows:\n{shown}")

    def verdict(self, name: str) -> Locator:
        """Wait for a verdict; return the report."""
        self.phase(f"showing.{name}")
        return self.window.locator("#report")

    @property
    def title(self) -> str:
        return self.window.locator("#title").inner_text()

    @property
    def text(self) -> str:
        return self.window.locator("#text").inner_text()


Open = Callable[..., Post]


@pytest.fixture
def open_post(browser: Browser, claims: Claims, insert: Insert, tmp_path: Path) -> Iterator[Open]:
    """A function that starts a desk at a free reader and opens its page.

    Keywords: `revoked` (serial numbers in the revocation list), and what a browser's context takes.
    """
    with ExitStack() as ends:

        def open_one(*, revoked: tuple[int, ...] = (), **context: object) -> Post:
            reader = claims.take()
            store = trust_store(tmp_path, revoked)
            desk = ExitStack()
            ends.callback(desk.close)
            options = ("--trust", store, "--at", AT, "--reader", reader.name)
            url = desk.enter_context(running_desk(*options))
            opened: BrowserContext = browser.new_context(**context)  # type: ignore[arg-type]
            ends.callback(opened.close)
            window = opened.new_page()
            window.set_default_timeout(SECONDS * 1000)
            post = Post(window, url, reader, insert, tmp_path, desk.close)
            window.on("request", lambda request: post.requested.append(request.url))
            window.on("pageerror", lambda error: post.problems.append(str(error)))
            window.on(
                "console",
                lambda said: post.problems.append(said.text) if said.type == "error" else None,
            )
            window.goto(url)
            post.phase("ready")
            return post

        yield open_one


@pytest.fixture
def post(open_post: Open) -> Post:
    """A desk at a free reader, and its page."""
    return open_post()
