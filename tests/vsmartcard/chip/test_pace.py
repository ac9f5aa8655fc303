"""PACE against the virtual chip: its variants, and the suspension and blocking of passwords."""

from itertools import product

import pytest

from emrtd.access import bac
from emrtd.access.chip_keys import ChipAuthenticationKey, ChipKeys, ChipPassword
from emrtd.access.pace import chip_authentication_mapping
from emrtd.access.pace.agreement import PaceResult
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import variant_of, variants
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, encode_agreement_key
from emrtd.crypto.groups import EcGroup
from emrtd.crypto.protocols import KeyAgreement, Mapping, pace_oid
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import PaceInfo, SecurityInfos
from support.secret import Secret
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, done, personalised, transmit
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState

CAN, PIN, PUK = Password.can("123456"), Password.pin("482916"), Password.puk("9876543210")
PASSWORDS = tuple(map(ChipPassword.of, (MRZ, CAN, PIN, PUK)))
STATIC = {
    number: (group, group.private_key())
    for number, group in STANDARDISED.items()
    if isinstance(group, EcGroup)
}


def key_for_mapping(number: int) -> ChipAuthenticationKey:
    group, private = STATIC[number]
    octets = private.to_bytes(group.private_key_size, "big")
    public = encode_agreement_key(group, group.public_key(private))
    return ChipAuthenticationKey(public, Secret(octets), number)


def chip_with(*infos: PaceInfo, bac_too: bool = False) -> Chip:
    numbers = {info.parameter_id for info in infos if info.mapping is Mapping.CHIP_AUTHENTICATION}
    keys = ChipKeys(
        passwords=PASSWORDS,
        basic_access_control=bac_too,
        chip_authentication=tuple(key_for_mapping(number or 0) for number in numbers),
    )
    access = {FileID.CARD_ACCESS: SecurityInfos(*infos).encode()}
    return personalised(FILE_CONTENTS | access, keys)


GENERIC = PaceInfo.of(KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES128, 13)
MATRIX = [
    (number, mapping, cipher)
    for number, mapping, cipher in product(STANDARDISED, Mapping, Cipher)
    if pace_oid(STANDARDISED[number].key_agreement, mapping, cipher)
    and not (mapping is Mapping.INTEGRATED and STANDARDISED[number].field % 4 == 1)
]


def opened(chip: Chip, password: Password = MRZ, info: PaceInfo = GENERIC) -> PaceResult:
    variant = variant_of(info, SecurityInfos(info))
    return run(establish(variant, password), chip.process)


def send(chip: Chip, session: SecureMessaging, command: CommandAPDU | str) -> ResponseAPDU:
    if isinstance(command, str):
        command = CommandAPDU.decode(bytes.fromhex(command))
    return session.unprotect_response(transmit(chip, session.protect_command(command)))


def dg1(chip: Chip, session: SecureMessaging) -> bytes:
    selected = send(chip, session, "00A4040C07" + EMRTD_APPLICATION.hex())
    assert selected.sw == 0x9000
    return send(chip, session, "00B0810000").data


@pytest.mark.parametrize(("number", "mapping", "cipher"), MATRIX)
def test_every_variant_of_the_standard_opens_the_chip(
    number: int, mapping: Mapping, cipher: Cipher
) -> None:
    info = PaceInfo.of(STANDARDISED[number].key_agreement, mapping, cipher, number)
    chip = chip_with(info)
    result = opened(chip, CAN, info)
    assert dg1(chip, result.secure_messaging) == FILE_CONTENTS[FileID.DG1]
    if mapping is Mapping.CHIP_AUTHENTICATION:
        group, private = STATIC[number]
        assert result.chip_authentication_data
        assert result.mapping_public_key
        chip_authentication_mapping.verify(
            group,
            result.chip_authentication_data,
            group.public_key(private),
            result.mapping_public_key,
        )


@pytest.mark.parametrize("password", [MRZ, CAN, PIN, PUK])
def test_every_password_gives_access_to_files_except_the_puk(password: Password) -> None:
    chip = chip_with(GENERIC)
    session = opened(chip, password).secure_messaging
    if password is PUK:
        assert send(chip, session, "00A4040C07" + EMRTD_APPLICATION.hex()).sw == 0x9000
        assert send(chip, session, "00B0810000").sw == 0x6982
    else:
        assert dg1(chip, session) == FILE_CONTENTS[FileID.DG1]


def test_a_chip_supports_each_variant_that_it_announces() -> None:
    infos = [
        GENERIC,
        PaceInfo.of(KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION, Cipher.AES256, 16),
        PaceInfo.of(KeyAgreement.DH, Mapping.INTEGRATED, Cipher.TDES, 2),
    ]
    chip = chip_with(*infos)
    for variant in variants(SecurityInfos(*infos)):
        chip.reset()
        session = run(establish(variant, MRZ), chip.process).secure_messaging
        assert dg1(chip, session) == FILE_CONTENTS[FileID.DG1]


def test_a_variant_that_is_not_announced_is_refused() -> None:
    chip = chip_with(GENERIC)
    other = PaceInfo.of(KeyAgreement.ECDH, Mapping.INTEGRATED, Cipher.AES128, 13)
    for info in (other, PaceInfo(GENERIC.protocol, 12)):
        variant = variant_of(info, SecurityInfos(info))
        with pytest.raises(ChipRefusalError) as refused:
            run(establish(variant, MRZ), chip.process)
        assert refused.value.sw == 0x6A80
    without = personalised()
    with pytest.raises(ChipRefusalError) as refused:
        opened(without)
    assert refused.value.sw == 0x6A80


