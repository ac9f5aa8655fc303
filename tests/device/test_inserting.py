"""`vsmartcard insert` with a specimen, and with a feeder in a PC/SC reader."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from emrtd.pki.findings import Outcome
from emrtd.transport.connection import Tray
from emrtd.transport.readers import connect
from emrtd.transport.timing import card_time_of
from support.command_line import run_command_line
from support.errors import ExitStatus
from tests.certificates import NOW
from tests.helpers import REPOSITORY
from tests.readers import Claims
from tests.verify.documents import usual
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, personalised
from verify.commands.main import verify
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.report import Verdict
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.state import ChipState
from vsmartcard.commands.main import vsmartcard
from vsmartcard.forging.folder import forge_into
from vsmartcard.forging.kinds import kind
from vsmartcard.reader.readers import VirtualReader, wait_until_occupied
from vsmartcard.timing.profile import read_timing

pytestmark = pytest.mark.device


@contextmanager
def inserting(port: int, *options: str) -> "Iterator[subprocess.Popen[str]]":
    arguments = ["vsmartcard", "insert", "--reader-port", str(port), "--json", *options]
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(stream: IO[str] | None) -> dict[str, object]:
    assert stream is not None
    record: dict[str, object] = json.loads(stream.readline())
    return record


def test_a_specimen_is_ready_to_be_read_within_its_time_and_is_accepted(
    reader: VirtualReader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust, store = tmp_path / "anchors", tmp_path / "trust.sqlite"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with inserting(
        reader.port,
        *("--specimen", "passport", "--quirk", "sod.no-tag"),
        *("--trust", str(trust), "--trace"),
    ) as process:
        said = told(process.stdout)
        assert said["reader"] == reader.name
        names = ["csca.cer", "crl.crl", "trusted-1", "trusted-2"]
        assert said["trust"] == [str(trust / name) for name in names]
        lines = said["mrz"]
        assert isinstance(lines, list)
        add = ["trust", "add", str(store), *map(str, trust.iterdir())]
        assert run_command_line(verify, add) == ExitStatus.OK
        capsys.readouterr()
        options = ["--reader", reader.name, "--trust", str(store), "--json", "--trace"]
        assert run_command_line(verify, ["card", "--mrz", "".join(lines), *options]) == 0
        process.send_signal(signal.SIGTERM)
        traced = process.communicate()[1]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 1.5  # 0.9 on a busy machine, with a reading of the whole chip
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["verdict"] == "accept"
    assert [each.partition(":")[0] for each in report["tolerated"]] == ["sod.no-tag"]
    assert "READ BINARY of EF.CardAccess from 0" in printed.err
    assert (
        "[READ BINARY of DG1 from 0: 9000" in traced or "READ BINARY of DG1 from 0: 6282" in traced
    )


def test_a_timed_card_in_a_reader_takes_its_time(reader: VirtualReader) -> None:
    command, response = bytes.fromhex("00A4000C"), b"\x90\x00"
    profile, link = read_timing("2010,106")
    least = link.exchange(command, response).seconds + profile.seconds([], commands=1)
    with inserting(reader.port, "--timing", "2010,106") as process:
        told(process.stdout)
        with connect(reader.name) as connection:
            begun = time.monotonic()
            assert connection.transmit(command) == response
            assert time.monotonic() - begun >= least
            assert card_time_of(connection) is None
        process.send_signal(signal.SIGTERM)
        told_at_the_end = process.communicate()[1]
    taken = re.search(r"took ([\d.]+) ms on the link and ([\d.]+) ms of the chip", told_at_the_end)
    assert taken is not None, told_at_the_end
    assert float(taken[1]) + float(taken[2]) >= least * 1000


def make_feeder(folder: Path, states: Sequence[ChipState]) -> None:
    folder.mkdir()
    for number, state in enumerate(states, start=1):
        file = StateFile(folder / f"{number:04}.chip")
        file.save(state)
        file.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.chip"))


def test_a_feeder_in_a_reader_moves_on_when_a_program_ejects_the_card(
    claims: Claims, tmp_path: Path
) -> None:
    reader, feeder = claims.take(), tmp_path / "feeder"
    locked = personalised().state
    make_feeder(feeder, [locked, ChipState(), locked])
    (feeder / "0002-1.chip").write_bytes(b"not a card")
    with inserting(reader.port, "--feed", str(feeder)) as process:
        assert told(process.stdout)["card"] == "0001.chip"
        with connect(reader.name) as connection:  # closing resets the card, which stays
            assert connection.transmit(bytes.fromhex("00A4000C")) == b"\x90\x00"
        connection = connect(reader.name)
        evidence = run(inspect(Credentials(mrz=MRZ)), connection.transmit, connection.reset)
        assert evidence.files[FileID.DG1] == FILE_CONTENTS[FileID.DG1]
        connection.eject(Tray.DONE)
        for card in ("0002.chip", "0003.chip"):
            assert told(process.stdout)["card"] == card
            wait_until_occupied(reader)
            connection = connect(reader.name)
            connection.transmit(bytes.fromhex("00A4000C"))
            connection.eject(Tray.REJECTED)
        assert process.wait(10) == ExitStatus.OK
    assert names(feeder) == []
    assert names(feeder / "done") == ["0001.chip"]
    assert names(feeder / "rejected") == ["0002-1.chip", "0002.chip", "0003.chip"]


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mistakes = [
        (["--specimen", "visa"], "makes a specimen of 'visa'; choose from passport"),
        (
            ["--specimen", "passport", "--state", "x"],
            "more than one of --state, --specimen, --forgery and --feed; use one",
        ),
        (["--trust", "x"], "--trust is for --specimen"),
        (["--quirk", "sod.no-tag"], "--quirk is for --specimen"),
        (["--specimen", "passport", "--quirk", "sod"], "'sod' is not a quirk; choose from"),
        (["--open", "--kind", "globalplatform"], "--open is for the kind iso7816-9"),
        (["--fault", "tare:3"], "no fault is called 'tare'"),
        (["--timing", "2011"], "'2011' is not a profile of a chip's timing; choose 2010"),
        (["--timing", "2018,9600"], "'9600' is not a link; choose from 106"),
        (["--forgery", str(tmp_path), "--timing", "2018"], "--timing is not for --forgery"),
    ]
    for options, message in mistakes:
        assert run_command_line(vsmartcard, ["insert", *options]) == ExitStatus.MISTAKE
        assert message in capsys.readouterr().err
    missing = ["insert", "--feed", str(tmp_path / "nowhere")]
    assert run_command_line(vsmartcard, missing) == ExitStatus.NO_CARD


def test_a_forgery_is_inserted_and_rejected(reader: VirtualReader, tmp_path: Path) -> None:
    LdsImage(dict(usual().files)).save(tmp_path / "image")
    clone = kind("clone.silent")
    forged = forge_into(tmp_path / "forged", clone, tmp_path / "image", at=NOW, seed=1)
    with inserting(reader.port, "--forgery", str(tmp_path / "forged")) as process:
        said = told(process.stdout)
        assert (said["forgery"], said["check"]) == (clone.name, clone.check)
        with connect(reader.name) as connection:
            procedure = inspect(Credentials(mrz=forged.password), optical_mrz=forged.printed)
            evidence = run(procedure, connection.transmit, connection.reset)
    report = usual().judged(evidence)
    assert report.verdict is Verdict.REJECT
    assert report.check(clone.check).outcome is Outcome.FAILED
