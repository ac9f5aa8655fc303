"""OFIQ, the reference implementation of ISO/IEC 29794-5, as a quality plug-in.

Two ways lead to it, and neither brings its models: the package `python-ofiq`, where it is installed
here; and a command with the options of OFIQ's own OFIQSampleApp, such as `ofiqpy` in an environment
of its own, which CHIPSEAL_OFIQ_COMMAND names.

The unified quality score has no official limits.  OFIQ's maintainers (OFIQ-Project, issue 109)
point to the percentiles in table 14 of ISO/IEC WD3 25722, which are of operational pictures, as the
place to start from; a site that has chosen sets CHIPSEAL_OFIQ_LIMITS=RECOMMENDED:MANDATORY.  Until
then the score is measured and recorded, and holds nobody.
"""

import csv
import os
import shlex
import subprocess
from importlib.util import find_spec
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

from emrtd.biometrics.quality.plugins import Modality
from support.errors import MisuseError

COMMAND: Final = "CHIPSEAL_OFIQ_COMMAND"
LIMITS: Final = "CHIPSEAL_OFIQ_LIMITS"

UNIFIED: Final = "UnifiedQualityScore.scalar"
"""The column of OFIQ's table that holds the unified quality score; -1 where there is none."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a portrait is for no disk


class _Ofiq:
    """What both ways have in common."""

    modality: ClassVar = Modality.PORTRAIT
    organization: ClassVar = 0x0101
    """ISO/IEC JTC 1/SC 37, in the CBEFF registry."""
    algorithm: ClassVar = 0x41
    """Unified quality score (ISO/IEC 29794-5)."""

    @property
    def recommended(self) -> int:
        """The least score that is good, as the site has chosen."""
        return _limits()[0]

    @property
    def mandatory(self) -> int:
        """The least score that is usable, as the site has chosen."""
        return _limits()[1]


class PackagedOfiq(_Ofiq):
    """The package `python-ofiq`, in this interpreter."""

    def is_available(self) -> bool:
        """Whether the package is installed."""
        return find_spec("ofiq") is not None

    def assess(self, png: bytes) -> int:
        """The unified quality score; 0 where OFIQ finds no face."""
        import numpy as np
        import PIL.Image
        from ofiq import OFIQ, FaceDetectionError, resolve_data_dir

        with PIL.Image.open(BytesIO(png), formats=("PNG",)) as picture:
            pixels = np.ascontiguousarray(picture.convert("RGB"), dtype=np.uint8)
        try:
            return round(float(OFIQ(str(resolve_data_dir())).scalar_quality(pixels)))
        except FaceDetectionError:
            return 0


class CommandedOfiq(_Ofiq):
    """A command with the options -i and -o of OFIQSampleApp."""

    def is_available(self) -> bool:
        """Whether a command is named."""
        return bool(os.environ.get(COMMAND))

    def assess(self, png: bytes) -> int:
        """The unified quality score; 0 where OFIQ cannot assess the picture."""
        folder = _MEMORY if _MEMORY.is_dir() else None
        with TemporaryDirectory(prefix="chipseal-", dir=folder) as own:
            picture, table = Path(own, "portrait.png"), Path(own, "scores.csv")
            picture.write_bytes(png)
            command = [*shlex.split(os.environ[COMMAND]), "-i", str(picture), "-o", str(table)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
            return unified_score(table.read_text(encoding="utf-8"))


def unified_score(table: str) -> int:
    """The unified quality score of the one picture of OFIQ's table; 0 where it has none.

    Raises `MisuseError` for what is no such table.
    """
    rows = list(csv.DictReader(StringIO(table), delimiter=";"))
    try:
        return max(0, round(float(rows[0][UNIFIED])))
    except (IndexError, KeyError, TypeError, ValueError):
        raise MisuseError(f"OFIQ's table has no number under {UNIFIED}") from None


def _limits() -> tuple[int, int]:
    text = os.environ.get(LIMITS, "0:0")
    recommended, _, mandatory = text.partition(":")
    if not (recommended.isdecimal() and mandatory.isdecimal()):
        raise MisuseError(f"{LIMITS} is {text!r}: give RECOMMENDED:MANDATORY, such as 40:20")
    if not int(mandatory) <= int(recommended) <= 100:
        raise MisuseError(f"{LIMITS} is {text!r}: give two of 0 to 100, the mandatory one lower")
    return int(recommended), int(mandatory)


packaged: Final = PackagedOfiq()
commanded: Final = CommandedOfiq()
