"""Where the cards of a run come from: blank ones that the suite writes, or one described card."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final, Protocol, Self

from conformance.chip.cvca_folder import CvcaFolder
from conformance.chip.discovery import discover
from conformance.chip.own_state import MRZ, TODAY, document
from conformance.chip.situation import Card
from conformance.chip.suite import Run, driver
from conformance.chip.terminal_pki import Holder, KeyKind, TerminalPki
from emrtd.access.passwords import Password
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import Random, run
from emrtd.transport.connection import Connection
from emrtd.transport.readers import connect
from personalise.preparing.station_order import StationOrder
from personalise.station.cards.interface import Blank, CardState
from personalise.station.cards.iso7816_9 import iso7816_card
from personalise.station.one_card import write_image
from personalise.station.outcomes import WriteError
from support.errors import MisuseError

_CARD_PROFILE: Final = "iso7816-9"
_PASSWORD: Final = Password.from_mrz_information(MRZ.information)


class Blanks(Protocol):
    """Cards whose state can be kept and brought back, so that each run of a case has a new one."""

    def blank(self) -> Connection:
        """Connect to a blank card."""
        ...

    def keep(self) -> bytes:
        """Return the state of the card that was connected to last, and is closed now."""
        ...

    def restored(self, state: bytes) -> Connection:
        """Connect to a card of this state."""
        ...


class PersonalisedCards:
    """Cards that the suite writes as documents of its own State, one for each run of a case.

    A card of each kind is written once; its state is brought back for each run.
    """

    changes = True

    def __init__(self, blanks: Blanks, random: Random) -> None:
        self._blanks = blanks
        self._random = random
        self._written: dict[KeyKind, tuple[bytes, Holder, Card]] = {}

    def kinds(self, wanted: Sequence[KeyKind]) -> Sequence[KeyKind]:
        """Return every kind that is wanted, ECDSA if any is."""
        return wanted or (KeyKind.ECDSA,)

    @contextmanager
    def card(self, kind: KeyKind) -> Iterator[Run]:
        """Return a card as it was after it was written."""
        if kind not in self._written:
            self._written[kind] = self._write(kind)
        state, cvca, card = self._written[kind]
        with self._blanks.restored(state) as connection:
            yield Run(card, TerminalPki(cvca, TODAY), driver(connection.transmit, connection.reset))

    def _write(self, kind: KeyKind) -> tuple[bytes, Holder, Card]:
        made = document(kind, self._random)
        with self._blanks.blank() as connection:
            _require_blank(connection)
            try:
                write_image(made.files, StationOrder(_CARD_PROFILE, made.keys), connection)
            except WriteError as error:
                raise MisuseError(
                    f"{connection.reader}: cannot be personalised: {error.message}",
                    advice="use a blank card of the kind iso7816-9, or describe the card",
                ) from error
        state = self._blanks.keep()
        with self._blanks.restored(state) as connection:
            card = _discovered(connection, _PASSWORD, None)
        return state, made.cvca, card


def _require_blank(connection: Connection) -> None:
    """Raise `MisuseError` if a card has been written: it belongs to someone."""
    procedure = iso7816_card(Blank(connection.atr)).begin()
    state = run(with_response_chaining(procedure), connection.transmit)
    if state is not CardState.EMPTY:
        raise MisuseError(
            f"{connection.reader}: the card is not blank",
            advice="name a new file, or describe the card with --mrz or --can",
        )
    connection.reset()


class VirtualBlanks:
    """The state file of a virtual card; afterwards it is as it was before."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise MisuseError(f"virtual:{path}: is a folder", advice="write virtual:FILE")
        self._path = path
        self._before = path.read_bytes() if path.exists() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._restore(self._before)

    def blank(self) -> Connection:
        """Connect to the card as it was in the beginning."""
        self._restore(self._before)
        return self._connect()

    def keep(self) -> bytes:
        """Return the file."""
        return self._path.read_bytes()

    def restored(self, state: bytes) -> Connection:
        """Write the file and connect to it."""
        self._restore(state)
        return self._connect()

    def _restore(self, state: bytes | None) -> None:
        if state is None:
            self._path.unlink(missing_ok=True)
        else:
            self._path.write_bytes(state)

    def _connect(self) -> Connection:
        return connect(f"virtual:{self._path}", blank=True)


class DescribedCard:
    """The card in a reader, which belongs to someone: it is only read, unless `changes`.

    `today` is the date that the card has, by default that on which the CVCA of the folder became
    effective.
    """

    def __init__(
        self,
        connection: Connection,
        mrz: Password | None,
        can: Password | None,
        folder: CvcaFolder | None,
        *,
        changes: bool,
        today: date | None = None,
    ) -> None:
        self.changes = changes
        self._perform = driver(connection.transmit, connection.reset)
        card = _discovered(connection, mrz, can)
        root, chain = (None, None) if folder is None else folder.holders(card.trust_points)
        if root is None and chain is None:  # Terminal Authentication is not possible
            reason = _NO_FOLDER if folder is None else _OTHER_TRUST_POINT
            card = replace(card, no_terminal_authentication=reason)
        if today is None:
            today = date.min if root is None else root.certificate.effective
        self._card, self._pki = card, TerminalPki(root, today, chain)

    def kinds(self, wanted: Sequence[KeyKind]) -> Sequence[KeyKind]:
        """Return the kind of the card's trust point, if it is wanted; the first if unknown."""
        root = self._pki.root
        if root is None:
            return wanted[:1] or (KeyKind.ECDSA,)
        return (root.kind,) if root.kind in wanted or not wanted else ()

    @contextmanager
    def card(self, kind: KeyKind) -> Iterator[Run]:  # noqa: ARG002 - there is one card
        """Return the card."""
        yield Run(self._card, self._pki, self._perform)


_NO_FOLDER: Final = "no certificates for Terminal Authentication are given: name them with --cvca"
_OTHER_TRUST_POINT: Final = "the folder of --cvca has no chain from a trust point of the card"


def _discovered(connection: Connection, mrz: Password | None, can: Password | None) -> Card:
    procedure = with_response_chaining(discover(mrz, can))
    return run(procedure, connection.transmit, connection.reset)
