"""The readers in `examples` read good cards in a real PC/SC reader: of every profile and quirk."""

import contextlib
import hashlib
import io
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from chipseal.testing import VirtualCard, make_quirky_card, save_pki
from emrtd.specimens import make_specimen, specimen_profiles
from tests.helpers import REPOSITORY
from tests.interop.findings import building_alone
from tests.interop.table.cards import HOLDERS, Maker, rows
from tests.interop.table.running import Changer
from tests.requirement import program
from vsmartcard.quirks.making import quirks
from vsmartcard.reader.specimens import today
from vsmartcard.reader.threaded import ThreadedReader

pytestmark = [pytest.mark.device, pytest.mark.interop]

EXAMPLES = REPOSITORY / "examples"
PROFILES = specimen_profiles()
NOT_READ_BY_JMRTD = {"chip.card-access-deactivated"}
"""It takes the warning for a refusal, and then finds no other way into the chip."""
FILES = ("EF.COM", "EF.SOD", "DG1")


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, VirtualCard]:
    """A good card of every chip profile, with unusual numbers and dates, and with every quirk."""
    specimens = {profile: make_specimen(profile, today()) for profile in PROFILES}
    found = {name: VirtualCard.of(each) for name, each in specimens.items()}
    passport = specimens["passport"]
    folder = tmp_path_factory.mktemp("quirks")
    pki = save_pki(passport, folder)
    maker = Maker(tmp_path_factory.mktemp("holders"))
    found |= {row.key: maker.present(row).card for row in rows() if row.group == HOLDERS}
    return found | {name: make_quirky_card(name, passport, pki, folder) for name in quirks()}


@pytest.fixture
def changer(virtual_reader: ThreadedReader, cards: dict[str, VirtualCard]) -> Changer:
    """Any of the cards, in the reader."""
    return Changer(virtual_reader, cards["passport"])


def expected(card: VirtualCard) -> list[str]:
    """Return what a reader prints about a card."""
    contents = [(name, card.files[name]) for name in FILES]  # type: ignore[index]
    return [
        f"{name} {len(octets)} {hashlib.sha256(octets).hexdigest()}" for name, octets in contents
    ]


def words_of(card: VirtualCard) -> list[str]:
    """Return what the keys of a card follow from."""
    return [card.document_number, card.date_of_birth, card.date_of_expiry]


def not_read(
    cards: dict[str, VirtualCard], changer: Changer, read: Callable[[list[str]], list[str]]
) -> dict[str, list[str]]:
    """Have a reader read every card; return what it printed instead of the files."""
    wrong = {}
    for name, card in cards.items():
        changer.become(card)
        printed = read(words_of(card))
        if printed != expected(card):
            wrong[name] = printed
    return wrong


# --- Python ----------------------------------------------------------------------------------


def test_pyscard(
    cards: dict[str, VirtualCard], changer: Changer, virtual_reader: ThreadedReader
) -> None:
    """It is run once as a program, and then called, since a start of Python takes a while."""
    path = EXAMPLES / "pyscard/read_chip.py"
    words = [virtual_reader.name, *words_of(cards["passport"])]
    done = subprocess.run(
        [sys.executable, path, *words], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == expected(cards["passport"])
    main = runpy.run_path(str(path))["main"]

    def read(words: list[str]) -> list[str]:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                main(virtual_reader.name, *words)
        except SystemExit as error:
            return [str(error)]
        return printed.getvalue().splitlines()

    assert not_read(cards, changer, read) == {}


# --- Go --------------------------------------------------------------------------------------

NOT_DOWNLOADED = ("403 Forbidden", "404 Not Found", "dial tcp", "i/o timeout")
"""What `go build` says of a module that it cannot have."""


@pytest.fixture(scope="session")
def read_chip() -> Path:
    """The program in Go, which one of the test processes builds and keeps."""
    go, project = program("go", "golang-go"), EXAMPLES / "go"
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    old = re.search(r"\bgo1\.(\d+)", version)
    if old and int(old[1]) < 21:  # as Debian 12's
        pytest.skip(f"needs Go 1.21 or newer, and this is {version}")
    sources = [*sorted(project.glob("*.go")), project / "go.mod", project / "go.sum"]
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    folder = user_cache_path("chipseal") / "examples" / f"go-{digest[:16]}"
    built = folder / "read-chip"
    with building_alone(folder):
        if not built.exists():
            command = [go, "build", "-o", str(built), "."]
            done = subprocess.run(
                command, cwd=project, capture_output=True, text=True, check=False, timeout=280
            )
            if done.returncode and any(each in done.stderr for each in NOT_DOWNLOADED):
                pytest.skip(f"a module for Go cannot be downloaded: {done.stderr}")
            assert done.returncode == 0, done.stderr
    return built


def test_go(
    read_chip: Path,
    cards: dict[str, VirtualCard],
    changer: Changer,
    virtual_reader: ThreadedReader,
) -> None:
    def read(words: list[str]) -> list[str]:
        command = [read_chip, virtual_reader.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]

    assert not_read(cards, changer, read) == {}


# --- Java ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def class_path() -> str:
    """The class path of the program in Java, which one of the test processes builds."""
    program("java", "default-jdk-headless")
    project = EXAMPLES / "jmrtd"
    jar = project / "target/read-chip.jar"
    sources = [project / "pom.xml", *(project / "src").rglob("*.java")]
    with building_alone(project):
        newest = max(path.stat().st_mtime for path in sources)
        if not jar.exists() or jar.stat().st_mtime < newest:
            command = [program("mvn", "maven"), "--quiet", "--batch-mode", "package"]
            done = subprocess.run(
                command, cwd=project, capture_output=True, text=True, check=False, timeout=280
            )
            if done.returncode and "Could not" in done.stdout:
                pytest.skip(f"the libraries of JMRTD cannot be downloaded: {done.stdout}")
            assert done.returncode == 0, done.stdout
    return f"{jar}:{project}/target/lib/*"


def test_jmrtd(
    class_path: str,
    cards: dict[str, VirtualCard],
    changer: Changer,
    virtual_reader: ThreadedReader,
) -> None:
    """One run of the program reads all cards, since a start of Java takes a second."""
    java = ["java", "-XX:TieredStopAtLevel=1", "-cp", class_path, "example.ReadChip"]
    with subprocess.Popen(
        [*java, virtual_reader.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def read(words: list[str]) -> list[str]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(" ".join(words) + "\n")
            process.stdin.flush()
            return [line.strip() for line in iter(process.stdout.readline, "\n")]

        try:
            assert set(not_read(cards, changer, read)) == NOT_READ_BY_JMRTD
        finally:
            process.kill()
