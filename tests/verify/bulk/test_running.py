"""Every image is judged once, whatever dies; with an engine that dies as it is told."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from verify.bulk.engines import Answer
from verify.bulk.finding import Found
from verify.bulk.judging import Job
from verify.bulk.rows import Row, decode_row
from verify.bulk.running import judge_all, without
from verify.judging.policy import load_policy


class DeathError(Exception):
    """A process died."""


class MortalEngine:
    """Judges nothing; dies of some images each time, and at some submissions by accident."""

    losses = (DeathError,)
    workers = 2

    def __init__(
        self, deadly: frozenset[str] = frozenset(), accidents: frozenset[int] = frozenset()
    ):
        self.deadly = deadly
        self.accidents = accidents
        self.submissions = 0
        self.flying = 0
        self.most_flying = 0

    def submit(self, job: Job, chunk: Sequence[Found]) -> Future[Answer]:
        future: Future[Answer] = Future()
        self.submissions += 1
        if self.submissions in self.accidents or any(each.name in self.deadly for each in chunk):
            future.set_exception(DeathError())
        else:
            future.set_result(b"".join(Row(each.name, "accept").encode() for each in chunk))
        return future

    def recover(self) -> None: ...
    def check(self) -> None: ...
    def close(self) -> None: ...


@cache
def job() -> Job:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Job("", b"", load_policy("default"), at, now=False, release="")


def judged(engine: MortalEngine, number: int, chunk: int) -> list[Row]:
    images = [Found(str(each), str(each)) for each in range(number)]
    answers = judge_all(engine, job(), images, chunk=chunk)
    return [decode_row(line) for answer in answers for line in answer.splitlines()]


@given(
    number=st.integers(0, 60),
    chunk=st.integers(1, 9),
    deadly=st.frozensets(st.integers(0, 59).map(str), max_size=4),
    accidents=st.frozensets(st.integers(1, 40), max_size=8),
)
def test_each_image_has_one_row(
    number: int, chunk: int, deadly: frozenset[str], accidents: frozenset[int]
) -> None:
    rows = judged(MortalEngine(deadly, accidents), number, chunk)
    assert Counter(row.image for row in rows) == {str(each): 1 for each in range(number)}
    failed = {row.image for row in rows if row.failed}
    assert failed >= {each for each in deadly if int(each) < number}


@given(chunk=st.integers(1, 9), accident=st.integers(1, 12))
def test_one_accident_costs_no_image(chunk: int, accident: int) -> None:
    rows = judged(MortalEngine(accidents=frozenset({accident})), 60, chunk)
    assert not any(row.failed for row in rows)


def test_a_deadly_image_alone_fails() -> None:
    rows = judged(MortalEngine(frozenset({"17"})), 60, 8)
    assert [row.image for row in rows if row.failed] == ["17"]
    assert "ended its process" in next(row for row in rows if row.failed).why[0]


def test_an_image_that_is_named_twice_is_judged_once() -> None:
    images = [Found("a", "a"), Found("b", "b"), Found("a", "./a")]
    assert [each.path for each in without(images, set())] == ["a", "b"]
