"""A command's work with a SPOC: the PKI is locked in parts, and not while a State is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from emrtd.pki.x509.spoc import SpocRole
from personalise.pki.operations import PkiOperations
from personalise.spoc.certificates import tls_certificate
from personalise.spoc.client import call
from personalise.spoc.messages import Message, Response
from personalise.spoc.partners import Partners
from personalise.spoc.store import MessageStore
from support.files import locked_folder


class SpocWork:
    """The operations of a PKI, its messages, and the way to other States.

    Raises `MisuseError` if the PKI has no SPOC, or if one of `states` is not registered.
    """

    def __init__(self, operations: PkiOperations, *states: str) -> None:
        tls_certificate(operations.pki.folder, SpocRole.CLIENT)
        for each in states:
            Partners(operations.pki.folder).get(each)
        self._operations = operations
        self.pki = operations.pki
        self.at = operations.at
        self.store = MessageStore(self.pki.folder)

    @contextmanager
    def locked(self) -> Iterator[PkiOperations]:
        """Lock the folder for the block, and read its settings anew."""
        with locked_folder(self.pki.folder):
            yield replace(self._operations, pki=self.pki.reread())

    def call(self, state: str, message: Message) -> Response:
        """Send a message to a registered State; raises what `client.call` raises."""
        partner = Partners(self.pki.folder).get(state)
        return call(self.pki, partner, message, self.at)
