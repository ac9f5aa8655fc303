"""Anyone's reader is run against the cases, in a virtual PC/SC reader."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.case import Outcome, Result
from conformance.commands import conformance
from conformance.reader.case import Expected, Trial, Workshop
from conformance.reader.catalogue import cases
from conformance.reader.foreign import Command, ForeignReader
from conformance.reader.suite import Suite
from emrtd.errors import TransportError
from support.errors import ExitStatus, MisuseError
from tests.certificates import NOW
from tests.helpers import REPOSITORY
from verify.trust.files import read_trust_file
from vsmartcard.reader.threaded import ThreadedReader, virtual_reader

PYTHON = sys.executable
NAIVE = Path(__file__).with_name("naive_reader.py")
WORKSHOP = Workshop(NOW)


class NoReader:
    """The virtual reader of a command that does not read."""

    name = "no reader"

    def insert(self, card: object) -> None:
        pass

    def take_out(self) -> None:
        pass


def foreign(text: str, **options: object) -> ForeignReader:
    return ForeignReader(Command.parse(text, **options), NoReader())  # type: ignore[arg-type]


def said(text: str, expected: Expected = Expected.ACCEPTED, **options: object) -> str:
    trial = Trial(lambda at: at.presented(), expected)
    return foreign(text, **options).objection(trial, trial.make(WORKSHOP))


def program(text: str) -> str:
    return f'{PYTHON} -c "{text}"'


def test_the_exit_status_accepts() -> None:
    assert said(program("exit(0)")) == ""
    assert "exit status 3" in said(program("exit(3)"))
    assert said(program("exit(3)"), accept_status=3) == ""
    assert "accepted, and must not be" in said(program("exit(0)"), Expected.REFUSED)
    assert said(program("exit(3)"), Expected.REFUSED) == ""


def test_a_pattern_of_the_output_accepts() -> None:
    speaking = program("print('GENUINE'); exit(5)")
    assert said(speaking, accept_pattern="^GEN") == ""
    assert "GENUINE" in said(speaking, accept_pattern="ACCEPTED")


def test_what_the_command_prints_is_shown_without_controls() -> None:
    assert "\x1b" not in said(program("print(chr(27) + '[2J'); exit(1)"))


@pytest.mark.parametrize("expected", Expected)
def test_a_crash_is_a_failure_of_every_case(expected: Expected) -> None:
    assert said(program("import os; os.abort()"), expected) == "the command was ended by SIGABRT"
    ended_inside = program("import sys; sys.exit(128 + 11)")
    assert said(ended_inside, expected) == "the command was ended by SIGSEGV"


@pytest.mark.parametrize("expected", Expected)
def test_a_command_that_does_not_end_is_a_failure(expected: Expected) -> None:
    waiting = program("import time; time.sleep(600)")
    assert said(waiting, expected, timeout=0.2) == "no answer within 0.2 seconds"


def test_the_command_gets_what_it_asks_for(tmp_path: Path) -> None:
    """No shell is started, and the values are one word each."""
    text = (
        "import json, pathlib, sys; trust = pathlib.Path(sys.argv[2]);"
        f" pathlib.Path('{tmp_path}/seen').write_text(json.dumps("
        "[sys.argv[1:], [each.read_bytes().hex() for each in sorted(trust.iterdir())]]))"
    )
    command = f'{PYTHON} -c "{text}" {{mrz}} {{trust}} "{{reader}}" {{can}} $HOME "{{{{}}}}"'
    assert said(command) == ""
    words, files = json.loads((tmp_path / "seen").read_text())
    document = WORKSHOP.document()
    assert words[0] == document.page
    assert words[2:] == ["no reader", "123456", "$HOME", "{}"]
    assert not Path(words[1]).exists(), "the folder is removed"
    for octets in files:
        path = tmp_path / "trusted"
        path.write_bytes(bytes.fromhex(octets))
        assert read_trust_file(path)
    assert bytes.fromhex(files[0]) == document.anchors[0].der


def test_a_terminal_is_written_as_verify_reads_it(tmp_path: Path) -> None:
    from conformance.reader.trusted import PASSPHRASE_FILE, write_terminal
    from support.passphrase import read_passphrase
    from verify.inspection.terminal_folder import load_terminal

    (trial,) = cases()["ISO7816_E_07"].trials
    terminal = trial.make(WORKSHOP).terminal
    assert terminal is not None
    write_terminal(terminal, tmp_path)
    read = load_terminal(tmp_path, read_passphrase(tmp_path / PASSPHRASE_FILE))
    assert read.reference == terminal.reference
    assert set(read.certificates) == set(terminal.certificates)


@pytest.mark.parametrize(
    ("id_", "reason"),
    [
        ("ISO7816_E_07", "{terminal}"),
        ("forgery/time.clock-set-back", "the clock"),
        ("forgery/trust.own-master-list", "import into a trust store"),
    ],
)
def test_what_the_command_cannot_be_given_is_not_applicable(id_: str, reason: str) -> None:
    (result,) = Suite(WORKSHOP, foreign(program("exit(0)"))).run([cases()[id_]])
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert reason in result.reason


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--command", "reader {bar}"], "{reader}, {mrz}"),
        (["--command", "reader {"], "write {{"),
        (["--command", "reader 'x"], "balance the quotes"),
        (["--command", " "], "name the program"),
        (["--command", "reader", "--accept-pattern", "("], "regular expression"),
        (["--accept-pattern", "ACCEPT"], "with --command"),
        (["--accept-status", "0"], "with --command"),
        (["--timeout", "5"], "with --command"),
    ],
)
def test_a_mistake_in_the_command_is_told_before_any_card(options: list[str], advice: str) -> None:
    found = CliRunner().invoke(conformance, ["reader", *options])
    assert isinstance(found.exception, MisuseError)
    assert advice in str(found.exception.advice)


def test_a_program_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(MisuseError, match="cannot be started"):
        said("/no/such/program {mrz}")


# --- in a real PC/SC reader ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def threaded() -> Iterator[ThreadedReader]:
    try:
        with virtual_reader() as found:
            yield found
    except TransportError as error:
        pytest.skip(str(error))


def results_of(text: str, threaded: ThreadedReader, *ids: str) -> dict[str, Result]:
    reader = ForeignReader(Command.parse(text), threaded)
    found = Suite(WORKSHOP, reader).run([cases()[each] for each in ids])
    return {each.id: each for each in found}


MISSED = {"LDS_B_13", "LDS_H_37", "ISO7816_B_10", "forgery/dg1.name"}
NOTICED = {"ISO7816_A_01", "ISO7816_A_02", "ISO7816_A_03", "ISO7816_B_01", "ISO7816_B_08"}


@pytest.mark.device
def test_a_stranger_that_checks_nothing_fails_what_it_does_not_check(
    threaded: ThreadedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It notices only what its own reading cannot go past."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    text = f'{PYTHON} {NAIVE} "{{reader}}" {{mrz}}'
    found = results_of(text, threaded, *sorted(MISSED | NOTICED), "ISO7816_G_01")
    failed = {id_ for id_, each in found.items() if each.outcome is Outcome.FAILED}
    assert failed == MISSED | {"ISO7816_G_01"}, found  # it has no PACE


@pytest.mark.device
def test_our_own_command_passes_over_pcsc(
    threaded: ThreadedReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify card`, with a trust store that is made of the folder; the clock is that of today."""
    from datetime import UTC, datetime

    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    script = tmp_path / "ours.py"
    script.write_text(
        "import subprocess, sys, pathlib, tempfile\n"
        "reader, mrz, trust = sys.argv[1:]\n"
        "verify = [sys.executable, '-m', 'verify']\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    store = folder + '/trust'\n"
        "    files = [str(each) for each in sorted(pathlib.Path(trust).iterdir())]\n"
        "    subprocess.run([*verify, 'trust', 'add', store, '--unverified', *files], check=True)\n"
        "    card = ['card', '--reader', reader, '--mrz', mrz, '--trust', store]\n"
        "    sys.exit(subprocess.run([*verify, *card]).returncode)\n"
    )
    reader = ForeignReader(
        Command.parse(f'{PYTHON} {script} "{{reader}}" {{mrz}} {{trust}}'), threaded
    )
    workshop = Workshop(datetime.now(UTC).replace(microsecond=0))
    wanted = [cases()[each] for each in ("ISO7816_A_02", "LDS_H_37")]
    found = Suite(workshop, reader).run(wanted)
    assert [each.outcome for each in found] == [Outcome.PASSED] * 2, found


@pytest.mark.device
def test_the_command_line_runs_a_selection(threaded: ThreadedReader, tmp_path: Path) -> None:
    threaded.take_out()
    junit = tmp_path / "results.xml"
    options = ["--case", "ISO7816_A_02", "--json", "--junit", str(junit), "--timeout", "30"]
    found = CliRunner().invoke(
        conformance, ["reader", "--command", program("exit(1)"), *options], standalone_mode=False
    )
    assert found.return_value is ExitStatus.REJECTED
    (result,) = json.loads(found.stdout)
    assert (result["id"], result["outcome"]) == ("ISO7816_A_02", "failed")
    assert "<failure" in junit.read_text()
