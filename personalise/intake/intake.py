"""Intake: applications from folders and packages into the ledger.

Each package is one step: it is decrypted, its sender and every application are checked, and what
was taken or held is entered in one transaction.  A package that is refused, and an application that
is wrong, do not stop the others.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol, overload

from emrtd.pki.cms.signed_stream import SignedStream
from emrtd.pki.x509.certificates import Certificate
from personalise.intake.archive import PackedApplication
from personalise.intake.archive_rules import Limits
from personalise.intake.checking import Checker, InThisProcess, verdict_of
from personalise.intake.package import Package, open_package
from personalise.intake.receipt import ReceivedApplication, ReceivedPackage
from personalise.intake.refusals import Refusal, RefusedPackageError
from personalise.intake.senders import MAX_AGE, NOBODY, Sender, Senders, authenticate
from personalise.intake.sources import (
    ApplicationFolder,
    PackageFile,
    UnsearchedFolder,
    find_sources,
)
from personalise.intake.unwrapping import IntakeKey, file_digest
from personalise.intake.validation import Outcome, Validator, Verdict, refused
from personalise.ledger.errors import ReplayedPackageError
from personalise.ledger.values import Arrival, Reception
from personalise.preparing.application import FILE_NAME, MAX_IMAGE, MAX_RECORD, Application
from support.errors import MisuseError

_BATCH: Final = 100
"""Applications of a folder that are entered at once."""
_BATCH_OCTETS: Final = 16 * 1024 * 1024


class Receiver(Protocol):
    """What the intake needs of a ledger: see `personalise.ledger.interface.Ledger`."""

    def receive(
        self, arrivals: Sequence[Arrival], *, package: bytes | None = None
    ) -> list[Reception]:
        """Enter applications, all or none; `ReplayedPackageError` for a package received before."""
        ...

    def find_document(self, issuing_state: str, number: str) -> str | None:
        """Return the id of the open or issued job of a document; None if it has no such job."""
        ...


Checked = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an intake accepts.

    `profile` is the name that the ledger keeps, `validator` has the chip profile itself.  Without
    `senders` every package is read, and its sender is not authenticated, unless `channel` is the
    certificate with which the sender has authenticated when it delivered the package.
    """

    profile: str
    validator: Validator
    limits: Limits = Limits()  # noqa: RUF009 - immutable
    senders: Senders | None = None
    max_age: timedelta = MAX_AGE
    allow_pkcs1: bool = False
    priority: int = 0
    channel: Certificate | None = None

    def authenticate(self, signatures: Sequence[SignedStream]) -> Sender:
        """Return the sender of a package with these signatures."""
        sender = authenticate(signatures, self.senders, self.validator.at, self.max_age)
        if sender.is_authenticated or self.channel is None:
            return sender
        return Sender(self.channel, sender.signed, is_authenticated=True)


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes applications into a ledger; `keys` returns the intake keys when a package comes.

    `checked` is called after each application, with its outcome.  `checker` checks applications
    ahead, in this process by default.
    """

    ledger: Receiver
    terms: Terms
    keys: Callable[[], Sequence[IntakeKey]]
    checked: Checked = lambda _: None
    checker: Checker | None = None

    def run(self, paths: Sequence[Path]) -> Iterator[ReceivedPackage]:
        """Take in everything at the paths; yield what became of each package, and of each batch.

        Raises `MisuseError` for a path with nothing at it, before anything is taken in.
        """
        for path in paths:
            next(find_sources(path))
        for path in paths:
            batch = _Batch(self, path.name)
            for source in find_sources(path):
                if isinstance(source, PackageFile):
                    yield self._take_package(source)
                elif isinstance(source, UnsearchedFolder):
                    yield ReceivedPackage(source.path.name, None, NOBODY, refusal=_unread(source))
                elif self.terms.senders is not None:
                    yield ReceivedPackage(source.path.name, None, NOBODY, refusal=_unsigned())
                else:
                    yield from batch.add(source)
            yield from batch.finish()

    def _take_package(self, source: PackageFile) -> ReceivedPackage:
        name, digest, sender = source.path.name, None, NOBODY
        terms = self.terms
        keys, limits = self.keys(), terms.limits
        try:
            digest = _file_digest(source.path, limits)
            with open_package(
                source.path, keys, limits, terms.authenticate, allow_pkcs1=terms.allow_pkcs1
            ) as package:
                sender = package.sender
                applications = self._take_packed(package)
        except RefusedPackageError as refusal:
            return ReceivedPackage(name, digest, sender, refusal=refusal)
        except ReplayedPackageError as error:
            replayed = RefusedPackageError(Refusal.REPLAYED, error.message)
            return ReceivedPackage(name, digest, sender, refusal=replayed)
        return ReceivedPackage(name, digest, sender, applications)

    def _take_packed(self, package: Package) -> tuple[ReceivedApplication, ...]:
        """Check the applications of a package, and enter them together."""
        queue = _Queue(self)
        pending: list[_Pending] = []
        for packed in package.applications:
            name = packed.folder.rstrip("/").rpartition("/")[2]
            queue.begin(_Pending(packed.position, name), partial(package.load, packed))
            pending += queue.checked()
        pending += queue.rest()
        entered = [each for each in pending if each.is_entered]
        if not entered and _DUPLICATE not in {each.verdict for each in pending}:
            return _received(pending, ())  # it may come again when what was wrong is right
        arrivals = _Arrivals(self.terms, package, entered)
        return _received(pending, self.ledger.receive(arrivals, package=package.digest))


class _Queue:
    """The applications of a package or a folder while they are checked, in their order."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._checker = intake.checker or InThisProcess(intake.terms.validator)
        self._documents = _Documents()
        self._waiting: deque[tuple[_Pending, Future[Verdict] | None]] = deque()

    def begin(self, pending: "_Pending", load: Callable[[], Application]) -> None:
        """Begin with one application: its document in the ledger first, which costs least."""
        checked = None
        try:
            application = load()
            document = application.particulars.document
            pending.state, pending.number = document.issuing_state, document.number
            ledger = self._intake.ledger
            if ledger.find_document(document.issuing_state, document.number) is not None:
                pending.verdict = _DUPLICATE
            else:
                checked = self._checker.submit(application)
        except MisuseError as error:
            pending.verdict = refused(error)
        self._waiting.append((pending, checked))

    def checked(self) -> Iterator["_Pending"]:
        """Yield the first applications that were checked, as far as others have to wait."""
        while len(self._waiting) > self._checker.ahead:
            yield self._finish()

    def rest(self) -> Iterator["_Pending"]:
        """Yield all others."""
        while self._waiting:
            yield self._finish()

    def _finish(self) -> "_Pending":
        pending, checked = self._waiting.popleft()
        if checked is not None:
            pending.verdict = verdict_of(checked)
        self._documents.check(pending)
        if not pending.is_entered:
            pending.files.clear()
        self._intake.checked(pending.verdict.outcome)
        return pending


