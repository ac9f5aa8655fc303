import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emrtd.access.chip_keys import ChipKeys
from emrtd.access.passwords import Password, PasswordType
from emrtd.biometrics.images import portrait
from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.samples import FaceImage, Generation
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import load_private_key
from emrtd.lds.atr_info import AtrInfo
from emrtd.lds.com import Com
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FILES, FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
)
from emrtd.lds.security.sod import Sod
from emrtd.mrz import Mrz
from emrtd.pki.cms.signed_data import SignedData
from personalise.pki.create import create_pki
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.keys.station import StationKeys
from personalise.pki.settings import settings_for
from personalise.preparing.application import Application, DocumentData, Holder
from personalise.preparing.chip_profile import ChipProfile, Names
from personalise.preparing.data_groups import FIELDS_OF_DG11, FIELDS_OF_DG12, FIELDS_OF_MRZ
from personalise.preparing.data_preparation import prepare
from personalise.preparing.station_order import StationOrder
from support.errors import MisuseError
from support.records import FieldError
from tests.certificates import Authority
from tests.helpers import replace
from tests.personalise.applications import CONTRACT, application, changed, images
from tests.personalise.conftest import NOW, PASSPHRASE

PASSPORT = changed("document.code", "PP", changed("permit", ...))


def make(
    pki: IssuingPki, profile: str | ChipProfile = "permit", record: dict[str, Any] = CONTRACT
) -> LdsImage:
    if isinstance(profile, str):
        profile = ChipProfile.load(profile)
    return prepare(application(record), profile, pki.issuance(), NOW)


def keys_of(image: LdsImage) -> ChipKeys:
    assert image.chip_keys is not None
    order = StationOrder.decode(StationKeys(PASSPHRASE).open(image.chip_keys).reveal())
    assert order.card_profile == "iso7816-9"
    return order.keys


def with_changes(profile: ChipProfile, **changes: Any) -> ChipProfile:
    return msgspec.structs.replace(profile, **changes)


def test_every_data_group_holds_the_data_of_the_application(pki: IssuingPki) -> None:
    image = make(pki)
    mrz = DataGroup1.decode(image.files[FileID.DG1]).mrz
    assert mrz.format == "TD1"
    assert mrz.lines == (
        "IRUTOZU12345673<<<<<<<<<<<<<<<",
        "9001310F3111219COL<<<<<<<<<<<4",
        "OEDEGAARD<<ANA<MARIA<<<<<<<<<<",
    )
    assert all(each.printed == each.computed for each in mrz.check_digits())
    (face,) = DataGroup2.decode(image.files[FileID.DG2]).faces()
    assert face.data == images()["portrait.jpg"]
    (finger,) = DataGroup3.decode(image.files[FileID.DG3]).fingers()
    assert (finger.data, finger.position.label) == (images()["ri.wsq"], "right-index")
    details = DataGroup11.decode(image.files[FileID.DG11])
    assert details.name_in_full == "Ødegård<<Ana<María"
    assert details.date_of_birth == "19900131"
    assert details.place_of_birth == "Anytown<MN"
    assert details.personal_number == "19900131-17"
    document = DataGroup12.decode(image.files[FileID.DG12])
    assert document.date_of_issue == "20261122"
    assert document.issuing_authority == "Utopia Border Agency"
    assert document.personalised_at == NOW.strftime("%Y%m%d%H%M%S")
    permit = DataGroup13.decode(image.files[FileID.DG13]).permit
    assert permit is not None
    assert (permit.category, permit.work, permit.stay) == ("SKILLED WORKER", "restricted", True)
    assert (permit.study, permit.public_funds) == (True, False)
    assert permit.remarks == ("EMPLOYER LETTER",)


@pytest.mark.parametrize("name", ["permit", "permit-bac", "passport"])
def test_the_security_object_covers_every_data_group(pki: IssuingPki, name: str) -> None:
    image = make(pki, name, PASSPORT if name == "passport" else CONTRACT)
    sod = Sod.parse(image.files[FileID.SOD])
    groups = {file.number: file.file_id for file in FILES.values() if file.number is not None}
    present = {number for number, file_id in groups.items() if file_id in image.files}
    assert set(sod.security_object.hashes) == present
    for number in present:
        digest = Hash.SHA256.digest(image.files[groups[number]])
        assert sod.security_object.hashes[number] == digest
    com = Com.decode(image.files[FileID.COM])
    assert set(com.data_groups) == present
    assert com.lds_version == sod.security_object.lds_version == "0108"
    assert sod.signed_data.signers[0].signing_time == NOW


