"""A personalisation line for trials: applications, blank cards, stations that are killed.

The stations run in processes of their own, forked from a server that has imported everything, so
that a trial kills many of them in little time.  At the end every card is accounted for and
inspected.
"""

import contextlib
import io
import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from emrtd.iso7816.directories import Directory
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FILES, FileID
from emrtd.transport.connection import Tray
from personalise.ledger.opening import open_ledger
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.states import CardStatus, JobState, Worker
from personalise.ledger.values import Arrival
from personalise.pki.issuer import PkiIssuer
from personalise.pki.issuing_pki import IssuingPki
from personalise.preparing.preparer import Preparer, decided_before
from personalise.specimen.applications import make_application
from support.command_line import run_command_line
from support.passphrase import read_passphrase
from tests.issuing import Agreement, Issuer, Kind
from tests.personalise import applications
from tests.trials.station_process import PRELOADED, run
from verify.commands.main import verify
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.chip.state import ChipState
from vsmartcard.reader.blanks import make_blanks
from vsmartcard.reader.feeder import chips_in

SMALL = Kind(chip_authentication=[Agreement()])
"""A chip that is quick to write, with PACE and Chip Authentication."""


@dataclass
class Problems:
    """What a trial found wrong; a trial passes if it is empty."""

    found: list[str] = field(default_factory=list)

    def require(self, is_right: bool, problem: str) -> None:
        """Note a problem unless something is right."""
        if not is_right:
            self.found.append(problem)


