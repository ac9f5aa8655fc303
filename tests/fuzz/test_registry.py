"""Every function of `emrtd` that accepts octets is fuzzed, or listed with a reason."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import emrtd
from emrtd.lds import registry
from tests.fuzz.parsers import NOT_PARSERS, PARSERS


def functions_of_octets() -> Iterator[str]:
    """Yield each public function and class method of `emrtd` whose first parameter is bytes."""
    for module_info in pkgutil.walk_packages(emrtd.__path__, "emrtd."):
        module = importlib.import_module(module_info.name)
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module_info.name:
                continue
            for path, function in _functions(name, thing):
                if _takes_octets(function):
                    yield f"{module_info.name}.{path}"


def _functions(name: str, thing: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    if inspect.isfunction(thing):
        yield name, thing
    elif inspect.isclass(thing):
        for attribute, value in vars(thing).items():
            if not attribute.startswith("_") and isinstance(value, classmethod | staticmethod):
                yield f"{name}.{attribute}", value.__func__


def _takes_octets(function: Callable[..., Any]) -> bool:
    parameters = [
        each for each in inspect.signature(function).parameters.values() if each.name != "cls"
    ]
    if not parameters or parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return False
    return parameters[0].annotation in {bytes, "bytes"}


def names() -> list[str]:
    """Return the names of the registry, without their parts in brackets."""
    return [each.name.partition("(")[0] for each in PARSERS]


def test_every_function_of_octets_is_in_the_registry() -> None:
    codecs = {f"{each.__module__}.{each.__qualname__}" for each in registry.CODECS.values()}
    missing = set(functions_of_octets()) - set(names()) - set(NOT_PARSERS) - codecs
    assert not missing, "neither in PARSERS nor, with a reason, in NOT_PARSERS"


def test_every_entry_of_the_registry_exists_once() -> None:
    for name in {*names(), *NOT_PARSERS}:
        module, _, attribute = name.rpartition(".")
        owner, _, in_class = module.rpartition(".")
        if in_class[0].isupper():
            thing = getattr(importlib.import_module(owner), in_class)
        else:
            thing = importlib.import_module(module)
        assert callable(getattr(thing, attribute)), name
    assert len({each.name for each in PARSERS}) == len(PARSERS)
    assert not set(names()) & set(NOT_PARSERS)
