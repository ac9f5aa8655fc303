"""The events that a listener receives, in order; a listener does not change the inspection."""

from collections.abc import Callable

import pytest

from emrtd.access.passwords import Password
from emrtd.errors import ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from emrtd.pki.findings import Outcome
from emrtd.status_words import SW
from tests.verify.documents import CAN, PACE_GM, Document, issue, usual
from tests.verify.inspection.test_inspection import MRZ, WRONG, inserted, usual_dg3
from tests.verify.inspection.test_terminal import DG3, chain, credentials, permit_of_version_2
from tests.verify.inspection.test_terminal import document as protected
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.events import (
    AuthenticationProtocol,
    Event,
    ListenerError,
    NotOpened,
    NotRead,
    Opened,
    Opening,
    Proved,
    Proving,
    Read,
    Reading,
    Reopened,
    SessionLost,
    StepFailed,
)
from verify.inspection.opening import Credentials
from verify.judging.evidence import Access, AccessControl, Evidence, Failure, Step
from verify.judging.faults import NotTried, Refused, Why
from verify.judging.report import Verdict
from vsmartcard.card import conditions
from vsmartcard.card.layers import ChangingResponses

CAM = "pace-ecdh-cam-aes-cbc-cmac-128/brainpoolP256r1"


def watched(
    transmit: Callable[[bytes], bytes],
    how: Credentials = Credentials(mrz=MRZ),  # noqa: B008 - immutable
    **options: object,
) -> tuple[Evidence, list[Event]]:
    seen: list[Event] = []
    evidence = run(inspect(how, listener=seen.append, **options), transmit)  # type: ignore[arg-type]
    return evidence, seen


def steps(seen: list[Event]) -> list[Event]:
    """Return the events without the progress of reading."""
    return [event for event in seen if not isinstance(event, Reading)]


def read(document: Document, *file_ids: FileID) -> list[Event]:
    return [Read(file_id, len(document.files[file_id])) for file_id in file_ids]


def test_a_whole_inspection_reports_its_events_in_order() -> None:
    document = usual()
    evidence, seen = watched(inserted(document))
    assert steps(seen) == [
        *read(document, FileID.CARD_ACCESS),
        *read(document, *({FileID.ATR_INFO, FileID.DIR} & set(document.files))),
        Opening(AccessControl.PACE, "mrz"),
        *read(document, FileID.CARD_SECURITY),
        Opened(Access(AccessControl.PACE, "mrz", CAM)),
        *read(document, FileID.COM, FileID.SOD),
        *read(document, FileID.DG1, FileID.DG2, FileID.DG13, FileID.DG14, FileID.DG15),
        Proving(AuthenticationProtocol.ACTIVE_AUTHENTICATION),
        Proved(AuthenticationProtocol.ACTIVE_AUTHENTICATION),
        Proving(AuthenticationProtocol.CHIP_AUTHENTICATION),
        Proved(AuthenticationProtocol.CHIP_AUTHENTICATION),
    ]
    assert evidence.session is not None
    assert seen[-1] == Proved(AuthenticationProtocol.CHIP_AUTHENTICATION)


def test_progress_of_reading_is_reported() -> None:
    document = usual()
    _, seen = watched(inserted(document))
    size = len(document.files[FileID.DG2])
    progress = [each for each in seen if isinstance(each, Reading) and each.file is FileID.DG2]
    counts = [each.done for each in progress]
    assert {each.of for each in progress} == {size}
    assert len(counts) > 1
    assert counts == sorted(set(counts))
    assert counts[-1] == size
    assert seen[seen.index(progress[-1]) + 1] == Read(FileID.DG2, size)


def test_each_attempt_to_open_is_reported_with_its_failure() -> None:
    """A wrong CAN, then a wrong MRZ, on a chip that offers PACE and requires a password."""
    document = issue(basic_access_control=True, pace=(PACE_GM,))
    how = Credentials(mrz=WRONG, can=Password.can("999999"))
    evidence, seen = watched(inserted(document), how)
    told = [each for each in steps(seen) if not isinstance(each, Read)]
    assert evidence.session is not None
    failures = evidence.session.failures
    assert [(each.step, each.password) for each in failures] == [
        (Step.PACE, "can"),
        (Step.PACE, "mrz"),
        (Step.BAC, "mrz"),
    ]
    assert told == [
        Opening(AccessControl.PACE, "can"),
        StepFailed(failures[0]),
        Opening(AccessControl.PACE, "mrz"),
        StepFailed(failures[1]),
        Opening(AccessControl.NONE),
        Opening(AccessControl.BAC, "mrz"),
        StepFailed(failures[2]),
        NotOpened(),
    ]
    assert failures[2].fault == Refused(0x6300, "Basic Access Control with this MRZ")


def test_a_step_that_is_not_tried_is_reported_with_the_reason() -> None:
    document = issue(pace=(), basic_access_control=True)
    _, seen = watched(inserted(document), Credentials(can=Password.can(CAN)))
    assert seen[-2:] == [StepFailed(Failure(Step.BAC, NotTried(Why.NO_MRZ))), NotOpened()]


