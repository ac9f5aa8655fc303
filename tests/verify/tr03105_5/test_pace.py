"""TR-03105-5.1, units ISO7816_G and LDS_J: PACE, and EF.CardSecurity.

The chips here have no Basic Access Control: where PACE fails, nothing is read.
"""

from collections.abc import Callable, Iterable
from functools import cache

import pytest

from emrtd.access.pace import chip_authentication_mapping as cam
from emrtd.access.pace import messages
from emrtd.access.pace.messages import Tag
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, encode_domain_parameters
from emrtd.crypto.groups import EcGroup
from emrtd.crypto.hashes import Hash
from emrtd.crypto.protocols import ID_SECURITY_OBJECT, KeyAgreement, Mapping, pace_oid
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ChipAuthenticationPublicKeyInfo,
    PaceDomainParameterInfo,
    PaceInfo,
    SecurityInfo,
    SecurityInfos,
    UnknownSecurityInfo,
)
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.findings import Outcome
from tests.certificates import key
from tests.helpers import replace
from tests.verify.documents import PACE_CAM, PACE_GM, Document, issue
from tests.verify.tr03105_5.simulator import CASES, PACE, ChipKey, Inspected, inspected, static_key

GM, IM, CAM = Mapping.GENERIC, Mapping.INTEGRATED, Mapping.CHIP_AUTHENTICATION
AES128 = Cipher.AES128


def pace_info(number: int, mapping: Mapping = GM, cipher: Cipher = AES128) -> PaceInfo:
    return PaceInfo.of(STANDARDISED[number].key_agreement, mapping, cipher, number)


@cache
def document(*offered: PaceInfo) -> Document:
    return issue(**(PACE | {"pace": offered or (PACE_GM,)}))


def with_mapping(
    info: PaceInfo = PACE_CAM,
    *,
    signed: Iterable[SecurityInfo] | None = None,
    dg14: Iterable[SecurityInfo] | None = None,
    offered: Iterable[PaceInfo] = (),
) -> Document:
    """A document with PACE-CAM; `signed` is in EF.CardSecurity, `dg14` in DG14, instead of all."""
    assert info.parameter_id is not None
    chip_key = ChipKey(info.parameter_id, AES128, info.parameter_id)
    pace = (*offered, info)
    everything = (*pace, *chip_key.infos())
    in_dg14 = everything if dg14 is None else tuple(dg14)
    made = issue(**(PACE | {"pace": (), "more_infos": in_dg14}))
    how = made.how
    card_security = build_signed_data(
        ID_SECURITY_OBJECT,
        SecurityInfos(*(everything if signed is None else signed)).encode(),
        key("DS 1", how.signer_kind), how.document_signer, Hash.SHA256, how.signing_time,
    )  # fmt: skip
    made = made.with_file(FileID.CARD_SECURITY, card_security)
    made = made.with_file(FileID.CARD_ACCESS, CardAccess(SecurityInfos(*pace)).encode())
    return replace(made, keys=replace(made.keys, chip_authentication=(chip_key.key(),)))


def unknown(oid: str, *values: bytes) -> UnknownSecurityInfo:
    """A SecurityInfo that nobody knows."""
    return UnknownSecurityInfo(oid, der.sequence(der.oid(oid), *values))


STEPS = (Tag.ENCRYPTED_NONCE, Tag.CHIP_MAPPING_DATA, Tag.CHIP_PUBLIC_KEY, Tag.CHIP_TOKEN)
Objects = list[tuple[int, bytes]]


