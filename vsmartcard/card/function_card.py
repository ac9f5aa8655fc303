"""A card that is a function from command to response, inside secure messaging if need be."""

from collections.abc import Callable, Iterable

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging

Handler = Callable[[CommandAPDU], ResponseAPDU | bytes]
"""Carries a plain command out: its response, or response data for 9000.

`ChipRefusalError` is answered with its status word.
"""

_ATR = bytes.fromhex("3B80800101")


class FunctionCard:
    """Unprotects a command, has it handled, and protects the response.

    `session` is None while commands are plain.  `renew` begins another session after the response
    to the present command.  `commands` are the plain commands that were handled.
    """

    def __init__(
        self, handle: Handler, session: SecureMessaging | None = None, *, atr: bytes = _ATR
    ) -> None:
        self.handle = handle
        self.session = session
        self.commands: list[CommandAPDU] = []
        self.atr = atr
        self._renewed: SecureMessaging | None = None

    def renew(self, session: SecureMessaging) -> None:
        """Begin a session after the response to the present command."""
        self._renewed = session

    def reset(self) -> None:
        """Forget the session."""
        self.session = self._renewed = None

    def process(self, octets: bytes) -> bytes:
        """Answer a command; `SecureMessagingError` where the session does not accept it."""
        command = CommandAPDU.decode(octets)
        session = self.session
        if session is not None:
            command = session.unprotect_command(command)
        self.commands.append(command)
        try:
            handled = self.handle(command)
        except ChipRefusalError as refusal:
            handled = ResponseAPDU(sw=refusal.sw)
        response = ResponseAPDU(handled) if isinstance(handled, bytes) else handled
        if session is not None:
            response = session.protect_response(response)
        if self._renewed is not None:
            self.session, self._renewed = self._renewed, None
        return response.encode()


def in_turn(responses: Iterable[ResponseAPDU | bytes]) -> Handler:
    """A handler that gives these responses one after the other, whatever the commands."""
    rest = iter(responses)
    return lambda _command: next(rest)
