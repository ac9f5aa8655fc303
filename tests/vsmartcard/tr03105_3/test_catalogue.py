"""Every case of TR-03105-3.2 is run, or listed here with the reason."""

from typing import Final

from tests.tr03105 import chip_cases
from tests.vsmartcard.tr03105_3.terminal import CASES

NOT_RUN: Final = dict.fromkeys(
    (
        "ISO7816_J_14", "ISO7816_J_16", "ISO7816_J_42", "ISO7816_J_54", "ISO7816_K_3",
        "ISO7816_K_8", "ISO7816_K_9", "ISO7816_K_11", "ISO7816_K_13", "ISO7816_K_16",
        "LDS_E_1", "LDS_E_3", "LDS_E_4",
    ),
    "withdrawn, or moved to ICAO's report (J_54 is M_5 now)",
)  # fmt: skip
"""Cases that are not run, with the reason."""


def test_every_case_is_run_or_listed_with_a_reason() -> None:
    CASES.gather("tests.vsmartcard.tr03105_3")
    CASES.require_all(chip_cases(), NOT_RUN)
