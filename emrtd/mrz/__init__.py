"""The machine readable zone (Doc 9303-3 to -7)."""

from emrtd.mrz.check_digits import CheckDigit, check_digit
from emrtd.mrz.layout import MrzFormat
from emrtd.mrz.zone import Mrz

__all__ = ["CheckDigit", "Mrz", "MrzFormat", "check_digit"]
