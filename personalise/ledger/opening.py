"""Opening a ledger by its URL."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from personalise.ledger.engine import Database
from personalise.ledger.interface import Rules
from personalise.ledger.keys import PkiLedgerKeys
from personalise.ledger.migrations import prepare
from personalise.ledger.sql_ledger import SqlLedger
from personalise.pki.issuing_pki import IssuingPki

ENVIRONMENT_VARIABLE: Final = "CHIPSEAL_LEDGER"
FILE_NAME: Final = "ledger.sqlite"


def ledger_url(named: str | None, folder: Path) -> str:
    """Return the URL of the ledger: the named one, that of the environment, or the PKI's own."""
    default = f"sqlite:///{folder / FILE_NAME}"
    return named or os.environ.get(ENVIRONMENT_VARIABLE) or default


def open_ledger(
    url: str,
    pki: IssuingPki,
    *,
    create: bool = False,
    rules: Rules | None = None,
    clock: Callable[[], datetime] | None = None,
) -> SqlLedger:
    """Open the ledger at a URL (`sqlite:///FILE` or `postgresql://…`), with the keys of a PKI.

    With `create` the tables and the keys are made if they do not exist.  `rules` are those of the
    PKI's settings by default.  Close it in the end.  Raises `MisuseError` for a URL or a PKI that
    has no ledger, `DamagedLedgerError` for another database or a newer version,
    `LedgerUnavailableError` if the database does not answer.
    """
    keys = PkiLedgerKeys.of(pki.folder, pki.local_keys, create=create)
    database = Database.open(url)
    try:
        now = datetime.now(UTC) if clock is None else clock()
        ledger = prepare(database, now, create=create)
        return SqlLedger(database, ledger, keys, rules or Rules(), clock)
    except BaseException:
        database.close()
        raise
