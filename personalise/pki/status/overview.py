"""What a PKI's folder holds: keys, certificates, the CRL, lists, and what was done last.

No private key is used and no pass phrase is needed.  Which key a certificate belongs to is known
from the audit log: the certificate's validity begins when the operation that made the key did.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from emrtd.errors import ProtocolError
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.lint.certificates import kind_of
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extension_writer import CertificateKind
from personalise.pki import cvca, foreign
from personalise.pki.acts import UNTIL
from personalise.pki.audit_log import ACT, PROPOSED, AuditEntry
from personalise.pki.auditing import verify_audit
from personalise.pki.clock import ClockBehindError, require_clock
from personalise.pki.folder import (
    AUDIT_LABEL,
    CRL_NAME,
    INTAKE,
    RECEIPT,
    STATION,
    STOP_LIST,
)
from personalise.pki.issuing_pki import IssuingPki
from personalise.pki.naming import FIRST_KEYS, KINDS_BY_STEM, labels_of
from personalise.pki.officers import Officers
from personalise.pki.register import FILE_NAME, Register
from personalise.pki.settings import Settings
from personalise.pki.status.values import (
    CurrentCrl,
    HeldCertificate,
    HeldKey,
    Overview,
    Performed,
    PublishedList,
    Use,
)
from personalise.pki.time_stamps import require_anchored
from support.errors import MalformedError
from support.files import in_file
from support.records import read_bounded
from support.values import Value

_FOREIGN_IS: Final = f"terminal/{cvca.IS_CERTIFICATE}"
_MAX_FILE: Final = 64 * 1024
_MAX_LIST: Final = 64 * 1024 * 1024
_SHOWN: Final = 10
"""How many of the last operations an overview has."""

_SERVICES: Final = (STATION, INTAKE, RECEIPT, STOP_LIST)
_MADE_FIRST: Final = frozenset(
    {*FIRST_KEYS, cvca.CVCA_LABEL, cvca.DOCUMENT_VERIFIER_LABEL, AUDIT_LABEL}
)
"""The signing keys that `pki init` makes."""


def read_overview(pki: IssuingPki, at: datetime) -> Overview:
    """Read a PKI's folder; raises `MisuseError` or `MalformedError` if a file of it is unusable."""
    log = _Log.read(pki.folder)
    officers = Officers.load(pki.folder)
    labels = labels_of(pki.issued(), log.entries)
    certificates = (
        *_x509(pki, labels, at),
        *_services(pki, at),
        *_card_verifiable(pki, at),
    )
    return Overview(
        folder=str(pki.folder),
        state=pki.settings.state,
        organisation=pki.settings.organisation,
        at=at,
        officers=tuple(sorted(officers.keys)),
        required=officers.required if officers.guarded else 0,
        keys=tuple(_keys(pki, log.entries, certificates)),
        certificates=certificates,
        crl=read_crl(pki),
        revocations=pki.settings.revoked,
        lists=tuple(_lists(log.entries)),
        last=tuple(map(_performed, log.ended[-_SHOWN:])),
        interrupted=tuple(map(_performed, log.interrupted)),
        log_head=log.head,
        log_error=log.error,
        clock_error=_clock_error(pki, at),
    )


def _clock_error(pki: IssuingPki, at: datetime) -> str | None:
    try:
        require_clock(pki.folder, at, pki.settings.accepted_clock)
    except ClockBehindError as behind:
        return str(behind)
    except MalformedError:
        return None  # the audit log cannot be read, which `log_error` says
    return None


