from pathlib import Path

import httpx
import pytest

from emrtd.crypto.hashes import Hash
from emrtd.errors import TransportError
from emrtd.lds.security.security_object import SecurityObject
from personalise.client import connection
from personalise.client.connection import TRIES, ClientCredentials
from personalise.sign_service.client import DocumentToSign, RemoteDocumentSigner
from tests.certificates import NOW, Authority

OBJECT = SecurityObject.over({1: b"dg1", 2: b"dg2"}, Hash.SHA256)


@pytest.mark.parametrize(
    ("asked", "waits", "said"),
    [
        ("20", [20] * (TRIES - 1), "is not able to at present: no room; try again later"),
        ("61", [], "is not able to at present: no room; try again in 61 seconds"),
    ],
)
def test_a_short_retry_after_is_waited_for_and_a_long_one_reported(
    monkeypatch: pytest.MonkeyPatch, asked: str, waits: list[int], said: str
) -> None:
    requests: list[httpx.Request] = []
    waited: list[int] = []

    def busy(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(
            503,
            headers={"Retry-After": asked},
            json={"error": {"kind": "unavailable", "what": "no room", "advice": ""}},
        )

    def connect(url: str, _: ClientCredentials, __: float) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(busy))

    monkeypatch.setattr(connection, "open_http", connect)
    credentials = ClientCredentials(Path("me.pem"), Path("me.key"), Path("ca.pem"))
    signer = RemoteDocumentSigner(
        "https://service",
        credentials,
        Authority().certificate(),
        DocumentToSign("IR", b""),
        waited.append,
    )
    with pytest.raises(TransportError, match=said):
        signer.sign_security_object(OBJECT, NOW)
    assert waited == waits
    assert len(requests) == len(waits) + 1
    assert len({each.headers["Idempotency-Key"] for each in requests}) == 1
