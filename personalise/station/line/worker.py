"""What is done at one reader, from waiting for a card to taking it out.  Pure: it yields effects.

    wait for a card > identify > take a job > write, lock, inspect > enter > take the card out

The ledger is told of each step by its effect; `begin` and `locking` are entered while the card is
written (`personalise.station.writing.Milestones`).
"""

from dataclasses import dataclass
from typing import Final

from emrtd.transport.connection import Tray
from personalise.ledger.states import StepRefusedError
from personalise.ledger.values import CardRefused, Claim
from personalise.station.cards.interface import CardState
from personalise.station.line.effects import (
    Eject,
    Ended,
    EnterApplicationRejected,
    EnterCardRejected,
    EnterInterrupted,
    EnterIssued,
    EventKind,
    Failed,
    FindDoubtful,
    Identify,
    Made,
    Make,
    Recognise,
    Recognised,
    Release,
    SeenCard,
    Take,
    Tell,
    WaitForCard,
    WaitForWork,
    Work,
    ask,
)
from personalise.station.outcomes import (
    KEY_FAULTS,
    CardFault,
    RejectApplicationError,
    RejectCardError,
    StopReaderError,
    TryAgainError,
)

TRIES: Final = 3
"""How often a card is tried that stays in the reader, before it is set aside."""
WRONG_KEYS_IN_A_ROW: Final = 3
"""How many cards in a row with other transport keys stop the reader, lest a stack is wasted."""
_SETTLING_SECONDS: Final = 0.3
_SET_ASIDE: Final = "set aside after {} tries: insert the card again, or write it off with `jobs`"
_RECOGNISED: Final = "a good card that was issued before; put it with the good cards"
_NOT_THE_GOOD_ONE: Final = (
    "the card holds an issued document, of which more than one card was made; the good one is {}:"
    " compare the number that is printed on the card, and keep it apart if it is another"
)
_UNRECOGNISED: Final = (
    "the card is locked, and holds no document that a station may finish, and none of those issued"
    " last; nothing is entered about it; keep it apart, and look for its serial number with"
    " `personalise ledger stock list`"
)
_OTHER_KEYS: Final = (
    "{} cards in a row have other transport keys than the station; check --card-keys and the batch"
)


@dataclass(frozen=True, slots=True)
class _Next:
    """What follows a card: `another` card, the same one again, or the end.

    `wrong_keys`: the card was rejected because it has other transport keys than the station.
    """

    another: bool = True
    ended: Ended | None = None
    wrong_keys: bool = False


_ANOTHER: Final = _Next()
_SAME: Final = _Next(another=False)


def work() -> Work[Ended]:
    """Make cards until nothing is left to do; the last event is `stopped`."""
    ended = yield from _until_ended()
    yield from ask(Tell(EventKind.STOPPED, ended.reason))
    return ended


def _until_ended() -> Work[Ended]:
    following, failures, wrong_keys = _SAME, 0, 0
    while following.ended is None:
        arrival = yield from ask(WaitForCard(following.another))
        if isinstance(arrival, Ended):
            return arrival
        if arrival.new:
            failures, told = 0, ""
        try:
            following = yield from _handle()
        except TryAgainError as error:
            failures += 1
            following = yield from _again(error, failures)
        except StopReaderError as error:
            yield from ask(Release(_SETTLING_SECONDS))
            if not error.comes_back:
                return Ended(str(error), failed=True)
            if str(error) != told:
                told = str(error)
                yield from ask(Tell(EventKind.WAITING, told))
            following = _SAME
        except StepRefusedError as error:  # somebody else decided: the card must not leave as good
            yield from ask(Tell(EventKind.REJECTED_CARD, str(error)))
            yield from ask(Eject(Tray.REJECTED))
            following = _ANOTHER
        wrong_keys = (
            wrong_keys + 1 if following.wrong_keys else wrong_keys * (not following.another)
        )
        if wrong_keys == WRONG_KEYS_IN_A_ROW:
            return Ended(_OTHER_KEYS.format(wrong_keys), failed=True)
    return following.ended


def _again(error: TryAgainError, failures: int) -> Work[_Next]:
    yield from ask(Tell(EventKind.INTERRUPTED, str(error)))
    if failures < TRIES:
        yield from ask(Release(_SETTLING_SECONDS * failures))
        return _SAME
    yield from ask(Tell(EventKind.REJECTED_CARD, _SET_ASIDE.format(failures)))
    yield from ask(Eject(Tray.REJECTED))
    return _ANOTHER


