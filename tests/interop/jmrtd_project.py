"""The Maven project of tests/interop/jmrtd, which one of the test processes builds."""

import subprocess

import pytest

from tests.helpers import REPOSITORY
from tests.interop.findings import building_alone
from tests.requirement import program

PROJECT = REPOSITORY / "tests/interop/jmrtd"
_JAR = PROJECT / "target/jmrtd-reader.jar"


@pytest.fixture(scope="session")
def class_path() -> str:
    """Return the class path of the program, which one of the test processes builds."""
    program("java", "default-jdk-headless")
    sources = [PROJECT / "pom.xml", *(PROJECT / "src").rglob("*.java")]
    with building_alone(PROJECT):
        newest = max(path.stat().st_mtime for path in sources)
        if not _JAR.exists() or _JAR.stat().st_mtime < newest:
            _build(program("mvn", "maven"))
    return f"{_JAR}:{PROJECT}/target/lib/*"


def _build(maven: str) -> None:
    command = [maven, "--quiet", "--batch-mode", "package"]
    built = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False
    )
    if built.returncode:
        if "Could not resolve dependencies" in built.stdout or "Could not transfer" in built.stdout:
            pytest.skip("the libraries of JMRTD cannot be downloaded")
        pytest.fail(built.stdout, pytrace=False)
