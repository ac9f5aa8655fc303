"""What verdicts rest on: lists, unverified anchors, the policy, and the terminal's certificate."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.pki.lists.stop_list import StopList
from support.command_line import run_command_line
from tests.certificates import DAY, NOW
from tests.helpers import replace
from tests.verify.trust.stores import CSCA, ELSEWHERE, add
from tests.verify.trust.test_unproven import LINK
from verify.commands.main import verify
from verify.judging.policy import BasicAccessControl, Policy, load_policy
from verify.session.grounds import grounds
from verify.trust.store import TrustStore
from verify.wording import ENGLISH, wording_in

DEFAULT = load_policy("default")


def terminal_until(day: date) -> TerminalCredentials:
    """Return what `grounds` reads of a terminal whose own certificate outlives its DV's."""
    own = SimpleNamespace(
        authority_reference="DV", holder_reference="IS", expiration=day + timedelta(days=10)
    )
    issuer = SimpleNamespace(holder_reference="DV", expiration=day)
    root = SimpleNamespace(holder_reference="CVCA", expiration=day - timedelta(days=900))
    found = SimpleNamespace(certificate=own, certificates=(root, issuer, own))
    return cast("TerminalCredentials", found)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TrustStore]:
    with TrustStore.open(tmp_path / "trust", create=True) as opened:
        yield opened


def said(
    store: TrustStore,
    policy: Policy = DEFAULT,
    *,
    later: timedelta = timedelta(),
    terminal: TerminalCredentials | None = None,
    warns: bool | None = None,
) -> list[str]:
    found = grounds(store, policy, NOW + later, terminal=terminal)
    return [each.text(ENGLISH) for each in found if warns in {None, each.warns}]


def test_an_empty_store_accepts_nothing(store: TrustStore) -> None:
    assert said(store, warns=True) == [ENGLISH("rests.none")]


def test_without_a_revocation_list(store: TrustStore) -> None:
    add(store, CSCA.certificate().der)
    assert said(store, warns=True) == ["no revocation list: nothing can be accepted"]


def test_everything_in_order(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    assert said(store, warns=True) == []
    assert said(store) == [
        "certificates and lists imported today",
        "revocation lists in force, the oldest until 22 December 2026",
        "policy default",
    ]


def test_the_age_of_what_was_imported(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    assert "certificates and lists last imported 1 day ago" in said(store, later=DAY)
    old = said(store, later=40 * DAY, warns=True)
    assert old == [
        "certificates and lists last imported 40 days ago",
        "revocation lists out of date: UT",
    ]


def test_the_newest_list_of_each_state_counts(store: TrustStore) -> None:
    add(
        store, CSCA.certificate().der, ELSEWHERE.certificate().der,
        CSCA.crl(next_update=NOW + DAY), CSCA.crl(number=2), ELSEWHERE.crl(next_update=NOW + DAY),
    )  # fmt: skip
    assert "revocation lists out of date: XX" in said(store, later=2 * DAY, warns=True)


def test_an_anchor_that_was_taken_unverified(store: TrustStore) -> None:
    add(store, LINK, unverified=True)
    assert "1 CSCA taken unverified" in said(store, warns=True)


def test_a_policy_that_is_weaker_than_the_default(store: TrustStore) -> None:
    weaker = replace(
        DEFAULT,
        name="ours",
        mandatory=tuple(each for each in DEFAULT.mandatory if each != "ds.revocation"),
        basic_access_control=BasicAccessControl.ONLY,
        algorithms=replace(DEFAULT.algorithms, refused_rsa_below=512),
    )
    add(store, CSCA.certificate().der, CSCA.crl())
    (found,) = said(store, weaker, warns=True)
    assert found.startswith("policy ours, weaker than default: without ds.revocation; ")
    assert found.endswith("Basic Access Control preferred to PACE; weaker algorithms accepted")
    assert said(store, load_policy("strict"), warns=True) == []
    assert len(said(store, load_policy("old_reader"), warns=True)) == 1


@pytest.mark.parametrize(
    ("days", "expected", "warns"),
    [
        (30, "fingerprints until 22 December 2026", False),
        (3, "this desk's certificate for fingerprints ends in 3 days", True),
        (1, "this desk's certificate for fingerprints ends in 1 day:", True),
        (0, "this desk's certificate for fingerprints ends today", True),
        (-1, "this desk's certificate for fingerprints ended on 21 November 2026", True),
    ],
)
def test_the_certificate_for_fingerprints(
    store: TrustStore, days: int, expected: str, warns: bool
) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    terminal = terminal_until(NOW.date() + timedelta(days=days))
    found = said(store, terminal=terminal, warns=warns)
    assert any(each.startswith(expected) for each in found), found


@pytest.mark.parametrize(
    ("later", "expected", "warns"),
    [
        (timedelta(), "stop list of 21 November 2026", False),
        (9 * DAY, "stop list out of date since 24 November 2026", True),
    ],
)
def test_the_age_of_a_stop_list(
    store: TrustStore, later: timedelta, expected: str, warns: bool
) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    stops = cast("StopList", SimpleNamespace(this_update=NOW - DAY, next_update=NOW + 2 * DAY))
    found = grounds(store, DEFAULT, NOW + later, stops=stops)
    assert expected in [each.text(ENGLISH) for each in found if each.warns is warns]


def test_the_report_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.verify.desk.desks import AT, state_file, trust_store
    from tests.verify.documents import CAN, usual

    path = state_file(usual(), tmp_path / "card")
    page = tmp_path / "report.html"
    arguments = ["--trust", trust_store(tmp_path), "--can", CAN, "--at", AT, "--report", page]
    line = ["card", "--reader", f"virtual:{path}", *map(str, arguments)]
    capsys.readouterr()
    assert run_command_line(verify, line) == 0
    for text in (capsys.readouterr().out, page.read_text()):
        assert "Rests on" in text
        assert "judged for 22 November 2026, not for today" in text


def test_german(store: TrustStore) -> None:
    add(store, CSCA.certificate().der, CSCA.crl())
    found = grounds(store, DEFAULT, NOW + DAY)
    assert found[0].text(wording_in("de")) == "Zertifikate und Listen zuletzt vor 1 Tag importiert"
    assert date(2026, 12, 22) in {each.day for each in found}
