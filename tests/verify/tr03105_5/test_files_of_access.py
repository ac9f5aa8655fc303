"""TR-03105-5.1, units LDS_F, I and K: the files that describe the protocols."""

from collections.abc import Callable

import pytest

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.apdu import CommandAPDU
from emrtd.lds.files import FileID
from tests.helpers import replace
from tests.verify.documents import Document, issue
from tests.verify.tr03105_5.simulator import BAC, CASES, ChipKey, inspected, with_keys

TAG_AND_LENGTH = {
    "01": lambda content: bytes((content[0] + 1,)) + content[1:],
    "02": lambda content: _longer(content, -1),
    "03": lambda content: _longer(content, 1),
}


def _longer(content: bytes, by: int) -> bytes:
    """Return the same octets with a length that is one too small or too large."""
    value = tlv.read(content, "file").value
    head = content[: -len(value)]
    return head[:1] + tlv.encode_length(len(value) + by) + value


def changed(number: int, change: Callable[[bytes], bytes]) -> Document:
    """Return a document with one data group changed, and signed as changed."""
    proofs = BAC | {"active_authentication": "brainpoolP256r1" if number == 15 else None}
    made = with_keys(ChipKey(13, Cipher.AES128), access=proofs)
    file_id = FileID.DG14 if number == 14 else FileID.DG15
    other = change(made.files[file_id])
    again = issue(**proofs, more={14: made.files[FileID.DG14]} | {number: other})
    return replace(again, keys=made.keys)


@pytest.mark.parametrize(
    ("number", "change"),
    CASES.cases(
        {f"LDS_F_{name}": (14, change) for name, change in TAG_AND_LENGTH.items()}
        | {f"LDS_I_{name}": (15, change) for name, change in TAG_AND_LENGTH.items()}
    ),
)
def test_a_data_group_with_a_wrong_tag_or_length_is_named(
    number: int, change: Callable[[bytes], bytes]
) -> None:
    """Although it is signed, it is not a DG14 or DG15, so its proof is missing."""
    inspected(changed(number, change)).failed()


def with_info(info: bytes) -> Callable[[bytes], bytes]:
    """Return a DG14 with another entry in place of ChipAuthenticationInfo."""

    def change(content: bytes) -> bytes:
        key, _ = ChipKey(13, Cipher.AES128).infos()
        return tlv.encode(0x6E, der.set_of(key.encode(), info))

    return change


PROTOCOL = der.oid(ChipKey(13, Cipher.AES128).protocol)


@pytest.mark.parametrize(
    "info",
    CASES.cases(
        {
            "LDS_F_04": der.sequence(der.oid("0.4.0.127.0.7.2.2.3.2.9"), der.integer(1)),
            "LDS_F_05": der.sequence(der.integer(1)),
            "LDS_F_06": der.sequence(PROTOCOL, der.integer(9)),
            "LDS_F_07": der.sequence(PROTOCOL),
        }
    ),
)
def test_without_chip_authentication_info_3des_is_assumed(info: bytes) -> None:
    """Without ChipAuthenticationInfo, 3DES is assumed; this chip uses AES."""
    inspected(changed(14, with_info(info))).failed()


@pytest.mark.parametrize(
    ("content", "extended"),
    CASES.cases(
        {
            "LDS_K_01": ("7F66080202078002020780", True),
            "LDS_K_02": ("7F660A020300800002030080 00", True),
            "LDS_K_03": ("7F660402020780", False),
            "LDS_K_04": ("7F65080202078002020780", False),
        }
    ),
)
def test_the_buffers_of_atr_info_are_used(content: str, extended: bool) -> None:
    """Extended length is used only if the file allows it.

    Part 5.1 has the inspection fail where the file is faulty.  Nothing signs EF.ATR/INFO and no
    part of the document rests on it: a file that says nothing of buffers is read past, by short
    commands; one that is malformed is a finding of its own.
    """
    made = issue(**BAC)
    made = made.with_file(FileID.ATR_INFO, bytes.fromhex(content.replace(" ", "")))
    forms: set[bool] = set()

    def answering(command: CommandAPDU) -> None:
        forms.add(command.is_extended)

    found = inspected(made, answering=answering)
    assert (True in forms) is extended
    if content.startswith("7F6604"):
        found.failed("EF.ATR/INFO")
    else:
        found.succeeded(made)
