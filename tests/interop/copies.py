"""Software that no registry has, of which the user has copies: ./run interop --with FOLDER.

FOLDER is searched for classes of a passport applet (as `javac -d` writes them, or in a JAR file),
CAP files, GlobalPlatformPro (gp.jar) and PersoSim.  What cannot be tried is skipped by name.  This
module is not part of the test suite, and its name keeps pytest from collecting it.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pytest

from emrtd.iso7816.apdu import INS
from personalise.station.outcomes import RejectCardError, TryAgainError
from tests.interop.applet import SimulatedApplet
from tests.interop.applet_documents import Document, issued
from tests.issuing import Agreement, Issuer, Kind, make_blank
from tests.readers import Insert
from tests.requirement import program
from vsmartcard.card.conditions import nth
from vsmartcard.card.layers import Torn, Watched
from vsmartcard.chip.security_domain import BlankKind

FOLDER = Path(os.environ["CHIPSEAL_COPIES"]).resolve()
_CLASS = "PassportApplet.class"


def applets() -> Iterator[tuple[Path, str]]:
    """Yield the class path and the class name of each passport applet in FOLDER."""
    for path in sorted(FOLDER.rglob(_CLASS)):
        package = _package(path)
        if package:
            yield path.parents[package.count(".") + 1], f"{package}.PassportApplet"
    for jar in sorted(FOLDER.rglob("*.jar")):
        with suppress(BadZipFile), ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.endswith(f"/{_CLASS}"):
                    yield jar, name.removesuffix(".class").replace("/", ".")


def _package(path: Path) -> str:
    """Return the package of a class file, by the name that is in it."""
    octets = path.read_bytes()
    parts = path.parent.relative_to(FOLDER).parts
    for at in range(len(parts)):
        if f"{'/'.join(parts[at:])}/PassportApplet".encode() in octets:
            return ".".join(parts[at:])
    return ""


def files(pattern: str) -> list[Path]:
    """Return the files in FOLDER whose name fits a pattern, in lower case."""
    return sorted(
        p for p in FOLDER.rglob("*") if p.is_file() and Path(p.name.lower()).match(pattern)
    )


_FOUND = list(applets())
_APPLETS = pytest.mark.parametrize(
    ("place", "name"), _FOUND, ids=[str(place.relative_to(FOLDER.parent)) for place, _ in _FOUND]
)
_PLAIN = Kind(
    pace=(),
    bac=True,
    can=False,
    data_groups=("DG1", "DG2", "DG13"),
    card=BlankKind.JMRTD_APPLET,
)
_RSA: dict[str, str | int] = {"algorithm": "RSA", "bits": 1024, "hash": "SHA-1"}
_DOCUMENTS = {
    "BAC": _PLAIN,
    "Active Authentication": replace(_PLAIN, active_authentication=_RSA),
    "Chip Authentication": replace(_PLAIN, chip_authentication=(Agreement("3DES", 12),)),
}


@pytest.mark.skipif(not _FOUND, reason=f"no {_CLASS} in FOLDER: no applet to write")
@_APPLETS
@pytest.mark.parametrize("protocol", _DOCUMENTS)
def test_an_applet_is_written_and_read(
    place: Path,
    name: str,
    protocol: str,
    class_path: str,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An applet that cannot hold the key, or does not prove it, is rejected by name: a skip."""
    document: Document = issued(tmp_path_factory, issuer, _DOCUMENTS[protocol])
    with SimulatedApplet(f"{place}:{class_path}", [name]) as applet:
        try:
            document.write(applet)
        except RejectCardError as error:
            if protocol == "BAC":
                raise
            pytest.skip(f"rejected ({error.fault}): {error.message}")
        document.check(applet)


@pytest.mark.skipif(not _FOUND, reason=f"no {_CLASS} in FOLDER: no applet to tear out")
@_APPLETS
def test_an_applet_torn_out_is_finished(
    place: Path,
    name: str,
    class_path: str,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A new process for each tear, since an applet may keep its state in static fields."""
    document: Document = issued(tmp_path_factory, issuer, _PLAIN)
    with SimulatedApplet(f"{place}:{class_path}", [name]) as applet:
        watched = Watched(applet)
        document.write(watched)
    last = max(at for at, each in enumerate(watched.commands) if each.ins == INS.PUT_DATA)
    for at in [*range(3, last - 8, 9), *range(last - 8, last + 2)]:
        with SimulatedApplet(f"{place}:{class_path}", [name]) as applet:
            with pytest.raises(TryAgainError):
                document.write(Torn(applet, nth(at), carried_out=at % 2 == 0))
            applet.reset()
            document.write(applet)
            document.check(applet)


@pytest.mark.parametrize("path", files("*.cap"), ids=lambda path: path.name)
def test_cap_files(path: Path) -> None:
    pytest.skip(
        f"{path.name}: jCardSim runs classes, not CAP files; load it onto a card with"
        " GlobalPlatformPro, then `personalise write IMAGE --reader NAME`"
    )


@pytest.mark.parametrize("path", files("gp*.jar"), ids=lambda path: path.name)
def test_globalplatformpro_names_a_card(path: Path, insert: Insert, tmp_path: Path) -> None:
    """It prints the CPLC data of a blank in a virtual PC/SC reader."""
    make_blank(tmp_path / "card", "globalplatform")
    reader = insert(tmp_path / "card").reader
    command = [program("java", "default-jdk-headless"), "-jar", str(path), "-r", reader, "-i"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CPLC" in done.stdout


@pytest.mark.parametrize("path", files("*persosim*"), ids=lambda path: path.name)
def test_persosim(path: Path) -> None:
    pytest.skip(
        f"{path.name}: PersoSim has a reader driver of its own; start it with a personalisation,"
        " then `verify card --reader NAME --can N --trust STORE`"
    )
