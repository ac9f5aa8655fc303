"""A plan of a PKI: a TOML file from which `pki init --plan` makes it, and what it would make.

    issuing_state = "UTO"
    organisation = "Utopia Border Agency"
    contact = "csca@border.example"
    crl_urls = ["https://border.example/UTO.crl", "https://pkddownload1.icao.int/CRLs/UTO.crl"]
    key = "brainpoolP512r1"

    [keys]
    document_signer = "brainpoolP384r1"

    [validity]
    csca_key = 1095

    [cv_validity]
    document_verifier = 30

An unknown key is an error that names it.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.certificates import CvCertificate
from emrtd.pki.cvc.issuing import CvChain, CvValidity, issue_chain, scheme_for
from emrtd.pki.cvc.keys import CvPublicKey
from emrtd.pki.lint.certificates import kind_of, lint_certificate
from emrtd.pki.lint.crl import lint_crl
from emrtd.pki.lint.findings import LintFinding
from emrtd.pki.lint.german import lint_german_key
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.extension_writer import CertificateKind
from emrtd.pki.x509.issuing import CountrySigningCa, Validity
from personalise.pki.settings import KeyKinds, Settings, changed, settings_for
from support.records import Record, from_toml, read_bounded
from support.values import Value

_MAX_PLAN: Final = 64 * 1024
_HOLDERS: Final = {
    Role.CVCA: "CVCA",
    Role.DV_DOMESTIC: "Document Verifier",
    Role.TERMINAL: "inspection system",
}


class Plan(Record, frozen=True):
    """What a new PKI is to be; the defaults are those of the options of `pki init`.

    `key` is the kind of the CSCA's key and, without `keys`, of all others that sign.
    """

    issuing_state: str
    organisation: str
    contact: str = ""
    contact_url: str = ""
    crl_urls: tuple[str, ...] = ()
    key: str = "brainpoolP256r1"
    keys: KeyKinds = KeyKinds()
    pss: bool = True
    named_curves: bool = False
    csca_name: str = ""
    document_signer_name: str = "Document Signer"
    document_types: tuple[str, ...] = ("A", "C", "I", "P")
    documents_per_signer: int = 100_000
    validity: Validity = Validity()
    cv_validity: CvValidity = CvValidity()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a plan; raises `FieldError` for a key that is unknown or wrong."""
        return from_toml(read_bounded(path, _MAX_PLAN), cls, str(path))

    def settings(self) -> Settings:
        """Return the settings of the PKI; raises `MisuseError` or `FieldError`."""
        settings = settings_for(
            self.issuing_state,
            self.organisation,
            self.key,
            pss=self.pss,
            named_curves=self.named_curves,
            contact=self.contact,
            url=self.contact_url,
            crl_urls=self.crl_urls,
        )
        return changed(
            settings,
            keys=self.keys,
            csca_name=self.csca_name,
            document_signer_name=self.document_signer_name,
            document_types=self.document_types,
            documents_per_signer=self.documents_per_signer,
            validity=self.validity,
            cv_validity=self.cv_validity,
        )


class PlannedCertificate(Value, frozen=True):
    """A certificate as it would be made, with a key that is thrown away, and what lint says."""

    certificate: Certificate
    findings: tuple[LintFinding, ...]


class Planned(Value, frozen=True):
    """What `pki init` would make of the settings: the first certificates and the first CRL."""

    certificates: tuple[PlannedCertificate, ...]
    crl: Crl
    crl_findings: tuple[LintFinding, ...]
    chain: CvChain

    def lines(self) -> Iterator[str]:
        """Yield the lines about it, without serial numbers and key identifiers."""
        for each in self.certificates:
            certificate = each.certificate
            begin, end = certificate.signing_period
            yield f"{kind_of(certificate).noun}: {certificate.subject}"
            yield f"  key            {certificate.key}"
            if certificate.scheme is not None:
                yield f"  signed with    {certificate.scheme.description}"
            yield f"  valid          {_days(certificate.not_before, certificate.not_after)}"
            if certificate.extensions.private_key_usage_period is not None:
                yield f"  key signs      {_days(begin, end)}"
            if urls := certificate.extensions.crl_distribution_points:
                yield f"  CRL at         {', '.join(urls)}"
            yield from _found(each.findings)
        if self.crl.next_update is not None:
            yield f"revocation list: {_days(self.crl.this_update, self.crl.next_update)}"
        yield from _found(self.crl_findings)
        chain = self.chain
        for card_verifiable in (chain.cvca, chain.document_verifier, chain.inspection_system):
            yield from _cv_lines(card_verifiable, chain.cvca.public_key)

    @property
    def is_clean(self) -> bool:
        """Whether lint has no finding."""
        return not self.crl_findings and not any(each.findings for each in self.certificates)


def planned(settings: Settings, at: datetime) -> Planned:
    """Make what `pki init` would make at an instant, with keys in memory that are thrown away."""
    key = generate_private_key(settings.key)
    csca = CountrySigningCa(settings.profile, key)
    signer_key = generate_private_key(settings.kind_of_key("ds-1")).public_key
    list_key = generate_private_key(settings.kind_of_key("mls-1")).public_key
    made = (
        csca.issue_root(at),
        csca.issue_document_signer(signer_key, 1, at),
        csca.issue_list_signer(CertificateKind.MASTER_LIST_SIGNER, list_key, at),
    )
    crl = Crl.parse(csca.issue_crl(settings.crl_number, at))
    certificates = (
        PlannedCertificate(each, (*lint_certificate(each), *lint_german_key(each))) for each in made
    )
    kind = settings.kind_of_key("cvca")
    cvca, verifier, terminal = (generate_private_key(kind) for _ in range(3))
    chain = issue_chain(
        settings.country,
        cvca,
        verifier,
        terminal.public_key,
        at.date(),
        scheme=scheme_for(kind),
        validity=settings.cv_validity,
    )
    return Planned(tuple(certificates), crl, tuple(lint_crl(crl)), chain)


def _cv_lines(certificate: CvCertificate, cvca: CvPublicKey) -> Iterator[str]:
    key, days = certificate.key_under(cvca).key, certificate.expiration - certificate.effective
    yield f"{_HOLDERS[certificate.role]}: {certificate.holder_reference}"
    if key is not None:
        yield f"  key            {key.description}"
    yield f"  signed with    {cvca.scheme.description}"
    yield (
        f"  valid          {certificate.effective} to {certificate.expiration}, {days.days} days"
    )


def _found(findings: tuple[LintFinding, ...]) -> Iterator[str]:
    for each in findings:
        yield f"  lint           {each.reason} [{each.clause}]"


def _days(begin: datetime, end: datetime) -> str:
    return f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}, {(end - begin).days} days"
