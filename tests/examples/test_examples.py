"""The readers in `examples` read good cards of every chip profile in a real PC/SC reader."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from chipseal.testing import VirtualCard
from emrtd.specimens import make_specimen, specimen_profiles
from tests.helpers import REPOSITORY
from tests.interop.findings import building_alone
from tests.requirement import program
from vsmartcard.reader.specimens import today
from vsmartcard.reader.threaded import ThreadedReader

pytestmark = [pytest.mark.device, pytest.mark.interop]

EXAMPLES = REPOSITORY / "examples"
PROFILES = specimen_profiles()
FILES = ("EF.COM", "EF.SOD", "DG1")

every_profile = pytest.mark.parametrize("specimen", PROFILES, indirect=True)


def expected(card: VirtualCard) -> list[str]:
    """Return what a reader prints about a card."""
    contents = [(name, card.files[name]) for name in FILES]  # type: ignore[index]
    return [
        f"{name} {len(octets)} {hashlib.sha256(octets).hexdigest()}" for name, octets in contents
    ]


def words_of(card: VirtualCard) -> list[str]:
    """Return what the keys of a card follow from."""
    return [card.document_number, card.date_of_birth, card.date_of_expiry]


def printed_by(command: list[str | Path], reader: ThreadedReader, card: VirtualCard) -> list[str]:
    """Put a card into the reader, run a program that reads it, and return its lines."""
    reader.insert(card)
    words = words_of(card)
    done = subprocess.run(
        [*command, reader.name, *words], capture_output=True, text=True, check=False, timeout=60
    )
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


# --- Python ----------------------------------------------------------------------------------


@every_profile
def test_pyscard(virtual_reader: ThreadedReader, virtual_card: VirtualCard) -> None:
    command: list[str | Path] = [sys.executable, EXAMPLES / "pyscard/read_chip.py"]
    assert printed_by(command, virtual_reader, virtual_card) == expected(virtual_card)


# --- Go --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def read_chip() -> Path:
    """The program in Go, which one of the test processes builds and keeps."""
    go, project = program("go", "golang-go"), EXAMPLES / "go"
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
            if done.returncode and "proxy.golang.org" in done.stderr:
                pytest.skip(f"a module for Go cannot be downloaded: {done.stderr}")
            assert done.returncode == 0, done.stderr
    return built


@every_profile
def test_go(read_chip: Path, virtual_reader: ThreadedReader, virtual_card: VirtualCard) -> None:
    assert printed_by([read_chip], virtual_reader, virtual_card) == expected(virtual_card)


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


def test_jmrtd(class_path: str, virtual_reader: ThreadedReader) -> None:
    """One run of the program reads all cards, since a start of Java takes a second."""
    java = ["java", "-XX:TieredStopAtLevel=1", "-cp", class_path, "example.ReadChip"]
    with subprocess.Popen(
        [*java, virtual_reader.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for profile in PROFILES:
                card = VirtualCard.of(make_specimen(profile, today()))
                virtual_reader.insert(card)
                process.stdin.write(" ".join(words_of(card)) + "\n")
                process.stdin.flush()
                lines = [line.strip() for line in iter(process.stdout.readline, "\n")]
                assert (profile, lines) == (profile, expected(card))
        finally:
            process.kill()
