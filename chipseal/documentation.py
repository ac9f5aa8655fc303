"""The guides that are installed with the commands: where they are, and what each is about.

The wheel has them in share/doc/chipseal, with the folders of the repository, so that links between
pages hold.  In a checkout they are the repository's; `pip install --target` puts share beside the
packages, which its records do not say.
"""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from support.errors import MisuseError

_INSTALLED = "share/doc/chipseal/README.md"


def folder_of_guides() -> Path:
    """Return the folder of README.md and docs; raises `MisuseError` if it was not installed."""
    try:
        entries = files("chipseal") or []
    except PackageNotFoundError:
        entries = []
    installed = (Path(each.locate()) for each in entries if each.as_posix().endswith(_INSTALLED))
    beside = Path(__file__).resolve().parents[1]
    for page in (*installed, beside / _INSTALLED, beside / "README.md"):
        if page.is_file() and (page.parent / "docs").is_dir():
            return page.parent.resolve()
    raise MisuseError(
        "the guides are not installed", advice="install the wheel as it is, or clone the repository"
    )


def guides(folder: Path) -> Mapping[str, Path]:
    """Return the pages by their names without suffix: README first, then in order.

    A tutorial is `tutorials/NAME`.
    """
    top = sorted(folder.glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
    pages = {page.stem: page for page in (*top, *sorted(folder.glob("docs/*.md")))}
    tutorials = sorted(folder.glob("docs/tutorials/*.md"))
    return pages | {f"tutorials/{page.stem}": page for page in tutorials}


def title_of(page: Path) -> str:
    """Return the first heading of a page."""
    heading = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return heading[1] if heading else page.stem


def guide(folder: Path, name: str) -> Path:
    """Return the page with this name, with or without .md and docs/; `MisuseError` if none has."""
    pages = guides(folder)
    wanted = name.removeprefix("docs/").removesuffix(".md").lower()
    found = next((page for known, page in pages.items() if known.lower() == wanted), None)
    if found is None:
        raise MisuseError(f"{name}: no guide has this name", advice="`chipseal docs` lists them")
    return found
