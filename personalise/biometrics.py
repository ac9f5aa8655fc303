"""The images of an application, judged and made fit for the chip: DG2 and DG3."""

from collections.abc import Callable
from dataclasses import dataclass

from emrtd.biometrics.images.headers import ImageFormat, sniff
from emrtd.biometrics.images.portrait import Eyes, PortraitProfile, fit
from emrtd.biometrics.quality.fingerprint import assess_fingerprint
from emrtd.biometrics.quality.measurement import Assessment, Grade
from emrtd.biometrics.quality.plugins import Modality, with_plugins
from emrtd.biometrics.quality.portrait import assess_portrait
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
from personalise.records import FieldError

_GENDERS = {"M": Gender.MALE, "F": Gender.FEMALE}


@dataclass(frozen=True)
class QualityGate:
    """What becomes of images that are not good enough.

    One that is unusable holds the application, unless an operator has looked at it and `accept` is
    set; `remark` is told of everything that could be better.
    """

    accept: bool = False
    remark: Callable[[str], None] = lambda _: None

    def judge(self, application: Application, field: str, assessment: Assessment) -> None:
        """Let an image pass or raise `FieldError`."""
        for each in assessment.measurements:
            if each.grade is Grade.UNUSABLE and not self.accept:
                raise application.error(
                    field,
                    f"is held for an operator: {each.sentence} (--accept-quality lets it pass)",
                )
            if each.grade is not Grade.GOOD:
                self.remark(f"{field}: {each.sentence}")


def make_dg2(application: Application, profile: ChipProfile, gate: QualityGate) -> bytes:
    """The holder's face, as the chip profile wants it coded."""
    field = "biometrics.portrait"
    biometrics = application.particulars.biometrics
    image = application.image(field, biometrics.portrait)
    eyes = None if biometrics.eyes is None else Eyes(*biometrics.eyes)
    gender = _GENDERS.get(application.particulars.holder.sex, Gender.UNSPECIFIED)
    try:
        image, eyes = _fit_portrait(image, eyes, profile)
        found = with_plugins(assess_portrait(image, eyes), image, Modality.PORTRAIT)
        gate.judge(application, field, found.assessment)
        points = _feature_points(eyes)
        face = FaceImage.of(image, gender=gender, feature_points=points, quality=found.scores)
        return DataGroup2.of([face], Generation(profile.biometric_encoding)).encode()
    except FieldError:
        raise
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


def make_dg3(
    application: Application, profile: ChipProfile, gate: QualityGate, random: Random
) -> bytes:
    """The holder's fingerprints; the empty template where there are none."""
    fingers = application.particulars.biometrics.fingers
    if fingers is None:
        raise application.error(
            "biometrics.fingers", "is missing; for a holder who gives no fingerprints, give []"
        )
    samples = [
        _sample(application, f"biometrics.fingers[{number}].image", finger.position, image, gate)
        for number, finger in enumerate(fingers)
        if (image := finger.image) is not None
    ]
    if not samples:
        return DataGroup3.empty(random).encode()
    return DataGroup3.of(samples, Generation(profile.biometric_encoding)).encode()


def _sample(
    application: Application, field: str, position: str, file_name: str, gate: QualityGate
) -> FingerImage:
    image = application.image(field, file_name)
    try:
        found = with_plugins(assess_fingerprint(image), image, Modality.FINGERPRINT)
        gate.judge(application, field, found.assessment)
        where = FingerPosition[position.upper().replace("-", "_")]
        return FingerImage.of(image, where, quality=found.scores)
    except FieldError:
        raise
    except (MalformedError, MisuseError) as error:
        raise application.error(field, str(error)) from None
