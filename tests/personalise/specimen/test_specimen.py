# ruff: noqa: S311 - lots are drawn, not secrets
"""Specimen applications: their contents, and that they can be made again from the seed."""

import io
import json
from datetime import date
from pathlib import Path
from random import Random

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from emrtd.biometrics.images import ImageFormat, sniff
from emrtd.biometrics.quality.pixels import decode_one
from emrtd.mrz import Mrz
from emrtd.specimens import SEED
from personalise.commands.main import personalise
from personalise.commands.specimen import specimen
from personalise.preparing.application import Application
from personalise.specimen.applications import (
    ISSUED_BY,
    draw_images,
    make_application,
    write_applications,
)
from personalise.specimen.canvas import Canvas, smooth, symmetric
from personalise.specimen.face import HairStyle, draw_lots
from personalise.specimen.fingerprint import HEIGHT, WIDTH, Pattern, fingerprint
from personalise.specimen.people import SpecimenApplicant, Variation, make_up
from personalise.specimen.portrait import portrait
from support.command_line import run_command_line
from tests.helpers import replace

DOZEN = len(Variation)


def people(count: int = 5 * DOZEN) -> list[SpecimenApplicant]:
    return [make_up(index, Random(f"{index}"), date(2026, 11, 20)) for index in range(count)]


def test_the_same_seed_makes_the_same_octets() -> None:
    _, first = make_application("a", 1)
    _, again = make_application("a", 1)
    _, other = make_application("b", 1)
    assert set(first) == {"application.json", "portrait.jpg", "ri.wsq", "li.wsq"}
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_the_kept_images_are_those_that_would_be_drawn() -> None:
    """Another release of NumPy or Pillow may draw a few pixels in another shade."""
    made, files = make_application(SEED, 0)
    lots = Random(f"chipseal specimen {SEED} 0")
    make_up(0, lots, ISSUED_BY)
    looks = draw_lots(lots, feminine=made.feminine, age=made.age)
    drawn = draw_images(made, looks, lots)
    assert set(files) == {*drawn, "application.json"}
    for name, octets in drawn.items():
        one, other = (decode_one(each, name).grey.astype(float) for each in (octets, files[name]))
        assert one.shape == other.shape
        assert np.abs(one - other).mean() < 3


def test_an_application_does_not_depend_on_how_many_are_made(tmp_path: Path) -> None:
    made = dict(write_applications(tmp_path, 2, "x"))
    assert [path.name for path in made] == ["0001", "0002"]
    _, files = make_application("x", 1)
    assert {path.name: path.read_bytes() for path in (tmp_path / "0002").iterdir()} == files


def test_a_specimen_is_a_valid_application(tmp_path: Path) -> None:
    for folder, made in write_applications(tmp_path, 2, "y"):
        application = Application.load(folder)
        particulars = application.particulars
        assert particulars.holder.surname == made.surname
        assert particulars.permit is not None
        portrait_header = sniff(application.image("portrait", particulars.biometrics.portrait))
        assert portrait_header.format is ImageFormat.JPEG
        assert (portrait_header.width, portrait_header.height) == (560, 720)
        assert particulars.biometrics.eyes is not None
        (left, level), (right, other) = particulars.biometrics.eyes
        assert level == other == 328
        assert right - left > 120  # Doc 9303-9 requires 90 pixels between the eyes
        for finger in particulars.biometrics.fingers or ():
            assert finger.image is not None
            header = sniff(application.image("finger", finger.image))
            assert header.format is ImageFormat.WSQ
            assert (header.width, header.height) == (WIDTH, HEIGHT)


def test_every_variation_occurs_once_in_twelve_and_fits_into_an_mrz() -> None:
    everybody = people()
    assert {made.variation for made in everybody[:DOZEN]} == set(Variation)
    for made in everybody:
        mrz = Mrz.build(
            "TD1",
            document_code="IR",
            issuing_state="UTO",
            document_number=made.number,
            nationality=made.nationality,
            date_of_birth="<<<<<<",
            sex=made.sex,
            date_of_expiry=made.expires,
            surname=made.surname,
            given_names=made.given_names,
        )
        assert mrz.document_number == made.number
        assert (mrz.given_names == "") == (made.variation is Variation.ONE_NAME)
        latin = made.variation not in {Variation.CYRILLIC, Variation.ARABIC}
        assert latin == any(letter in made.surname.upper() for letter in "AEIOU")
        long_number = made.variation is Variation.LONG_NUMBER
        assert long_number == (len(made.number) > 9)
        assert ("00" in made.born[4:] and made.born.endswith("-00")) == (
            made.variation is Variation.BIRTH_DAY_UNKNOWN
        )
        assert 18 <= made.age <= 80
        missing = [reason for _, reason in made.fingers if reason is not None]
        assert len(missing) == {
            Variation.MISSING_FINGER: 1,
            Variation.NO_FINGERS: 2,
        }.get(made.variation, 0)


