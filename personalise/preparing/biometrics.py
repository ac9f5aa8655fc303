"""The images of an application: fitted to the chip profile, assessed, encoded in DG2 and DG3."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as datum

from emrtd.biometrics.images.eye_centres import Eyes
from emrtd.biometrics.images.fingerprint import FingerprintProfile, fit_fingerprint
from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.images.portrait import PortraitProfile, fit
from emrtd.biometrics.quality.fingerprint import measure_fingerprint
from emrtd.biometrics.quality.pixels import decode
from emrtd.biometrics.quality.plugins import FullAssessment, Modality, with_plugins
from emrtd.biometrics.quality.portrait import measure_portrait
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
"""Pixels per side: 40 mm at 500 pixels per inch, more than any finger; larger scans are cropped."""

_GENDERS = {"M": Gender.MALE, "F": Gender.FEMALE}


@dataclass(frozen=True, slots=True)
class PreparedPortrait:
    """The portrait as the chip will store it, and the positions of the eyes, None if unknown.

    `marked` is True if the application states the positions.  Positions that were detected in the
    image are not signed as feature points.
    """

    image: bytes = datum(repr=False)
    eyes: Eyes | None = datum(repr=False)
    marked: bool = False


@dataclass(frozen=True, slots=True)
class PreparedPrint:
    """A fingerprint as the chip will store it, and the application's field that it comes from."""

    field: str
    image: bytes = datum(repr=False)
    position: FingerPosition


@dataclass(frozen=True, slots=True)
class Samples:
    """The biometric samples of an application as the chip will store them."""

    portrait: PreparedPortrait
    prints: tuple[PreparedPrint, ...]


Assessments = Mapping[str, FullAssessment]
"""The quality assessment of each sample, by the application's field that it comes from."""


def fit_samples(application: Application, profile: ChipProfile) -> Samples:
    """Crop and compress the images of an application to the profile; raises `FieldError`."""
    return Samples(_fit_portrait(application, profile), _fit_prints(application, profile))


def assess_samples(application: Application, samples: Samples) -> Assessments:
    """Measure the quality of every sample; raises `FieldError` for one that is not an image."""
    portrait, prints = samples.portrait, samples.prints
    names = [(PORTRAIT_FIELD, "portrait"), *((each.field, "fingerprint") for each in prints)]
    decoded = []
    found = decode([portrait.image, *(each.image for each in prints)])
    for (field, what), result in zip(names, found, strict=True):
        if isinstance(result, MalformedError):
            raise application.error(field, f"{what}: {result.reason}", advice=result.advice)
        decoded.append(result)
    face, *ridges = decoded
    built_in = measure_portrait(face, portrait.eyes)
    assessments = {PORTRAIT_FIELD: with_plugins(built_in, portrait.image, Modality.PORTRAIT)}
    for each, picture in zip(prints, ridges, strict=True):
        built_in = measure_fingerprint(picture)
        assessments[each.field] = with_plugins(built_in, each.image, Modality.FINGERPRINT)
    return assessments


def hold_unusable(application: Application, assessments: Assessments) -> None:
    """Raise `FieldError` for the first sample below a mandatory limit: an operator must decide."""
    for field, full in assessments.items():
        for measurement in full.assessment.unusable:
            raise application.error(
                field,
                f"is held for an operator: {measurement.sentence}",
                advice="accept the sample with --accept-quality REASON, or capture it again",
            )


def make_dg2(
    application: Application,
    profile: ChipProfile,
    portrait: PreparedPortrait,
    assessments: Assessments,
) -> bytes:
    """Return DG2 with the holder's portrait, in the profile's encoding; raises `FieldError`."""
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
        raise application.error(PORTRAIT_FIELD, error.message, advice=error.advice) from None


def make_dg3(
    application: Application,
    profile: ChipProfile,
    prints: tuple[PreparedPrint, ...],
    assessments: Assessments,
    random: Random,
) -> bytes:
    """Return DG3 with the holder's fingerprints, or the empty template; raises `FieldError`."""
    if application.particulars.biometrics.fingers is None:
        raise application.error(
            "biometrics.fingers",
            "is missing",
            advice="use [] for a holder without fingerprints",
        )
    if not prints:
        return DataGroup3.empty(random).encode()
    samples = []
    for each in prints:
        scores = assessments[each.field].scores
        try:
            samples.append(FingerImage.of(each.image, each.position, quality=scores))
        except (MalformedError, MisuseError) as error:
            raise application.error(each.field, error.message, advice=error.advice) from None
    return DataGroup3.of(samples, Generation(profile.biometric_encoding)).encode()


def _fit_portrait(application: Application, profile: ChipProfile) -> PreparedPortrait:
    biometrics, limits = application.particulars.biometrics, profile.portrait
    image = application.image(PORTRAIT_FIELD, biometrics.portrait)
    eyes = None if biometrics.eyes is None else Eyes(*biometrics.eyes)
    formats = {"JPEG": ImageFormat.JPEG, "JPEG2000": ImageFormat.JPEG2000}
    try:
        header = sniff(image, "portrait")
        storable = header.format is ImageFormat.JPEG or header.format.is_jpeg2000
        if storable and header.plain and len(image) <= limits.octets and eyes is None:
            return PreparedPortrait(image, None)
        fitted = fit(
            image,
            PortraitProfile(
                limits.octets, formats[limits.format], limits.width, limits.height, limits.colour
            ),
            eyes,
        )
    except (MalformedError, MisuseError) as error:
        raise application.error(PORTRAIT_FIELD, error.message, advice=error.advice) from None
    return PreparedPortrait(fitted.data, fitted.eyes, fitted.marked)


def _fit_prints(application: Application, profile: ChipProfile) -> tuple[PreparedPrint, ...]:
    limits = FingerprintProfile(profile.fingerprint.octets, MAX_PRINT_SIDE, MAX_PRINT_SIDE)
    prints = []
    for number, finger in enumerate(application.particulars.biometrics.fingers or ()):
        if finger.image is None:
            continue
        field = f"biometrics.fingers[{number}].image"
        image = application.image(field, finger.image)
        position = FingerPosition[finger.position.upper().replace("-", "_")]
        try:
            prints.append(PreparedPrint(field, fit_fingerprint(image, limits), position))
        except (MalformedError, MisuseError) as error:
            raise application.error(field, error.message, advice=error.advice) from None
    return tuple(prints)


def _feature_points(eyes: Eyes | None) -> tuple[FeaturePoint, ...]:
    """Return the centres of the eyes: point 12.1 is the holder's left eye, 12.2 the right."""
    if eyes is None:
        return ()
    return tuple(
        FeaturePoint(12, minor, round(x), round(y))
        for minor, (x, y) in ((1, eyes.left), (2, eyes.right))
    )
