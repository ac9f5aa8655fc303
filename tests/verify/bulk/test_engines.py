"""A real dask scheduler with two worker processes, and processes of this machine, that die."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.errors import MisuseError
from tests.verify.bulk.archives import AT, Archive, members, zipped
from tests.verify.bulk.clusters import ENVIRONMENT, cluster, wait_for
from tests.verify.documents import usual
from verify.bulk.engines import ProcessEngine, make_engine


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


def test_dask_writes_no_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """dask gives its client a logger beside its own: a lost result is no error of the run."""
    import distributed

    assert distributed.__version__
    monkeypatch.setattr("verify.bulk.engines._PATIENCE", 0.01)
    loggers = (logging.getLogger(name) for name in logging.root.manager.loggerDict)
    with pytest.raises(MisuseError, match="no dask scheduler answers"):
        make_engine("dask://127.0.0.1:9", None)
    loud = {
        each.name
        for each in loggers
        if each.name.partition(".")[0] == "distributed"
        and each.handlers
        and each.isEnabledFor(logging.WARNING)
    }
    assert loud <= {"distributed.gc"}
