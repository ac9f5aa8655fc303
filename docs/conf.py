"""Settings of the documentation's site.  `./run docs` builds it; a warning is an error."""

import os.path
import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "Chipseal"
author = "the Chipseal contributors"
html_title = "Chipseal"
html_theme = "furo"  # system fonts, and nothing from another host
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
extensions = ["myst_parser", "commands"]
exclude_patterns = ["_extensions", "_static"]
myst_heading_anchors = 4
smartquotes = False  # they would make a dash of `--`
nitpicky = True
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}

ROOT = Path(__file__).parents[1]
OF_THE_REPOSITORY = {
    "CHANGELOG.md": "project/changelog",
    "CONTRIBUTING.md": "project/contributing",
    "SECURITY.md": "project/security",
    "examples/README.md": "project/examples",
}
"""Files outside docs that the site shows, and the page of each."""


def lead_inside(_app: Sphinx, page: str, content: list[str]) -> None:
    """Make links to files of the repository lead to their pages, or to nothing if they have none.

    A page of `OF_THE_REPOSITORY` becomes the text of its file.
    """
    shown = {target: file for file, target in OF_THE_REPOSITORY.items()}
    if page in shown:
        content[0] = (ROOT / shown[page]).read_text(encoding="utf-8")
    source = Path(shown.get(page, f"docs/{page}"))

    def inside(match: re.Match[str]) -> str:
        label, path, anchor = match[1], match[2], match[3] or ""
        named = os.path.normpath(source.parent / path)
        if named in OF_THE_REPOSITORY:
            named = f"docs/{OF_THE_REPOSITORY[named]}.md"
        if not named.startswith("docs/"):
            return label
        target = os.path.relpath(named, Path("docs", page).parent)
        return f"[{label}]({target}{anchor})"

    content[0] = re.sub(r"\[([^\]\n]*)\]\(([\w./-]+)(#[\w-]+)?\)", inside, content[0])


def list_outside(app: Sphinx, failure: Exception | None) -> None:
    """Write the addresses that lead to other hosts, with their pages; no build opens them."""
    if failure is not None:
        return
    found = sorted(
        (link["refuri"], page)
        for page in app.env.found_docs
        for link in app.env.get_doctree(page).findall(nodes.reference)
        if re.match(r"[a-z]+://", link.get("refuri", ""))
    )
    lines = "".join(f"{address}\t{page}\n" for address, page in found)
    (Path(app.outdir) / "external-links.txt").write_text(lines, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", lead_inside)
    app.connect("build-finished", list_outside)
