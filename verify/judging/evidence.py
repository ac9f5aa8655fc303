"""What an inspection captured: everything that a judgement rests on, and nothing else.

Evidence is data.  Judged at once or years later, on the same trust store, policy and instant, it
gives the same report: proofs are kept as transcripts that are verified anew, not as results.
It is saved as an LDS image, with `evidence.json` beside the elementary files.

A transcript can be made up by anybody who has the public files: a proof convinces only whoever saw
it.  Saved evidence therefore carries a seal (HMAC-SHA-256 under a key of the user's own), and where
that is not good, what a session proved is left out: what remains is an image of files.
"""

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum, unique
from pathlib import Path
from typing import Final, Literal

import msgspec

from emrtd.lds.files import FileID
from emrtd.lds.image import EVIDENCE_NAME, LdsImage
from support.errors import MalformedError, MisuseError
from support.secret import Secret
from verify.judging.faults import Data, Fault, PasswordName

_MAX_SIZE: Final = 1 << 20
_SEAL_PURPOSE: Final = b"chipseal evidence 2\n"

SEAL_KEY: Final = "evidence-key"
"""The name of the user's own secret that seals evidence."""


class Exchange(Data, frozen=True):
    """One command and its response, as they went over the wire."""

    command: bytes
    response: bytes


class PaceTranscript(Data, frozen=True):
    """PACE that succeeded.

    `mapping_key` is the chip's ephemeral key of the mapping and `chip_authentication_data` the
    decrypted CA_IC; only Chip Authentication Mapping has the latter (Doc 9303-11, 4.4.3.5.2).
    """

    protocol: str
    parameter_id: int | None
    mapping_key: bytes | None = None
    chip_authentication_data: bytes | None = None


class ChipAuthenticationTranscript(Data, frozen=True):
    """Chip Authentication: what proves, with the static public key, that the chip has the private.

    The static key is in DG14 for version 1 and in EF.CardSecurity for version 2, which has a
    `nonce` r_IC of the chip.

    `terminal_private_key` is the ephemeral key of a session that is over: the judgement derives the
    session keys anew from it and the chip's signed public key.
    `proof` is the first exchange under those keys.  Without one, `refusal` is what the chip did in
    its place, which counts against it; `undetermined` is why the terminal cannot tell.
    """

    protocol: str = ""
    key_id: int | None = None
    terminal_private_key: bytes = b""
    proof: Exchange | None = None
    refusal: Fault | None = None
    undetermined: Fault | None = None
    version: Literal[1, 2] = 1
    nonce: bytes = b""


class ActiveAuthenticationTranscript(Data, frozen=True):
    """Active Authentication: the challenge RND.IFD (8 octets) and the chip's signature.

    `refusal` and `undetermined` are as in `ChipAuthenticationTranscript`.
    """

    challenge: bytes = b""
    signature: bytes = b""
    refusal: Fault | None = None
    undetermined: Fault | None = None


class TerminalAuthenticationTranscript(Data, frozen=True):
    """Terminal Authentication: the terminal's certificate, and what it may read by it.

    `refusal` is why it did not succeed: the chip's answer, or the lack of a certificate.
    """

    holder: str = ""
    rights: tuple[str, ...] = ()
    refusal: Fault | None = None


@unique
class AccessControl(StrEnum):
    """The access control that stood before the data of a chip that was opened."""

    NONE = "none"
    BAC = "bac"
    PACE = "pace"


class Access(Data, frozen=True):
    """How a chip was opened.

    `variant` names the protocol and parameters of PACE, as `PaceVariant.name` does; `password` is
    the one that opened the chip, None where anyone may read it.
    """

    control: AccessControl
    password: PasswordName | None = None
    variant: str = ""

    @property
    def name(self) -> str:
        """As the contract prints it: `pace-ecdh-gm-aes-cbc-cmac-128/brainpoolP256r1/mrz`."""
        if self.control is AccessControl.PACE:
            return f"{self.variant}/{self.password}"
        return self.control.value


@unique
class Step(StrEnum):
    """A step of opening a chip."""

    MASTER_FILE = "master-file"
    CARD_ACCESS = "card-access"
    PACE = "pace"
    APPLICATION = "application"
    BAC = "bac"
    TRUST_POINTS = "trust-points"


class Failure(Data, frozen=True):
    """A step that did not succeed, with which password, and why.

    `password` is None for a step that takes none.
    """

    step: Step
    fault: Fault
    password: PasswordName | None = None


