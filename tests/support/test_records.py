"""Each form of error message of the pinned msgspec becomes a field and a problem."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest

from support.records import FieldError, Record, from_json, from_toml, reject


class Inner(Record, frozen=True):
    number: Annotated[int, msgspec.Meta(ge=1, le=5)]
    text: str = ""
    short: Annotated[str, msgspec.Meta(max_length=3)] = ""
    choice: Literal["x", "y"] = "x"
    flag: bool = False
    day: date | None = None
    instant: datetime | None = None
    pair: tuple[float, float] | None = None
    texts: tuple[str, ...] = ()
    letters: dict[str, str] = msgspec.field(default_factory=dict)
    marks: dict[Literal["x", "y"], str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.text == "bad":
            reject("text", "is bad: or worse")


class Outer(Record, frozen=True):
    inner: Inner
    several: tuple[Inner, ...] = ()

    def __post_init__(self) -> None:
        if self.inner.text == "worse":
            reject("inner.text", "is worse")
        if self.inner.text == "worst":
            reject("inner.text", "is the worst", advice="use a better one")


def inner(**fields: Any) -> dict[str, Any]:
    return {"inner": {"number": 1} | fields}


CASES: list[tuple[Any, str, str]] = [
    ({}, "inner", "is missing"),
    ({"inner": {}}, "inner.number", "is missing"),
    (inner() | {"several": [{"number": 1}, {}]}, "several[1].number", "is missing"),
    (inner(more=1), "inner", "has a field that is not known"),
    (inner() | {"more": 1}, "", "has a field that is not known"),
    (inner(number="x"), "inner.number", "is not a whole number"),
    (inner(number=9), "inner.number", "is not a whole number, at most 5"),
    (inner(number=0), "inner.number", "is not a whole number, at least 1"),
    (inner(text=1), "inner.text", "is not text"),
    (inner(short="long"), "inner.short", "is not text of length <= 3"),
    (inner(choice="z"), "inner.choice", "is not one of the allowed values"),
    (inner(flag=1), "inner.flag", "is not true or false"),
    (inner(day="x"), "inner.day", "is not a date of the calendar, YYYY-MM-DD"),
    (inner(day=5), "inner.day", "is not a date YYYY-MM-DD or nothing"),
    (inner(instant="x"), "inner.instant", "is not an instant YYYY-MM-DDThh:mm:ssZ"),
    (inner(pair=[1]), "inner.pair", "is not a list of length 2"),
    (inner(pair=[1, "x"]), "inner.pair[1]", "is not a number"),
    (inner(texts=[1]), "inner.texts[0]", "is not text"),
    (inner(texts={}), "inner.texts", "is not a list"),
    (inner(letters={"q": 1}), "inner.letters[...]", "is not text"),
    (inner(marks={"z": "1"}), "inner.marks", "is not one of the allowed values"),
    ({"inner": []}, "inner", "is not a table of fields"),
    (inner(text="bad"), "inner.text", "is bad: or worse"),
    (inner() | {"several": [{"number": 1, "text": "bad"}]}, "several[0].text", "is bad: or worse"),
    (inner(text="worse"), "inner.text", "is worse"),
]


@pytest.mark.parametrize(("content", "field", "problem"), CASES)
def test_an_error_in_json_names_its_field(content: Any, field: str, problem: str) -> None:
    with pytest.raises(FieldError) as caught:
        from_json(json.dumps(content).encode(), Outer, "record.json")
    error = caught.value
    assert (error.record, error.field, error.problem) == ("record.json", field, problem)
    where = f"record.json: {field}" if field else "record.json"
    assert str(error).startswith(f"{where}: {problem}")


@pytest.mark.parametrize(
    ("content", "field", "problem"),
    [
        ("", "inner", "is missing"),
        ("[inner]\nnumber = 9", "inner.number", "is not a whole number, at most 5"),
        ("[inner]\nnumber = 1\npair = [1]", "inner.pair", "is not a list of length 2"),
        ("[inner]\nnumber = 1\ntext = 'bad'", "inner.text", "is bad: or worse"),
        ("[inner]\nnumber = 1\nmore = 1", "inner.more", "is not a known field"),
        ("[inner]\nnumber = =\n", "", "is not TOML in UTF-8 (line 2)"),
    ],
)
def test_an_error_in_toml_names_its_field(content: str, field: str, problem: str) -> None:
    with pytest.raises(FieldError) as caught:
        from_toml(content.encode(), Outer, "record.toml")
    assert (caught.value.field, caught.value.problem) == (field, problem)


@pytest.mark.parametrize("octets", [b"{", b"\xff"])
def test_octets_that_are_not_json_are_an_error_of_the_whole_record(octets: bytes) -> None:
    with pytest.raises(FieldError, match=r"^record: is not JSON in UTF-8$") as caught:
        from_json(octets, Outer, "record")
    assert caught.value.field == ""


def test_no_error_and_no_repr_shows_a_value() -> None:
    for fields in ({"number": "secret"}, {"choice": "secret"}, {"day": "secret"}):
        with pytest.raises(FieldError) as caught:
            from_json(json.dumps(inner(**fields)).encode(), Outer, "record")
        assert "secret" not in str(caught.value)
    secret = Inner(1, text="secret")
    assert "secret" not in f"{secret!r} {list(secret.__rich_repr__())}"


@pytest.mark.parametrize(
    ("content", "field", "known"),
    [
        (inner() | {"MUSTERMANN": 1}, "", "inner, several"),
        (inner() | {"several": [{"number": 1, "MUSTERMANN": 1}]}, "several[0]", "number, text"),
        (inner(MUSTERMANN=1), "inner", "number, text, short"),
    ],
)
def test_an_unknown_key_may_be_a_name_and_is_not_shown(
    content: Any, field: str, known: str
) -> None:
    with pytest.raises(FieldError) as caught:
        from_json(json.dumps(content).encode(), Outer, "record.json")
    error = caught.value
    assert "MUSTERMANN" not in f"{error!r} {error} {error.advice} {error.__cause__}"
    assert error.field == field
    assert error.advice.startswith(f"the fields are {known}")


def test_the_advice_of_a_refused_field_is_that_of_its_error() -> None:
    with pytest.raises(FieldError) as caught:
        from_json(json.dumps(inner(text="worst")).encode(), Outer, "record.json")
    assert caught.value.problem == "is the worst"
    assert caught.value.advice == "use a better one"
