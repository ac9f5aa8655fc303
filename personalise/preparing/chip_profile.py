"""A chip profile: what kind of chip is made.  TOML; a key that is not known is an error by name.

The profiles that ship are in `personalise/preparing/profiles`; `permit` is the default.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import msgspec

from emrtd.access.pace.variants import can_be_mapped_into
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import EcGroup, Group
from emrtd.mrz.names import NameLengths
from emrtd.mrz.transliteration import Transliteration
from emrtd.mrz.transliteration_tables import Language
from support.errors import ElementError, MisuseError
from support.plugins import plugins
from support.records import FieldError, Record, from_toml, read_bounded, reject

CARD_KINDS: Final = "chipseal.cards"
"""The entry-point group of the kinds of cards, by the name that `card_profile` gives."""
MAX_PROFILE: Final = 64 * 1024
"""Octets of a profile."""

MANDATORY_DATA_GROUPS: Final = ("DG1", "DG2")

MappingName = Literal["GM", "IM", "CAM"]
KeyAgreementName = Literal["DH", "ECDH"]
CipherName = Literal["3DES", "AES-128", "AES-192", "AES-256"]
DataGroupName = Literal["DG1", "DG2", "DG3", "DG11", "DG12", "DG13"]
DomainParameters = Annotated[int, msgspec.Meta(ge=0, le=31)]
"""A standardised parameter identifier (Doc 9303-11, 9.5.1)."""


def _group(key_agreement: KeyAgreementName, domain_parameters: int) -> Group:
    if domain_parameters not in STANDARDISED:
        reject("domain_parameters", "are reserved; there are 0 to 2 and 8 to 18")
    group = STANDARDISED[domain_parameters]
    if isinstance(group, EcGroup) != (key_agreement == "ECDH"):
        reject("domain_parameters", f"do not belong to {key_agreement}")
    return group


class Passwords(Record, frozen=True):
    """Which passwords open the chip beside the MRZ; each one wanted is drawn for every chip."""

    can: bool = True
    pin: bool = False
    puk: bool = False


class Pace(Record, frozen=True):
    """One variant of PACE that the chip offers in EF.CardAccess."""

    mapping: MappingName
    key_agreement: KeyAgreementName
    cipher: CipherName
    domain_parameters: DomainParameters

    def __post_init__(self) -> None:
        if self.mapping == "CAM" and self.key_agreement != "ECDH":
            reject("key_agreement", "is not ECDH, which Chip Authentication Mapping needs")
        if self.mapping == "CAM" and self.cipher == "3DES":
            reject("cipher", "is 3DES, which Chip Authentication Mapping does not have")
        group = _group(self.key_agreement, self.domain_parameters)
        if self.mapping == "IM" and not can_be_mapped_into(group):
            reject("domain_parameters", "are a curve that Integrated Mapping is not defined on")


class ChipAuthentication(Record, frozen=True):
    """One key for Chip Authentication."""

    key_agreement: KeyAgreementName
    domain_parameters: DomainParameters
    cipher: CipherName

    def __post_init__(self) -> None:
        _group(self.key_agreement, self.domain_parameters)


class ActiveAuthentication(Record, frozen=True):
    """The key for Active Authentication: RSA of so many bits, or ECDSA on a named curve."""

    algorithm: Literal["RSA", "ECDSA"]
    hash: Literal["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    bits: Annotated[int, msgspec.Meta(ge=1024, le=4096)] | None = None
    curve: str | None = None

    def __post_init__(self) -> None:
        if (self.algorithm == "RSA") != (self.bits is not None):
            reject("bits", "must be given for RSA, and for RSA alone")
        if (self.algorithm == "ECDSA") != (self.curve is not None):
            reject("curve", "must be given for ECDSA, and for ECDSA alone")
        if self.curve is not None and self.curve not in CURVES:
            reject("curve", f"is not known; there are {', '.join(sorted(CURVES))}")
        if self.algorithm == "ECDSA" and self.hash == "SHA-1":
            reject("hash", "must not be SHA-1 with ECDSA (Doc 9303-11, 6.1.2.3)")


class TerminalAuthentication(Record, frozen=True):
    """Terminal Authentication; it guards the fingerprints (DG3)."""


class ApduLimits(Record, frozen=True):
    """The longest command and response APDU, in octets, that EF.ATR/INFO tells."""

    command: Annotated[int, msgspec.Meta(ge=256, le=65535)]
    response: Annotated[int, msgspec.Meta(ge=256, le=65535)]


class PortraitSettings(Record, frozen=True):
    """What the face on the chip is fitted to: 413 x 531 pixels are 35 x 45 mm at 300 an inch.

    A picture that is JPEG or JPEG 2000 already and no larger than `octets` goes on as it is: each
    compression loses something.
    """

    format: Literal["JPEG", "JPEG2000"] = "JPEG2000"
    width: Annotated[int, msgspec.Meta(ge=100, le=2000)] = 413
    height: Annotated[int, msgspec.Meta(ge=100, le=2500)] = 531
    octets: Annotated[int, msgspec.Meta(ge=4096, le=60_000)] = 17 * 1024
    colour: bool = True


class FingerprintSettings(Record, frozen=True):
    """How many octets a fingerprint on the chip may have; a larger one is coded more coarsely."""

    octets: Annotated[int, msgspec.Meta(ge=4096, le=60_000)] = 18 * 1024


class Names(Record, frozen=True):
    """What Doc 9303-3 to -6 leave to the State about names in the MRZ.

    `language` (be, bg, mk, sr or uk) selects the exceptions for Cyrillic; `letters` says what a
    Latin letter becomes where the table leaves a choice ({"Ñ" = "NXX"}); the lengths say how many
    letters each component of a name that is too long may keep, as `emrtd.mrz.names` explains.
    """

    language: Language | None = None
    letters: dict[str, str] = msgspec.field(default_factory=dict)
    surname_lengths: tuple[int, ...] = ()
    given_name_lengths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for field, check in (
            ("letters", lambda: self.transliteration),
            ("surname_lengths", lambda: NameLengths(self.surname_lengths)),
            ("given_name_lengths", lambda: NameLengths((), self.given_name_lengths)),
        ):
            try:
                check()
            except ElementError as error:
                reject(field, error.reason)

    @property
    def transliteration(self) -> Transliteration:
        """The choices of letters."""
        return Transliteration(self.language, self.letters)

    @property
    def lengths(self) -> NameLengths:
        """The choices of what to leave out."""
        return NameLengths(self.surname_lengths, self.given_name_lengths)


class ChipProfile(Record, frozen=True):
    """The whole of a chip profile."""

    description: str
    document: Literal["TD1", "TD2", "TD3"]
    data_groups: tuple[DataGroupName, ...]
    bac: bool = False
    passwords: Passwords = Passwords()
    pace: tuple[Pace, ...] = ()
    chip_authentication: tuple[ChipAuthentication, ...] = ()
    active_authentication: ActiveAuthentication | None = None
    terminal_authentication: TerminalAuthentication | None = None
    lds_version: Literal["1.7", "1.8"] = "1.8"
    biometric_encoding: Literal["19794", "39794"] = "19794"
    portrait: PortraitSettings = PortraitSettings()
    fingerprint: FingerprintSettings = FingerprintSettings()
    buffers: ApduLimits | None = None
    card_profile: str = "iso7816-9"
    any_document_code: bool = False
    names: Names = Names()

    def __post_init__(self) -> None:
        for name in MANDATORY_DATA_GROUPS:
            if name not in self.data_groups:
                reject("data_groups", f"lack {name}, which is mandatory")
        if len(set(self.data_groups)) != len(self.data_groups):
            reject("data_groups", "name one twice")
        if not self.bac and not self.pace:
            reject("pace", "is empty and bac is false: nothing would open the chip")
        if self.terminal_authentication is not None and not self.chip_authentication:
            reject("terminal_authentication", "needs chip_authentication before it")
        keys = [key.domain_parameters for key in self.chip_authentication]
        for number, pace in enumerate(self.pace):
            if pace.mapping == "CAM" and pace.domain_parameters not in keys:
                reject(
                    f"pace[{number}].domain_parameters",
                    "have no key of chip_authentication, which Chip Authentication Mapping uses",
                )
        self._reject_what_nothing_reads()

    def _reject_what_nothing_reads(self) -> None:
        """A key that would change nothing on this chip is a mistake: its author meant something."""
        if not self.pace:
            for name in ("pin", "puk"):
                if getattr(self.passwords, name):
                    reject(f"passwords.{name}", "opens nothing: it needs pace, and there is none")
        if self.passwords.puk and not self.passwords.pin:
            reject("passwords.puk", "unblocks nothing: it needs passwords.pin")
        if "DG3" not in self.data_groups and self.fingerprint != FingerprintSettings():
            reject("fingerprint", "is read by nothing: data_groups has no DG3")

    @classmethod
    def load(cls, name: str) -> Self:
        """Load the profile that ships under this name, or the file; raises `MisuseError`."""
        shipped = resources.files("personalise.preparing") / "profiles"
        if name in shipped_profiles():
            record = f"profile {name}"
            profile = from_toml((shipped / f"{name}.toml").read_bytes(), cls, record)
        elif Path(name).is_file():
            record = name
            profile = from_toml(read_bounded(Path(name), MAX_PROFILE), cls, record)
        else:
            names = ", ".join(shipped_profiles())
            raise MisuseError(f"chip profile {name}: no such file; the ones that ship are {names}")
        kinds = plugins(CARD_KINDS)
        if profile.card_profile not in kinds:
            known = ", ".join(kinds) or "none: install chipseal again, with its entry points"
            raise FieldError(record, "card_profile", f"is no kind of card; there are {known}")
        return profile

    @property
    def needs_card_security(self) -> bool:
        """Whether the chip carries EF.CardSecurity: Chip Authentication Mapping needs it."""
        return any(pace.mapping == "CAM" for pace in self.pace)


def shipped_profiles() -> list[str]:
    """The names of the profiles that ship, in alphabetical order."""
    files = (resources.files("personalise.preparing") / "profiles").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
