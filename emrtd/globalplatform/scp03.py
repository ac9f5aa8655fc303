"""Mutual authentication of SCP03, both sides (Amendment D, 5.2, 6.2.2, 6.2.3 and 7.1).

If the card cryptogram does not verify, the terminal has the wrong keys, and stops before EXTERNAL
AUTHENTICATE.  Cards count each INITIALIZE UPDATE that is not followed by a correct EXTERNAL
AUTHENTICATE, and lock after some of them.  So nothing here tries a second time.
"""

import hmac
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.globalplatform.derivation import SessionKeys, card_challenge
from emrtd.globalplatform.initialize_update import InitializeUpdateAnswer
from emrtd.globalplatform.keys import KeySource, StaticKeys, cipher_of
from emrtd.globalplatform.parameters import Mode, SecurityLevel, Variant
from emrtd.globalplatform.secure_channel import SecureChannel, is_protected, mac_head
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.status_words import SW

CLA: Final = 0x80
"""The class of the commands of GlobalPlatform, without secure messaging."""

INITIALIZE_UPDATE: Final = 0x50

_FIRST_CHAINING_VALUE: Final = bytes(16)
_LAST_COUNTER: Final = 0xFFFFFF
_DO_NOT_REPEAT: Final = (
    "check which keys this card has before you try again, since a card locks after some failures"
)
_AUTHENTICATION_REFUSALS: Final = frozenset(
    {
        SW.SECURITY_STATUS_NOT_SATISFIED,
        SW.AUTHENTICATION_METHOD_BLOCKED,
        SW.SM_DATA_OBJECT_INCORRECT,
    }
)


class WrongCardKeysError(ProtocolError):
    """The card cryptogram does not verify: card and terminal have different keys.

    The terminal stopped before EXTERNAL AUTHENTICATE, but the card may have counted a failure.
    `key_version` and `diversification_data` are those of the card's answer.
    """

    def __init__(self, answer: InitializeUpdateAnswer, host_challenge: bytes) -> None:
        self.key_version = answer.key_version
        self.diversification_data = answer.diversification_data
        self._answer = answer
        self._host_challenge = host_challenge
        super().__init__(
            "SCP03: the card cryptogram is wrong: the card has other keys of version "
            f"{answer.key_version:02X}",
            advice=_DO_NOT_REPEAT,
        )

    def fits(self, keys: StaticKeys) -> bool:
        """Whether the card answered with these keys; nothing is sent to it."""
        context = self._host_challenge + self._answer.card_challenge
        cryptogram = SessionKeys.derive(keys, context).card_cryptogram
        return hmac.compare_digest(cryptogram, self._answer.card_cryptogram)


class AuthenticationInterruptedError(ChipRefusalError):
    """The card refused EXTERNAL AUTHENTICATE for another reason than the keys.

    The challenge of INITIALIZE UPDATE is lost, for example since another program selected another
    application in between.  The card has counted a failure until the next success.
    """


class HostNotAcceptedError(ChipRefusalError):
    """The card refused the host cryptogram, or is locked; the card may have counted a failure.

    `key_version` is the version of the keys, `tries_left` the number in 63CX, else None.
    """

    def __init__(self, sw: int, key_version: int) -> None:
        self.key_version = key_version
        self.tries_left = sw & 0xF if sw & 0xFFF0 == 0x63C0 else None
        doing = f"EXTERNAL AUTHENTICATE of SCP03 with the keys of version {key_version:02X}"
        super().__init__(sw, doing, advice=_DO_NOT_REPEAT)


class Authenticated(msgspec.Struct, frozen=True):
    """The session, the card's answer to INITIALIZE UPDATE, and the card's static keys.

    PUT KEY encrypts with the static Key-DEK of `keys`; no session key replaces it (6.2.1).
    """

    channel: SecureChannel
    card: InitializeUpdateAnswer
    keys: StaticKeys