def at_step(
    number: int, change: Callable[[Objects, CommandAPDU], Objects]
) -> Callable[[CommandAPDU, ResponseAPDU], ResponseAPDU]:
    """Change the data objects of the answer to GENERAL AUTHENTICATE number 1 to 4."""

    def changing(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if command.ins != INS.GENERAL_AUTHENTICATE or command.cla & 0x0C or not response.data:
            return response
        objects = [(each.tag, each.value) for each in messages.decode(response.data)]
        if objects[0][0] != STEPS[number - 1]:
            return response
        return ResponseAPDU(messages.encode(*change(objects, command)), response.sw)

    return changing


def value(change: Callable[[bytes], bytes]) -> Callable[[Objects, CommandAPDU], Objects]:
    """Return a change of the value of the first data object."""
    return lambda objects, _: [(objects[0][0], change(objects[0][1])), *objects[1:]]


def flipped(at: int) -> Callable[[Objects, CommandAPDU], Objects]:
    return value(
        lambda octets: bytes(
            octet ^ (index == at % len(octets)) for index, octet in enumerate(octets)
        )
    )


def tagged(tag: int) -> Callable[[Objects, CommandAPDU], Objects]:
    return lambda objects, _: [(tag, objects[0][1]), *objects[1:]]


def closed(found: Inspected, reason: str = "") -> None:
    """Assert that PACE failed and only EF.CardAccess was read."""
    found.failed(reason)
    assert set(found.evidence.files) <= {FileID.CARD_ACCESS}


# --- PACE succeeds -------------------------------------------------------------------------------


@CASES.case("ISO7816_G_01", "ISO7816_G_02", "ISO7816_G_03", "ISO7816_G_41")
@pytest.mark.parametrize("mapping", Mapping)
@pytest.mark.parametrize("number", STANDARDISED)
def test_pace_succeeds_with_every_set_of_domain_parameters(number: int, mapping: Mapping) -> None:
    group = STANDARDISED[number]
    if mapping is IM and number == 10:
        pytest.skip("Doc 9303-11, table 12: Integrated Mapping is not for secp224r1")
    if mapping is CAM and not isinstance(group, EcGroup):
        pytest.skip("Chip Authentication Mapping is for elliptic curves")
    info = pace_info(number, mapping)
    made = with_mapping(info) if mapping is CAM else document(info)
    found = inspected(made).succeeded(made)
    assert found.report.access.startswith(f"pace-{group.key_agreement}-{mapping}".lower())


@CASES.case("ISO7816_G_04")
@pytest.mark.parametrize("mapping", [GM, IM])
@pytest.mark.parametrize("number", [0, 13])
@pytest.mark.parametrize("cipher", Cipher)
def test_every_algorithm(cipher: Cipher, number: int, mapping: Mapping) -> None:
    made = document(pace_info(number, mapping, cipher))
    inspected(made).succeeded(made)


@CASES.case("ISO7816_G_05")
def test_unknown_entries_in_card_access_are_ignored() -> None:
    """They are ignored; DG14 has them too."""
    more = unknown("1.3.6.1.4.1.99999.1", der.octet_string(b"more"))
    made = issue(**(PACE | {"more_infos": (more,)}))
    offered = CardAccess(SecurityInfos(PACE_GM, more)).encode()
    made = made.with_file(FileID.CARD_ACCESS, offered)
    inspected(made).succeeded(made)


@CASES.case("ISO7816_G_06")
def test_the_strongest_of_several_variants_is_used() -> None:
    """With more than one set of domain parameters, MSE:Set AT names the one to use."""
    offered = (pace_info(12), pace_info(17, GM, Cipher.AES256), pace_info(0, IM))
    made = document(*offered)
    templates: list[bytes] = []

    def answering(command: CommandAPDU) -> None:
        if command.ins == INS.MANAGE_SECURITY_ENVIRONMENT:
            templates.append(command.data)

    found = inspected(made, answering=answering).succeeded(made)
    assert "ecdh-gm-aes-cbc-cmac-256/brainpoolP512r1" in found.report.access
    template = messages.AuthenticationTemplate.decode(templates[0])
    assert template.parameter_id == 17


@CASES.case("ISO7816_G_07")
def test_explicit_domain_parameters_are_accepted() -> None:
    """Two PACEInfos, one with explicit parameters of a known group; the chip accepts either."""
    number = 40
    group = STANDARDISED[17]
    oid = pace_oid(KeyAgreement.ECDH, GM, Cipher.AES256)
    own = PaceInfo(oid, number)
    parameters = PaceDomainParameterInfo(
        oid.rpartition(".")[0], encode_domain_parameters(group, explicit=True), number
    )
    made = issue(**(PACE | {"pace": (PACE_GM, own), "more_infos": (parameters,)}))
    offered = CardAccess(SecurityInfos(PACE_GM, own, parameters)).encode()
    made = made.with_file(FileID.CARD_ACCESS, offered)
    found = inspected(made).succeeded(made)
    assert "brainpoolP512r1" in found.report.access


# --- PACE is aborted -----------------------------------------------------------------------------


@CASES.case("ISO7816_G_08", "ISO7816_G_10", "ISO7816_G_12", "ISO7816_G_18", "ISO7816_G_24")
@pytest.mark.parametrize("sw", [0x6300, 0x6A80, 0x6982, 0x6985, 0x6F00])
@pytest.mark.parametrize("step", range(5), ids=["MSE:Set AT", "1", "2", "3", "4"])
def test_a_refusal_at_any_step_ends_pace(step: int, sw: int) -> None:
    def changing(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if command.ins == INS.MANAGE_SECURITY_ENVIRONMENT:
            return ResponseAPDU(sw=sw) if step == 0 else response
        if command.ins != INS.GENERAL_AUTHENTICATE or not response.data:
            return response
        tag = messages.decode(response.data)[0].tag
        return ResponseAPDU(sw=sw) if step and tag == STEPS[step - 1] else response

    closed(inspected(document(), changing=changing), f"{sw:04X}")


@pytest.mark.parametrize(
    ("step", "tag"),
    CASES.cases(
        {
            "ISO7816_G_11": (1, 0x90),
            "ISO7816_G_13": (2, 0x92),
            "ISO7816_G_19": (3, 0x94),
            "ISO7816_G_25": (4, 0x96),
        }
    ),
)
def test_an_answer_with_a_wrong_tag_ends_pace(step: int, tag: int) -> None:
    found = inspected(document(), changing=at_step(step, tagged(tag)))
    closed(found, "the chip's answer has no data object")


@pytest.mark.parametrize(
    ("info", "step", "change"),
    CASES.cases(
        {
            "ISO7816_G_09": (pace_info(13), 1, flipped(0)),
            "ISO7816_G_09 IM": (pace_info(13, IM), 1, flipped(0)),
            "ISO7816_G_09 shorter": (pace_info(13), 1, value(lambda z: z[:-1])),
            "ISO7816_G_14": (pace_info(13), 2, value(lambda _: b"")),
            "ISO7816_G_15": (pace_info(13, IM), 2, value(lambda _: b"\x01")),
            "ISO7816_G_16 form": (pace_info(13), 2, flipped(0)),
            "ISO7816_G_16 x": (pace_info(13), 2, flipped(1)),
            "ISO7816_G_16 y": (pace_info(13), 2, flipped(-1)),
            "ISO7816_G_16 zeros": (pace_info(13), 2, value(lambda p: b"\x04" + bytes(len(p) - 1))),
            "ISO7816_G_16 infinity": (pace_info(13), 2, value(lambda _: b"\x00")),
            "ISO7816_G_17": (pace_info(0), 2, flipped(0)),
            "ISO7816_G_17 one": (pace_info(0), 2, value(lambda _: b"\x01")),
            "ISO7816_G_17 zeros": (pace_info(0), 2, value(lambda y: bytes(len(y)))),
            "ISO7816_G_20": (pace_info(13), 3, value(lambda _: b"")),
            "ISO7816_G_21 form": (pace_info(13), 3, flipped(0)),
            "ISO7816_G_21 x": (pace_info(13), 3, flipped(1)),
            "ISO7816_G_21 y": (pace_info(13), 3, flipped(-1)),
            "ISO7816_G_21 zeros": (pace_info(13), 3, value(lambda p: b"\x04" + bytes(len(p) - 1))),
            "ISO7816_G_22": (pace_info(0), 3, flipped(0)),
            "ISO7816_G_22 one": (pace_info(0), 3, value(lambda _: b"\x01")),
            "ISO7816_G_22 zeros": (pace_info(0), 3, value(lambda y: bytes(len(y)))),
            "ISO7816_G_26": (pace_info(13), 4, flipped(0)),
            "ISO7816_G_26 shorter": (pace_info(13), 4, value(lambda token: token[:-1])),
        }
    ),
)
def test_an_answer_with_a_wrong_value_ends_pace(
    info: PaceInfo, step: int, change: Callable[[Objects, CommandAPDU], Objects]
) -> None:
    found = inspected(document(info), changing=at_step(step, change))
    assert found.evidence.session is not None
    assert found.evidence.session.pace is None
    closed(found)


@CASES.case("ISO7816_G_23")
@pytest.mark.parametrize("number", [0, 13])
def test_the_terminals_own_key_echoed_back_ends_pace(number: int) -> None:
    def echo(_: Objects, command: CommandAPDU) -> Objects:
        return [(Tag.CHIP_PUBLIC_KEY, messages.decode(command.data)[0].value)]

    found = inspected(document(pace_info(number)), changing=at_step(3, echo))
    closed(found, "returned our own public key")


@CASES.case("ISO7816_G_27")
@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"\x31" + bytes((content[1] + 1,)) + content[2:],
        lambda content: b"\x30" + content[1:],
        lambda content: content[:3] + bytes((content[3] ^ 0x20,)) + content[4:],
        lambda content: content[:-2],
    ],
    ids=["length", "tag", "inside", "cut off"],
)
def test_a_malformed_card_access_is_named(change: Callable[[bytes], bytes]) -> None:
    made = document()
    made = made.with_file(FileID.CARD_ACCESS, change(made.files[FileID.CARD_ACCESS]))
    found = inspected(made)
    found.failed()
    assert FileID.DG1 not in found.evidence.files


