"""Run the cases against cards."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple, Protocol

from conformance.case import Case, Result
from conformance.chip import authentication, certificates, conditions, files, updates
from conformance.chip.situation import Access, Card, Script, Situation
from conformance.chip.terminal_pki import KeyKind, TerminalPki
from conformance.running import CaseFailedError, NotApplicableError, run_cases
from emrtd.errors import TransportError
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import Procedure, run
from support.errors import ChipsealError, MisuseError

SCRIPTS: Final[dict[str, Script]] = {
    **conditions.SCRIPTS,
    **certificates.SCRIPTS,
    **authentication.SCRIPTS,
    **updates.SCRIPTS,
    **files.SCRIPTS,
}
"""How each case is run that is not withdrawn."""


class Run(NamedTuple):
    """A card for one run of a case: what is known of it, certificates for it, and how to talk.

    `perform` runs a procedure against the card.
    """

    card: Card
    pki: TerminalPki
    perform: Callable[[Procedure[None]], None]


class Cards(Protocol):
    """Where the cards of a run come from."""

    @property
    def changes(self) -> bool:
        """Whether the cases may change trust points and dates."""
        ...

    def kinds(self, wanted: Sequence[KeyKind]) -> Sequence[KeyKind]:
        """Return those kinds of trust points that there are cards for; one, if any is wanted."""
        ...

    def card(self, kind: KeyKind) -> AbstractContextManager[Run]:
        """Return a card with a trust point of this kind, for one run of a case."""
        ...


def run_suite(
    cards: Cards,
    cases: Iterable[Case],
    *,
    without: frozenset[str] = frozenset(),
    tell: Callable[[Result], None] = lambda _result: None,
    refusals: dict[str, list[int]] | None = None,
) -> list[Result]:
    """Run cases, and return their results.

    `without` are profiles of the catalogue that the card is declared not to have.  `refusals`
    collects, by id, the status words with which the card refused.
    """
    return run_cases(
        cases,
        lambda case: _perform(cards, case, without, {} if refusals is None else refusals),
        tell,
    )


def _perform(
    cards: Cards, case: Case, without: frozenset[str], refusals: dict[str, list[int]]
) -> None:
    """Run one case for each kind of trust point and each protocol that opens the card."""
    script, runs = SCRIPTS[case.id], 0
    if script.changes and not cards.changes:
        raise NotApplicableError(
            "the case may change the date or the trust points of the card; --allow-changes runs it"
        )
    for kind in cards.kinds(script.kinds):
        for access in script.accesses or tuple(Access)[:1]:
            with cards.card(kind) as (card, pki, perform):
                _require_profiles(case, card, pki, without)
                if script.accesses and access not in card.ways:
                    continue
                situation = Situation(card, pki, access, cards.changes)
                with _saying(situation, opens=bool(script.accesses)):
                    perform(script.steps(situation))
                refusals.setdefault(case.id, []).extend(situation.refusals)
                runs += 1
    if not runs:
        raise NotApplicableError(_why_not_run(script, cards))


@contextmanager
def _saying(situation: Situation, *, opens: bool) -> Iterator[None]:
    """Add to the reason of a failure with which protocol and which trust point it was found."""
    try:
        yield
    except (MisuseError, NotApplicableError, TransportError):
        raise
    except ChipsealError as error:
        root = situation.pki.root
        where = [f"after {situation.access.value}"] if opens else []
        where += [] if root is None else [f"{root.kind.value} trust point"]
        suffix = f" ({', '.join(where)})" if where else ""
        raise CaseFailedError(f"{error}{suffix}") from error


def _require_profiles(case: Case, card: Card, pki: TerminalPki, without: frozenset[str]) -> None:
    has = set(card.profiles)
    if pki.root is not None:
        has.add(pki.root.kind.value)
    has -= without
    if "TA" in has and card.no_terminal_authentication and case.id not in _WITHOUT_CERTIFICATES:
        raise NotApplicableError(card.no_terminal_authentication)
    missing = [each for each in case.profile.split(", ") if each and each not in has]
    if missing:
        raise NotApplicableError(f"the card has no {_NAMES.get(missing[0], missing[0])}")


def _why_not_run(script: Script, cards: Cards) -> str:
    if not cards.kinds(script.kinds):
        return f"the card has no trust point of the kind {script.kinds[0].value}"
    return f"the card has no {script.accesses[0].value}"


_WITHOUT_CERTIFICATES: Final = {
    *conditions.SCRIPTS,
    *(id_ for id_ in files.SCRIPTS if not id_.startswith(("LDS_G", "LDS_H"))),
}
"""Cases that present no certificate to the card."""

_NAMES: Final = {
    "TA": "Terminal Authentication",
    "OddIns": "READ BINARY with odd INS",
    "DATE": "validation of dates",
    "MIG": "change of the kind of key",
    "MF": "master file",
    "EFATR": "EF.ATR/INFO",
    "RSA": "trust point with an RSA key",
    "ECDSA": "trust point with an EC key",
}


def driver(
    transmit: Callable[[bytes], bytes], reset: Callable[[], None]
) -> Callable[[Procedure[None]], None]:
    """Return the function that runs procedures over a connection."""
    return lambda procedure: run(with_response_chaining(procedure), transmit, reset)
