"""The desk at a real pcscd: two readers, a restarted daemon, another program at the card."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emrtd.transport.readers import pcsc_readers
from tests.device.private_pcscd import PrivatePcscd
from tests.helpers import REPOSITORY
from tests.verify.desk.desks import AT, Page, running_desk, state_file, trust_store
from tests.verify.documents import CAN, usual

pytestmark = pytest.mark.device


@pytest.fixture
def page(private_pcscd: PrivatePcscd, tmp_path: Path) -> Iterator[Page]:
    """The page of a desk at all readers of a pcscd of its own."""
    with running_desk("--trust", trust_store(tmp_path), "--at", AT) as url:
        found = Page(url)
        found.open()
        yield found


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return state_file(usual(), tmp_path / "card")


def until(page: Page, **expected: object) -> dict[str, Any]:
    """Return the first state with these values."""
    return next(
        state
        for state in page.states()
        if all(state[name] == value for name, value in expected.items())
    )


def test_a_daemon_that_is_restarted_is_named_and_the_page_goes_on(
    page: Page, private_pcscd: PrivatePcscd, card: Path
) -> None:
    until(page, phase="ready", notices=[])
    private_pcscd.stop()
    gone = next(state for state in page.states() if state["notices"])
    assert "pcscd" in gone["notices"][0]["text"]
    assert gone["reader"]["tone"] == "bad"
    private_pcscd.start()
    until(page, phase="ready", notices=[])
    page.act("password", text=CAN)
    private_pcscd.insert(0, card)
    assert until(page, phase="showing")["report"]["verdict"] == "accept"


def test_a_second_card_is_named_and_read_on_request(
    page: Page, private_pcscd: PrivatePcscd, card: Path
) -> None:
    private_pcscd.insert(0, card)
    until(page, phase="asking")
    private_pcscd.insert(1)
    state = next(state for state in page.states() if state["notices"])
    (notice,) = state["notices"]
    assert pcsc_readers()[1] in notice["text"]
    page.act("password", text=CAN)
    shown = until(page, phase="showing")
    assert shown["report"]["verdict"] == "accept"
    assert page.act("choose", reader=notice["action"]["reader"]).status_code == 200
    assert until(page, phase="asking")["report"] is None


def test_the_other_reader_goes_on_when_one_is_empty(
    page: Page, private_pcscd: PrivatePcscd, card: Path
) -> None:
    first = private_pcscd.insert(0)
    until(page, phase="asking")
    private_pcscd.insert(1, card)
    next(state for state in page.states() if state["notices"])
    first.kill()
    until(page, phase="asking", notices=[])
    page.act("password", text=CAN)
    assert until(page, phase="showing")["report"]["verdict"] == "accept"


def test_another_program_that_holds_the_card_is_named(
    page: Page, private_pcscd: PrivatePcscd, card: Path
) -> None:
    private_pcscd.insert(0, card)
    until(page, phase="asking")
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.device.other_program", "hold", pcsc_readers()[0]],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == "ready\n"
        page.act("password", text=CAN)
        held = until(page, phase="inspecting", tone="warn")
        assert held["title"] == "Another program is using this card"
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
    assert until(page, phase="showing")["report"]["verdict"] == "accept"
