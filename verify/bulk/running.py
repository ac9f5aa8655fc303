"""Judge images chunk by chunk: each one once, whatever dies.

A few chunks are in flight for each worker, so that memory does not depend on the number of images.
A chunk has no effect but its answer, so that one whose process died is judged again.  Which image
ended the process is not known: the chunks that were in flight are judged again one after another,
and one that ends its process again is divided, until a single image is left.  Its row says so.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from hashlib import blake2b
from itertools import islice
from typing import Final

from support.errors import MisuseError
from verify.bulk.engines import Answer, Engine
from verify.bulk.finding import Found
from verify.bulk.judging import Job, Refusal
from verify.bulk.rows import unreadable

CHUNK: Final = 32
"""Images of a chunk: some 50 ms of work, and 1 to 2 ms of a dask scheduler."""

_AHEAD: Final = 3
"""Chunks in flight for each worker."""

_DEADLY: Final = "judging it ended its process, twice; judge it alone to see why"

Chunk = tuple[Found, ...]


def judge_all(
    engine: Engine, job: Job, images: Iterable[Found], *, chunk: int = CHUNK
) -> Iterator[bytes]:
    """Judge images; yield the rows of each chunk when they are there, as lines of JSON.

    Raises `MisuseError` if a worker cannot judge at all, or if the engine is lost.
    """
    return _Run(engine, job, images, chunk).rows()


class _Run:
    """The state of a run: what is in flight, and what a process died of."""

    def __init__(self, engine: Engine, job: Job, images: Iterable[Found], chunk: int) -> None:
        self._engine = engine
        self._job = job
        self._images = iter(images)
        self._size = chunk
        self._flying: dict[Future[Answer], Chunk] = {}
        self._suspects: deque[Chunk] = deque()
        self._died: set[str] = set()

    def rows(self) -> Iterator[bytes]:
        while True:
            if not self._suspects:
                self._fill()
            if self._flying:
                yield from self._landed()
            elif self._suspects:
                yield from self._try_alone(self._suspects.popleft())
            else:
                return

    def _fill(self) -> None:
        most = _AHEAD * self._engine.workers
        while len(self._flying) < most:
            chunk = tuple(islice(self._images, self._size))
            if not chunk:
                return
            self._flying[self._engine.submit(self._job, chunk)] = chunk

    def _landed(self) -> Iterator[bytes]:
        """Yield what has been judged; a chunk whose process died becomes a suspect."""
        done, _ = wait(self._flying, timeout=1.0, return_when="FIRST_COMPLETED")
        self._engine.check()
        lost = False
        for future in done:
            chunk = self._flying.pop(future)
            answer = self._answer(future)
            if answer is None:
                lost = True
                self._suspects.append(chunk)
            else:
                yield answer
        if lost:
            self._engine.recover()

    def _try_alone(self, chunk: Chunk) -> Iterator[bytes]:
        """Judge a chunk while no other is judged; divide it if its process dies."""
        future = self._engine.submit(self._job, chunk)
        while not wait([future], timeout=1.0).done:
            self._engine.check()
        answer = self._answer(future)
        if answer is not None:
            yield answer
            return
        self._engine.recover()
        if len(chunk) > 1:
            middle = len(chunk) // 2
            self._suspects.extendleft((chunk[middle:], chunk[:middle]))
        elif chunk[0].name in self._died:
            yield unreadable(chunk[0].name, _DEADLY, failed=True).encode()
        else:
            self._died.add(chunk[0].name)
            self._suspects.appendleft(chunk)

    def _answer(self, future: Future[Answer]) -> bytes | None:
        """Return the answer; None if the process died."""
        try:
            answer = future.result()
        except self._engine.losses:
            return None
        except CancelledError:
            self._engine.check()
            raise MisuseError(
                "the engine gave up an unfinished chunk", advice="go on with --resume"
            ) from None
        except ImportError:
            raise MisuseError(
                "a worker has no Chipseal of this release",
                advice="install the same release on all machines",
            ) from None
        if isinstance(answer, Refusal):
            raise MisuseError(answer.what, advice=answer.advice)
        return answer


def without(images: Iterable[Found], names: set[bytes]) -> Iterator[Found]:
    """Yield the images that are not named yet, each once; add their names."""
    for each in images:
        key = key_of(each.name)
        if key not in names:
            names.add(key)
            yield each


def key_of(name: str) -> bytes:
    """Return 16 octets for the name of an image: a set of a million takes 100 MB."""
    return blake2b(name.encode(), digest_size=16).digest()
