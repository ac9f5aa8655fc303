"""The texts in German."""

from typing import Final

from verify.wording.german import desk, report

TEXTS: Final = {**report.TEXTS, **desk.TEXTS}