@CASES.case("ISO7816_G_28")
@pytest.mark.parametrize("number", [3, 7, 19, 31, 255])
def test_unknown_domain_parameters_are_not_used(number: int) -> None:
    info = PaceInfo(PACE_GM.protocol, number)
    made = document().with_file(FileID.CARD_ACCESS, CardAccess(SecurityInfos(info)).encode())
    closed(inspected(made), f"domain parameters {number} are missing")


# --- Chip Authentication Mapping -----------------------------------------------------------------


@CASES.case("ISO7816_G_34")
def test_chip_authentication_mapping_proves_the_chip() -> None:
    made = with_mapping()
    found = inspected(made).succeeded(made)
    assert found.outcome("pace.cam") is Outcome.PASSED
    assert found.outcome("cardsecurity.signature") is Outcome.PASSED


DATA = Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA


def without_octet_string(objects: Objects, _: CommandAPDU) -> Objects:
    """The data object is one octet short, so it is not a whole number of cipher blocks."""
    return [(tag, octets[:-1] if tag == DATA else octets) for tag, octets in objects]


@pytest.mark.parametrize(
    "change",
    CASES.cases(
        {
            "ISO7816_G_29": lambda objects, _: [each for each in objects if each[0] != DATA],
            "ISO7816_G_30": without_octet_string,
            "ISO7816_G_32": lambda objects, _: [
                (0x8B if tag == DATA else tag, octets) for tag, octets in objects
            ],
            "ISO7816_G_33": lambda objects, _: [
                (tag, b"" if tag == DATA else octets) for tag, octets in objects
            ],
        }
    ),
)
def test_malformed_chip_authentication_data_end_pace(
    change: Callable[[Objects, CommandAPDU], Objects],
) -> None:
    closed(inspected(with_mapping(), changing=at_step(4, change)), "PACE")


