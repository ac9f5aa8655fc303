"""Sentences with fields, as strings and between processes."""

import copy

import pytest

from support.errors import MalformedError
from support.reasons import Reason, decode, encode, joined, plain


def test_a_reason_is_its_english_sentence() -> None:
    reason = Reason("{file} has {octets} octets", file="DG1", octets=3)
    assert reason == "DG1 has 3 octets"
    assert (reason.text, dict(reason.fields)) == (
        "{file} has {octets} octets", {"file": "DG1", "octets": 3},
    )  # fmt: skip
    assert type(plain(reason)) is str
    with pytest.raises(NotImplementedError):
        plain(b"")


def test_sentences_are_joined_and_stay_what_they_are() -> None:
    assert joined("; ", ()) == ""
    assert joined("; ", ("only",)) == "only"
    parts = [Reason("{n} more", n=1), "two", "three"]
    both = joined("; ", parts)
    assert both == "1 more; two; three"
    assert isinstance(both, Reason)
    assert both.fields["part1"] is parts[0]


def test_it_reaches_another_process() -> None:
    inner = Reason("{octets} octets follow", octets=7)
    reason = Reason("cannot be decoded: {damage}", damage=inner)
    for made in (decode(encode(reason)), copy.copy(reason)):
        assert made == reason
        assert isinstance(made, Reason)
        assert isinstance(made.fields["damage"], Reason)
    assert decode(encode("has ended")) == "has ended"


@pytest.mark.parametrize(
    "octets",
    [b"", b"\xff", b"[", b"{}", b"[]", b'["{x}", {}]', b'["{x.__class__}", {"x": "1"}]',
     b'["{x!r}", {"x": "1"}]', b'["{x:>99}", {"x": "1"}]', b'["{}", {"x": "1"}]', b"[" * 1999,
     b'["{x}", {"x": ["{x}", {"x": ["{x}", {"x": "1"}]}]}]'],
)  # fmt: skip
def test_octets_of_a_hostile_process_are_shown_as_they_are(octets: bytes) -> None:
    assert decode(octets) == octets.decode(errors="replace")


def test_a_hostile_process_cannot_make_a_sentence_grow() -> None:
    assert len(decode(b'["' + b"{x}" * 600 + b'", {"x": "' + b"x" * 170 + b'"}]')) < 200_000
    long = b'["{x}", {"x": "' + b"x" * 3000 + b'"}]'
    assert decode(long) == long.decode()


def test_the_message_of_an_error_is_plain_text() -> None:
    error = MalformedError("DG1", Reason("{octets} octets follow", octets=7), 3)
    assert (type(error.message), str(error)) == (str, "DG1: 7 octets follow at offset 3")
    assert isinstance(error.said, Reason)
    assert error.said.fields["reason"] is error.reason
