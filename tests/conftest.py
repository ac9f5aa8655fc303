"""What every test shares.

Slowness is no failure (`timeout` in pyproject.toml ends a hang); a test with other people's
programs must not skip where they are required.
"""

from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.requirement import fail_if_required

settings.register_profile("chipseal", deadline=None)
settings.load_profile("chipseal")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail such a test where it would skip."""
    report = yield
    if item.get_closest_marker("interop") is not None:
        fail_if_required(report)
    return report
