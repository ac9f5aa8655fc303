"""The answer to the client and the log line when the service itself fails."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from emrtd.errors import ProtocolError
from emrtd.lds.signing import DocumentSigner
from personalise.pki.register import Register
from personalise.sign_service.service import Client, SigningService
from personalise.sign_service.signature_store import SignatureStore
from personalise.sign_service.web import SigningApplication
from support.database import BusyDatabaseError, DamagedDatabaseError
from support.errors import MisuseError

CLIENT = Client("prep-1", sha256(b"").digest(), frozenset({"IR"}), 600, 1000)

NOT_NOW = "not possible at present; the service's log says why"
KINDS = {503: "unavailable", 500: "defect"}


def ask(folder: Path, error: Exception, path: str) -> httpx.Response:
    def signers() -> Sequence[DocumentSigner]:
        raise error

    with ThreadPoolExecutor(1) as thread:
        application = SigningApplication(
            lambda: SigningService(
                [CLIENT],
                signers,
                10,
                SignatureStore(folder / "signatures.sqlite"),
                Register(folder),
            ),
            thread,
            lambda: datetime(2026, 11, 22, tzinfo=UTC),
        )

        async def get() -> httpx.Response:
            transport = httpx.ASGITransport(application.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="https://x") as http:
                return await http.get(path)

        return asyncio.run(get())


@pytest.mark.parametrize(
    ("error", "status", "told", "written"),
    [
        (MisuseError("pki: the HSM answered DeviceError"), 503, NOT_NOW, "HSM"),
        (OSError(28, "No space left on device"), 503, NOT_NOW, "No space left"),
        (
            DamagedDatabaseError("register.sqlite", "is damaged"),
            503,
            NOT_NOW,
            "dam",
        ),
        (
            BusyDatabaseError(0, "another process has been writing", "register.sqlite"),
            503,
            "other processes of the service are at work; try again",
            "another process has been writing",
        ),
        (ProtocolError("does not verify"), 500, "internal error of the service", "does not verify"),
        (
            KeyError("ZU1234567"),
            500,
            "internal error of the service",
            "internal error (KeyError in",
        ),
    ],
)
def test_a_failure_is_one_line_for_client_and_operator(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    told: str,
    written: str,
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = ask(tmp_path, error, "/v1/document-signer")
    assert answer.status_code == status
    assert answer.json() == {
        "error": {"kind": KINDS[status], "what": told, "advice": ""},
    }
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert record.getMessage().startswith("sign-service: prep-1: ")
    assert written in record.getMessage()
    assert record.exc_info is None
    assert "ZU1234567" not in caplog.text
    ready = ask(tmp_path, error, "/health/ready")
    assert ready.status_code == 503
    assert written not in ready.text, "what exactly is wrong is only in the log"
    assert ask(tmp_path, error, "/health/live").status_code == 200
    assert "chipseal_signing" in ask(tmp_path, error, "/metrics").text
