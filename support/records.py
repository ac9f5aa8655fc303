"""Strict decoding of JSON and TOML records written by users or other systems.

An error names the field.  In JSON, which holds persons' data, it does not repeat an unknown key,
since that could be a name: it lists the known ones.  msgspec has no structured errors, so its
messages are parsed here, and nowhere else; `tests/support/test_records.py` tests each form with the
pinned version.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from support.errors import MisuseError
from support.values import Undisclosed

T = TypeVar("T")

_PLACE: Final = re.compile(
    r"^(?P<problem>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL
)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_EXPECTED: Final = re.compile(
    r"Expected `(?P<kinds>[a-z |]+)`"
    r"(?: of length (?P<length>(?:[<>]= )?\d+)| (?P<sign>[<>]=) (?P<bound>[-\d.]+))?"
)
_WITH_FIELDS: Final = (msgspec.inspect.StructType, msgspec.inspect.DataclassType)
_BOUNDS: Final = {"<=": "at most", ">=": "at least"}
_KINDS: Final = {
    "object": "a table of fields",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "bool": "true or false",
    "float": "a number",
    "date": "a date YYYY-MM-DD",
    "datetime": "an instant YYYY-MM-DDThh:mm:ssZ",
    "null": "nothing",
}


class FieldError(MisuseError):
    """A field of a record is wrong; the message names record, field and problem, not the value.

    `record` names the input (a file's name), `field` is a dotted path ("holder.born"), `problem`
    says what is wrong and what is expected.
    """

    kind = "field"

    def __init__(self, record: str, field: str, problem: str, *, advice: str = "") -> None:
        self.record = record
        self.field = field
        self.problem = problem
        where = f"{record}: {field}" if field else record
        super().__init__(f"{where}: {problem}", advice=advice)


class Record(Undisclosed, frozen=True, forbid_unknown_fields=True):
    """A record whose repr hides its fields, since they may be a person's data."""


class RejectedFieldError(ValueError):
    """Raised by `reject`; msgspec chains it to its own error, whose message holds the path."""

    def __init__(self, field: str, problem: str, *, advice: str = "") -> None:
        self.field = field
        self.problem = problem
        self.advice = advice
        super().__init__(f"{field}: {problem}")


def reject(field: str, problem: str, *, advice: str = "") -> NoReturn:
    """Refuse a field from inside a record's `__post_init__`; `field` is relative to the record."""
    raise RejectedFieldError(field, problem, advice=advice)


def from_json(octets: bytes, kind: type[T], record: str) -> T:
    """Decode a JSON record of this kind; raises `FieldError`."""
    try:
        return msgspec.json.decode(octets, type=kind)
    except msgspec.ValidationError as error:
        raise _explained(error, record, kind, name_unknown=False) from None
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
        raise _explained(error, record, kind, name_unknown=True) from None


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` octets; raises `MisuseError` for a larger one."""
    with path.open("rb") as file:
        octets = file.read(limit + 1)
    if len(octets) > limit:
        raise MisuseError(f"{path}: is larger than {limit:,} octets")
    return octets


def _explained(
    error: msgspec.ValidationError, record: str, kind: Any, *, name_unknown: bool
) -> FieldError:
    """Return the `FieldError` for an error of msgspec or of a `__post_init__`.

    msgspec states the place and the problem in its message only; a `RejectedFieldError` is the
    cause of its error.  `name_unknown`: whether an unknown key may be shown.
    """
    message = str(error)
    place = _PLACE.match(message)
    problem, path = (message, "") if place is None else (place["problem"], place["path"] or "")
    path = path.removeprefix(".")
    if isinstance(rejected := error.__cause__, RejectedFieldError):
        field = _join(path, rejected.field)
        return FieldError(record, field, rejected.problem, advice=rejected.advice)
    if missing := _MISSING.match(problem):
        return FieldError(record, _join(path, missing[1]), "is missing")
    if unknown := _UNKNOWN.match(problem):
        advice = f"the fields are {', '.join(_fields_at(kind, path))}"
        if name_unknown:
            field = _join(path, unknown[1][:60])
            return FieldError(record, field, "is not a known field", advice=advice)
        return FieldError(record, path, "has a field that is not known", advice=advice)
    return FieldError(record, path, _plainly(problem))


def _fields_at(kind: Any, path: str) -> list[str]:
    """Return the names of the fields of the record at a path of msgspec, such as `a.b[0]`."""
    place = msgspec.inspect.type_info(kind)
    for step in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        place = _inside(_record_of(place), step)
    found = _record_of(place)
    return [each.encode_name for each in found.fields] if isinstance(found, _WITH_FIELDS) else []


def _inside(place: msgspec.inspect.Type, step: str) -> msgspec.inspect.Type:
    """Return the type one step inside: a field by its name, or an item by `[0]` or `[...]`."""
    match place:
        case msgspec.inspect.StructType() | msgspec.inspect.DataclassType():
            types = {each.encode_name: each.type for each in place.fields}
            return types.get(step, place)
        case msgspec.inspect.DictType():
            return place.value_type
        case msgspec.inspect.VarTupleType() | msgspec.inspect.ListType():
            return place.item_type
        case _:
            return place


def _record_of(place: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """Return the type itself; of a union, the part that is not null."""
    if isinstance(place, msgspec.inspect.UnionType):
        parts = (each for each in place.types if not isinstance(each, msgspec.inspect.NoneType))
        return next(parts, place)
    return place


def _plainly(problem: str) -> str:
    """Return what msgspec expected, in plain words, without the value that it found."""
    if problem == "Invalid RFC3339 encoded date":
        return "is not a date of the calendar, YYYY-MM-DD"
    if problem == "Invalid RFC3339 encoded datetime":
        return "is not an instant YYYY-MM-DDThh:mm:ssZ"
    if problem.startswith("Invalid enum value"):
        return "is not one of the allowed values"
    if expected := _EXPECTED.match(problem):
        kinds = [_KINDS.get(kind, kind) for kind in expected["kinds"].split(" | ")]
        more = f" of length {expected['length']}" if expected["length"] else ""
        if expected["sign"]:
            more = f", {_BOUNDS[expected['sign']]} {expected['bound']}"
        return f"is not {' or '.join(kinds)}{more}"
    return "does not have the expected form"


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field
