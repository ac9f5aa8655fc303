from collections.abc import Callable

import pytest

from emrtd.access.bac import BacChip, authenticate
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.ciphers import Cipher
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, SHORT_MAX_LE, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.status_words import SW
from support.errors import MisuseError
from tests.helpers import facts, replace
from vsmartcard.card.conditions import every, instruction
from vsmartcard.card.function_card import FunctionCard
from vsmartcard.card.layers import ChangingCommands, ChangingResponses, Refusing, Watched

MRZ = Password.from_mrz_information("L898902C<369080619406236")


def sequence(*octets: str) -> Callable[[int], bytes]:
    """Return a source of randomness with these values in turn."""
    values = [bytes.fromhex(each) for each in octets]

    def random(size: int) -> bytes:
        value = values.pop(0)
        assert len(value) == size
        return value

    return random


class Card(FunctionCard):
    """A chip that supports only BAC; `opened` is the resulting session."""

    def __init__(self, bac: BacChip) -> None:
        super().__init__(self.answer)
        self.bac = bac
        self.opened: SecureMessaging | None = None

    def answer(self, command: CommandAPDU) -> bytes:
        if command.ins == INS.GET_CHALLENGE:
            return self.bac.challenge()
        assert command.ins == INS.EXTERNAL_AUTHENTICATE
        data, self.opened = self.bac.authenticate(command.data)
        return data


def same_session(terminal: SecureMessaging, card: Card) -> bool:
    command = CommandAPDU(0x00, 0xA4, 0x02, 0x0C, b"\x01\x1e")
    assert card.opened is not None
    return card.opened.unprotect_command(terminal.protect_command(command)) == command


def test_the_worked_example_of_appendix_d() -> None:
    example = facts("vectors/bac_3des_sm_9303-11_D.json")
    keys, bac = example["keys"], example["bac"]
    password = Password.from_mrz_information(keys["mrz_information"])
    assert password.secret.reveal().hex().upper() == keys["sha1"]
    k_enc, k_mac = password.basic_access_keys()
    assert k_enc.reveal().hex().upper() == keys["KEnc"]
    assert k_mac.reveal().hex().upper() == keys["KMAC"]

    card = Card(BacChip(password, random=sequence(bac["RND_IC"], bac["K_IC"])))
    random = sequence(bac["RND_IFD"], bac["K_IFD"])
    watched = Watched(card)
    session = run(authenticate(password, random=random), watched.process)
    assert [(c.hex().upper(), r.hex().upper()) for c, r in watched.exchanges] == [
        (each["command"], each["response"]) for each in bac["apdus"]
    ]
    command, response = watched.exchanges[1]
    for octets, name in ((command[5:-9], "S"), (response[:-10], "R")):
        plain = Cipher.TDES.decrypt_cbc(k_enc, bytes(8), octets)
        assert plain.hex().upper() == bac[name]

    first = example["secure_messaging"][0]
    for each in (session, card.opened):
        assert each is not None
        assert each._ks_enc.reveal().hex().upper() == bac["KSEnc"]
        assert each._ks_mac.reveal().hex().upper() == bac["KSMAC"]
    command = CommandAPDU.decode(bytes.fromhex(first["plain_command"]))
    assert session.protect_command(command).encode().hex().upper() == first["protected_command"]


@pytest.mark.parametrize("index", range(4))
def test_mrz_information_of_every_layout(index: int) -> None:
    example = facts("vectors/bac_3des_sm_9303-11_D.json")["mrz_information"][index]
    password = Password.from_mrz_information(example["MRZ_information"])
    card = Card(BacChip(password))
    assert same_session(run(authenticate(password), card.process), card)


def test_each_run_has_its_own_nonces_and_session() -> None:
    card = Card(BacChip(MRZ))
    for _ in range(3):
        assert same_session(run(authenticate(MRZ), card.process), card)
    cryptograms = {each.data for each in card.commands if each.ins == INS.EXTERNAL_AUTHENTICATE}
    assert len(cryptograms) == 3


def test_a_wrong_mrz_is_refused_by_the_chip() -> None:
    card = Card(BacChip(MRZ))
    other = Password.from_mrz_information("L898902C<369080619406237")
    with pytest.raises(ChipRefusalError) as caught:
        run(authenticate(other), card.process)
    assert caught.value.sw == SW.AUTHENTICATION_FAILED
    assert "L898902C" not in str(caught.value)
    assert card.opened is None


