"""A card that was rejected is never accepted by an inspection, at whatever command it happened."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FileID
from personalise.station.cards.interface import Capabilities
from personalise.station.cards.iso7816_9 import Iso7816Card
from personalise.station.checking import way_into
from personalise.station.one_card import write_image
from personalise.station.outcomes import CardFault, RejectCardError, TryAgainError, WriteError
from personalise.station.sealed_image import SealedImage
from personalise.station.writing import WITHHELD, Milestones, write_card
from support.command_line import run_command_line
from tests.helpers import replace
from tests.issuing import Agreement, Issuer, Kind
from tests.issuing import Card as IssuedCard
from verify.commands.main import verify
from vsmartcard.card.clones import without_private_keys
from vsmartcard.card.conditions import always, every, instruction, nth, plain
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import ChangingResponses, Dropping, Refusing, Torn, Watched
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.state import ChipState

FAILURE = 0x6F00
EXTENDED = Capabilities(command=991, response=998)
"""What the virtual chip announces; the test sends fewer commands with it."""


@dataclass
class Document:
    """An issued document, and the border post that inspects cards of it."""

    issuer: Issuer
    card: IssuedCard
    image: SealedImage
    trust: Path
    folder: Path
    uses_pace: bool

    def write(self, transmit: Callable[[bytes], bytes], capabilities: Capabilities) -> None:
        """Write the document to a card."""
        keys = self.image.order.keys
        way = way_into(keys, self.image.files.get(FileID.CARD_ACCESS))
        card = Iso7816Card(b"", capabilities)
        procedure = write_card(self.image.files, keys, card, way)
        run(with_response_chaining(procedure), transmit)

    def is_accepted(self, chip: Chip) -> bool:
        """Inspect a card with its MRZ; return whether the verdict is accept."""
        path = self.folder / "inspected.chip"
        path.unlink(missing_ok=True)
        with contextlib.closing(StateFile(path)) as file:
            file.save(chip.state)
        arguments = ["card", "--reader", f"virtual:{path}", "--trust", str(self.trust)]
        output = io.StringIO()
        redirected = contextlib.redirect_stdout(output), contextlib.redirect_stderr(output)
        with self.issuer.at_work(), redirected[0], redirected[1]:
            status = run_command_line(verify, [*arguments, "--mrz", self.card.mrz.text])
        return status == 0

    def is_accepted_even_if_locked(self, chip: Chip) -> bool:
        """Inspect a card, and the same card once someone has locked it."""
        if self.is_accepted(chip):
            return True
        if chip.state.life_cycle is not LifeCycle.IN_PERSONALISATION:
            return False
        return self.is_accepted(Chip(chip.state.with_life_cycle(LifeCycle.OPERATIONAL)))


@pytest.fixture(scope="module", params=["PACE", "BAC"])
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("utopia")
    issuer = Issuer.established(folder, "UTO")
    kind = Kind(chip_authentication=[Agreement()])
    if request.param == "BAC":
        kind = replace(kind, pace=[], bac=True)
    card = issuer.issue(kind, folder)
    trust = folder / "trust"
    published = [str(issuer.pki / name) for name in ("csca.cer", "crl.crl")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert run_command_line(verify, ["trust", "add", str(trust), *published]) == 0
    with issuer.at_work():
        image = SealedImage.open(folder / "image")
    return Document(issuer, card, image, trust, folder, request.param == "PACE")


def commands(document: Document, capabilities: Capabilities) -> list[CommandAPDU]:
    card = Watched(Chip())
    document.write(card.process, capabilities)
    return list(card.commands)


def failing(chip: Chip, at: int, *, carried_out: bool) -> Callable[[bytes], bytes]:
    """Let the chip answer 6F00 at one command, and carry this command out all the same."""
    when = nth(at)
    if not carried_out:
        return Refusing(chip, when, FAILURE).process
    return ChangingResponses(
        chip, lambda command, response: ResponseAPDU(sw=FAILURE) if when(command) else response
    ).process


def outcome(
    document: Document, transmit: Callable[[bytes], bytes], capabilities: Capabilities
) -> WriteError | None:
    try:
        document.write(transmit, capabilities)
    except WriteError as error:
        return error
    return None


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("resumable", [True, False])
def test_no_card_that_is_rejected_at_any_command_is_accepted(
    document: Document, resumable: bool, carried_out: bool
) -> None:
    kind = replace(EXTENDED, resumable=resumable)
    sent = commands(document, kind)
    lock = next(at for at, each in enumerate(sent) if each.ins == 0x44)
    rejected = 0
    for at in range(len(sent)):
        chip = Chip()
        error = outcome(document, failing(chip, at, carried_out=carried_out), kind)
        chip.reset()
        if isinstance(error, RejectCardError):
            rejected += 1
            locked = at > lock or (at == lock and carried_out)
            assert error.may_read_as_good == locked
            assert locked or not document.is_accepted_even_if_locked(chip), f"command {at}"
    assert rejected > lock  # every command until the lock is one at which a card is rejected


def test_a_card_without_the_end_of_ef_sod_is_not_accepted(document: Document) -> None:
    """All else is on the card, and someone locks it."""
    sent = commands(document, EXTENDED)
    last = max(at for at, each in enumerate(sent) if each.ins == 0xD6)
    assert len(sent[last].data) == WITHHELD
    before, after = Chip(), Chip()
    for chip, carried_out in ((before, False), (after, True)):
        with pytest.raises(TryAgainError):
            document.write(Torn(chip, nth(last), carried_out=carried_out).process, EXTENDED)
        chip.reset()
    assert document.is_accepted(Chip(after.state.with_life_cycle(LifeCycle.OPERATIONAL)))
    assert not document.is_accepted_even_if_locked(before)


def test_a_card_that_holds_the_whole_document_is_terminated(document: Document) -> None:
    sent = commands(document, EXTENDED)
    lock = next(at for at, each in enumerate(sent) if each.ins == 0x44)
    chip = Chip()
    with pytest.raises(RejectCardError, match="; the card was terminated") as rejected:
        document.write(failing(chip, lock, carried_out=False), EXTENDED)
    assert not rejected.value.may_read_as_good
    assert chip.state.life_cycle is LifeCycle.TERMINATED
    assert rejected.value.fault is CardFault.REFUSES


def test_a_card_that_cannot_be_terminated_is_named(document: Document) -> None:
    sent = commands(document, EXTENDED)
    lock = next(at for at, each in enumerate(sent) if each.ins == 0x44)
    chip = Chip()
    with pytest.raises(RejectCardError, match="may still be read as a good one") as rejected:
        document.write(failing(chip, lock, carried_out=True), EXTENDED)
    assert rejected.value.may_read_as_good
    assert "destroy" in rejected.value.advice


def test_nothing_is_sent_to_a_rejected_card_after_a_transport_error(document: Document) -> None:
    """Another card may be in the reader: it must not be terminated."""
    kind = replace(EXTENDED, resumable=False)
    sent = commands(document, kind)
    last = max(at for at, each in enumerate(sent) if each.ins == 0xD6)
    card = Watched(Torn(Chip(), nth(last + 1)))
    with pytest.raises(RejectCardError) as rejected:
        document.write(card.process, kind)
    assert rejected.value.may_read_as_good
    assert len(card.sent) == last + 2


def test_a_card_that_holds_another_document_is_not_terminated(document: Document) -> None:
    chip = Chip()
    document.write(chip.process, EXTENDED)
    chip.reset()
    other = replace(document.image, files=document.image.files | {FileID.SOD: b"\x77\x01\x00"})
    with pytest.raises(RejectCardError) as rejected:
        replace(document, image=other).write(chip.process, EXTENDED)
    assert rejected.value.fault is CardFault.OTHER_DOCUMENT
    assert not rejected.value.may_read_as_good
    assert document.is_accepted(chip)


@pytest.mark.parametrize("resumable", [True, False])
def test_the_card_is_not_locked_if_the_entry_before_it_fails(
    document: Document, resumable: bool
) -> None:
    chip = Chip()
    keys = document.image.order.keys
    way = way_into(keys, document.image.files.get(FileID.CARD_ACCESS))

    def fail() -> None:
        raise TryAgainError("the ledger does not answer")

    card = Iso7816Card(b"", replace(EXTENDED, resumable=resumable))
    entries = Milestones(locking=fail)
    procedure = write_card(document.image.files, keys, card, way, milestones=entries)
    with pytest.raises(TryAgainError if resumable else RejectCardError, match="the ledger does"):
        run(procedure, chip.process)
    chip.reset()
    assert not document.is_accepted_even_if_locked(chip)


def test_both_entries_are_made_before_the_commands_that_need_them(document: Document) -> None:
    chip = Chip()
    keys = document.image.order.keys
    way = way_into(keys, document.image.files.get(FileID.CARD_ACCESS))
    seen: list[tuple[str, LifeCycle]] = []
    entries = Milestones(
        begin=lambda: seen.append(("begin", chip.state.life_cycle)),
        locking=lambda: seen.append(("locking", chip.state.life_cycle)),
    )
    for expected in (
        [("begin", LifeCycle.BLANK), ("locking", LifeCycle.IN_PERSONALISATION)],
        [],  # the card is locked
    ):
        seen.clear()
        card = Iso7816Card(b"", EXTENDED)
        run(write_card(document.image.files, keys, card, way, milestones=entries), chip.process)
        chip.reset()
        assert seen == expected


def written(document: Document, card: Card, image: SealedImage | None = None) -> None:
    """Write an image with all that the station does, through a connection."""
    image = image or document.image
    write_image(image.files, image.order, CardConnection(card))


def test_a_card_without_the_key_of_chip_authentication_is_not_issued(document: Document) -> None:
    image = document.image
    keys = without_private_keys(image.order.keys)
    chip = Chip()
    with pytest.raises(RejectCardError, match="breaks the session twice") as rejected:
        written(document, chip, replace(image, order=replace(image.order, keys=keys)))
    assert rejected.value.fault is CardFault.DOES_NOT_OPEN
    assert rejected.value.may_read_as_good


def test_a_card_that_does_not_open_after_its_lock_is_not_issued(document: Document) -> None:
    proof = every(instruction(0x86), plain) if document.uses_pace else instruction(0x84)
    with pytest.raises(RejectCardError, match="locked card does not open") as rejected:
        written(document, Refusing(Chip(), proof, FAILURE))
    assert rejected.value.fault is CardFault.DOES_NOT_OPEN


def test_a_card_that_another_program_reset_once_is_issued(document: Document) -> None:
    watched = Watched(Chip())
    written(document, watched)
    at = next(n for n, each in enumerate(watched.commands) if each.ins == 0x22 and each.cla == 0x0C)
    written(document, Dropping(Chip(), nth(at)))


def test_a_card_whose_last_write_was_entered_may_read_as_good_whatever_it_says(
    document: Document,
) -> None:
    """It does not answer as a card of its kind any more, so that nothing can be shown of it."""
    keys = document.image.order.keys
    way = way_into(keys, document.image.files.get(FileID.CARD_ACCESS))
    for was_locking in (None, False, True):
        card = Iso7816Card(b"", EXTENDED)
        entries = Milestones(was_locking=was_locking)
        procedure = write_card(document.image.files, keys, card, way, milestones=entries)
        with pytest.raises(RejectCardError) as rejected:
            run(procedure, Refusing(Chip(), always, FAILURE).process)
        assert rejected.value.may_read_as_good == (was_locking is True)


def test_a_blank_card_is_written_whatever_was_entered_before(document: Document) -> None:
    keys = document.image.order.keys
    way = way_into(keys, document.image.files.get(FileID.CARD_ACCESS))
    entries = Milestones(was_locking=True)
    terminated = Chip(ChipState(life_cycle=LifeCycle.TERMINATED))
    card = Iso7816Card(b"", EXTENDED)
    with pytest.raises(RejectCardError, match="terminated") as rejected:
        run(
            write_card(document.image.files, keys, card, way, milestones=entries),
            terminated.process,
        )
    assert not rejected.value.may_read_as_good
    chip = Chip()
    run(write_card(document.image.files, keys, card, way, milestones=entries), chip.process)
    chip.reset()
    assert document.is_accepted(chip)


@pytest.mark.parametrize("was_locking", [None, False, True])
def test_a_card_that_cannot_be_resumed_is_terminated_unless_its_last_write_was_not_entered(
    document: Document, was_locking: bool | None
) -> None:
    keys = document.image.order.keys
    way = way_into(keys, document.image.files.get(FileID.CARD_ACCESS))
    kind = replace(EXTENDED, resumable=False)
    sent = commands(document, kind)
    last = max(at for at, each in enumerate(sent) if each.ins == 0xD6)
    chip = Chip()
    with pytest.raises(RejectCardError):
        document.write(Torn(chip, nth(last), carried_out=True).process, kind)
    chip.reset()
    entries = Milestones(was_locking=was_locking)
    procedure = write_card(
        document.image.files, keys, Iso7816Card(b"", kind), way, milestones=entries
    )
    with pytest.raises(RejectCardError, match="cannot be resumed"):
        run(procedure, chip.process)
    assert (chip.state.life_cycle is LifeCycle.TERMINATED) == (was_locking is not False)


def test_a_resumed_card_without_the_end_of_ef_sod_is_known_not_to_be_good(
    document: Document,
) -> None:
    """Its last write was entered, and did not reach the card."""
    keys = document.image.order.keys
    way = way_into(keys, document.image.files.get(FileID.CARD_ACCESS))
    sent = commands(document, EXTENDED)
    last = max(at for at, each in enumerate(sent) if each.ins == 0xD6)
    chip = Chip()
    with pytest.raises(TryAgainError):
        document.write(Torn(chip, nth(last)).process, EXTENDED)
    chip.reset()
    keys_refused = Refusing(chip, instruction(0xDA), FAILURE)
    entries = Milestones(was_locking=True)
    procedure = write_card(
        document.image.files, keys, Iso7816Card(b"", EXTENDED), way, milestones=entries
    )
    with pytest.raises(RejectCardError) as rejected:
        run(procedure, keys_refused.process)
    assert not rejected.value.may_read_as_good
    assert chip.state.life_cycle is not LifeCycle.TERMINATED
