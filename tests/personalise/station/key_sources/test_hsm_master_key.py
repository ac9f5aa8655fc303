"""A master key in SoftHSM gives the keys that the same key gives in memory."""

import pytest

from tests.personalise.pki.keys.test_hsm import run, token

__all__ = ["token"]

pytestmark = pytest.mark.interop

SCRIPT = """
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from emrtd.globalplatform.keys import MasterKeys
from personalise.station.key_sources.hsm_keys import HsmMasterKey
hsm = custody()
master, kek = bytes(range(32)), bytes(range(50, 82))
def make(session):
    for label, value, uses in (
        ("batch 17", master, MechanismFlag.SIGN | MechanismFlag.VERIFY),
        ("test", bytes(range(0x40, 0x50)), MechanismFlag.SIGN | MechanismFlag.VERIFY),
        ("wrapping", kek, MechanismFlag.WRAP | MechanismFlag.UNWRAP),
    ):
        session.create_object({
            Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES,
            Attribute.VALUE: value, Attribute.LABEL: label, Attribute.TOKEN: True,
            Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False,
            Attribute.SIGN: bool(uses & MechanismFlag.SIGN),
            Attribute.WRAP: bool(uses & MechanismFlag.WRAP),
            Attribute.UNWRAP: bool(uses & MechanismFlag.UNWRAP),
        })
hsm._call(make)
card = bytes(range(10))
expected = MasterKeys.single(Secret(master)).for_card(card, 1)
"""


def test_the_keys_of_a_card_are_derived_in_the_hsm(token: dict[str, str]) -> None:
    script = (
        SCRIPT
        + """
print(HsmMasterKey(hsm, "batch 17", 32).for_card(card, 1) == expected)
try:
    HsmMasterKey(hsm, "absent", 32).for_card(card, 1)
except ChipsealError as error:
    print(error.message)
hsm.close()
"""
    )
    assert run(script, token).splitlines() == [
        "True",
        "the HSM has no secret keys 'absent'; exactly one is required",
    ]


def test_the_published_test_key_in_an_hsm_is_refused(token: dict[str, str]) -> None:
    script = (
        SCRIPT
        + """
try:
    HsmMasterKey(hsm, "test", 16).for_card(card, 1)
except ChipsealError as error:
    print(error.message)
hsm.close()
"""
    )
    assert run(script, token).strip().startswith("the key 'test' in the HSM is the published test")


def test_a_wrapped_master_key_is_unwrapped_in_the_hsm(token: dict[str, str]) -> None:
    script = (
        SCRIPT
        + """
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
wrapped = aes_key_wrap(kek, master)
print(HsmMasterKey(hsm, "wrapping", 32, wrapped).for_card(card, 1) == expected)
try:
    HsmMasterKey(hsm, "wrapping", 32, bytes(40)).for_card(card, 1)
except ChipsealError as error:
    print(type(error).__name__)
hsm.close()
"""
    )
    assert run(script, token).splitlines() == ["True", "HsmError"]
