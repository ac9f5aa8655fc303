"""The images of an application, made fit for the chip, assessed, and put into DG2 and DG3."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as datum

from emrtd.biometrics.images.fingerprint import FingerprintProfile, fit_fingerprint
from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.images.portrait import Eyes, PortraitProfile, fit
from emrtd.biometrics.quality.fingerprint import assess_fingerprint
from emrtd.biometrics.quality.plugins import FullAssessment, Modality, with_plugins
from emrtd.biometrics.quality.portrait import assess_portrait
from emrtd.biometrics.samples import (
    FaceImage,
    FeaturePoint,
    FingerImage,
    FingerPosition,
    Gender,
    Generation,
)
from emrtd.iso7816.procedure import Random
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from personalise.preparing.application import Application
from personalise.preparing.chip_profile import ChipProfile
from support.errors import MalformedError, MisuseError

PORTRAIT_FIELD = "biometrics.portrait"

MAX_PRINT_SIDE = 800
"""Pixels a side at 500 pixels per inch: 40 mm, more than any finger; a larger scan is cropped."""

_GENDERS = {"M": Gender.MALE, "F": Gender.FEMALE}


@dataclass(frozen=True, slots=True)
class FittedPortrait:
    """The portrait as the chip will hold it, and where its eyes are, when that is known.

    `marked` says whether the application said so; eyes that were found are not signed as facts.
    """

    image: bytes = datum(repr=False)
    eyes: Eyes | None = datum(repr=False)
    marked: bool = False


@dataclass(frozen=True, slots=True)
class FittedPrint:
    """A fingerprint as the chip will hold it, and the application's field that it comes from."""

    field: str
    image: bytes = datum(repr=False)
    position: FingerPosition


@dataclass(frozen=True, slots=True)
class Samples:
    """What of an application's biometrics goes onto the chip."""

    portrait: FittedPortrait
    prints: tuple[FittedPrint, ...]


Assessments = Mapping[str, FullAssessment]
"""What was thought of each sample, by the field of the application that it comes from."""


def fit_samples(application: Application, profile: ChipProfile) -> Samples:
    """Make the images of an application fit for the chip; raises `FieldError`."""
    return Samples(_fit_portrait(application, profile), _fit_prints(application, profile))


def assess_samples(application: Application, samples: Samples) -> Assessments:
    """Measure every sample; raises `FieldError` for one that is no image."""
    found = {}
    try:
        field, portrait = PORTRAIT_FIELD, samples.portrait
        own = assess_portrait(portrait.image, portrait.eyes)
        found[field] = with_plugins(own, portrait.image, Modality.PORTRAIT)
        for each in samples.prints:
            field = each.field
            own = assess_fingerprint(each.image)
            found[field] = with_plugins(own, each.image, Modality.FINGERPRINT)
    except MalformedError as error:
        raise application.error(field, str(error)) from None
    return found


def hold_unusable(application: Application, assessments: Assessments) -> None:
    """Hold an application for an operator where a sample is below a mandatory limit."""
    for field, full in assessments.items():
        for measurement in full.assessment.unusable:
            raise application.error(
                field,
                f"is held for an operator: {measurement.sentence}"
                " (--accept-quality REASON takes it as it is)",
            )


def make_dg2(
    application: Application,
    profile: ChipProfile,
    portrait: FittedPortrait,
    assessments: Assessments,
) -> bytes:
    """The holder's face, as the chip profile wants it coded."""
    gender = _GENDERS.get(application.particulars.holder.sex, Gender.UNSPECIFIED)
    try:
        face = FaceImage.of(
            portrait.image,
            gender=gender,
            feature_points=_feature_points(portrait.eyes if portrait.marked else None),
            quality=assessments[PORTRAIT_FIELD].scores,
        )
        return DataGroup2.of([face], Generation(profile.biometric_encoding)).encode()
    except (MalformedError, MisuseError) as error:
        raise application.error(PORTRAIT_FIELD, str(error)) from None


def make_dg3(
    application: Application,
    profile: ChipProfile,
    prints: tuple[FittedPrint, ...],
    assessments: Assessments,
    random: Random,
) -> bytes:
    """The holder's fingerprints; the empty template where there are none."""
    if application.particulars.biometrics.fingers is None:
        raise application.error(
            "biometrics.fingers", "is missing; for a holder who gives no fingerprints, give []"
        )
    if not prints:
        return DataGroup3.empty(random).encode()
    samples = []
    for each in prints:
        scores = assessments[each.field].scores
        try:
            samples.append(FingerImage.of(each.image, each.position, quality=scores))
        except (MalformedError, MisuseError) as error:
            raise application.error(each.field, str(error)) from None
    return DataGroup3.of(samples, Generation(profile.biometric_encoding)).encode()


def _fit_portrait(application: Application, profile: ChipProfile) -> FittedPortrait:
    biometrics, wanted = application.particulars.biometrics, profile.portrait
    image = application.image(PORTRAIT_FIELD, biometrics.portrait)
    eyes = None if biometrics.eyes is None else Eyes(*biometrics.eyes)
    formats = {"JPEG": ImageFormat.JPEG, "JPEG2000": ImageFormat.JPEG2000}
    try:
        header = sniff(image, "portrait")
        storable = header.format is ImageFormat.JPEG or header.format.is_jpeg2000
        if storable and header.plain and len(image) <= wanted.octets and eyes is None:
            return FittedPortrait(image, None)
        fitted = fit(
            image,
            PortraitProfile(
                wanted.octets, formats[wanted.format], wanted.width, wanted.height, wanted.colour
            ),
            eyes,
        )
    except (MalformedError, MisuseError) as error:
        raise application.error(PORTRAIT_FIELD, str(error)) from None
    return FittedPortrait(fitted.data, fitted.eyes, fitted.marked)


def _fit_prints(application: Application, profile: ChipProfile) -> tuple[FittedPrint, ...]:
    wanted = FingerprintProfile(profile.fingerprint.octets, MAX_PRINT_SIDE, MAX_PRINT_SIDE)
    prints = []
    for number, finger in enumerate(application.particulars.biometrics.fingers or ()):
        if finger.image is None:
            continue
        field = f"biometrics.fingers[{number}].image"
        image = application.image(field, finger.image)
        position = FingerPosition[finger.position.upper().replace("-", "_")]
        try:
            prints.append(FittedPrint(field, fit_fingerprint(image, wanted), position))
        except (MalformedError, MisuseError) as error:
            raise application.error(field, str(error)) from None
    return tuple(prints)


def _feature_points(eyes: Eyes | None) -> tuple[FeaturePoint, ...]:
    """The centres of the eyes: 12.1 is the holder's left one, 12.2 the right."""
    if eyes is None:
        return ()
    return tuple(
        FeaturePoint(12, minor, round(x), round(y))
        for minor, (x, y) in ((1, eyes.left), (2, eyes.right))
    )
