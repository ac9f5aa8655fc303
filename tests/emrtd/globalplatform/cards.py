"""A card for the tests of SCP03: authentication, and one function for every other command."""

from collections.abc import Callable

from emrtd.errors import ChipRefusalError
from emrtd.globalplatform.keys import StaticKeys
from emrtd.globalplatform.parameters import Mode, SecurityLevel, Variant
from emrtd.globalplatform.scp03 import (
    INITIALIZE_UPDATE,
    Authenticated,
    KeySet,
    Scp03Card,
    authenticate,
)
from emrtd.globalplatform.secure_channel import SecureChannel, SecureChannelError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from support.secret import Secret

VARIANT = Variant()
KEY_SIZES = (16, 24, 32)
AID = bytes.fromhex("A000000151000000")
DIVERSIFICATION_DATA = bytes(range(0x50, 0x5A))


def static_keys(size: int = 16, start: int = 0) -> StaticKeys:
    """Return three different keys of `size` octets."""
    starts = (start, start + 0x10, start + 0x20)
    return StaticKeys(*(Secret(bytes((first + i) % 256 for i in range(size))) for first in starts))


def key_octets(keys: StaticKeys) -> tuple[bytes, bytes, bytes]:
    enc, mac, dek = (key.reveal() for key in keys.in_order)
    return enc, mac, dek


def scp03_card(
    keys: StaticKeys, variant: Variant = VARIANT, *, retry_limit: int | None = None
) -> Scp03Card:
    key_sets = [KeySet(0x30, keys, retry_limit=retry_limit)]
    return Scp03Card(key_sets, variant, aid=AID, diversification_data=DIVERSIFICATION_DATA)


class Card:
    """Authenticates, then unprotects each command, calls `handle`, and protects its response."""

    def __init__(
        self,
        scp03: Scp03Card,
        handle: Callable[[CommandAPDU], ResponseAPDU] = lambda _: ResponseAPDU(),
    ) -> None:
        self.scp03 = scp03
        self.handle = handle
        self.channel: SecureChannel | None = None
        self.received: list[bytes] = []
        self.sent: list[bytes] = []

    def process(self, octets: bytes) -> bytes:
        self.received.append(octets)
        try:
            response = self._answer(CommandAPDU.decode(octets))
        except (ChipRefusalError, SecureChannelError) as error:
            response = ResponseAPDU(sw=error.sw)
        self.sent.append(response.encode())
        return self.sent[-1]

    def _answer(self, command: CommandAPDU) -> ResponseAPDU:
        if command.ins == INITIALIZE_UPDATE:
            return ResponseAPDU(self.scp03.initialize_update(command))
        if command.ins == INS.EXTERNAL_AUTHENTICATE:
            self.channel = self.scp03.external_authenticate(command)
            return ResponseAPDU()
        assert self.channel is not None
        return self.channel.protect_response(self.handle(self.channel.unprotect_command(command)))


def opened(
    keys: StaticKeys,
    level: SecurityLevel,
    mode: Mode = Mode.S8,
    handle: Callable[[CommandAPDU], ResponseAPDU] = lambda _: ResponseAPDU(),
) -> tuple[Authenticated, Card]:
    """Return both ends of a new session."""
    card = Card(scp03_card(keys, Variant(mode)), handle)
    return run(authenticate(keys, level, mode=mode), card.process), card