class _Log(Value, frozen=True):
    """The entries of an audit log up to the first that does not verify.

    `error` is why it, an approval or a time stamp does not verify.
    """

    entries: tuple[AuditEntry, ...]
    head: str
    error: str | None

    @classmethod
    def read(cls, folder: Path) -> "_Log":
        entries: list[AuditEntry] = []
        head, error = "", None
        try:
            head = verify_audit(folder, seen=entries.append).digest
            require_anchored(folder, (), None)
        except (MalformedError, ProtocolError) as broken:
            error = str(broken)
        except FileNotFoundError as missing:
            error = f"{missing.filename}: is missing"
        return cls(tuple(entries), head, error)

    @property
    def ended(self) -> list[AuditEntry]:
        return [each for each in self.entries if each.outcome != "begun"]

    @property
    def interrupted(self) -> list[AuditEntry]:
        """The operations that were begun, have no end in the log, and were not done again."""
        ended = {_identity(each) for each in self.ended}
        done = {_purpose(each): each.sequence for each in self.ended if each.outcome == "done"}
        begun = [each for each in self.entries if each.outcome == "begun"]
        return [
            each
            for each in begun
            if _identity(each) not in ended and done.get(_purpose(each), 0) < each.sequence
        ]


def _identity(entry: AuditEntry) -> tuple[object, ...]:
    return entry.operation, entry.at, tuple(sorted(entry.subject.items()))


def _purpose(entry: AuditEntry) -> tuple[object, ...]:
    """Return what two operations share of which the second repeats the first."""
    anew = {"number", ACT, PROPOSED, UNTIL}
    if entry.operation != "key.destroy":
        anew.add("label")  # the key that is made has the next number
    return entry.operation, tuple(
        sorted(each for each in entry.subject.items() if each[0] not in anew)
    )


def _performed(entry: AuditEntry) -> Performed:
    names = tuple(each.officer for each in entry.approvals)
    return Performed(entry.at, entry.operation, dict(entry.subject), entry.outcome, names)


def _x509(pki: IssuingPki, labels: dict[bytes, str], at: datetime) -> Iterator[HeldCertificate]:
    """Yield the certificates of the CSCA, the Document Signers and the list signers."""
    settings = pki.settings
    published = _published(pki)
    for each in sorted(pki.issued(), key=_place):
        kind = kind_of(each)
        if kind is CertificateKind.COMMUNICATION:
            continue
        signs = kind is CertificateKind.DOCUMENT_SIGNER
        label = labels.get(each.fingerprint, "")
        yield _held(
            each,
            label or f"{each.serial:X}",
            kind.noun,
            settings,
            at,
            current=each.fingerprint in published,
            documents=_documents(pki.folder, each) if signs else None,
            limit=settings.documents_per_signer if signs else None,
        )


def _place(certificate: Certificate) -> tuple[int, datetime, int]:
    """Return the place of a certificate in the table: by its kind, then by its begin."""
    order = list(CertificateKind)
    return order.index(kind_of(certificate)), certificate.not_before, certificate.serial


def _published(pki: IssuingPki) -> set[bytes]:
    """Return the fingerprints of the certificates in use: csca.cer, ds.cer, mls.cer, dls.cer."""
    files = (pki.folder / f"{stem}.cer" for stem in KINDS_BY_STEM)
    return {pki.certificate(path.stem).fingerprint for path in files if path.is_file()}


def _documents(folder: Path, signer: Certificate) -> int:
    if not (folder / FILE_NAME).is_file():
        return 0
    with closing(Register(folder)) as register:
        return register.count(signer.fingerprint)


def _services(pki: IssuingPki, at: datetime) -> Iterator[HeldCertificate]:
    """Yield the certificates of station, intake, receipts and stop lists, by their files' names."""
    for path in sorted(pki.folder.glob("*.cer")):
        if path.stem.partition("-")[0] in _SERVICES:
            certificate = pki.certificate(path.stem)
            kind = kind_of(certificate).noun
            yield _held(certificate, path.stem, kind, pki.settings, at, current=True)


def _held(
    certificate: Certificate,
    name: str,
    kind: str,
    settings: Settings,
    at: datetime,
    *,
    current: bool,
    documents: int | None = None,
    limit: int | None = None,
) -> HeldCertificate:
    use = _use(certificate, settings, at, current=current)
    return HeldCertificate.of(
        certificate, name, kind, use, current=current, documents=documents, limit=limit
    )


def _use(certificate: Certificate, settings: Settings, at: datetime, *, current: bool) -> Use:
    if f"{certificate.serial:X}" in {each.serial for each in settings.revoked}:
        return Use.REVOKED
    if certificate.not_after < at:
        return Use.EXPIRED
    return Use.IN_USE if current else Use.KEPT


