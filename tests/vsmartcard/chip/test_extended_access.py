"""Chip, Active and Terminal Authentication against the virtual chip."""

from datetime import date
from functools import cache

import pytest

from emrtd.access import active_authentication, bac, chip_authentication, terminal_authentication
from emrtd.access.chip_authentication import EphemeralKey, Method
from emrtd.access.chip_authentication_keys import ChipAuthenticationVariant, StaticPublicKey
from emrtd.access.chip_keys import (
    ActiveAuthenticationKey,
    ChipAuthenticationKey,
    ChipKeys,
    ChipPassword,
)
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import variant_of
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED, encode_agreement_key
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.protocols import KeyAgreement, Mapping, chip_authentication_oid
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import with_command_chaining, with_response_chaining
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.lds.cvca import Cvca
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Chat, Right, Role
from emrtd.pki.cvc.validation import TrustState
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import Holder, certify
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, done, personalised, transmit
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState

PASSWORD = ChipPassword.of(MRZ)
GENERIC = PaceInfo.of(KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES128, 13)
CAM = PaceInfo.of(KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION, Cipher.AES128, 13)
IDENTIFIER = b"L898902C<3"


@cache
def cvca() -> Holder:
    return certify("UTCVCA00001", Role.CVCA)


@cache
def dv() -> Holder:
    return certify("UTDV00001", Role.DV_DOMESTIC, cvca(), effective=date(2026, 2, 1))


@cache
def terminal(rights: Right = ALL_RIGHTS) -> Holder:
    return certify("UTIS00001", Role.TERMINAL, dv(), rights=rights, effective=date(2026, 3, 1))


