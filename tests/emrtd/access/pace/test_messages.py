import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.access.pace import messages
from emrtd.access.pace.messages import AuthenticationTemplate, Tag
from emrtd.access.passwords import PasswordType
from emrtd.crypto.protocols import PACE_PROTOCOLS
from support.errors import MalformedError

templates = st.builds(
    AuthenticationTemplate,
    protocol=st.sampled_from(sorted(PACE_PROTOCOLS)),
    password=st.integers(0, 255),
    parameter_id=st.one_of(st.none(), st.integers(0, 1 << 20)),
    chat=st.one_of(st.none(), st.binary(max_size=20).map(lambda value: tlv.encode(0x7F4C, value))),
)


@given(templates)
def test_a_template_decodes_to_itself(template: AuthenticationTemplate) -> None:
    assert AuthenticationTemplate.decode(template.encode()) == template


@given(st.binary(max_size=60))
def test_any_octets_decode_as_a_template_or_are_malformed(octets: bytes) -> None:
    for data in (octets, bytes.fromhex("800A04007F00070202040202830102") + octets):
        with contextlib.suppress(MalformedError):
            assert AuthenticationTemplate.decode(data).protocol


@given(st.lists(st.tuples(st.sampled_from(Tag), st.binary(max_size=200)), max_size=4))
def test_dynamic_authentication_data_decodes_to_itself(objects: list[tuple[Tag, bytes]]) -> None:
    decoded = messages.decode(messages.encode(*objects))
    assert [(each.tag, each.value) for each in decoded] == objects


@given(st.binary(max_size=60), st.sampled_from(Tag))
def test_any_answer_decodes_or_is_malformed(octets: bytes, tag: Tag) -> None:
    for data in (octets, tlv.encode(0x7C, octets)):
        try:
            value, objects = messages.decode_answer(data, tag)
        except MalformedError:
            continue
        assert objects.one(tag).value == value


def test_password_references_1_to_4_are_known() -> None:
    types = [AuthenticationTemplate("0.4", number).password_type for number in range(6)]
    assert types == [None, *PasswordType, None]


@pytest.mark.parametrize("data", ["7C00", "7C028600", "80028600", "", "7C0386013100"])
def test_an_answer_without_its_data_object_is_malformed(data: str) -> None:
    with pytest.raises(MalformedError):
        messages.decode_answer(bytes.fromhex(data), Tag.ENCRYPTED_NONCE)
