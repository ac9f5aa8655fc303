"""The whole General Authentication Procedure of EAC version 2, after PACE."""

from collections.abc import Callable
from datetime import date

import pytest

from emrtd.access import chip_authentication, terminal_authentication
from emrtd.access.chip_authentication import ChipAuthenticationChip, StaticKey
from emrtd.access.general_authentication import GeneralAuthenticationResult, authenticate
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.variants import PaceVariant
from emrtd.access.passwords import PasswordType
from emrtd.access.terminal_authentication import TerminalAuthenticationChip, TerminalCredentials
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import (
    STANDARDISED,
    encode_agreement_key,
    encode_domain_parameters,
)
from emrtd.crypto.protocols import ID_CA_ECDH, ID_PK_ECDH, KeyAgreement, Mapping
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.procedure import Procedure, exchange, run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.lds.security.security_infos import (
    ChipAuthenticationDomainParameterInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfos,
)
from emrtd.pki.cvc.authorization import Chat, Right, Role
from emrtd.pki.cvc.validation import TrustState
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import certify
from tests.helpers import replace
from vsmartcard.card.function_card import FunctionCard

GROUP = STANDARDISED[13]
READ = CommandAPDU(0x00, INS.READ_BINARY, 0x9D, 0x00, ne=256)

CVCA = certify("UTCVCA00001", Role.CVCA)
DV = certify("UTDV00001", Role.DV_DOMESTIC, CVCA)
TERMINAL = certify("UTIS00001", Role.TERMINAL, DV, rights=Right.READ_DG3)


class Permit(FunctionCard):
    """A chip after PACE that supports version 2 of both protocols."""

    def __init__(self) -> None:
        super().__init__(self.answer, self.session_of_pace())
        private = GROUP.private_key()
        info = ChipAuthenticationInfo("0.4.0.127.0.7.2.2.3.2.2", 41, version=2)
        key = encode_agreement_key(GROUP, GROUP.public_key(private))
        self.card_access = SecurityInfos(
            info,
            ChipAuthenticationDomainParameterInfo(ID_CA_ECDH, encode_domain_parameters(GROUP), 41),
        )
        self.card_security = SecurityInfos(
            info, ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, key, 41)
        )
        static = StaticKey(GROUP, Secret(private.to_bytes(32, "big")), (info.protocol,), 41)
        self.chip_side = ChipAuthenticationChip([static])
        pace = GROUP.public_key(GROUP.private_key())
        self.terminal_side = TerminalAuthenticationChip(
            TrustState.initial([CVCA.certificate], date(2026, 6, 1)),
            GROUP.compress(pace),
            confined=Chat.inspection_system(Role.TERMINAL, Right.READ_DG3 | Right.READ_DG4),
        )
        info_of_pace = PaceInfo.of(KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES128, 13)
        self.pace = PaceResult(
            PaceVariant(info_of_pace, GROUP),
            PasswordType.CAN,
            self.session_of_pace(),
            GROUP.public_key(GROUP.private_key()),
            pace,
            cars=(b"UTCVCA00001",),
        )

    @staticmethod
    def session_of_pace() -> SecureMessaging:
        return SecureMessaging(Cipher.AES128, Secret(bytes(16)), Secret(bytes(16)))

    def answer(self, command: CommandAPDU) -> bytes:
        steps: dict[tuple[int, int, int], Callable[[bytes], None]] = {
            (0x22, *terminal_authentication.SET_DST): self.terminal_side.set_dst,
            (0x2A, 0x00, 0xBE): self.terminal_side.verify_certificate,
            (0x22, *terminal_authentication.SET_AT): self.terminal_side.set_at,
            (0x22, *chip_authentication.SET_AT): self.chip_side.set_at,
        }
        step = steps.get((command.ins, command.p1, command.p2))
        if step is not None:
            step(command.data)
            return b""
        if command.ins == INS.GET_CHALLENGE:
            return self.terminal_side.challenge()
        if command.ins == INS.EXTERNAL_AUTHENTICATE:
            self.terminal_side.authenticate(command.data)
            return b""
        if command.ins == INS.GENERAL_AUTHENTICATE:
            shown = self.terminal_side.compressed_key
            data, result = self.chip_side.general_authenticate(command.data, shown)
            self.renew(result.secure_messaging)
            self.terminal_side.bind(result.compressed_terminal_key)
            return data
        return b"the file"


def read_card_security() -> Procedure[bytes]:
    response = yield READ
    return response.require("READ BINARY")


def authenticate_with(permit: Permit, signed: SecurityInfos) -> GeneralAuthenticationResult:
    def examine(octets: bytes) -> SecurityInfos:
        assert octets == b"the file"
        return signed

    credentials = TerminalCredentials(
        TERMINAL.key,
        TERMINAL.reference,
        tuple(each.certificate for each in (CVCA, DV, TERMINAL)),
    )
    procedure = authenticate(
        permit.pace, permit.card_access, credentials, read_card_security, examine
    )
    return run(secured(procedure, permit.pace.secure_messaging), permit.process)


def test_the_procedure_ends_with_both_sides_authenticated() -> None:
    permit = Permit()
    result = authenticate_with(permit, permit.card_security)
    assert result.card_security == b"the file"
    assert [each.holder_reference for each in result.terminal.chain] == ["UTDV00001", "UTIS00001"]
    assert permit.terminal_side.effective is not None
    assert permit.terminal_side.effective.rights == Right.READ_DG3
    proof = secured(exchange(READ), result.chip.secure_messaging)
    assert run(proof, permit.process).data == b"the file"


def test_a_key_that_passive_authentication_refuses_is_not_used() -> None:
    permit = Permit()

    def examine(octets: bytes) -> SecurityInfos:
        raise ProtocolError("not signed by anyone we know")

    credentials = TerminalCredentials(
        TERMINAL.key, TERMINAL.reference, (DV.certificate, TERMINAL.certificate)
    )
    procedure = authenticate(
        permit.pace, permit.card_access, credentials, read_card_security, examine
    )
    with pytest.raises(ProtocolError, match="anyone we know"):
        run(secured(procedure, permit.pace.secure_messaging), permit.process)
    assert permit.commands[-1].ins == INS.READ_BINARY
    assert permit.terminal_side.effective is None


def test_another_key_than_announced_is_refused() -> None:
    permit, other = Permit(), Permit()
    (info,) = permit.card_security.of(ChipAuthenticationInfo)
    (key,) = permit.card_security.of(ChipAuthenticationPublicKeyInfo)
    with pytest.raises(ProtocolError, match="no key for the protocol"):
        authenticate_with(permit, SecurityInfos(replace(info, key_id=42), replace(key, key_id=42)))
    with pytest.raises(ProtocolError, match="token is wrong"):
        authenticate_with(permit := Permit(), other.card_security)
    permit.card_access = SecurityInfos()
    with pytest.raises(ProtocolError, match="announces no"):
        authenticate_with(permit, permit.card_security)


def test_the_chip_binds_to_its_ephemeral_key_of_pace() -> None:
    permit = Permit()
    permit.pace = replace(permit.pace, chip_public_key=GROUP.public_key(7))
    with pytest.raises(ChipRefusalError, match="6300"):
        authenticate_with(permit, permit.card_security)
