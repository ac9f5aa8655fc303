"""Running the SPOC's service."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from emrtd.pki.lint.spoc import dns_names
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.issuing_pki import IssuingPki
from personalise.spoc import desk, dv_desk, web
from personalise.spoc.certificates import tls_certificate
from personalise.spoc.desk import SpocDesk
from personalise.spoc.dv_desk import DvDesk
from personalise.spoc.partners import Partners
from personalise.spoc.store import MessageStore
from personalise.spoc.terminals import Terminals
from personalise.spoc.tls import server_context
from support.errors import MisuseError
from support.https_server import Endpoint, listen, serve
from support.log import notice

_LOG: Final = logging.getLogger(__name__)


def run(pki: IssuingPki, host: str, port: int, *, standard: bool) -> None:
    """Serve until SIGINT or SIGTERM; raises `MisuseError`.

    A State or a terminal that is registered later can connect once the service is started again.
    """
    partners = Partners(pki.folder)
    registered = [partners.get(state) for state in partners.states()]
    terminals = [each.certificate for each in Terminals(pki.folder).all()]
    if not registered and not terminals:
        raise MisuseError(
            f"{pki.folder}: no State and no terminal is registered",
            advice="register one with `personalise eac partner add`",
        )
    name = dns_names(tls_certificate(pki.folder, SpocRole.SERVER))[0]
    endpoint = Endpoint(
        host,
        port,
        lambda: server_context(pki, registered, standard=standard, terminals=terminals),
    )
    with listen(endpoint) as socket, ThreadPoolExecutor(1, thread_name_prefix="spoc") as thread:
        application = web.SpocApplication(
            lambda: SpocDesk(pki, MessageStore(pki.folder), lambda: datetime.now(UTC)),
            lambda: DvDesk(pki, lambda: datetime.now(UTC)),
            thread,
            f"https://{name}:{port}{web.PATH}",
        )
        address = f"{host}:{port}"
        notice(_LOG, "listening", f"listening on https://{address}{web.PATH}", address=address)
        loggers = (web.__name__, desk.__name__, dv_desk.__name__)
        serve(application.asgi, endpoint, socket, loggers=loggers)
