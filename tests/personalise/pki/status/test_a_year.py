"""A year of a PKI: an officer who does what the status says is never late."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emrtd.pki.cvc.authorization import ALL_RIGHTS
from emrtd.pki.findings import Outcome
from emrtd.pki.path import validate
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extension_writer import CertificateKind
from emrtd.pki.x509.issuing import Validity
from personalise.pki.auditing import verify_audit
from personalise.pki.create import create_pki
from personalise.pki.cvca_operations import (
    renew_cvca,
    renew_document_verifier,
    renew_inspection_system,
)
from personalise.pki.naming import find_certificate
from personalise.pki.operations import PkiOperations
from personalise.pki.settings import changed, settings_for
from personalise.pki.status.due import due
from personalise.pki.status.overview import read_overview
from support.secret import Secret

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSPHRASE = Secret(b"a pass phrase for tests")
STEP = timedelta(days=6)  # the inspection system's end is announced 7 days before

COMMANDS: dict[str, Callable[[PkiOperations], object]] = {
    "personalise pki issue-crl": PkiOperations.issue_crl,
    "personalise pki issue-ds": PkiOperations.issue_document_signer,
    "personalise pki renew-csca": PkiOperations.renew_csca,
    "personalise pki issue-list-signer master": lambda operations: operations.issue_list_signer(
        CertificateKind.MASTER_LIST_SIGNER
    ),
    "personalise eac renew-cvca": renew_cvca,
    "personalise eac renew-dv": lambda operations: renew_document_verifier(operations, ALL_RIGHTS),
    "personalise eac renew-is": lambda operations: renew_inspection_system(operations, ALL_RIGHTS),
}


def test_an_officer_who_does_what_is_due_is_never_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    validity = Validity(csca_key=400, document_signer_key=60, documents=100, list_signers=200)
    settings = changed(settings_for("UTO", "Utopia"), validity=validity, documents_per_signer=1000)
    pki = create_pki(tmp_path / "pki", settings, PASSPHRASE, BEGIN)
    trusted = [pki.certificate("csca")]  # what a verifier has: the first root, and then links
    at, done = BEGIN, 0
    while at < BEGIN + timedelta(days=430):
        at += STEP
        if at == BEGIN + 20 * STEP:  # a signer is lost to a thief
            operations = PkiOperations(pki.reread(), (), at)
            operations.revoke(find_certificate(pki, "ds"))
            operations.issue_document_signer()
        for each in due(read_overview(pki.reread(), at)):
            assert not each.overdue, (at, each.what)
            announced = each.by - at > timedelta(days=60)  # the rollover, a year ahead
            if each.command in COMMANDS and not announced:
                COMMANDS[each.command](PkiOperations(pki.reread(), (), at))
                done += 1
        trusted += [
            link
            for path in sorted(pki.folder.glob("link-*.cer"))
            if (link := pki.certificate(path.stem)) not in trusted
        ]
        crl = Crl.parse((pki.folder / "crl.crl").read_bytes())
        path = validate(pki.certificate("ds"), TrustSet(trusted, [crl]), at=at)
        assert all(check.outcome is Outcome.PASSED for check in path.checks), (at, path.checks)
    assert done > 20
    assert len(trusted) == 2  # one rollover
    assert verify_audit(pki.folder).entries > 2 * done
