"""The chip that the test cases of part 5.1 put in front of an inspection system.

A simulator is a document that is issued as a case wants it, in a virtual chip, with a flaw laid
around or into the chip.  What part 5.1 calls a successful inspection is a document that is
accepted; one that failed is referred or rejected, and is never a crash.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from emrtd.access.chip_keys import ChipAuthenticationKey
from emrtd.access.passwords import Password
from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, encode_agreement_key
from emrtd.crypto.protocols import ID_PK_DH, ID_PK_ECDH, KeyAgreement, chip_authentication_oid
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_infos import (
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    SecurityInfo,
)
from emrtd.pki.findings import Outcome
from support.secret import Secret
from tests.helpers import replace
from tests.tr03105 import Catalogue
from tests.verify.documents import PACE_GM, Document, issue, mrz
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from verify.inspection.opening import Credentials
from verify.judging.evidence import Evidence
from verify.judging.faults import describe
from verify.judging.report import Report, Verdict
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Answering, ChangingResponses
from vsmartcard.chip.commands import INSTRUCTIONS, Instructions
from vsmartcard.chip.dispatch import Chip

CASES: Final = Catalogue()

MRZ: Final = Password.from_mrz_information(mrz().information)

PLAIN: Final = {"pace": (), "active_authentication": None, "chip_authentication": False}
BAC: Final = PLAIN | {"basic_access_control": True}
PACE: Final = PLAIN | {"pace": (PACE_GM,)}
"""The default configurations of part 5.1; Chip and Terminal Authentication are added to them."""

Answer = Callable[[CommandAPDU], ResponseAPDU | None]
Change = Callable[[CommandAPDU, ResponseAPDU], ResponseAPDU]


@dataclass(frozen=True)
class Inspected:
    """The result of an inspection: evidence, and the report on it."""

    evidence: Evidence
    report: Report

    @property
    def successful(self) -> bool:
        return self.report.verdict is Verdict.ACCEPT

    def outcome(self, check_id: str) -> Outcome:
        return self.report.check(check_id).outcome

    def succeeded(self, document: Document | None = None) -> "Inspected":
        """Assert that the document was accepted and, if one is given, read completely."""
        assert self.successful, self.report.why
        if document is not None:
            assert dict(self.evidence.files) == document.files
        return self

    def failed(self, reason: str = "") -> "Inspected":
        """Assert that it was not accepted, and that the report states the reason."""
        assert not self.successful
        assert self.report.why
        failures = () if self.evidence.session is None else self.evidence.session.failures
        said = " ".join(
            [
                *self.report.why,
                *(each.reason for each in self.report.checks),
                *(describe(each.fault) for each in failures),
            ]
        )
        assert reason in said, said
        return self


def inspected(
    document: Document,
    *,
    answering: Answer | None = None,
    changing: Change | None = None,
    terminal: TerminalCredentials | None = None,
    password: Password = MRZ,
    chip: Chip | None = None,
    instructions: Instructions = INSTRUCTIONS,
) -> Inspected:
    """Inspect a document; `answering` gives a command's answer in the chip's place, or None.

    `changing` makes another one of the chip's.  Both see what is on the wire; what `instructions`
    do otherwise, they do inside a session too.
    """
    card: Card = chip or personalised(document.files, document.keys, instructions=instructions)
    if answering is not None:
        card = Answering(card, answering)
    if changing is not None:
        card = ChangingResponses(card, changing)
    procedure = inspect(Credentials(mrz=password), terminal=terminal)
    evidence = run(procedure, card.process, card.reset)
    return Inspected(evidence, document.judged(evidence))


# --- documents with Chip Authentication ----------------------------------------------------------


@cache
def static_key(number: int, private: int = 0x5EC2E7) -> tuple[bytes, Secret]:
    """Return SubjectPublicKeyInfo and private number of a key on standardised domain parameters."""
    group = STANDARDISED[number]
    size = (private.bit_length() + 7) // 8
    return (
        encode_agreement_key(group, group.public_key(private), explicit=True),
        Secret(private.to_bytes(size, "big")),
    )


@dataclass(frozen=True)
class ChipKey:
    """A static key: its domain parameters, cipher and identifier; and what DG14 says of it.

    `said` is the identifier in DG14, where it is another than the chip's own; `info` the one in
    ChipAuthenticationInfo, where that is another again.
    """

    parameters: int = 12
    cipher: Cipher | None = Cipher.AES128
    key_id: int | None = None
    said: int | None = None
    info: int | None = None

    @property
    def agreement(self) -> KeyAgreement:
        return STANDARDISED[self.parameters].key_agreement

    @property
    def protocol(self) -> str:
        return chip_authentication_oid(self.agreement, self.cipher or Cipher.TDES)

    def infos(self) -> list[SecurityInfo]:
        """Return the entries of DG14."""
        oid = ID_PK_DH if self.agreement is KeyAgreement.DH else ID_PK_ECDH
        said = self.key_id if self.said is None else self.said
        found: list[SecurityInfo] = [
            ChipAuthenticationPublicKeyInfo(oid, static_key(self.parameters)[0], said)
        ]
        if self.cipher is not None:
            info = said if self.info is None else self.info
            found.append(ChipAuthenticationInfo(self.protocol, info))
        return found

    def key(self) -> ChipAuthenticationKey:
        """Return the key as the chip stores it."""
        public, private = static_key(self.parameters)
        return ChipAuthenticationKey(public, private, self.key_id, (self.protocol,))


def with_keys(*keys: ChipKey, access: dict[str, object] = BAC, **changes: object) -> Document:
    """Return a document whose chip and DG14 have these keys for Chip Authentication."""
    infos = tuple(info for key in keys for info in key.infos())
    made = issue(**(access | changes | {"more_infos": infos}))
    own = tuple(key.key() for key in keys)
    return replace(made, keys=replace(made.keys, chip_authentication=own))


def is_reading(command: CommandAPDU, file_id: FileID) -> bool:
    """Whether a command reads a file by its short identifier, protected or not."""
    return (command.ins, command.p1) == (
        INS.READ_BINARY, 0x80 | FILES[file_id].short_identifier,
    )  # fmt: skip
