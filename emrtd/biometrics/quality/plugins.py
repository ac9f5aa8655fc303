"""Quality algorithms that a site installs: OFIQ, NFIQ 2 or its own, beside the built-in checks.

A package registers a `QualityPlugin` in the entry-point group `chipseal.quality`.  It is run in a
process of its own, so that one which hangs or crashes takes nothing with it; and it never fails in
silence: without its score there is no assessment.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from importlib.metadata import EntryPoint
from typing import Final, Protocol

from emrtd.biometrics.images.png import to_png
from emrtd.biometrics.quality.measurement import Assessment, Measurement, Range
from emrtd.biometrics.samples import QualityScore
from support.errors import MisuseError
from support.plugins import plugins

ENTRY_POINT_GROUP: Final = "chipseal.quality"

MAX_SECONDS: Final = 60
"""How long a plug-in may take for one image."""


@unique
class Modality(StrEnum):
    """What a plug-in assesses."""

    PORTRAIT = "portrait"
    FINGERPRINT = "fingerprint"


class QualityPlugin(Protocol):
    """What an entry point names: an object with these attributes.

    `organization` and `algorithm` are its identifiers in the CBEFF registry; below `mandatory` a
    sample is unusable, below `recommended` poor.  An adapter for something that may not be
    installed also has a method `is_available`, and is left out where that says no.
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
        """The score of an image in PNG, from 0 (worst) to 100."""
        ...


@dataclass(frozen=True, slots=True)
class FullAssessment:
    """What was measured, by us and by plug-ins, and the scores that records carry.

    Our own score has no number in the CBEFF registry; only a plug-in's has.
    """

    assessment: Assessment
    scores: tuple[QualityScore, ...]


def with_plugins(own: Assessment, image: bytes, modality: Modality) -> FullAssessment:
    """Add what the installed plug-ins think of an image; raises `MisuseError` where one fails."""
    measurements, scores = list(own.measurements), []
    for entry in _entries(modality):
        plugin = _load(entry)
        value = _run(entry.name, image)
        scores.append(QualityScore(value, plugin.organization, plugin.algorithm))
        measurements.append(
            Measurement(
                f"{modality}.{entry.name}", value, "of 100",
                Range(least=plugin.recommended), Range(least=plugin.mandatory),
                "take the sample anew", f"plug-in {entry.name}",
            )
        )  # fmt: skip
    return FullAssessment(Assessment(tuple(measurements)), tuple(scores))


def assess_in_this_process(name: str, png: bytes) -> int:
    """Run one plug-in here: for the process that `with_plugins` starts."""
    return int(_load(plugins(ENTRY_POINT_GROUP)[name]).assess(png))


def _entries(modality: Modality) -> Iterator[EntryPoint]:
    for entry in plugins(ENTRY_POINT_GROUP).values():
        plugin = _load(entry)
        if plugin.modality == modality and _is_available(plugin):
            yield entry


def _is_available(plugin: QualityPlugin) -> bool:
    """Whether what an adapter adapts is there; a plug-in that does not say is asked."""
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
        raise _failed(name, f"gave no score from 0 to 100 (status {done.returncode})")
    return int(text)


def _failed(name: str, reason: str) -> MisuseError:
    return MisuseError(f"the quality plug-in {name!r} {reason}: mend it or uninstall it")
