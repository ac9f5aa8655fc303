"""What every test shares.

Slowness is no failure (`timeout` in pyproject.toml ends a hang); a test with other people's
programs must not skip where they are required.
"""

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.device.private_pcscd import link_to_pcscd
from tests.requirement import fail_if_required

settings.register_profile("chipseal", deadline=None)
settings.load_profile("chipseal")


def pytest_configure(config: pytest.Config) -> None:
    """Let a test have a pcscd of its own."""
    folder = Path(tempfile.mkdtemp(prefix="chipseal-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    link_to_pcscd(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail such a test where it would skip."""
    report = yield
    if item.get_closest_marker("interop") is not None:
        fail_if_required(report)
    return report
