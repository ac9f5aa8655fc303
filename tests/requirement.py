"""What the tests with other people's programs need, and what it means where that is missing.

Such a test skips and says why.  Where CHIPSEAL_REQUIRE_INTEROP is 1, as in CI, a skip of a test
that is marked `interop` is a failure: see tests/conftest.py.
"""

import os
import shutil

import pytest

REFUSED_MODULE = "the module proxy refuses"
"""How the only reason begins for which such a test may always skip."""

_VARIABLE = "CHIPSEAL_REQUIRE_INTEROP"


def program(name: str, package: str) -> str:
    """The path of a program; without it the test needs its Debian package."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}, of the package {package}")
    return path


def fail_if_required(report: pytest.TestReport) -> None:
    """Make a failure of a skip, where this machine has promised to lack nothing."""
    if not report.skipped or os.environ.get(_VARIABLE) != "1" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(REFUSED_MODULE):
        report.outcome = "failed"
        report.longrepr = f"{_VARIABLE} is 1, and this test was skipped: {reason}"