@CASES.case("ISO7816_G_31")
def test_chip_authentication_data_of_another_key_show_a_clone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It decrypts correctly, but does not prove the key: a clone."""
    generate = cam.generate

    def another(group: EcGroup, static: object, private: int) -> bytes:
        return generate(group, static_key(13, 0xC0FFEE)[1], private)

    monkeypatch.setattr(cam, "generate", another)
    found = inspected(with_mapping()).failed()
    assert found.outcome("pace.cam") is Outcome.FAILED


@CASES.case("ISO7816_G_35")
def test_chip_authentication_data_with_generic_mapping_end_pace() -> None:
    def added(objects: Objects, _: CommandAPDU) -> Objects:
        return [*objects, (DATA, bytes(48))]

    closed(inspected(document(), changing=at_step(4, added)), "do not fit the mapping")


@CASES.case("ISO7816_G_36")
def test_an_unknown_protocol_identifier_beside_a_known_one_is_ignored() -> None:
    """id-PACE-DH-CAM does not exist: PACE uses the other entry."""
    none = unknown("0.4.0.127.0.7.2.2.4.5.2", der.integer(2), der.integer(0))
    made = issue(**(PACE | {"more_infos": (none,)}))
    offered = CardAccess(SecurityInfos(PACE_GM, none)).encode()
    made = made.with_file(FileID.CARD_ACCESS, offered)
    found = inspected(made).succeeded(made)
    assert "-gm-" in found.report.access


def chip_key_infos() -> list[SecurityInfo]:
    return ChipKey(13, AES128, 13).infos()


def wrong_key_infos() -> list[SecurityInfo]:
    """The public key of another chip."""
    public, info = chip_key_infos()
    assert isinstance(public, ChipAuthenticationPublicKeyInfo)
    return [replace(public, public_key=static_key(13, 0xC0FFEE)[0]), info]


@CASES.case("ISO7816_G_38")
def test_dg14_without_a_copy_of_card_access_is_accepted() -> None:
    """EF.CardSecurity has a copy, which is sufficient (4.2)."""
    made = with_mapping(dg14=chip_key_infos())
    inspected(made).succeeded(made)


@pytest.mark.parametrize(
    "signed",
    CASES.cases(
        {
            "ISO7816_G_39": [PACE_CAM, *wrong_key_infos()],
            "ISO7816_G_40": [PACE_CAM],
            "LDS_J_04": [PACE_CAM, chip_key_infos()[1]],
        }
    ),
)
def test_card_security_with_the_key_of_another_chip_is_rejected(signed: list[SecurityInfo]) -> None:
    found = inspected(with_mapping(signed=signed))
    found.failed()
    assert found.outcome("pace.cam") is Outcome.FAILED


MORE = unknown("1.3.6.1.4.1.99999.2", der.integer(1))


@CASES.case("LDS_J_01")
def test_card_security_may_say_more_than_card_access() -> None:
    made = with_mapping(signed=[PACE_CAM, *chip_key_infos(), MORE])
    inspected(made).succeeded(made)


@pytest.mark.parametrize(
    "signed",
    CASES.cases(
        {
            "LDS_J_02": [PACE_GM, *chip_key_infos()],
            "LDS_J_03": [PACE_GM, pace_info(12, CAM), *chip_key_infos()],
        }
    ),
)
def test_a_card_security_that_contradicts_card_access_is_rejected(
    signed: list[SecurityInfo],
) -> None:
    """An entry of EF.CardAccess is missing or different in EF.CardSecurity and in DG14."""
    made = with_mapping(offered=[PACE_GM], signed=signed, dg14=signed)
    found = inspected(made).failed()
    assert found.outcome("access.downgrade") is Outcome.FAILED
