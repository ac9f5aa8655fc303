"""A forgery in a folder: an image that can be judged, and all that is needed to play its chip.

    EF_DG1.bin, …       the forged files, as in any LDS image; evidence.json if the forger made one
    forgery.json        kind, check, seed, instant, printed MRZ
    victim/             the image that it was made from
    trust/trusted-1 …   certificates and CRLs that the inspector has from their honest owners
    trust/poison-1 …    files that the forger brings among those for the trust store

The chip is made again from `victim`, kind, seed and instant, since a layer over a card is code.
"""

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from emrtd.lds.image import LdsImage, require_free
from support.errors import MisuseError
from support.files import decoding
from support.records import from_json
from vsmartcard.forging.forgery import Forged, Forgery
from vsmartcard.forging.kinds import kind
from vsmartcard.forging.victim import Victim

RECORD: Final = "forgery.json"
VICTIM: Final = "victim"
TRUST: Final = "trust"
_MAX_RECORD: Final = 64 * 1024


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of forgery.json."""

    kind: str
    family: str
    gain: str
    check: str
    on_chip: bool
    seed: int
    at: datetime
    judged_at: datetime
    printed: str
    trusted: tuple[str, ...]
    poison: tuple[str, ...]


def forge_into(folder: Path, forgery: Forgery, image: Path, *, at: datetime, seed: int) -> Forged:
    """Forge a document from an image, and save it in a new folder, which appears complete or not.

    `at` is an instant (aware).  Raises `MisuseError` if the folder exists, or the victim does not
    have what the kind needs, and `MalformedError` or `OSError` if the image cannot be read.
    """
    require_free(folder)
    victim = LdsImage.load(image)
    with decoding(image):
        forged = forgery.forge(Victim(victim.files), at, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        inner = made / "image"
        LdsImage(dict(forged.files), evidence=forged.notes).save(inner)
        LdsImage(victim.files).save(inner / VICTIM)
        names = {
            word: tuple(f"{TRUST}/{word}-{number}" for number in range(1, len(files) + 1))
            for word, files in (("trusted", forged.trusted), ("poison", forged.poison))
        }
        if forged.trusted or forged.poison:
            (inner / TRUST).mkdir()
        for word, files in (("trusted", forged.trusted), ("poison", forged.poison)):
            for name, octets in zip(names[word], files, strict=True):
                (inner / name).write_bytes(octets)
        record = Record(
            forgery.name,
            forgery.family.value,
            forgery.gain,
            forgery.check,
            forgery.on_chip,
            seed,
            at,
            forged.at,
            forged.printed,
            names["trusted"],
            names["poison"],
        )
        (inner / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
        inner.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return forged


def load_forged(folder: Path) -> tuple[Forgery, Forged]:
    """Return the kind of a forgery in a folder, and the forgery, made again with its chip.

    Raises `MisuseError` if this is not a folder that `forge_into` made, `MalformedError` or
    `OSError` if a file in it cannot be read.
    """
    path = folder / RECORD
    if not path.is_file():
        raise MisuseError(
            f"{folder}: not a forgery: it has no {RECORD}",
            advice="name a folder that `vsmartcard forge` made",
        )
    with path.open("rb") as stream:
        record = from_json(stream.read(_MAX_RECORD), Record, str(path))
    forgery = kind(record.kind)
    victim = LdsImage.load(folder / VICTIM)
    with decoding(folder / VICTIM):
        return forgery, forgery.forge(Victim(victim.files), record.at, record.seed)
