"""The readers of the table: what they are, where they are from, and how each is started."""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from tests.helpers import REPOSITORY
from tests.interop.findings import building_alone
from tests.interop.table.cards import CAN, Presented, Row
from tests.interop.table.reading import EachTime, NotStartedError, Program, Reader, Said

_RUST: Final = REPOSITORY / "tests/interop/rust"
_JAVA: Final = REPOSITORY / "tests/interop/jmrtd"
OWN: Final = "a copy of your own"
_BUILDING_SECONDS: Final = 900
_TOOL_SECONDS: Final = 60

Start = Callable[[Path | None, str], Reader]
"""Starts a reader: gets the folder of `--with`, and the name of a PC/SC reader."""


@dataclass(frozen=True)
class Kind:
    """A reader of the table: a column.

    `source` is where its software is from; `calls` says what of it is called, for the page.
    """

    key: str
    source: str
    calls: str
    start: Start


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def _ours(_: Path | None, reader: str) -> Reader:
    command = [sys.executable, "-m", "tests.interop.table.ours", reader]
    return Program(command, _environment())


# --- Java ------------------------------------------------------------------------------------


def _jmrtd(version: str) -> Start:
    def start(_: Path | None, reader: str) -> Reader:
        java = _tool("java")
        folder = _jmrtd_built(version)
        path = f"{folder}/jmrtd-reader.jar:{folder}/lib/*"
        options = ["-XX:TieredStopAtLevel=1", "-Djava.util.logging.config.class=none"]
        command = [java, *options, "-cp", path, "chipseal.interop.TableReader", reader]
        return Program(command, _environment())

    return start


def _jmrtd_built(version: str) -> Path:
    """Build the project with a version of JMRTD, in a folder of its own; return its target."""
    folder = _cache("jmrtd", version, [_JAVA / "pom.xml", *sorted(_JAVA.rglob("*.java"))])
    with building_alone(folder):
        if not (folder / "target/jmrtd-reader.jar").exists():
            shutil.copytree(_JAVA / "src", folder / "src", dirs_exist_ok=True)
            pom = (_JAVA / "pom.xml").read_text(encoding="utf-8")
            pom = re.sub(
                r"(<artifactId>jmrtd</artifactId>\s*<version>)[^<]*", rf"\g<1>{version}", pom
            )
            (folder / "pom.xml").write_text(pom, encoding="utf-8")
            _build([_tool("mvn"), "--quiet", "--batch-mode", "package"], folder)
    return folder / "target"


# --- Rust ------------------------------------------------------------------------------------


def _crate(name: str) -> Start:
    def start(_: Path | None, reader: str) -> Reader:
        return Program([_rust_built() / name, reader], _environment())

    return start


def _rust_built() -> Path:
    sources = [_RUST / "Cargo.toml", *sorted(_RUST.rglob("*.rs"))]
    folder = _cache("rust", "table", sources)
    with building_alone(folder):
        if not (folder / "bin").exists():
            shutil.copytree(_RUST, folder, dirs_exist_ok=True)
            target = folder / "target"
            command = [_tool("cargo"), "build", "--quiet", "--target-dir", str(target)]
            _build(command, folder)
            (folder / "built").mkdir(exist_ok=True)
            for name in ("dmrtd", "emrtd"):
                shutil.copy(target / "debug" / name, folder / "built" / name)
            (folder / "built").rename(folder / "bin")
            shutil.rmtree(target)
    return folder / "bin"


# --- C -----------------------------------------------------------------------------------------


def _libmrtd(_: Path | None, reader: str) -> Reader:
    found = _run([_tool("dpkg-query"), "-W", "-f", "${Version}", "libmrtd0"])
    version = found.partition("-")[0]
    if not version[:1].isdigit():
        raise NotStartedError("the package libmrtd0 is not installed")
    return Program([_c_built(version), reader, version], _environment())


def _c_built(version: str) -> Path:
    source = REPOSITORY / "tests/interop/libmrtd/reader.c"
    folder = _cache("libmrtd", version, [source])
    with building_alone(folder):
        if not (folder / "reader").exists():
            options = ("-O1", "-rdynamic", "-I/usr/include/PCSC")
            libraries = ("-lpcsclite", "-lcrypto", "-l:libmrtd.so.0")
            _build([_tool("gcc"), *options, "-o", "reader", str(source), *libraries], folder)
    return folder / "reader"


def _cache(name: str, version: str, sources: list[Path]) -> Path:
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    return user_cache_path("chipseal") / "interop" / f"table-{name}-{version}-{digest[:16]}"


