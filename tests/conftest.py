"""Settings for all tests.

Hypothesis has no deadline, since `timeout` in pyproject.toml ends a test that hangs.  A test marked
`interop` must not skip if CHIPSEAL_REQUIRE_INTEROP is 1.
"""

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.device.private_pcscd import link_to_pcscd
from tests.postgresql import postgresql_server, postgresql_url
from tests.requirement import fail_if_required

__all__ = ["postgresql_server", "postgresql_url"]  # fixtures for every test

settings.register_profile("chipseal", deadline=None)
settings.load_profile("chipseal")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the link that lets a test use a private pcscd."""
    folder = Path(tempfile.mkdtemp(prefix="chipseal-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    link_to_pcscd(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of an interop test into a failure if these are required."""
    report = yield
    if item.get_closest_marker("interop") is not None:
        fail_if_required(report)
    return report
