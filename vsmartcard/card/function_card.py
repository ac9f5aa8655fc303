"""A card made from a function of command to response, with or without secure messaging."""

from collections.abc import Callable, Iterable

from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging

Handler = Callable[[CommandAPDU], ResponseAPDU | bytes]
"""Carries out a plain command; returns the response, or its data when the status word is 9000.

It may raise `ChipRefusalError`, whose status word is then the answer.
"""

_ATR = bytes.fromhex("3B80800101")


class FunctionCard:
    """Verifies and decrypts a command, calls the handler with it, and protects the response.

    `session` is None while commands are plain.  `commands` are the plain commands that were
    handled, in order.
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
        """Use another session from the command after the present one."""
        self._renewed = session

    def reset(self) -> None:
        """Forget the session."""
        self.session = self._renewed = None

    def process(self, octets: bytes) -> bytes:
        """Answer a command; `SecureMessagingError` if the session does not accept it."""
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
    """Return a handler that returns these responses in order and ignores the commands."""
    rest = iter(responses)
    return lambda _command: next(rest)
