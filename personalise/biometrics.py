"""The images of an application, made fit for the chip: DG2 and DG3."""

from emrtd.biometrics.samples import (
    FaceImage,
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
    image = application.image(field, application.particulars.biometrics.portrait)
    gender = _GENDERS.get(application.particulars.holder.sex, Gender.UNSPECIFIED)
    try:
        face = FaceImage.of(image, gender=gender)
        return DataGroup2.of([face], Generation(profile.biometric_encoding)).encode()
    except (MalformedError, MisuseError) as error:
        raise application.error(field, str(error)) from None


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
