"""Units ISO7816_G and LDS_J: PACE, and EF.CardSecurity.

The chips here have no Basic Access Control: where PACE fails, nothing is read.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace as change

from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.chips import (
    ChangeObjects,
    Objects,
    Octets,
    at_step,
    flipped,
    refusing_step,
    tagged,
    value,
)
from conformance.reader.documents import PACE_CAM, PACE_GM, ChipKey, Document, static_key
from emrtd.access.pace import messages
from emrtd.access.pace.messages import Tag
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, encode_domain_parameters
from emrtd.crypto.groups import EcGroup
from emrtd.crypto.protocols import Mapping
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import (
    PaceDomainParameterInfo,
    PaceInfo,
    SecurityInfo,
    UnknownSecurityInfo,
)
from vsmartcard.card.layers import Answering

UNIT: Final = Unit()
GM, IM, CAM = Mapping.GENERIC, Mapping.INTEGRATED, Mapping.CHIP_AUTHENTICATION
AES128 = Cipher.AES128


def pace_info(number: int, mapping: Mapping = GM, cipher: Cipher = AES128) -> PaceInfo:
    """Return the entry of a variant of PACE on standardised domain parameters."""
    return PaceInfo.of(STANDARDISED[number].key_agreement, mapping, cipher, number)


def document(at: Workshop, *offered: PaceInfo, **changes: object) -> Document:
    """Issue a document with PACE alone."""
    usual = {"pace": offered or (PACE_GM,), "basic_access_control": False}
    return at.document(**(usual | changes))


def with_mapping(
    at: Workshop,
    info: PaceInfo = PACE_CAM,
    *,
    signed: Iterable[SecurityInfo] | None = None,
    dg14: Iterable[SecurityInfo] | None = None,
    offered: Iterable[PaceInfo] = (),
) -> Document:
    """A document with PACE-CAM; `signed` is in EF.CardSecurity, `dg14` in DG14, instead of all."""
    number = info.parameter_id
    chip_key = ChipKey(13 if number is None else number, AES128, number)
    pace = (*offered, info)
    everything = (*pace, *chip_key.infos())
    return at.document(
        basic_access_control=False,
        card_access=pace,
        card_security=everything if signed is None else tuple(signed),
        chip_keys=(chip_key,),
        infos=everything if dg14 is None else tuple(dg14),
    )


def unknown(oid: str, *values: bytes) -> UnknownSecurityInfo:
    """A SecurityInfo that nobody knows."""
    return UnknownSecurityInfo(oid, der.sequence(der.oid(oid), *values))


# --- PACE succeeds -------------------------------------------------------------------------------


def _offering(*offered: PaceInfo) -> Make:
    return lambda at: Presented(document(at, *offered))


UNIT.good("ISO7816_G_01")(_offering())

for _number, _group in STANDARDISED.items():
    UNIT.good("ISO7816_G_02", str(_number))(_offering(pace_info(_number)))
    if _number != 10:  # Doc 9303-11, table 12: Integrated Mapping is not for secp224r1
        UNIT.good("ISO7816_G_03", str(_number))(_offering(pace_info(_number, IM)))

for _mapping in (GM, IM):
    for _number in (0, 13):
        for _cipher in Cipher:
            _info = pace_info(_number, _mapping, _cipher)
            UNIT.good("ISO7816_G_04", f"{_mapping} {_number} {_cipher.name}")(_offering(_info))


def _by_mapping(number: int) -> Make:
    return lambda at: Presented(with_mapping(at, pace_info(number, CAM)))


for _number, _group in STANDARDISED.items():
    if isinstance(_group, EcGroup):
        UNIT.good("ISO7816_G_41", str(_number))(_by_mapping(_number))


def _beside(entry: SecurityInfo) -> Make:
    return lambda at: Presented(document(at, infos=(entry,), card_access=(PACE_GM, entry)))


UNIT.good("ISO7816_G_05")(_beside(unknown("1.3.6.1.4.1.99999.1", der.octet_string(b"more"))))
# id-PACE-DH-CAM does not exist
UNIT.good("ISO7816_G_36")(
    _beside(unknown("0.4.0.127.0.7.2.2.4.5.2", der.integer(2), der.integer(0)))
)


@UNIT.good("ISO7816_G_06")
def _naming_the_parameters(at: Workshop) -> Presented:
    """With more than one set of domain parameters, MSE:Set AT names the one to use."""
    templates: list[bytes] = []

    def note(command: CommandAPDU) -> None:
        if command.ins == INS.MANAGE_SECURITY_ENVIRONMENT:
            templates.append(command.data)

    def objection() -> str:
        if not templates:
            return "PACE was not performed"
        named = messages.AuthenticationTemplate.decode(templates[0]).parameter_id
        return "" if named in {12, 17, 0} else "MSE:Set AT does not name the domain parameters"

    offered = (pace_info(12), pace_info(17, GM, Cipher.AES256), pace_info(0, IM))
    return Presented(
        document(at, *offered), layer=lambda card: Answering(card, note), objection=objection
    )


@UNIT.good("ISO7816_G_07")
def _with_explicit_parameters(at: Workshop) -> Presented:
    """Two PACEInfos, one with explicit parameters of a known group; the chip accepts either."""
    number = 40
    oid = pace_info(17, GM, Cipher.AES256).protocol
    own = PaceInfo(oid, number)
    parameters = PaceDomainParameterInfo(
        oid.rpartition(".")[0], encode_domain_parameters(STANDARDISED[17], explicit=True), number
    )
    return Presented(
        document(at, PACE_GM, own, infos=(parameters,), card_access=(PACE_GM, own, parameters))
    )


# --- PACE is aborted -----------------------------------------------------------------------------


def _refusing(step: int, sw: int) -> Make:
    return lambda at: Presented(document(at), layer=refusing_step(step, sw))


for _step, _id in enumerate(("08", "10", "12", "18", "24")):
    for _sw in (0x6300, 0x6A80, 0x6982, 0x6985, 0x6F00):
        UNIT.bad(f"ISO7816_G_{_id}", label=f"{_sw:04X}")(_refusing(_step, _sw))


def _changing(step: int, change_objects: ChangeObjects, info: PaceInfo = PACE_GM) -> Make:
    return lambda at: Presented(document(at, info), layer=at_step(step, change_objects))


for _id, _step, _tag in (("11", 1, 0x90), ("13", 2, 0x92), ("19", 3, 0x94), ("25", 4, 0x96)):
    UNIT.bad(f"ISO7816_G_{_id}")(_changing(_step, tagged(_tag)))

ZERO_POINT: Final[Octets] = lambda point: b"\x04" + bytes(len(point) - 1)  # noqa: E731
EC, DH, EC_IM = pace_info(13), pace_info(0), pace_info(13, IM)

for _id, _info, _step, _change in (
    ("09", EC, 1, flipped(0)),
    ("09 IM", EC_IM, 1, flipped(0)),
    ("09 shorter", EC, 1, value(lambda nonce: nonce[:-1])),
    ("14", EC, 2, value(lambda _: b"")),
    ("15", EC_IM, 2, value(lambda _: b"\x01")),
    ("16 form", EC, 2, flipped(0)),
    ("16 x", EC, 2, flipped(1)),
    ("16 y", EC, 2, flipped(-1)),
    ("16 zeros", EC, 2, value(ZERO_POINT)),
    ("16 infinity", EC, 2, value(lambda _: b"\x00")),
    ("17", DH, 2, flipped(0)),
    ("17 one", DH, 2, value(lambda _: b"\x01")),
    ("17 zeros", DH, 2, value(lambda y: bytes(len(y)))),
    ("20", EC, 3, value(lambda _: b"")),
    ("21 form", EC, 3, flipped(0)),
    ("21 x", EC, 3, flipped(1)),
    ("21 y", EC, 3, flipped(-1)),
    ("21 zeros", EC, 3, value(ZERO_POINT)),
    ("22", DH, 3, flipped(0)),
    ("22 one", DH, 3, value(lambda _: b"\x01")),
    ("22 zeros", DH, 3, value(lambda y: bytes(len(y)))),
    ("26", EC, 4, flipped(0)),
    ("26 shorter", EC, 4, value(lambda token: token[:-1])),
):
    _case, _, _label = _id.partition(" ")
    UNIT.bad(f"ISO7816_G_{_case}", label=_label)(_changing(_step, _change, _info))


def _echo(_: Objects, command: CommandAPDU) -> Objects:
    return [(Tag.CHIP_PUBLIC_KEY, messages.decode(command.data)[0].value)]


for _info in (EC, DH):
    UNIT.bad("ISO7816_G_23", label=str(_info.parameter_id))(_changing(3, _echo, _info))


def _card_access(change_content: Octets) -> Make:
    def make(at: Workshop) -> Presented:
        made = document(at)
        content = change_content(made.files[FileID.CARD_ACCESS])
        return Presented(made.with_file(FileID.CARD_ACCESS, content))

    return make


for _label, _octets in (
    ("length", lambda content: b"\x31" + bytes((content[1] + 1,)) + content[2:]),
    ("tag", lambda content: b"\x30" + content[1:]),
    ("inside", lambda content: content[:3] + bytes((content[3] ^ 0x20,)) + content[4:]),
    ("cut off", lambda content: content[:-2]),
):
    UNIT.bad("ISO7816_G_27", label=_label)(_card_access(_octets))


def _announcing(entry: PaceInfo) -> Make:
    return lambda at: Presented(document(at, card_access=(entry,)))


for _number in (3, 7, 19, 31, 255):
    _wrong = PaceInfo(PACE_GM.protocol, _number)
    UNIT.bad("ISO7816_G_28", label=str(_number))(_announcing(_wrong))


# --- Chip Authentication Mapping -----------------------------------------------------------------

UNIT.good("ISO7816_G_34")(lambda at: Presented(with_mapping(at)))

DATA: Final = Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA


def _data(change_data: ChangeObjects) -> Make:
    return lambda at: Presented(with_mapping(at), layer=at_step(4, change_data))


def _each(change_one: Octets) -> ChangeObjects:
    return lambda objects, _: [
        (tag, change_one(octets) if tag == DATA else octets) for tag, octets in objects
    ]


UNIT.bad("ISO7816_G_29")(_data(lambda objects, _: [each for each in objects if each[0] != DATA]))
# one octet short, so that it is not a whole number of cipher blocks
UNIT.bad("ISO7816_G_30")(_data(_each(lambda octets: octets[:-1])))
UNIT.bad("ISO7816_G_31", label="octets")(_data(_each(lambda octets: bytes(len(octets)))))
UNIT.bad("ISO7816_G_32")(
    _data(lambda objects, _: [(0x8B if tag == DATA else tag, each) for tag, each in objects])
)
UNIT.bad("ISO7816_G_33")(_data(_each(lambda _: b"")))


@UNIT.bad("ISO7816_G_31", "pace.cam", label="another key")
def _with_the_data_of_another_key(at: Workshop) -> Presented:
    """The data decrypt correctly, but do not prove the key: a clone."""
    made = with_mapping(at)
    (own,) = made.keys.chip_authentication
    _, private = static_key(13, 0xC0FFEE)
    other = change(own, private=private)
    return Presented(made.with_keys(chip_authentication=(other,)))


@UNIT.bad("ISO7816_G_35")
def _with_data_after_generic_mapping(at: Workshop) -> Presented:
    return Presented(
        document(at), layer=at_step(4, lambda objects, _: [*objects, (DATA, bytes(48))])
    )


def _chip_key_infos() -> list[SecurityInfo]:
    return ChipKey(13, AES128, 13).infos()


def _wrong_key_infos() -> list[SecurityInfo]:
    """The public key of another chip."""
    public = ChipKey(13, AES128, 13).public_key_info()
    return [change(public, public_key=static_key(13, 0xC0FFEE)[0]), _chip_key_infos()[1]]


UNIT.good("ISO7816_G_38")(lambda at: Presented(with_mapping(at, dg14=_chip_key_infos())))


def _card_security(*signed: SecurityInfo) -> Make:
    return lambda at: Presented(with_mapping(at, signed=signed))


UNIT.bad("ISO7816_G_39", "pace.cam")(_card_security(PACE_CAM, *_wrong_key_infos()))
UNIT.bad("ISO7816_G_40", "pace.cam")(_card_security(PACE_CAM))
UNIT.bad("LDS_J_04", "pace.cam")(_card_security(PACE_CAM, _chip_key_infos()[1]))

MORE: Final = unknown("1.3.6.1.4.1.99999.2", der.integer(1))
UNIT.good("LDS_J_01")(_card_security(PACE_CAM, *_chip_key_infos(), MORE))


def _contradicting(*signed: SecurityInfo) -> Make:
    """An entry of EF.CardAccess is missing or different in EF.CardSecurity and in DG14."""
    return lambda at: Presented(with_mapping(at, offered=[PACE_GM], signed=signed, dg14=signed))


UNIT.bad("LDS_J_02", "access.downgrade")(_contradicting(PACE_GM, *_chip_key_infos()))
UNIT.bad("LDS_J_03", "access.downgrade")(
    _contradicting(PACE_GM, pace_info(12, CAM), *_chip_key_infos())
)
