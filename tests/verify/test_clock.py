"""A desk whose clock is behind what it has already seen accepts no document, and says why."""

from datetime import timedelta
from pathlib import Path

import pytest

from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome
from tests.certificates import DAY, NOW
from tests.verify.documents import CSCA, usual
from tests.verify.trust.stores import add
from verify.judging.policy import load_policy
from verify.judging.report import Verdict
from verify.session import judging
from verify.session.judging import TOLERANCE, JudgingSession, open_session
from verify.showing.html import render_html
from verify.trust.store import TrustStore

SAYS = "the clock of this machine says"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store into which files were imported at NOW."""
    path = tmp_path / "trust.sqlite"
    with TrustStore.open(path, create=True) as opened:
        assert opened.last_import() is None
        add(opened, CSCA.certificate().der, CSCA.crl(), unverified=True)
        assert opened.last_import() == NOW
    return path


@pytest.mark.parametrize("behind", [timedelta(0), TOLERANCE, -DAY])
def test_a_clock_that_is_right_or_nearly_so_accepts(store: Path, behind: timedelta) -> None:
    with open_session(store, "default", clock=lambda: NOW - behind) as session:
        report = session.judge(usual().evidence())
    assert not any(SAYS in each for each in report.why)
    assert report.verdict is Verdict.ACCEPT, report.why


def test_a_clock_that_jumped_back_refers_a_genuine_document(store: Path) -> None:
    behind = NOW - TOLERANCE - timedelta(seconds=1)
    with open_session(store, "default", clock=lambda: behind) as session:
        report = session.judge(usual().evidence())
    assert report.verdict is Verdict.REFER
    (why,) = report.why
    assert report.check("document.expired").outcome is Outcome.UNDETERMINED
    assert report.check("document.expired").reason == why  # so that the JSON object has it
    assert why.startswith(f"{SAYS} {behind.isoformat()}, but the trust store was last changed on")
    assert SAYS in render_html(report)


def test_a_rejection_stays_one(store: Path) -> None:
    with open_session(store, "default", clock=lambda: NOW - DAY) as session:
        report = session.judge(usual().flipped(FileID.DG1, 40).evidence())
    assert report.verdict is Verdict.REJECT
    assert SAYS in report.why[-1]


def test_an_instant_that_was_asked_for_may_be_in_the_past(store: Path) -> None:
    with open_session(store, "default", NOW - DAY + timedelta(hours=1)) as session:
        assert session.judge(usual().evidence()).verdict is Verdict.ACCEPT


def test_a_program_of_its_own_gives_the_clock() -> None:
    session = JudgingSession(
        usual().trust, load_policy("default"), seen=NOW, clock=lambda: NOW - 2 * TOLERANCE
    )
    assert session.judge(usual().evidence()).verdict is Verdict.REFER
    assert judging.now().tzinfo is not None