def test_a_wrong_mrz_or_can_never_blocks_and_changes_no_state() -> None:
    chip = chip_with(GENERIC)
    before = chip.state
    for wrong in (Password.can("000000"), Password.from_mrz_information("X" * 24)):
        for _ in range(6):
            with pytest.raises(ChipRefusalError) as refused:
                opened(chip, wrong)
            assert refused.value.sw == 0x6300
    assert chip.state is before
    opened(chip, CAN)


def refusal(chip: Chip, password: Password) -> int:
    chip.reset()
    with pytest.raises(ChipRefusalError) as refused:
        opened(chip, password)
    return refused.value.sw


def restarted(chip: Chip) -> Chip:
    return Chip(ChipState.decode(chip.state.encode()))


def test_a_pin_is_suspended_then_resumed_by_the_can_then_blocked_then_unblocked_by_the_puk() -> (
    None
):
    chip = chip_with(GENERIC)
    wrong = Password.pin("000000")
    assert refusal(chip, wrong) == 0x63C2
    assert refusal(chip, wrong) == 0x63C1
    chip = restarted(chip)
    assert refusal(chip, PIN) == 0x6985  # suspended, also after the power was cut
    assert chip.state.failures[PasswordType.PIN] == 2

    chip.reset()
    session = opened(chip, CAN).secure_messaging
    variant = variant_of(GENERIC, SecurityInfos(GENERIC))
    with pytest.raises(ChipRefusalError) as refused:
        run(secured(establish(variant, wrong), session), chip.process)
    assert refused.value.sw == 0x63C0
    assert dg1(chip, session) == FILE_CONTENTS[FileID.DG1]  # the session of the CAN continues

    chip = restarted(chip)
    assert refusal(chip, PIN) == 0x63C0  # blocked
    session = opened(chip, PUK).secure_messaging
    assert send(chip, session, "002C0303").sw == 0x9000
    chip = restarted(chip)
    opened(chip, PIN)
    assert chip.state.failures[PasswordType.PIN] == 0


def test_a_correct_pin_after_the_can_resets_its_counter() -> None:
    chip = chip_with(GENERIC)
    for _ in range(2):
        refusal(chip, Password.pin("000000"))
    chip.reset()
    session = opened(chip, CAN).secure_messaging
    variant = variant_of(GENERIC, SecurityInfos(GENERIC))
    result = run(secured(establish(variant, PIN), session), chip.process)
    assert dg1(chip, result.secure_messaging) == FILE_CONTENTS[FileID.DG1]
    assert chip.state.failures[PasswordType.PIN] == 0


def test_pace_is_possible_once_in_a_session() -> None:
    chip = chip_with(GENERIC, bac_too=True)
    session = opened(chip, MRZ).secure_messaging
    variant = variant_of(GENERIC, SecurityInfos(GENERIC))
    with pytest.raises(ChipRefusalError) as refused:
        run(secured(establish(variant, CAN), session), chip.process)
    assert refused.value.sw == 0x6985
    assert dg1(chip, session) == FILE_CONTENTS[FileID.DG1]
    chip.reset()
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    session = run(bac.authenticate(MRZ), chip.process)
    with pytest.raises(ChipRefusalError) as refused:
        run(secured(establish(variant, CAN), session), chip.process)
    assert refused.value.sw == 0x6985


def test_the_pin_can_be_changed_only_after_pace_with_it() -> None:
    chip = chip_with(GENERIC)
    session = opened(chip, PIN).secure_messaging
    assert send(chip, session, "002C0303").sw == 0x6982  # unblocking needs the PUK
    assert send(chip, session, "002C020305" + b"1234X".hex()).sw == 0x6700
    assert send(chip, session, "002C020306" + b"123123".hex()).sw == 0x9000
    chip = restarted(chip)
    opened(chip, Password.pin("123123"))
    chip.reset()
    session = opened(chip, CAN).secure_messaging
    assert send(chip, session, "002C020306" + b"111111".hex()).sw == 0x6982
    assert send(chip, session, "002C020106" + b"111111".hex()).sw == 0x6A86


def test_ef_card_security_is_readable_only_after_pace() -> None:
    files = FILE_CONTENTS | {
        FileID.CARD_ACCESS: SecurityInfos(GENERIC).encode(),
        FileID.CARD_SECURITY: b"\x30\x03sec",
    }
    chip = personalised(files, ChipKeys(passwords=PASSWORDS, basic_access_control=True))
    assert transmit(chip, "00A4020C02011D").sw == 0x6982
    assert transmit(chip, "00B09D0000").sw == 0x6982
    session = opened(chip).secure_messaging
    assert send(chip, session, "00B09D0000").data == b"\x30\x03sec"
    chip.reset()
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    session = run(bac.authenticate(MRZ), chip.process)
    assert send(chip, session, "00A4000C").sw == 0x9000
    assert send(chip, session, "00B09D0000").sw == 0x6982
    assert send(chip, session, "00B09C0000").data == files[FileID.CARD_ACCESS]


def test_a_chip_without_bac_refuses_get_challenge_with_6985() -> None:
    chip = chip_with(GENERIC)
    done(chip, "00A4040C07" + EMRTD_APPLICATION.hex())
    assert transmit(chip, "0084000008").sw == 0x6985
