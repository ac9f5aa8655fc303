"""The source distribution and the wheel of a commit, the same octets on every build."""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from release.source import Source
from support.errors import MisuseError


def build(source: Source, address: str, folder: Path) -> list[Path]:
    """Build the source distribution, and the wheel from it; return both files.

    They are built twice, in two folders.  Raises `MisuseError` if the results differ.
    """
    built = []
    for name in ("first", "the second"):
        with tempfile.TemporaryDirectory() as made:
            work = Path(made) / name
            built.append(_build_once(source, address, work))
    first, second = built
    differing = [name for name in first if first[name] != second.get(name)]
    if differing:
        raise MisuseError(f"{differing[0]}: two builds of one commit differ")
    for name, octets in first.items():
        (folder / name).write_bytes(octets)
    return [folder / name for name in first]


def _build_once(source: Source, address: str, work: Path) -> dict[str, bytes]:
    """Return the octets of the source distribution and of the wheel, by file name."""
    source.export(work)
    _name_address(work / "pyproject.toml", address)
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(source.epoch),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
    }
    sdist = _run_backend(work, "build_sdist", environment)
    archive = settle(sdist.read_bytes(), source.epoch)
    unpacked = work / "unpacked"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(unpacked, filter="data")
    (tree,) = unpacked.iterdir()
    wheel = _run_backend(tree, "build_wheel", environment)
    return {sdist.name: archive, wheel.name: wheel.read_bytes()}


def _name_address(pyproject: Path, address: str) -> None:
    """Add the addresses of the project, which its package index shows."""
    lines = ["", "[project.urls]", f'Source = "{address}"']
    lines += [f'{name} = "{address}/blob/HEAD/{page}"' for name, page in _PAGES.items()]
    with pyproject.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


_PAGES: Final = {
    "Documentation": "README.md",
    "Changelog": "CHANGELOG.md",
    "Security": "SECURITY.md",
}


_BACKEND: Final = "import sys; from setuptools import build_meta; {}(sys.argv[1])"


def _run_backend(tree: Path, hook: str, environment: dict[str, str]) -> Path:
    """Call a hook of the build backend (PEP 517) of this environment; return what it made."""
    output = tree / "dist"
    output.mkdir()
    done = subprocess.run(  # noqa: S603 - our own arguments
        (sys.executable, "-c", _BACKEND.format(f"build_meta.{hook}"), output),
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )
    if done.returncode:
        raise MisuseError("the build failed: " + done.stderr.strip().splitlines()[-1])
    (made,) = output.iterdir()
    return made


def settle(archive: bytes, epoch: int) -> bytes:
    """Return a tar.gz with the same files in order, of nobody and of one time.

    setuptools writes the time of the build and the user into source distributions.
    """
    tarred = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as before,
        tarfile.open(fileobj=tarred, mode="w", format=tarfile.PAX_FORMAT) as after,
    ):
        for member in sorted(before.getmembers(), key=lambda each: each.name):
            settled = tarfile.TarInfo(member.name)
            settled.type, settled.size, settled.mtime = member.type, member.size, epoch
            settled.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            after.addfile(settled, before.extractfile(member) if member.isfile() else None)
    return gzip.compress(tarred.getvalue(), compresslevel=9, mtime=epoch)