def _handle() -> Work[_Next]:
    """Handle the card in the reader."""
    try:
        card = yield from ask(Identify())
    except RejectCardError as error:
        yield from ask(Tell(EventKind.REJECTED_CARD, str(error)))
        yield from ask(Eject(Tray.REJECTED))
        return _ANOTHER
    if card.name is None and card.state is CardState.LOCKED:
        return (yield from _handle_locked(card))
    if card.name is None and card.state is CardState.TERMINATED:
        yield from ask(Tell(EventKind.REJECTED_CARD, "the card is terminated"))
        yield from ask(Eject(Tray.REJECTED))
        return _ANOTHER
    answer = yield from ask(Take(card.name, card.kind))
    if answer is None:
        return (yield from _without_work(card))
    if isinstance(answer, CardRefused):
        return (yield from _refuse(answer, card))
    return (yield from _finish(answer, (yield from ask(Make(answer)))))


def _without_work(card: SeenCard) -> Work[_Next]:
    yield from ask(Release())
    ended = yield from ask(WaitForWork(card))
    return _SAME if ended is None else _Next(ended=ended)


def _refuse(refused: CardRefused, card: SeenCard) -> Work[_Next]:
    if card.state is CardState.LOCKED and (found := (yield from ask(Recognise(card)))):
        return (yield from _put_away(found, card))
    reason = "; ".join(each for each in (refused.message, refused.advice) if each)
    yield from ask(Tell(EventKind.REJECTED_CARD, reason, card=refused.card))
    yield from ask(Eject(Tray.REJECTED))
    return _ANOTHER


def _handle_locked(card: SeenCard) -> Work[_Next]:
    """Handle a locked card, whose serial number cannot be read without its passwords.

    It is opened with those of each job in doubt, then with those of the jobs issued last.
    """
    for name, kind in (yield from ask(FindDoubtful())):
        claim = yield from ask(Take(name, kind))
        if not isinstance(claim, Claim):
            continue
        made = yield from ask(Make(claim))
        if _is_another_card(made):
            yield from ask(EnterInterrupted(claim, "another card is in the reader"))
            continue
        return (yield from _finish(claim, made))
    if found := (yield from ask(Recognise(card))):
        return (yield from _put_away(found, card))
    yield from ask(Tell(EventKind.REJECTED_CARD, _UNRECOGNISED))
    yield from ask(Eject(Tray.REJECTED))
    return _ANOTHER


def _put_away(found: Recognised, card: SeenCard) -> Work[_Next]:
    """Put a card away that holds an issued document: nothing about it is entered."""
    if found.is_good:
        name = found.claim.card
        yield from ask(Tell(EventKind.RECOGNISED, _RECOGNISED, found.claim, name))
        yield from ask(Eject(Tray.DONE))
        return _ANOTHER
    reason = _NOT_THE_GOOD_ONE.format(found.claim.card)
    yield from ask(Tell(EventKind.REJECTED_CARD, reason, found.claim, card.name))
    yield from ask(Eject(Tray.REJECTED))
    return _ANOTHER


def _is_another_card(made: Made | Failed) -> bool:
    error = made.error if isinstance(made, Failed) else None
    return isinstance(error, RejectCardError) and error.fault is CardFault.OTHER_DOCUMENT


def _finish(claim: Claim, made: Made | Failed) -> Work[_Next]:
    """Enter what became of a claim, and put the card where it belongs."""
    if isinstance(made, Made):
        yield from ask(EnterIssued(claim))
        yield from ask(Tell(EventKind.ISSUED, claim=claim, card=claim.card, made=made))
        yield from ask(Eject(Tray.DONE))
        return _ANOTHER
    match made.error:
        case RejectCardError() as error:
            yield from ask(EnterCardRejected(claim, error))
            yield from ask(Tell(EventKind.REJECTED_CARD, str(error), claim, claim.card))
            yield from ask(Eject(Tray.REJECTED))
            return _Next(wrong_keys=error.fault in KEY_FAULTS)
        case RejectApplicationError() as error:
            yield from ask(EnterApplicationRejected(claim, str(error)))
            yield from ask(Tell(EventKind.REJECTED_APPLICATION, str(error), claim, claim.card))
            if not made.begun:
                yield from ask(Release())
                return _SAME
            reason = "begun for an application that was rejected"
            yield from ask(Tell(EventKind.REJECTED_CARD, reason, claim, claim.card))
            yield from ask(Eject(Tray.REJECTED))
            return _ANOTHER
        case error:
            yield from ask(EnterInterrupted(claim, error.message))
            raise error
