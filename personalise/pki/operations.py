"""The operations of a PKI: each is logged, and approved if the configuration requires it.

issue_document_signer   make a new key and certificate, which replace those in use
renew_csca              make a new CSCA key, its root and the link to it (Doc 9303-12, 4.1.4.3)
issue_list_signer       make a Master List Signer or a Deviation List Signer
issue_crl               issue a new revocation list, at least every 90 days (4.1.5)
revoke                  revoke a certificate and issue a new revocation list
accept_clock            accept a clock that is behind what was signed

`personalise.pki.master_lists` publishes Master Lists, `personalise.pki.destroying` destroys keys.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import msgspec

from emrtd.crypto.signatures import PublicKey, Signer, VerifyingKey
from emrtd.pki.x509.certificate_writer import RevokedCertificate
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extension_writer import CertificateKind
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.pki.audit_log import (
    Approval,
    timestamp,
)
from personalise.pki.auditing import identifier_of
from personalise.pki.clock import latest_sighting, require_clock
from personalise.pki.folder import CRL_NAME
from personalise.pki.issuing_pki import IssuingPki, require_signed
from personalise.pki.officers import Officers, key_digest
from personalise.pki.revoking import revoked_together
from personalise.pki.settings import AcceptedClock, Revocation, Settings, changed
from support.errors import MisuseError
from support.files import write_atomically

REST: Final = timedelta(days=2)
"""How long a CSCA's new key should not sign, while its link is distributed (4.1.4.3)."""

LIST_SIGNER_LABELS: Final = {
    CertificateKind.MASTER_LIST_SIGNER: "mls",
    CertificateKind.DEVIATION_LIST_SIGNER: "dls",
}
"""The stems of the labels of list signers' keys."""


class Carried(Protocol):
    """An act that was proposed or approved before (`personalise.pki.acts`).

    `officers` are those who approved it; None for a proposal.
    """

    officers: tuple[str, ...] | None

    def begin(
        self, operation: str, subject: Mapping[str, str], at: datetime
    ) -> tuple[Mapping[str, str], tuple[Approval, ...]]:
        """Return the subject to log and the approvals; raises `MisuseError` if it may not begin."""
        ...


