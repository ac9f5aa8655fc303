"""The SPOC over HTTP, without TLS: what a body may be, and what the log has of each answer."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.types import Message as Event

from personalise.spoc import desk
from personalise.spoc.dv_desk import DvDesk
from personalise.spoc.messages import GetCaCertificates
from personalise.spoc.soap import encode
from personalise.spoc.web import PATH, SpocApplication
from personalise.spoc.xml_reader import MAX_OCTETS
from support.https_server import CERTIFICATE_KEY
from support.repeated_lines import RepeatedLines
from tests.personalise.spoc.states import State


@pytest.fixture
def served(austria: State) -> Iterator[SpocApplication]:
    with ThreadPoolExecutor(1) as thread:
        yield SpocApplication(
            lambda: austria.desk,
            lambda: DvDesk(austria.pki, lambda: austria.at),
            thread,
            "https://spoc.at.example/SPOC",
        )


def status(
    application: SpocApplication, certificate: bytes, body: bytes, length: str | None = None
) -> int:
    """Return the status of the answer to a POST; a body of None must not be read."""
    answered: list[Event] = []

    async def receive() -> Event:
        assert length is None, "the announced length is enough to refuse"
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Event) -> None:
        answered.append(event)

    headers = [] if length is None else [(b"content-length", length.encode())]
    scope = {
        "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(),
        "query_string": b"", "headers": headers, CERTIFICATE_KEY: certificate,
    }  # fmt: skip
    asyncio.run(application.asgi(scope, receive, send))
    return int(answered[0]["status"])


def test_a_body_is_bounded(served: SpocApplication, utopia: State) -> None:
    certificate = utopia.certificate().der
    message = encode(GetCaCertificates("UT", "m1"))
    assert status(served, certificate, message) == 200
    assert status(served, certificate, bytes(MAX_OCTETS + 1)) == 413
    for length in ("99999999999999", "9" * 30):
        assert status(served, certificate, b"", length) == 413
    assert status(served, b"", message) == 401


def test_every_answer_is_in_the_log(
    served: SpocApplication, utopia: State, caplog: pytest.LogCaptureFixture
) -> None:
    once_a_minute = RepeatedLines()
    logger = logging.getLogger(desk.__name__)
    logger.addFilter(once_a_minute)  # as `serve` does
    try:
        with caplog.at_level(logging.INFO, desk.__name__):
            for _ in range(3):
                message = encode(GetCaCertificates("UT", "m1"))
                assert status(served, utopia.certificate().der, message) == 200
            for _ in range(3):
                assert status(served, utopia.certificate().der, b"garbage") == 500
    finally:
        logger.removeFilter(once_a_minute)
    said = [each.getMessage() for each in caplog.records]
    assert sum("GetCACertificates" in each for each in said) == 3
    assert sum("XML" in each for each in said) == 1
