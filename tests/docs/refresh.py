"""`python -m tests.docs.refresh` carries out the README and the tutorials, and makes them today's.

What their commands print is written into them, and the pictures in docs are made from the card of
the README: its report (report.png), and the desk that reads it (desk.png).  `./run docs --refresh`
calls it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.docs.console import pages, rewritten
from tests.docs.terminals import environment, run_page
from tests.helpers import REPOSITORY

_WIDTH, _HEIGHT = 940, 835
_DOCS = REPOSITORY / "docs"


def main() -> None:
    """Carry out every page, and make the pictures."""
    for page in pages():
        with tempfile.TemporaryDirectory() as name:
            seen = run_page(page, Path(name))
            text = page.read_text(encoding="utf-8")
            page.write_text(rewritten(text, [each.printed for each in seen]), encoding="utf-8")
            if page.name == "README.md":
                _draw(Path(name) / "work")


def _draw(folder: Path) -> None:
    """Make the pictures from the card, the trust store and the MRZ in this folder."""
    reading = ["--reader", "virtual:card.chip", "--trust", "trust.sqlite"]
    command = ["verify", "card", *reading, "--mrz", "-", "--report", "report.html"]
    mrz = (folder / "mrz.txt").read_text(encoding="utf-8")
    home = environment(folder)
    subprocess.run(
        command, input=mrz, text=True, cwd=folder, env=home, check=True, stdout=subprocess.DEVNULL
    )
    desk = subprocess.Popen(
        ["verify", "desk", *reading, "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=home,
    )
    assert desk.stdout is not None
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            window = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
            window.goto((folder / "report.html").as_uri())
            _photograph(window, "report.png")
            window.goto(desk.stdout.readline().strip())
            window.locator("#phase.ready").wait_for()
            window.keyboard.type(mrz.strip().replace("\n", "\r") + "\r", delay=1)
            window.locator("#phase.showing").wait_for()
            _photograph(window, "desk.png")
            browser.close()
    finally:
        desk.terminate()
        desk.wait()
        desk.stdout.close()


def _photograph(window: Page, name: str) -> None:
    window.screenshot(path=_DOCS / name, animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