def _build(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(**environment),
        capture_output=True,
        text=True,
        timeout=_BUILDING_SECONDS,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise NotStartedError(f"it cannot be built: {words[-1] if words else command[0]}")


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NotStartedError(f"{name} is not installed")
    return path


# --- tools that are run once for each card ---------------------------------------------------


def _gmrtd(folder: Path | None, _: str) -> Reader:
    """gmrtd's own program: it takes the first reader, and opens a browser with a report."""
    program = _given("gmrtd-reader", folder)

    def read(row: Row, presented: Presented) -> Said:
        names = ("-can",) if row.password == CAN else ("-doc", "-dob", "-exp")
        secret = [word for pair in zip(names, presented.secrets, strict=True) for word in pair]
        with tempfile.TemporaryDirectory() as place:
            report, browser = Path(place) / "report.html", Path(place) / "xdg-open"
            browser.write_text(f'#!/bin/sh\ncp "${{1#file://}}" {report}\n', encoding="ascii")
            browser.chmod(0o700)
            _run([str(program), *secret], PATH=f"{place}:{os.environ['PATH']}")
            return _said_in(report.read_bytes().decode("latin-1")) if report.exists() else Said()

    greeting = _run([str(program)])
    return EachTime(greeting.split("\n")[0].replace("GMRTD:v", "gmrtd "), read)


_MAPPINGS: Final = {"1": "GM", "2": "GM", "3": "IM", "4": "IM", "6": "CAM"}
"""The mapping by the tenth number of a protocol of PACE (Doc 9303-11, 9.2.1)."""


def _said_in(report: str) -> Said:
    """Read a report of gmrtd, which has everything as JSON."""
    said = Said()
    for text in re.findall(r"(?s)<pre[^>]*>(.*?)</pre>", report):
        plain = html.unescape(text)
        if '"mf"' not in plain:
            continue
        found = json.loads(plain)
        session = found["session"]
        if session.get("bacResult", {}).get("success"):
            said.access = "BAC"
        if (pace := session.get("paceResult", {})).get("success"):
            said.access = f"PACE-{_MAPPINGS.get(pace['oid'].split('.')[9], '')}"
        for name, value in found["document"]["mf"]["lds1"].items():
            octets = base64.b64decode(value["rawData"])
            said.files[name.upper()] = hashlib.sha256(octets).hexdigest()
    error = re.search(r"Error: (\[PassiveAuth\][^<]*)", html.unescape(report))
    said.errors += [] if error is None else [error[1]]
    return said


def _given(name: str, folder: Path | None) -> Path:
    """Return a program that no registry has, from the folder of `--with`."""
    found = sorted(folder.rglob(name)) if folder is not None else []
    for path in found:
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise NotStartedError(f"no program {name} in the folder of --with")


def _opensc(_: Path | None, reader: str) -> Reader:
    """OpenSC's tools have no access control of travel documents: they try to read in plain."""
    tool = _tool("opensc-tool")

    def read(_: Row, presented: Presented) -> Said:
        said = Said()
        for name, identifier in {"COM": "011E", "SOD": "011D", "DG1": "0101"}.items():
            select = f"00A4020C02{identifier}"
            sent = ["00A4040C07A0000002471001", select, "00B0000000"]
            words = [tool, "--reader", reader, "--card-driver", "default"]
            printed = _run([*words, *(word for each in sent for word in ("--send-apdu", each))])
            octets = bytes.fromhex(
                "".join(re.findall(r"^((?:[0-9A-F]{2} )+)", printed, re.MULTILINE))
            )
            if octets:
                said.files[name] = hashlib.sha256(octets).hexdigest()
        return said

    words = _run([tool, "--info"]).split("\n")[0].split()
    return EachTime(" ".join(words[:2]).replace("opensc", "OpenSC"), read)


def _run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command,
        env=_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TOOL_SECONDS,
        check=False,
    )
    return done.stdout.decode("latin-1")


def given(folder: Path | None) -> Iterator[Kind]:
    """Yield the programs `NAME.reader` in the folder of `--with`, which speak the protocol."""
    for path in sorted(folder.rglob("*.reader")) if folder is not None else ():
        yield Kind(path.stem, OWN, "", partial(_program, path))


def _program(path: Path, _: Path | None, reader: str) -> Reader:
    return Program([path, reader], _environment())


READERS: Final = (
    Kind("chipseal", "this repository", "as `verify card` reads", _ours),
    Kind("jmrtd", "Maven Central", "`PassportService`: PACE, or else BAC", _jmrtd("0.8.6")),
    Kind(
        "jmrtd-0.7",
        "Maven Central",
        "the same, in the last version of series 0.7",
        _jmrtd("0.7.42"),
    ),
    Kind("gmrtd", OWN, "its program `gmrtd-reader`", _gmrtd),
    Kind("dmrtd", "Rust crate", "`Passport`: PACE, or else BAC", _crate("dmrtd")),
    Kind("emrtd", "Rust crate", "`EmrtdComms`: BAC", _crate("emrtd")),
    Kind("libmrtd", "Debian", "`mrtd_bac_keyhandshake`, `mrtd_fileread_read`", _libmrtd),
    Kind("opensc", "Debian", "`opensc-tool`, in plain", _opensc),
)
"""The readers, in the order of the table."""
