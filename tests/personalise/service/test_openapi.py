"""The OpenAPI descriptions: valid, of the routes that there are, and kept in the repository."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from personalise.service import intake, signing
from personalise.service.errors import MEANING, STATUS, ErrorKind
from personalise.service.openapi import encode, openapi
from personalise.service.operations import Description
from tests.helpers import REPOSITORY

SERVICES = {"intake": intake.DESCRIPTION, "signing": signing.DESCRIPTION}
services = pytest.mark.parametrize("name", SERVICES)


def file_of(name: str) -> Path:
    return REPOSITORY / "docs" / f"openapi-{name}.json"


@services
def test_a_description_is_valid_openapi(name: str) -> None:
    OpenAPIV31SpecValidator(openapi(SERVICES[name])).validate()


@services
def test_the_file_in_the_repository_is_the_served_one(name: str) -> None:
    """Write it again with `python -m tests.personalise.service.test_openapi`."""
    assert file_of(name).read_bytes() == encode(SERVICES[name])


@services
def test_every_example_is_valid(name: str) -> None:
    document = openapi(SERVICES[name])
    examples = list(_examples(document))
    assert len(examples) > 20
    for schema, example in examples:
        OAS31Validator({**schema, "components": document["components"]}).validate(example)


def _examples(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], object]]:
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                yield parameter["schema"], parameter["example"]
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    if "example" in content:
                        yield content["schema"], content["example"]
                    for each in content.get("examples", {}).values():
                        yield content["schema"], each["value"]


@services
def test_no_name_is_used_twice_and_a_path_names_its_parameters(name: str) -> None:
    operations = SERVICES[name].operations
    assert len({each.name for each in operations}) == len(operations)
    for each in operations:
        in_path = {part[1:-1] for part in each.path.split("/") if part.startswith("{")}
        assert in_path == {one.name for one in each.parameters if one.place == "path"}
        assert each.is_versioned == each.path.startswith("/v1/")


def test_every_kind_of_error_has_a_status_and_a_meaning() -> None:
    assert set(STATUS) == set(MEANING) == set(ErrorKind)


@services
def test_nothing_of_a_person_is_in_a_path_or_a_query(name: str) -> None:
    for operation in SERVICES[name].operations:
        places = {each.name for each in operation.parameters if each.place in {"path", "query"}}
        assert places <= {"package", "application", signing.DOCUMENT_TYPE}


def write() -> None:
    """Write the files anew."""
    described: Description
    for name, described in SERVICES.items():
        file_of(name).write_bytes(encode(described))


if __name__ == "__main__":
    write()
