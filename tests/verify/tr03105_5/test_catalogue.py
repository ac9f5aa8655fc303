"""Every case of TR-03105-5.1 is run, or it is said here why not."""

from typing import Final

from tests.tr03105 import inspection_system_cases
from tests.verify.tr03105_5.simulator import CASES

DELETED: Final = dict.fromkeys(
    ("ISO7816_E_20", "ISO7816_E_21", "ISO7816_E_25", "ISO7816_F_03", "ISO7816_G_37"),
    "deleted from part 5.1",
)

SIGNATURES: Final = "LDS_H"
"""The unit about signatures and certificates; see tests/emrtd/pki/test_passive.py, and
tests/verify/judging/test_checks.py for what the verdict makes of each."""

UNUSED: Final = dict.fromkeys(
    ("LDS_C_15", *(f"LDS_C_{number}" for number in range(17, 27))),
    "fields of a face record that nothing here rests on: its version, gender, colours, pose, type",
)


def test_every_case_is_run_or_listed_with_a_reason() -> None:
    CASES.gather("tests.verify.tr03105_5")
    wanted = inspection_system_cases()
    of_signatures = {each for each in wanted if each.startswith(SIGNATURES)}
    CASES.require_all(wanted, DELETED.keys() | UNUSED.keys() | of_signatures)
