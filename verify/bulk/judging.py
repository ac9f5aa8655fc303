"""Judge a chunk of images: the work of one process, for every engine.

A process opens the trust store once for each run, and decodes images in a process of its own
(`emrtd.biometrics.images`), which is not shared with the process it was forked from.
"""

import gc
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from emrtd.lds.image import LdsImage
from emrtd.lds.zipped_images import ZippedImages
from support.collector import spare_collections
from support.errors import ChipsealError
from support.secret import Secret
from verify.bulk.finding import Found
from verify.bulk.rows import Row, row_of, unreadable
from verify.judging.decoding import Contents, decode_files
from verify.judging.evidence import Evidence
from verify.judging.policy import Policy
from verify.session.evidence import seal_key
from verify.session.judging import (
    DecodedDocument,
    JudgingSession,
    decode_documents,
    load_stop_list,
)
from verify.trust.store import TrustStore

_SAME: Final = "give every machine the same files, under the same paths, and do not change them"


class Job(msgspec.Struct, frozen=True):
    """What all images of a run are judged with.

    `trust` is the path of the trust store, `content` the digest of its entries: a process on
    another machine must not judge with another store.  `at` is the instant (aware) of the
    judgement; `now`: it is the present one, and the clock of the machine must be right.
    `release` is the version of Chipseal.  `full`: rows have the whole report.  `stops` is the path
    of a stop list, and its SHA-256.
    """

    trust: str
    content: bytes
    policy: Policy
    at: datetime
    now: bool
    release: str
    full: bool = False
    stops: tuple[str, bytes] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why a process cannot judge at all; no image of the chunk was judged."""

    what: str
    advice: str


def judge_chunk(job: Job, chunk: Sequence[Found]) -> bytes | Refusal:
    """Judge images; return a row for each, as lines of JSON in the order of the chunk.

    It raises nothing, since an exception may not reach another process as it is.
    """
    if job.release != release():
        return Refusal(
            f"a worker has Chipseal {release()}, and this command is {job.release}",
            "install the same release on all machines",
        )
    try:
        session = _session(job)
    except (ChipsealError, OSError) as error:
        advice = error.advice if isinstance(error, ChipsealError) else ""
        what = error.message if isinstance(error, ChipsealError) else str(error)
        return Refusal(f"a worker cannot open the trust store: {what}", advice)
    if isinstance(session, Refusal):
        return session
    read = [_read(_LOCAL.zips, found) for found in chunk]
    decoded = iter(_look([each for each in read if not isinstance(each, Row)]))
    documents = [each if isinstance(each, Row) else next(decoded) for each in read]
    return b"".join(
        (each if isinstance(each, Row) else _judge(job, session, found.name, each)).encode()
        for found, each in zip(chunk, documents, strict=True)
    )


@cache
def release() -> str:
    """Return the version of Chipseal in this process."""
    from importlib.metadata import version

    return version("chipseal")


_Read = tuple[Evidence, Contents]
"""The evidence in an image, and its files decoded."""


class _Zips:
    """The zip of which an image was read last, which stays open: the next image is mostly of it.

    Reading its directory takes as long as judging many of its images.
    """

    def __init__(self) -> None:
        self._place: tuple[str, int, int, int, int] | None = None
        self._stack = ExitStack()
        self._zip: ZippedImages | None = None

    def load(self, found: Found) -> LdsImage:
        """Read an image; raises as `LdsImage.load` does."""
        if found.within is None:
            return LdsImage.load(Path(found.path))
        status = Path(found.path).stat()
        place = (
            found.path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        )  # fmt: skip
        if self._zip is None or self._place != place:
            self._stack.close()
            self._zip = None
            self._zip = self._stack.enter_context(ZippedImages(Path(found.path)))
            self._place = place
        return self._zip.load(found.within)


def _read(zips: _Zips, found: Found) -> _Read | Row:
    """Read an image and decode its files; return a row if it cannot be read."""
    if found.objection:
        return unreadable(found.name, found.objection)
    try:
        image = zips.load(found)
        key = None if image.evidence is None else _key()
        evidence = Evidence.from_image(image, found.path, key)
        return evidence, decode_files(evidence.files)
    except ChipsealError as error:
        return unreadable(found.name, _without_place(error.message, found))
    except OSError as error:
        return unreadable(found.name, error.strerror or "cannot be read")
    except Exception as error:  # noqa: BLE001 - one image must not end the judging of a million
        return _failed(found.name, error)


def _look(documents: list[_Read]) -> list[DecodedDocument | Exception]:
    """Decode the images of documents; return the exception for one that causes an internal error.

    A mistake of ours that one document meets must not keep the others from being judged.
    """
    try:
        return [*decode_documents(documents)]
    except Exception as error:  # noqa: BLE001 - as above
        if len(documents) == 1:
            return [error]
        return [found for each in documents for found in _look([each])]


def _judge(
    job: Job, session: JudgingSession, name: str, document: DecodedDocument | Exception
) -> Row:
    if isinstance(document, Exception):
        return _failed(name, document)
    try:
        report = session.judge_decoded(document)
        return row_of(name, document.evidence, report, full=job.full)
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(name, error)


def _failed(name: str, error: Exception) -> Row:
    why = f"internal error ({type(error).__name__}): judge it alone, with --debug"
    return unreadable(name, why, failed=True)


def _without_place(message: str, found: Found) -> str:
    """Return a message without the path, which the row has."""
    path = found.path if found.within is None else str(Path(found.path) / found.within)
    return message.removeprefix(f"{path}: ")


@cache
def _key() -> Secret | None:
    """Return the key that seals this user's evidence."""
    return seal_key()


class _Local(threading.local):
    """The session of this thread, its job and its zip; none is shared between threads."""

    job: Job | None = None
    store: TrustStore | None = None
    session: JudgingSession | None = None

    def __init__(self) -> None:
        self.zips = _Zips()


_LOCAL = _Local()


def _session(job: Job) -> JudgingSession | Refusal:
    if _LOCAL.session is not None and job == _LOCAL.job:
        return _LOCAL.session
    if _LOCAL.store is not None:
        _LOCAL.store.close()
    _LOCAL.job = _LOCAL.session = None
    store = _LOCAL.store = TrustStore.open(Path(job.trust))
    if store.content_digest() != job.content:
        return Refusal(
            f"{job.trust}: a worker found another trust store there than this command",
            _SAME,
        )
    stop_list = None
    if job.stops is not None:
        stop_list = load_stop_list(Path(job.stops[0]))
        if sha256(stop_list.signed_data.der).digest() != job.stops[1]:
            return Refusal(f"{job.stops[0]}: a worker found another stop list there", _SAME)
    spare_collections()
    gc.freeze()  # what is imported by now stays, and is not looked through again
    _LOCAL.job = job
    _LOCAL.session = JudgingSession(
        store,
        job.policy,
        None if job.now else job.at,
        seen=store.last_import(),
        clock=lambda: job.at,
        stop_list=stop_list,
    )
    return _LOCAL.session
