"""The desk's own processor time, compared with what an officer does not notice.

The first step is timed from the card event to its state as the page receives it, the verdict from
the chip's last response to the words of the verdict; the portrait follows later.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.timing import Ratio
from emrtd.access.passwords import Password
from emrtd.transport.events import CardEvent, CardEventKind
from verify.desk.inputs import Captured, CardsChanged, Input, Judged, PasswordGiven, Told
from verify.desk.machine import step
from verify.desk.reading import read_card
from verify.desk.state import Desk, Given
from verify.desk.view import page_view
from verify.inspection.opening import Credentials
from verify.session.judging import JudgingSession, open_session
from verify.wording import ENGLISH

FIRST_STEP, VERDICT = 0.020, 0.030
"""The limits, in seconds of processor time."""
ROUNDS = 15


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory() as made:
        card, can, trust = _card(Path(made))
        given = Given(Credentials(can=Password.can(can)))
        with open_session(trust, "default") as session:
            rounds = [_Round(card, given).run(session) for _ in range(1 + ROUNDS)][1:]
    first = statistics.median(each.first_step for each in rounds)
    verdict = statistics.median(each.verdict for each in rounds)
    return [
        Ratio("first step after the card event / 20 ms", first / FIRST_STEP, 1.0),
        Ratio("verdict after the last response / 30 ms", verdict / VERDICT, 1.0),
    ]


@dataclass
class _Round:
    """One card at a desk that knows its password; the times are of the processor."""

    reader: str
    given: Given
    desk: Desk = field(default_factory=Desk)
    first_step: float = 0.0
    verdict: float = 0.0
    begun: float = 0.0
    captured: float = 0.0

    def run(self, session: JudgingSession) -> "_Round":
        self.desk, _ = step(self.desk, PasswordGiven(self.given), 0.0)
        self.begun = time.process_time()
        event = CardEvent(CardEventKind.INSERTED, self.reader)
        self.desk, begin = step(self.desk, CardsChanged(event), 0.0)
        assert begin is not None
        read_card(begin, session, None, self.take)
        assert self.desk.showing is not None
        assert self.desk.showing.result.report.verdict.value == "accept"
        return self

    def take(self, what: Input) -> None:
        self.desk, _ = step(self.desk, what, 0.0)
        if isinstance(what, Captured):
            self.captured = time.process_time()
        elif isinstance(what, Told) and not self.first_step:
            self._show()
            self.first_step = time.process_time() - self.begun
        elif isinstance(what, Judged):
            self._show()
            self.verdict = time.process_time() - self.captured

    def _show(self) -> None:
        json.dumps(page_view(self.desk, ENGLISH))


def _card(folder: Path) -> tuple[str, str, Path]:
    """Issue a permit onto a virtual card; return its reader, its CAN, and a trust store."""
    pki, image, trust = folder / "pki", folder / "image", folder / "trust.sqlite"
    application, card = folder / "applications" / "0001", folder / "card"
    reader = f"virtual:{card}"
    _run("personalise", "pki", "init", pki)
    issued = datetime.now(UTC).date().isoformat()
    _run("personalise", "specimen", "-o", application.parent, "--issued", issued)
    _run("personalise", "prepare", application, "--pki", pki, "-o", image)
    _run("personalise", "write", image, "--reader", reader)
    _run("verify", "trust", "add", trust, pki / "csca.cer", pki / "crl.crl")
    can = json.loads(_run("personalise", "passwords", image, "--json"))["can"]
    return reader, can, trust


def _run(program: str, *arguments: object) -> str:
    code = f"import sys; from {program}.commands.main import main; sys.exit(main())"
    line = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, check=True, text=True).stdout
