import pytest

from emrtd.access.pace.variants import Preference, choose, variants
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED, encode_domain_parameters
from emrtd.crypto.groups import EcGroup, Group, ModpGroup
from emrtd.crypto.protocols import KeyAgreement, Mapping, pace_oid
from emrtd.errors import ProtocolError
from emrtd.lds.security.security_infos import PaceDomainParameterInfo, PaceInfo, SecurityInfos
from tests.helpers import facts

DH, ECDH = KeyAgreement.DH, KeyAgreement.ECDH
GM, IM, CAM = Mapping.GENERIC, Mapping.INTEGRATED, Mapping.CHIP_AUTHENTICATION


def info(number: int | None, mapping: Mapping = GM, cipher: Cipher = Cipher.AES128) -> PaceInfo:
    agreement = DH if number is not None and number < 3 else ECDH
    return PaceInfo.of(agreement, mapping, cipher, number)


def parameters(group: Group, number: int | None, mapping: Mapping = GM) -> PaceDomainParameterInfo:
    oid = pace_oid(group.key_agreement, mapping, None)
    assert oid is not None
    return PaceDomainParameterInfo(oid, encode_domain_parameters(group, explicit=True), number)


def custom_group() -> ModpGroup:
    known = STANDARDISED[2]
    assert isinstance(known, ModpGroup)
    return ModpGroup(known.p, pow(known.g, 3, known.p), known.q)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([info(13), info(13, CAM)], info(13, CAM)),
        ([info(13, IM), info(13)], info(13)),
        ([info(13, CAM), info(17, GM, Cipher.AES256)], info(17, GM, Cipher.AES256)),
        ([info(13, GM, Cipher.TDES), info(13, IM)], info(13, IM)),
        ([info(13), info(13, GM, Cipher.AES256)], info(13, GM, Cipher.AES256)),
        ([info(8, GM, Cipher.AES256), info(13)], info(13)),
        ([info(2), info(10)], info(10)),
        ([info(0), info(1)], info(1)),
        ([info(13), info(17)], info(17)),
        ([info(10, IM), info(8)], info(8)),
    ],
)
def test_the_strongest_is_chosen(offered: list[PaceInfo], chosen: PaceInfo) -> None:
    for order in (offered, offered[::-1]):
        assert choose(SecurityInfos(*order)).info == chosen


def test_a_preference_overrides_the_default_order() -> None:
    infos = SecurityInfos(info(13, CAM), info(13), info(13, IM))
    assert choose(infos, Preference(mappings=(IM, GM))).info == info(13, IM)
    with pytest.raises(ProtocolError, match="weaker than 192 bits"):
        choose(infos, Preference(minimum_strength=192))
    with pytest.raises(ProtocolError, match="not accepted"):
        choose(SecurityInfos(info(13)), Preference(mappings=(CAM,)))


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        ([], "has no PACEInfo"),
        ([info(31)], "domain parameters 31 are missing"),
        ([info(None)], "domain parameters None are missing"),
        ([info(10, IM)], "Integrated Mapping is not defined on secp224r1"),
        ([PaceInfo.of(DH, GM, Cipher.AES128, 13)], "of the other kind"),
        ([PaceInfo.of(ECDH, GM, Cipher.AES128, 0)], "of the other kind"),
        ([PaceInfo(info(13).protocol, 13, version=1)], "version 1"),
    ],
)
def test_the_error_says_why_no_variant_is_usable(offered: list[PaceInfo], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        choose(SecurityInfos(*offered))


def test_explicit_parameters_are_used_only_if_trusted() -> None:
    group = custom_group()
    entry = PaceInfo.of(DH, GM, Cipher.AES128, 40)
    infos = SecurityInfos(entry, parameters(group, 40))
    with pytest.raises(ProtocolError, match="are not trusted"):
        choose(infos)
    assert choose(infos, Preference(trusted=(group,))).group == group
    assert variants(infos)[0].group == group

    named = EcGroup(CURVES["brainpoolP160r1"])
    infos = SecurityInfos(info(41), parameters(named, 41))
    assert choose(infos).group == named
    known = SecurityInfos(info(42), parameters(STANDARDISED[13], 42))
    assert choose(known).group == STANDARDISED[13]


def test_explicit_parameters_that_are_not_a_group_are_refused() -> None:
    group = custom_group()
    broken = parameters(ModpGroup(group.p, group.p - 1, group.q), None)
    with pytest.raises(ProtocolError, match="not a group of prime order"):
        choose(SecurityInfos(PaceInfo.of(DH, GM, Cipher.AES128), broken))


def test_explicit_parameters_are_found_by_identifier_and_mapping() -> None:
    first, second = EcGroup(CURVES["brainpoolP256r1"]), EcGroup(CURVES["secp256r1"])
    infos = SecurityInfos(info(40), info(41, IM), parameters(first, 40), parameters(second, 41, IM))
    found = {each.info.parameter_id: each.group for each in variants(infos)}
    assert found == {40: first, 41: second}
    infos = SecurityInfos(info(None, IM), parameters(first, None, GM), parameters(second, None, IM))
    assert choose(infos).group == second


def test_parameters_are_ambiguous_if_there_is_more_than_one_set() -> None:
    assert not choose(SecurityInfos(info(13), info(13, CAM))).ambiguous
    assert choose(SecurityInfos(info(13), info(12))).ambiguous


def test_names_have_protocol_and_parameters() -> None:
    assert choose(SecurityInfos(info(13))).name == "pace-ecdh-gm-aes-cbc-cmac-128/brainpoolP256r1"
    weak = choose(SecurityInfos(info(2, IM, Cipher.TDES)))
    assert weak.name == "pace-dh-im-3des-cbc-cbc/MODP-2048/256"


@pytest.mark.parametrize("name", ["ecdh", "dh"])
def test_card_access_of_the_worked_examples_is_read(name: str) -> None:
    example = facts(f"vectors/eac2_worked_example_{name}.json")
    infos = SecurityInfos.decode(bytes.fromhex(example["EF_CardAccess"]))
    chosen = choose(infos)
    assert chosen.info.protocol == example["PACE"]["oid"]
    assert chosen.group == STANDARDISED[example["parameter_id"]]
