"""Quality algorithms that a site installs: OFIQ, NFIQ 2 or its own, beside the built-in checks.

A package registers a `QualityPlugin` in the entry-point group `chipseal.quality`.  Each plug-in
runs in its own process, so that one that hangs or crashes affects nothing else.  A plug-in that
fails is an error: there is no assessment without its score.
"""

import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum, unique
from importlib.metadata import EntryPoint
from typing import Final, Protocol

import msgspec

from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.quality.measurement import Assessment, Measurement, Range
from emrtd.biometrics.samples import QualityScore
from support.errors import MisuseError
from support.plugins import plugins

ENTRY_POINT_GROUP: Final = "chipseal.quality"

MAX_SECONDS: Final = 60
"""Seconds that a plug-in may take for one image."""


@unique
class Modality(StrEnum):
    """What a plug-in assesses."""

    PORTRAIT = "portrait"
    FINGERPRINT = "fingerprint"


class QualityPlugin(Protocol):
    """The object that an entry point names.

    `organization` and `algorithm` are its identifiers in the CBEFF registry; below `mandatory` a
    sample is unusable, below `recommended` poor.  An adapter for software that may not be
    installed also has a method `is_available`, and is skipped if that returns false.
    """

    @property
    def modality(self) -> Modality: ...  # noqa: D102
    @property
    def organization(self) -> int: ...  # noqa: D102
    @property
    def algorithm(self) -> int: ...  # noqa: D102
    @property
    def recommended(self) -> int: ...  # noqa: D102
    @property
    def mandatory(self) -> int: ...  # noqa: D102

    def assess(self, png: bytes) -> int:
        """Return the score of an image in PNG, from 0 (worst) to 100."""
        ...


class FullAssessment(msgspec.Struct, frozen=True):
    """The measurements of the built-in checks and of plug-ins, and the scores to record.

    Only the scores of plug-ins are recorded: the built-in score is not in the CBEFF registry.
    """

    assessment: Assessment
    scores: tuple[QualityScore, ...]


def with_plugins(own: Assessment, image: bytes, modality: Modality) -> FullAssessment:
    """Add the scores of the installed plug-ins; raises `MisuseError` if one fails."""
    measurements, scores = list(own.measurements), []
    for entry in _entries(modality):
        plugin = _load(entry)
        value = _run(entry.name, image)
        scores.append(QualityScore(value, plugin.organization, plugin.algorithm))
        measurements.append(
            Measurement(
                f"{modality}.{entry.name}", value, "of 100",
                Range(least=plugin.recommended), Range(least=plugin.mandatory),
                "take the sample again", f"plug-in {entry.name}",
            )
        )  # fmt: skip
    return FullAssessment(Assessment(tuple(measurements)), tuple(scores))


def assess_in_this_process(name: str, png: bytes) -> int:
    """Run one plug-in in this process, which `with_plugins` has started for it."""
    return int(_load(plugins(ENTRY_POINT_GROUP)[name]).assess(png))


def _entries(modality: Modality) -> Iterator[EntryPoint]:
    for entry in plugins(ENTRY_POINT_GROUP).values():
        plugin = _load(entry)
        if plugin.modality == modality and _is_available(plugin):
            yield entry


def _is_available(plugin: QualityPlugin) -> bool:
    """Whether the plug-in can run: it has no `is_available`, or that returns true."""
    asked = getattr(plugin, "is_available", None)
    return asked is None or bool(asked())


def _load(entry: EntryPoint) -> QualityPlugin:
    try:
        plugin: QualityPlugin = entry.load()
    except Exception as error:
        raise _failed(entry.name, f"does not load ({type(error).__name__})") from error
    return plugin


def _run(name: str, image: bytes) -> int:
    command = (sys.executable, "-m", "emrtd.biometrics.quality.plugin_process", name)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=to_png(image, "sample"),
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(name, f"takes longer than {MAX_SECONDS} s") from None
    text = done.stdout.decode("ascii", "replace").strip()
    if done.returncode != 0 or not text.isdigit() or int(text) > 100:
        raise _failed(name, f"returned no score from 0 to 100 (status {done.returncode})")
    return int(text)


def _failed(name: str, reason: str) -> MisuseError:
    return MisuseError(f"the quality plug-in {name!r} {reason}", advice="fix it or uninstall it")