@dataclass
class _Pending:
    """An application, its document, and its verdict when it is known.

    `files` are those of an application that came in a folder, by name.
    """

    position: int
    name: str
    verdict: Verdict = Verdict(Outcome.REFUSED)  # noqa: RUF009 - immutable
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    state: str = field(default="", repr=False)
    number: str = field(default="", repr=False)

    @property
    def is_entered(self) -> bool:
        return self.verdict.outcome is not Outcome.REFUSED


class _Documents:
    """The documents of one package or folder, to find one that occurs twice."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, str], int] = {}

    def check(self, pending: _Pending) -> None:
        """Refuse an application whose document was taken from an earlier one."""
        if not pending.is_entered:
            return
        document = (pending.state.rstrip("<"), pending.number.rstrip("<"))
        first = self._positions.setdefault(document, pending.position)
        if first != pending.position:
            pending.verdict = Verdict(
                Outcome.REFUSED, _NUMBER_FIELD, f"is also that of application {first}"
            )


_NUMBER_FIELD: Final = "document.number"
_DUPLICATE: Final = Verdict(
    Outcome.REFUSED,
    _NUMBER_FIELD,
    "is that of a document that is being made, or of a live card",
    "for another card of the same document use `personalise jobs reprint`",
)


def _arrival(terms: Terms, pending: _Pending, files: Mapping[str, bytes]) -> Arrival:
    verdict = pending.verdict
    hold = f"{verdict.field}: {verdict.reason}" if verdict.outcome is Outcome.HELD else ""
    return Arrival(
        issuing_state=pending.state,
        number=pending.number,
        files=files,
        profile=terms.profile,
        card_profile=terms.validator.profile.card_profile,
        priority=terms.priority,
        hold=hold,
    )


def _received(
    pending: Sequence[_Pending], receptions: Sequence[Reception]
) -> tuple[ReceivedApplication, ...]:
    """Combine what was checked with what the ledger made of those that were entered."""
    answers = iter(receptions)
    found = []
    for each in pending:
        verdict, job = each.verdict, None
        if each.is_entered:
            job = next(answers).job
            verdict = _DUPLICATE if job is None else verdict
        found.append(ReceivedApplication(each.position, each.name, verdict, job))
    return tuple(found)


class _Arrivals(Sequence[Arrival]):
    """The arrivals of a package; each is read from its spool when it is asked for."""

    def __init__(self, terms: Terms, package: Package, pending: Sequence[_Pending]) -> None:
        self._terms = terms
        self._package = package
        self._pending = pending

    def __len__(self) -> int:
        return len(self._pending)

    @overload
    def __getitem__(self, index: int) -> Arrival: ...
    @overload
    def __getitem__(self, index: slice) -> "_Arrivals": ...
    def __getitem__(self, index: int | slice) -> "Arrival | _Arrivals":
        if isinstance(index, slice):
            return _Arrivals(self._terms, self._package, self._pending[index])
        pending = self._pending[index]
        packed = self._package.applications[pending.position - 1]
        return _arrival(self._terms, pending, self._files(packed))

    def _files(self, packed: PackedApplication) -> dict[str, bytes]:
        record = self._package.file(packed, FILE_NAME, MAX_RECORD)
        names = self._package.load(packed).image_names().values()
        return {FILE_NAME: record} | {name: self._package.file(packed, name) for name in names}


class _Batch:
    """Applications in folders, entered some at a time."""

    def __init__(self, intake: Intake, name: str) -> None:
        self._intake = intake
        self._name = name
        self._queue = _Queue(intake)
        self._position = 0
        self._octets = 0
        self._pending: list[_Pending] = []

    def add(self, source: ApplicationFolder) -> Iterator[ReceivedPackage]:
        """Check one more application; yield a batch that is full."""
        self._position += 1
        pending = _Pending(self._position, source.path.name)
        self._queue.begin(pending, partial(_load_folder, source.path, pending.files))
        self._octets += sum(map(len, pending.files.values()))
        self._pending += self._queue.checked()
        if len(self._pending) >= _BATCH or self._octets >= _BATCH_OCTETS:
            yield from self.finish()

    def finish(self) -> Iterator[ReceivedPackage]:
        """Enter what is pending, and yield it."""
        self._pending += self._queue.rest()
        if not self._pending:
            return
        entered = [
            _arrival(self._intake.terms, pending, pending.files)
            for pending in self._pending
            if pending.is_entered
        ]
        receptions = self._intake.ledger.receive(entered) if entered else []
        pending, self._pending, self._octets = self._pending, [], 0
        yield ReceivedPackage(self._name, None, NOBODY, _received(pending, receptions))


def _load_folder(folder: Path, files: dict[str, bytes]) -> Application:
    """Read an application from its folder; what is read goes into `files`, by name.

    Each file is read once, so that what is entered is what was checked.
    """

    def read(name: str, limit: int = MAX_IMAGE) -> bytes:
        if name not in files:
            files[name] = _read_file(folder, name, limit)
        return files[name]

    return Application.decode(read(FILE_NAME, MAX_RECORD), read)


def _read_file(folder: Path, name: str, limit: int) -> bytes:
    """Read a file of a folder; the errors name neither: both may have a person's name."""
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise MisuseError("the folder holds no file of this name")
        with path.open("rb") as file:
            octets = file.read(limit + 1)
    except OSError as error:
        raise MisuseError(f"the file cannot be read: {error.strerror}") from None
    if len(octets) > limit:
        raise MisuseError(f"the file has more than {limit:,} octets")
    return octets


def _unread(folder: UnsearchedFolder) -> RefusedPackageError:
    return RefusedPackageError(
        Refusal.NOT_A_PACKAGE,
        f"the folder {folder.reason}",
        advice="what is in it was not taken in",
    )


def _unsigned() -> RefusedPackageError:
    """Return the refusal of a folder where senders are required: anyone may have put it there."""
    return RefusedPackageError(
        Refusal.SENDER,
        "a folder is not signed",
        advice="deliver a signed package, or leave out --senders",
    )


def _file_digest(path: Path, limits: Limits) -> bytes:
    try:
        return file_digest(path, limits)
    except OSError as error:
        raise RefusedPackageError(
            Refusal.NOT_A_PACKAGE, f"the file cannot be read: {error.strerror}"
        ) from None