def authenticate(
    keys: KeySource,
    level: SecurityLevel,
    *,
    mode: Mode = Mode.S8,
    key_version: int = 0,
    counts_empty_commands: bool = True,
    random: Random = secrets.token_bytes,
) -> Procedure[Authenticated]:
    """Run the terminal's side; the security domain is selected.

    `key_version` 0 leaves the choice of the key set to the card.  `counts_empty_commands` is that
    of `SecureChannel`.  Raises `WrongCardKeysError` or `HostNotAcceptedError` if the keys are not
    the card's, `AuthenticationInterruptedError` or another `ChipRefusalError` if the card refuses
    for another reason (6A88: it has no keys of this version), `MalformedError` if the answer is not
    one of SCP03, and `ProtocolError` if the card does not support this mode or level.
    """
    host_challenge = random(mode)
    response = yield CommandAPDU(
        CLA, INITIALIZE_UPDATE, key_version, 0x00, host_challenge, SHORT_MAX_LE
    )
    answer = InitializeUpdateAnswer.decode(response.require("INITIALIZE UPDATE of SCP03"))
    _require_agreement(answer, level, mode, key_version)
    static = keys.for_card(answer.diversification_data, answer.key_version)
    session = SessionKeys.derive(static, host_challenge + answer.card_challenge)
    if not hmac.compare_digest(session.card_cryptogram, answer.card_cryptogram):
        raise WrongCardKeysError(answer, host_challenge)
    command, chaining_value = _external_authenticate(session, level, mode)
    sw = (yield command).sw
    if sw >> 8 == 0x63 or sw in _AUTHENTICATION_REFUSALS:
        raise HostNotAcceptedError(sw, answer.key_version)
    if sw != SW.OK:
        raise AuthenticationInterruptedError(sw, "EXTERNAL AUTHENTICATE of SCP03")
    channel = SecureChannel(
        session, mode, level, chaining_value, counts_empty_commands=counts_empty_commands
    )
    return Authenticated(channel, answer, static)


def _require_agreement(
    answer: InitializeUpdateAnswer, level: SecurityLevel, mode: Mode, key_version: int
) -> None:
    variant = answer.variant
    if variant.mode is not mode:
        raise ProtocolError(f"SCP03: the card uses {variant.mode.name}, not {mode.name}")
    if key_version not in {0, answer.key_version}:
        raise ProtocolError(
            f"SCP03: the card uses keys of version {answer.key_version:02X}, not {key_version:02X}"
        )
    if not variant.supports(level):
        raise ProtocolError(
            f"SCP03: the card (i = {variant.i:02X}) does not support security level {level:02X}"
        )


def _external_authenticate(
    session: SessionKeys, level: SecurityLevel, mode: Mode
) -> tuple[CommandAPDU, bytes]:
    """Return the command, and the chaining value of the session that it opens (6.2.3)."""
    cryptogram = session.host_cryptogram
    plain = CommandAPDU(CLA, INS.EXTERNAL_AUTHENTICATE, level, 0x00, cryptogram)
    mac = _command_mac(session, plain, cryptogram, mode)
    data = cryptogram + mac[:mode]
    return CommandAPDU(CLA | 0x04, INS.EXTERNAL_AUTHENTICATE, level, 0x00, data), mac


def _command_mac(session: SessionKeys, command: CommandAPDU, data: bytes, mode: Mode) -> bytes:
    head, _ = mac_head(command, len(data), mode)
    return cipher_of(session.mac).cmac(session.mac, _FIRST_CHAINING_VALUE, head, data)


# --- the card --------------------------------------------------------------------------------


class KeySet(msgspec.Struct):
    """A card's key set of one version (01 to 7F), and its state.

    A card stores `sequence_counter` and `failures` in non-volatile memory before it answers.  An
    INITIALIZE UPDATE counts as a failure until a correct EXTERNAL AUTHENTICATE resets the counter.
    `retry_limit` failures lock the key set; without a limit it never locks.
    """

    version: int
    keys: StaticKeys
    sequence_counter: int = 0
    failures: int = 0
    retry_limit: int | None = None

    @property
    def locked(self) -> bool:
        """Whether the key set cannot be used any more."""
        return self.retry_limit is not None and self.failures >= self.retry_limit


