"""Documents judged in bulk, beside their cryptography alone; two processes beside one; memory."""

import os
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.documents import AT, Documents
from bench.timing import Ratio, ratio
from emrtd.lds.files import FileID
from emrtd.lds.image import LdsImage
from verify.bulk.engines import ProcessEngine
from verify.bulk.finding import Found, find_images
from verify.bulk.judging import Job, judge_chunk, release
from verify.bulk.running import CHUNK, judge_all
from verify.judging.policy import load_policy

NAME = "bulk"
DOCUMENTS = 64
SPREAD = 1_000
"""Images for the comparison of two processes with one."""
FLAT = int(os.environ.get("CHIPSEAL_BENCH_IMAGES", "4000"))
"""Images for the measurement of memory; 100,000 take some minutes."""
MOST_MEMORY = 150.0
"""Megabytes of a worker."""

ALLOWED_RAW, ALLOWED_SPREAD, ALLOWED_GROWTH = 5.0, 1 / 0.9, 1.1


def measure() -> list[Ratio]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        documents = Documents.make()
        documents.save(folder / "images", range(DOCUMENTS))
        documents.make_store(folder / "trust.db").close()
        images = list(find_images([folder / "images"]))
        documents.save(folder / "plain", range(CHUNK), without=(FileID.CARD_SECURITY,))
        plain = list(find_images([folder / "plain"]))
        job = make_job(folder / "trust.db")
        return [
            measure_raw(
                "a document judged / its two signatures and hashes", documents, job, images
            ),
            measure_raw("one without EF.CardSecurity / signature, hashes", documents, job, plain),
            *measure_processes(job, images),
        ]


def make_job(store: Path) -> Job:
    from verify.trust.store import TrustStore

    with TrustStore.open(store) as opened:
        content = opened.content_digest()
    return Job(str(store), content, load_policy("default"), AT, now=False, release=release())


def measure_raw(label: str, documents: Documents, job: Job, images: list[Found]) -> Ratio:
    """Compare with the cryptography alone, in OpenSSL: of EF.SOD, and of EF.CardSecurity if any."""
    chunk = images[:CHUNK]
    raw = [documents.raw(LdsImage.load(Path(each.path)).files) for each in chunk]

    def limit() -> None:
        for each in raw:
            each()

    found = ratio(lambda: judge_chunk(job, chunk), limit)
    return Ratio(label, found, ALLOWED_RAW)


def measure_processes(job: Job, images: list[Found]) -> Iterator[Ratio]:
    alone, _ = spent(job, images, 1, SPREAD)
    together, _ = spent(job, images, 2, SPREAD)
    yield Ratio("processor time of two processes / of one", together / alone, ALLOWED_SPREAD)
    _, memory = spent(job, images, 2, FLAT)
    yield Ratio(f"memory after {FLAT:,} images / after a quarter", *growth(memory))
    yield Ratio("megabytes of a worker / 150", max(memory) / MOST_MEMORY, 1.0)


def growth(memory: list[float]) -> tuple[float, float]:
    return memory[-1] / memory[len(memory) // 4], ALLOWED_GROWTH


def spent(job: Job, images: list[Found], jobs: int, number: int) -> tuple[float, list[float]]:
    """Judge so many images; return the seconds of all processors, and the megabytes of a worker.

    The seconds do not include the start of the processes.
    """
    named = (
        Found(str(count), each.path) for count, each in enumerate(islice(cycle(images), number))
    )
    engine = ProcessEngine(jobs)
    memory: list[float] = []
    try:
        for _ in judge_all(engine, job, islice(named, 4 * CHUNK * jobs)):
            pass
        before = processor_time()
        memory += (max(map(resident, workers())) for _ in judge_all(engine, job, named))
        seconds = processor_time() - before
    finally:
        engine.close()
    return seconds / (number - 4 * CHUNK * jobs), memory


def workers() -> list[int]:
    """The worker processes, without the decoders that they start."""
    return [pid for pid in children_of(os.getpid()) if b"spawn_main" in command_of(pid)]


def children_of(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def resident(pid: int) -> float:
    """Megabytes of memory of a process."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor_time() -> float:
    """Seconds of this process, and of all that it started, decoders and their children included."""
    total, waiting = time.process_time(), children_of(os.getpid())
    while waiting:
        pid = waiting.pop()
        waiting += children_of(pid)
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total
