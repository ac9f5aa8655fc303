"""Putting an intake service together, and serving until it is stopped."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry

from emrtd.biometrics.images.decoder import DECODER
from personalise.intake.receipt import require_receipt_signer
from personalise.intake_service.configuration import Configuration
from personalise.intake_service.inbox import inbox_of
from personalise.intake_service.processing import Processing
from personalise.intake_service.web import IntakeApplication, Parts
from personalise.intake_service.worker import Worker
from personalise.ledger.opening import ledger_url, open_ledger
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.people import require_operator
from personalise.service.local_server import local_pages
from personalise.service.web import LOGGER
from support.https_server import listen, serve
from support.log import notice

_LOG: Final = logging.getLogger(__name__)
_THREADS: Final = 4


def run(settings: Configuration, pki: IssuingPki, ledger: str | None) -> None:
    """Serve until SIGINT or SIGTERM; raises `ChipsealError` if the service cannot begin."""
    DECODER.fork()  # before there are threads
    require_operator(pki.folder, "intake-service")
    require_receipt_signer(pki)
    for each in intake_keys(pki):
        each.private_key()  # the pass phrase is the right one
    pki.issuer_of(pki.certificate("ds"))
    with ExitStack() as stack:
        socket = stack.enter_context(listen(settings.listening))
        inbox = stack.enter_context(inbox_of(settings.inbox))
        opened = open_ledger(ledger_url(ledger, pki.folder), pki, create=True)
        stack.callback(opened.close)
        registry, clock = CollectorRegistry(), _now
        worker = Worker(inbox, Processing(pki, opened, settings, clock), clock, registry)
        thread = ThreadPoolExecutor(_THREADS, thread_name_prefix="intake-service")
        stack.callback(thread.shutdown)
        parts = Parts(pki, opened, inbox, worker, settings, clock, registry)
        application = IntakeApplication(parts, thread)
        stack.enter_context(local_pages(settings.health_port, application.http))
        worker.start()
        stack.callback(worker.stop)
        listening = settings.listening
        address = f"{listening.host}:{listening.port}"
        notice(_LOG, "listening", f"intake on https://{address}", address=address)
        serve(application.asgi, listening, socket, loggers=(LOGGER,))


def _now() -> datetime:
    return datetime.now(UTC)
