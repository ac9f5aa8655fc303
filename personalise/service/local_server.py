"""Health and metrics of a service on 127.0.0.1, without TLS, for the supervisor of its machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from personalise.service.operations import LIVE_PATH, METRICS_PATH, READY_PATH
from personalise.service.web import ServiceApplication
from support.local_server import serving


@contextmanager
def local_pages(port: int | None, application: ServiceApplication[Any]) -> Iterator[None]:
    """Serve them in the block, if a port is named."""
    if port is None:
        yield
        return
    pages = {
        LIVE_PATH: application.live_page,
        READY_PATH: application.ready_page,
        METRICS_PATH: application.metrics_page,
    }
    with serving(port, pages, "[listen] health_port"):
        yield