@dataclass
class Line:
    """An issuer with a ledger, the applications in it, and feeders of blank cards."""

    issuer: Issuer
    folder: Path
    url: str
    profile: str
    trust: Path
    feeders: list[Path]
    documents: int
    card: BlankKind = BlankKind.ISO7816_9
    serials: set[str] = field(default_factory=set)

    @classmethod
    def established(
        cls,
        folder: Path,
        documents: int,
        *,
        url: str | None = None,
        feeders: int = 1,
        spare: int = 5,
        kind: Kind = SMALL,
        prepared: bool = True,
    ) -> Self:
        """Make a line: so many applications, prepared, and as many blanks with some to spare."""
        issuer = Issuer.established(folder, "UTO")
        profile = folder / "profile.toml"
        profile.write_text(kind.toml(), encoding="utf-8")
        trust = folder / "trust"
        published = [str(issuer.pki / name) for name in ("csca.cer", "crl.crl")]
        with contextlib.redirect_stdout(io.StringIO()):
            assert run_command_line(verify, ["trust", "add", str(trust), *published]) == 0
        line = cls(
            issuer,
            folder,
            url or f"sqlite:///{issuer.pki / 'ledger.sqlite'}",
            str(profile),
            trust,
            [folder / f"feeder-{number}" for number in range(feeders)],
            documents,
            kind.card,
        )
        blanks = -(-(documents + spare) // feeders)
        for feeder in line.feeders:
            made = make_blanks(feeder, blanks, transport=TransportKeys(kind.card))
            line.serials |= {serial.hex().upper() for _, serial in made}
        line.receive(range(documents), prepared=prepared)
        return line

    def receive(
        self, numbers: Iterable[int], *, prepared: bool = True, portrait: str = "portrait.jpg"
    ) -> None:
        """Receive applications for documents of these numbers, and prepare their images."""
        images = applications.images()
        pictures = {name: images[name] for name in (portrait, "ri.wsq")}
        arrivals = []
        for number in numbers:
            name = f"ZU{number:07}"
            record = applications.changed("document.number", name)
            record = applications.changed("biometrics.portrait", portrait, record)
            files = {"application.json": json.dumps(record).encode(), **pictures}
            arrivals.append(Arrival("UTO", name, files, self.profile, self.card.label))
        with self.ledger(create=True) as ledger, self.issuer.at_work():
            ledger.receive(arrivals)
            if not prepared:
                return
            preparer, worker = Preparer(PkiIssuer(self.pki())), Worker("trial", "preparing")
            while taken := ledger.take_for_preparation(worker, 16):
                for each in taken:
                    at = datetime.now(UTC).replace(microsecond=0)
                    image = preparer.prepare(
                        each.application, each.profile, at, accept_quality=decided_before
                    )
                    ledger.prepared(each.job, image)

    def receive_specimens(self, count: int, profile: str, holders: int = 100) -> None:
        """Receive so many applications of invented holders; their images are not prepared.

        Each has a document number of its own; so many holders are drawn, in turn.
        """
        drawn = [make_application("trial", index)[1] for index in range(min(count, holders))]
        for first in range(0, count, 100):
            arrivals = []
            for index in range(first, min(first + 100, count)):
                files = dict(drawn[index % len(drawn)])
                number = f"ZU{index:07}"
                record = json.loads(files["application.json"])
                record["document"]["number"] = number
                files["application.json"] = json.dumps(record).encode()
                arrivals.append(Arrival("UTO", number, files, profile, "iso7816-9"))
            with self.ledger() as ledger:
                ledger.receive(arrivals)
        self.documents += count

    def pki(self) -> IssuingPki:
        """Return the PKI of the issuer, who must be at work."""
        return IssuingPki.open(self.issuer.pki, read_passphrase(None))

    @contextlib.contextmanager
    def ledger(self, *, create: bool = False) -> Iterator[SqlLedger]:
        """Open the ledger."""
        with self.issuer.at_work():
            ledger = open_ledger(self.url, self.pki(), create=create)
            try:
                yield ledger
            finally:
                ledger.close()

    # --- stations ----------------------------------------------------------------------------

    def station(self, *readers: str, log: str = "station.jsonl", **options: Any) -> BaseProcess:
        """Start a station in a process of its own; its events are appended to a log."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        settings: dict[str, Any] = {
            "pki": self.issuer.pki,
            "ledger": self.url,
            "readers": readers or tuple(f"feeder:{each}" for each in self.feeders),
            "until_empty": True,
            "as_json": True,
            **options,
        }
        process = context.Process(
            target=run,
            args=(settings, str(self.issuer.folder / "home"), str(self.folder / log)),
            daemon="preparation" not in options,  # a daemon has no children of its own
        )
        process.start()
        return process

    def run(self, *readers: str, timeout: float = 120.0, **options: Any) -> int:
        """Run a station to its end; return its exit status."""
        process = self.station(*readers, **options)
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise AssertionError(f"the station did not end within {timeout:.0f} s")
        assert process.exitcode is not None
        return process.exitcode

    def kill(self, seed: int, kills: int, longest: float = 1.0) -> int:
        """Start stations and kill each at a random moment; return how many were at work then."""
        draw, at_work = random.Random(seed), 0  # noqa: S311 - reproducible, not secret
        for _ in range(kills):
            process = self.station()
            time.sleep(draw.uniform(0.02, longest))
            at_work += process.is_alive()
            process.kill()
            process.join()
        return at_work

    def events(self, log: str = "station.jsonl") -> list[dict[str, Any]]:
        """Return the events of a log; a line that a kill has cut is left out."""
        found, path = [], self.folder / log
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError):
                found.append(json.loads(text))
        return found

    # --- what became of the cards ------------------------------------------------------------

    def cards(self, tray: Tray | None) -> dict[Path, ChipState]:
        """Return the cards in a tray of all feeders, None: those that were not used."""
        found = {}
        for feeder in self.feeders:
            folder = feeder if tray is None else feeder / tray.value
            for path in chips_in(folder) if folder.is_dir() else []:
                with contextlib.closing(StateFile(path)) as file:
                    assert file.state is not None
                    found[path] = file.state
        return found

    def is_accepted(self, path: Path, state: ChipState) -> bool:
        """Inspect a card with the MRZ of its own DG1; return whether the verdict is accept."""
        dg1 = _dg1(state)
        if dg1 is None:
            return False
        arguments = ["card", "--reader", f"virtual:{path}", "--trust", str(self.trust)]
        output = io.StringIO()
        redirected = contextlib.redirect_stdout(output), contextlib.redirect_stderr(output)
        with self.issuer.at_work(), redirected[0], redirected[1]:
            status = run_command_line(verify, [*arguments, "--mrz", dg1.mrz.text])
        return status == 0

    def check(self, *, all_issued: bool = True) -> list[str]:
        """Return what is wrong with the promise of exactly one card, after all stations ended."""
        problems = Problems()
        done, rejected, unused = self.cards(Tray.DONE), self.cards(Tray.REJECTED), self.cards(None)
        numbers: Counter[str] = Counter()
        for path, state in done.items():
            problems.require(self.is_accepted(path, state), f"{path} is done, and not accepted")
            dg1 = _dg1(state)
            numbers[dg1.mrz.document_number if dg1 else ""] += 1
        for path, state in rejected.items():
            problems.require(not self.is_accepted(path, state), f"{path} is rejected and accepted")
        for path, state in unused.items():
            problems.require(state.life_cycle is LifeCycle.BLANK, f"{path} is not blank")
        twice = [number for number, count in numbers.items() if count > 1]
        problems.require(not twice, f"two good cards for {twice}")
        cards = [*done.values(), *rejected.values(), *unused.values()]
        problems.require(sorted(map(_serial, cards)) == sorted(self.serials), "a card is missing")
        with self.ledger() as ledger:
            jobs = ledger.counts()
            used = {each.name for each in ledger.cards([CardStatus.USED])}
            spoilt = {each.name for each in ledger.cards([CardStatus.SPOILT])}
            findings = ledger.verify().findings
        problems.found += [f"{each.where}: {each.problem}" for each in findings]
        problems.require(used == set(map(_serial, done.values())), "used and done cards differ")
        problems.require(
            spoilt <= set(map(_serial, rejected.values())), "a spoilt card is not rejected"
        )
        problems.require(jobs[JobState.ISSUED] == len(done), f"{jobs} for {len(done)} cards")
        if all_issued:
            issued = jobs[JobState.ISSUED]
            problems.require(issued == self.documents, f"{issued} of {self.documents} are issued")
        return problems.found


def _dg1(state: ChipState) -> DataGroup1 | None:
    file = state.files.find((Directory.EMRTD, FILES[FileID.DG1].identifier))
    try:
        return None if file is None else DataGroup1.decode(file.content)
    except Exception:  # noqa: BLE001 - a card that was not written to its end
        return None


def _serial(state: ChipState) -> str:
    return state.hardware.serial_number.hex().upper()