@cache
def static(number: int) -> tuple[StaticPublicKey, Secret, bytes]:
    group = STANDARDISED[number]
    private = group.private_key()
    public = group.public_key(private)
    octets = private.to_bytes((private.bit_length() + 7) // 8, "big")
    key = StaticPublicKey(group, public, number)
    return key, Secret(octets), encode_agreement_key(group, public)


def chip_key(number: int, *ciphers: Cipher) -> ChipAuthenticationKey:
    key, private, info = static(number)
    protocols = (chip_authentication_oid(key.group.key_agreement, cipher) for cipher in ciphers)
    return ChipAuthenticationKey(info, private, number, tuple(protocols))


def variant(number: int, cipher: Cipher, version: int = 1) -> ChipAuthenticationVariant:
    key = static(number)[0]
    protocol = chip_authentication_oid(key.group.key_agreement, cipher)
    return ChipAuthenticationVariant(protocol, cipher, key, version)


def permit() -> Chip:
    """Return a chip with PACE, BAC, Chip and Terminal Authentication, and with DG3 and DG4."""
    keys = ChipKeys(
        passwords=(PASSWORD,),
        basic_access_control=True,
        chip_authentication=(chip_key(13, Cipher.AES128, Cipher.TDES), chip_key(2, Cipher.AES256)),
        trust_points=(cvca().certificate.encode(),),
        current_date=date(2026, 1, 15),
        document_identifier=Secret(IDENTIFIER),
    )
    files = FILE_CONTENTS | {
        FileID.CARD_ACCESS: SecurityInfos(GENERIC, CAM).encode(),
        FileID.CVCA: Cvca((cvca().reference,)).encode(),
        FileID.DG4: b"\x76\x03dg4",
    }
    return personalised(files, keys)


def after_pace(chip: Chip, info: PaceInfo = GENERIC, chat: Chat | None = None) -> PaceResult:
    chosen = variant_of(info, SecurityInfos(info))
    result = run(establish(chosen, MRZ, chat=None if chat is None else chat.encode()), chip.process)
    assert send(chip, result.secure_messaging, "00A4040C07" + EMRTD_APPLICATION.hex()).sw == 0x9000
    return result


def after_bac(chip: Chip) -> SecureMessaging:
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    return run(bac.authenticate(MRZ), chip.process)


def send(chip: Chip, session: SecureMessaging, command: str) -> ResponseAPDU:
    plain = CommandAPDU.decode(bytes.fromhex(command))
    return session.unprotect_response(transmit(chip, session.protect_command(plain)))


def through(chip: Chip, session: SecureMessaging, procedure):
    """Run a procedure in a session, with command chaining."""
    return run(secured(with_command_chaining(procedure), session), chip.process)


def identify(result: PaceResult) -> bytes:
    return result.variant.group.compress(result.chip_public_key)


def credentials(*chain: Holder) -> TerminalCredentials:
    chain = chain or (cvca(), dv(), terminal())
    return TerminalCredentials(
        chain[-1].key, chain[-1].reference, tuple(each.certificate for each in chain)
    )


@pytest.mark.parametrize(
    ("number", "cipher", "method", "sw"),
    [
        (13, Cipher.AES128, Method.GENERAL_AUTHENTICATE, 0x9000),
        (13, Cipher.TDES, Method.GENERAL_AUTHENTICATE, 0x9000),
        (13, Cipher.TDES, Method.SET_KAT, 0x9000),
        (2, Cipher.AES256, Method.GENERAL_AUTHENTICATE, 0x9000),
        (2, Cipher.TDES, Method.SET_KAT, 0x6A88),
        (2, Cipher.TDES, Method.GENERAL_AUTHENTICATE, 0x6A80),
        (13, Cipher.AES256, Method.GENERAL_AUTHENTICATE, 0x6A80),
        (14, Cipher.AES128, Method.GENERAL_AUTHENTICATE, 0x6A88),
    ],
)
def test_chip_authentication_replaces_the_session_keys(
    number: int, cipher: Cipher, method: Method, sw: int
) -> None:
    chip = permit()
    session = after_bac(chip)
    procedure = chip_authentication.authenticate(variant(number, cipher), by=[method])
    if sw == 0x9000:
        result = run(with_response_chaining(secured(procedure, session)), chip.process)
        assert send(chip, result.secure_messaging, "00B0810000").data == FILE_CONTENTS[FileID.DG1]
        assert result.cipher is cipher
    else:
        with pytest.raises(ChipRefusalError) as refused:
            run(with_response_chaining(secured(procedure, session)), chip.process)
        assert refused.value.sw == sw
        assert send(chip, session, "00B0810000").data == FILE_CONTENTS[FileID.DG1]


def test_the_old_keys_are_invalid_after_chip_authentication() -> None:
    chip = permit()
    session = after_bac(chip)
    through(chip, session, chip_authentication.authenticate(variant(13, Cipher.AES128)))
    with pytest.raises(ProtocolError):
        send(chip, session, "00B0810000")


def test_a_refused_key_does_not_change_the_session() -> None:
    chip = permit()
    session = after_bac(chip)
    protocol = "0A04007F00070202030202"
    assert send(chip, session, f"002241A40F80{protocol}84010D").sw == 0x9000
    point = "04" + "11" * 64
    assert send(chip, session, f"00860000457C43804{1}{point}00").sw == 0x6A80
    assert send(chip, session, "00B0810000").data == FILE_CONTENTS[FileID.DG1]
    assert send(chip, session, f"002241A40F80{protocol}84010E").sw == 0x6A88


@pytest.mark.parametrize(
    "command",
    [
        "002241A40F800A04007F0007020203020284010D",
        "00880000080011223344556677" + "00",
        "002281B60D830B" + b"UTCVCA00001".hex(),
    ],
)
def test_authentication_before_chip_access_is_refused_with_6982(command: str) -> None:
    chip = permit()
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    assert transmit(chip, command).sw == 0x6982


def test_fingerprints_after_bac_need_terminal_authentication() -> None:
    chip = permit()
    session = after_bac(chip)
    for command in ("00B0830000", "00B0840000", "00A4020C020103", "00B101030354010000"):
        assert send(chip, session, command).sw == 0x6982
    cars = Cvca.decode(send(chip, session, "00B09C0000").data).references
    result = through(chip, session, chip_authentication.authenticate(variant(13, Cipher.AES128)))
    session = result.secure_messaging
    assert send(chip, session, "00B0830000").sw == 0x6982
    identifier = terminal_authentication.identifier_of_document("L898902C<369080619406236")
    assert identifier == IDENTIFIER
    through(
        chip, session,
        terminal_authentication.authenticate(
            credentials(), cars, [identifier], result.compressed_terminal_key
        ),
    )  # fmt: skip
    assert send(chip, session, "00B0830000").data == FILE_CONTENTS[FileID.DG3]
    assert send(chip, session, "00B0840000").data == b"\x76\x03dg4"


@pytest.mark.parametrize("info", [GENERIC, CAM])
@pytest.mark.parametrize("rights", [Right.READ_DG3, Right.READ_DG4, ALL_RIGHTS, Right(0)])
def test_a_terminal_reads_the_data_groups_that_its_certificates_allow(
    info: PaceInfo, rights: Right
) -> None:
    chip = permit()
    chat = Chat.inspection_system(Role.TERMINAL, ALL_RIGHTS)
    pace = after_pace(chip, info, chat)
    assert pace.cars == (b"UTCVCA00001",)
    session = pace.secure_messaging
    key = pace.variant.group.compress(pace.terminal_public_key)
    if info is GENERIC:
        result = through(
            chip, session, chip_authentication.authenticate(variant(13, Cipher.AES128))
        )
        session, key = result.secure_messaging, result.compressed_terminal_key
    procedure = terminal_authentication.authenticate(
        credentials(cvca(), dv(), terminal(rights)),
        [car.decode() for car in pace.cars], [identify(pace)], key,
    )  # fmt: skip
    through(chip, session, procedure)
    assert (send(chip, session, "00B0830000").sw == 0x9000) is (Right.READ_DG3 in rights)
    assert (send(chip, session, "00B0840000").sw == 0x9000) is (Right.READ_DG4 in rights)
    assert send(chip, session, "00B0810000").sw == 0x9000
    chip.reset()
    assert send(chip, after_pace(chip).secure_messaging, "00B0830000").sw == 0x6982


def test_a_terminal_can_limit_its_own_rights_in_pace() -> None:
    chip = permit()
    chat = Chat.inspection_system(Role.TERMINAL, Right.READ_DG4)
    pace = after_pace(chip, CAM, chat)
    procedure = terminal_authentication.authenticate(
        credentials(), ["UTCVCA00001"], [identify(pace)],
        pace.variant.group.compress(pace.terminal_public_key),
    )  # fmt: skip
    through(chip, pace.secure_messaging, procedure)
    assert send(chip, pace.secure_messaging, "00B0830000").sw == 0x6982
    assert send(chip, pace.secure_messaging, "00B0840000").sw == 0x9000


def test_terminal_authentication_needs_chip_authentication_and_is_possible_once() -> None:
    chip = permit()
    pace = after_pace(chip)
    session, references = pace.secure_messaging, ["UTCVCA00001"]

    def authenticate(key: bytes):
        return terminal_authentication.authenticate(
            credentials(), references, [identify(pace)], key
        )

    with pytest.raises(ChipRefusalError) as refused:
        through(chip, session, authenticate(bytes(32)))
    assert refused.value.sw == 0x6982
    result = through(chip, session, chip_authentication.authenticate(variant(13, Cipher.AES128)))
    session = result.secure_messaging
    with pytest.raises(ChipRefusalError) as refused:
        through(chip, session, authenticate(bytes(32)))  # not the key of the session
    assert refused.value.sw == 0x6300
    through(chip, session, authenticate(result.compressed_terminal_key))
    with pytest.raises(ChipRefusalError) as refused:
        through(chip, session, authenticate(result.compressed_terminal_key))
    assert refused.value.sw == 0x6982
    assert send(chip, session, "00B0830000").sw == 0x9000


def test_rights_end_with_the_session_keys() -> None:
    chip = permit()
    pace = after_pace(chip, CAM)
    session = pace.secure_messaging
    key = pace.variant.group.compress(pace.terminal_public_key)
    procedure = terminal_authentication.authenticate(
        credentials(), ["UTCVCA00001"], [identify(pace)], key
    )
    through(chip, session, procedure)
    assert send(chip, session, "00B0830000").sw == 0x9000
    result = through(chip, session, chip_authentication.authenticate(variant(13, Cipher.AES128)))
    assert send(chip, result.secure_messaging, "00B0830000").sw == 0x6982


def test_the_general_authentication_procedure_of_version_2() -> None:
    chip = permit()
    pace = after_pace(chip, GENERIC, Chat.inspection_system(Role.TERMINAL, ALL_RIGHTS))
    session = pace.secure_messaging
    chosen = variant(13, Cipher.AES128, version=2)
    ephemeral = EphemeralKey.generate(chosen.key.group)
    through(
        chip, session,
        terminal_authentication.authenticate(
            credentials(), ["UTCVCA00001"], [identify(pace)], ephemeral.compressed, version=2
        ),
    )  # fmt: skip
    assert send(chip, session, "00B0830000").sw == 0x6982  # not before Chip Authentication
    result = through(chip, session, chip_authentication.authenticate(chosen, ephemeral=ephemeral))
    assert send(chip, result.secure_messaging, "00B0830000").data == FILE_CONTENTS[FileID.DG3]


def test_version_2_requires_the_announced_ephemeral_key() -> None:
    chip = permit()
    pace = after_pace(chip)
    session = pace.secure_messaging
    chosen = variant(13, Cipher.AES128, version=2)
    shown = EphemeralKey.generate(chosen.key.group)
    through(
        chip, session,
        terminal_authentication.authenticate(
            credentials(), ["UTCVCA00001"], [identify(pace)], shown.compressed, version=2
        ),
    )  # fmt: skip
    with pytest.raises(ChipRefusalError) as refused:
        through(chip, session, chip_authentication.authenticate(chosen))
    assert refused.value.sw == 0x6300
    assert send(chip, session, "00B0830000").sw == 0x6982


def test_link_certificates_and_dates_are_stored() -> None:
    chip = permit()
    link = certify("UTCVCA00002", Role.CVCA, cvca(), effective=date(2026, 2, 15))
    new_dv = certify("UTDV00002", Role.DV_DOMESTIC, link, effective=date(2026, 4, 1))
    officer = certify("UTIS00002", Role.TERMINAL, new_dv, effective=date(2026, 5, 1))
    pace = after_pace(chip, CAM)
    procedure = terminal_authentication.authenticate(
        credentials(link, new_dv, officer), ["UTCVCA00001"], [identify(pace)],
        pace.variant.group.compress(pace.terminal_public_key),
    )  # fmt: skip
    through(chip, pace.secure_messaging, procedure)
    chip = Chip(ChipState.decode(chip.state.encode()))
    trust = TrustState.decode(chip.state.trust)
    assert trust.references == ("UTCVCA00002", "UTCVCA00001")
    assert trust.current_date == date(2026, 5, 1)
    chat = Chat.inspection_system(Role.TERMINAL, ALL_RIGHTS)
    pace = after_pace(chip, CAM, chat)
    assert pace.cars == (b"UTCVCA00002", b"UTCVCA00001")
    shown = send(chip, pace.secure_messaging, "00B09C0000").data
    assert Cvca.decode(shown) == Cvca(trust.references)
    expired = certify("UTDV00003", Role.DV_DOMESTIC, link, expiration=date(2026, 4, 30))
    with pytest.raises(ChipRefusalError) as refused:
        through(
            chip, pace.secure_messaging,
            terminal_authentication.authenticate(
                credentials(expired, certify("UTIS00003", Role.TERMINAL, expired)),
                ["UTCVCA00002"], [b""], b"",
            ),
        )  # fmt: skip
    assert refused.value.sw == 0x6300


@cache
def active_key(kind: str) -> PrivateKey:
    if kind.startswith("RSA"):
        return RsaPrivateKey.generate(int(kind[4:]))
    return EcPrivateKey.generate(CURVES[kind])


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("RSA-2048", Hash.SHA1),
        ("RSA-2048", Hash.SHA512),
        ("RSA-3072", Hash.SHA256),
        ("brainpoolP256r1", Hash.SHA256),
        ("secp521r1", Hash.SHA512),
    ],
)
def test_active_authentication(kind: str, algorithm: Hash) -> None:
    key = active_key(kind)
    keys = ChipKeys(
        passwords=(PASSWORD,),
        basic_access_control=True,
        active_authentication=ActiveAuthenticationKey(key.to_pkcs8(), algorithm),
    )
    chip = personalised(FILE_CONTENTS, keys)
    session = after_bac(chip)
    procedure = active_authentication.challenge(key.public_key)
    exchange = run(with_response_chaining(secured(procedure, session)), chip.process)
    verified = active_authentication.verify(key.public_key, None, exchange)
    assert verified.hash is algorithm
    assert send(chip, session, "008800000700112233445566" + "00").sw == 0x6700
    short = send_chained(chip, session, "0088000008001122334455667700")
    assert len(short) in {256, 384, 64, 132}


