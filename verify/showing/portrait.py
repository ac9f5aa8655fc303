"""The holder's portrait in a form that every page and viewer shows."""

from emrtd.biometrics.images.png import show
from support.errors import ChipsealError
from verify.judging.report import Report


def portrait_png(report: Report) -> bytes | None:
    """Return the portrait as PNG; None if it was not read or cannot be shown."""
    if report.portrait is None:
        return None
    try:
        return show(report.portrait, "portrait").png
    except ChipsealError:
        return None