def test_an_lds_1_7_security_object_has_no_version(pki: IssuingPki) -> None:
    profile = with_changes(ChipProfile.load("permit"), lds_version="1.7")
    image = make(pki, profile)
    assert Com.decode(image.files[FileID.COM]).lds_version == "0107"
    assert Sod.parse(image.files[FileID.SOD]).security_object.lds_version is None


def test_a_permit_announces_the_protocols_of_its_keys(pki: IssuingPki) -> None:
    image = make(pki)
    access = CardAccess.decode(image.files[FileID.CARD_ACCESS]).security_infos
    assert sorted(info.mapping.value for info in access.of(PaceInfo)) == ["CAM", "GM"]
    signed = DataGroup14.decode(image.files[FileID.DG14]).security_infos
    assert set(access.entries) <= set(signed.entries)
    assert len(signed.of(TerminalAuthenticationInfo)) == 1
    (variant,) = signed.of(ChipAuthenticationInfo)
    (public,) = signed.of(ChipAuthenticationPublicKeyInfo)
    assert variant.key_id == public.key_id == 13  # that of PACE-CAM: Doc 9303-11, 9.2.1
    card_security = SignedData.parse(image.files[FileID.CARD_SECURITY], "EF.CardSecurity")
    assert card_security.content_type == "0.4.0.127.0.7.3.2.1"
    infos = SecurityInfos.decode(card_security.content)
    assert set(access.entries) <= set(infos.entries)
    (by_number,) = infos.of(ChipAuthenticationPublicKeyInfo)
    assert by_number.key_id == 13
    assert by_number.public_key.startswith(bytes.fromhex("3052300C060704007F000701020201 0D"))
    assert by_number.public_key[-64:] == public.public_key[-64:]
    keys = keys_of(image)
    (static,) = keys.chip_authentication
    assert (static.key_id, static.public_key) == (13, public.public_key)
    assert static.protocols == (variant.protocol,)
    assert keys.trust_points == (pki.trust_point.encode(),)
    references = Cvca.decode(image.files[FileID.CVCA]).references
    assert references == (pki.trust_point.holder_reference,) == ("UTCVCA00001",)
    assert AtrInfo.decode(image.files[FileID.ATR_INFO]).max_command == 32_768
    assert not keys.basic_access_control
    assert FileID.DG15 not in image.files


def test_passwords_are_the_mrz_and_a_new_can(pki: IssuingPki) -> None:
    images_made = [make(pki, "permit-bac") for _ in range(3)]
    cans = set()
    for image in images_made:
        keys = keys_of(image)
        assert keys.basic_access_control
        mrz = DataGroup1.decode(image.files[FileID.DG1]).mrz
        found = keys.password(PasswordType.MRZ)
        assert found is not None
        assert found.password == Password.from_mrz_information(mrz.information)
        can = keys.password(PasswordType.CAN)
        assert can is not None
        text = can.password.secret.reveal().decode()
        assert len(text) == 6
        assert text.isdigit()
        cans.add(text)
        assert keys.document_identifier is not None
        assert keys.document_identifier.reveal() == b"ZU12345673"
    assert len(cans) > 1


def test_a_passport_has_active_authentication(pki: IssuingPki) -> None:
    image = make(pki, "passport", PASSPORT)
    assert DataGroup1.decode(image.files[FileID.DG1]).mrz.format == "TD3"
    public = DataGroup15.decode(image.files[FileID.DG15]).public_key
    keys = keys_of(image)
    assert keys.active_authentication is not None
    assert load_private_key(keys.active_authentication.private).public_key == public
    infos = DataGroup14.decode(image.files[FileID.DG14]).security_infos
    (info,) = infos.of(ActiveAuthenticationInfo)
    assert info.signature_algorithm == "0.4.0.127.0.7.1.1.4.1.3"  # ecdsa-plain-SHA256
    assert FileID.DG13 not in image.files
    mrz = DataGroup1.decode(image.files[FileID.DG1]).mrz
    assert mrz.optional_data == "19900131<17"
    assert keys.password(PasswordType.CAN) is None


