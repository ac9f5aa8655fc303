"""Whole applications of invented holders, as the case-working system would deliver them.

An application depends only on a seed and a number, so that it can be made again on any machine.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

from emrtd.specimens import SEED
from personalise.preparing.application import FILE_NAME
from personalise.specimen import face, fingerprint
from personalise.specimen.people import SpecimenApplicant, make_up
from personalise.specimen.portrait import draw_portrait, eyes_of
from support.files import write_atomically

ISSUED_BY: Final = date(2026, 11, 20)
"""The latest date of issue of a specimen, by default."""

_KEPT: Final = SEED, 0
"""The seed and number of the application whose images are kept: drawing them takes a second."""
_IMAGES: Final = Path(__file__).with_name("images")
_PORTRAIT: Final = "portrait.jpg"
_INITIALS: Final = {"right-index": "ri.wsq", "left-index": "li.wsq"}


def make_application(
    seed: str, index: int, latest: date = ISSUED_BY
) -> tuple[SpecimenApplicant, dict[str, bytes]]:
    """Return the application with this number (from 0): its applicant, and its files by name."""
    lots = Random(f"chipseal specimen {seed} {index}")
    specimen = make_up(index, lots, latest)
    looks = face.draw_lots(lots, feminine=specimen.feminine, age=specimen.age)
    kept = (seed, index) == _KEPT
    files = _kept_images(specimen) if kept else draw_images(specimen, looks, lots)
    fingers = [
        {"position": position, "image": _INITIALS[position]}
        if missing is None
        else {"position": position, "missing": missing}
        for position, missing in specimen.fingers
    ]
    biometrics = {"portrait": _PORTRAIT, "eyes": eyes_of(looks), "fingers": fingers}
    record = _record(specimen) | {"biometrics": biometrics}
    files[FILE_NAME] = json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n"
    return specimen, files


def draw_images(specimen: SpecimenApplicant, looks: face.Face, lots: Random) -> dict[str, bytes]:
    """Draw the portrait and the fingerprints of an applicant; return them by file name."""
    files = {_PORTRAIT: draw_portrait(looks, lots)}
    for position, missing in specimen.fingers:
        if missing is None:
            pattern = fingerprint.draw_lots(lots)
            files[_INITIALS[position]] = fingerprint.as_wsq(pattern, lots)
    return files


def _kept_images(specimen: SpecimenApplicant) -> dict[str, bytes]:
    fingers = (_INITIALS[position] for position, missing in specimen.fingers if missing is None)
    return {name: (_IMAGES / name).read_bytes() for name in (_PORTRAIT, *fingers)}


def fit_to_passport(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same application for a passport: document code PP, no permit conditions."""
    changed = {**record, "document": {**record["document"], "code": "PP"}}
    changed.pop("permit", None)
    return changed


def write_applications(
    folder: Path, count: int, seed: str, latest: date = ISSUED_BY
) -> Iterator[tuple[Path, SpecimenApplicant]]:
    """Write this many applications into the subfolders 0001, 0002, ...

    Yields each subfolder and its applicant when it is complete.  `application.json` is written
    last, so that an incomplete subfolder is not an application.
    """
    for index in range(count):
        specimen, files = make_application(seed, index, latest)
        target = folder / f"{index + 1:04}"
        for name, octets in files.items():
            write_atomically(target / name, octets)
        yield target, specimen


def _record(specimen: SpecimenApplicant) -> dict[str, object]:
    return {
        "document": {
            "code": "IR",
            "issuing_state": "UTO",
            "number": specimen.number,
            "issued": specimen.issued.isoformat(),
            "expires": specimen.expires.isoformat(),
            "authority": specimen.authority,
        },
        "holder": {
            "surname": specimen.surname,
            "given_names": specimen.given_names,
            "name_in_full": specimen.name_in_full,
            "nationality": specimen.nationality,
            "born": specimen.born,
            "sex": specimen.sex,
            "place_of_birth": specimen.place_of_birth,
            "personal_number": specimen.personal_number,
        },
        "permit": specimen.permit,
    }
