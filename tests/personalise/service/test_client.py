"""The client of the services: what it repeats, what it raises, and how little it needs."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from emrtd.errors import ProtocolError
from personalise.client import (
    ClientCredentials,
    IntakeClient,
    RefusedRequestError,
    ServiceUnavailableError,
)
from personalise.client import connection as client_connection
from personalise.client.connection import TRIES

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], IntakeClient]:
    def make(handler: Handler) -> IntakeClient:
        def connect(url: str, _: ClientCredentials, __: float) -> httpx.Client:
            return httpx.Client(base_url=url, transport=httpx.MockTransport(handler))

        monkeypatch.setattr(client_connection, "open_http", connect)
        credentials = ClientCredentials(Path("me.pem"), Path("me.key"), Path("ca.pem"))
        return IntakeClient("https://x", credentials, wait=lambda _: None)

    return make


def counted(answers: Iterator[httpx.Response]) -> tuple[Handler, list[httpx.Request]]:
    """Return a handler that gives these answers, and the requests that it has seen."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return next(answers)

    return handle, seen


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 415, 500])
def test_a_final_answer_is_not_repeated(
    status: int, client_of: Callable[[Handler], IntakeClient]
) -> None:
    error = {"error": {"kind": "of-a-later-version", "what": "no\x1b[31m", "advice": "ask"}}
    handle, seen = counted(iter([httpx.Response(status, json=error)]))
    with pytest.raises(RefusedRequestError) as refused:
        client_of(handle).send(b"package")
    assert len(seen) == 1
    assert (refused.value.status, refused.value.refusal) == (status, "of-a-later-version")
    assert "\x1b" not in refused.value.message
    assert refused.value.advice == "ask"


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_busy_service_is_asked_again_with_the_same_key_and_octets(
    status: int, client_of: Callable[[Handler], IntakeClient]
) -> None:
    handle, seen = counted(iter([httpx.Response(status, text="of a proxy")] * TRIES))
    with pytest.raises(ServiceUnavailableError) as given_up:
        client_of(handle).send(b"package")
    assert len(seen) == TRIES
    assert len({(each.headers["Idempotency-Key"], each.content) for each in seen}) == 1
    assert (given_up.value.status, given_up.value.kind) == (status, "service-unavailable")


def test_an_answer_of_something_else_is_an_error(
    client_of: Callable[[Handler], IntakeClient],
) -> None:
    for content in (b"<html>", b"[]", b'{"package": 1}', b"\xff"):
        client = client_of(lambda _, octets=content: httpx.Response(201, content=octets))  # type: ignore[misc]
        with pytest.raises(ProtocolError, match="not that of this service"):
            client.send(b"package")


def test_an_answer_about_another_package_is_an_error(
    client_of: Callable[[Handler], IntakeClient],
) -> None:
    answer = {
        "package": "P-0000000000000000",
        "state": "waiting",
        "sha256": "00" * 32,
        "octets": 7,
        "accepted": "2026-11-30T08:15:00Z",
        "of a later version": True,
    }
    with pytest.raises(ProtocolError, match="another package"):
        client_of(lambda _: httpx.Response(202, json=answer)).send(b"package")


def test_it_needs_nothing_of_the_services() -> None:
    code = "import sys, personalise.client; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    servers = {"prometheus_client", "sqlalchemy", "starlette", "uvicorn"}
    assert set(done.stdout.split()) & servers == set()
