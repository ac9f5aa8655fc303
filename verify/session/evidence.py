"""Evidence in files, sealed with the user's key."""

from pathlib import Path

from msgspec.structs import replace

from emrtd.lds.image import LdsImage
from support.passphrase import user_secret
from support.secret import Secret
from verify.judging.evidence import SEAL_KEY, Evidence


def load_evidence(path: Path) -> Evidence:
    """Read an LDS image; its notes are trusted only if they are sealed with this user's key.

    Raises `MisuseError` and `MalformedError` as `LdsImage.load` does.
    """
    image = LdsImage.load(path)
    key = None if image.evidence is None else seal_key()
    return Evidence.from_image(image, str(path), key)


def with_printed_mrz(evidence: Evidence, optical_mrz: str) -> Evidence:
    """Return the evidence with the printed MRZ that was given for this judgement."""
    return replace(evidence, optical_mrz=optical_mrz, optical_trusted=True)


def save_evidence(evidence: Evidence, folder: Path) -> None:
    """Save evidence as an LDS image, sealed with this user's key; raises `OSError`."""
    evidence.to_image(seal_key()).save(folder)


def seal_key() -> Secret | None:
    """Return the user's key for sealing evidence; None, if it cannot be stored: nothing is sealed.

    Raises `MisuseError` if other users can read the key.
    """
    try:
        return user_secret(SEAL_KEY)
    except OSError:
        return None
