"""Putting a signing service together, and serving until it is stopped."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.register import Register
from personalise.service.local_server import local_pages
from personalise.service.web import LOGGER
from personalise.sign_service.configuration import Configuration
from personalise.sign_service.one_store import one_store
from personalise.sign_service.service import SigningService
from personalise.sign_service.signature_store import SignatureStore
from personalise.sign_service.signers import CurrentSigners
from personalise.sign_service.web import SigningApplication
from support.errors import MisuseError
from support.health import Condition, room_in
from support.https_server import listen, serve
from support.log import notice

_LOG: Final = logging.getLogger(__name__)


def run(settings: Configuration, folder: Path, open_pki: Callable[[], IssuingPki]) -> None:
    """Serve until SIGINT or SIGTERM; raises `ChipsealError` if the service cannot begin.

    `folder` is that of the PKI, which `open_pki` opens when the port is open.
    """
    listening = settings.listening
    with ExitStack() as stack:
        socket = stack.enter_context(listen(listening))
        stack.enter_context(one_store(folder, settings.store))
        pki = open_pki()
        signers = CurrentSigners(pki)
        if not signers():
            raise MisuseError(
                f"{folder}: has no Document Signer", advice="run `personalise pki issue-ds`"
            )
        limit = settings.limit(pki.settings.documents_per_signer)
        thread = ThreadPoolExecutor(1, thread_name_prefix="signing")
        stack.callback(thread.shutdown)
        application = SigningApplication(
            lambda: SigningService(
                settings.clients, signers, limit, SignatureStore(settings.store), Register(folder)
            ),
            thread,
            lambda: datetime.now(UTC),
            {
                "token": lambda: _token(pki),
                "disk": lambda: room_in(folder, settings.store.parent),
            },
        )
        stack.enter_context(local_pages(settings.health_port, application.http))
        address = f"{listening.host}:{listening.port}"
        notice(_LOG, "listening", f"signing on https://{address}", address=address)
        serve(application.asgi, listening, socket, loggers=(LOGGER,))


def _token(pki: IssuingPki) -> Condition:
    """Ask the HSM, or the folder, for the names of its keys; none is opened."""
    return Condition(ready=True, what="keys", left=len(pki.custody.labels()))
