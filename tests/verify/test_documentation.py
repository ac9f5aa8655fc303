from emrtd.pki.findings import Outcome
from emrtd.pki.quirks import Quirk
from tests.helpers import REPOSITORY
from verify.judging.check_ids import CHECK_IDS

PAGE = (REPOSITORY / "docs" / "inspection.md").read_text(encoding="utf-8")


def test_every_check_outcome_and_quirk_is_documented() -> None:
    for check_id in CHECK_IDS:
        assert f"| `{check_id}` |" in PAGE, check_id
    for outcome in Outcome:
        assert f"`{outcome.value}`" in PAGE
    for quirk in Quirk:
        assert f"| `{quirk.value}` | {quirk.explanation} |" in PAGE, quirk