def test_a_chip_with_bac_only_has_no_files_for_pace(pki: IssuingPki) -> None:
    profile = with_changes(
        ChipProfile.load("permit-bac"),
        pace=(),
        chip_authentication=(),
        terminal_authentication=None,
        buffers=None,
    )
    image = make(pki, profile)
    assert not {FileID.CARD_ACCESS, FileID.CARD_SECURITY, FileID.CVCA, FileID.ATR_INFO} & set(
        image.files
    )
    assert FileID.DG14 not in image.files
    keys = keys_of(image)
    assert keys.trust_points == keys.chip_authentication == ()


@pytest.mark.parametrize("fingers", [[], [{"position": "left-index", "missing": "amputated"}]])
def test_missing_fingers_give_the_empty_template(pki: IssuingPki, fingers: list[Any]) -> None:
    made = [
        make(pki, record=changed("biometrics.fingers", fingers)).files[FileID.DG3] for _ in range(2)
    ]
    assert all(DataGroup3.decode(each).fingers() == () for each in made)
    assert made[0] != made[1]  # a random number hides in the hash that the template is empty


def test_both_generations_of_biometric_records_are_encoded(pki: IssuingPki) -> None:
    for name, generation in (("19794", Generation.ISO_19794), ("39794", Generation.ISO_39794)):
        profile = with_changes(ChipProfile.load("permit"), biometric_encoding=name)
        image = make(pki, profile)
        (face,) = DataGroup2.decode(image.files[FileID.DG2]).faces()
        (finger,) = DataGroup3.decode(image.files[FileID.DG3]).fingers()
        assert (face.data, finger.data) == (images()["portrait.jpg"], images()["ri.wsq"])
        assert face.generation is finger.generation is generation


