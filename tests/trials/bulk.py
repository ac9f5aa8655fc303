"""Many images on two dask workers, one of which is killed in the middle, beside one process."""

import json
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.certificates import Authority
from tests.verify.bulk.archives import AT, forged, members
from tests.verify.bulk.clusters import ENVIRONMENT, cluster, wait_for
from tests.verify.documents import CSCA, Document, issue, usual

STRANGER = Authority("XX", "stranger", common_name="stranger")
"""A State that the trust store does not have."""


def make_archive(folder: Path, images: int) -> tuple[Path, Path]:
    """Save so many images in zips of a thousand, and a trust store; return their paths."""
    kinds = [*[usual()] * 7, forged(), issue(authority=STRANGER)]
    archive, store = folder / "images", folder / "trust.db"
    archive.mkdir()
    for first in range(0, images, 1000):
        with zipfile.ZipFile(archive / f"{first:06}.zip", "w") as opened:
            for number in range(first, min(images, first + 1000)):
                for name, octets in _files(kinds, number):
                    opened.writestr(name, octets)
    files = folder / "csca.cer", folder / "crl.crl"
    for path, octets in zip(files, (CSCA.certificate().der, CSCA.crl()), strict=True):
        path.write_bytes(octets)
    subprocess.run(
        verify("trust", "add", store, *files),
        env=ENVIRONMENT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return archive, store


def _files(kinds: list[Document], number: int) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an image; every hundredth cannot be read."""
    if number % 100 == 99:
        yield f"{number:06}/EF_DG1.bin", b"no file of a chip"
    else:
        yield from members(kinds[number % len(kinds)], f"{number:06}/")


def verify(*arguments: object) -> list[str]:
    """Return the command line of `verify`."""
    code = "import sys; from verify.commands.main import main; sys.exit(main())"
    return [sys.executable, "-c", code, *map(str, arguments)]


def judge(archive: Path, store: Path, lines: Path, *options: object) -> subprocess.Popen[bytes]:
    """Begin to judge an archive in a process of its own."""
    command = verify(
        "bulk", archive, "--trust", store, "--at", AT, "--json", "--lines", lines, *options
    )
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE)


def summary_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for the end; return the summary without its time."""
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return {**json.loads(output), "seconds": 0}


def count(lines: Path) -> int:
    """Return how many images have been judged so far."""
    return lines.read_bytes().count(b"\n") if lines.exists() else 0


def run(folder: Path, images: int) -> tuple[str, list[str]]:
    """Run the trial; return what was seen, and what was wrong."""
    archive, store = make_archive(folder, images)
    one, many = folder / "one.jsonl", folder / "many.jsonl"
    alone = summary_of(judge(archive, store, one, "--jobs", 1))
    with cluster(folder) as (url, workers):
        process = judge(archive, store, many, "--engine", url)
        wait_for(lambda: count(many) >= images // 2 or process.poll() is not None, 7200)
        killed_after = count(many)
        workers[0].send_signal(signal.SIGKILL)
        together = summary_of(process)
    rows = [json.loads(line) for line in many.read_bytes().splitlines()]
    expected = [json.loads(line) for line in one.read_bytes().splitlines()]
    problems = []
    if together != alone:
        problems.append(f"the summary is {together}, and {alone} of one process")
    if len({row["image"] for row in rows}) != len(rows) or len(rows) != images:
        problems.append(f"{len(rows)} rows of {images} images, or an image twice")
    if not images // 2 <= killed_after < images:
        problems.append(f"the worker was killed after {killed_after} images, not in the middle")
    if sorted(map(str, rows)) != sorted(map(str, expected)):
        problems.append("a row differs from that of one process")
    counts = ", ".join(f"{alone[key]} {key}" for key in ("accept", "refer", "reject", "unreadable"))
    return f"{len(rows)} images ({counts}), a worker killed after {killed_after}", problems
