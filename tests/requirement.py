"""Programs that the interoperability tests need.

A test skips, and says why, if a program is missing.  With CHIPSEAL_REQUIRE_INTEROP=1, as in CI, a
skip of a test marked `interop` is a failure (tests/conftest.py).
"""

import os
import shutil

import pytest

REFUSED_MODULE = "the module proxy refuses"
"""The beginning of the only reason for which such a test may always skip."""

_VARIABLE = "CHIPSEAL_REQUIRE_INTEROP"


def program(name: str, package: str) -> str:
    """Return the path of a program; if it is missing, skip and name its Debian package."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}, of the package {package}")
    return path


def fail_if_required(report: pytest.TestReport) -> None:
    """Turn a skip into a failure if CHIPSEAL_REQUIRE_INTEROP is 1."""
    if not report.skipped or os.environ.get(_VARIABLE) != "1" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(REFUSED_MODULE):
        report.outcome = "failed"
        report.longrepr = f"{_VARIABLE} is 1, and this test was skipped: {reason}"
