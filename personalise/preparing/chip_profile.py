"""A chip profile: the kind of chip to make, as a TOML file; an unknown key is an error.

The installed profiles are in `personalise/preparing/profiles`; `permit` is the default.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import msgspec

from emrtd.access.pace.variants import can_be_mapped_into
from emrtd.calendar import BAC, ISO_19794, TRANSITIONS, WITHOUT_PACE, Transition
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED
from emrtd.crypto.groups import EcGroup, Group
from emrtd.crypto.hashes import Hash
from emrtd.mrz.countries import SPECIMEN_STATE, is_deprecated, is_nationality
from emrtd.mrz.names import NameLengths
from emrtd.mrz.transliteration import Transliteration
from emrtd.mrz.transliteration_tables import Language
from support.errors import ElementError, MisuseError
from support.plugins import plugins
from support.records import FieldError, Record, from_toml, read_bounded, reject

CARD_KINDS: Final = "chipseal.cards"
"""The entry-point group of the kinds of cards, by the name in `card_profile`."""
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
        reject("domain_parameters", "are reserved", advice="use 0 to 2 or 8 to 18")
    group = STANDARDISED[domain_parameters]
    if isinstance(group, EcGroup) != (key_agreement == "ECDH"):
        reject("domain_parameters", f"do not belong to {key_agreement}")
    return group


def _check_other_nationality(field: str, code: str) -> None:
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        reject(field, "is not three letters A to Z")
    if is_deprecated(code):
        reject(field, "is a code of Doc 9303-3, 5, Part F, which is read and never written")
    if code == SPECIMEN_STATE:
        reject(field, "is the code of specimens, which only documents of UTO have")
    if is_nationality(code, issuing_state=""):
        reject(field, "has no effect: Doc 9303-3, 5 lists this code")


class Passwords(Record, frozen=True):
    """The passwords besides the MRZ; each that is set is generated for every chip."""

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
            reject("key_agreement", "is not ECDH, which Chip Authentication Mapping requires")
        if self.mapping == "CAM" and self.cipher == "3DES":
            reject("cipher", "is 3DES, which Chip Authentication Mapping does not support")
        group = _group(self.key_agreement, self.domain_parameters)
        if self.mapping == "IM" and not can_be_mapped_into(group):
            reject("domain_parameters", "are a curve for which Integrated Mapping is not defined")


class ChipAuthentication(Record, frozen=True):
    """One key for Chip Authentication."""

    key_agreement: KeyAgreementName
    domain_parameters: DomainParameters
    cipher: CipherName

    def __post_init__(self) -> None:
        _group(self.key_agreement, self.domain_parameters)


class ActiveAuthentication(Record, frozen=True):
    """The key for Active Authentication: RSA with `bits`, or ECDSA on the named `curve`."""

    algorithm: Literal["RSA", "ECDSA"]
    hash: Literal["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    bits: Annotated[int, msgspec.Meta(ge=1024, le=4096)] | None = None
    curve: str | None = None

    def __post_init__(self) -> None:
        if (self.algorithm == "RSA") != (self.bits is not None):
            reject("bits", "must be given for RSA, and only for RSA")
        if (self.algorithm == "ECDSA") != (self.curve is not None):
            reject("curve", "must be given for ECDSA, and only for ECDSA")
        if self.curve is not None and self.curve not in CURVES:
            reject("curve", "is not known", advice=f"use one of {', '.join(sorted(CURVES))}")
        if self.algorithm == "ECDSA" and self.hash == "SHA-1":
            reject("hash", "must not be SHA-1 with ECDSA (Doc 9303-11, 6.1.2.3)")
        if self.curve is not None and Hash(self.hash).size > CURVES[self.curve].size:
            reject(
                "hash",
                f"is longer than a key on {self.curve} (Doc 9303-11, 6.1.2.3)",
                advice="use a larger curve, or a shorter hash of the SHA-2 family",
            )


class TerminalAuthentication(Record, frozen=True):
    """Terminal Authentication, which protects the fingerprints (DG3); it has no settings."""


class ApduLimits(Record, frozen=True):
    """The longest command and response APDU, in octets, as EF.ATR/INFO announces them."""

    command: Annotated[int, msgspec.Meta(ge=256, le=65535)]
    response: Annotated[int, msgspec.Meta(ge=256, le=65535)]


class PortraitSettings(Record, frozen=True):
    """The format and size of the portrait on the chip.

    413 x 531 pixels are 35 x 45 mm at 300 pixels per inch.  A JPEG or JPEG 2000 image of at most
    `octets` is stored unchanged, because each compression loses quality.
    """

    format: Literal["JPEG", "JPEG2000"] = "JPEG2000"
    width: Annotated[int, msgspec.Meta(ge=100, le=2000)] = 413
    height: Annotated[int, msgspec.Meta(ge=100, le=2500)] = 531
    octets: Annotated[int, msgspec.Meta(ge=4096, le=60_000)] = 17 * 1024
    colour: bool = True


class FingerprintSettings(Record, frozen=True):
    """The size limit of a fingerprint on the chip, in octets; larger ones are compressed more."""

    octets: Annotated[int, msgspec.Meta(ge=4096, le=60_000)] = 18 * 1024


class Names(Record, frozen=True):
    """The choices about names in the MRZ that Doc 9303-3 to -6 leave to the State.

    `language` (be, bg, mk, sr or uk) selects the exceptions for Cyrillic; `letters` is the
    transliteration of Latin letters for which the table leaves a choice ({"Ñ" = "NXX"}); the
    lengths are the numbers of letters that each component of a name that is too long keeps, as
    `emrtd.mrz.names` explains.
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
        """The transliteration with the State's choices."""
        return Transliteration(self.language, self.letters)

    @property
    def lengths(self) -> NameLengths:
        """The State's choices for the truncation of names."""
        return NameLengths(self.surname_lengths, self.given_name_lengths)


