"""Preparing documents in a batch, compared with the work that no preparation can leave out.

The processor time of children counts: images are decoded in another process.
"""

import resource
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import PIL.Image

from bench.timing import Ratio
from emrtd.biometrics.images.decoder import DECODER
from emrtd.biometrics.images.decoding import decode
from emrtd.lds.files import FileID
from emrtd.lds.security.sod import Sod
from personalise.pki.create import create_pki
from personalise.pki.issuer import PkiIssuer
from personalise.pki.settings import settings_for
from personalise.preparing.application import Application
from personalise.preparing.biometrics import assess_samples, fit_samples
from personalise.preparing.chip_profile import ChipProfile
from personalise.preparing.preparer import Preparer
from personalise.specimen.applications import make_application
from support.secret import Secret

DOCUMENTS = 12
ROUNDS = 5

UNAVOIDABLE = 1.5
COMPRESSIONS = 82 / 7
"""A seventh of what `prepare` took for a document before there were batches, in compressions."""

Picture = PIL.Image.Image


def measure() -> list[Ratio]:
    DECODER.fork()
    with tempfile.TemporaryDirectory() as made:
        settings = settings_for("UTO", "Utopia")
        pki = create_pki(Path(made) / "pki", settings, Secret(b"a pass phrase"), now())
        profile = ChipProfile.load("permit")
        applications = [application(number) for number in range(DOCUMENTS)]
        samples = [fit_samples(each, profile) for each in applications]
        portraits = [decode(each.portrait.image) for each in samples]
        signer = pki.document_signer()

        with Preparer(PkiIssuer(pki)) as preparer:
            image = preparer.prepare(applications[0], profile, now())  # the first one is slow
            signed = Sod.parse(image.files[FileID.SOD]).security_object

            def batch() -> None:
                for each in applications:
                    preparer.prepare(each, profile, now())

            def compressions() -> None:
                for portrait in portraits:
                    compress(portrait, profile.portrait.octets)

            def unavoidable() -> None:
                compressions()
                for each, taken in zip(applications, samples, strict=True):
                    assess_samples(each, taken)
                    signer.sign_security_object(signed, now())

            rounds = [
                [seconds(each) for each in (batch, unavoidable, compressions)]
                for _ in range(ROUNDS)
            ]
    least = statistics.median(whole / part for whole, part, _ in rounds)
    against = statistics.median(whole / compression for whole, _, compression in rounds)
    return [
        Ratio("a batch / its compressions, measurements, signatures", least, UNAVOIDABLE),
        Ratio("a document of a batch / a compression of its portrait", against, COMPRESSIONS),
    ]


def application(number: int) -> Application:
    _, files = make_application("bench", number)
    return Application.decode(files["application.json"], files.__getitem__)


def compress(portrait: Picture, target: int) -> None:
    """Encode a portrait once, as `emrtd.biometrics.images.portrait` does at its first try."""
    rate = portrait.width * portrait.height * 3 / target
    portrait.save(
        BytesIO(), "JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True, mct=1
    )


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def seconds(work: Callable[[], None]) -> float:
    """Return the processor time of this process and of its decoder, which is waited for."""
    DECODER.stop()
    before = _processor_time()
    work()
    DECODER.stop()
    return _processor_time() - before


def _processor_time() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
