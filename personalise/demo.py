"""The demonstration: a permit is issued onto a card in a reader, and inspected as at a border.

Everything is done by the console scripts, each in a process of its own, exactly as an operator or a
border officer would call them; the demonstration only narrates.  It stops what it started, and
nothing else.
"""

import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emrtd.command_line import ExitStatus
from emrtd.errors import EmrtdError, MisuseError, TransportError
from personalise.demo_hsm import SoftToken, make_token

if TYPE_CHECKING:
    from rich.console import Console

MARK: Final = ".chipseal-demo"
"""A file that says that a folder is a demonstration's, and may be emptied by the next one."""

PROFILES: Final = {
    "permit": "the residence permit of today: PACE, Chip and Terminal Authentication",
    "permit-bac": "the same with Basic Access Control, for old readers",
    "passport": "a passport, with Active Authentication",
}

_VERDICTS: Final = {
    ExitStatus.OK: "accepted",
    ExitStatus.REJECTED: "rejected",
    ExitStatus.REFERRED: "referred",
}
_SECONDS_TO_SEE_A_CARD: Final = 10.0


class DemoError(EmrtdError):
    """A tool failed; the message is its own."""


@dataclass(frozen=True)
class Done:
    """What a tool printed, and its exit status."""

    output: str
    status: ExitStatus