def test_detected_eyes_crop_the_portrait_and_are_not_signed(
    pki: IssuingPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    def face(record: dict[str, Any]) -> FaceImage:
        (found,) = DataGroup2.decode(make(pki, record=record).files[FileID.DG2]).faces()
        return found

    record = changed("biometrics.portrait", "photograph.png")
    stated = face(changed("biometrics.eyes", [[430, 500], [570, 500]], record))
    monkeypatch.setattr(portrait, "find_eyes", lambda _: Eyes((430, 500), (570, 500)))
    found = face(record)
    assert found.data == stated.data
    assert stated.feature_points
    assert not found.feature_points


def test_a_photograph_is_fitted_to_the_profile(pki: IssuingPki) -> None:
    record = changed("biometrics.portrait", "photograph.png")
    (face,) = DataGroup2.decode(make(pki, record=record).files[FileID.DG2]).faces()
    assert face.format.is_jpeg2000
    assert (face.width, face.height) == (413, 531)
    assert 0.98 * 17_408 <= len(face.data) <= 17_408
    assert face.feature_points == ()
    record = changed("biometrics.eyes", [[430, 500], [570, 500]], record)
    (face,) = DataGroup2.decode(make(pki, record=record).files[FileID.DG2]).faces()
    left, right = face.feature_points
    assert (left.minor, right.minor) == (1, 2)
    assert left.y == right.y == pytest.approx(0.45 * face.height, abs=2)
    assert left.x - right.x == pytest.approx(face.width / 3.6, abs=2)
    with pytest.raises(FieldError, match=r"biometrics\.portrait: .*eye positions"):
        make(pki, record=changed("biometrics.eyes", [[-5, 500], [570, 500]], record))


@pytest.mark.parametrize(
    ("path", "value", "field", "problem"),
    [
        ("holder.surname", "...", "holder.surname", "no letters after transliteration"),
        ("holder.surname", "中文", "holder.surname", ""),
        ("holder.given_names", "Ana 2", "holder.given_names", "digit"),
        ("document.number", "A234567890<1", "document.number", "cannot contain a filler"),
        ("document.code", "XR", "document.code", "begins with A, C or I"),
        ("document.code", "P", "document.code", "begins with A, C or I"),
        ("document.issuing_state", "ZZZ", "document.issuing_state", "not the code of a State"),
        ("document.issuing_state", "D", "document.issuing_state", "Document Signer is of UT"),
        ("document.issuing_state", "DEU", "document.issuing_state", "; D was probably meant"),
        ("document.issuing_state", "XXA", "document.issuing_state", "not the code of a State"),
        ("document.issuing_state", "ANT", "document.issuing_state", "Part F"),
        ("holder.nationality", "DEU", "holder.nationality", "; D was probably meant"),
        ("holder.nationality", "GB", "holder.nationality", "; GBR was probably meant"),
        ("holder.nationality", "XKX", "holder.nationality", "; RKS was probably meant"),
        ("holder.nationality", "ZAR", "holder.nationality", "; COD was probably meant"),
        ("holder.nationality", "QQQ", "holder.nationality", "not the code of a nationality"),
        ("holder.nationality", "XXK", "holder.nationality", "other_nationalities"),
        ("holder.nationality", "NTZ", "holder.nationality", "Part F, which is read and never"),
        ("document.expires", "9999-01-01", "document.expires", "a date of another century"),
        ("document.expires", "9999-12-31", "document.expires", "a date of another century"),
        ("document.expires", "2126-11-22", "document.expires", "a date of another century"),
        ("document.expires", None, "document.expires", "why_without_expiry"),
        ("document.expires", "2099-01-01", "document.expires", "an earlier date"),
        ("holder.name_in_full", "x" * 120, "holder.name_in_full", "99 are allowed"),
        ("permit", ..., "permit", "is missing"),
        ("biometrics.fingers", ..., "biometrics.fingers", "is missing; use []"),
        ("biometrics.fingers.0.image", "notes.txt", "biometrics.fingers[0].image", ""),
        ("biometrics.portrait", "notes.txt", "biometrics.portrait", ""),
        ("biometrics.portrait", "ri.wsq", "biometrics.portrait", ""),
    ],
)
def test_a_value_that_cannot_be_encoded_is_refused_with_its_field(
    pki: IssuingPki, path: str, value: Any, field: str, problem: str
) -> None:
    with pytest.raises(FieldError) as caught:
        make(pki, record=changed(path, value))
    assert caught.value.field == field
    assert problem in f"{caught.value.problem}; {caught.value.advice}"
    assert "\n" not in str(caught.value)


def test_a_code_of_no_list_is_written_if_the_profile_has_it(pki: IssuingPki) -> None:
    own = with_changes(ChipProfile.load("permit"), other_nationalities=("XXK",))
    image = make(pki, own, changed("holder.nationality", "XXK"))
    assert DataGroup1.decode(image.files[FileID.DG1]).mrz.nationality == "XXK"
    with pytest.raises(FieldError, match=r"holder\.nationality"):
        make(pki, own, changed("holder.nationality", "XXY"))


@pytest.mark.parametrize("nationality", ["D", "GBR", "RKS", "GBO", "EUE", "UNO", "XXA", "UTO"])
def test_nationalities_of_doc_9303_3_are_written(pki: IssuingPki, nationality: str) -> None:
    image = make(pki, record=changed("holder.nationality", nationality))
    assert DataGroup1.decode(image.files[FileID.DG1]).mrz.nationality == nationality


def test_citizens_of_utopia_have_no_documents_of_other_states(tmp_path: Path) -> None:
    germany = create_pki(
        tmp_path / "pki", settings_for("D", "Bund", contact="csca@bund.example"), PASSPHRASE, NOW
    )
    record = changed("document.issuing_state", "D")
    make(germany, record=record)
    with pytest.raises(FieldError, match="is the code of specimens"):
        make(germany, record=changed("holder.nationality", "UTO", record))


@pytest.mark.parametrize(
    ("code", "issued", "expires", "problem"),
    [
        ("PP", "2026-11-22", "2036-11-21", ""),
        ("PU", "2026-11-22", "2036-11-21", ""),
        ("P", "2026-11-22", "2036-11-21", ""),
        ("PN", "2025-12-31", "2035-11-21", ""),
        ("PN", "2026-01-01", "2035-11-21", "not harmonized, as it must be since 2026"),
        ("P", "2028-01-01", "2036-11-21", "no second letter, as it must have since 2028"),
        ("P", "2026-11-22", "2038-01-01", "must expire before 2038"),
    ],
)
def test_the_code_of_a_passport_is_harmonized_in_time(
    pki: IssuingPki, code: str, issued: str, expires: str, problem: str
) -> None:
    record = changed("document.code", code, PASSPORT)
    record["document"] |= {"issued": issued, "expires": expires}
    own = with_changes(ChipProfile.load("passport"), any_document_code=True)
    if not problem:
        make(pki, "passport", record)
        return
    with pytest.raises(FieldError, match=problem) as caught:
        make(pki, "passport", record)
    assert caught.value.field == "document.code"
    if expires < "2037":
        make(pki, own, record)


@pytest.mark.parametrize(
    ("profile", "issued", "expires", "field", "problem"),
    [
        ("permit-bac", "2027-12-31", "2032-12-30", "", ""),
        ("permit-bac", "2028-01-01", "2032-12-30", "document.issued", "BAC .* after 2027-12-31"),
        ("permit-bac", "2027-12-31", "2038-01-01", "document.expires", "expires before 2038"),
        ("permit", "2029-12-31", "2034-12-30", "", ""),
        ("permit", "2030-01-01", "2034-12-30", "document.issued", "19794 .* after 2029-12-31"),
    ],
)
def test_the_calendar_is_kept_at_the_date_of_issue(
    pki: IssuingPki, profile: str, issued: str, expires: str, field: str, problem: str
) -> None:
    record = changed("document.issued", issued)
    record["document"]["expires"] = expires
    if not problem:
        make(pki, profile, record)
        return
    with pytest.raises(FieldError, match=problem) as caught:
        make(pki, profile, record)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("born", "needs_dg11"),
    [
        ("1908-07-01", True),
        ("1926-11-22", True),
        ("1926-11-23", False),
        ("1926", True),
        ("XXXX-07-01", False),
        ("2026-11-22", False),
    ],
)
def test_a_holder_of_a_century_needs_dg11(pki: IssuingPki, born: str, needs_dg11: bool) -> None:
    record = changed("holder.born", born)
    image = make(pki, record=record)
    full = DataGroup11.decode(image.files[FileID.DG11]).date_of_birth
    assert full == application(record).particulars.holder.date_of_birth.digits
    without = with_changes(ChipProfile.load("permit"), data_groups=("DG1", "DG2", "DG3", "DG13"))
    if not needs_dg11:
        make(pki, without, record)
        return
    with pytest.raises(FieldError, match="add DG11 to the chip profile") as caught:
        make(pki, without, record)
    assert caught.value.field == "holder.born"


