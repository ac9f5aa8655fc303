"""A site's quality plug-ins score samples as the built-in checks do, and a failure is an error."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from emrtd.biometrics.quality.measurement import Assessment, Grade
from emrtd.biometrics.quality.plugins import ENTRY_POINT_GROUP, Modality, with_plugins
from emrtd.biometrics.samples import QualityScore
from support.errors import MisuseError
from tests.plugins import installed

PLUGIN = """
class Plugin:
    modality = "portrait"
    organization, algorithm = 0x0101, 7
    recommended, mandatory = 60, 20

    def assess(self, png):
        {body}

plugin = Plugin()
"""
OWN = Assessment(())


def image() -> bytes:
    stream = BytesIO()
    Image.new("L", (20, 30), 128).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("score", "grade"), [(80, Grade.GOOD), (40, Grade.POOR), (10, Grade.UNUSABLE)]
)
def test_a_plugin_scores_a_sample_in_a_process_of_its_own(
    tmp_path: Path, score: int, grade: Grade
) -> None:
    body = f"assert png[1:4] == b'PNG'; return {score}"
    with installed(tmp_path, ENTRY_POINT_GROUP, {"brightness": PLUGIN.format(body=body)}):
        portrait = with_plugins(OWN, image(), Modality.PORTRAIT)
        finger = with_plugins(OWN, image(), Modality.FINGERPRINT)
    assert portrait.scores == (QualityScore(score, 0x0101, 7),)
    (measured,) = portrait.assessment.measurements
    assert (measured.id, measured.grade) == ("portrait.brightness", grade)
    assert finger.scores == ()
    assert not with_plugins(OWN, image(), Modality.PORTRAIT).scores


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "does not load"),
        (PLUGIN.format(body="raise SystemExit(3)"), "returned no score"),
        (PLUGIN.format(body="return 101"), "returned no score"),
    ],
)
def test_a_plugin_that_fails_is_named(tmp_path: Path, source: str, reason: str) -> None:
    with (
        installed(tmp_path, ENTRY_POINT_GROUP, {"faulty": source}),
        pytest.raises(MisuseError, match=f"'faulty' {reason}"),
    ):
        with_plugins(OWN, image(), Modality.PORTRAIT)