def test_long_names_are_longer_than_the_field_of_the_mrz() -> None:
    long = [made for made in people() if made.variation is Variation.LONG_NAME]
    assert all(len(made.surname) + len(made.given_names) > 30 for made in long)


def test_a_repr_shows_no_personal_data() -> None:
    assert "Sampleton" not in repr(people(1)[0])
    assert "surname" not in repr(people(1)[0])


@pytest.mark.parametrize("style", HairStyle)
def test_every_hair_style_is_drawn_on_a_light_even_background(style: HairStyle) -> None:
    lots = Random(f"style {style.name}")
    face = draw_lots(lots, feminine=style not in {HairStyle.BALD, HairStyle.SWEPT}, age=50)
    image = portrait(replace(face, style=style), lots)
    grey = np.asarray(image.convert("L"), dtype=float)
    corners = np.concatenate([grey[:60, :60].ravel(), grey[:60, -60:].ravel()])
    assert corners.mean() > 200
    assert corners.std() < 12
    assert grey[250:550, 180:380].std() > 15  # there is a face


def test_fifty_faces_are_all_different() -> None:
    made = {draw_lots(Random(n), feminine=n % 2 == 0, age=30) for n in range(50)}
    assert len(made) == 50


@pytest.mark.parametrize("pattern", Pattern)
def test_ridges_have_the_spacing_of_natural_ridges(pattern: Pattern) -> None:
    image = fingerprint(pattern, Random(pattern.name))
    assert image.shape == (HEIGHT, WIDTH)
    assert image.dtype == np.uint8
    middle = image[130:386, 72:328].astype(float)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(middle - middle.mean()))) ** 2
    y, x = np.indices(spectrum.shape) - 128
    radius = np.hypot(x, y).astype(int)
    power = np.bincount(radius.ravel(), spectrum.ravel())[:100]
    period = 256 / power.argmax()  # pixels at 500 dpi: 0.4 to 0.6 mm
    assert 7.5 < period < 11.5
    margin = np.concatenate([image[:, :4].ravel(), image[:, -4:].ravel()])
    assert margin.mean() > 200


def test_curves_end_at_their_last_point_and_outlines_are_mirrored() -> None:
    assert smooth([(0, 0), (1, 1), (2, 0)], closed=False)[-1] == (2, 0)
    outline = symmetric([(0, 0), (10, 5), (0, 10)])
    assert (-10.0, 5.0) in outline


def test_soft_shades_stay_within_their_outline() -> None:
    canvas = Canvas((200, 200, 200))
    square = [(-100.0, 300.0), (100.0, 300.0), (100.0, 500.0), (-100.0, 500.0)]
    with canvas.within(square):
        canvas.soften([(-300, 100), (300, 100), (300, 700), (-300, 700)], (0, 0, 0), 1.0, 5)
    image = canvas.finished()
    assert image.getpixel((280, 320)) == (0, 0, 0)
    assert image.getpixel((280, 200)) == (200, 200, 200)


def test_the_command_writes_an_application_with_its_images(tmp_path: Path) -> None:
    arguments = ["-o", str(tmp_path), "-n", "1", "--seed", "z", "--issued", "2027-03-01"]
    result = CliRunner().invoke(specimen, arguments)
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "0001" / "application.json").read_bytes())
    assert record["document"]["issuing_state"] == "UTO"
    assert "2026-12-31" <= record["document"]["issued"] <= "2027-03-01"
    image = Image.open(io.BytesIO((tmp_path / "0001" / "portrait.jpg").read_bytes()))
    assert image.size == (560, 720)
    assert CliRunner().invoke(specimen, ["-o", str(tmp_path), "-n", "0"]).exit_code == 2


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_application_is_issued_beyond_the_calendar(tmp_path: Path, day: str) -> None:
    arguments = ["specimen", "-o", str(tmp_path / "made"), "-n", "1", "--issued", day]
    assert run_command_line(personalise, arguments) == 64
    assert not (tmp_path / "made").exists()
