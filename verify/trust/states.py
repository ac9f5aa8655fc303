"""What a trust store has of each State, what is missing, and who publishes it."""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import msgspec

from emrtd.pki.x509.crl import Crl
from verify.trust.doubts import CLOCK_SKEW, doubts_of_crl, is_of_the_future
from verify.trust.kinds import TrustEntryKind
from verify.trust.store import TrustStore


class PublicSource(msgspec.Struct, frozen=True):
    """Who publishes what, where; `seen` is when the address was read, `on` on which page."""

    country: str
    what: str
    where: str
    seen: date
    on: str


class StateTrust(msgspec.Struct, frozen=True):
    """What a store has of a State.

    `country`: two letters, empty for entries without a country.  `cscas` and `links` are those that
    are trusted; `valid_until` is when the last of them expires, `crl` when the newest CRL was
    issued and `crl_until` when it is out of date, in ISO 8601, empty without one.  `signers` chain;
    `not_chained` do not, for these `reasons`, the most frequent first.  `problems` is empty if
    documents of the State can be accepted and all that the store has of it is trusted.
    """

    country: str
    cscas: int
    links: int
    valid_until: str
    crl: str
    crl_until: str
    signers: int
    not_chained: int
    reasons: tuple[tuple[str, int], ...]
    problems: tuple[str, ...]
    sources: tuple[PublicSource, ...]

    def as_json(self, at: datetime) -> dict[str, Any]:
        """Return the State as an object for a JSON encoder; the CRL's age is in days."""
        age = None if not self.crl else (at - datetime.fromisoformat(self.crl)).days
        return {
            "country": self.country,
            "cscas": self.cscas,
            "links": self.links,
            "valid_until": self.valid_until,
            "crl": self.crl,
            "crl_age": age,
            "crl_until": self.crl_until,
            "signers": self.signers,
            "not_chained": self.not_chained,
            "reasons": dict(self.reasons),
            "problems": list(self.problems),
            "sources": [
                {"what": each.what, "where": each.where, "seen": each.seen.isoformat()}
                for each in self.sources
            ],
        }


class _Found:
    """What was counted of one State."""

    def __init__(self) -> None:
        self.trusted: Counter[TrustEntryKind] = Counter()
        self.valid_until = ""
        self.crl = ""
        self.crl_until = ""
        self.reasons: Counter[str] = Counter()
        self.withdrawn = 0
        self.lists: list[str] = []
        self.crl_doubts: list[str] = []


def public_sources() -> tuple[PublicSource, ...]:
    """Return the table of who publishes CSCA certificates, Master Lists and CRLs."""
    table = tomllib.loads(files("verify.trust").joinpath("sources.toml").read_text("utf-8"))
    return msgspec.convert(table["source"], tuple[PublicSource, ...])


def states_of(
    store: TrustStore, at: datetime, *, wanted: Iterable[str] = ()
) -> tuple[StateTrust, ...]:
    """Return every State of which the store has something, or of which somebody publishes it.

    `at` is the instant (aware) for which it is judged what has expired.  `wanted` are further
    countries (two letters), which may be missing.
    """
    found: defaultdict[str, _Found] = defaultdict(_Found)
    latest = (at + CLOCK_SKEW).isoformat()
    for country, kind, trusted, valid_from, valid_until, reason, withdrawn in store.state_rows():
        in_force = valid_from <= latest
        of = TrustEntryKind(kind)
        _count(found[country], of, valid_from, valid_until, reason, trusted, in_force=in_force)
        found[country].withdrawn += withdrawn
    for each in store.master_lists():
        if each.objection:
            text = f"its Master List in {each.source} is no longer trusted: {each.objection}"
            found[each.country].lists.append(text)
    for country, state in found.items():
        if country and state.trusted[TrustEntryKind.CRL]:
            state.crl_doubts += _doubts_of_crls(store.crls_of_country(country), at)
    sources = public_sources()
    for country in (*(each.country for each in sources if each.country), *wanted):
        found[country.upper()]
    return tuple(
        _state(country, each, sources, at.isoformat()) for country, each in sorted(found.items())
    )


def _count(  # noqa: PLR0917
    found: _Found,
    kind: TrustEntryKind,
    valid_from: str,
    valid_until: str,
    reason: str,
    trusted: int,
    *,
    in_force: bool,
) -> None:
    if reason:
        if kind is TrustEntryKind.DOCUMENT_SIGNER:
            found.reasons[reason] += 1
        return
    if not trusted:
        return
    found.trusted[kind] += 1
    if kind is TrustEntryKind.CRL:
        if in_force and valid_from > found.crl:
            found.crl, found.crl_until = valid_from, valid_until
    elif kind in {TrustEntryKind.CSCA, TrustEntryKind.LINK}:
        found.valid_until = max(found.valid_until, valid_until)


def _doubts_of_crls(crls: Sequence[Crl], at: datetime) -> Iterator[str]:
    """Yield why the newest list in force cannot be used whole, or that none is in force yet."""
    in_force = [crl for crl in crls if not is_of_the_future(crl, at)]
    newest = max((crl.age for crl in in_force), default=None)
    for crl in in_force or crls:
        if newest in {None, crl.age}:
            yield from doubts_of_crl(crl, at)


def _state(country: str, found: _Found, sources: tuple[PublicSource, ...], at: str) -> StateTrust:
    anchors = found.trusted[TrustEntryKind.CSCA] + found.trusted[TrustEntryKind.LINK]
    problems = []
    if not anchors:
        problems.append("no CSCA: its documents are referred")
    elif found.valid_until < at:
        problems.append(f"every CSCA has expired, the last on {found.valid_until[:10]}")
    if anchors and not found.crl:
        problems.append("no CRL: whether a signer is revoked is undetermined")
    elif found.crl_until and found.crl_until < at:
        problems.append(f"the CRL is out of date since {found.crl_until[:10]}")
    if found.withdrawn:
        problems.append(
            f"{found.withdrawn} CSCA or link certificate{'s' if found.withdrawn > 1 else ''}"
            " withdrawn: nothing but a Master List that is no longer trusted contained them"
        )
    problems += found.crl_doubts
    problems += found.lists
    failed = found.reasons.total()
    if failed:
        problems.append(f"{failed} Document Signer{'s' if failed > 1 else ''} without a chain")
    own = tuple(each for each in sources if each.country == country)
    many = tuple(each for each in sources if not each.country)
    return StateTrust(
        country,
        found.trusted[TrustEntryKind.CSCA],
        found.trusted[TrustEntryKind.LINK],
        found.valid_until,
        found.crl,
        found.crl_until,
        found.trusted[TrustEntryKind.DOCUMENT_SIGNER],
        failed,
        tuple(found.reasons.most_common()),
        tuple(problems),
        (*own, *many) if problems else (),
    )
