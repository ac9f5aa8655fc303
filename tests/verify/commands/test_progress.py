"""The steps of an inspection that are shown on a terminal, but not to a script."""

import io
import sys
from typing import get_args

import pytest

from emrtd.access.passwords import Password
from emrtd.errors import TransportError
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from tests.security.test_screens_and_files import ACTIVE, ATTACK
from tests.verify.commands.test_command_line import MRZ, Post, post
from tests.verify.documents import issue, mrz, usual
from tests.verify.inspection.test_inspection import inserted
from verify.commands.progress import Progress
from verify.inspection import events as known
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.inspection.steps import step_text
from verify.judging.evidence import Access, AccessControl, Failure, Step
from verify.judging.faults import Malformed, Refused, Violated

__all__ = ["post"]

PASSWORD = Password.from_mrz_information(mrz().information)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(Terminal):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def lines(screen: str) -> list[str]:
    """Return the lines left on a screen, where a carriage return goes back to the line's start."""
    assert screen.endswith("\n")
    return [line.rsplit("\r", 1)[-1].rstrip() for line in screen.split("\n")[:-1]]


def test_the_steps_are_shown_on_a_terminal(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    document = usual()
    ran = post.card(document, "--mrz", MRZ)
    assert ran.status == 0
    assert "ACCEPT" in ran.output
    assert lines(screen.getvalue()) == [
        f"EF.CardAccess read, {len(document.files[FileID.CARD_ACCESS])} octets",
        f"EF.CardSecurity read, {len(document.files[FileID.CARD_SECURITY]):,} octets",
        "open by PACE",
        *(
            f"{file_id} read, {len(document.files[file_id]):,} octets"
            for file_id in ("EF.COM", "EF.SOD", "DG1", "DG2", "DG13", "DG14", "DG15")
        ),
        "Active Authentication: done",
        "Chip Authentication: done",
    ]
    size = len(document.files[FileID.DG2])
    assert f"\rDG2: {size:,} of {size:,} octets" in screen.getvalue()
    assert "\ropening by PACE with the MRZ" in screen.getvalue()


def test_a_failure_has_its_own_line(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    document = issue(pace=(), basic_access_control=True)
    other = mrz(document_number="ZU7654321").text
    assert post.card(document, "--mrz", other).status == 2
    refused = "Basic Access Control with this MRZ: the chip answered 6300 (authentication failed)"
    shown = lines(screen.getvalue())
    assert shown[-2] == "the chip did not open"
    assert shown[-1] == "The chip did not open with this MRZ: read it again"
    assert shown[-3].startswith(refused.split("(", maxsplit=1)[0])


def test_no_steps_are_shown_to_a_script(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post.card(usual(), "--mrz", MRZ).error == ""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert post.card(usual(), "--mrz", MRZ, "--json").report.verdict == "accept"
    assert screen.getvalue() == ""


@pytest.mark.parametrize("changed", [None, 200])
def test_a_closed_terminal_does_not_change_the_verdict(changed: int | None) -> None:
    """The stream is closed or broken: the inspection continues, with the same evidence."""
    document = usual() if changed is None else usual().flipped(FileID.DG2, changed)
    closed = Terminal()
    closed.close()
    for stream in (Gone(), closed):
        with Progress(stream) as listener:
            procedure = inspect(Credentials(mrz=PASSWORD), listener=listener)
            evidence = run(procedure, inserted(document))
        assert evidence.files == document.files


def test_an_error_begins_on_a_new_line() -> None:
    screen = Terminal()

    def torn() -> None:
        with Progress(screen) as listener:
            listener(known.Reading(FileID.DG2, 1, 2))
            raise TransportError("the card left")

    with pytest.raises(TransportError):
        torn()
    assert screen.getvalue() == "\rDG2: 1 of 2 octets\n"


def test_a_shorter_text_overwrites_a_longer_one() -> None:
    screen = Terminal()
    with Progress(screen) as listener:
        listener(known.Reading(FileID.DG2, 10_000, 12_000))
        listener(known.Read(FileID.DG2, 9))
    assert screen.getvalue() == "\rDG2: 10,000 of 12,000 octets\rDG2 read, 9 octets          \n"


FAULT = Malformed(ATTACK, ATTACK)
EXAMPLES: tuple[known.Event, ...] = (
    known.Opening(AccessControl.PACE, "can"),
    known.StepFailed(Failure(Step.PACE, Refused(0x6300, ATTACK), "can")),
    known.Opened(Access(AccessControl.PACE, "can", ATTACK)),
    known.NotOpened(),
    known.Reading(FileID.DG2, 1, None),
    known.Read(FileID.DG2, 1),
    known.NotRead(FileID.DG2, FAULT),
    known.Proving(known.AuthenticationProtocol.CHIP_AUTHENTICATION),
    known.Proved(known.AuthenticationProtocol.CHIP_AUTHENTICATION, Violated(ATTACK)),
    known.SessionLost(reopening=False),
    known.Reopened(),
)


def test_every_event_has_a_printable_text() -> None:
    assert {type(each) for each in EXAMPLES} == set(get_args(known.Event))
    for each in EXAMPLES:
        assert step_text(each)
        assert not ACTIVE & set(step_text(each))
    for protocol in known.AuthenticationProtocol:
        assert step_text(known.Proved(protocol)).endswith(": done")
