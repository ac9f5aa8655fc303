"""The adapters for OFIQ, against test doubles of its package and its command."""

import stat
import sys
from pathlib import Path

import pytest

from emrtd.biometrics.quality.measurement import Assessment, Grade
from emrtd.biometrics.quality.ofiq import COMMAND, LIMITS, unified_score
from emrtd.biometrics.quality.plugins import FullAssessment, Modality, with_plugins
from support.errors import MisuseError
from tests.emrtd.biometrics.images.pictures import portrait, written

PICTURE = written(portrait(120, 160), "JPEG")

PACKAGE = """
class FaceDetectionError(Exception):
    pass
def resolve_data_dir():
    return "models"
class OFIQ:
    def __init__(self, folder):
        assert folder == "models"
    def scalar_quality(self, pixels):
        assert pixels.shape == (160, 120, 3) and pixels.flags.c_contiguous
        if pixels.mean() < 20:
            raise FaceDetectionError
        return 41.6
"""

PROGRAM = """#!{python}
import sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert open(given["-i"], "rb").read(4) == b"\\x89PNG"
with open(given["-o"], "w") as table:
    table.write("Filename;UnifiedQualityScore;Sharpness;UnifiedQualityScore.scalar;Sharpness.scalar\\n")
    table.write(given["-i"] + ";27.4;1.2;" + given["-s"] + ";88\\n")
"""


def assess(image: bytes = PICTURE) -> FullAssessment:
    return with_plugins(Assessment(()), image, Modality.PORTRAIT)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ofiq.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "with a space" / "OFIQSampleApp"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv(COMMAND, f"'{program}' -s 57.3")
    return str(program)


def test_without_ofiq_no_plugin_is_run() -> None:
    assert assess() == FullAssessment(Assessment(()), ())


@pytest.mark.usefixtures("package")
def test_the_package_scores_a_portrait() -> None:
    found = assess()
    (measurement,) = found.assessment.measurements
    assert (measurement.id, measurement.value) == ("portrait.ofiq", 42)
    assert measurement.grade is Grade.GOOD
    (score,) = found.scores
    assert (score.score, score.organization, score.algorithm) == (42, 257, 65)
    black = written(portrait(120, 160).point(lambda value: value // 20), "JPEG")
    assert assess(black).scores[0].score == 0


@pytest.mark.usefixtures("package")
def test_the_limits_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for limits, grade in (("40:20", Grade.GOOD), ("50:20", Grade.POOR), ("80:43", Grade.UNUSABLE)):
        monkeypatch.setenv(LIMITS, limits)
        assert assess().assessment.measurements[0].grade is grade
    for limits in ("40", "20:40", "a:b", "101:5", ":"):
        monkeypatch.setenv(LIMITS, limits)
        with pytest.raises(MisuseError, match=LIMITS):
            assess()


def test_the_command_scores_a_portrait(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assess().scores[0].score == 57
    monkeypatch.setenv(
        COMMAND, f"'{command}' -s -1"
    )  # what OFIQ writes if it could not assess the picture
    assert assess().scores[0].score == 0


def test_a_command_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("/nowhere/OFIQSampleApp", "false", "true"):
        monkeypatch.setenv(COMMAND, wrong)
        with pytest.raises(MisuseError, match="'ofiq-command' returned no score"):
            assess()


def test_another_table_is_refused() -> None:
    assert unified_score("Filename;UnifiedQualityScore.scalar\nx.png;99.6\n") == 100
    for table in ("", "a;b\n", "Filename;UnifiedQualityScore.scalar\n", "a,b\n1,2\n",
                  "Filename;UnifiedQualityScore.scalar\nx.png;high\n"):  # fmt: skip
        with pytest.raises(MisuseError, match=r"UnifiedQualityScore\.scalar"):
            unified_score(table)
