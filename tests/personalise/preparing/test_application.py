import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalise.preparing.application import MAX_IMAGE, MAX_RECORD, Application, DateOfBirth
from support.errors import MisuseError
from support.records import FieldError
from tests.personalise.applications import CONTRACT, changed


def decode(record: dict[str, Any]) -> Application:
    return Application.decode(json.dumps(record).encode(), lambda _: b"image")


def test_the_documented_example_is_read() -> None:
    particulars = decode(CONTRACT).particulars
    assert particulars.document.expires == date(2031, 11, 21)
    assert particulars.permit is not None
    assert particulars.permit.remarks == ("EMPLOYER LETTER",)
    assert particulars.biometrics.fingers is not None
    assert particulars.biometrics.fingers[1].missing == "bandaged"


@pytest.mark.parametrize(
    ("path", "value", "field", "problem"),
    [
        ("document", ..., "document", "is missing"),
        ("document.number", ..., "document.number", "is missing"),
        ("document.number", 7, "document.number", "is not text"),
        ("document.number", "zu 1", "document.number", "letters A to Z and digits"),
        ("document.number", "<<<", "document.number", "is empty"),
        ("document.number", "A" * 23, "document.number", "1 to 22"),
        ("document.code", "1R", "document.code", "letters"),
        ("document.issuing_state", "UTOP", "document.issuing_state", "1 to 3 letters"),
        ("document.issued", "2026-02-30", "document.issued", "not a date of the calendar"),
        ("document.issued", "22 November", "document.issued", "YYYY-MM-DD"),
        ("document.expires", "2026-11-22", "document.expires", "not after document.issued"),
        ("document.expiry", "2031-11-21", "document", "has a field that is not known"),
        ("holder.surname", " ", "holder.surname", "is empty"),
        ("holder.surname", "A" * 201, "holder.surname", "longer than 200"),
        ("holder.surname", "A\nB", "holder.surname", "cannot be printed"),
        ("holder.born", "1990-02-30", "holder.born", "not a date of the calendar"),
        ("holder.born", "1990-13-01", "holder.born", "not a date of the calendar"),
        ("holder.born", "31.01.1990", "holder.born", "YYYY-MM-DD"),
        ("holder.born", "2027-01-01", "holder.born", "after document.issued"),
        ("holder.sex", "female", "holder.sex", "F, M or X"),
        ("holder", [], "holder", "is not a table of fields"),
        ("permit.valid_until", "2026-11-21", "permit.valid_until", "before permit.valid_from"),
        ("permit.study", "yes", "permit.study", "is not true or false"),
        ("permit.remarks", ["a"] * 21, "permit.remarks", "more than 20"),
        ("permit.remarks.0", "", "permit.remarks[0]", "is empty"),
        ("biometrics.portrait", "../portrait.jpg", "biometrics.portrait", "in the application's"),
        ("biometrics.portrait", "/etc/passwd", "biometrics.portrait", "in the application's"),
        ("biometrics.fingers.0.position", "thumb", "biometrics.fingers[0].position", "right-thumb"),
        ("biometrics.fingers.0.image", ..., "biometrics.fingers[0].image", "is missing"),
        ("biometrics.fingers.0.missing", "x", "biometrics.fingers[0].missing", "beside an image"),
        ("biometrics.fingers.1.missing", "", "biometrics.fingers[1].missing", "is empty"),
        (
            "biometrics.fingers.1.position",
            "right-index",
            "biometrics.fingers[1].position",
            "given twice",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(
    path: str, value: Any, field: str, problem: str
) -> None:
    with pytest.raises(FieldError, match=r"^application\.json: ") as caught:
        decode(changed(path, value))
    assert caught.value.field == field
    assert problem in caught.value.problem
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b'{"document": "\xff"}', b"[" * 100_000])
def test_octets_that_are_not_json_are_refused(octets: bytes) -> None:
    with pytest.raises(FieldError):
        Application.decode(octets, lambda _: b"")


@given(st.binary(max_size=300))
def test_random_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(FieldError):
        Application.decode(octets, lambda _: b"")


def test_an_error_does_not_show_the_value() -> None:
    for field in ("surname", "born", "sex", "nationality"):
        with pytest.raises(FieldError) as caught:
            decode(changed(f"holder.{field}", "SECRET VALUE\n"))
        assert "SECRET" not in str(caught.value)


def test_a_repr_shows_no_personal_data() -> None:
    application = decode(CONTRACT)
    assert "deg" not in repr(application) + repr(application.particulars.holder)


@pytest.mark.parametrize(
    ("text", "mrz", "digits"),
    [
        ("1990-01-31", "900131", "19900131"),
        ("1990-01-00", "9001<<", "19900100"),
        ("1990-00-00", "90<<<<", "19900000"),
        ("1990-XX-XX", "90<<<<", "19900000"),
        ("1990-01", "9001<<", "19900100"),
        ("1990", "90<<<<", "19900000"),
        ("0000-00-00", "<<<<<<", "00000000"),
        ("XXXX-02-29", "<<0229", "00000229"),
    ],
)
def test_unknown_parts_of_a_date_of_birth_are_fillers_or_zeros(
    text: str, mrz: str, digits: str
) -> None:
    born = DateOfBirth.parse(text)
    assert (born.mrz, born.digits) == (mrz, digits)


def test_given_names_and_the_end_of_stay_are_optional() -> None:
    assert decode(changed("holder.given_names", ...)).particulars.holder.given_names == ""
    permit = decode(changed("permit.valid_until", ...)).particulars.permit
    assert permit is not None
    assert permit.valid_until is None


def test_an_application_is_loaded_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "application.json").write_text(json.dumps(CONTRACT), encoding="utf-8")
    (tmp_path / "portrait.jpg").write_bytes(b"image")
    application = Application.load(tmp_path)
    assert application.image("biometrics.portrait", "portrait.jpg") == b"image"


def test_a_record_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "application.json").write_bytes(b" " * (MAX_RECORD + 1))
    with pytest.raises(MisuseError, match="is larger than 262,144 octets"):
        Application.load(tmp_path)


def test_a_missing_record_or_image_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="no such folder"):
        Application.load(tmp_path / "absent")
    with pytest.raises(MisuseError, match=r"holds no application\.json"):
        Application.load(tmp_path)
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "application.json").write_text(json.dumps(CONTRACT), encoding="utf-8")
    (folder / "link.jpg").symlink_to(outside)
    (folder / "empty.jpg").touch()
    with (folder / "vast.jpg").open("wb") as file:
        file.truncate(MAX_IMAGE + 1)
    application = Application.load(folder)
    for name, problem in {
        "absent.jpg": "holds no file absent.jpg",
        "link.jpg": "holds no file link.jpg",
        "empty.jpg": "is empty",
        "vast.jpg": "is larger than",
    }.items():
        with pytest.raises(FieldError, match=problem) as caught:
            application.image("biometrics.portrait", name)
        assert caught.value.field == "biometrics.portrait"


def test_a_folder_of_applications_names_the_command_that_takes_many(tmp_path: Path) -> None:
    (tmp_path / "0001").mkdir()
    (tmp_path / "0001" / "application.json").write_text("{}")
    with pytest.raises(MisuseError, match=r"holds no application\.json") as caught:
        Application.load(tmp_path)
    assert "personalise intake" in caught.value.advice
    (tmp_path / "0001" / "application.json").unlink()
    with pytest.raises(MisuseError) as caught:
        Application.load(tmp_path)
    assert "personalise intake" not in caught.value.advice
