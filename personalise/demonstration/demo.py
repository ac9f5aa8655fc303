"""The demonstration: issue documents to cards in a reader, and inspect them as at a border.

All the work is done by the console scripts, with the same commands that an operator or a border
officer would use; the demonstration only shows them.  Each runs in a process of its own or, if the
chip does too, in the demonstration's.  It stops the processes that it started, and no others.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emrtd.pki.private_key_file import derived_keys_kept
from personalise.demonstration.hsm import SoftToken, make_token
from personalise.demonstration.readers import DemoReader, card_in, stopped_in_order, virtual_reader
from personalise.demonstration.tools import VERDICTS, Done, Tools
from personalise.specimen.applications import fit_to_passport
from support.errors import ExitStatus, MisuseError
from support.files import is_taken

if TYPE_CHECKING:
    from rich.console import Console

MARK: Final = ".chipseal-demo"
"""A file that marks the folder of a demonstration, which the next demonstration may empty."""

PROFILES: Final = {
    "permit": "a current residence permit: PACE, Chip and Terminal Authentication",
    "permit-bac": "a residence permit with Basic Access Control too, for old readers",
    "passport": "a passport, with Active Authentication",
}


_SHOWN_CHECKS: Final = frozenset(
    {
        "access.downgrade",
        "pace.cam",
        "chip.authentication",
        "active.authentication",
        "terminal.authentication",
    }
)
"""The checks in which one kind of chip differs from another."""


def run_demo(
    folder: Path,
    profiles: Sequence[str],
    console: "Console",
    *,
    in_process: bool,
    with_hsm: bool = False,
    port: int | None = None,
) -> ExitStatus:
    """Run the demonstration in a folder, with one document for each profile.

    Returns the exit status of the worst verdict.  `port` is that of the virtual reader to use, None
    for the first free one.  Raises `ChipsealError` with the message of the command that failed.
    """
    from rich.markup import escape

    began = time.monotonic()
    _empty(folder)
    environment = _environment(folder)
    token = make_token(folder, environment) if with_hsm else None
    if token is not None:
        environment.update(token.environment)
    tools = Tools(environment, console, in_process)
    console.print()
    console.rule("[bold]Chipseal: from an application to the border")
    readers = nullcontext(DemoReader()) if in_process else virtual_reader(tools, port)
    with stopped_in_order(), derived_keys_kept(), readers as demo_reader:
        _make_pki(tools, folder, token)
        found = {
            name: _one_document(tools, folder, name, demo_reader, in_full=name == profiles[0])
            for name in profiles
        }
    console.print()
    console.rule(f"[bold]Done in {time.monotonic() - began:.1f} s")
    for name, status in found.items():
        verdict = VERDICTS[status]
        report = folder / Path(name).stem / "report.html"
        line = f"  {name:12} [bold]{verdict:9}[/bold] {escape(str(report))}"
        console.print(line, highlight=False, emoji=False)
    return max(found.values())


def _make_pki(tools: Tools, folder: Path, token: SoftToken | None) -> None:
    tools.step("The State makes its PKI: Country Signing CA, Document Signer, revocation list")
    options = token.options if token else ()
    tools.run("personalise", "pki", "init", folder / "pki", *options)
    tools.step("A border post imports the Country Signing CA certificate and the revocation list")
    trust = ("csca.cer", "crl.crl")
    tools.run("verify", "trust", "add", _store(folder), *(folder / "pki" / name for name in trust))


def _one_document(
    tools: Tools, folder: Path, profile: str, demo_reader: DemoReader, *, in_full: bool
) -> ExitStatus:
    """Prepare, write and inspect one document; with `in_full` the whole report is shown."""
    place = folder / Path(profile).stem
    application, image = place / "application" / "0001", place / "image"
    tools.step(f"An application arrives ({PROFILES.get(profile, profile)})")
    tools.run(
        "personalise", "specimen", "-o", application.parent, "--seed", profile,
        "--issued", date.today().isoformat(),  # noqa: DTZ011 - a day of the local calendar
    )  # fmt: skip
    if profile == "passport":
        _apply_for_a_passport(application / "application.json")
    tools.step(
        "Data preparation encodes and signs it, and encrypts the chip's keys for the station"
    )
    tools.run(
        "personalise", "prepare", application, "--pki", folder / "pki", "--profile", profile,
        "-o", image,
    )  # fmt: skip
    with card_in(tools, demo_reader, place / "card.chip") as reader:
        tools.step("The station writes a blank card, reads every octet back, and locks it")
        tools.run("personalise", "write", image, "--reader", reader)
        tools.step("The border post inspects the card with the printed MRZ")
        printed = json.loads(
            tools.run("personalise", "passwords", image, "--json", quiet=True).output
        )
        inspection = _Inspection(tools, folder, place, reader, "".join(printed["mrz"]))
        status = inspection.run(in_full=in_full)
        if profile == "permit-bac":
            inspection.run_as_before_pace()
        return status


@dataclass(frozen=True, repr=False)
class _Inspection:
    """The inspection of the card in a reader, with the MRZ that is printed on it."""

    tools: Tools
    folder: Path
    place: Path
    reader: str
    mrz: str

    def run(self, *, in_full: bool) -> ExitStatus:
        """Inspect without, then with the right to read fingerprints; return the worse status."""
        first = self._verify() if in_full else self._verify("--json", quiet=True)
        if not in_full:
            self._sum_up(first)
        self.tools.step("An inspection system with the right to read fingerprints inspects it too")
        second = self._verify(
            "--terminal", self.folder / "pki" / "terminal", "--report", self.place / "report.html",
            "--save", self.place / "captured", "--json", quiet=True,
        )  # fmt: skip
        self._sum_up(second)
        return max(first.status, second.status)

    def run_as_before_pace(self) -> None:
        """Inspect by BAC, as an old reader does; the report names the downgrade from PACE."""
        self.tools.step("An old reader without PACE opens it with Basic Access Control")
        self._sum_up(self._verify("--policy", "old_reader", "--json", quiet=True))

    def _verify(self, *options: str | Path, quiet: bool = False) -> Done:
        """Run `verify card`, with the MRZ on standard input: other users can see a command line."""
        return self.tools.run(
            "verify", "card", "--reader", self.reader, "--mrz", "-",
            "--trust", _store(self.folder), *options, given=self.mrz + "\n", quiet=quiet,
        )  # fmt: skip

    def _sum_up(self, done: Done) -> None:
        found = json.loads(done.output)
        read = [name for name, group in found["data_groups"].items() if group["hash"] == "passed"]
        self.tools.say(f"{found['verdict'].upper()}  by {found['access']}")
        self.tools.say(f"read and verified: {', '.join(read)}")
        for check in found["checks"]:
            if check["id"] in _SHOWN_CHECKS and check["outcome"] != "not-present":
                outcome = check["outcome"].replace("-", " ")
                self.tools.say(f"{outcome:13} {check['id']:24} {check['reason']}")
        self.tools.say(
            f"{found['apdus']} APDUs, {found['bytes']:,} octets, {found['seconds']:.2f} s"
        )


def _apply_for_a_passport(path: Path) -> None:
    record = fit_to_passport(json.loads(path.read_bytes()))
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2), encoding="utf-8")


def _empty(folder: Path) -> None:
    """Create the folder, or empty the folder of an earlier demonstration."""
    if is_taken(folder):
        if not (folder / MARK).is_file():
            advice = "choose another folder with -o"
            raise MisuseError(
                f"{folder}: already exists and was not made by a demonstration", advice=advice
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def _environment(folder: Path) -> dict[str, str]:
    """Return the user's environment, with keys and pass phrase in the demonstration's folder."""
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
