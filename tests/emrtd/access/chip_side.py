"""A chip for pair tests: secure messaging around handlers of plain commands."""

from collections.abc import Callable

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging

Handler = Callable[[CommandAPDU], bytes]


class SecuredChip:
    """Unprotects a command, has it handled, protects the answer; `renew` begins another session."""

    def __init__(self, session: SecureMessaging, handle: Handler) -> None:
        self.session = session
        self.handle = handle
        self.renewed: SecureMessaging | None = None
        self.commands: list[CommandAPDU] = []

    def renew(self, session: SecureMessaging) -> None:
        """After the answer to the present command."""
        self.renewed = session

    def process(self, octets: bytes) -> bytes:
        command = self.session.unprotect_command(CommandAPDU.decode(octets))
        self.commands.append(command)
        try:
            response = ResponseAPDU(self.handle(command))
        except ChipRefusalError as refusal:
            response = ResponseAPDU(b"", refusal.sw)
        protected = self.session.protect_response(response)
        if self.renewed is not None:
            self.session, self.renewed = self.renewed, None
        return protected.encode()
