"""Diversification by KDF3, key check values, and what a key set must be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd.globalplatform.keys import MasterKeys, StaticKeys, check_value, derive_static_key
from support.errors import MisuseError
from support.secret import Secret
from tests.emrtd.globalplatform import independent
from tests.emrtd.globalplatform.cards import KEY_SIZES, key_octets

# Values of the tests of GlobalPlatformPro (martinpaljak/GlobalPlatformPro,
# library/src/test/java/pro/javacard/gp/test/TestPlaintextKeys.java): the whole Key-ENC of one card,
# and the key check values of three others.
MASTER = "8C72C72CF908411653018807950D82FBAD947562F0828A0B10B8B9606ABF3BCD"
CARD = "D9B1DE5D0362DEDCE4FB"
KEY_ENC = "9AAC5D0B3601F89438A0D9D0B6B256CFB47E6462DFA5228D3420C4AC7C224781"
CHECK_VALUES = {
    16: ["E79C05", "D1BD77", "3FDE8C"],
    24: ["1DE8EA", "47C00C", "C04D76"],
    32: ["2972D2", "036F94", "5D57B8"],
}


def test_the_published_key() -> None:
    keys = MasterKeys.single(Secret(bytes.fromhex(MASTER))).for_card(bytes.fromhex(CARD), 0x30)
    assert keys.enc.reveal().hex().upper() == KEY_ENC


@pytest.mark.parametrize("size", KEY_SIZES)
def test_the_published_check_values(size: int) -> None:
    masters = MasterKeys.single(Secret(bytes(range(0x40, 0x40 + size))))
    keys = masters.for_card(bytes(range(10)), 0x30)
    assert [check_value(key).hex().upper() for key in keys.in_order] == CHECK_VALUES[size]


@given(
    st.sampled_from(KEY_SIZES),
    st.binary(min_size=96, max_size=96),
    st.binary(min_size=10, max_size=10),
)
def test_three_master_keys_equal_the_independent_derivation(
    size: int, octets: bytes, diversification_data: bytes
) -> None:
    masters = [octets[32 * i : 32 * i + size] for i in range(3)]
    keys = MasterKeys(*(Secret(each) for each in masters)).for_card(diversification_data, 0x30)
    assert key_octets(keys) == tuple(
        independent.kdf3(master, number, diversification_data)
        for number, master in enumerate(masters, 1)
    )
    for key in keys.in_order:
        assert check_value(key) == independent.key_check_value(key.reveal())


def test_keys_of_other_sizes_are_mistakes() -> None:
    aes_128, aes_256 = Secret(bytes(16)), Secret(bytes(32))
    with pytest.raises(MisuseError):
        StaticKeys(aes_128, aes_128, aes_256)
    with pytest.raises(MisuseError):
        check_value(Secret(bytes(17)))
    with pytest.raises(MisuseError):
        derive_static_key(aes_128, 1, bytes(9))
