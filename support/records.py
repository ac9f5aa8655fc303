"""Records that people and other systems write for us, read strictly: an error names its field."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from support.errors import MisuseError

T = TypeVar("T")

_PLACE: Final = re.compile(
    r"^(?P<problem>.*?)(?: - at `(?P<key>key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL
)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_OWN: Final = re.compile(r"^([a-z_0-9.\[\]]+): (.*)$", re.DOTALL)
_KINDS: Final = {
    "object": "a table of fields",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "bool": "true or false",
    "date": "a date YYYY-MM-DD",
    "null": "nothing",
}


class FieldError(MisuseError):
    """One field of a record is wrong; the message names record, field and problem, no value.

    `record` is what was read (a file's name), `field` a dotted path ("holder.born"), `problem`
    says what is wrong and what is expected.
    """

    kind = "field"

    def __init__(self, record: str, field: str, problem: str, *, advice: str = "") -> None:
        self.record = record
        self.field = field
        self.problem = problem
        where = f"{record}: {field}" if field else record
        super().__init__(f"{where}: {problem}", advice=advice)


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record whose fields never show in a repr, for they may be a person's."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def reject(field: str, problem: str) -> NoReturn:
    """Refuse a field from inside a record's `__post_init__`; `field` is relative to the record."""
    raise ValueError(f"{field}: {problem}")


def from_json(octets: bytes, kind: type[T], record: str) -> T:
    """Decode a JSON record of this kind; raises `FieldError`."""
    try:
        return msgspec.json.decode(octets, type=kind)
    except msgspec.ValidationError as error:
        raise _explained(str(error), record) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FieldError(record, "", "is not JSON in UTF-8") from None


def from_toml(octets: bytes, kind: type[T], record: str) -> T:
    """Decode a TOML record of this kind; raises `FieldError`."""
    try:
        tables: Any = tomllib.loads(octets.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f" (line {line[1]})" if line else ""
        raise FieldError(record, "", f"is not TOML in UTF-8{where}") from None
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        raise _explained(str(error), record) from None


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` octets; raises `MisuseError` for a larger one."""
    with path.open("rb") as file:
        octets = file.read(limit + 1)
    if len(octets) > limit:
        raise MisuseError(f"{path}: is larger than {limit:,} octets")
    return octets


def _explained(message: str, record: str) -> FieldError:
    """Turn a complaint of msgspec, or of a `__post_init__`, into ours."""
    place = _PLACE.match(message)
    problem, path = (message, "") if place is None else (place["problem"], place["path"] or "")
    path = path.removeprefix(".")
    if missing := _MISSING.match(problem):
        return FieldError(record, _join(path, missing[1]), "is missing")
    if unknown := _UNKNOWN.match(problem):
        return FieldError(record, _join(path, unknown[1][:60]), "is not a known field")
    if own := _OWN.match(problem):
        return FieldError(record, _join(path, own[1]), own[2])
    return FieldError(record, path, _plainly(problem))


def _plainly(problem: str) -> str:
    """Say what msgspec expected in words of the reader's, without the value that it met."""
    if problem.startswith("Invalid RFC3339"):
        return "is not a date of the calendar, YYYY-MM-DD"
    if problem.startswith("Invalid enum value"):
        return "is not one of the values that this field may have"
    if expected := re.match(r"Expected `([a-z |]+)`(?: of length (\S+ \d+))?", problem):
        kinds = [_KINDS.get(kind, kind) for kind in expected[1].split(" | ")]
        size = f" of length {expected[2]}" if expected[2] else ""
        return f"is not {' or '.join(kinds)}{size}"
    return "does not have the form that is expected"


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field