@dataclass(frozen=True)
class Tools:
    """The console scripts that are installed beside this Python, and the terminal to narrate on."""

    environment: Mapping[str, str]
    console: "Console"
    folder: Path = field(default_factory=lambda: Path(sys.executable).parent)

    def step(self, text: str) -> None:
        """Say what happens next."""
        self.console.print()
        line = f"[bold cyan]●[/bold cyan] [bold]{text}[/bold]"
        self.console.print(line, highlight=False, soft_wrap=True)

    def show(self, *command: str | Path) -> None:
        """Show a command line."""
        line = "  $ " + shlex.join(map(str, command))
        self.console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)

    def run(self, *command: str | Path, given: str = "", quiet: bool = False) -> Done:
        """Show a command line, run it, and show what it prints unless `quiet`."""
        self.show(*command)
        done = self.ask(*command, given=given)
        if not quiet:
            for line in done.output.splitlines():
                text = "    " + line
                self.console.print(text, highlight=False, markup=False, soft_wrap=True)
        return done

    def ask(self, *command: str | Path, given: str = "") -> Done:
        """Run a tool without a word; `given` is its standard input.

        Raises an error with the tool's own words where the status is of no verdict.
        """
        done = subprocess.run(  # noqa: S603 - our own scripts
            self._line(command),
            env=dict(self.environment),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode in _VERDICTS:
            return Done(done.stdout, ExitStatus(done.returncode))
        words = _last_line(done.stderr) or f"{command[0]} ended with status {done.returncode}"
        if done.returncode == ExitStatus.NO_CARD:
            raise TransportError(words)
        raise DemoError(words)

    def start(self, *command: str | Path) -> "subprocess.Popen[str]":
        """Start a tool in the background, out of reach of the terminal's Ctrl-C."""
        self.show(*command)
        return subprocess.Popen(  # noqa: S603 - our own scripts
            self._line(command),
            env=dict(self.environment),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _line(self, command: tuple[str | Path, ...]) -> list[str]:
        return [str(self.folder / command[0]), *map(str, command[1:])]


@dataclass(frozen=True)
class Slot:
    """Where cards go: a virtual reader and its port, or None for chips in process."""

    name: str = ""
    port: int | None = None


def run_demo(
    folder: Path,
    profiles: Sequence[str],
    console: "Console",
    *,
    in_process: bool,
    with_hsm: bool = False,
) -> ExitStatus:
    """Run the demonstration in a folder, a document a profile; returns the worst verdict's status.

    Raises `EmrtdError` where something could not be done, with the tool's own words.
    """
    began = time.monotonic()
    _empty(folder)
    environment = _environment(folder)
    token = make_token(folder, environment) if with_hsm else None
    if token is not None:
        environment.update(token.environment)
    tools = Tools(environment, console)
    console.print()
    console.rule("[bold]Chipseal: from an application to the border")
    readers = nullcontext(Slot()) if in_process else _virtual_reader(tools)
    with _stopped_in_order(), readers as slot:
        _make_pki(tools, folder, token)
        found = {name: _one_document(tools, folder, name, slot) for name in profiles}
    console.print()
    console.rule(f"[bold]Done in {time.monotonic() - began:.1f} s")
    for name, status in found.items():
        verdict = _VERDICTS[status]
        report = folder / Path(name).stem / "report.html"
        console.print(f"  {name:12} [bold]{verdict:9}[/bold] {report}", highlight=False)
    return max(found.values())


def _make_pki(tools: Tools, folder: Path, token: SoftToken | None) -> None:
    tools.step("The State makes its keys: Country Signing CA, Document Signer, revocation list")
    options = token.options if token else ()
    tools.run("personalise", "pki", "init", folder / "pki", *options)
    tools.step("A border post trusts the Country Signing CA, and has its revocation list")
    trust = ("csca.cer", "crl.crl")
    tools.run("verify", "trust", "add", _store(folder), *(folder / "pki" / name for name in trust))


def _one_document(tools: Tools, folder: Path, profile: str, slot: Slot) -> ExitStatus:
    place = folder / Path(profile).stem
    application, image = place / "application" / "0001", place / "image"
    tools.step(f"Somebody applies ({PROFILES.get(profile, profile)})")
    tools.run(
        "personalise", "specimen", "-o", application.parent, "--seed", profile,
        "--issued", date.today().isoformat(),  # noqa: DTZ011 - a day of the local calendar
    )  # fmt: skip
    if profile == "passport":
        _apply_for_a_passport(application / "application.json")
    tools.step("Data preparation encodes and signs; the chip's keys are sealed for the station")
    tools.run(
        "personalise", "prepare", application, "--pki", folder / "pki", "--profile", profile,
        "-o", image,
    )  # fmt: skip
    with _card(tools, slot, place / "card.chip") as reader:
        tools.step("The station writes a blank card, reads every octet back, and locks it")
        tools.run("personalise", "write", image, "--reader", reader)
        tools.step("The border: another process, which knows what is printed on the card")
        printed = json.loads(
            tools.run("personalise", "passwords", image, "--json", quiet=True).output
        )
        status = _inspect(tools, folder, place, reader, "".join(printed["mrz"]))
        if profile == "permit-bac":
            _inspect_as_before_pace(tools, folder, reader, "".join(printed["mrz"]))
        return status


def _inspect(tools: Tools, folder: Path, place: Path, reader: str, mrz: str) -> ExitStatus:
    """Inspect with the MRZ alone, then with the right to read fingerprints."""
    command = ("verify", "card", "--reader", reader, "--mrz", "-", "--trust", _store(folder))
    first = tools.run(*command, given=mrz + "\n")
    tools.step("Once more, by an inspection system that may read the fingerprints")
    options = (
        "--terminal", folder / "pki" / "terminal", "--report", place / "report.html",
        "--save", place / "captured", "--json",
    )  # fmt: skip
    second = tools.run(*command, *options, given=mrz + "\n", quiet=True)
    found = json.loads(second.output)
    tools.console.print(
        f"    {found['verdict']}, having read {', '.join(found['data_groups'])}\n"
        f"    {found['access']}; {found['apdus']} APDUs, {found['bytes']:,} octets,"
        f" {found['seconds']:.1f} s",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return max(first.status, second.status)


def _inspect_as_before_pace(tools: Tools, folder: Path, reader: str, mrz: str) -> None:
    """An old reader opens the card by BAC, and says what that is beside PACE: a downgrade."""
    tools.step("A reader that knows nothing newer than Basic Access Control")
    done = tools.run(
        "verify", "card", "--reader", reader, "--mrz", "-", "--trust", _store(folder),
        "--policy", "old_reader", "--json",
        given=mrz + "\n", quiet=True,
    )  # fmt: skip
    found = json.loads(done.output)
    reasons = {check["id"]: check["reason"] for check in found["checks"]}
    tools.console.print(
        f"    {found['verdict']}: {reasons['access.downgrade']}\n"
        f"    {found['access']}; {found['apdus']} APDUs, {found['bytes']:,} octets",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _apply_for_a_passport(path: Path) -> None:
    """The same person applies for a passport, which has no conditions of stay."""
    record = json.loads(path.read_bytes())
    record["document"]["code"] = "P"
    record.pop("permit", None)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")


@contextmanager
def _virtual_reader(tools: Tools) -> Iterator[Slot]:
    """A free virtual reader: one that there is, or one of a pcscd that we start, and then stop."""
    tools.step("A PC/SC reader for the card")
    found = _free_readers(tools)
    started = not found
    if started:
        tools.run("vsmartcard", "readers", "up", "-n", "2")
        found = _free_readers(tools)
    try:
        if not found:
            raise TransportError("there is no free virtual reader: `vsmartcard readers list`")
        yield Slot(found[0]["name"], found[0]["port"])
    finally:
        if started:
            with _uninterrupted():
                tools.run("vsmartcard", "readers", "down", quiet=True)


def _free_readers(tools: Tools) -> list[dict[str, Any]]:
    listed = json.loads(tools.ask("vsmartcard", "readers", "list", "--json").output)
    return [reader for reader in listed if not reader["occupied"]]


def _card(tools: Tools, slot: Slot, state: Path) -> AbstractContextManager[str]:
    """A blank card in the reader, until the end of the context; the reader's name."""
    if slot.port is None:
        return nullcontext(f"virtual:{state}")
    return _card_in_reader(tools, slot, state)


@contextmanager
def _card_in_reader(tools: Tools, slot: Slot, state: Path) -> Iterator[str]:
    tools.step(f"A blank card goes into {slot.name}")
    card = tools.start("vsmartcard", "insert", "--state", state, "--reader-port", str(slot.port))
    try:
        _wait_for_card(tools, slot, card)
        yield slot.name
    finally:
        with _uninterrupted():
            _take_out(tools, slot, card)


def _wait_for_card(tools: Tools, slot: Slot, card: "subprocess.Popen[str]") -> None:
    """Wait until PC/SC has seen the card, or the card has given up."""
    deadline = time.monotonic() + _SECONDS_TO_SEE_A_CARD
    while card.poll() is None:
        if slot.port not in {reader["port"] for reader in _free_readers(tools)}:
            return
        if time.monotonic() > deadline:
            raise TransportError(f"{slot.name}: does not see the card that was put into it")
        time.sleep(0.1)
    words = _last_line(card.stderr.read()) if card.stderr is not None else ""
    raise TransportError(words or f"{slot.name}: the card left at once")


def _take_out(tools: Tools, slot: Slot, card: "subprocess.Popen[str]") -> None:
    """Take the card out, and wait until PC/SC has noticed: the next one goes into that reader."""
    card.terminate()
    try:
        card.wait(timeout=5)
    except subprocess.TimeoutExpired:
        card.kill()
        card.wait()
    if card.stderr is not None:
        card.stderr.close()
    deadline = time.monotonic() + _SECONDS_TO_SEE_A_CARD
    while time.monotonic() < deadline:
        if slot.port in {reader["port"] for reader in _free_readers(tools)}:
            return
        time.sleep(0.1)


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let SIGTERM undo what was begun, as Ctrl-C does."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let nothing come between us and what must be stopped."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _empty(folder: Path) -> None:
    """Make the folder, or empty it where an earlier demonstration made it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not (folder / MARK).is_file():
            raise MisuseError(f"{folder}: is there already, and not of a demonstration; use -o")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def _environment(folder: Path) -> dict[str, str]:
    """The user's environment; keys and pass phrase stay inside the demonstration's folder."""
    passphrase = folder / "passphrase"
    descriptor = os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return {
        **os.environ,
        "CHIPSEAL_PASSPHRASE_FILE": str(passphrase.resolve()),
        "XDG_DATA_HOME": str((folder / "home").resolve()),
    }


def _store(folder: Path) -> Path:
    return folder / "trust.sqlite"


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
