"""The texts in English."""

from typing import Final

from verify.wording.english import desk, report

TEXTS: Final = {**report.TEXTS, **desk.TEXTS}
