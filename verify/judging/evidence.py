"""Evidence: what an inspection captured from a document.

A judgement depends on evidence, trust store, policy and instant alone: evidence judged again years
later, with the same three, yields the same report.  A proof is therefore kept as a transcript that
is verified again, not as a result.  Evidence is saved as an LDS image, with `evidence.json` beside
the elementary files.

Anyone who has the public files can invent a transcript.  Saved evidence therefore carries a seal:
HMAC-SHA-256 under a key that only the user has.  If the seal is wrong or missing, the proofs of the
session are not counted, and the image is judged as an image of files.
"""

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from emrtd.lds.files import FileID
from emrtd.lds.image import EVIDENCE_NAME, LdsImage
from support.errors import MalformedError, MisuseError
from support.reasons import plain
from support.secret import Secret
from verify.judging.faults import Data, Fault, PasswordName

_MAX_SIZE: Final = 1 << 20
_SEAL_PURPOSE: Final = b"chipseal evidence 2\n"

SEAL_KEY: Final = "evidence-key"
"""The name under which the user's key for sealing evidence is stored."""


class Exchange(Data, frozen=True):
    """One command APDU and its response APDU, as transmitted."""

    command: bytes
    response: bytes


class PaceTranscript(Data, frozen=True):
    """A PACE run that succeeded.

    `mapping_key` is the chip's ephemeral public key of the mapping.  `chip_authentication_data` is
    the decrypted CA_IC, None except with Chip Authentication Mapping (Doc 9303-11, 4.4.3.5.2).
    """

    protocol: str
    parameter_id: int | None
    mapping_key: bytes | None = None
    chip_authentication_data: bytes | None = None


class ChipAuthenticationTranscript(Data, frozen=True):
    """Chip Authentication: the data that prove that the chip has the static private key.

    The static public key is in DG14 for version 1 and in EF.CardSecurity for version 2; only
    version 2 has `nonce`, the chip's r_IC.

    `terminal_private_key` is the terminal's ephemeral key; its session has ended.  The judgement
    derives the session keys again from it and the chip's signed public key.  `proof` is the first
    exchange under those keys, with an empty response if no whole one arrived.

    If `proof` is None or proves nothing, one of these says why: `refusal` is what the chip did
    instead, in a response that secure messaging authenticated; `disturbed` is the fault of a
    response that nothing authenticated, such as a plain status word, which the chip or somebody
    else may have sent; `undetermined` is why the chip was not asked.

    A proof that was disturbed is tried once more, after the chip was reset and opened again.
    `before` is then the first try, and the other fields are the second.
    """

    protocol: str = ""
    key_id: int | None = None
    terminal_private_key: bytes = b""
    proof: Exchange | None = None
    refusal: Fault | None = None
    undetermined: Fault | None = None
    version: Literal[1, 2] = 1
    nonce: bytes = b""
    disturbed: Fault | UnsetType = UNSET
    before: "ChipAuthenticationTranscript | UnsetType" = UNSET


class ActiveAuthenticationTranscript(Data, frozen=True):
    """Active Authentication: the challenge RND.IFD (8 octets) and the chip's signature.

    The other fields have the meaning that they have in `ChipAuthenticationTranscript`.
    """

    challenge: bytes = b""
    signature: bytes = b""
    refusal: Fault | None = None
    undetermined: Fault | None = None
    disturbed: Fault | UnsetType = UNSET
    before: "ActiveAuthenticationTranscript | UnsetType" = UNSET


class TerminalAuthenticationTranscript(Data, frozen=True):
    """Terminal Authentication: the terminal's certificate, and the data groups it may read.

    `refusal` is why it failed (the chip's answer, or a missing certificate); None if it succeeded.
    """

    holder: str = ""
    rights: tuple[str, ...] = ()
    refusal: Fault | None = None


@unique
class AccessControl(StrEnum):
    """The access control by which a chip was opened."""

    NONE = "none"
    BAC = "bac"
    PACE = "pace"


class Access(Data, frozen=True):
    """How a chip was opened.

    `variant` is the `PaceVariant.name` of PACE, empty otherwise.  `password` is the kind of the
    password that opened the chip, None if it requires none.
    """

    control: AccessControl
    password: PasswordName | None = None
    variant: str = ""

    @property
    def name(self) -> str:
        """The `access` of a report, such as `pace-ecdh-gm-aes-cbc-cmac-128/brainpoolP256r1/mrz`."""
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
    """A step that failed, why, and with which password.

    `password` is None for a step that uses no password.
    """

    step: Step
    fault: Fault
    password: PasswordName | None = None