class Scp03Card:
    """The card's side; raises `ChipRefusalError` with the status word to answer.

    Each INITIALIZE UPDATE, also one that is refused, ends the previous session (5.6): the caller
    then forgets its `SecureChannel`.

    `aid` identifies the application that answers; a pseudo-random challenge depends on it.
    `counts_empty_commands` is that of `SecureChannel`.
    """

    def __init__(
        self,
        key_sets: Sequence[KeySet],
        variant: Variant,
        *,
        aid: bytes,
        diversification_data: bytes,
        counts_empty_commands: bool = True,
        random: Random = secrets.token_bytes,
    ) -> None:
        self.key_sets = key_sets
        self.variant = variant
        self._aid = aid
        self._diversification_data = diversification_data
        self._counts_empty_commands = counts_empty_commands
        self._random = random
        self._begun: tuple[KeySet, SessionKeys] | None = None

    def initialize_update(self, command: CommandAPDU) -> bytes:
        """Answer INITIALIZE UPDATE; the challenge is valid for one EXTERNAL AUTHENTICATE."""
        doing = "INITIALIZE UPDATE"
        self._begun = None
        mode = self.variant.mode
        if len(command.data) != mode:
            raise ChipRefusalError(SW.WRONG_LENGTH, doing)
        if command.p2 != 0x00:
            raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
        key_set = next((k for k in self.key_sets if command.p1 in {0, k.version}), None)
        if key_set is None:
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
        if key_set.locked:
            raise ChipRefusalError(SW.AUTHENTICATION_METHOD_BLOCKED, doing)
        challenge, counter = self._challenge(key_set, doing)
        if key_set.retry_limit is not None:
            key_set.failures += 1
        session = SessionKeys.derive(key_set.keys, command.data + challenge)
        self._begun = key_set, session
        return InitializeUpdateAnswer(
            self._diversification_data,
            key_set.version,
            self.variant,
            challenge,
            session.card_cryptogram,
            counter,
        ).encode()

    def external_authenticate(self, command: CommandAPDU) -> SecureChannel:
        """Accept EXTERNAL AUTHENTICATE and return the session; the answer has no data and no MAC.

        After any error the challenge is spent (5.2).
        """
        doing = "EXTERNAL AUTHENTICATE"
        begun, self._begun = self._begun, None
        if begun is None:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        key_set, session = begun
        mode = self.variant.mode
        if not is_protected(command.cla):
            raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
        if len(command.data) != 2 * mode:
            raise ChipRefusalError(SW.WRONG_LENGTH, doing)
        level = self._level(command, doing)
        cryptogram, mac = command.data[:mode], command.data[mode:]
        if not hmac.compare_digest(cryptogram, session.host_cryptogram):
            raise ChipRefusalError(SW.AUTHENTICATION_FAILED, doing)
        expected = _command_mac(session, command, cryptogram, mode)
        if not hmac.compare_digest(mac, expected[:mode]):
            raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
        key_set.failures = 0
        return SecureChannel(
            session, mode, level, expected, counts_empty_commands=self._counts_empty_commands
        )

    def _challenge(self, key_set: KeySet, doing: str) -> tuple[bytes, int | None]:
        """Return the card challenge, and the sequence counter if it comes from one (6.2.2.1)."""
        mode = self.variant.mode
        if not self.variant.pseudo_random:
            return self._random(mode), None
        if key_set.sequence_counter >= _LAST_COUNTER:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        key_set.sequence_counter += 1
        counter = key_set.sequence_counter
        return card_challenge(key_set.keys.enc, counter, self._aid, mode), counter

    def _level(self, command: CommandAPDU, doing: str) -> SecurityLevel:
        known = {int(level): level for level in SecurityLevel}
        level = known.get(command.p1)
        if level is None or command.p2 != 0x00 or not self.variant.supports(level):
            raise ChipRefusalError(SW.INCORRECT_P1_P2, doing)
        return level