def send_chained(chip: Chip, session: SecureMessaging, command: str) -> bytes:
    """Send a short command, and fetch the rest of its response with GET RESPONSE."""

    def one():
        response = yield CommandAPDU.decode(bytes.fromhex(command))
        return response.require("the command")

    return run(with_response_chaining(secured(one(), session)), chip.process)


def test_active_authentication_without_a_key_is_refused_with_6a88() -> None:
    chip = personalised()
    session = after_bac(chip)
    assert send(chip, session, "0088000008001122334455667700").sw == 0x6A88


@pytest.mark.parametrize(
    "data_object",
    [
        "E306" + "8101FF" + "820101",
        "E408" + "8101FF" + "8203" + b"MD5".hex(),
        "E50A" + "8101FF" + "8205" + b"SHA-1".hex(),
        "E503" + "7F2100",
    ],
)
def test_put_data_refuses_unusable_keys(data_object: str) -> None:
    chip = Chip(ChipState())
    tag, value = data_object[:2], data_object[4:]
    command = f"00DA00{tag}{len(value) // 2:02X}{value}"
    assert transmit(chip, command).sw == 0x6A80
    assert chip.state == ChipState()


def test_a_private_key_outside_its_group_is_refused() -> None:
    key, _, info = static(13)
    for number in (b"\0", key.group.order.to_bytes(32, "big")):
        value = ChipAuthenticationKey(info, Secret(number), 13).encode()
        assert transmit(Chip(), CommandAPDU(0x00, 0xDA, 0x00, 0xE3, value)).sw == 0x6A80


def test_a_chip_with_contradictory_trust_points_is_not_locked() -> None:
    keys = ChipKeys(passwords=(PASSWORD,), basic_access_control=True)
    chip = personalised(FILE_CONTENTS, keys, locked=False)
    certificate = dv().certificate.encode()  # of a Document Verifier
    done(chip, CommandAPDU(0x00, 0xDA, 0x00, 0xE5, certificate))
    assert transmit(chip, "00440000").sw == 0x6A80
    assert chip.state.life_cycle is LifeCycle.IN_PERSONALISATION
