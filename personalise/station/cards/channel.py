"""The station's session with a card: mutual authentication by SCP03, and what is done on failure.

A card is never tried a second time after its keys were found wrong: see `FailedCards`.
"""

from collections.abc import Callable
from typing import Final

from emrtd.errors import ChipRefusalError
from emrtd.globalplatform import key_information, put_key
from emrtd.globalplatform.keys import TEST_KEYS, version_name
from emrtd.globalplatform.scp03 import (
    Authenticated,
    AuthenticationInterruptedError,
    HostNotAcceptedError,
    WrongCardKeysError,
    authenticate,
)
from emrtd.iso7816.apdu import SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, T, through
from emrtd.status_words import SW
from personalise.station.cards.interface import CardIdentity
from personalise.station.key_sources.interface import KeySource
from personalise.station.outcomes import (
    CLOSE_OTHERS,
    CardFault,
    RejectCardError,
    StopReaderError,
    TryAgainError,
)
from support.errors import ChipsealError, MalformedError

_OTHER_BATCH: Final = "use the keys of the batch that the card is of, or take another card"
_UNKNOWN_COMMAND: Final = frozenset({SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED})

Identify = Callable[[], Procedure[CardIdentity]]
"""Reads the identity of the card, without authentication."""


class StationChannel:
    """The secure channel of one card.

    `session` is None while commands are sent in plain.
    """

    def __init__(self, keys: KeySource, identify: Identify) -> None:
        self.session: Authenticated | None = None
        self._keys = keys
        self._identify = identify
        self._accepted = False
        self._least_ne: int | None = None

    def run(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure, and protect each command that it sends while a session is open."""
        return through(procedure, self._layer)

    def open(self) -> Procedure[None]:
        """Authenticate; raises `WriteError`, after at most one attempt that the card counts."""
        self.drop()
        yield from self._require_not_failed()
        try:
            self.session = session = yield from self._authenticate()
            has_r_mac = session.channel.level.authenticates_responses
            self._least_ne = SHORT_MAX_LE if has_r_mac else None
        except WrongCardKeysError as error:
            yield from self._note_failure()
            raise self._wrong_keys(error) from error
        except HostNotAcceptedError as error:
            yield from self._note_failure()
            if error.sw == SW.AUTHENTICATION_METHOD_BLOCKED:
                raise _blocked() from error
            raise RejectCardError(
                CardFault.WRONG_KEYS, error.message, advice=error.advice
            ) from error
        except StopReaderError:  # the source has no keys of the version that the card chose
            yield from self._note_failure()
            raise

    def drop(self) -> None:
        """Send further commands in plain; the card ends its session when it is told to."""
        self.session = None
        self._accepted = False

    def command_capacity(self, max_data: int) -> int:
        """Return how much data a command carries whose data field has `max_data` octets."""
        return max_data if self.session is None else self.session.channel.command_capacity(max_data)

    def response_capacity(self, max_data: int) -> int:
        """Return how much data a response carries whose data field has `max_data` octets."""
        if self.session is None:
            return max_data
        return self.session.channel.response_capacity(max_data)

    def replace_keys(self) -> Procedure[None]:
        """Replace the transport keys by PUT KEY, if the source says so and it is not done yet."""
        new, session = self._keys.replacement, self.session
        if new is None or session is None or session.card.key_version == new.version:
            return
        keys = new.keys.for_card(session.card.diversification_data, new.version)
        yield from put_key.put_keys(
            keys, new.version, dek=session.keys.dek, replaces=session.card.key_version
        )

    def _layer(self, command: CommandAPDU) -> Procedure[ResponseAPDU]:
        session = self.session
        if session is None:
            return (yield command)
        channel = session.channel
        response = channel.unprotect_response(
            (yield channel.protect_command(command, self._least_ne))
        )
        lost = response.sw == SW.SECURITY_STATUS_NOT_SATISFIED and command.ins != put_key.PUT_KEY
        if lost or (self._accepted and response.sw in _UNKNOWN_COMMAND):
            raise TryAgainError(
                "the card has ended its session with the station: another program uses the card",
                advice=CLOSE_OTHERS,
            )
        self._accepted = self._accepted or response.sw == SW.OK
        return response

    def _authenticate(self) -> Procedure[Authenticated]:
        settings = self._keys.settings
        for version in self._keys.key_versions:
            try:
                return (
                    yield from authenticate(
                        self._keys,
                        settings.level,
                        mode=settings.mode,
                        key_version=version,
                        counts_empty_commands=settings.counts_empty_commands,
                    )
                )
            except HostNotAcceptedError:
                raise
            except AuthenticationInterruptedError as error:
                raise TryAgainError(
                    f"{error.message}: another program uses the card", advice=CLOSE_OTHERS
                ) from error
            except ChipRefusalError as error:
                if error.sw == SW.REFERENCED_DATA_NOT_FOUND:
                    continue  # the card has no keys of this version, and has counted no failure
                raise self._refused(error) from error
        raise (yield from self._no_such_version())

    def _refused(self, error: ChipRefusalError) -> ChipsealError:
        """Return the error for a card that refuses to begin."""
        if error.sw == SW.AUTHENTICATION_METHOD_BLOCKED:
            return _blocked()
        if error.sw in _UNKNOWN_COMMAND:
            return NoAuthenticationError()
        if error.sw == SW.WRONG_LENGTH:
            mode = self._keys.settings.mode
            return RejectCardError(
                CardFault.WRONG_KIND,
                f"the card refuses a challenge of {mode:d} octets: it does not use {mode.name}",
                advice=f"set the mode of {self._keys.name}, or use another card",
            )
        return error

    def _require_not_failed(self) -> Procedure[None]:
        failed = self._keys.failed_cards
        if not failed.exist():
            return
        card = _octets_of((yield from self._identify()))
        note = None if card is None else failed.note_of(card)
        if note is not None:
            raise RejectCardError(
                CardFault.WRONG_KEYS,
                "authentication with this card failed before; it is not tried again, since a card"
                " locks after some failures",
                advice=f"once the station has the right keys, remove {note}",
            )

    def _note_failure(self) -> Procedure[None]:
        try:
            card = _octets_of((yield from self._identify()))
        except ChipsealError:
            return  # the card has left, or does not say: it cannot be recognised again
        if card is not None:
            self._keys.failed_cards.note(card)

    def _wrong_keys(self, error: WrongCardKeysError) -> RejectCardError:
        version = f"version {version_name(error.key_version)}"
        if self._keys.is_test:
            return RejectCardError(
                CardFault.NOT_A_TEST_CARD,
                f"the card's keys of {version} are not the published test key: it is not a sample",
                advice="name the keys of its batch with --card-keys",
            )
        if error.fits(TEST_KEYS):
            return RejectCardError(
                CardFault.TEST_CARD,
                f"the card's keys of {version} are the published test key: it is a sample, not a"
                f" card of {self._keys.name}",
                advice="use a production card",
            )
        return RejectCardError(
            CardFault.WRONG_KEYS,
            f"the card has other keys of {version} than {self._keys.name}: it is of another batch",
            advice=_OTHER_BATCH,
        )

    def _no_such_version(self) -> Procedure[RejectCardError]:
        """Return the error for a card without keys of these versions, with those that it has."""
        wanted = " or ".join(map(version_name, self._keys.key_versions))
        try:
            found = yield from key_information.key_information()
        except (ChipRefusalError, MalformedError):
            found = ()
        has = ", ".join(map(version_name, sorted({each.version for each in found})))
        return RejectCardError(
            CardFault.WRONG_KEYS,
            f"the card has no keys of version {wanted}"
            + (f", only of version {has}" if has else "")
            + f": it is not of {self._keys.name}",
            advice=_OTHER_BATCH,
        )


class NoAuthenticationError(RejectCardError):
    """The card does not know INITIALIZE UPDATE: anyone can personalise it."""

    def __init__(self) -> None:
        super().__init__(
            CardFault.WRONG_KIND,
            "the card does not authenticate itself with transport keys: it is of another kind, or"
            " takes commands from anyone",
            advice="use a card that does; `--card-keys none` allows one that takes commands from"
            " anyone",
        )


def _blocked() -> RejectCardError:
    return RejectCardError(
        CardFault.KEYS_BLOCKED, "the card is locked by failed authentications with wrong keys"
    )


def _octets_of(identity: CardIdentity) -> bytes | None:
    return identity.serial_number or identity.cplc
