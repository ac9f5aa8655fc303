"""What the tests with other people's programs need, and what it means where that is missing.

Such a test skips and says why.  Where CHIPSEAL_REQUIRE_INTEROP is 1, as in CI, it fails instead.
"""

import os
import shutil
from typing import NoReturn

import pytest

VARIABLE = "CHIPSEAL_REQUIRE_INTEROP"


def lacking(reason: str) -> NoReturn:
    """Skip, or fail where this machine has promised to lack nothing."""
    if os.environ.get(VARIABLE) == "1":
        pytest.fail(f"{VARIABLE} is 1, and {reason}", pytrace=False)
    pytest.skip(reason)


def program(name: str, package: str) -> str:
    """The path of a program; without it the test needs its Debian package."""
    path = shutil.which(name)
    if path is None:
        lacking(f"needs {name}, of the package {package}")
    return path
