"""Answers of a service in this process, each held to the service's OpenAPI description."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from openapi_schema_validator import OAS31Validator

from personalise.service.errors import STATUS
from personalise.service.openapi import openapi
from personalise.service.operations import Description, Operation
from support.https_server import CERTIFICATE_KEY


def ask(
    application: Any,
    description: Description,
    certificate: bytes,
    request: httpx.Request,
    *,
    stalls: bool = False,
) -> tuple[httpx.Response, str]:
    """Send a request as the client with a certificate; return the answer and the operation.

    With `stalls` the body does not arrive.
    """

    async def with_certificate(scope: Any, receive: Any, send: Any) -> None:
        scope[CERTIFICATE_KEY] = certificate
        await application(scope, receive, send)

    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_certificate)) as http:
            answer = await http.send(
                httpx.Request(
                    request.method,
                    request.url,
                    content=_never() if stalls else request.content,
                    headers=request.headers,
                )
            )
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=answer.content
            )

    answer = asyncio.run(call())
    return answer, hold(description, request.method, request.url.path, answer).name


async def _never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


def described_answers(description: Description) -> set[tuple[str, int]]:
    """Return each operation with each of its statuses."""
    return {
        (operation.name, status)
        for operation in description.operations
        for status in (
            *(each.status for each in operation.answers),
            *(STATUS[kind] for kind in operation.errors),
        )
    }


def operation_of(description: Description, method: str, path: str) -> Operation:
    """Return the operation of a request."""
    for each in description.operations:
        if each.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", each.path), path):
            return each
    raise AssertionError(f"{method} {path} is not described")


def hold(description: Description, method: str, path: str, answer: httpx.Response) -> Operation:
    """Require that an answer is as its operation is described: status, type and content."""
    operation = operation_of(description, method, path)
    document = documents(description.title, description)
    described = document["paths"][operation.path][method.lower()]["responses"]
    assert str(answer.status_code) in described, (operation.name, answer.status_code, answer.text)
    found = described[str(answer.status_code)]
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in found["content"], (operation.name, media_type)
    for name in found.get("headers", {}):
        if name == "Location" or answer.status_code == 202:
            assert name in answer.headers, (operation.name, name)
    schema = found["content"][media_type].get("schema")
    if schema is not None:
        validate(document, schema, json.loads(answer.content))
    return operation


_documents: dict[str, dict[str, Any]] = {}


def documents(title: str, description: Description) -> dict[str, Any]:
    """Return the OpenAPI document of a service."""
    if title not in _documents:
        _documents[title] = openapi(description)
    return _documents[title]


def validate(document: Mapping[str, Any], schema: Mapping[str, Any], content: object) -> None:
    """Require that content is valid by a schema of a document."""
    OAS31Validator({**schema, "components": document["components"]}).validate(content)
