"""Public samples of documents, read and judged; docs/documents.md is made from these tests."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome
from emrtd.pki.lists.master_list import MasterList
from emrtd.pki.trust import TrustSet
from tests.documents import PAGE, page
from tests.helpers import shared
from verify.judging.policy import load_policy
from verify.judging.report import Report
from verify.session.evidence import load_evidence
from verify.session.judging import JudgingSession

AT = datetime(2026, 11, 30, tzinfo=UTC)


def judged(path: Path) -> Report:
    return JudgingSession(TrustSet([], []), load_policy("default"), AT).judge(load_evidence(path))


def quirks_of(report: Report) -> str:
    return ", ".join(sorted({each.partition(":")[0] for each in report.tolerated}))


BSI_QUIRKS = "algorithm.ecdsa-null, lds.dg2, profile.no-document-types, profile.no-key-usage"


@pytest.mark.sample(
    state="DE",
    what="passport: EF.COM, EF.SOD, DG1 to DG4, DG14, DG15",
    year="2008",
    access="files (DG14: EAC version 1)",
    signature="ECDSA with SHA-1, brainpoolP224r1; hashes SHA-1",
    quirks="algorithm.ecdsa-null, lds.dg2, profile.no-document-types, profile.no-key-usage",
    source="BSI's sample set, in JMRTD's test resources",
)
def test_the_sample_passport_of_bsi() -> None:
    """EF.SOD lists neither DG4 nor DG15."""
    report = judged(shared("data/lds/bsi2008"))
    assert report.document["issuing_state"] == "D"
    assert report.check("sod.signature").outcome is Outcome.PASSED
    assert "ECDSA with SHA-1" in report.check("sod.signature").reason
    assert report.trust.ds.endswith("brainpoolP224r1")
    assert report.check("lds.structure").outcome is Outcome.PASSED
    assert report.check("lds.images").outcome is Outcome.PASSED
    unsigned = {name for name, row in report.data_groups.items() if row.hash is not Outcome.PASSED}
    assert unsigned == {"DG4", "DG15"}
    assert quirks_of(report) == BSI_QUIRKS


@pytest.mark.sample(
    state="UT",
    what="EF.CardSecurity alone",
    year="2016",
    access="file",
    signature="ECDSA with SHA-256, brainpoolP256r1, without signed attributes",
    quirks="lds.cardsecurity",
    source="JMRTD's test resources",
)
def test_the_card_security_of_a_sample() -> None:
    """It lacks the signed attributes that Doc 9303 requires, and so does not verify."""
    evidence = load_evidence(shared("data/card/efcardsecurity.dump"))
    assert list(evidence.files) == [FileID.CARD_SECURITY]
    report = judged(shared("data/card/efcardsecurity.dump"))
    assert report.check("lds.structure").outcome is Outcome.PASSED
    check = report.check("cardsecurity.signature")
    assert check.outcome is Outcome.FAILED
    assert "no signed attributes" in check.reason
    assert "lds.cardsecurity" in quirks_of(report)


@pytest.mark.sample(
    state="many",
    what="CSCA certificates in the German and the Dutch Master List",
    year="2026",
    access="-",
    signature="RSA, RSA-PSS, ECDSA",
    quirks="see trust-lists.md",
    source="BSI and NPKD, in gmrtd",
)
@pytest.mark.parametrize("name", ["DE_ML_2026-05-28-08-28-45.ml", "NL_ML_2026-07-22.ml"])
def test_the_lists_of_two_states(name: str) -> None:
    found = MasterList.parse(shared(f"data/trust/{name}").read_bytes())
    assert len(found.certificates) > 400
    assert found.unreadable == ()


def test_the_page_is_made_from_the_tests() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.documents"
