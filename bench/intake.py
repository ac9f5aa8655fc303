"""Taking applications in: time against validating them alone, memory against the size of a package.

The memory is that of a process which takes in 10,000 applications, in packages of 1,000, above what
it had before; their images are not decoded, so that it takes seconds.
"""

import io
import itertools
import multiprocessing
import statistics
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from bench.timing import WALL, Ratio, seconds
from emrtd.crypto.signatures import EcPublicKey
from emrtd.pki.cms.enveloped import seal
from emrtd.pki.x509.certificate_writer import key_identifier
from personalise.intake.archive_rules import Limits
from personalise.intake.intake import Intake, Terms
from personalise.intake.package import open_package
from personalise.intake.validation import Outcome, Validator, Verdict
from personalise.ledger.opening import open_ledger
from personalise.pki.create import create_pki
from personalise.pki.intake_keys import intake_keys
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.settings import settings_for
from personalise.preparing.application import FILE_NAME, Application
from personalise.preparing.chip_profile import ChipProfile
from personalise.specimen.applications import make_application
from support.secret import Secret

TIMED, ROUNDS = 10, 5
PACKAGES, PER_PACKAGE = 10, 1_000
SHORTENED = 8 * 1024
"""Octets of an image that is not decoded."""
IN_TIME, IN_MEMORY = 1.25, 3.0

Files = dict[str, bytes]


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory() as folder:
        line = Path(folder)
        timed = in_a_process(time_of_a_package, line)
        in_a_process(make_packages, line)
        memory = in_a_process(memory_of_packages, line)
    applications = PACKAGES * PER_PACKAGE
    return [
        Ratio("intake / validating alone", timed, IN_TIME),
        Ratio(f"memory for {applications:,} applications / a package", memory, IN_MEMORY),
    ]


def in_a_process(work: Callable[["Line"], float], folder: Path) -> float:
    """Run work in a new process, so that it shares no memory and no cache with another."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(work, folder, theirs))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    assert isinstance(found, float)
    return found


def _run(work: Callable[["Line"], float], folder: Path, pipe: Connection) -> None:
    pipe.send(work(Line(folder)))


class Line:
    """A PKI and packages in a folder, and a ledger for each intake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        passphrase, now = Secret(b"benchmark"), datetime.now(UTC).replace(microsecond=0)
        if (folder / "pki").exists():
            self.pki = IssuingPki.open(folder / "pki", passphrase)
        else:
            settings = settings_for("UTO", "Utopia")
            self.pki = create_pki(folder / "pki", settings, passphrase, now)
        self.validator = Validator.of(self.pki, ChipProfile.load("permit"), now)
        self.keys = intake_keys(self.pki)
        self.keys[0].private_key()

    def package(self, name: str, applications: list[Files]) -> Path:
        """Write an encrypted package with these applications."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number, files in enumerate(applications):
                for file, octets in files.items():
                    archive.writestr(f"{number:04}/{file}", octets)
        key = self.keys[0].certificate.public_key
        assert isinstance(key, EcPublicKey)
        path = self.folder / f"{name}.p7m"
        path.write_bytes(seal(stream.getvalue(), key, key_identifier(key)))
        return path

    def take_in(self, path: Path, validator: Any, ledger: str) -> None:
        """Take one package into a ledger; every application must be taken."""
        url = f"sqlite:///{self.folder / ledger}"
        opened = open_ledger(url, self.pki, create=True)
        try:
            for found in Intake(opened, Terms("permit", validator), lambda: self.keys).run([path]):
                assert found.refusal is None
                assert {each.verdict.outcome for each in found.applications} == {Outcome.TAKEN}
        finally:
            opened.close()


def time_of_a_package(line: Line) -> float:
    path = line.package("timed", [make_application("bench", each)[1] for each in range(TIMED)])
    ledgers = (f"ledger-{number}.sqlite" for number in itertools.count())

    def validate() -> None:
        with open_package(path, line.keys, Limits()) as package:
            for packed in package.applications:
                line.validator.check(package.load(packed))

    def take_in() -> None:
        line.take_in(path, line.validator, next(ledgers))

    take_in()
    return statistics.median(
        seconds(take_in, 1, WALL) / seconds(validate, 1, WALL) for _ in range(ROUNDS)
    )


@dataclass
class Unlooked:
    """Accepts every application without decoding its images."""

    profile: ChipProfile
    at: datetime

    def check(self, application: Application) -> Verdict:
        for field, name in application.image_names().items():
            application.image(field, name)
        return Verdict(Outcome.TAKEN)


def make_packages(line: Line) -> float:
    """Make a package of one application, and large ones with documents of other numbers."""
    files = {name: octets[:SHORTENED] for name, octets in make_application("bench", 0)[1].items()}
    record = msgspec.json.decode(files[FILE_NAME])
    numbers = itertools.count()

    def numbered() -> Files:
        record["document"]["number"] = f"ZB{next(numbers):07}"
        return {**files, FILE_NAME: msgspec.json.encode(record)}

    line.package("one", [numbered()])
    for number in range(PACKAGES):
        line.package(f"large-{number}", [numbered() for _ in range(PER_PACKAGE)])
    return float(PACKAGES)


def memory_of_packages(line: Line) -> float:
    validator = Unlooked(line.validator.profile, line.validator.at)
    line.take_in(line.folder / "one.p7m", validator, "ledger.sqlite")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
    before = _peak()
    paths = [line.folder / f"large-{number}.p7m" for number in range(PACKAGES)]
    for path in paths:
        line.take_in(path, validator, "ledger.sqlite")
    return (_peak() - before) / paths[0].stat().st_size


def _peak() -> int:
    """Return the most memory that this process had since its peak began, in octets."""
    (line,) = (
        each for each in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in each
    )
    return 1024 * int(line.split()[1])
