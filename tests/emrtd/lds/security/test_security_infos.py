import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto import protocols
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationDomainParameterInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    EfDirInfo,
    PaceDomainParameterInfo,
    PaceInfo,
    PrivilegedTerminalInfo,
    SecurityInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
    UnknownSecurityInfo,
)
from support.errors import MalformedError, MisuseError
from tests.helpers import facts, shared

SEQUENCES = st.binary(max_size=40).map(lambda octets: tlv.encode(der.SEQUENCE, octets))
NUMBERS = st.none() | st.integers(0, 1 << 40)
ENTRIES: st.SearchStrategy[SecurityInfo] = st.one_of(
    st.builds(PaceInfo, st.sampled_from(list(protocols.PACE_PROTOCOLS)), NUMBERS),
    st.builds(
        PaceDomainParameterInfo,
        st.sampled_from(list(protocols.PACE_DOMAIN_PARAMETERS)),
        SEQUENCES,
        NUMBERS,
    ),
    st.builds(
        ChipAuthenticationInfo,
        st.sampled_from(list(protocols.CHIP_AUTHENTICATION_PROTOCOLS)),
        NUMBERS,
        st.integers(1, 3),
    ),
    st.builds(
        ChipAuthenticationPublicKeyInfo,
        st.sampled_from(list(protocols.PUBLIC_KEY_PROTOCOLS)),
        SEQUENCES,
        NUMBERS,
    ),
    st.builds(
        ChipAuthenticationDomainParameterInfo,
        st.sampled_from(list(protocols.CHIP_AUTHENTICATION_DOMAIN_PARAMETERS)),
        SEQUENCES,
        NUMBERS,
    ),
    st.just(TerminalAuthenticationInfo(2)),
    st.builds(
        TerminalAuthenticationInfo,
        st.just(1),
        st.integers(0, 0xFFFF),
        st.none() | st.integers(0, 31),
    ),
    st.builds(ActiveAuthenticationInfo, st.just("0.4.0.127.0.7.1.1.4.1.3")),
    st.builds(EfDirInfo, st.binary(max_size=40)),
    st.binary(max_size=20).map(
        lambda octets: UnknownSecurityInfo(
            "1.2.3.4", der.sequence(der.oid("1.2.3.4"), der.octet_string(octets))
        )
    ),
)


@given(st.lists(ENTRIES, max_size=8))
def test_encoded_entries_decode_to_the_same(entries: list[SecurityInfo]) -> None:
    infos = SecurityInfos(*entries)
    assert SecurityInfos.decode(infos.encode()) == infos
    assert SecurityInfos.decode(infos.encode()).entries == infos.entries
    nested = SecurityInfos(PrivilegedTerminalInfo(infos))
    assert SecurityInfos.decode(nested.encode()).entries == nested.entries


@given(st.lists(ENTRIES, max_size=8))
def test_the_order_of_another_writer_is_kept(entries: list[SecurityInfo]) -> None:
    octets = tlv.encode(der.SET, *(entry.encode() for entry in entries))
    infos = SecurityInfos.decode(octets)
    assert infos.entries == tuple(entries)
    assert infos.encode() == octets


@given(
    st.binary(max_size=200)
    | st.lists(SEQUENCES | ENTRIES.map(lambda entry: entry.encode())).map(
        lambda items: tlv.encode(der.SET, *items)
    )
)
def test_any_octets_decode_or_are_malformed(octets: bytes) -> None:
    try:
        assert SecurityInfos.decode(octets).encode() == octets
    except MalformedError:
        return


@given(st.data())
def test_an_octet_changed_anywhere_decodes_or_is_malformed(data: st.DataObject) -> None:
    octets = bytearray(SecurityInfos(*data.draw(st.lists(ENTRIES, min_size=1))).encode())
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        infos = SecurityInfos.decode(bytes(octets))
    except MalformedError:
        return
    assert infos.encode() == bytes(octets)
    for entry in infos:
        entry.encode()


def test_the_object_identifiers_are_those_of_the_standard() -> None:
    listed = facts("crypto/oids_and_securityinfos.json")
    names = {"3DES": Cipher.TDES, 128: Cipher.AES128, 192: Cipher.AES192, 256: Cipher.AES256}

    def cipher(entry: dict[str, object]) -> Cipher:
        return names[entry["cipher"] if entry["cipher"] == "3DES" else entry["key_bits"]]

    assert {
        entry["oid"]: (entry["mapping"], entry["key_agreement"], cipher(entry))
        for entry in listed["pace"]
    } == {
        oid: (each.mapping, each.key_agreement, each.cipher)
        for oid, each in protocols.PACE_PROTOCOLS.items()
    }
    assert {
        entry["oid"]: (entry["key_agreement"], cipher(entry))
        for entry in listed["chip_authentication"]
    } == {
        oid: (each.key_agreement, each.cipher)
        for oid, each in protocols.CHIP_AUTHENTICATION_PROTOCOLS.items()
    }


def test_pace_info_is_made_from_its_properties() -> None:
    info = PaceInfo.of(KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION, Cipher.AES128, 13)
    assert info.protocol == "0.4.0.127.0.7.2.2.4.6.2"
    assert (info.mapping, info.key_agreement, info.cipher) == (
        Mapping.CHIP_AUTHENTICATION,
        KeyAgreement.ECDH,
        Cipher.AES128,
    )
    with pytest.raises(MisuseError, match="no ECDH-CAM with 3DES"):
        PaceInfo.of(KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION, Cipher.TDES)
    with pytest.raises(MisuseError):
        PaceInfo("0.4.0.127.0.7.2.2.4.6.1")


