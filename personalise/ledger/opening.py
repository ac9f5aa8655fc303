"""Opening a ledger by its URL."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from personalise.ledger.engine import Database
from personalise.ledger.keys.interface import LedgerKeys, NoLedgerKeys
from personalise.ledger.keys.period_hsm import HsmPeriodKeys
from personalise.ledger.keys.pki_keys import PkiLedgerKeys
from personalise.ledger.migrations import prepare
from personalise.ledger.sql_ledger import SqlLedger
from personalise.ledger.values import Rules
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.keys.hsm import Pkcs11Custody, custody_of
from personalise.pki.settings import Settings
from support.errors import MisuseError

ENVIRONMENT_VARIABLE: Final = "CHIPSEAL_LEDGER"
FILE_NAME: Final = "ledger.sqlite"


def ledger_url(named: str | None, folder: Path | None) -> str:
    """Return the URL of the ledger: the named one, that of the environment, or the PKI's own.

    Raises `MisuseError` if none of the three is there.
    """
    found = named or os.environ.get(ENVIRONMENT_VARIABLE)
    if found:
        return found
    if folder is None:
        raise MisuseError(
            "no ledger is named", advice=f"name it with --ledger, {ENVIRONMENT_VARIABLE} or --pki"
        )
    return f"sqlite:///{folder / FILE_NAME}"


def has_ledger(named: str | None, folder: Path) -> bool:
    """Whether a ledger is named, or there is one in the PKI's folder."""
    is_named = bool(named or os.environ.get(ENVIRONMENT_VARIABLE))
    return is_named or (folder / FILE_NAME).is_file()


def rules_of(settings: Settings) -> Rules:
    """Return the rules that a PKI's settings state."""
    of_ledger = settings.ledger
    return Rules(
        timedelta(seconds=of_ledger.lease_seconds),
        only_stock=of_ledger.only_stock,
        print_first=of_ledger.print_first,
    )


def _period_hsm(pki: IssuingPki) -> HsmPeriodKeys | None:
    """Return the HSM that the settings name for the keys of retention periods, None for files."""
    address = pki.settings.ledger.hsm
    if address is None:
        return None

    def custody() -> Pkcs11Custody:
        return custody_of(address.module, address.token, pki.pin)

    return HsmPeriodKeys(address.token, custody)


def open_ledger(
    url: str,
    pki: IssuingPki | None,
    *,
    create: bool = False,
    rules: Rules | None = None,
    clock: Callable[[], datetime] | None = None,
) -> SqlLedger:
    """Open the ledger at a URL (`sqlite:///FILE` or `postgresql://…`), with the keys of a PKI.

    Without a PKI, jobs and cards can be listed and decided on, and nothing can be decrypted.  With
    `create` the tables and the keys are made if they do not exist.  `rules` are those of the PKI's
    settings by default.  Close it in the end.

    Raises `MisuseError` for a URL or a PKI that has no ledger, `DamagedLedgerError` for another
    database or a newer version, `LedgerUnavailableError` if the database does not answer.
    """
    keys: LedgerKeys = NoLedgerKeys()
    if pki is not None:
        keys = PkiLedgerKeys.of(pki.folder, pki.local_keys, _period_hsm(pki), create=create)
        rules = rules or rules_of(pki.settings)
    database = Database.open(url)
    try:
        now = datetime.now(UTC) if clock is None else clock()
        ledger = prepare(database, now, create=create)
        return SqlLedger(database, ledger, keys, rules or Rules(), clock)
    except BaseException:
        database.close()
        raise