class ChipProfile(Record, frozen=True):
    """The contents of a chip profile.

    `other_nationalities` are codes that Doc 9303-3, 5 does not list, such as XXK, and that the
    State writes all the same.  `why_without_expiry` is the State's reason to issue documents
    without a date of expiry; with it, an application may have none.
    """

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
    other_nationalities: tuple[str, ...] = ()
    why_without_expiry: str = ""
    names: Names = Names()

    def __post_init__(self) -> None:
        for name in MANDATORY_DATA_GROUPS:
            if name not in self.data_groups:
                reject("data_groups", f"lack {name}, which is mandatory")
        if len(set(self.data_groups)) != len(self.data_groups):
            reject("data_groups", "list a data group twice")
        if not self.bac and not self.pace:
            reject("pace", "is empty and bac is false: nothing would open the chip")
        if self.terminal_authentication is not None and not self.chip_authentication:
            reject("terminal_authentication", "requires chip_authentication")
        keys = [key.domain_parameters for key in self.chip_authentication]
        for number, pace in enumerate(self.pace):
            if pace.mapping == "CAM" and pace.domain_parameters not in keys:
                reject(
                    f"pace[{number}].domain_parameters",
                    "match no key in chip_authentication, which Chip Authentication Mapping uses",
                )
        for number, code in enumerate(self.other_nationalities):
            _check_other_nationality(f"other_nationalities[{number}]", code)
        self._reject_keys_without_effect()

    def _reject_keys_without_effect(self) -> None:
        """Reject a key that changes nothing on this chip: its author expected an effect."""
        if not self.pace:
            for name in ("pin", "puk"):
                if getattr(self.passwords, name):
                    reject(f"passwords.{name}", "has no effect without pace")
        if self.passwords.puk and not self.passwords.pin:
            reject("passwords.puk", "has no effect without passwords.pin")
        if "DG3" not in self.data_groups and self.fingerprint != FingerprintSettings():
            reject("fingerprint", "has no effect: data_groups has no DG3")

    @classmethod
    def load(cls, name: str) -> Self:
        """Load the installed profile of this name, or the file at this path.

        Raises `MisuseError` if neither exists, `FieldError` for a key that is wrong.
        """
        shipped = resources.files("personalise.preparing") / "profiles"
        if name in shipped_profiles():
            record = f"profile {name}"
            profile = from_toml((shipped / f"{name}.toml").read_bytes(), cls, record)
        elif Path(name).is_file():
            record = name
            profile = from_toml(read_bounded(Path(name), MAX_PROFILE), cls, record)
        else:
            names = ", ".join(shipped_profiles())
            raise MisuseError(
                f"chip profile {name}: no such profile or file",
                advice=f"use one of {names}, or the path of a TOML file",
            )
        kinds = plugins(CARD_KINDS)
        if profile.card_profile not in kinds:
            advice = f"use one of {', '.join(kinds)}" if kinds else "reinstall chipseal"
            raise FieldError(record, "card_profile", "is not a known kind of card", advice=advice)
        return profile

    @property
    def needs_card_security(self) -> bool:
        """Whether the chip has EF.CardSecurity: Chip Authentication Mapping requires it."""
        return any(pace.mapping == "CAM" for pace in self.pace)


def transitions_of(profile: ChipProfile) -> list[Transition]:
    """Return the transitions of the calendar that end a profile, the next one first."""
    concerned = {
        WITHOUT_PACE: not profile.pace,
        BAC: profile.bac,
        ISO_19794: profile.biometric_encoding == "19794",
    }
    return [each for each in TRANSITIONS if concerned.get(each, False)]


def shipped_profiles() -> list[str]:
    """Return the names of the installed profiles, in alphabetical order."""
    files = (resources.files("personalise.preparing") / "profiles").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