class InspectionSession(Data, frozen=True):
    """What the chip did during an inspection; an image of files that came from no chip has none.

    `access` is how the chip was opened, None if it did not open.  `failures` are the steps of
    opening that failed, in order.  `reopened` holds one PACE transcript for each time that the chip
    ended its session and was opened again: by then it may be another chip.
    `control_parameters` is the answer to SELECT for the control parameters of the eMRTD application
    (data object 62 or 6F), or why there is none; unset if the chip was not asked.
    """

    atr: bytes
    access: Access | None = None
    failures: tuple[Failure, ...] = ()
    pace: PaceTranscript | None = None
    reopened: tuple[PaceTranscript, ...] = ()
    chip_authentication: ChipAuthenticationTranscript | None = None
    active_authentication: ActiveAuthenticationTranscript | None = None
    terminal_authentication: TerminalAuthenticationTranscript | None = None
    control_parameters: bytes | Fault | UnsetType = UNSET
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
        """Return these notes with the seal over them and the files."""
        bare = msgspec.structs.replace(self, seal=b"")
        digests = b"".join(
            file_id.encode() + hashlib.sha256(files[file_id]).digest() for file_id in sorted(files)
        )
        message = _SEAL_PURPOSE + digests + msgspec.json.encode(bare, enc_hook=plain)
        return msgspec.structs.replace(bare, seal=hmac.digest(key.reveal(), message, "sha256"))

    def is_sealed_with(self, key: Secret | None, files: Mapping[FileID, bytes]) -> bool:
        """Whether the seal over these notes and the files was made with `key`."""
        if key is None or not self.seal:
            return False
        return hmac.compare_digest(self.sealed(files, key).seal, self.seal)


_NO_NOTES: Final = _Notes()


class Evidence(Data, frozen=True):
    """The files, the reasons why others were not read, the session, and the printed MRZ.

    `unread` holds, for each file that was expected and not read, the reason.  `optical_mrz` is the
    whole printed MRZ (90, 72 or 88 characters), the MRZ information alone, or empty.  `misplaced`
    holds the names of files in the image that are named like elementary files and are not.

    `session_trusted` is False if the session comes from an image that is not sealed with the user's
    key.  Its proofs are then not counted, since anyone can have invented them; its evidence against
    the chip is, since an attacker has no reason to invent that.  `optical_trusted` is False if
    `optical_mrz` comes from such an image, and was not given for this judgement.
    """

    files: Mapping[FileID, bytes]
    unread: Mapping[FileID, Fault] = {}
    session: InspectionSession | None = None
    optical_mrz: str = ""
    misplaced: tuple[str, ...] = ()
    image_quirks: tuple[str, ...] = ()
    session_trusted: bool = True
    optical_trusted: bool = True

    @classmethod
    def from_image(
        cls, image: LdsImage, what: str = "image", key: Secret | None = None
    ) -> "Evidence":
        """Return the evidence in an image, including its evidence.json if it has one.

        The session and the printed MRZ are trusted if the seal was made with `key`.  Raises
        `MalformedError`, which names `what`, if evidence.json cannot be read.
        """
        saved = _NO_NOTES if image.evidence is None else _decode(image.evidence, what)
        sealed = saved.is_sealed_with(key, image.files)
        return cls(
            files=image.files,
            unread=saved.unread,
            session=saved.session,
            optical_mrz=saved.optical_mrz,
            misplaced=tuple(filter(_is_named_like_a_file, image.unrecognised)),
            image_quirks=image.tolerated,
            session_trusted=saved.session is None or sealed,
            optical_trusted=not saved.optical_mrz or sealed,
        )

    def to_image(self, key: Secret | None = None) -> LdsImage:
        """Return an LDS image of this evidence, sealed with `key`; not sealed if that is None.

        Raises `MisuseError` if no file was read.
        """
        if not self.files:
            raise MisuseError("no file was read from the chip, so there is no image to save")
        notes = _Notes(session=self.session, optical_mrz=self.optical_mrz, unread=dict(self.unread))
        if key is not None:
            notes = notes.sealed(self.files, key)
        return LdsImage(dict(self.files), evidence=msgspec.json.encode(notes, enc_hook=plain))


def _is_named_like_a_file(name: str) -> bool:
    """Whether a name has the form that an LDS image gives to its elementary files."""
    return name.startswith("EF_") and name.endswith(".bin")


def _decode(octets: bytes, what: str) -> _Notes:
    if len(octets) > _MAX_SIZE:
        raise MalformedError(f"{what}: {EVIDENCE_NAME}", f"has more than {_MAX_SIZE} octets")
    from support.records import FieldError, from_json

    record = f"{what}: {EVIDENCE_NAME}"
    try:
        return from_json(octets, _Notes, record)
    except FieldError as error:  # it shows neither a value nor an unknown key
        if error.field == "version":
            raise MalformedError(
                record,
                "is of another version than 2, which this release reads",
                advice="inspect the document again, or remove this file to judge the others alone",
            ) from None
        reason = f"{error.field}: {error.problem}" if error.field else error.problem
        raise MalformedError(record, reason) from None
