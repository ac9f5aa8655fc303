"""A recorded session is replayed to the terminal and to the chip, with the same octets."""

import secrets
from collections.abc import Callable

import pytest

from emrtd.access.terminal_authentication import TerminalCredentials
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, Mapping
from emrtd.errors import TransportError
from emrtd.iso7816.procedure import Random, run
from emrtd.lds.files import FileID
from emrtd.lds.security.security_infos import PaceInfo
from emrtd.transport.recording import Recording, drive, recorded
from tests.verify.documents import PARAMETERS, Document, issue
from tests.verify.inspection.test_terminal import (
    DG3,
    MRZ,
    chain,
    credentials,
    document,
    permit_of_version_2,
)
from tests.vsmartcard.cards import personalised
from verify.inspection import inspect
from vsmartcard.card.layers import Watched
from vsmartcard.chip.dispatch import Chip


def pace(mapping: Mapping, cipher: Cipher = Cipher.AES128, number: int = PARAMETERS) -> PaceInfo:
    agreement = KeyAgreement.DH if number < 3 else KeyAgreement.ECDH
    return PaceInfo.of(agreement, mapping, cipher, number)


SESSIONS: dict[str, Callable[[], Document]] = {
    "BAC": lambda: issue(pace=(), basic_access_control=True, active_authentication="RSA-2048"),
    "PACE-GM, 3DES": lambda: issue(pace=(pace(Mapping.GENERIC, Cipher.TDES),)),
    "PACE-GM over DH": lambda: issue(pace=(pace(Mapping.GENERIC, number=2),)),
    "PACE-IM": lambda: issue(pace=(pace(Mapping.INTEGRATED, Cipher.AES256),)),
    "PACE-CAM": issue,
    "Terminal Authentication": document,
    "version 2 of Extended Access Control": permit_of_version_2,
}


def noting(values: list[bytes]) -> Random:
    """Return a random source that appends its values to `values`."""

    def random(size: int) -> bytes:
        values.append(secrets.token_bytes(size))
        return values[-1]

    return random


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_is_replayed_in_both_roles(session: str) -> None:
    made = SESSIONS[session]()
    terminal: TerminalCredentials | None = None
    if FileID.CVCA in made.files:
        terminal = credentials(*chain())
    state = personalised(made.files, made.keys).state
    by_terminal: list[bytes] = []
    by_chip: list[bytes] = []
    card = Watched(Chip(state, random=noting(by_chip)))
    evidence = run(inspect(MRZ, terminal=terminal, random=noting(by_terminal)), card.process)
    assert set(made.files) - set(evidence.files) <= {FileID.CVCA}  # not read in version 2 of EAC
    assert (evidence.files.get(FileID.DG3) == DG3) is (terminal is not None)
    assert by_terminal
    assert by_chip

    recording = Recording(card.exchanges)
    again = inspect(MRZ, terminal=terminal, random=recorded(*by_terminal))
    assert run(again, recording.transmit) == evidence
    assert recording.remaining == 0

    drive(card.exchanges, Chip(state, random=recorded(*by_chip)).process)


def test_a_recording_refuses_another_command() -> None:
    """It is a transport error, so that no inspection mistakes it for an answer of the chip."""
    made = issue()
    card = Watched(personalised(made.files, made.keys))
    run(inspect(MRZ), card.process)
    with pytest.raises(TransportError, match=r"command \d+ of the recording is another one"):
        run(inspect(MRZ), Recording(card.exchanges).transmit)