class InspectionSession(Data, frozen=True):
    """What happened on the wire; an image of files that nobody read from a chip has none.

    `access` is how the chip was opened, None where it did not open.  `failures` are the steps that
    did not succeed on the way, in order.  `reopened` is PACE of each time that a chip which had
    dropped its session was opened anew: it may be another chip by then.
    """

    atr: bytes
    access: Access | None = None
    failures: tuple[Failure, ...] = ()
    pace: PaceTranscript | None = None
    reopened: tuple[PaceTranscript, ...] = ()
    chip_authentication: ChipAuthenticationTranscript | None = None
    active_authentication: ActiveAuthenticationTranscript | None = None
    terminal_authentication: TerminalAuthenticationTranscript | None = None
    apdus: int = 0
    octets: int = 0
    seconds: float = 0.0


class _Notes(Data, frozen=True, kw_only=True):
    """The content of evidence.json."""

    chipseal: Literal["evidence"] = "evidence"
    version: Literal[2] = 2
    session: InspectionSession | None = None
    optical_mrz: str = ""
    unread: dict[FileID, Fault] = msgspec.field(default_factory=dict)
    seal: bytes = b""

    def sealed(self, files: Mapping[FileID, bytes], key: Secret) -> "_Notes":
        """These notes with the seal over them and the files."""
        bare = msgspec.structs.replace(self, seal=b"")
        digests = b"".join(
            file_id.encode() + hashlib.sha256(files[file_id]).digest() for file_id in sorted(files)
        )
        message = _SEAL_PURPOSE + digests + msgspec.json.encode(bare)
        return msgspec.structs.replace(bare, seal=hmac.digest(key.reveal(), message, "sha256"))

    def is_vouched_for(self, files: Mapping[FileID, bytes], key: Secret | None) -> bool:
        """Whether the seal is that of this key."""
        if key is None or not self.seal:
            return False
        return hmac.compare_digest(self.sealed(files, key).seal, self.seal)


_NO_NOTES: Final = _Notes()


class Evidence(Data, frozen=True):
    """The files, why others could not be read, the session, and the MRZ that was read optically.

    `unread` says why each file that should have been there is not.  `optical_mrz` is the whole
    printed MRZ (90, 72 or 88 characters), the MRZ information alone, or empty.  `misplaced` names
    files of an image that pretend to be elementary files and are none.

    `vouched` is False where the session comes from an image that was not sealed with the key at
    hand: its proofs count for nothing, since anyone can have made them up; what it says against the
    chip counts, since nobody forges that to his own harm.  `optical_vouched` says the same of
    `optical_mrz`, which may also have been read by whoever judges.
    """

    files: Mapping[FileID, bytes]
    unread: Mapping[FileID, Fault] = {}
    session: InspectionSession | None = None
    optical_mrz: str = ""
    misplaced: tuple[str, ...] = ()
    image_quirks: tuple[str, ...] = ()
    vouched: bool = True
    optical_vouched: bool = True

    @classmethod
    def from_image(
        cls, image: LdsImage, what: str = "image", key: Secret | None = None
    ) -> "Evidence":
        """Make evidence of an image, with what its reader noted down where it did.

        What the notes say is vouched for where their seal is that of `key`.  Raises
        `MalformedError`, which blames `what`, for notes that cannot be read.
        """
        saved = _NO_NOTES if image.evidence is None else _decode(image.evidence, what)
        sealed = saved.is_vouched_for(image.files, key)
        return cls(
            files=image.files,
            unread=saved.unread,
            session=saved.session,
            optical_mrz=saved.optical_mrz,
            misplaced=tuple(name for name in image.unrecognised if _pretends(name)),
            image_quirks=image.tolerated,
            vouched=saved.session is None or sealed,
            optical_vouched=not saved.optical_mrz or sealed,
        )

    @classmethod
    def load(cls, path: Path, key: Secret | None = None) -> "Evidence":
        """Read an LDS image: a folder, a zip, or one elementary file by itself.

        `key` is that of the seal, as for `from_image`.  Raises `MisuseError` and `MalformedError`
        as `LdsImage.load` does.
        """
        return cls.from_image(LdsImage.load(path), str(path), key)

    def to_image(self, key: Secret | None = None) -> LdsImage:
        """Make the LDS image that holds all of it, sealed with `key`.

        Raises `MisuseError` where no file was read.
        """
        if not self.files:
            raise MisuseError("nothing was read from the chip, so there is no image to save")
        notes = _Notes(session=self.session, optical_mrz=self.optical_mrz, unread=dict(self.unread))
        if key is not None:
            notes = notes.sealed(self.files, key)
        return LdsImage(dict(self.files), evidence=msgspec.json.encode(notes))


def _pretends(name: str) -> bool:
    """Whether a file that is no elementary file has the name that ours have."""
    return name.startswith("EF_") and name.endswith(".bin")


def _decode(octets: bytes, what: str) -> _Notes:
    if len(octets) > _MAX_SIZE:
        raise MalformedError(f"{what}: {EVIDENCE_NAME}", f"has more than {_MAX_SIZE} octets")
    try:
        return msgspec.json.decode(octets, type=_Notes)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"{what}: {EVIDENCE_NAME}", str(error)) from error
