"""Every parser decodes any octets, or refuses them with its errors, in bounded time.

Each parser of the registry gets as many mutations of valid octets as its `calls` says, and
CHIPSEAL_FUZZ_TIMES (default 1) times as many if that is set.  So a slow machine tries the same
octets as a fast one.  CHIPSEAL_FUZZ_SEED starts another series.  A failure prints the octets.
"""

import os
import random
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.errors import ChipsealError
from tests.fuzz.mutation import mutate
from tests.fuzz.parsers import PARSERS, Parser

_TIMES = int(os.environ.get("CHIPSEAL_FUZZ_TIMES", "1"))
_SEED = int(os.environ.get("CHIPSEAL_FUZZ_SEED", "0"))
_SLOWEST = 2.0
"""Seconds of processor time that one call may use."""

every_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)


def attempt(parser: Parser, octets: bytes) -> bool:
    """Parse the octets; return whether they are accepted."""
    began = time.process_time()
    message = None
    try:
        parser.parse(octets)
    except parser.raises as error:
        message = str(error)
    assert time.process_time() - began < _SLOWEST
    assert message is None or "\n" not in message
    return message is None


@every_parser
def test_a_mutation_decodes_or_is_refused(parser: Parser) -> None:
    seeds = parser.seeds()
    source = random.Random(zlib.crc32(parser.name.encode()) + _SEED)  # noqa: S311 - repeatable
    for _ in range(parser.calls * _TIMES):
        octets = mutate(source, source.choice(seeds), seeds)
        try:
            attempt(parser, octets)
        except (Exception, RecursionError) as error:
            note = f"{parser.name}({octets.hex()})"
            raise AssertionError(note) from error


@every_parser
def test_a_seed_decodes(parser: Parser) -> None:
    """Mutations of octets that decode reach deeper than the first octets."""
    assert any(attempt(parser, octets) for octets in parser.seeds())


@every_parser
@settings(max_examples=25, deadline=None)
@given(octets=st.binary(max_size=200))
def test_any_octets_decode_or_are_refused(parser: Parser, octets: bytes) -> None:
    attempt(parser, octets)


BOMBS = {
    "indefinite lengths": b"\x30\x80" * 50_000,
    "large lengths": b"\x30\x84\x7f\xff\xff\xff" * 20_000,
    "zeros": b"\x00" * 200_000,
    "many objects": b"\x31\x82\xff\xff" + b"\x02\x01\x00" * 60_000,
    "many markers": b"\xff\xa0\xff\xa4" * 50_000,
    "letters": b"A" * 200_000,
    "lines": b"dn: x\n" * 30_000,
}


@every_parser
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_hostile_octets_are_handled_in_bounded_time(parser: Parser, bomb: bytes) -> None:
    attempt(parser, bomb)


def test_parsers_raise_only_chipseal_errors() -> None:
    assert all(issubclass(each, ChipsealError) for parser in PARSERS for each in parser.raises)
