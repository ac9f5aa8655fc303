"""PC/SC readers, through pyscard: the only module that imports it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

from smartcard.Exceptions import NoCardException, SmartcardException
from smartcard.pcsc.PCSCExceptions import BaseSCardException
from smartcard.System import readers as system_readers

from emrtd.errors import TransportError

_NO_DAEMON: Final = (
    "PC/SC does not answer: start pcscd, or `vsmartcard readers up` for virtual readers"
)


class PcscConnection:
    """A connection to the card in one PC/SC reader; satisfies `Connection`."""

    def __init__(self, reader: str, connection: Any) -> None:
        self.reader = reader
        self._connection = connection
        self.atr = bytes(connection.getATR())

    def transmit(self, command: bytes) -> bytes:
        """Send a command; raises `TransportError` when the card has left."""
        try:
            data, sw1, sw2 = self._connection.transmit(list(command))
        except (SmartcardException, BaseSCardException) as error:
            raise TransportError(
                f"{self.reader}: the card left or stopped answering; put it back and try again"
            ) from error
        return bytes(data) + bytes((sw1, sw2))

    def reset(self) -> None:
        """Reset the card, and connect to it again; raises `TransportError` when it has left."""
        try:
            self._connection.reconnect()
        except (SmartcardException, BaseSCardException) as error:
            raise TransportError(
                f"{self.reader}: the card does not come back after a reset; put it back"
            ) from error

    def close(self) -> None:
        """Disconnect; the card is reset."""
        _let_go(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def readers() -> list[str]:
    """Names of the PC/SC readers; raises `TransportError` when no daemon answers."""
    return [str(reader) for reader in _system_readers()]


def occupancy() -> dict[str, bool]:
    """Names of the PC/SC readers, each with whether a card is in it; `TransportError` as above.

    Asks a context of its own, so that a daemon that was started anew is no trouble.
    """
    from smartcard import scard

    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        raise TransportError(_NO_DAEMON)
    try:
        result, names = scard.SCardListReaders(context, [])
        asked = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
        result, states = scard.SCardGetStatusChange(context, 0, asked)
    finally:
        scard.SCardReleaseContext(context)
    return {name: bool(state & scard.SCARD_STATE_PRESENT) for name, state, _atr in states}


@contextmanager
def staying_client() -> Iterator[None]:
    """Stay a client of the daemon: one that is to exit when idle (pcscd -x) does not meanwhile."""
    from smartcard import scard

    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    try:
        yield
    finally:
        if result == scard.SCARD_S_SUCCESS:
            scard.SCardReleaseContext(context)


def connect(name: str) -> PcscConnection:
    """Connect to the card in the reader whose name is, or alone contains, `name`."""
    found = _system_readers()
    matching = [reader for reader in found if str(reader) == name] or [
        reader for reader in found if name in str(reader)
    ]
    if len(matching) != 1:
        names = "; ".join(str(reader) for reader in matching or found) or "none at all"
        problem = "more than one reader has a name with" if matching else "there is no reader"
        raise TransportError(f"{problem} {name!r}: name one of: {names}")
    connection = matching[0].createConnection()
    try:
        connection.connect()
    except NoCardException as error:
        _let_go(connection)
        raise TransportError(f"{matching[0]}: there is no card in the reader; insert it") from error
    except (SmartcardException, BaseSCardException) as error:
        _let_go(connection)
        raise TransportError(
            f"{matching[0]}: the card does not answer ({error}); insert it again"
        ) from error
    return PcscConnection(str(matching[0]), connection)


def _let_go(connection: Any) -> None:
    """Disconnect, and release the context; a card or daemon that has left needs no farewell."""
    for farewell in (connection.disconnect, connection.release):
        with suppress(SmartcardException, BaseSCardException):
            farewell()


def _system_readers() -> list[Any]:
    try:
        return list(system_readers())
    except (SmartcardException, BaseSCardException) as error:
        raise TransportError(_NO_DAEMON) from error
