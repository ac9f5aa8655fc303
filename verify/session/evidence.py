"""Evidence in files, sealed with a key that is the user's own."""

from pathlib import Path

from msgspec.structs import replace

from support.passphrase import user_secret
from support.secret import Secret
from verify.judging.evidence import SEAL_KEY, Evidence


def load_evidence(path: Path) -> Evidence:
    """Read an LDS image; what its notes say counts where this user's key has sealed them.

    Raises `MisuseError` and `MalformedError` as `Evidence.load` does.
    """
    return Evidence.load(path, seal_key())


def with_printed_mrz(evidence: Evidence, optical_mrz: str) -> Evidence:
    """The evidence with the MRZ that whoever judges has read off the document."""
    return replace(evidence, optical_mrz=optical_mrz, optical_vouched=True)


def save_evidence(evidence: Evidence, folder: Path) -> None:
    """Save evidence as an LDS image, sealed with this user's key; raises `OSError`."""
    evidence.to_image(seal_key()).save(folder)


def seal_key() -> Secret | None:
    """The user's key for evidence; None, and nothing is sealed, where none can be kept.

    Raises `MisuseError` where others may read it.
    """
    try:
        return user_secret(SEAL_KEY)
    except OSError:
        return None
