"""The state of an inspection's session: its transitions, and the results they discard."""

from itertools import product

import pytest

from emrtd.access.opening import ByBac, ByPace, OpenedSession
from emrtd.access.pace.variants import choose
from emrtd.crypto.ciphers import Cipher
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.security.security_infos import SecurityInfos
from support.secret import Secret
from tests.verify.documents import PACE_CAM, usual
from tests.verify.inspection.test_inspection import MRZ, inserted
from tests.verify.inspection.test_terminal import chain, credentials
from tests.vsmartcard.cards import personalised
from verify.inspection.channel import Channel
from verify.inspection.notes import Notes
from verify.inspection.opening import Credentials, Opener
from verify.inspection.state import TRANSITIONS, Stage, State
from verify.judging.evidence import (
    Access,
    AccessControl,
    ChipAuthenticationTranscript,
    TerminalAuthenticationTranscript,
)
from verify.judging.policy import BasicAccessControl

SESSION = SecureMessaging(Cipher.AES128, Secret(bytes(16)), Secret(bytes(16)))
BY_BAC = ByBac(MRZ)
BY_PACE = ByPace(choose(SecurityInfos(PACE_CAM)), MRZ, chat=b"\x7f\x4c\x00")
ANYONE = Access(AccessControl.NONE)
OPENED = OpenedSession(SESSION)
SECURED = State().secured(OPENED)
OPEN = SECURED.reopenable(BY_BAC).opened(ANYONE)
REOPENING = OPEN.dropped()
LOST = REOPENING.lost()
STATES = {state.stage: state for state in (State(), SECURED, OPEN, REOPENING, LOST)}

STEPS = {
    Stage.SECURED: lambda state: state.secured(OPENED),
    Stage.OPEN: lambda state: state.opened(ANYONE),
    Stage.REOPENING: lambda state: state.reopenable(BY_BAC).dropped(),
    Stage.LOST: lambda state: state.lost(),
    Stage.PLAIN: lambda state: state.reset(),
}


def test_every_stage_is_covered_by_these_tests() -> None:
    assert set(STATES) == set(TRANSITIONS) == set(Stage)


@pytest.mark.parametrize(("before", "after"), list(product(Stage, Stage)))
def test_only_the_transitions_of_the_table_are_allowed(before: Stage, after: Stage) -> None:
    if after in TRANSITIONS[before]:
        assert STEPS[after](STATES[before]).stage is after
    else:
        with pytest.raises(AssertionError, match=f"from {before} to {after}"):
            STEPS[after](STATES[before])


def test_a_chip_that_cannot_be_opened_again_is_lost() -> None:
    assert SECURED.dropped().stage is Stage.LOST


def test_a_chip_is_opened_again_at_most_four_times() -> None:
    state, times = OPEN, 0
    while (state := state.dropped()).stage is Stage.REOPENING:
        state, times = state.secured(OPENED).opened(ANYONE), times + 1
    assert (times, state.stage) == (4, Stage.LOST)


def test_a_reset_does_not_grant_more_reopenings() -> None:
    assert OPEN.dropped().secured(OPENED).reset().reopenings == 1


def test_reopening_sends_no_chat() -> None:
    assert BY_PACE.without_chat == ByPace(BY_PACE.variant, MRZ)
    opened = Channel(Notes())
    opener = Opener(opened, Credentials(MRZ), BasicAccessControl.FALLBACK, credentials(*chain()))
    document = usual()
    run(opener.open(), personalised(document.files, document.keys).process)
    way = opened.state.way
    assert isinstance(way, ByPace)
    assert way.chat is None


def test_reopening_after_a_disturbed_proof_is_not_counted() -> None:
    assert OPEN.dropped(counted=False).reopenings == 0


def test_a_chip_that_requires_no_password_is_opened_again() -> None:
    assert State().opened(ANYONE).dropped().stage is Stage.REOPENING


SHOWN = OPEN.showing(
    chip_authentication=ChipAuthenticationTranscript(version=2),
    terminal_authentication=TerminalAuthenticationTranscript("UTIS00001"),
)


def test_a_key_of_card_security_proves_only_its_own_session() -> None:
    assert SHOWN.chip_authentication is not None
    assert SHOWN.dropped().chip_authentication is None


def test_a_reset_discards_the_results_of_the_session() -> None:
    pace = run(BY_PACE.authenticate(), inserted(usual()))
    shown = (
        State()
        .secured(pace)
        .showing(
            chip_authentication=ChipAuthenticationTranscript(version=2),
            terminal_authentication=TerminalAuthenticationTranscript("UTIS00001"),
        )
    )
    assert shown.transcripts
    assert shown.terminal_key
    assert shown.reset() == State()


def test_the_key_that_terminal_authentication_is_bound_to() -> None:
    """The newest key of Chip Authentication; that of PACE only with Chip Authentication Mapping."""
    assert OPEN.terminal_key is None
    pace = State().secured(run(BY_PACE.authenticate(), inserted(usual())))
    assert pace.pace is not None
    assert pace.terminal_key == pace.pace.variant.group.compress(pace.pace.terminal_public_key)
    rekeyed = pace.rekeyed(SESSION, b"key")
    assert rekeyed.terminal_key == b"key"
    assert rekeyed.reopenable(BY_PACE).dropped().terminal_key is None
