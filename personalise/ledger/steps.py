"""The steps of a job and of a card, as they are entered in the ledger.

Every step is a record of JSON: its tag is the name of the step.  `personalise.ledger.rules` says
which step is allowed when, and what it changes.
"""

from datetime import datetime

import msgspec

from personalise.ledger.states import CardStatus, JobState, Place, Worker


class Step(msgspec.Struct, frozen=True, tag_field="step", forbid_unknown_fields=True):
    """The base of the steps; the tag is the name in the ledger."""

    @property
    def name(self) -> str:
        """The name of the step in the ledger."""
        return str(self.__struct_config__.tag)


class Received(Step, frozen=True, tag="received"):
    """A new job.

    `document` is the keyed digest of its State and number, `contents` the digest of the sealed
    application, `package` that of the package it came in.  `hold` is the reason why it is held.
    """

    document: str
    contents: str
    package: str = ""
    hold: str = ""


class Held(Step, frozen=True, tag="held"):
    """The job waits for a supervisor."""

    reason: str
    by: str = ""


class Released(Step, frozen=True, tag="released"):
    """A held job goes on."""

    reason: str = ""
    by: str = ""


class Prepared(Step, frozen=True, tag="prepared"):
    """The image is made.  `image` is the ciphertext's digest, `sod` EF.SOD's keyed digest.

    `print_first`: its card is printed before the chip is written.
    """

    image: str
    sod: str
    print_first: bool = False


class Claimed(Step, frozen=True, tag="claimed"):
    """A worker takes the job, or takes up the bound job of the card in its reader."""

    worker: Worker
    until: datetime


class Begun(Step, frozen=True, tag="begun"):
    """The first command that writes may follow; binds the job to the card.

    On a card that is bound already: the card was seen again, and is not locked.
    """

    serial: int


class Locking(Step, frozen=True, tag="locking"):
    """The first command after which an inspection might accept the card may follow."""

    serial: int


class Issued(Step, frozen=True, tag="issued"):
    """The card was seen locked, and opened as an inspector would."""

    serial: int


class CardRejected(Step, frozen=True, tag="card-rejected"):
    """The card was seen and found unusable.

    `may_be_good`: it could not be shown that no inspection accepts it; the job is in doubt then.
    """

    serial: int
    fault: str
    reason: str
    may_be_good: bool = False


class Interrupted(Step, frozen=True, tag="interrupted"):
    """The worker gives up its claim; a card that was begun stays bound."""

    serial: int
    reason: str = ""


class JobRejected(Step, frozen=True, tag="application-rejected"):
    """No card is made.  `serial` is the worker's claim, None for a supervisor or preparation."""

    reason: str
    serial: int | None = None
    by: str = ""


class WrittenOff(Step, frozen=True, tag="written-off"):
    """A supervisor writes off the bound card; if the job was in doubt, a good card may exist."""

    by: str
    reason: str


class Reprint(Step, frozen=True, tag="reprint"):
    """The good card is ended, and another one is made."""

    by: str
    reason: str


class Purged(Step, frozen=True, tag="purged"):
    """What was stored about the person is destroyed."""

    by: str
    reason: str = ""


class PrintSent(Step, frozen=True, tag="print-sent"):
    """What is to be printed on the card was given to the printer."""

    by: str


class Printed(Step, frozen=True, tag="printed"):
    """A card came back from the printer, and what was printed on it is the job's."""

    by: str


class PrintRejected(Step, frozen=True, tag="print-rejected"):
    """A card came back from the printer, and what was printed on it is not the job's."""

    by: str
    reason: str


class CardMoved(Step, frozen=True, tag="card-moved"):
    """A good card, or one that a reprint ended, goes on after the station."""

    to: Place
    by: str
    reason: str = ""


class Stopped(Step, frozen=True, tag="stopped"):
    """The document goes on the stop list: lost, stolen, cancelled or returned.

    `since` is the instant from which that holds, `why` the name of the reason.
    """

    why: str
    since: datetime
    by: str
    reason: str = ""


class Unstopped(Step, frozen=True, tag="unstopped"):
    """The document leaves the stop list."""

    by: str
    reason: str


class Exported(Step, frozen=True, tag="exported"):
    """The image of a job was written to a folder, outside the ledger."""

    by: str


class Rejoined(Step, frozen=True, tag="rejoined"):
    """What a station's journal knows of a card, and a ledger from a backup lacks.

    `state` and `status` are those of the journal's last entry about the card, `entry` is its digest
    (hexadecimal).
    """

    state: JobState
    status: CardStatus
    entry: str
    by: str
    reason: str


class CardReceived(Step, frozen=True, tag="card-received"):
    """A blank card comes into stock; `kind` is the name of its card profile."""

    kind: str = ""
    by: str = ""


class CardSpoilt(Step, frozen=True, tag="card-spoilt"):
    """A blank card leaves stock: damaged, or lost.

    `may_be_good`: a journal says that it was used for an application that the ledger lost.
    """

    by: str
    reason: str
    may_be_good: bool = False


class CardDestroyed(Step, frozen=True, tag="card-destroyed"):
    """A card that is no longer needed was destroyed."""

    by: str
    reason: str = ""


JobStep = (
    Held
    | Released
    | Prepared
    | Claimed
    | Begun
    | Locking
    | Issued
    | CardRejected
    | Interrupted
    | JobRejected
    | WrittenOff
    | Reprint
    | Purged
    | Exported
    | Rejoined
    | PrintSent
    | Printed
    | PrintRejected
    | CardMoved
    | Stopped
    | Unstopped
)
CardStep = CardReceived | CardSpoilt | CardDestroyed
AnyStep = Received | JobStep | CardStep
