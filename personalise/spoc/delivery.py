"""What our SPOC sends by itself: decided answers, objections to wrong ones, and news (8.2.2)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from personalise.spoc.messages import Message, Response, Result, SendCertificates, status_of
from personalise.spoc.states import Received, Sent
from personalise.spoc.store import MessageStore, ReceivedMessage, SentMessage
from support.errors import ChipsealError
from support.values import Value

Call = Callable[[str, Message], Response]
"""Sends a message to a State and returns the response; raises `ChipsealError`."""


class Delivery(Value, frozen=True):
    """One message that was to be sent; `problem` says why it is still here, or is empty."""

    state: str
    message_id: str
    status: Result
    problem: str = ""


def deliver(store: MessageStore, ours: str, call: Call, at: datetime) -> Iterator[Delivery]:
    """Send what has been decided; each message that is not received stays for the next time."""
    for received in store.received(Received.DECIDED):
        yield _answer(store, ours, call, received, at)
    for sent in store.sent(Sent.REJECTED):
        yield _object(store, ours, call, sent, at)


def notify(
    ours: str, call: Call, states: Sequence[str], certificates: tuple[bytes, ...]
) -> Iterator[Delivery]:
    """Tell States about new certificates of our CVCA."""
    for state in states:
        message = SendCertificates(ours, None, Result.NOTIFICATION, certificates)
        yield Delivery(state, "", message.status, _send(call, state, message, {Result.RECEIVED}))


def _answer(
    store: MessageStore, ours: str, call: Call, received: ReceivedMessage, at: datetime
) -> Delivery:
    status = status_of(received.result or Result.INTERNAL)
    message = SendCertificates(ours, received.message_id, status, received.certificates)
    problem = _send(call, received.state, message, {Result.RECEIVED, Result.MESSAGE_UNKNOWN})
    if not problem:
        store.change_received(received, Received.DELIVERED, at)
    return Delivery(received.state, received.message_id, status, problem)


def _object(
    store: MessageStore, ours: str, call: Call, sent: SentMessage, at: datetime
) -> Delivery:
    message = SendCertificates(ours, sent.message_id, Result.CERTIFICATE)
    problem = _send(call, sent.state, message, {Result.RECEIVED, Result.MESSAGE_UNKNOWN})
    if not problem:
        store.change_sent(sent, Sent.OBJECTED, at)
    return Delivery(sent.state, sent.message_id, Result.CERTIFICATE, problem)


def _send(call: Call, state: str, message: SendCertificates, ends: set[Result]) -> str:
    """Send a message; return why it was not received, or nothing."""
    try:
        response = call(state, message)
    except ChipsealError as error:
        return str(error)
    return "" if response.result in ends else f"{state} answers {response.result}"
