"""Every case of TR-03105-5.1 is run, or it is said here why not."""

from typing import Final

from tests.tr03105 import inspection_system_cases
from tests.verify.tr03105_5 import (
    test_access,
    test_chip_authentication,
    test_com,
    test_files_of_access,
    test_mrz,
    test_pace,
    test_terminal_authentication,
)
from tests.verify.tr03105_5.simulator import CASES

MODULES: Final = (
    test_access,
    test_chip_authentication,
    test_terminal_authentication,
    test_pace,
    test_files_of_access,
    test_com,
    test_mrz,
)
"""Importing them is what makes their cases known."""

DELETED: Final = dict.fromkeys(
    ("ISO7816_E_20", "ISO7816_E_21", "ISO7816_E_25", "ISO7816_F_03", "ISO7816_G_37"),
    "deleted from part 5.1",
)

CONTENTS: Final = {
    "LDS_C": "records of faces: tests/emrtd/lds/test_biometric_data_groups.py",
    "LDS_D": "records of fingers: tests/emrtd/lds/test_biometric_data_groups.py",
    "LDS_E": "records of irises: tests/emrtd/lds/test_biometric_data_groups.py",
    "LDS_H": "signatures and certificates: tests/emrtd/pki/test_passive.py,"
    " tests/verify/test_checks.py",
}
"""Units about what files say and who signed it, which are tested case by case elsewhere."""


def test_every_case_is_run_or_it_is_said_why_not() -> None:
    assert len(MODULES) == 7
    wanted = inspection_system_cases()
    of_contents = {each for each in wanted if each.rpartition("_")[0] in CONTENTS}
    CASES.require_all(wanted, DELETED.keys() | of_contents)
