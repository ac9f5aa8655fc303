"""Work on all cores."""

import threading

import pytest

from support.cores import on_all_cores, usable_cores


def test_results_are_in_the_order_of_the_parts() -> None:
    """A part that is done later than the next one keeps its place."""
    second = threading.Event()

    def work(part: int) -> int:
        if part == 0 and usable_cores() > 1:
            assert second.wait(60)
        if part == 1:
            second.set()
        return part * part

    assert list(on_all_cores(work, range(20))) == [part * part for part in range(20)]


def test_a_single_part_takes_no_thread() -> None:
    assert list(on_all_cores(lambda _: threading.current_thread(), [0])) == [
        threading.current_thread()
    ]
    assert list(on_all_cores(lambda _: threading.current_thread(), [])) == []


def test_the_error_of_the_first_part_that_has_one_is_raised() -> None:
    def work(part: int) -> int:
        if part > 2:
            raise ValueError(part)
        return part

    with pytest.raises(ValueError, match=r"^3$"):
        on_all_cores(work, range(100))
