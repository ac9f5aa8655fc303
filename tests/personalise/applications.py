"""Applications for tests: the documented example, with small but valid images."""

import copy
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from personalise.preparing.application import Application

CONTRACT: dict[str, Any] = {
    "document": {
        "code": "IR",
        "issuing_state": "UTO",
        "number": "ZU1234567",
        "issued": "2026-11-22",
        "expires": "2031-11-21",
        "authority": "Utopia Border Agency",
    },
    "holder": {
        "surname": "Ødegård",
        "given_names": "Ana María",
        "nationality": "COL",
        "born": "1990-01-31",
        "sex": "F",
        "place_of_birth": "Anytown, MN",
        "personal_number": "19900131-17",
    },
    "permit": {
        "category": "SKILLED WORKER",
        "valid_from": "2026-11-22",
        "valid_until": "2031-11-21",
        "stay": True,
        "work": "restricted",
        "study": True,
        "public_funds": False,
        "remarks": ["EMPLOYER LETTER"],
    },
    "biometrics": {
        "portrait": "portrait.jpg",
        "fingers": [
            {"position": "right-index", "image": "ri.wsq"},
            {"position": "left-index", "missing": "bandaged"},
        ],
    },
}


def changed(path: str, value: Any, base: dict[str, Any] = CONTRACT) -> dict[str, Any]:
    """Return the documented example with one field set, or removed if the value is `...`."""
    record = copy.deepcopy(base)
    *parents, last = path.split(".")
    place: Any = record
    for parent in parents:
        place = place[int(parent) if parent.isdigit() else parent]
    if value is ...:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return record


@cache
def images() -> dict[str, bytes]:
    """Return images by file name; the quality checks accept the portrait and the fingerprint."""
    import wsq  # noqa: F401 - registers the format with Pillow

    portrait = Image.radial_gradient("L").resize((240, 320)).convert("RGB")
    noise = Image.effect_noise((1000, 1200), 80).convert("RGB")
    finger = Image.fromarray(_rings(256, 300))
    return {
        "portrait.jpg": _saved(portrait, "JPEG"),
        "photograph.png": _saved(noise, "PNG"),
        "ri.wsq": _saved(finger, "WSQ"),
        "notes.txt": b"not an image at all",
    }


def _rings(width: int, height: int) -> NDArray[np.uint8]:
    """Return ridges nine pixels apart around a core, which the quality checks accept."""
    y, x = np.mgrid[:height, :width]
    away = np.hypot(x - width / 2, (y - height / 2) * 0.8)
    return (127 + 100 * np.sin(away * 2 * np.pi / 9)).astype(np.uint8)


def _saved(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def application(record: dict[str, Any] = CONTRACT) -> Application:
    """Return an application in memory."""
    return Application.decode(json.dumps(record).encode(), lambda name: images()[name])


def folder(path: Path, record: dict[str, Any] = CONTRACT) -> Path:
    """Write an application to a folder, and return the folder."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "application.json").write_text(json.dumps(record), encoding="utf-8")
    for name, octets in images().items():
        (path / name).write_bytes(octets)
    return path
