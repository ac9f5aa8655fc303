import pytest
from msgspec.structs import replace

from support.values import Hidden, PartlyCompared, Uncompared, Undisclosed, Value


class Picture(Value, frozen=True):
    name: str
    octets: Hidden[bytes]


class Portrait(Picture, frozen=True):
    eyes: Hidden[tuple[int, int] | None] = None
    quality: int = 0


class Reading(PartlyCompared, frozen=True):
    octets: Hidden[bytes]
    tolerated: Uncompared[tuple[str, ...]] = ()
    source: Hidden[Uncompared[bytes]] = b""


class OtherReading(Reading, frozen=True):
    pass


class Person(Undisclosed, frozen=True):
    name: str


def test_the_repr_leaves_out_hidden_fields_of_a_class_and_its_bases() -> None:
    assert repr(Picture("a", b"b")) == "Picture(name='a')"
    assert repr(Portrait("a", b"b", (1, 2), 3)) == "Portrait(name='a', quality=3)"
    assert repr(Reading(b"1", ("2",), b"3")) == "Reading(tolerated=('2',))"
    assert Portrait("a", b"b").__rich_repr__() == [("name", "a"), ("quality", 0)]


def test_nothing_is_disclosed() -> None:
    assert repr(Person("Smith")) == "Person(...)"
    assert Person("Smith").__rich_repr__() == []


def test_values_are_compared_by_all_fields_but_those_that_make_no_difference() -> None:
    assert Picture("a", b"b") == Picture("a", b"b") != Picture("a", b"c")
    assert Reading(b"1", ("2",), b"3") == Reading(b"1") != Reading(b"2")
    assert hash(Reading(b"1", ("2",), b"3")) == hash(Reading(b"1"))
    assert len({Reading(b"1"), Reading(b"1", ("2",)), Reading(b"2")}) == 2
    assert Reading(b"1") != OtherReading(b"1")


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Picture("a", b"b").name = "c"  # type: ignore[misc]
    assert replace(Picture("a", b"b"), name="c") == Picture("c", b"b")
