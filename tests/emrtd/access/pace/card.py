"""A card that supports only PACE, for pair tests."""

from collections.abc import Callable, Mapping, Sequence

from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.protocol import PaceChip
from emrtd.access.pace.variants import PaceVariant
from emrtd.access.password_state import PasswordState
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.protocols import KeyAgreement
from emrtd.crypto.protocols import Mapping as NonceMapping
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.security.security_infos import PaceInfo
from support.secret import Secret
from vsmartcard.card.function_card import FunctionCard

CAN = Password.can("123456")
PIN = Password.pin("123456")
PUK = Password.puk("9876543210")
MRZ = Password.from_mrz_information("L898902C<369080619406236")


def variant(
    number: int = 13,
    mapping: NonceMapping = NonceMapping.GENERIC,
    cipher: Cipher = Cipher.AES128,
    *,
    ambiguous: bool = False,
) -> PaceVariant:
    agreement = KeyAgreement.DH if number < 3 else KeyAgreement.ECDH
    info = PaceInfo.of(agreement, mapping, cipher, number)
    return PaceVariant(info, STANDARDISED[number], ambiguous)


def sequence(order: int, *octets: str) -> Callable[[int], bytes]:
    """Return a source of randomness with these values in turn; keys are reduced by the order.

    The worked examples print exponents above the order of the group, which make the same keys.
    """
    values = list(octets)

    def random(size: int) -> bytes:
        value = bytes.fromhex(values.pop(0))
        if len(value) != size or size == (order.bit_length() + 7) // 8:
            value = (int.from_bytes(value, "big") % order).to_bytes(size, "big")
        return value

    return random


class Card(FunctionCard):
    """A card that passes its commands to a `PaceChip`."""

    def __init__(self, chip: PaceChip) -> None:
        super().__init__(self.answer)
        self.chip = chip

    @classmethod
    def of(
        cls,
        *variants: PaceVariant,
        passwords: Sequence[Password | PasswordState] = (CAN,),
        mapping_keys: Mapping[int | None, Secret] | None = None,
        cars: tuple[bytes, ...] = (),
        random: Callable[[int], bytes] | None = None,
    ) -> "Card":
        states: dict[PasswordType, PasswordState] = {}
        for each in passwords:
            state = each if isinstance(each, PasswordState) else PasswordState(each)
            states[state.password.type] = state
        extra = {} if random is None else {"random": random}
        return cls(PaceChip(variants, states, mapping_keys=mapping_keys, cars=cars, **extra))

    @property
    def result(self) -> PaceResult:
        assert self.chip.result is not None
        return self.chip.result

    def answer(self, command: CommandAPDU) -> ResponseAPDU:
        if command.ins == INS.MANAGE_SECURITY_ENVIRONMENT:
            assert (command.p1, command.p2, command.ne) == (0xC1, 0xA4, None)
            return ResponseAPDU(sw=self.chip.select(command.data))
        assert command.ins == INS.GENERAL_AUTHENTICATE
        data = self.chip.general_authenticate(command.data)
        assert (self.chip.result is None) is bool(command.cla & 0x10)
        return ResponseAPDU(data)

    def shares(self, terminal: SecureMessaging) -> bool:
        """Whether both sides have the same session."""
        command = CommandAPDU(0x00, 0xA4, 0x02, 0x0C, b"\x01\x1e")
        protected = terminal.protect_command(command)
        return self.result.secure_messaging.unprotect_command(protected) == command