@dataclass(frozen=True)
class PkiOperations:
    """The operations of one PKI, with the officers who are present and the time.

    `carried` is an act that was approved elsewhere, in place of officers who are present.
    """

    pki: IssuingPki
    present: Sequence[tuple[str, Signer]]
    at: datetime
    carried: Carried | None = None

    @property
    def officers(self) -> tuple[str, ...] | None:
        """The officers who approve; None while an act is only proposed."""
        if self.carried is not None:
            return self.carried.officers
        return tuple(name for name, _ in self.present)

    def operation(self, name: str, subject: Mapping[str, str]) -> AbstractContextManager[None]:
        """Have an operation approved; return a context that logs its beginning and its end.

        Raises `ClockBehindError` if the clock is behind what the PKI has already signed.
        """
        require_clock(self.pki.folder, self.at, self.pki.settings.accepted_clock)
        return self._logged(name, subject)

    def _logged(self, name: str, subject: Mapping[str, str]) -> AbstractContextManager[None]:
        if self.carried is not None:
            subject, approvals = self.carried.begin(name, subject, self.at)
        else:
            approvals = Officers.load(self.pki.folder).approve(
                identifier_of(self.pki.folder), name, subject, timestamp(self.at), self.present
            )
        return self.pki.audit_log.operation(name, subject, self.at, approvals)

    def new_label(self, stem: str) -> str:
        """Return the label for the next key of a kind: ds-2 after ds-1."""
        settings = self.pki.settings
        labels = [*self.pki.custody.labels(), settings.csca, settings.document_signer]
        numbers = (
            int(found[1]) for label in labels if (found := re.fullmatch(rf"{stem}-(\d+)", label))
        )
        return f"{stem}-{max(numbers, default=0) + 1}"

    def issue_document_signer(self) -> Certificate:
        """Make the next Document Signer and put it into use."""
        label = self.new_label("ds")
        with self.operation("ds.issue", {"label": label}):
            settings, csca = self.pki.settings, self.issuing_csca()
            self._require_to_outlive_signer(csca)
            number = int(label.partition("-")[2])
            with self.pki.certifying(label) as key:
                certificate = csca.issue_document_signer(key, number, self.at)
            self.pki.record(certificate)
            self.pki.save(msgspec.structs.replace(settings, document_signer=label))
            self.pki.publish("ds", certificate)
        return certificate

    def renew_csca(
        self, common_name: str = "", *, kind: str = ""
    ) -> tuple[Certificate, Certificate | None]:
        """Make the next CSCA key; return its root, and the link certificate for it.

        The previous key signs the link; the new key signs everything else from now on.
        `common_name` changes the CSCA's name: the link is then from the old name to the new one.
        `kind` changes the kind of key, and that of the next signers if the settings name none.
        After a revoked CSCA there is no link: it would revoke the new key too (4.1.5.1).
        """
        label, settings = self.new_label("csca"), self.pki.settings
        kind = kind or settings.key
        settings = settings.with_csca_key(kind)
        subject = {"label": label, "common name": common_name or "as before", "kind": kind}
        with self.operation("csca.issue", subject):
            before = self.pki.csca
            root_before = self.pki.root_of(before.signer.public_key)
            name = common_name or settings.csca_name
            settings = changed(
                settings, csca=label, csca_name=name, crl_number=settings.crl_number + 1
            )
            # Until the settings name it, the new key signs nothing: it goes if a step fails.
            with self.pki.certifying(label, kind, settings.scheme):
                successor = CountrySigningCa(settings.profile, self.pki.signer(label))
                root = successor.issue_root(self.at)
                link = None
                if not self.pki.is_revoked(root_before):
                    link = before.issue_link(successor, self.at)
                    require_signed(root_before, link)
                crl = _make_crl(successor, root, settings, [*self.pki.issued(), root], self.at)
                made = {"": root} if link is None else {"": root, f"link-{label}": link}
                with self.pki.withdrawing_if_it_fails(made):
                    self.pki.record(root)
                    if link is not None:
                        self.pki.publish(f"link-{label}", link)
                    self.pki.save(settings)
            self.pki.publish("csca", root)
            write_atomically(self.pki.folder / CRL_NAME, crl)
        return root, link

    def issuing_csca(self) -> CountrySigningCa:
        """Return the CSCA; `MisuseError` unless its key may sign now (Doc 9303-12, 4.1.4.2)."""
        csca = self.pki.csca
        root = self.pki.root_of(csca.signer.public_key)
        self.pki.require_unrevoked(root)
        begin, end = root.signing_period
        if not begin <= self.at <= end:
            raise MisuseError(
                f"the CSCA's key may sign from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and not on"
                f" {self.at:%Y-%m-%d}",
                advice="set the clock, or run `personalise pki renew-csca`",
            )
        return csca

    def _require_to_outlive_signer(self, csca: CountrySigningCa) -> None:
        """Raise `MisuseError` if a new Document Signer would outlive its CSCA (4.1.4.1)."""
        end = self.pki.root_of(csca.signer.public_key).not_after
        needed = csca.profile.validity.document_signer(self.at).end
        if end < needed:
            raise MisuseError(
                f"the CSCA's certificate ends on {end:%Y-%m-%d}, before a Document Signer issued"
                f" today would, on {needed:%Y-%m-%d} (Doc 9303-12, 4.1.4.1)",
                advice="run `personalise pki renew-csca`",
            )

    def issue_list_signer(self, kind: CertificateKind) -> Certificate:
        """Make a Master List Signer or a Deviation List Signer."""
        stem = LIST_SIGNER_LABELS[kind]
        label = self.new_label(stem)
        with self.operation("signer.issue", {"label": label, "kind": kind.value}):
            csca = self.issuing_csca()
            with self.pki.certifying(label) as key:
                certificate = csca.issue_list_signer(kind, key, self.at)
            self.pki.publish(stem, certificate)
        return certificate

    def issue_crl(self) -> Path:
        """Issue a new revocation list; return its path."""
        with self.operation("crl.issue", {"number": str(self.pki.settings.crl_number + 1)}):
            return _write_crl(self.pki, self.at)

    def revoke(self, certificate: Certificate) -> Path:
        """Revoke a certificate and issue the new revocation list; return the list's path.

        With a CSCA's certificate goes everything in `revoked_together`.  The revocation date of a
        certificate that is already revoked does not change.
        """
        settings, together = self.pki.settings, revoked_together(self.pki, certificate)
        subject = {"serial": f"{certificate.serial:X}"}
        if len(together) > 1:
            subject["with it"] = " ".join(f"{each.serial:X}" for each in together[1:])
        with self.operation("revoke", subject):
            new = (each for each in together if not self.pki.is_revoked(each))
            revoked = (Revocation(f"{each.serial:X}", self.at) for each in new)
            settings = msgspec.structs.replace(settings, revoked=(*settings.revoked, *revoked))
            return _write_crl(self.pki.save(settings), self.at)

    def accept_clock(self, reason: str) -> None:
        """Accept the present clock, although what was signed before bears later times.

        Raises `MisuseError` without a reason, or if nothing bears a later time.
        """
        if not reason.strip():
            raise MisuseError("a clock is accepted for a reason", advice="give --reason")
        latest = latest_sighting(self.pki.folder, self.pki.settings.accepted_clock)
        if latest is None or latest.at <= self.at:
            raise MisuseError("the clock is not behind what was signed: nothing is to be accepted")
        seen = latest.at
        subject = {"reason": reason, "seen": timestamp(seen)}
        with self._logged("clock.accept", subject):
            accepted = AcceptedClock(self.at, seen)
            self.pki.save(msgspec.structs.replace(self.pki.settings, accepted_clock=accepted))

    def enrol_officer(self, name: str, key: PublicKey) -> None:
        """Add an officer to the configuration; the approval covers name and key."""
        officers = Officers.load(self.pki.folder).enrol(name, key)
        with self.operation("officer.enrol", {"officer": name, "key": key_digest(key)}):
            officers.save(self.pki.folder)

    def remove_officer(self, name: str) -> None:
        """Remove an officer from the configuration: they approve nothing more."""
        before = Officers.load(self.pki.folder)
        after = before.remove(name)
        subject = {"officer": name, "key": key_digest(before.keys[name])}
        with self.operation("officer.remove", subject):
            after.save(self.pki.folder)

    def require_officers(self, required: int, operations: frozenset[str]) -> None:
        """Set how many officers the operations require; the officers enrolled approve this too."""
        officers = Officers.load(self.pki.folder)
        if len(officers.keys) < required:
            raise MisuseError(
                f"{required} officers are required, but only {len(officers.keys)} are enrolled",
                advice="enrol more with `personalise officer enrol`",
            )
        subject = {"required": str(required), "acts": " ".join(sorted(operations))}
        with self.operation("officer.require", subject):
            replace(officers, required=required, operations=operations).save(self.pki.folder)

    def label_of(self, key: VerifyingKey | None, stem: str) -> str:
        """Return the label of this key, among those that begin with `stem`.

        Raises `MisuseError` if no such label has it.  The newest key of a kind may have no
        certificate, if what made it was interrupted.
        """
        for label in self.pki.custody.labels():
            if label.startswith(f"{stem}-") and self.pki.signer(label).public_key == key:
                return label
        raise MisuseError(
            f"none of the keys {stem}-… is the one of the certificate in use",
            advice="restore it from a backup",
        )


