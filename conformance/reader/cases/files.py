"""Units LDS_A, F, I and K: EF.COM, and the files that describe the protocols."""

from typing import Final

from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.chips import Octets
from conformance.reader.documents import ChipKey, data_groups
from conformance.reader.edits import TAG_AND_LENGTH, edited, replaced, without
from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.lds.files import FileID

UNIT: Final = Unit()
COM, LDS_VERSION, UNICODE_VERSION, LIST = 0x60, 0x5F01, 0x5F36, 0x5C


# --- unit A: EF.COM, which is not signed ---------------------------------------------------------


def _com(change: Octets) -> Make:
    def make(at: Workshop) -> Presented:
        made = at.document()
        return Presented(made.with_file(FileID.COM, change(made.files[FileID.COM])))

    return make


for _id, _octets in (
    *((f"LDS_A_0{number}", change) for number, change in enumerate(TAG_AND_LENGTH, 1)),
    ("LDS_A_04", lambda com: edited(com, (COM,), replaced(LDS_VERSION, lambda _: b"0300"))),
    ("LDS_A_05", lambda com: edited(com, (COM,), without(LDS_VERSION))),
    ("LDS_A_06", lambda com: edited(com, (COM,), replaced(UNICODE_VERSION, lambda _: b"050000"))),
    ("LDS_A_07", lambda com: edited(com, (COM,), without(UNICODE_VERSION))),
    (
        "LDS_A_08",
        lambda com: edited(com, (COM,), replaced(LIST, lambda tags: tags.replace(b"\x61", b""))),
    ),
    ("LDS_A_09", lambda com: edited(com, (COM,), without(LIST))),
):
    UNIT.bad(_id, "com.consistent", "lds.structure")(_com(_octets))

UNIT.good("LDS_A_10")(lambda at: at.presented(lds_version="0108"))


# --- units F and I: DG14 and DG15, signed as they are --------------------------------------------

KEY: Final = ChipKey(13, Cipher.AES128)


def _signed(number: int, change: Octets) -> Make:
    def make(at: Workshop) -> Presented:
        active = "brainpoolP256r1" if number == 15 else None
        how = {"chip_keys": (KEY,), "active_authentication": active}
        usual = data_groups(at.how(**how))[number]
        return at.presented(**how, more={number: change(usual)})

    return make


for _number, _unit in ((14, "F"), (15, "I")):
    for _place, _octets in enumerate(TAG_AND_LENGTH, 1):
        UNIT.bad(f"LDS_{_unit}_0{_place}", "lds.structure", "dg.hash")(_signed(_number, _octets))


def _with_info(info: bytes) -> Octets:
    """Return a DG14 with another entry in place of ChipAuthenticationInfo.

    Without that, 3DES is assumed; this chip uses AES.
    """
    return lambda _: tlv.encode(0x6E, der.set_of(KEY.public_key_info().encode(), info))


_PROTOCOL: Final = der.oid(KEY.protocol)

for _id, _info in (
    ("04", der.sequence(der.oid("0.4.0.127.0.7.2.2.3.2.9"), der.integer(1))),
    ("05", der.sequence(der.integer(1))),
    ("06", der.sequence(_PROTOCOL, der.integer(9))),
    ("07", der.sequence(_PROTOCOL)),
):
    UNIT.bad(f"LDS_F_{_id}", "lds.structure", "chip.authentication")(_signed(14, _with_info(_info)))


# --- unit K: EF.ATR/INFO -------------------------------------------------------------------------


def _with_atr_info(content: str) -> Make:
    octets = bytes.fromhex(content)
    return lambda at: Presented(at.document().with_file(FileID.ATR_INFO, octets))


UNIT.good("LDS_K_01")(_with_atr_info("7F66080202078002020780"))
UNIT.good("LDS_K_02")(_with_atr_info("7F660A02030080000203008000"))
UNIT.bad("LDS_K_03", "lds.structure")(_with_atr_info("7F660402020780"))