def test_a_challenge_is_valid_for_one_attempt() -> None:
    card = Card(BacChip(MRZ))
    run(authenticate(MRZ), card.process)
    replayed = card.commands[1].encode()
    assert ResponseAPDU.decode(card.process(replayed)).sw == SW.CONDITIONS_NOT_SATISFIED
    card.bac.challenge()
    assert ResponseAPDU.decode(card.process(replayed)).sw == SW.AUTHENTICATION_FAILED


@pytest.mark.parametrize("size", [0, 39, 41, 256])
def test_the_chip_refuses_data_of_another_length(size: int) -> None:
    chip = BacChip(MRZ)
    chip.challenge()
    with pytest.raises(ChipRefusalError) as caught:
        chip.authenticate(bytes(size))
    assert caught.value.sw == SW.WRONG_LENGTH


@pytest.mark.parametrize("more", [-8, 8, 16])
def test_the_terminal_refuses_a_longer_or_shorter_answer_with_a_correct_mac(more: int) -> None:
    k_enc, k_mac = MRZ.basic_access_keys()
    card = Card(BacChip(MRZ))

    def change(command: CommandAPDU, response: ResponseAPDU) -> ResponseAPDU:
        if command.ins != INS.EXTERNAL_AUTHENTICATE:
            return response
        plain = Cipher.TDES.decrypt_cbc(k_enc, bytes(8), response.data[:32])
        plain = plain[:more] if more < 0 else plain + bytes(more)
        encrypted = Cipher.TDES.encrypt_cbc(k_enc, bytes(8), plain)
        return ResponseAPDU(encrypted + Cipher.TDES.mac(k_mac, encrypted))

    with pytest.raises(ProtocolError):
        run(authenticate(MRZ), ChangingResponses(card, change).process)


@pytest.mark.parametrize("position", range(0, 40, 3))
def test_the_chip_refuses_a_changed_octet(position: int) -> None:
    card = Card(BacChip(MRZ))

    def meddle(command: CommandAPDU) -> CommandAPDU:
        data = command.data
        if command.ins != INS.EXTERNAL_AUTHENTICATE:
            return command
        changed = data[:position] + bytes((data[position] ^ 1,)) + data[position + 1 :]
        return replace(command, data=changed)

    with pytest.raises(ChipRefusalError):
        run(authenticate(MRZ), ChangingCommands(card, meddle).process)


@pytest.mark.parametrize("sw", [0x6700, 0x6C28, 0x6C00])
def test_a_chip_that_requires_le_00_is_asked_again(sw: int) -> None:
    card = Card(BacChip(MRZ))

    another_le = every(
        instruction(INS.EXTERNAL_AUTHENTICATE), lambda command: command.ne != SHORT_MAX_LE
    )
    refusing = Refusing(card, another_le, sw)
    assert same_session(run(authenticate(MRZ), refusing.process), card)


def test_basic_access_control_needs_the_mrz() -> None:
    for password in (Password.can("123456"), Password.pin("123456"), Password.puk("1234567890")):
        with pytest.raises(MisuseError, match="needs the MRZ"):
            run(authenticate(password), Card(BacChip(MRZ)).process)


@pytest.mark.parametrize("challenge", ["", "00" * 7, "11" * 9, "00" * 8])
def test_a_challenge_that_is_not_a_nonce_is_refused(challenge: str) -> None:
    with pytest.raises(ProtocolError, match="not a nonce"):
        run(authenticate(MRZ), lambda _: bytes.fromhex(challenge) + b"\x90\x00")


def test_passwords() -> None:
    assert [
        each.type for each in (MRZ, Password.can("1"), Password.pin("1"), Password.puk("1"))
    ] == [*PasswordType]
    assert Password.can("123456").secret.reveal() == b"123456"
    for make in (Password.can, Password.pin, Password.puk):
        for text in ("", "12☃"):
            with pytest.raises(MisuseError) as caught:
                make(text)
            assert "12" not in str(caught.value)
    with pytest.raises(MisuseError) as caught:
        Password.from_mrz_information("GEHEIMÄ")
    assert "GEHEIM" not in str(caught.value)
    assert "123456" not in repr(Password.can("123456"))
