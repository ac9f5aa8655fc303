"""The documentation's site: complete, without a warning, and readable without a network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_text import LEAVES
from tests.helpers import REPOSITORY


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder of the site, which is built as `./run docs` builds it."""
    folder = tmp_path / "site"
    options = ("--builder", "html", "--fail-on-warning", "--keep-going", "--quiet")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, REPOSITORY / "docs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.stderr == ""
    assert built.returncode == 0
    return folder


def test_it_is_whole_and_loads_nothing_from_another_host(site: Path) -> None:
    pages = {page.relative_to(REPOSITORY / "docs") for page in REPOSITORY.glob("docs/**/*.md")}
    assert all((site / page.with_suffix(".html")).is_file() for page in pages)

    loaded = re.compile(r"""(?:src=|<link[^>]*href=|url\(|@import )["']?([^"')\s>]+)""")
    for file in (*site.rglob("*.html"), *site.rglob("*.css")):
        addresses = loaded.findall(file.read_text(encoding="utf-8"))
        assert [each for each in addresses if re.match(r"(?:https?:)?//", each)] == [], file.name

    listed = (site / "external-links.txt").read_text(encoding="utf-8")
    assert "https://www.rfc-editor.org/rfc/rfc3218\tpersonalisation\n" in listed

    for name in LEAVES:
        text = (site / "commands" / f"{name.split()[0]}.html").read_text(encoding="utf-8")
        assert f'id="{name.replace(" ", "-")}"' in text, name
