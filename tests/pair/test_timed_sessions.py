"""Whole sessions with cards that take the time of a real one, in virtual time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from emrtd.access.passwords import Password
from emrtd.crypto.groups import EcGroup
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.specimens import Specimen, make_specimen
from emrtd.transport.timing import SessionTiming
from support.command_line import run_command_line
from support.errors import ExitStatus
from tests.pair.test_recorded_sessions import SESSIONS
from tests.verify.inspection.test_terminal import MRZ, chain, credentials
from tests.vsmartcard.cards import personalised
from verify.commands import reading
from verify.commands.main import verify
from verify.inspection import inspect
from verify.inspection.events import ignore
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.faults.spec import read_faults
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Layer
from vsmartcard.card.timed.layer import Timing
from vsmartcard.chip.dispatch import Chip
from vsmartcard.reader.specimens import save_trust, state_of
from vsmartcard.timing.clock import VirtualClock
from vsmartcard.timing.operations import Work
from vsmartcard.timing.profile import PROFILES, read_timing

AT = datetime(2026, 11, 22, tzinfo=UTC)
DOCUMENTS = ("permit", "passport", "permit-bac")


@cache
def specimen(profile: str) -> Specimen:
    return make_specimen(profile, AT)


def inspected(made: Specimen, card: Card, password: Password | None = None) -> Evidence:
    password = password or Password.from_mrz_information(made.mrz.information)
    procedure = inspect(Credentials(mrz=password), terminal=made.terminal)
    return run(procedure, card.process, card.reset)


@cache
def session(document: str, timing: str) -> Timing:
    """Return the times of the inspection of a document."""
    times = Timing(*read_timing(timing))
    made = specimen(document)
    evidence = inspected(made, times.card(state_of(made, random=bytes)))
    assert dict(evidence.files) == made.files
    assert times.clock.now() == pytest.approx(times.time.total)
    return times


def works(times: Timing) -> dict[Work, int]:
    found: dict[Work, int] = {}
    for operation, count in times.operations.items():
        found[operation.work] = found.get(operation.work, 0) + count
    return found


def test_a_permit_takes_the_multiplications_of_its_protocols() -> None:
    """PACE maps with three and agrees with two (4.4.3), Chip Authentication agrees with one (6.2).

    Terminal Authentication verifies the certificates of DV and terminal, and a signature (7.1).
    """
    found = works(session("permit", "2018"))
    assert found[Work.EC_MULTIPLY] == 3 + 2 + 1
    assert found[Work.EC_VERIFY] == 3
    assert Work.RSA_PRIVATE not in found


_PACE_AND_PROOFS = {Work.EC_MULTIPLY: 3 + 2 + 1, Work.EC_SIGN: 1, Work.RANDOM: 1 + 2, Work.SHA1: 5}
EXPECTED = {
    # BAC derives two keys of the document and two of the session (4.3.3), Chip Authentication two
    # more and agrees once; Active Authentication with RSA pads at random (6.1.2.2).
    "BAC": {
        Work.SHA1: 4 + 2,
        Work.RANDOM: 2 + 1,
        Work.SHA256: 1,
        Work.RSA_PRIVATE: 1,
        Work.EC_MULTIPLY: 1,
    },
    # PACE derives the key of the nonce, and two of the session.
    "PACE-GM, 3DES": _PACE_AND_PROOFS,
    "PACE-GM over DH": {**_PACE_AND_PROOFS, Work.DH: 3 + 2, Work.EC_MULTIPLY: 1},
    # Integrated Mapping maps with one, without a key pair; with AES-256 PACE hashes with SHA-256.
    "PACE-IM": {
        Work.EC_MULTIPLY: 1 + 2 + 1,
        Work.EC_SIGN: 1,
        Work.RANDOM: 1 + 1,
        Work.SHA1: 2,
        Work.SHA256: 3,
    },
    "PACE-CAM": _PACE_AND_PROOFS,
    "Terminal Authentication": {**_PACE_AND_PROOFS, Work.EC_VERIFY: 3, Work.RANDOM: 3 + 1},
    # Chip Authentication in version 2 draws a nonce too.
    "version 2 of Extended Access Control": {
        **_PACE_AND_PROOFS,
        Work.EC_VERIFY: 3,
        Work.RANDOM: 3 + 1 + 1,
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_session_takes_the_operations_of_its_protocols(name: str) -> None:
    made = SESSIONS[name]()
    times = Timing(*read_timing("2018"))
    terminal = credentials(*chain()) if FileID.CVCA in made.files else None
    card = times.card(personalised(made.files, made.keys).state)
    run(inspect(MRZ, terminal=terminal), card.process)
    ciphers = {Work.TDES, Work.AES128, Work.AES192, Work.AES256}
    assert {work: n for work, n in works(times).items() if work not in ciphers} == EXPECTED[name]
    assert set(works(times)) & ciphers


def test_all_recorded_sessions_are_expected() -> None:
    assert set(EXPECTED) == set(SESSIONS)


class Counting(Layer):
    """Counts the multiplications of key agreement that the card beneath really does."""

    def __init__(self, card: Card, patch: pytest.MonkeyPatch) -> None:
        super().__init__(card)
        self.counted = 0
        self._inside = False
        for name in ("public_key", "shared_element", "map_generic"):
            patch.setattr(EcGroup, name, self._counting(getattr(EcGroup, name)))

    def _counting(self, method: Callable[..., object]) -> Callable[..., object]:
        def count(*arguments: object) -> object:
            self.counted += self._inside
            return method(*arguments)

        return count

    def process(self, octets: bytes) -> bytes:
        self._inside = True
        try:
            return super().process(octets)
        finally:
            self._inside = False


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("wrong", [False, True], ids=["genuine password", "wrong password"])
def test_the_model_has_the_multiplications_that_the_chip_does(
    document: str, wrong: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = specimen(document)
    session(document, "2018")  # the public keys on the chip are validated once in a process
    times = Timing(*read_timing("2018"))
    card = Counting(times.card(state_of(made)), monkeypatch)
    information = "X" * len(made.mrz.information)
    inspected(made, card, Password.from_mrz_information(information) if wrong else None)
    assert card.counted
    assert works(times)[Work.EC_MULTIPLY] == card.counted


@pytest.mark.parametrize("document", DOCUMENTS)
def test_newer_chips_and_faster_links_are_quicker(document: str) -> None:
    chips = [session(document, name).time.chip for name in PROFILES]
    assert chips == sorted(chips, reverse=True)
    links = [session(document, f"2018,{rate}").time.link for rate in (106, 212, 424, 848, 1695)]
    assert links == sorted(links, reverse=True)
    times = [session(document, f"2018,{rate}").time.chip for rate in (106, 1695)]
    assert times[0] == pytest.approx(times[1])


def test_a_slow_chip_asks_for_more_time() -> None:
    """Generic Mapping takes a chip of 2018 three multiplications of 55 ms; its FWT is 309 ms."""
    assert session("permit", "2018").extensions == 0
    assert session("permit", "2010").extensions > 0
    assert session("passport", "2018,t0").blocks > session("passport", "2018,t1").blocks / 2


def test_the_same_session_takes_the_same_time() -> None:
    """Only what is drawn differs: a length of DER may be one octet shorter."""
    first = session("passport", "2026,848").time
    again = Timing(*read_timing("2026,848"))
    inspected(specimen("passport"), again.card(state_of(specimen("passport"))))
    assert again.time.chip == pytest.approx(first.chip, rel=1e-3)
    assert again.time.link == pytest.approx(first.link, rel=1e-3)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Specimen]:
    """A folder with a card and the trust store for it."""
    folder = tmp_path_factory.mktemp("timed")
    made = specimen("passport")
    (folder / "card").write_bytes(state_of(made).encode())
    anchors = [str(path) for path in save_trust(made, folder)]
    assert run_command_line(verify, ["trust", "add", str(folder / "trust"), *anchors]) == 0
    return folder, made


def read(desk: tuple[Path, Specimen], reader: str, *more: str) -> int:
    folder, made = desk
    arguments = ["card", "--reader", reader.format(folder / "card"), "--mrz", made.mrz.text]
    return run_command_line(verify, [*arguments, "--trust", str(folder / "trust"), *more])


def rows(text: str) -> dict[str, list[float]]:
    """Return the numbers of a table, by the name of the row."""
    lines = text.splitlines()
    assert "share" in lines[0]
    return {
        name: [float(each.rstrip("%")) for each in numbers]
        for name, *numbers in map(str.split, lines[1:])
    }


def test_verify_card_says_where_the_milliseconds_went(
    desk: tuple[Path, Specimen], capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(desk, "timed:2018,848:{}", "--timing", "--json") == ExitStatus.OK
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    table = rows(captured.err)
    assert "link ms" in captured.err
    assert list(table) == [
        "connecting", "opening", "reading", "proving", "judging", "reporting", "total",
    ]  # fmt: skip
    commands, octets, card, link, chip, ours, total, share = table["total"]
    assert (commands, octets) == (report["apdus"], report["bytes"])
    assert card == pytest.approx(link + chip, abs=0.2)
    assert total == pytest.approx(card + ours, abs=0.2)
    assert share == 100.0
    assert table["judging"][:5] == [0, 0, 0, 0, 0]
    assert table["reading"][1] > table["opening"][1] > table["proving"][1]
    assert table["opening"][4] > 5 * 55  # five multiplications of a chip of 2018


def test_neither_the_wait_for_a_card_nor_a_reading_that_broke_off_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first card leaves at its fifth command."""
    made, clock = specimen("passport"), VirtualClock()
    state = state_of(made)
    cards = iter([read_faults(["tear-before:5"]).card(state), Chip(state)])

    def wait(reader: str, _tell: object) -> str:
        clock.wait_until(clock.now() + 60)
        return reader

    monkeypatch.setattr(reading, "wait_for_card", wait)
    monkeypatch.setattr(
        reading.readers, "connect", lambda *_, **__: CardConnection(next(cards), "reader")
    )
    timing = SessionTiming(clock.now)
    password = Password.from_mrz_information(made.mrz.information)
    evidence = reading.read_card(
        "reader",
        lambda: inspect(Credentials(mrz=password), listener=reading.phased(ignore, timing)),
        wait=True,
        timing=timing,
    )
    assert "left the reader" in capsys.readouterr().err
    phases = timing.finish()
    assert evidence.session is not None
    assert sum(each.commands for each in phases) == evidence.session.apdus
    assert sum(each.total for each in phases) == 0


def test_a_card_without_times_has_no_columns_of_link_and_chip(
    desk: tuple[Path, Specimen], capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(desk, "virtual:{}", "--timing", "--json") == ExitStatus.OK
    captured = capsys.readouterr()
    assert "link ms" not in captured.err
    assert len(rows(captured.err)["total"]) == 6
    assert read(desk, "virtual:{}", "--json") == ExitStatus.OK
    assert "share" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reader", "status"),
    [
        ("timed:2018:{}.none", ExitStatus.NO_CARD),
        ("timed:2011:{}", ExitStatus.MISTAKE),
        ("timed:2018,9:{}", ExitStatus.MISTAKE),
        ("timed:2018", ExitStatus.MISTAKE),
        ("timed::{}", ExitStatus.MISTAKE),
    ],
)
def test_a_timed_reader_that_does_not_exist(
    desk: tuple[Path, Specimen],
    reader: str,
    status: ExitStatus,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert read(desk, reader) == status
    assert capsys.readouterr().err.count("\n") == 1
