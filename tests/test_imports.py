"""The imports among our modules, besides the contracts in pyproject.toml."""

import tomllib
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.helpers import REPOSITORY


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also not inside functions; only imports for type checking may be in a circle."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    graph = grimp.build_graph(
        *project["tool"]["importlinter"]["root_packages"],
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    imports = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    assert imports["support.log"] > {"support.errors", "support.remarks"}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