def test_a_document_without_end_is_made_for_a_reason(pki: IssuingPki) -> None:
    own = with_changes(ChipProfile.load("permit"), why_without_expiry="settled before 1973")
    image = make(pki, own, changed("document.expires", None))
    mrz = DataGroup1.decode(image.files[FileID.DG1]).mrz
    assert mrz.date_of_expiry == "<<<<<<"
    assert all(each.printed == each.computed for each in mrz.check_digits())
    with pytest.raises(FieldError, match="another century"):
        make(pki, own, changed("document.expires", "9999-01-01"))


def test_the_signer_and_its_csca_outlive_the_document(pki: IssuingPki) -> None:
    signer = pki.document_signer()
    last = signer.certificate.not_after
    ends = last.date() - timedelta(days=1)  # the last day that the certificate covers whole
    for expires, problem in (
        (ends, ""),
        (last.date(), f"is after {last:%Y-%m-%d}, when the Document Signer's certificate ends"),
    ):
        record = changed("document.expires", expires.isoformat())
        if not problem:
            make(pki, record=record)
            continue
        with pytest.raises(FieldError, match=problem) as caught:
            prepare(
                application(record),
                ChipProfile.load("permit"),
                pki.issuance(),
                NOW,
            )
        assert caught.value.field == "document.expires"
        assert "4.1.1.1" in caught.value.problem
    old = Authority().issue("CSCA", not_after=NOW + timedelta(days=1000))
    issuance = replace(pki.issuance(), signer=replace(signer, csca=old))
    with pytest.raises(
        FieldError, match=r"when the CSCA's certificate ends .*4\.1\.4\.1"
    ) as caught:
        prepare(application(), ChipProfile.load("permit"), issuance, NOW)
    assert caught.value.advice == (
        "run `personalise pki renew-csca`, then `personalise pki issue-ds`"
    )


def test_without_dg12_the_signer_bounds_the_expiry(pki: IssuingPki) -> None:
    record = changed("document.issued", "2010-01-01", changed("document.expires", "2020-01-01"))
    make(pki, record=record)
    without = with_changes(
        ChipProfile.load("permit"), data_groups=("DG1", "DG2", "DG3", "DG11", "DG13")
    )
    with pytest.raises(FieldError, match="another century"):
        make(pki, without, record)


def test_an_older_signer_is_replaced_for_a_document_of_ten_years(pki: IssuingPki) -> None:
    later = NOW + timedelta(days=89)
    expires = (pki.document_signer().certificate.not_after + timedelta(days=30)).date()
    record = changed("document.expires", expires.isoformat())
    with pytest.raises(FieldError) as caught:
        prepare(application(record), ChipProfile.load("permit"), pki.issuance(), later)
    assert caught.value.advice == "run `personalise pki issue-ds`"


