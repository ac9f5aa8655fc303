"""Every answer that the description of the signing service has is given, and as described."""

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from emrtd.crypto.public_keys import encode_public_key
from emrtd.lds.signing import DocumentSigner
from personalise.pki.register import KEY_NAME, Register
from personalise.service.operations import COMMON
from personalise.service.signing import DESCRIPTION, SignedFile
from personalise.sign_service import web
from personalise.sign_service.service import Client, SigningService
from personalise.sign_service.signature_store import SignatureStore
from personalise.sign_service.web import SigningApplication
from support.errors import MisuseError
from tests.personalise.service.described import ask, described_answers
from tests.personalise.sign_service.test_service import AT, NUMBER, REGISTER_KEY, SIGNERS, body

CERTIFICATE = b"the certificate of a client"
SLOW = b"the certificate of another"
CLIENTS = [
    Client("prep-1", sha256(CERTIFICATE).digest(), frozenset({"IR"}), 600, 1000),
    Client("slow", sha256(SLOW).digest(), frozenset({"IR"}), 1, 1000),
]
INFOS = bytes.fromhex("310f300d060804007f0007020202020101")
"""SecurityInfos: TerminalAuthenticationInfo."""


class Signers:
    """The Document Signers; a test sets what is raised in their place."""

    error: Exception | None = None

    def __call__(self) -> Sequence[DocumentSigner]:
        if self.error is not None:
            raise self.error
        return SIGNERS


def test_every_described_answer_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / KEY_NAME).write_bytes(encode_public_key(REGISTER_KEY.public_key))
    signers, seen = Signers(), set()
    with ThreadPoolExecutor(1) as thread:
        application = SigningApplication(
            lambda: SigningService(
                CLIENTS,
                signers,
                100,
                SignatureStore(tmp_path / "signatures.sqlite"),
                Register(tmp_path),
            ),
            thread,
            lambda: datetime(AT.year, AT.month, AT.day, 12, tzinfo=UTC),
        )

        def send(
            method: str, path: str, content: bytes = b"", certificate: bytes = CERTIFICATE,
            *, headers: Mapping[str, str] | None = None, stalls: bool = False,
        ) -> int:  # fmt: skip
            request = httpx.Request(
                method, f"https://x{path}", content=content, headers=headers or {}
            )
            answer, operation = ask(
                application.asgi, DESCRIPTION, certificate, request, stalls=stalls
            )
            seen.add((operation, answer.status_code))
            return answer.status_code

        for kind, content in (
            (SignedFile.SECURITY_OBJECT, body("dg1")),
            (SignedFile.CARD_SECURITY, INFOS),
        ):
            _send_all(send, signers, kind.path, content, monkeypatch)
        for error, status in (
            (None, 200),
            (MisuseError("the HSM is away"), 503),
            (KeyError("x"), 500),
        ):
            signers.error = error
            assert send("GET", "/v1/document-signer") == status
            assert send("GET", "/health/ready") == (200 if error is None else 503)
        assert send("GET", "/v1/document-signer", certificate=b"a stranger's") == 403
        for each in COMMON:
            send("GET", each.path, certificate=b"a stranger's")
    assert seen == described_answers(DESCRIPTION)


def _send_all(
    send: Callable[..., int],
    signers: Signers,
    path: str,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Send a request to sign in every way that has an answer of its own."""
    number = base64.b64encode(NUMBER).decode()

    def post(key: str, octets: bytes = content, document: str = "IR", **more: Any) -> int:
        headers = {"Idempotency-Key": f"{path} {key}" if key else "", "Document-Number": number}
        return send("POST", f"{path}?document_type={document}", octets, headers=headers, **more)

    assert post("one") == 200
    assert post("one", content, "P") == 409
    assert post("") == 400
    assert post("two", b"not DER") == 400
    assert post("three", content, "P") == 403
    assert post("four", certificate=b"a stranger's") == 403
    assert post("five", bytes(17_000)) == 413
    limited = [post(key, certificate=SLOW) for key in ("six", "seven")]
    assert limited[-1] == 429
    with monkeypatch.context() as patch:
        patch.setattr(web, "BODY_SECONDS", 0)
        assert post("eight", stalls=True) == 408
    for error, status in ((MisuseError("the HSM is away"), 503), (KeyError("x"), 500)):
        signers.error = error
        assert post("nine") == status
    signers.error = None
