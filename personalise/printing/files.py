"""The files for the printer: a line a document, and a folder of portraits.

    FILE.csv                a header, then one line a document; or
    FILE.jsonl              one JSON object a line
    FILE-portraits/         the portraits, by application

Both hold personal data and the CAN, so only their owner can read them.  Nothing is overwritten, and
a file appears under its name only when it is complete.
"""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, Self

import msgspec

from personalise.printing.record import PrintRecord, VisualZone
from support.errors import MisuseError

_LINES: Final = 3
"""The most lines of an MRZ; a TD3 has two."""

_VISUAL: Final = VisualZone.__struct_fields__
COLUMNS: Final = (
    "application",
    "format",
    *(f"mrz_{number}" for number in range(1, _LINES + 1)),
    *_VISUAL,
    "can",
    "portrait",
    "barcode",
)
"""The columns of the CSV file, in order."""


def _csv_line(values: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)  # RFC 4180
    return text.getvalue().encode()


def _as_csv(record: PrintRecord) -> bytes:
    lines = (*record.mrz, *("" for _ in range(_LINES - len(record.mrz))))
    visual = [getattr(record.visual, name) for name in _VISUAL]
    flat = [" | ".join(each) if isinstance(each, tuple) else each for each in visual]
    tail = record.can, record.portrait, record.barcode
    return _csv_line((record.application, record.format, *lines, *flat, *tail))


def _as_json(record: PrintRecord) -> bytes:
    return msgspec.json.encode(record) + b"\n"


_FORMATS: Final[dict[str, tuple[bytes, Callable[[PrintRecord], bytes]]]] = {
    ".csv": (_csv_line(COLUMNS), _as_csv),
    ".jsonl": (b"", _as_json),
}


class PrintFile:
    """A new file for the printer; a context manager, which removes what an error left."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in _FORMATS:
            raise MisuseError(
                f"{path}: is neither a .csv nor a .jsonl file", advice="choose one of the two"
            )
        self.path = path
        self.portraits = path.with_name(f"{path.stem}-portraits")
        self.count = 0
        self._unfinished = path.with_name(f".{path.name}.unfinished")
        for each in (self.path, self.portraits, self._unfinished):
            if each.exists():
                raise MisuseError(f"{each}: already exists", advice="choose another file")
        header, self._encode = _FORMATS[path.suffix]
        self._file: IO[bytes] = os.fdopen(
            os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        )
        self.portraits.mkdir(mode=0o700)
        self._file.write(header)

    def add(self, record: PrintRecord, portrait: bytes) -> None:
        """Write one document: its portrait, then its line."""
        _write_new(self.portraits / record.portrait, portrait)
        self._file.write(self._encode(record))
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Give the file its name, unless an error was raised or it holds no document."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            if kind is None and self.count:
                os.link(self._unfinished, self.path)  # fails if the name was taken meanwhile
                return
        finally:
            self._file.close()
            self._unfinished.unlink()
        for each in self.portraits.iterdir():
            each.unlink()
        self.portraits.rmdir()


def _write_new(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
