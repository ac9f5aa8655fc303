"""The SPOC's part of `pki status`: its certificates, its list, and what an officer has to do."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.status.due import FOREIGN_REQUEST, Due, in_order
from personalise.pki.status.values import HeldCertificate, Overview, Use
from personalise.spoc.certificates import (
    CA_NAME,
    FOLDER,
    STEMS,
    ca_certificate,
    current_crl,
    tls_certificate,
)
from personalise.spoc.partners import Partners
from personalise.spoc.states import Received, Sent
from personalise.spoc.store import FILE_NAME, MessageStore, ReceivedMessage, SentMessage

_CA, _CA_KIND = f"{FOLDER}/ca", "SPOC CA certificate"
_TLS_AHEAD: Final = timedelta(days=60)
_CRL_AHEAD: Final = timedelta(days=14)
_REQUEST: Final = f"personalise {FOREIGN_REQUEST}"
_ANSWER: Final = timedelta(days=3)
"""How long another State waits for an officer's decision before it counts as overdue."""

_CLAUSE, _CRL_CLAUSE, _MESSAGES = "Doc 9303-12, 7.2.1", "Doc 9303-12, 8.3.2", "Doc 9303-12, 8.2.1"


def with_spoc(folder: Path, overview: Overview, to_do: list[Due]) -> tuple[Overview, list[Due]]:
    """Add a PKI's SPOC, if it has one, to its status."""
    if not (folder / FOLDER / CA_NAME).is_file():
        return overview, to_do
    at = overview.at
    held = [
        _held(_CA, _CA_KIND, ca_certificate(folder), at),
        *(
            _held(f"{FOLDER}/{STEMS[role]}", f"{role.common_name} certificate", found, at)
            for role in SpocRole
            for found in (tls_certificate(folder, role),)
        ),
    ]
    due = [*_certificates(held, at), *_lists(folder, at), *_messages(folder, at)]
    registered = {_REQUEST.format(state): state for state in Partners(folder).states()}
    others = [
        replace(each, command=f"personalise eac send {registered[each.command]}")
        if each.command in registered
        else each
        for each in to_do
    ]
    certificates = (*overview.certificates, *held)
    return replace(overview, certificates=certificates), in_order([*others, *due])


def _held(name: str, kind: str, certificate: Certificate, at: datetime) -> HeldCertificate:
    use = Use.EXPIRED if certificate.not_after < at else Use.IN_USE
    return HeldCertificate.of(certificate, name, kind, use, current=True)


def _certificates(held: list[HeldCertificate], at: datetime) -> Iterator[Due]:
    for each in held:
        is_ca = each.name == _CA
        by = each.signs_until if is_ca else each.valid_until
        if at >= by - _TLS_AHEAD:
            command = "personalise eac spoc " + ("init --anew" if is_ca else "renew")
            what = f"{each.name} {'signs no more certificates' if is_ca else 'ends'}"
            yield Due(what, by, command, _CLAUSE, overdue=at > by)


def _lists(folder: Path, at: datetime) -> Iterator[Due]:
    """Yield the next list of ours, and those of other States, without which they are refused."""
    by = current_crl(folder).next_update
    if by is not None and at >= by - _CRL_AHEAD:
        command = "personalise eac spoc crl"
        yield Due("issue the SPOC's next revocation list", by, command, _CRL_CLAUSE, at > by)
    partners = Partners(folder)
    for state in partners.states():
        ends = [each.next_update for each in partners.get(state).crls]
        by = ends[0] if ends else at
        if by is not None and (not ends or at >= by - _CRL_AHEAD):
            what = f"get the newest revocation list of the SPOC of {state}"
            command = f"personalise eac partner add {state} --crl FILE"
            yield Due(what, by, command, _CRL_CLAUSE, not ends or at > by)


def _messages(folder: Path, at: datetime) -> Iterator[Due]:
    if not (folder / FILE_NAME).is_file():
        return
    with closing(MessageStore(folder)) as store:
        waiting = store.received(Received.WAITING)
        undelivered: list[ReceivedMessage | SentMessage] = [
            *store.received(Received.DECIDED),
            *store.sent(Sent.REJECTED),
        ]
    for received in waiting:
        by = received.at + _ANSWER
        command = f"personalise eac decide {received.state} {received.message_id}"
        what = f"decide about the request of {received.state} ({received.note})"
        yield Due(what, by, command, _MESSAGES, at > by)
    for each in undelivered:
        what = f"send {each.state} the answer to {each.message_id}"
        yield Due(what, each.at + _ANSWER, "personalise eac deliver", "", at > each.at + _ANSWER)