def test_a_permit_is_refused_if_the_profile_has_no_dg13(pki: IssuingPki) -> None:
    with pytest.raises(FieldError, match="permit: is present, but the chip profile has no DG13"):
        make(pki, "passport", changed("document.code", "P"))


def test_a_document_code_must_suit_the_format_and_the_signer(pki: IssuingPki) -> None:
    with pytest.raises(FieldError, match="begins with P"):
        make(pki, "passport", changed("permit", ...))
    own = with_changes(ChipProfile.load("permit"), any_document_code=True)
    with pytest.raises(FieldError, match="document types of the Document Signer"):
        make(pki, own, changed("document.code", "RP"))
    make(pki, own, changed("document.code", "P"))


def test_unusual_but_valid_holders_are_encoded(pki: IssuingPki) -> None:
    long_name = " ".join(["Venkatanarasimharajuvaripeta"] * 4)
    for path, value in {
        "holder.given_names": "",
        "holder.born": "1990-00-00",
        "holder.surname": "Żółć-Иванов",
        "holder.given_names ": long_name,
        "holder.sex": "X",
        "document.number": "AB12345678901",
        "document.issuing_state": "UTO",
        "permit.valid_until": ...,
    }.items():
        image = make(pki, record=changed(path.strip(), value))
        mrz = DataGroup1.decode(image.files[FileID.DG1]).mrz
        assert all(each.printed == each.computed for each in mrz.check_digits())


def test_a_profile_with_terminal_authentication_requires_a_cvca(pki: IssuingPki) -> None:
    without = replace(pki.issuance(), trust_point=None)
    with pytest.raises(MisuseError, match="no CVCA"):
        prepare(application(), ChipProfile.load("permit"), without, NOW)


def test_no_secret_is_in_clear_in_the_image(pki: IssuingPki, tmp_path: Any) -> None:
    image = make(pki)
    image.save(tmp_path / "image")
    keys = keys_of(image)
    saved = b"".join(path.read_bytes() for path in (tmp_path / "image").iterdir())
    for password in keys.passwords:
        assert password.password.secret.reveal() not in saved
    for key in keys.chip_authentication:
        assert key.private.reveal() not in saved
    loaded = LdsImage.load(tmp_path / "image")
    assert loaded.files == image.files
    assert loaded.chip_keys == image.chip_keys


def test_names_are_written_as_the_state_chooses(pki: IssuingPki) -> None:
    record = changed("holder.surname", "Muñoz Wolkenkuckucksheim Hohenbeispiel")
    names = Names(letters={"Ñ": "NXX"}, surname_lengths=(6,))
    image = make(pki, with_changes(ChipProfile.load("permit"), names=names), record)
    assert DataGroup1.decode(image.files[FileID.DG1]).mrz.surname == "MUNXXO WOLKEN HOHENB"


def _blank() -> bytes:
    from io import BytesIO

    from PIL import Image

    stream = BytesIO()
    Image.new("RGB", (413, 531), (130, 130, 130)).save(stream, "JPEG")
    return stream.getvalue()


def test_a_sample_below_a_mandatory_limit_is_held_for_an_operator(pki: IssuingPki) -> None:
    import json

    images_of = {**images(), "portrait.jpg": _blank()}
    read = Application.decode(json.dumps(CONTRACT).encode(), images_of.__getitem__)
    profile = ChipProfile.load("permit")
    with pytest.raises(FieldError, match=r"portrait: is held .*should be at least"):
        prepare(read, profile, pki.issuance(), NOW)
    image = prepare(read, profile, pki.issuance(), NOW, accept_quality=True)
    assert FileID.DG2 in image.files


def test_every_element_that_an_application_fills_has_its_field() -> None:
    zone = set(inspect.signature(Mrz.build).parameters)
    choices = {"format", "transliteration", "name_lengths", "optional_data_2"}
    assert set(FIELDS_OF_MRZ) - {"names"} == zone - choices - {"surname", "given_names"}
    for group, fields in ((DataGroup11, FIELDS_OF_DG11), (DataGroup12, FIELDS_OF_DG12)):
        assert set(fields) <= {each.field for each in group.ELEMENTS}
    for fields in (FIELDS_OF_MRZ, FIELDS_OF_DG11, FIELDS_OF_DG12):
        for field in fields.values():
            table, name = field.split(".")
            assert name in {"document": DocumentData, "holder": Holder}[table].__struct_fields__
