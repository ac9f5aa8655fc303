"""The recorded sessions of pySim's tests, octet for octet, in both roles."""

import pytest

from emrtd.globalplatform.derivation import SessionKeys
from emrtd.globalplatform.keys import StaticKeys, check_value
from emrtd.globalplatform.parameters import SecurityLevel, Variant
from emrtd.globalplatform.scp03 import Authenticated, KeySet, Scp03Card, authenticate
from emrtd.globalplatform.secure_channel import secured
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import exchange, run
from emrtd.transport.recording import Recording, recorded
from support.secret import Secret
from tests.emrtd.globalplatform.session_vectors import (
    AID,
    CASES,
    CHECK_VALUES,
    EID,
    GET_EID,
    KEYS,
    VECTORS,
    Vector,
)

of_every_vector = pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda v: f"AES-{v.key_size * 8}-{v.level:02X}"
)


def keys_of(size: int) -> StaticKeys:
    return StaticKeys(*(Secret((bytes.fromhex(key) * 2)[:size]) for key in KEYS))


def command(octets: str) -> CommandAPDU:
    return CommandAPDU.decode(bytes.fromhex(octets))


def authenticated(vector: Vector) -> tuple[Authenticated, Recording]:
    """Return the terminal's side after authentication, and the recording behind it."""
    sent = (vector.initialize_update, vector.external_authenticate, vector.get_eid)
    answers = (vector.answer, "", vector.eid)
    recording = Recording(
        (bytes.fromhex(s), bytes.fromhex(a + "9000")) for s, a in zip(sent, answers, strict=True)
    )
    initialize_update = command(vector.initialize_update)
    procedure = authenticate(
        keys_of(vector.key_size),
        SecurityLevel(vector.level),
        key_version=initialize_update.p1,
        random=recorded(initialize_update.data),
    )
    return run(procedure, recording.transmit), recording


@of_every_vector
def test_the_terminal_sends_the_recorded_session(vector: Vector) -> None:
    result, recording = authenticated(vector)
    response = run(secured(exchange(command(GET_EID)), result.channel), recording.transmit)
    assert response == ResponseAPDU(bytes.fromhex(EID))
    assert recording.remaining == 0
    protected = (vector.case_1, vector.case_2, vector.case_3, vector.case_4)
    for plain, expected in zip(CASES, protected, strict=True):
        encoded = result.channel.protect_command(command(plain)).encode()
        assert encoded.hex().upper() == expected


@of_every_vector
def test_the_card_answers_the_recorded_session(vector: Vector) -> None:
    initialize_update = command(vector.initialize_update)
    counter = int(vector.answer[-6:], 16)
    key_set = KeySet(initialize_update.p1, keys_of(vector.key_size), counter - 1)
    card = Scp03Card(
        [key_set], Variant.of(0x70), aid=bytes.fromhex(AID), diversification_data=bytes(10)
    )
    assert card.initialize_update(initialize_update).hex().upper() == vector.answer
    assert key_set.sequence_counter == counter
    channel = card.external_authenticate(command(vector.external_authenticate))
    assert channel.level == vector.level
    assert channel.unprotect_command(command(vector.get_eid)) == command(GET_EID)
    response = channel.protect_response(ResponseAPDU(bytes.fromhex(EID)))
    assert response.data.hex().upper() == vector.eid
    protected = (vector.case_1, vector.case_2, vector.case_3, vector.case_4)
    for plain, encoded in zip(CASES, protected, strict=True):
        assert channel.unprotect_command(command(encoded)) == command(plain)


def test_the_session_keys_of_a_real_card() -> None:
    """A log in martinpaljak/GlobalPlatformPro, issue 98: a card with test keys, i = 10."""
    test_key = Secret(bytes(range(0x40, 0x50)))
    context = bytes.fromhex("C81ED3B6B3DEF55686C8BD65FA1044EE")
    session = SessionKeys.derive(StaticKeys(test_key, test_key, test_key), context)
    assert session.enc.reveal().hex().upper() == "3D991C5571391EB5BEF93DB2A4FD13D8"
    assert session.mac.reveal().hex().upper() == "9BAB6C2C1EFEAC6E4F3B214ABABAC3B1"
    assert session.card_cryptogram.hex().upper() == "CF4A8EE6E34A4321"
    assert session.host_cryptogram.hex().upper() == "DC79BEA879C62D44"


def test_the_check_values_are_the_published_ones() -> None:
    keys = keys_of(16).in_order
    assert [check_value(key).hex().upper() for key in keys] == list(CHECK_VALUES)
