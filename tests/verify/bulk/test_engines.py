"""A real dask scheduler with two worker processes, and processes of this machine, that die."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.errors import MisuseError
from tests.helpers import REPOSITORY
from tests.verify.bulk.archives import AT, Archive, members, zipped
from tests.verify.documents import usual
from verify.bulk.engines import ProcessEngine, make_engine

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(REPOSITORY),
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
}


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module until the end of the block."""
    command = [sys.executable, "-m", *map(str, arguments)]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.02)


def address_in(file: Path) -> str | None:
    """Return the scheduler's address; None until its file is there and written to the end."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (FileNotFoundError, ValueError):
        return None


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Yield the URL of a scheduler with two workers, and these."""
    pytest.importorskip("distributed")
    address = folder / "scheduler.json"
    with running(
        "dask", "scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard",
        "--scheduler-file", address,
    ):  # fmt: skip
        wait_for(lambda: address_in(address))
        worker = (
            "dask", "worker", "--scheduler-file", address, "--nthreads", 1, "--no-nanny",
            "--no-dashboard", "--local-directory", folder,
        )  # fmt: skip
        with running(*worker) as one, running(*worker) as other:
            yield str(address_in(address)).replace("tcp://", "dask://"), [one, other]


def summary_of(archive: Archive, *arguments: object) -> subprocess.Popen[bytes]:
    """Begin to judge the archive in another process."""
    command = [
        sys.executable, "-c", "import sys; from verify.commands.main import main; sys.exit(main())",
        "bulk", archive.images, "--trust", archive.store, "--at", AT, "--json",
        "--lines", archive.lines, *arguments,
    ]  # fmt: skip
    return subprocess.Popen(
        [str(each) for each in command],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def judged(archive: Archive) -> int:
    return archive.lines.read_bytes().count(b"\n") if archive.lines.exists() else 0


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(each) for each in found.split()]


def fill(archive: Archive) -> dict[str, object]:
    """Fill the archive with more images than are in flight; return the summary of one process."""
    documents = [each for number in range(290) for each in members(usual(), f"{number}/")]
    (archive.images / "many.zip").write_bytes(zipped(documents))
    archive.fill(accepted=2, rejected=8)
    return {**archive.bulk(archive.images).summary, "seconds": 0}


def finish(process: subprocess.Popen[bytes]) -> dict[str, object]:
    output, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, b"")
    return {**json.loads(output), "seconds": 0}


@pytest.mark.slow
def test_a_dask_worker_that_dies_costs_no_image(archive: Archive) -> None:
    alone = fill(archive)
    with cluster(archive.root) as (url, workers):
        process = summary_of(archive, "--engine", url)
        wait_for(lambda: judged(archive) >= 32)
        workers[0].send_signal(signal.SIGKILL)
        assert judged(archive) < 250
        assert finish(process) == alone
    assert len(archive.rows()) == 300


@pytest.mark.slow
def test_a_scheduler_that_ends_is_an_error_and_the_run_goes_on_elsewhere(archive: Archive) -> None:
    alone = fill(archive)
    with cluster(archive.root) as (url, _):
        process = summary_of(archive, "--engine", url)
        wait_for(lambda: judged(archive) >= 32)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 64
    assert "--resume" in json.loads(output)["error"]["advice"]
    ran = archive.bulk(archive.images, "--resume", archive.lines, jobs=2)
    assert {**ran.summary, "seconds": 0} == alone


@pytest.mark.slow
def test_a_process_of_this_machine_that_dies_costs_no_image(archive: Archive) -> None:
    alone = fill(archive)
    process = summary_of(archive, "--jobs", 2)
    wait_for(lambda: judged(archive) >= 32)
    for child in children_of(process):
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)
            break
    assert finish(process) == alone
    assert len(archive.rows()) == 300


@pytest.mark.slow
def test_processes_end_with_a_command_that_is_killed(archive: Archive) -> None:
    alone = fill(archive)
    process = summary_of(archive, "--jobs", 2)
    wait_for(lambda: judged(archive) >= 32)
    children = children_of(process)
    assert children
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children), 10)
    ran = archive.bulk(archive.images, "--resume", archive.lines, jobs=2)
    assert {**ran.summary, "seconds": 0} == alone


@pytest.mark.slow
def test_an_interrupt_ends_the_run_with_its_rows(archive: Archive) -> None:
    alone = fill(archive)
    process = summary_of(archive, "--jobs", 2)
    wait_for(lambda: judged(archive) >= 32)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert json.loads(output)["error"]["kind"] == "interrupted"
    assert len(archive.rows()) < 300
    ran = archive.bulk(archive.images, "--resume", archive.lines)
    assert {**ran.summary, "seconds": 0} == alone


def test_a_wrong_engine_is_a_mistake() -> None:
    with pytest.raises(MisuseError, match="is not an engine"):
        make_engine("http://there:1", None)
    with pytest.raises(MisuseError, match="exclude"):
        make_engine("dask://127.0.0.1:1", 2)


def test_this_machine_has_a_process_for_each_core() -> None:
    engine = make_engine("", None)
    assert isinstance(engine, ProcessEngine)
    assert engine.workers == len(os.sched_getaffinity(0))
    engine.close()
