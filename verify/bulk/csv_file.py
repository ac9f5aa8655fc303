"""The rows as CSV (RFC 4180), for a spreadsheet."""

import csv
import os
from pathlib import Path
from typing import Final, Self

from verify.bulk.rows import Row

COLUMNS: Final = (
    "image",
    "verdict",
    "state",
    "document_code",
    "failed",
    "warning",
    "undetermined",
    "why",
    "csca",
    "ds",
    "tolerated",
    "sod",
    "at",
    "policy",
)
"""The columns; `failed`, `warning` and `undetermined` hold ids of checks."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a formula begins: a spreadsheet would run one that a file name or certificate contains."""


class CsvFile:
    """A CSV file that only its owner can read; as a context manager it closes itself."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        self._writer.writerow(COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def write(self, row: Row) -> None:
        """Write one row; values of a cell are separated by "; "."""
        self._writer.writerow(
            (
                _cell(row.image),
                row.verdict,
                row.state,
                _cell(row.document_code),
                *(_checks(row, each) for each in ("failed", "warning", "undetermined")),
                _cell("; ".join(row.why)),
                _cell(row.csca),
                _cell(row.ds),
                _cell("; ".join(row.tolerated)),
                row.sod,
                row.at,
                _cell(row.policy),
            )
        )


def _checks(row: Row, outcome: str) -> str:
    return "; ".join(check for check, found in row.checks.items() if found == outcome)


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
