"""Packages with plug-ins, installed for one test."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.plugins import plugins


@contextmanager
def installed(folder: Path, group: str, sources: Mapping[str, str]) -> Iterator[None]:
    """Have `sources` (the name of a plug-in, and a module with `plugin`) found in a group.

    Processes that the test starts find them as well.
    """
    information = folder / "plugins_for_tests-1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Name: plugins-for-tests\nVersion: 1\n")
    lines = [f"[{group}]", *(f"{name} = plugin_{name}:plugin" for name in sources)]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for name, source in sources.items():
        (folder / f"plugin_{name}.py").write_text(source)
    plugins.cache_clear()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(folder)
            patch.setenv("PYTHONPATH", str(folder))
            yield
    finally:
        plugins.cache_clear()
        for name in sources:
            sys.modules.pop(f"plugin_{name}", None)
