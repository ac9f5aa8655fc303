"""Receiving applications, and handing them out for preparation."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, insert, or_, select, update

from emrtd.lds.files import FILES, FileID
from emrtd.lds.image import CHIP_KEYS_NAME, LdsImage
from personalise.ledger import rules
from personalise.ledger.container import pack, unpack
from personalise.ledger.errors import ReplayedPackageError
from personalise.ledger.keys.interface import LedgerKeys, PeriodKey, key_check
from personalise.ledger.sealing import (
    APPLICATION,
    IMAGE,
    AlteredError,
    JobKey,
    ciphertext_digest,
)
from personalise.ledger.states import OPEN, JobState, Worker
from personalise.ledger.steps import Prepared, Received
from personalise.ledger.tables import (
    BLOB,
    IS_RECEIVED,
    JOB,
    PACKAGE,
    PERIOD,
    from_microseconds,
    to_microseconds,
)
from personalise.ledger.transaction import Transaction, columns_of
from personalise.ledger.values import Arrival, Preparation, Reception
from personalise.preparing.application import FILE_NAME, Application
from support.errors import MisuseError

_NEW_PERIOD: Final = 0x43485045  # of PostgreSQL's advisory locks
_ID_SIZE: Final = 8  # octets: 16 hexadecimal digits
_FILE_IDS: Final = {file.file_name: file_id for file_id, file in FILES.items()}


def document_digest(keys: LedgerKeys, issuing_state: str, number: str) -> str:
    """Return the keyed digest of a document: its issuing State and number."""
    return keys.keyed_digest(f"document {issuing_state} {number}".encode())


def require_new_package(transaction: Transaction, package: bytes) -> None:
    """Enter the digest of a package; raises `ReplayedPackageError` if it was entered before."""
    query = select(PACKAGE.c.at).where(PACKAGE.c.digest == package)
    row = transaction.first(query)
    if row is not None:
        raise ReplayedPackageError(from_microseconds(row.at))
    at = to_microseconds(transaction.now)
    transaction.connection.execute(insert(PACKAGE).values(digest=package, at=at))


def current_period(transaction: Transaction, keys: LedgerKeys) -> str:
    """Return the retention period of what is received now, and make its key if it is new.

    A month whose key was destroyed is followed by another period of the same month.  The periods
    are locked, so that none is destroyed while something is received in it.
    """
    known, name = _periods_of_month(transaction)
    if name not in known:  # of two intakes that meet a new month, one makes its key
        transaction.take_turns(_NEW_PERIOD)
        known, name = _periods_of_month(transaction)
    # A period that exists has a key: this host has another PKI folder if it lacks it, or lost it.
    check = key_check(name, keys.period_key(name, create=name not in known))
    if name not in known:
        transaction.connection.execute(
            transaction.insert_or_not(PERIOD).values(name=name, key_check=check, destroyed=None)
        )
    require_period_key(transaction, keys, name, check)
    return name


def _periods_of_month(transaction: Transaction) -> tuple[dict[str, int | None], str]:
    """Return when the periods of this month were destroyed, and the name of the one to use."""
    month = f"{transaction.now:%Y-%m}"
    query = select(PERIOD).where(PERIOD.c.name.like(f"{month}%")).with_for_update(read=True)
    known = {row.name: row.destroyed for row in transaction.connection.execute(query).all()}
    name, number = month, 1
    while known.get(name) is not None:
        number += 1
        name = f"{month}.{number}"
    return known, name


def require_period_key(
    transaction: Transaction, keys: LedgerKeys, period: str, check: bytes
) -> None:
    """Raise `MisuseError` if the key of a period is not the one that the ledger began it with.

    A period that began in version 1 of the tables has no check.
    """
    stored = transaction.first(select(PERIOD.c.key_check).where(PERIOD.c.name == period))
    if stored is None or stored.key_check not in {None, check}:
        raise MisuseError(
            f"{keys.where(period)}: is not the key with which this ledger began the period",
            advice="use the PKI's folder of the other hosts: all stations and intakes of a ledger"
            " share its keys",
        )


def receive(
    transaction: Transaction,
    keys: LedgerKeys,
    arrivals: Iterable[Arrival],
    *,
    package: str,
    hold_duplicates: bool,
) -> list[Reception]:
    """Enter applications; see `Ledger.receive`."""
    period = current_period(transaction, keys)
    period_key = keys.period_key(period)
    found = []
    for arrival in arrivals:
        document = document_digest(keys, arrival.issuing_state, arrival.number)
        other = transaction.holder_of(document)
        if other is not None and not hold_duplicates:
            found.append(Reception(None, None, document, other))
            continue
        hold = arrival.hold or ("" if other is None else f"its document has the job {other}")
        job = rules.receive(f"A-{secrets.token_hex(_ID_SIZE)}", hold)
        key = JobKey.new(job.id)
        sealed = key.seal(APPLICATION, pack(arrival.files))
        at = to_microseconds(transaction.now)
        row = {
            **columns_of(job),
            "id": job.id,
            "document": document,
            "live_document": document if other is None else None,
            "profile": arrival.profile,
            "card_profile": arrival.card_profile,
            "priority": arrival.priority,
            "received": at,
            "changed": at,
            "period": period,
            "wrapped_key": key.wrap(period_key),
        }
        inserted = transaction.connection.execute(
            transaction.insert_or_not(JOB).values(row).returning(JOB.c.number)
        ).all()
        if not inserted:  # another process received the same document at this moment
            found.append(Reception(None, None, document, transaction.holder_of(document)))
            continue
        blob = {"job": inserted[0].number, "kind": APPLICATION, "content": sealed}
        transaction.connection.execute(insert(BLOB).values(blob))
        transaction.enter(Received(document, ciphertext_digest(sealed), package, hold), job)
        found.append(Reception(job.id, job.state, document, other))
    return found


def take_for_preparation(
    transaction: Transaction, worker: Worker, limit: int, lease: timedelta
) -> list[Row[Any]]:
    """Return the rows of jobs for this worker to prepare, and keep them from others."""
    now = to_microseconds(transaction.now)
    name = _preparer(worker)
    horizon = now + 2 * (lease // timedelta(microseconds=1))
    query = (
        select(JOB)
        .where(
            IS_RECEIVED,
            or_(
                JOB.c.preparer_until <= now,
                JOB.c.preparer_until > horizon,
                JOB.c.preparer == name,
            ),
        )
        .order_by(JOB.c.priority.desc(), JOB.c.number)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    rows = list(transaction.connection.execute(query).all())
    if rows:
        until = to_microseconds(transaction.now + lease)
        numbers = [row.number for row in rows]
        transaction.connection.execute(
            update(JOB).where(JOB.c.number.in_(numbers)).values(preparer=name, preparer_until=until)
        )
    return rows


def give_up_preparation(transaction: Transaction, worker: Worker) -> None:
    """End the leases of a worker that prepares no longer."""
    unfinished = (IS_RECEIVED, JOB.c.preparer == _preparer(worker))
    transaction.connection.execute(update(JOB).where(*unfinished).values(preparer_until=0))


def _preparer(worker: Worker) -> str:
    return f"{worker.station} {worker.reader}"


class Contents:
    """Opens and seals what belongs to jobs; `reading` returns a transaction that reads."""

    def __init__(
        self, keys: LedgerKeys, reading: Callable[[], AbstractContextManager[Transaction]]
    ) -> None:
        self._keys = keys
        self._reading = reading
        self._period_keys: dict[str, PeriodKey] = {}

    def forget(self) -> None:
        """Forget the keys of periods: some may be destroyed now."""
        self._period_keys.clear()

    def key_of(self, row: Row[Any]) -> JobKey:
        """Return the key of a job.

        Raises `MisuseError` if its contents were purged, or if the period's key is not here;
        `AlteredError` if the row does not lead to the key.
        """
        if row.wrapped_key is None:
            if row.state == JobState.PURGED:
                raise MisuseError(f"{row.id}: its contents were purged")
            raise AlteredError(f"{row.id}: its key", "is missing from the ledger")
        if row.period not in self._period_keys:
            self._period_keys[row.period] = self._read_period_key(row)
        return JobKey.unwrap(row.id, row.wrapped_key, self._period_keys[row.period])

    def _read_period_key(self, row: Row[Any]) -> PeriodKey:
        with self._reading() as transaction:
            query = select(PERIOD.c.destroyed).where(PERIOD.c.name == row.period)
            period = transaction.first(query)
            if period is None or (period.destroyed is not None and row.state in OPEN):
                raise AlteredError(f"{row.id}: its retention period", "was altered in the ledger")
            key = self._keys.period_key(row.period)
            check = key_check(row.period, key)
            require_period_key(transaction, self._keys, row.period, check)
        return key

    def files(self, row: Row[Any], kind: str, sealed: bytes) -> dict[str, bytes]:
        """Decrypt the files of a job."""
        return unpack(self.key_of(row).open(kind, sealed))

    def preparation(self, row: Row[Any], sealed: bytes) -> Preparation:
        """Return a job and its application for data preparation."""
        return Preparation(row.id, self.application(row, sealed), row.profile, row.document)

    def application(self, row: Row[Any], sealed: bytes) -> Application:
        """Return the application of a job."""
        files = self.files(row, APPLICATION, sealed)
        return Application.decode(files[FILE_NAME], _reader_of(files), row.id)

    def image(self, row: Row[Any], sealed: bytes) -> LdsImage:
        """Return the image of a job."""
        files = self.files(row, IMAGE, sealed)
        chip_keys = files.pop(CHIP_KEYS_NAME, None)
        return LdsImage({_FILE_IDS[name]: octets for name, octets in files.items()}, chip_keys)

    def seal_image(self, row: Row[Any], image: LdsImage) -> bytes:
        """Encrypt an image."""
        files = {FILES[file_id].file_name: octets for file_id, octets in image.files.items()}
        if image.chip_keys is not None:
            files[CHIP_KEYS_NAME] = image.chip_keys
        return self.key_of(row).seal(IMAGE, pack(files))


def prepared(
    transaction: Transaction,
    keys: LedgerKeys,
    row: Row[Any],
    image: LdsImage,
    sealed: bytes,
    *,
    print_first: bool,
) -> None:
    """Enter that an image is made, and store it."""
    if FileID.SOD not in image.files:
        raise MisuseError(f"{row.id}: the image has no EF.SOD", advice="prepare it again")
    sod = keys.keyed_digest(b"EF.SOD " + image.files[FileID.SOD])
    step = Prepared(ciphertext_digest(sealed), sod, print_first)
    transaction.step(row, step, preparer_until=0)
    transaction.connection.execute(insert(BLOB).values(job=row.number, kind=IMAGE, content=sealed))


def _reader_of(files: dict[str, bytes]) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        if name not in files:
            raise MisuseError(f"holds no file {name}")
        return files[name]

    return read


def blob_of(transaction: Transaction, row: Row[Any], kind: str) -> bytes:
    """Return a sealed blob of a job.

    Raises `MisuseError` if it was purged or not prepared, `AlteredError` if it is missing.
    """
    query = select(BLOB.c.content).where(BLOB.c.job == row.number, BLOB.c.kind == kind)
    found = transaction.first(query)
    if found is not None:
        return bytes(found.content)
    if row.state == JobState.PURGED or (kind == IMAGE and not row.has_image):
        raise MisuseError(f"{row.id}: has no {kind}; it was purged, or not prepared")
    raise AlteredError(f"{row.id}: {kind}", "is missing from the ledger")
