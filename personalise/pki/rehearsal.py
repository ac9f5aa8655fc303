"""A rehearsal of a CSCA's rollover: which verifiers, with which store, accept what on which day.

It is done with keys in memory and the settings of the PKI, so it needs no pass phrase and changes
nothing.  Each verdict is that of path validation (`emrtd.pki.path`), as every verifier makes it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from emrtd.crypto.key_kinds import generate_private_key
from emrtd.pki.findings import Outcome
from emrtd.pki.path import validate
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from emrtd.pki.x509.issuing import CountrySigningCa
from personalise.pki.operations import REST
from personalise.pki.settings import Settings, changed
from support.values import Value

_A_DAY: Final = timedelta(days=1)


class Answer(Value, frozen=True):
    """What one store says of one document on one day; `reason` is empty where it accepts."""

    day: datetime
    event: str
    document: str
    store: str
    verdict: str
    reason: str


class _Rollover(Value, frozen=True):
    """Both CSCAs, their certificates, and a Document Signer of each."""

    before: CountrySigningCa
    after: CountrySigningCa
    old_root: Certificate
    new_root: Certificate
    link: Certificate
    old_signer: Certificate
    new_signer: Certificate
    on: datetime

    def crl(self, at: datetime, number: int) -> Crl:
        """Return the list that is in force at an instant: the newest key signs it (4.1.4.3)."""
        if at < self.on:
            return Crl.parse(self.before.issue_crl(number, at))
        names = (self.old_root.subject.encoded,)
        return Crl.parse(self.after.issue_crl(number, at, (), names))


def rehearse(
    settings: Settings, begin: datetime, on: datetime, name: str = "", kind: str = ""
) -> Iterator[Answer]:
    """Yield what each store says on each day that matters.

    `begin` is when the CSCA was made, `on` when the next one is; `name` is its common name and
    `kind` the kind of its key, if they change.
    """
    after = settings.with_csca_key(kind or settings.key)
    rollover = _roll_over(settings, changed(after, csca_name=name) if name else after, begin, on)
    last = rollover.crl(on - _A_DAY, 1)
    for day, event in _days(rollover, last):
        current = rollover.crl(day, 2)
        old, link, new = rollover.old_root, rollover.link, rollover.new_root
        stores = {"as before the rollover": TrustSet([old], [last])}
        if day >= on:
            stores |= {
                "old root and link": TrustSet([old, link], [current]),
                "both roots": TrustSet([old, new], [current]),
                "new root alone": TrustSet([new], [current]),
            }
        for what, signer in (
            ("issued before", rollover.old_signer),
            ("issued after", rollover.new_signer),
        ):
            if day < signer.not_before:
                continue
            for store, trust in stores.items():
                verdict, reason = _verdict(signer, trust, day)
                yield Answer(day, event, what, store, verdict, reason)


def _roll_over(old: Settings, new: Settings, begin: datetime, on: datetime) -> _Rollover:
    before = CountrySigningCa(old.profile, generate_private_key(old.key))
    after = CountrySigningCa(new.profile, generate_private_key(new.key))
    signer = generate_private_key(old.kind_of_key("ds-1")).public_key
    other = generate_private_key(new.kind_of_key("ds-2")).public_key
    return _Rollover(
        before,
        after,
        before.issue_root(begin),
        after.issue_root(on),
        before.issue_link(after, on),
        before.issue_document_signer(signer, 1, max(begin, on - timedelta(days=30))),
        after.issue_document_signer(other, 2, on + REST),
        on,
    )


def _days(rollover: _Rollover, last: Crl) -> Iterator[tuple[datetime, str]]:
    yield rollover.on - timedelta(hours=1), "the day before"
    yield rollover.on + timedelta(hours=1), "new root, link and CRL are published"
    yield rollover.on + REST + timedelta(hours=1), "the new key signs a Document Signer"
    if last.next_update is not None:
        yield last.next_update + timedelta(hours=1), "the old CSCA's last CRL has ended"
    yield rollover.old_signer.not_after + timedelta(hours=1), "the last old signer has expired"
    yield rollover.old_root.not_after + timedelta(hours=1), "the old root has expired"


def _verdict(signer: Certificate, trust: TrustSet, at: datetime) -> tuple[str, str]:
    checks = validate(signer, trust, at=at).checks
    for verdict, outcomes in (
        ("reject", {Outcome.FAILED}),
        ("refer", set(Outcome) - {Outcome.FAILED, Outcome.PASSED}),
    ):
        for each in checks:
            if each.outcome in outcomes:
                return verdict, f"{each.id}: {each.reason}"
    return "accept", ""
