"""OFIQ, the reference implementation of ISO/IEC 29794-5, as a quality plug-in.

OFIQ is reached in one of two ways, and its models are installed separately: as the package
`python-ofiq`, if this environment has it; or as the command that CHIPSEAL_OFIQ_COMMAND names, which
has the options of OFIQ's OFIQSampleApp, such as `ofiqpy` in another environment.

The unified quality score has no official limits.  OFIQ's maintainers (OFIQ-Project, issue 109)
suggest starting from the percentiles of operational pictures in table 14 of ISO/IEC WD3 25722.  A
site sets its limits with CHIPSEAL_OFIQ_LIMITS=RECOMMENDED:MANDATORY.  Without them the score is
measured and recorded, and no picture fails.
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
"""The column of OFIQ's table that holds the unified quality score; -1 if there is none."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # so that no portrait is written to disk


class _Ofiq:
    """What both plug-ins share."""

    modality: ClassVar = Modality.PORTRAIT
    organization: ClassVar = 0x0101
    """ISO/IEC JTC 1/SC 37, in the CBEFF registry."""
    algorithm: ClassVar = 0x41
    """Unified quality score (ISO/IEC 29794-5)."""

    @property
    def recommended(self) -> int:
        """The least score that is good, as the site has set it."""
        return _limits()[0]

    @property
    def mandatory(self) -> int:
        """The least score that is usable, as the site has set it."""
        return _limits()[1]


class PackagedOfiq(_Ofiq):
    """The package `python-ofiq`, in this interpreter."""

    def is_available(self) -> bool:
        """Whether the package is installed."""
        return find_spec("ofiq") is not None

    def assess(self, png: bytes) -> int:
        """Return the unified quality score; 0 if OFIQ finds no face."""
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
        """Whether CHIPSEAL_OFIQ_COMMAND is set."""
        return bool(os.environ.get(COMMAND))

    def assess(self, png: bytes) -> int:
        """Return the unified quality score; 0 if OFIQ cannot assess the picture."""
        folder = _MEMORY if _MEMORY.is_dir() else None
        with TemporaryDirectory(prefix="chipseal-", dir=folder) as own:
            picture, table = Path(own, "portrait.png"), Path(own, "scores.csv")
            picture.write_bytes(png)
            command = [*shlex.split(os.environ[COMMAND]), "-i", str(picture), "-o", str(table)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
            return unified_score(table.read_text(encoding="utf-8"))


def unified_score(table: str) -> int:
    """Return the unified quality score from OFIQ's table of one picture; 0 if it has none.

    Raises `MisuseError` for any other text.
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
        raise MisuseError(
            f"{LIMITS} is {text!r}", advice="set RECOMMENDED:MANDATORY, such as 40:20"
        )
    if not int(mandatory) <= int(recommended) <= 100:
        raise MisuseError(
            f"{LIMITS} is {text!r}",
            advice="set two numbers from 0 to 100, the mandatory one lower",
        )
    return int(recommended), int(mandatory)


packaged: Final = PackagedOfiq()
commanded: Final = CommandedOfiq()
