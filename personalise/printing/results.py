"""What the printer says that it has printed: a line a card, as CSV or as JSON lines.

A line names the application, the serial number of the card, and what was printed on it: the
document number, the MRZ or both, and the CAN where there is one.  Other columns are passed over.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from personalise.printing.record import can_of, mrz_of
from personalise.station.sealed_image import SealedImage
from support.errors import MalformedError
from support.records import read_bounded

_MAX_FILE: Final = 64 * 1024 * 1024
_MRZ: Final = ("mrz", "mrz_1", "mrz_2", "mrz_3")


@dataclass(frozen=True, slots=True)
class PrintResult:
    """One line: the application's id, the card's serial number (hexadecimal), what was printed.

    What the line does not say is empty.
    """

    application: str
    card: str
    document_number: str = field(repr=False, default="")
    mrz: str = field(repr=False, default="")
    can: str = field(repr=False, default="")


def read_results(path: Path) -> list[PrintResult]:
    """Read the whole file; raises `MalformedError`, which names the line."""
    try:
        text = read_bounded(path, _MAX_FILE).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError(str(path), "is not UTF-8 text") from None
    is_json = text.lstrip().startswith("{")
    rows = _json_rows(path, text) if is_json else _csv_rows(path, text)
    return [_result(f"{path}, line {number}", row) for number, row in rows]


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise MalformedError(f"{path}, line {number}", "is not a JSON object") from None


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise MalformedError(f"{path}, line {reader.line_num}", f"is not CSV: {error}") from None


def _result(where: str, row: Mapping[str, Any]) -> PrintResult:
    application, card = _text(where, row, "application"), _text(where, row, "card")
    if not application or not card:
        missing = "card" if application else "application"
        raise MalformedError(where, f"has no {missing}", advice=_COLUMNS)
    try:
        card = bytes.fromhex(card).hex().upper()
    except ValueError:
        raise MalformedError(where, "its card is not a serial number in hexadecimal") from None
    mrz = "".join("".join(_text(where, row, each).split()) for each in _MRZ)
    found = PrintResult(
        application,
        card,
        _text(where, row, "document_number").strip("<"),
        mrz,
        _text(where, row, "can"),
    )
    if not found.mrz and not found.document_number:
        raise MalformedError(where, "does not say what was printed", advice=_COLUMNS)
    return found


_COLUMNS: Final = "name application, card, and document_number or mrz on every line"


def _text(where: str, row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, list):
        value = "".join(map(str, value))
    if value is not None and not isinstance(value, str):
        raise MalformedError(where, f"{name} is not text")
    return (value or "").strip()


def disagreement(result: PrintResult, image: SealedImage) -> str | None:
    """Return what was printed and is not what the chip will hold, None if all of it is."""
    mrz = mrz_of(result.application, image)
    if result.document_number and result.document_number != mrz.document_number.rstrip("<"):
        return "the document number that was printed"
    if result.mrz and result.mrz != mrz.text:
        return "the MRZ that was printed"
    if result.can and result.can != can_of(image):
        return "the CAN that was printed"
    return None
