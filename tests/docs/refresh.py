"""`python -m tests.docs.refresh` carries out the README and the tutorials, and makes them today's.

What their commands print is written into them, and the pictures in docs are made from the card of
the README: its report (report.png), and the desk that reads it (desk.png).  `./run docs --refresh`
calls it.
"""

import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.docs.console import pages, rewritten
from tests.docs.terminals import environment, run_page
from tests.helpers import REPOSITORY

_REPORT_SIZE: ViewportSize = {"width": 940, "height": 835}
_DESK_SIZE: ViewportSize = {"width": 1180, "height": 900}
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
            window = browser.new_page(viewport=_REPORT_SIZE)
            window.goto((folder / "report.html").as_uri())
            _photograph(window, "report.png")
            window = browser.new_page(viewport=_DESK_SIZE)
            window.goto(desk.stdout.readline().strip())
            window.locator("#phase.asking").wait_for()
            window.keyboard.type(mrz.strip().replace("\n", "\r") + "\r", delay=1)
            window.locator("#phase.showing").wait_for()
            window.locator("img[src^='blob:']").first.evaluate("(one) => one.decode()")
            _photograph(window, "desk.png")
            browser.close()
    finally:
        desk.terminate()
        desk.wait()
        desk.stdout.close()


def _photograph(window: Page, name: str) -> None:
    octets = window.screenshot(animations="disabled")
    picture = Image.open(BytesIO(octets)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(_DOCS / name, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
