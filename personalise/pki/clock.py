"""A PKI does not issue while its machine's clock is behind what it has already signed.

A clock that jumped back would date certificates, lists and documents before others that they
follow, and would count a Document Signer that has expired as valid.  The latest instants that a PKI
knows are in its audit log, its register, its CRL and its certificates; a copy of the folder that
has only some of these is held to what it has.

A clock that was ahead has left instants in the future.  The present clock is accepted then
(`PkiOperations.accept_clock`), and what was signed before the acceptance no longer counts.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from personalise.pki.audit_log import time_of_last_entry
from personalise.pki.folder import AUDIT_LOG_NAME
from personalise.pki.register import FILE_NAME, Register
from personalise.pki.settings import AcceptedClock
from support.errors import MisuseError
from support.files import in_file
from support.records import read_bounded

TOLERANCE: Final = timedelta(minutes=5)
"""How far a clock may be behind: several machines may use one PKI, each with its own clock."""

_MAX_FILE: Final = 64 * 1024 * 1024
_CERTIFICATES: Final = ("csca.cer", "ds.cer")


class ClockBehindError(MisuseError):
    """The clock is behind what was already signed; nothing is issued."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An instant that has been reached, and what bears it."""

    at: datetime
    what: str


def latest_sighting(folder: Path, accepted: AcceptedClock | None = None) -> Sighting | None:
    """Return the latest instant that a PKI knows; None if its folder holds nothing with a time."""
    entered = time_of_last_entry(folder / AUDIT_LOG_NAME)
    found = [] if entered is None else [Sighting(entered, "the last entry of the audit log")]
    # After an acceptance, the log's last entry is of the accepted clock.
    found += [each for each in _sightings(folder) if not _is_excused(each.at, accepted)]
    return max(found, key=lambda each: each.at, default=None)


def require_clock(folder: Path, at: datetime, accepted: AcceptedClock | None = None) -> None:
    """Raise `ClockBehindError` if `at` is more than `TOLERANCE` before what the PKI has signed."""
    advice = (
        "set the clock; if it is right now and was ahead then, run `personalise pki accept-clock`"
    )
    require_not_behind(at, latest_sighting(folder, accepted), str(folder), advice)


def require_not_behind(at: datetime, latest: Sighting | None, where: str, advice: str) -> None:
    """Raise `ClockBehindError` if `at` is more than `TOLERANCE` before a sighting."""
    if latest is not None and latest.at - at > TOLERANCE:
        raise ClockBehindError(
            f"{where}: this machine's clock says {_text(at)}, but {latest.what} is of"
            f" {_text(latest.at)}; nothing is issued",
            advice=advice,
        )


def _is_excused(at: datetime, accepted: AcceptedClock | None) -> bool:
    return accepted is not None and accepted.at < at <= accepted.seen


def _sightings(folder: Path) -> Iterator[Sighting]:
    if (folder / FILE_NAME).is_file():
        with closing(Register(folder)) as register:
            signed = register.latest()
        if signed is not None:
            yield Sighting(signed, "the last document in the register")
    crl = folder / "crl.crl"
    if crl.is_file():
        with in_file(crl):
            this_update = Crl.parse(read_bounded(crl, _MAX_FILE)).this_update
        yield Sighting(this_update, crl.name)
    for name in _CERTIFICATES:
        path = folder / name
        if path.is_file():
            with in_file(path):
                not_before = Certificate.parse(read_bounded(path, _MAX_FILE)).not_before
            yield Sighting(not_before, name)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