def test_terminal_authentication_is_reported_before_fingerprints() -> None:
    document = protected()
    terminal = credentials(*chain())
    _, seen = watched(inserted(document), terminal=terminal)
    begun = seen.index(Proving(AuthenticationProtocol.TERMINAL_AUTHENTICATION))
    assert steps(seen[begun:]) == [
        Proving(AuthenticationProtocol.TERMINAL_AUTHENTICATION),
        *read(document, FileID.CVCA),
        Proved(AuthenticationProtocol.TERMINAL_AUTHENTICATION),
        Read(FileID.DG3, len(DG3)),
    ]


def test_a_sensitive_file_that_is_not_read_is_reported() -> None:
    document = issue(terminal_authentication=True, more={3: usual_dg3()})
    evidence, seen = watched(inserted(document))
    assert seen[-1] == NotRead(FileID.DG3, evidence.unread[FileID.DG3])


@pytest.mark.parametrize("prefix", ["", "of another State: "])
def test_general_authentication_is_reported(prefix: str) -> None:
    document = permit_of_version_2()
    evidence, seen = watched(inserted(document), terminal=credentials(*chain(prefix=prefix)))
    assert evidence.session is not None
    transcript = evidence.session.terminal_authentication
    assert transcript is not None
    proved = [each for each in seen if isinstance(each, Proved)]
    if prefix:  # version 1 is then tried
        assert proved[0].protocol is AuthenticationProtocol.GENERAL_AUTHENTICATION
        assert isinstance(proved[0].fault, Refused)
        assert proved[-1] == Proved(
            AuthenticationProtocol.TERMINAL_AUTHENTICATION, transcript.refusal
        )
    else:
        assert [each.protocol for each in proved] == [
            AuthenticationProtocol.GENERAL_AUTHENTICATION,
            AuthenticationProtocol.ACTIVE_AUTHENTICATION,
        ]


def test_a_broken_session_and_its_reopening_are_reported() -> None:
    document = usual()
    chip = personalised(document.files, document.keys)
    twelfth = conditions.nth(12)
    garbage = ResponseAPDU(sw=SW.SM_DATA_OBJECT_INCORRECT)

    def change(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        return garbage if conditions.protected(command) and twelfth(command) else response

    evidence, seen = watched(ChangingResponses(chip, change).process)
    assert evidence.session is not None
    assert len(evidence.session.reopened) == 1
    lost = seen.index(SessionLost(reopening=True))
    assert seen[lost + 1] == Reopened()
    assert not any(isinstance(each, NotRead) for each in seen)


# --- a listener that raises ----------------------------------------------------------------------


def kinds_of_events() -> list[type]:
    _, seen = watched(inserted(usual()))
    return list(dict.fromkeys(type(each) for each in seen))


@pytest.mark.parametrize("kind", kinds_of_events())
@pytest.mark.parametrize("raised", [ValueError("full"), ProtocolError("as a chip would")])
def test_a_listener_that_raises_ends_the_inspection(kind: type, raised: Exception) -> None:
    """Its exception is not treated as a fault of the chip, and there is no evidence."""

    def listener(event: Event) -> None:
        if isinstance(event, kind):
            raise raised

    procedure = inspect(Credentials(mrz=MRZ), listener=listener)
    with pytest.raises(ListenerError, match=kind.__name__) as error:
        run(procedure, inserted(usual()))
    assert error.value.__cause__ is raised


def test_a_listener_does_not_change_the_commands() -> None:
    def commands(**options: object) -> list[int]:
        sent: list[int] = []
        transmit = inserted(usual())

        def counting(command: bytes) -> bytes:
            sent.append(command[1])
            return transmit(command)

        run(inspect(Credentials(mrz=MRZ), **options), counting)  # type: ignore[arg-type]
        return sent

    watched_commands = commands(listener=lambda _: None)
    assert watched_commands == commands()
    assert INS.READ_BINARY in watched_commands


@pytest.mark.parametrize("last", [FileID.DG14, FileID.DG15])
@pytest.mark.parametrize("answer", ["6988", "6F00", "6A80", "9000"])
def test_a_chip_that_fails_before_its_proofs_is_not_a_clone(answer: str, last: FileID) -> None:
    """It was not asked, or its answer did not arrive: this is no evidence about its keys."""
    document = issue(pace=(PACE_GM,))
    transmit = inserted(document)
    seen: list[Event] = []

    def dying(command: bytes) -> bytes:
        dead = any(isinstance(each, Read) and each.file is last for each in seen)
        return bytes.fromhex(answer) if dead else transmit(command)

    evidence = run(inspect(Credentials(mrz=MRZ), listener=seen.append), dying)
    assert SessionLost(reopening=False) in seen
    report = document.judged(evidence)
    assert report.check("chip.authentication").outcome is Outcome.UNDETERMINED
    assert not any(each.shows for each in report.checks)
    assert report.verdict is Verdict.REFER, report.why
