"""EF.ATR/INFO, EF.DIR, EF.CVCA, DG14 and DG15: how a reader accesses a chip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.signatures import EcPublicKey, RsaPublicKey
from emrtd.lds.application_directory import ApplicationDirectory
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import EMRTD_APPLICATION
from emrtd.lds.registry import tolerated
from emrtd.lds.security.security_infos import SecurityInfos, TerminalAuthenticationInfo
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, shared

OBJECTS = st.lists(
    st.tuples(
        st.sampled_from([0x02, 0x30, 0x42, 0x47, 0x4F, 0x61, 0x7F66, 0x43]), st.binary(max_size=24)
    )
).map(lambda objects: b"".join(tlv.encode(tag, value) for tag, value in objects))


@pytest.mark.parametrize("codec", [AtrInfo, ApplicationDirectory, Cvca, DataGroup14, DataGroup15])
@given(octets=st.binary(max_size=100) | OBJECTS | OBJECTS.map(lambda o: tlv.encode(0x6F, o)))
def test_any_octets_decode_or_are_malformed(
    codec: type[AtrInfo | ApplicationDirectory | Cvca | DataGroup14 | DataGroup15], octets: bytes
) -> None:
    try:
        file = codec.decode(octets)
    except MalformedError:
        return
    assert codec.decode(file.encode()) == file


def test_atr_info_of_table_29_is_decoded() -> None:
    octets = bytes.fromhex("47038401E07F66080202040002020800")
    info = AtrInfo.decode(octets)
    assert info.encode() == octets
    assert info.max_command == 1024
    assert info.max_response == 2048
    assert info.capabilities == (
        Capability.DF_BY_FULL_NAME
        | Capability.SHORT_EF_IDENTIFIER
        | Capability.ONE_OCTET_DATA_UNIT
        | Capability.COMMAND_CHAINING
        | Capability.EXTENDED_LENGTH
        | Capability.EXTENDED_LENGTH_INFORMATION
    )
    assert AtrInfo.of(info.capabilities, 1024, 2048) == info


@given(st.integers(0, 0xFFFFFF), st.integers(1, 0xFFFFFF), st.integers(1, 0xFFFFFF))
def test_atr_info_reads_back(bits: int, max_command: int, max_response: int) -> None:
    info = AtrInfo.decode(AtrInfo.of(Capability(bits), max_command, max_response).encode())
    assert (info.capabilities, info.max_command, info.max_response) == (
        bits,
        max_command,
        max_response,
    )


def test_atr_info_keeps_unknown_objects_and_may_lack_all_fields() -> None:
    octets = bytes.fromhex("4301B8460412345678000000")
    info = AtrInfo.decode(octets)
    assert info.encode() == octets
    assert (info.capabilities, info.max_command, info.max_response) == (None, None, None)
    assert AtrInfo.of(Capability(0), None, None).max_command is None


def test_atr_info_reads_a_size_without_its_leading_zero() -> None:
    info = AtrInfo.decode(bytes.fromhex("7F6608020280000202FFFF"))
    assert (info.max_command, info.max_response) == (0x8000, 0xFFFF)


@pytest.mark.parametrize(
    "octets", ["47028401", "7F660402020400", "7F660502050102030405"[:6], "47038401E0" * 2]
)
def test_atr_info_of_another_form_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedError, match="EF\\.ATR/INFO"):
        AtrInfo.decode(bytes.fromhex(octets))


def test_atr_info_requires_both_sizes() -> None:
    with pytest.raises(MisuseError):
        AtrInfo.of(Capability(0), 1000, None)
    with pytest.raises(MisuseError):
        AtrInfo.of(Capability(0), 0, 1000)


def test_directory_of_the_standards_example_is_decoded() -> None:
    listed = facts("lds/lds_files_and_tags.json")
    example = next(f["example"] for f in listed["mf_files"] if f["name"] == "EF.DIR")
    directory = ApplicationDirectory.decode(bytes.fromhex(example))
    assert directory.applications == (EMRTD_APPLICATION,)
    assert ApplicationDirectory.of([EMRTD_APPLICATION]) == directory


@given(st.lists(st.binary(min_size=5, max_size=16)))
def test_directory_reads_back(applications: list[bytes]) -> None:
    directory = ApplicationDirectory.of(applications)
    assert ApplicationDirectory.decode(directory.encode()).applications == tuple(applications)


def test_directory_requires_application_identifiers() -> None:
    with pytest.raises(MisuseError):
        ApplicationDirectory.of([b"\xa0\x00"])
    with pytest.raises(MalformedError, match="4F is missing"):
        ApplicationDirectory.decode(bytes.fromhex("61025000"))


LETTERS = st.text(st.characters(min_codepoint=1, max_codepoint=255), min_size=1, max_size=16)


@given(st.lists(LETTERS, max_size=2))
def test_cvca_reads_back_in_36_octets(references: list[str]) -> None:
    file = Cvca(tuple(references))
    assert len(file.encode()) == 36
    assert Cvca.decode(file.encode()) == file


def test_cvca_has_the_most_recent_reference_first() -> None:
    octets = bytes.fromhex("420D") + b"UTCVCAEP00002" + bytes.fromhex("420D") + b"UTCVCAEP00001"
    assert Cvca(("UTCVCAEP00002", "UTCVCAEP00001")).encode() == octets + bytes(6)


def test_cvca_holds_two_references_at_most() -> None:
    with pytest.raises(MisuseError):
        Cvca(("A", "B", "C"))
    with pytest.raises(MalformedError, match="at most two"):
        Cvca.decode(bytes.fromhex("420141420142420143"))
    with pytest.raises(MalformedError, match="shortest"):
        Cvca.decode(bytes.fromhex("42810141"))


def test_dg15_of_the_bsi_2008_set_is_read_despite_its_missing_zero() -> None:
    octets = shared("data/lds/bsi2008/Datagroup15.bin").read_bytes()
    dg15 = DataGroup15.decode(octets)
    assert dg15.encode() == octets
    assert isinstance(dg15.public_key, RsaPublicKey)
    assert dg15.public_key.description == "RSA-1024"  # its leading zero octet is missing


def test_dg15_of_a_recorded_session_is_decoded() -> None:
    session = facts("vectors/aa_rsa_extra.json")["rsa_session"]
    dg15 = DataGroup15.decode(bytes.fromhex(session["DG15"]))
    assert dg15.public_key.description == f"RSA-{session['modulus_bits']}"
    assert DataGroup15.of(dg15.public_key) == dg15


def test_dg15_with_an_elliptic_curve_key_reads_back() -> None:
    curve = CURVES["brainpoolP320r1"]
    key = EcPublicKey(curve, curve.g)
    assert DataGroup15.decode(DataGroup15.of(key).encode()).public_key == key


def test_dg15_keeps_a_key_that_cannot_be_used() -> None:
    octets = tlv.encode(0x6F, der.sequence(der.sequence(der.oid("1.2.3")), der.bit_string(b"")))
    dg15 = DataGroup15.decode(octets)
    assert dg15.encode() == octets
    with pytest.raises(MalformedError, match="is not supported"):
        _ = dg15.public_key


def test_zeros_inside_dg14_are_a_quirk() -> None:
    """Some chips pad the value of DG14, or of the SET in it, to a fixed size."""
    info = TerminalAuthenticationInfo()
    clean = DataGroup14(SecurityInfos(info))
    entries = tlv.read(clean.security_infos.encode(), "SET").value
    for octets, zeros in (
        (tlv.encode(0x6E, tlv.encode(0x31, entries), bytes(5)), 5),
        (tlv.encode(0x6E, tlv.encode(0x31, entries, bytes(3))), 3),
        (tlv.encode(0x6E, tlv.encode(0x31, entries, b"\0"), b"\0"), 2),
    ):
        found = DataGroup14.decode(octets)
        assert found.security_infos.entries == (info,)
        assert found.zeros == zeros
        assert tolerated(found) == (f"DG14: {zeros} octets 00 inside the data group",)
    assert tolerated(DataGroup14.decode(clean.encode())) == ()


@pytest.mark.parametrize(
    "value",
    [
        tlv.encode(0x31) + b"\0\1",
        tlv.encode(0x31) * 2,
        tlv.encode(0x31, b"\0\0\x30\0"),
        bytes(4),
        b"",
    ],
)
def test_other_octets_behind_the_security_infos_of_dg14_are_malformed(value: bytes) -> None:
    with pytest.raises(MalformedError):
        DataGroup14.decode(tlv.encode(0x6E, value))
