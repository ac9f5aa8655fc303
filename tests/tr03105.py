"""The test cases of BSI TR-03105: which of our tests runs which case, and that none is missing.

A test names its cases with `case`, or with the keys of its table of parameters.  The test describes
each case in our own words.  If a case allows several answers, the test expects ours.
"""

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

from tests.helpers import facts

Test = TypeVar("Test", bound=Callable[..., None])


class Catalogue:
    """The cases of one part that are run."""

    def __init__(self) -> None:
        self.run: set[str] = set()

    def case(self, *ids: str) -> Callable[[Test], Test]:
        """Record that a test runs these cases."""
        self.run.update(ids)
        return lambda test: test

    def cases(self, table: Mapping[str, object]) -> list[ParameterSet]:
        """Return a parameter set for each case; a word after a space in a key makes it unique."""
        self.run.update(id_.split(" ")[0] for id_ in table)
        return [
            pytest.param(*(values if isinstance(values, tuple) else (values,)), id=id_)
            for id_, values in table.items()
        ]

    def gather(self, package: str) -> None:
        """Import the test modules of a package, which records their cases."""
        for found in pkgutil.iter_modules(import_module(package).__path__):
            if found.name.startswith("test_"):
                import_module(f"{package}.{found.name}")

    def require_all(self, required: Iterable[str], not_run: Iterable[str]) -> None:
        """Assert that every required case is either run or listed as not run, and no other is."""
        required, not_run = set(required), set(not_run)
        assert not self.run & not_run
        assert self.run | not_run == required


def inspection_system_cases() -> set[str]:
    """Return the cases of part 5.1, for inspection systems."""
    units = facts("protocol/test_cases_TR-03105.json")["inspection_system_TR-03105-5.1"]["units"]
    return {each["id"] for unit in units.values() for each in unit["cases"]}
