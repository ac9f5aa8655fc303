"""Test cases of BSI TR-03105 as tests of ours: who is run where, and that none is forgotten.

A test says by `case`, or by the keys of the table of its parameters, which cases it is.  What each
case wants is said by the test in our own words; where it allows several answers, ours is expected.
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
    """The cases of one part, as they are run."""

    def __init__(self) -> None:
        self.run: set[str] = set()

    def case(self, *ids: str) -> Callable[[Test], Test]:
        """Say that a test is these cases."""
        self.run.update(ids)
        return lambda test: test

    def cases(self, table: Mapping[str, object]) -> list[ParameterSet]:
        """A parameter set for each case; what follows a space in a key tells two of one apart."""
        self.run.update(id_.split(" ")[0] for id_ in table)
        return [
            pytest.param(*(values if isinstance(values, tuple) else (values,)), id=id_)
            for id_, values in table.items()
        ]

    def gather(self, package: str) -> None:
        """Import the test modules of a package, which makes their cases known."""
        for found in pkgutil.iter_modules(import_module(package).__path__):
            if found.name.startswith("test_"):
                import_module(f"{package}.{found.name}")

    def require_all(self, wanted: Iterable[str], not_run: Iterable[str]) -> None:
        """Every case is run, or it is said why not; and no other is."""
        wanted, not_run = set(wanted), set(not_run)
        assert not self.run & not_run
        assert self.run | not_run == wanted


def chip_cases() -> set[str]:
    """The cases of part 3.2, for chips of EAC version 1."""
    units = facts("protocol/test_cases_TR-03105.json")["chip_EAC_TR-03105-3.2"]
    return {each["id"] for unit in units.values() for each in unit["cases"]}


def inspection_system_cases() -> set[str]:
    """The cases of part 5.1, for inspection systems."""
    units = facts("protocol/test_cases_TR-03105.json")["inspection_system_TR-03105-5.1"]["units"]
    return {each["id"] for unit in units.values() for each in unit["cases"]}
