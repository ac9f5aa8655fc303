"""The images of an application, made fit for the chip: DG2 and DG3."""

from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.images.portrait import Eyes, PortraitProfile, fit
from emrtd.biometrics.samples import (
    FaceImage,
    FeaturePoint,
    FingerImage,
    FingerPosition,
    Gender,
    Generation,
)
from emrtd.errors import MalformedError, MisuseError
from emrtd.iso7816.procedure import Random
from emrtd.lds.dg2 import DataGroup2
from emrtd.lds.dg3 import DataGroup3
from personalise.application import Application
from personalise.chip_profile import ChipProfile

_GENDERS = {"M": Gender.MALE, "F": Gender.FEMALE}


def make_dg2(application: Application, profile: ChipProfile) -> bytes:
    """The holder's face, as the chip profile wants it coded."""
    field = "biometrics.portrait"
    biometrics = application.particulars.biometrics
    image = application.image(field, biometrics.portrait)
    eyes = None if biometrics.eyes is None else Eyes(*biometrics.eyes)
    gender = _GENDERS.get(application.particulars.holder.sex, Gender.UNSPECIFIED)
    try:
        image, eyes = _fit_portrait(image, eyes, profile)
        face = FaceImage.of(image, gender=gender, feature_points=_feature_points(eyes))
        return DataGroup2.of([face], Generation(profile.biometric_encoding)).encode()
    except (MalformedError, MisuseError) as error:
        raise application.error(field, str(error)) from None


def _fit_portrait(
    image: bytes, eyes: Eyes | None, profile: ChipProfile
) -> tuple[bytes, Eyes | None]:
    wanted = profile.portrait
    header = sniff(image, "portrait")
    storable = header.format is ImageFormat.JPEG or header.format.is_jpeg2000
    if storable and len(image) <= wanted.octets and eyes is None:
        return image, None
    formats = {"JPEG": ImageFormat.JPEG, "JPEG2000": ImageFormat.JPEG2000}
    fitted = fit(
        image,
        PortraitProfile(
            wanted.octets, formats[wanted.format], wanted.width, wanted.height, wanted.colour
        ),
        eyes,
    )
    return fitted.data, fitted.eyes


def _feature_points(eyes: Eyes | None) -> tuple[FeaturePoint, ...]:
    """The centres of the eyes: 12.1 is the holder's left one, 12.2 the right."""
    if eyes is None:
        return ()
    return tuple(
        FeaturePoint(12, minor, round(x), round(y))
        for minor, (x, y) in ((1, eyes.left), (2, eyes.right))
    )


def make_dg3(application: Application, profile: ChipProfile, random: Random) -> bytes:
    """The holder's fingerprints; the empty template where there are none."""
    fingers = application.particulars.biometrics.fingers
    if fingers is None:
        raise application.error(
            "biometrics.fingers", "is missing; for a holder who gives no fingerprints, give []"
        )
    samples = []
    for number, finger in enumerate(fingers):
        if finger.image is None:
            continue
        field = f"biometrics.fingers[{number}].image"
        image = application.image(field, finger.image)
        position = FingerPosition[finger.position.upper().replace("-", "_")]
        try:
            samples.append(FingerImage.of(image, position))
        except (MalformedError, MisuseError) as error:
            raise application.error(field, str(error)) from None
    if not samples:
        return DataGroup3.empty(random).encode()
    return DataGroup3.of(samples, Generation(profile.biometric_encoding)).encode()