def _card_verifiable(pki: IssuingPki, at: datetime) -> Iterator[HeldCertificate]:
    """Yield the certificates of `terminal/`, and those for documents of other States (7.2).

    The names of the latter begin with `foreign/XX/`.
    """
    in_use = {cvca.TRUST_POINT, cvca.DV_CERTIFICATE, cvca.IS_CERTIFICATE}
    for path in sorted((pki.folder / cvca.FOLDER).glob("*.cvcert")):
        yield _held_cv(path, path.stem, at, current=path.name in in_use)
    for folder in sorted((pki.folder / foreign.FOLDER).glob("[A-Z][A-Z]")):
        paths = [*folder.glob("cvca/*.cvcert"), *folder.glob("*.cvcert"), *folder.glob(_FOREIGN_IS)]
        for path in sorted(paths):
            name = path.relative_to(pki.folder).with_suffix("").as_posix()
            yield _held_cv(path, name, at, current=path.name in in_use)


def _held_cv(path: Path, name: str, at: datetime, *, current: bool) -> HeldCertificate:
    certificate = CvCertificate.decode(read_bounded(path, _MAX_FILE))
    expired = certificate.expiration < at.date()
    return HeldCertificate(
        name,
        "card-verifiable certificate",
        certificate.holder_reference,
        certificate.holder_reference,
        _described(certificate),
        _begin(certificate.effective),
        _begin(certificate.expiration),
        _begin(certificate.expiration),
        current,
        Use.EXPIRED if expired else Use.IN_USE if current else Use.KEPT,
    )


def _described(certificate: CvCertificate) -> str:
    """Return the kind of a key; a certificate below the CVCA's may inherit its curve."""
    key = certificate.public_key.key
    return "the CVCA's curve" if key is None else key.description


def _begin(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _keys(
    pki: IssuingPki, entries: Sequence[AuditEntry], certificates: Sequence[HeldCertificate]
) -> Iterator[HeldKey]:
    """Yield the keys in files, and those that the log says were made in an HSM."""
    serials = {each.name: each.serial for each in certificates}
    files = {path.stem for path in (pki.folder / "keys").glob("*.p8")}
    made = _logged_keys(entries) | ({RECEIPT} & serials.keys())  # the log does not name this one
    in_hsm = set() if pki.settings.hsm is None else made - files
    for label in sorted(files | in_hsm, key=_in_order):
        place = "HSM" if label in in_hsm else "file"
        yield HeldKey(label, place, serials.get(label))


def _logged_keys(entries: Sequence[AuditEntry]) -> set[str]:
    """Return the labels of the signing keys that were made and not destroyed."""
    labels: set[str] = set()
    for entry in entries:
        label = entry.subject.get("label")
        if entry.outcome != "done":
            continue
        if entry.operation == "pki.init":
            labels |= _MADE_FIRST
        elif label is not None and entry.operation == "key.destroy":
            labels.discard(label)
        elif label is not None and not entry.operation.startswith("intake"):
            labels.add(label)
    return labels


def _in_order(label: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*?)-?(\d*)", label)
    return (label, 0) if found is None else (found[1], int(found[2] or 0))


def read_crl(pki: IssuingPki) -> CurrentCrl | None:
    """Return the revocation list in force, or None if the folder has none."""
    path = pki.folder / CRL_NAME
    if not path.is_file():
        return None
    with in_file(path):
        crl = Crl.parse(read_bounded(path, _MAX_LIST))
    missing = tuple(
        each for each in pki.settings.revoked if int(each.serial, 16) not in crl.revoked
    )
    return CurrentCrl(crl.number, crl.this_update, crl.next_update, len(crl.revoked), missing)


def _lists(entries: Sequence[AuditEntry]) -> Iterator[PublishedList]:
    for entry in entries:
        if (entry.operation, entry.outcome) == ("master-list.publish", "done"):
            count = entry.subject.get("certificates", "")
            digest = entry.subject.get("sha256", "")
            yield PublishedList(
                "Master List", entry.at, int(count) if count.isdecimal() else 0, digest
            )
