"""`python -m tests.documents` makes docs/documents.md from the marks of the tests.

`sample` marks a test that reads a public sample of a document, `peculiarity` one that reproduces
what documents of a State have.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers import REPOSITORY

PAGE = REPOSITORY / "docs" / "documents.md"

HEAD = """# Documents that have been read

What has been read or judged with public samples, and which peculiarities of States' documents the
tests reproduce. Does Chipseal read a document that is not here? Most likely: nearly all follow Doc
9303, and what has been found to differ is below. If one does not read, report what `verify card
--debug` prints, never the files that `--save` keeps: they are the holder's.

This page is made from the marks of the tests by `python -m tests.documents`; a test keeps it up to
date.

## Public samples

A sample of years ago says little about a State's documents of today. No test has the document of
a real person.

| State | what | year | access | signature | quirks met | source | test |
|---|---|---|---|---|---|---|---|
"""

PECULIARITIES = """
## Peculiarities that the tests reproduce

Each was found in published lists, or reported by users of other readers; the test makes a document
or a certificate like it. The quirks by name are in [inspection.md](inspection.md#policies).

| States | what | test |
|---|---|---|
"""


def marks(name: str) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Yield each test with this mark, as FILE::TEST, with the arguments of the mark."""
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == f"pytest.mark.{name}":
                    given = {each.arg or "": ast.literal_eval(each.value) for each in mark.keywords}
                    place = f"{path.relative_to(REPOSITORY)}::{node.name}"  # type: ignore[attr-defined]
                    yield place, [ast.literal_eval(each) for each in mark.args], given


def page() -> str:
    """Return the page."""
    columns = ("state", "what", "year", "access", "signature", "quirks", "source")
    samples = [
        "| " + " | ".join([*(given[each] for each in columns), f"`{place}`"]) + " |\n"
        for place, _, given in marks("sample")
    ]
    peculiarities = sorted(
        f"| {states} | {what} | `{place}` |\n" for place, (states, what), _ in marks("peculiarity")
    )
    return HEAD + "".join(samples) + PECULIARITIES + "".join(peculiarities)


def main() -> int:
    Path(PAGE).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
