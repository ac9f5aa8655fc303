"""The table as a section of docs/interop.md, between two marks."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.helpers import REPOSITORY
from tests.interop.table.cards import CAN, PROFILES, QUIRKS, Row, rows
from tests.interop.table.readers import OWN, READERS
from tests.interop.table.results import Cell, Column, Outcome, Results

PAGE: Final = REPOSITORY / "docs/interop.md"
_BEGIN: Final = "<!-- table: written by `./run interop --table` -->"
_END: Final = "<!-- end of the table -->"
_NOTHING: Final = "·"


def write(results: Results, path: Path = PAGE) -> None:
    """Write the table into the page."""
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n\n{section(results)}\n{_END}{after}", encoding="utf-8")


def section(results: Results) -> str:
    """Return the section: the readers, then a table for each group of cards."""
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    told = {kind.key: f"{kind.source} | {kind.calls}" for kind in READERS}
    others = [key for key in results.columns if key not in told]
    keys = [key for key in [*told, *others] if key in results.columns]
    found = [results.columns[key] for key in keys]
    yield "| reader | from | called | read on | whole | in part | not read |"
    yield "|---|---|---|---|---|---|---|"
    for key, column in zip(keys, found, strict=True):
        counts = Counter(cell.outcome for cell in column.cells.values())
        numbers = " | ".join(str(counts[each]) for each in Outcome)
        about = told.get(key, f"{OWN} | ")
        yield f"| {column.named} | {about} | {column.on} | {numbers} |"
    group = ""
    for row in rows():
        if row.group != group:
            group = row.group
            yield ""
            yield f"### {group}"
            yield ""
            yield "| card | " + " | ".join(each.named for each in found) + " |"
            yield "|---" * (len(found) + 1) + "|"
        yield f"| {_name(row)} | " + " | ".join(_text(each, row) for each in found) + " |"
    yield ""


def _name(row: Row) -> str:
    name = f"`{row.name}`" if row.group in {PROFILES, QUIRKS} else row.name
    return f"{name}, by CAN" if row.password == CAN else name


def _text(column: Column, row: Row) -> str:
    cell = column.cells.get(row.key)
    if cell is None:
        return _NOTHING
    text = _cell(cell)
    if "-CAM," in row.name and cell.access not in {"PACE-CAM", ""}:
        text += f", by {cell.access.removeprefix('PACE-')}"
    return text


def _cell(cell: Cell) -> str:
    if cell.outcome is Outcome.NOT:
        return "no"
    text = "whole" if cell.outcome is Outcome.WHOLE else f"without {', '.join(cell.lacks)}"
    mark = {None: "", True: " ✓", False: " ✗"}[cell.genuine]
    return f"{text}{mark}" if cell.tries == 1 else f"{text}{mark}, not each time"
