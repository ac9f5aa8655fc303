"""The OpenAPI 3.1 description of a service, made from its operations."""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from personalise.service.errors import MEANING, RETRY_AFTER, STATUS, Error, ErrorKind, ErrorRecord
from personalise.service.operations import (
    JSON,
    Answer,
    Description,
    Operation,
    Parameter,
)

_REFERENCES = "#/components/schemas/{name}"


def openapi(service: Description) -> dict[str, Any]:
    """Return the document."""
    types = {Error, *(type(each) for each in _records(service.operations))}
    _, components = msgspec.json.schema_components(
        sorted(types, key=lambda each: each.__name__), ref_template=_REFERENCES
    )
    paths: dict[str, Any] = {}
    for each in service.operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": service.title,
            "description": service.description,
            "version": service.version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{host}:{port}",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "8443"}},
            }
        ],
        "security": [{"mutualTLS": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "mutualTLS": {
                    "type": "mutualTLS",
                    "description": "A certificate in the service's configuration.",
                }
            },
        },
    }


def encode(service: Description) -> bytes:
    """Return the document as JSON, as it is served and kept in the repository."""
    return json.dumps(openapi(service), ensure_ascii=False, indent=1).encode() + b"\n"


def _records(operations: Iterable[Operation]) -> list[Any]:
    return [
        answer.record
        for operation in operations
        for answer in operation.answers
        if isinstance(answer.record, msgspec.Struct)
    ]


def _operation(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        found["description"] = operation.description
    if operation.parameters:
        found["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.body is not None:
        body = operation.body
        found["requestBody"] = {
            "description": f"{body.description}  At most {body.octets:,} octets.",
            "required": True,
            "content": {each: {} for each in body.types},
        }
    answers = {str(each.status): _answer(each) for each in operation.answers}
    of_status: dict[int, list[ErrorKind]] = {}
    for kind in operation.errors:
        of_status.setdefault(STATUS[kind], []).append(kind)
    for status, kinds in of_status.items():
        answers[str(status)] = _refusal(kinds)
    found["responses"] = dict(sorted(answers.items()))
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
        "example": parameter.example,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        found["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in answer.headers.items()
        }
    if isinstance(answer.record, msgspec.Struct):
        content: dict[str, Any] = {
            "schema": {"$ref": _REFERENCES.format(name=type(answer.record).__name__)},
            "example": msgspec.to_builtins(answer.record),
        }
    elif answer.media_type == JSON:
        content = {"schema": {"type": "object"}}
    else:
        content = {}
    found["content"] = {answer.media_type: content}
    return found


def _refusal(kinds: list[ErrorKind]) -> dict[str, Any]:
    meanings = [f"`{kind}`: {MEANING[kind]}" for kind in kinds]
    found: dict[str, Any] = {"description": "; ".join(meanings) + "."}
    if any(kind in {ErrorKind.LIMIT, ErrorKind.UNAVAILABLE} for kind in kinds):
        found["headers"] = {
            RETRY_AFTER: {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        }
    examples = {
        re.sub("-", "_", kind): {
            "value": msgspec.to_builtins(Error(ErrorRecord(kind, MEANING[kind])))
        }
        for kind in kinds
    }
    schema = {"$ref": _REFERENCES.format(name=Error.__name__)}
    found["content"] = {JSON: {"schema": schema, "examples": examples}}
    return found
