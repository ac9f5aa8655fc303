"""Plug-ins are found by group and name; the installed packages are searched once."""

import importlib.metadata
from pathlib import Path

import pytest

from support.plugins import plugins
from tests.plugins import installed

GROUP = "chipseal.tests"


def test_plugins_are_found_by_name_in_order(tmp_path: Path) -> None:
    with installed(tmp_path, GROUP, {"second": "plugin = 2", "first": "plugin = 1"}):
        found = plugins(GROUP)
        assert list(found) == ["first", "second"]
        assert found["second"].load() == 2
        assert "virtual" not in found
    assert not plugins(GROUP)


def test_installed_packages_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scans, scan = [], importlib.metadata.entry_points

    def counted(**arguments: str) -> importlib.metadata.EntryPoints:
        scans.append(arguments)
        return scan(**arguments)

    plugins.cache_clear()
    monkeypatch.setattr(importlib.metadata, "entry_points", counted)
    assert {"virtual"} <= set(plugins("chipseal.readers"))
    plugins("chipseal.readers")
    assert scans == [{"group": "chipseal.readers"}]