def enter_accepted_quality(pki: IssuingPki, reason: str, sod: bytes, at: datetime) -> None:
    """Log that an operator accepted samples of poor quality; EF.SOD identifies the document."""
    if not reason.strip():
        raise MisuseError("--accept-quality requires a reason")
    subject = {"sod": hashlib.sha256(sod).hexdigest(), "reason": reason}
    pki.audit_log.append("quality.accept", subject, "done", at)


def _write_crl(pki: IssuingPki, at: datetime) -> Path:
    """Issue the next CRL; its number is saved first, so that no number occurs twice."""
    settings = msgspec.structs.replace(pki.settings, crl_number=pki.settings.crl_number + 1)
    csca, path = pki.csca, pki.folder / CRL_NAME
    crl = _make_crl(csca, pki.root_of(csca.signer.public_key), settings, pki.issued(), at)
    pki.save(settings)
    write_atomically(path, crl)
    return path


def _make_crl(
    csca: CountrySigningCa,
    root: Certificate,
    settings: Settings,
    issued: Sequence[Certificate],
    at: datetime,
) -> bytes:
    """Sign a CRL and verify it with the CSCA's root."""
    revoked = [RevokedCertificate(int(each.serial, 16), each.at) for each in settings.revoked]
    names = [each.subject.encoded for each in issued if each.is_ca and each.not_after >= at]
    crl = csca.issue_crl(settings.crl_number, at, revoked, names)
    require_signed(root, root, Crl.parse(crl))
    return crl
