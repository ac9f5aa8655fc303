"""What verdicts rest on: how old the lists are, what is unverified, how weak the policy is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from verify.judging.policy import BasicAccessControl, ChipAuthenticity, Policy, load_policy
from verify.trust.store import TrustStore
from verify.wording import Wording

if TYPE_CHECKING:
    from emrtd.access.terminal_authentication import TerminalCredentials
    from emrtd.pki.lists.stop_list import StopList

_SOON_DAYS: Final = 14
_OLD_DAYS: Final = 30
_MOST_STATES: Final = 6

_REVOCATION: Final = (
    "SELECT country, max(valid_until) FROM entry WHERE kind = 'crl' AND trusted GROUP BY country"
)
_ANCHORS: Final = (
    "SELECT count(*), coalesce(sum(unproven), 0) FROM entry"
    " WHERE kind IN ('csca', 'link') AND trusted"
)


class Ground(msgspec.Struct, frozen=True):
    """One thing that verdicts rest on: a text of the catalogue, and whether it is a warning.

    `day`, `days`, `number` and `details` are values of the text that are said in words.
    """

    key: str
    warns: bool = False
    values: dict[str, str] = {}
    day: date | None = None
    days: int | None = None
    number: int | None = None
    details: tuple["Ground", ...] = ()

    def text(self, wording: Wording) -> str:
        """Return it in words."""
        values: dict[str, Any] = dict(self.values)
        if self.day is not None:
            values["date"] = wording.day(self.day)
        if self.days is not None:
            values["days"] = wording.count("days", self.days)
        if self.details:
            values["what"] = "; ".join(each.text(wording) for each in self.details)
        if self.number is not None:
            return wording.count(self.key, self.number)
        return wording(self.key, **values)


def grounds(
    store: TrustStore,
    policy: Policy,
    now: datetime,
    *,
    at: datetime | None = None,
    terminal: "TerminalCredentials | None" = None,
    stops: "StopList | None" = None,
) -> tuple[Ground, ...]:
    """Return what the verdicts rest on, warnings first; `now` is aware."""
    found = [*_of_store(store, now), *_of_policy(policy), *_of_terminal(terminal, now.date())]
    if stops is not None and stops.next_update < now:
        found.append(Ground("rests.stops.late", warns=True, day=stops.next_update.date()))
    elif stops is not None:
        found.append(Ground("rests.stops", day=stops.this_update.date()))
    if at is not None:
        found.append(Ground("rests.at", warns=True, day=at.astimezone(UTC).date()))
    return tuple(sorted(found, key=lambda each: not each.warns))


def _of_store(store: TrustStore, now: datetime) -> Iterator[Ground]:
    ((anchors, unproven),) = store.rows(_ANCHORS)
    if not anchors:
        yield Ground("rests.none", warns=True)
        return
    if unproven:
        yield Ground("rests.unproven", warns=True, number=unproven)
    imported = store.last_import()
    if imported is not None:
        days = (now - imported).days
        if days > 0:
            yield Ground("rests.import", warns=days > _OLD_DAYS, days=days)
        else:
            yield Ground("rests.import.today")
    yield from _of_lists(dict(store.rows(_REVOCATION)), now)


def _of_lists(until: dict[str, str], now: datetime) -> Iterator[Ground]:
    """Yield the standing of the revocation lists; `until` holds the newest of each State."""
    if not until:
        yield Ground("rests.crl.none", warns=True)
        return
    ends = {state: datetime.fromisoformat(text) for state, text in until.items() if text}
    late = sorted(state for state, end in ends.items() if end < now)
    if late:
        more = f" +{len(late) - _MOST_STATES}" if len(late) > _MOST_STATES else ""
        states = {"states": ", ".join(late[:_MOST_STATES]) + more}
        yield Ground("rests.crl.late", warns=True, values=states)
    elif ends:
        yield Ground("rests.crl.fresh", day=min(ends.values()).date())


def _of_policy(policy: Policy) -> Iterator[Ground]:
    weaker = tuple(_weaker(policy, load_policy("default")))
    name = {"name": policy.name}
    if weaker:
        yield Ground("rests.policy.weaker", warns=True, values=name, details=weaker)
    else:
        yield Ground("rests.policy", values=name)


_BAC_BY_WEAKNESS: Final = (
    BasicAccessControl.NEVER,
    BasicAccessControl.WITHOUT_PACE,
    BasicAccessControl.FALLBACK,
    BasicAccessControl.ONLY,
)


def _weaker(policy: Policy, default: Policy) -> Iterator[Ground]:
    """Yield in what a policy requires less than another."""
    required = {*policy.mandatory}
    checked = required | {*policy.mandatory_where_applicable}
    missing = [each for each in default.mandatory if each not in required]
    missing += [each for each in default.mandatory_where_applicable if each not in checked]
    if missing:
        yield Ground("rests.policy.checks", values={"checks": ", ".join(missing)})
    proofs = (default.chip_authenticity, policy.chip_authenticity)
    if proofs == (ChipAuthenticity.REQUIRED, ChipAuthenticity.WHERE_OFFERED):
        yield Ground("rests.policy.clone")
    weakness = _BAC_BY_WEAKNESS.index
    if weakness(policy.basic_access_control) > weakness(default.basic_access_control):
        yield Ground("rests.policy.bac")
    ours, theirs = policy.algorithms, default.algorithms
    if (
        not {*theirs.refused_hashes} <= {*ours.refused_hashes}
        or ours.refused_rsa_below < theirs.refused_rsa_below
        or ours.refused_ec_below < theirs.refused_ec_below
    ):
        yield Ground("rests.policy.algorithms")


def _of_terminal(terminal: "TerminalCredentials | None", today: date) -> Iterator[Ground]:
    """Yield until when fingerprints can be read: the first certificate to end decides."""
    if terminal is None:
        return
    own = terminal.certificate
    issuer = own.authority_reference
    chain = [own, *(each for each in terminal.certificates if each.holder_reference == issuer)]
    ends = min(each.expiration for each in chain)
    days = (ends - today).days
    if days < 0:
        yield Ground("rests.terminal.ended", warns=True, day=ends)
    elif days == 0:
        yield Ground("rests.terminal.today", warns=True)
    elif days <= _SOON_DAYS:
        yield Ground("rests.terminal.soon", warns=True, days=days)
    else:
        yield Ground("rests.terminal", day=ends)