@pytest.mark.parametrize("chip", range(4))
def test_dg14_of_a_real_chip_encodes_to_the_same_octets(chip: int) -> None:
    octets = bytes.fromhex(facts("vectors/ca_v1_sessions.json")["vectors"][chip]["DG14"])
    dg14 = DataGroup14.decode(octets)
    assert dg14.encode() == octets
    assert not dg14.security_infos.tolerated
    assert not dg14.security_infos.of(UnknownSecurityInfo)
    (key,) = dg14.security_infos.of(ChipAuthenticationPublicKeyInfo)
    assert key.key_agreement is KeyAgreement.ECDH
    info = dg14.security_infos.of(ChipAuthenticationInfo)
    assert [(each.cipher, each.key_id) for each in info] == [
        [(Cipher.AES128, None)], [(Cipher.AES128, 195)], [(Cipher.TDES, None)], [],
    ][chip]  # fmt: skip
    assert key.key_id == (195 if chip == 1 else None)
    assert [each.parameter_id for each in dg14.security_infos.of(PaceInfo)] == [
        [13], [13, 13], [], [12],
    ][chip]  # fmt: skip
    terminal = dg14.security_infos.of(TerminalAuthenticationInfo)
    assert [each.version for each in terminal] == ([] if chip == 3 else [1])


def test_dg14_of_the_bsi_2008_set_is_decoded() -> None:
    octets = shared("data/lds/bsi2008/Datagroup14.bin").read_bytes()
    dg14 = DataGroup14.decode(octets)
    assert dg14.encode() == octets
    assert not dg14.security_infos.tolerated
    assert dg14.security_infos.of(TerminalAuthenticationInfo) == (TerminalAuthenticationInfo(),)
    assert len(dg14.security_infos.of(ChipAuthenticationPublicKeyInfo)) == 1


@pytest.mark.parametrize("name", ["ecdh", "dh"])
def test_card_access_of_the_eac2_worked_examples_is_decoded(name: str) -> None:
    octets = bytes.fromhex(facts(f"vectors/eac2_worked_example_{name}.json")["EF_CardAccess"])
    card_access = CardAccess.decode(octets)
    assert card_access.encode() == octets
    infos = card_access.security_infos
    assert not infos.tolerated
    (pace,) = infos.of(PaceInfo)
    assert pace.mapping is Mapping.GENERIC
    assert {each.version for each in infos.of(ChipAuthenticationInfo)} == {2}
    assert infos.of(TerminalAuthenticationInfo) == (TerminalAuthenticationInfo(2),)
    (privileged,) = infos.of(PrivilegedTerminalInfo)
    for key_id, entries in ((1, infos), (2, privileged.infos)):
        assert [each.key_id for each in entries.of(ChipAuthenticationInfo)] == [key_id]
        (parameters,) = entries.of(ChipAuthenticationDomainParameterInfo)
        assert parameters.key_id == key_id


PACE_OID = der.oid("0.4.0.127.0.7.2.2.4.2.2")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (der.sequence(PACE_OID), "field 1 is missing"),
        (der.sequence(PACE_OID, der.integer(2), der.integer(13), der.null()), "more fields"),
        (der.sequence(PACE_OID, bytes.fromhex("02020002")), "not DER"),
        (der.sequence(PACE_OID, der.integer(2), der.sequence()), "tag 02 is expected"),
        (der.sequence(der.oid(protocols.ID_PK_ECDH), der.null()), "a SEQUENCE is expected"),
        (
            der.sequence(
                der.oid(protocols.ID_TA), der.integer(1), der.sequence(der.octet_string(b"1"))
            ),
            "a FileID is 2 octets",
        ),
    ],
)
def test_a_malformed_entry_of_a_known_protocol_is_kept(entry: bytes, reason: str) -> None:
    octets = tlv.encode(der.SET, entry, PaceInfo("0.4.0.127.0.7.2.2.4.2.2", 13).encode())
    infos = SecurityInfos.decode(octets)
    assert infos.encode() == octets
    assert len(infos.of(PaceInfo)) == 1
    (tolerated,) = infos.tolerated
    assert reason in tolerated


@pytest.mark.parametrize(
    "octets", ["", "30", "3000", "31023000", "3103020101", "310500", "31013000"]
)
def test_other_structures_than_a_set_of_entries_are_malformed(octets: str) -> None:
    with pytest.raises(MalformedError):
        SecurityInfos.decode(bytes.fromhex(octets))


def test_entries_nested_forty_deep_read_back() -> None:
    infos = SecurityInfos()
    for _ in range(40):
        infos = SecurityInfos(PrivilegedTerminalInfo(infos))
    decoded = SecurityInfos.decode(infos.encode())
    assert decoded.encode() == infos.encode()


def test_a_set_of_too_many_entries_is_malformed() -> None:
    entry = der.sequence(der.oid("1.2.3"), der.integer(1))
    assert len(SecurityInfos.decode(der.set_of(*(entry,) * 256)).encode()) > 256
    with pytest.raises(MalformedError, match="too many"):
        SecurityInfos.decode(der.set_of(*(entry,) * 257))
