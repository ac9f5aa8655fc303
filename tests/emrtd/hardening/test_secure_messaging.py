"""Errors about secure messaging and Basic Access Control that were found in other readers."""

from collections.abc import Callable

import pytest

from emrtd import tlv
from emrtd.access.bac import BacChip, authenticate
from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import Cipher, pad
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.crypto.session_ciphers import SessionCipher
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import Procedure, run
from emrtd.iso7816.reading import FileAddress, FileReader
from emrtd.iso7816.secure_messaging import (
    BareResponseError,
    SecureMessaging,
    SecureMessagingError,
    secured,
)
from emrtd.status_words import SW
from tests.helpers import damaged
from vsmartcard.card.conditions import extended
from vsmartcard.card.function_card import FunctionCard, in_turn
from vsmartcard.card.layers import Refusing

every_cipher = pytest.mark.parametrize("cipher", Cipher)
READ = CommandAPDU(0x00, 0xB0, ne=8)
MRZ = Password.from_mrz_information("L898902C<369080619406236")


def session(cipher: Cipher) -> SecureMessaging:
    return SecureMessaging(cipher, *derive_session_keys(b"shared secret", cipher))


def answer_to(cipher: Cipher, change: Callable[[SecureMessaging, ResponseAPDU], ResponseAPDU]):
    """Return what the terminal reads from a changed answer to READ BINARY."""
    terminal, chip = session(cipher), session(cipher)
    chip.unprotect_command(terminal.protect_command(READ))
    response = change(chip, chip.protect_response(ResponseAPDU(b"eight...")))
    return terminal.unprotect_response(response)


def sealed(chip: SecureMessaging, *objects: bytes, sw: int = SW.OK) -> ResponseAPDU:
    """Make a response with these data objects and a correct MAC."""
    data = b"".join(objects)
    return ResponseAPDU(data + tlv.encode(0x8E, chip._mac(b"", data)), sw)


@every_cipher
@pytest.mark.parametrize("position", [-1, -8, 3, 8])
def test_a_changed_octet_of_mac_or_cryptogram_is_refused(cipher: Cipher, position: int) -> None:
    def change(_: SecureMessaging, response: ResponseAPDU) -> ResponseAPDU:
        data = bytearray(response.data)
        data[position] ^= 1
        return ResponseAPDU(bytes(data), response.sw)

    with pytest.raises(SecureMessagingError, match="MAC is wrong"):
        answer_to(cipher, change)


@every_cipher
def test_the_mac_is_checked_before_anything_is_decrypted(
    cipher: Cipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> bytes:
        raise AssertionError("decrypted before the MAC was verified")

    monkeypatch.setattr(SessionCipher, "decrypt_cbc", never)
    with pytest.raises(SecureMessagingError, match="MAC is wrong"):
        answer_to(cipher, lambda _, r: ResponseAPDU(damaged(r.data), r.sw))


@every_cipher
@pytest.mark.parametrize("size", [0, 4, 7, 16])
def test_a_mac_of_another_length_is_refused(cipher: Cipher, size: int) -> None:
    def change(_: SecureMessaging, response: ResponseAPDU) -> ResponseAPDU:
        mac = (response.data[-8:] * 2)[:size]
        return ResponseAPDU(response.data[:-10] + tlv.encode(0x8E, mac), response.sw)

    with pytest.raises(SecureMessagingError):
        answer_to(cipher, change)


@every_cipher
def test_a_missing_mac_is_refused(cipher: Cipher) -> None:
    with pytest.raises(SecureMessagingError, match="8E"):
        answer_to(cipher, lambda _, r: ResponseAPDU(r.data[:-10], r.sw))


@every_cipher
@pytest.mark.parametrize("sw", [0x9000, 0x6700, 0x6982, 0x6988, 0x6F00, 0x6282, 0x63C0])
def test_a_bare_status_word_is_refused_inside_a_session(cipher: Cipher, sw: int) -> None:
    with pytest.raises(BareResponseError) as caught:
        answer_to(cipher, lambda _, __: ResponseAPDU(b"", sw))
    assert caught.value.sw == sw


@every_cipher
def test_bare_data_is_refused_inside_a_session(cipher: Cipher) -> None:
    with pytest.raises(SecureMessagingError):
        answer_to(cipher, lambda _, __: ResponseAPDU(b"eight...", 0x9000))


@every_cipher
def test_a_status_word_that_differs_from_do_99_is_refused(cipher: Cipher) -> None:
    with pytest.raises(SecureMessagingError, match="DO 99"):
        answer_to(cipher, lambda _, r: ResponseAPDU(r.data, 0x6282))


@every_cipher
def test_a_status_word_without_do_99_is_refused(cipher: Cipher) -> None:
    with pytest.raises(SecureMessagingError, match="DO 99"):
        answer_to(cipher, lambda chip, r: sealed(chip, r.data[:-14]))


@every_cipher
@pytest.mark.parametrize(
    "extra",
    ["990290 00", "8502 0000", "8102 4141", "B300", "970100", "87020100", "5301AA"],
)
def test_unknown_and_duplicate_data_objects_are_refused(cipher: Cipher, extra: str) -> None:
    with pytest.raises(SecureMessagingError):
        answer_to(cipher, lambda chip, r: sealed(chip, bytes.fromhex(extra), r.data[:-10]))


@every_cipher
def test_octets_after_the_mac_are_refused(cipher: Cipher) -> None:
    for trailing in (b"\x00", b"\x99\x02\x90\x00", b"\x8e\x08" + bytes(8)):
        with pytest.raises(SecureMessagingError):
            answer_to(cipher, lambda _, r, more=trailing: ResponseAPDU(r.data + more, r.sw))


@every_cipher
@pytest.mark.parametrize("value", ["", "01", "0141", "00" + "11" * 16, "01" + "11" * 15])
def test_an_invalid_cryptogram_is_refused(cipher: Cipher, value: str) -> None:
    cryptogram = tlv.encode(0x87, bytes.fromhex(value))
    with pytest.raises(SecureMessagingError):
        answer_to(cipher, lambda chip, r: sealed(chip, cryptogram, r.data[-14:-10]))


@every_cipher
def test_wrong_padding_is_refused(cipher: Cipher) -> None:
    def change(chip: SecureMessaging, response: ResponseAPDU) -> ResponseAPDU:
        unpadded = bytes(range(1, cipher.block_size + 1))
        encrypted = cipher.encrypt_cbc(chip._ks_enc, chip._iv, unpadded)
        return sealed(chip, tlv.encode(0x87, b"\x01", encrypted), response.data[-14:-10])

    with pytest.raises(SecureMessagingError, match="padding"):
        answer_to(cipher, change)


@every_cipher
def test_a_response_of_another_command_is_refused(cipher: Cipher) -> None:
    terminal, chip = session(cipher), session(cipher)
    chip.unprotect_command(terminal.protect_command(READ))
    first = chip.protect_response(ResponseAPDU(b"first"))
    assert terminal.unprotect_response(first).data == b"first"
    terminal.protect_command(READ)
    with pytest.raises(SecureMessagingError, match="MAC is wrong"):
        terminal.unprotect_response(first)


@every_cipher
def test_a_command_echoed_back_is_refused(cipher: Cipher) -> None:
    terminal = session(cipher)
    command = terminal.protect_command(CommandAPDU(0x00, 0xA4, 0x02, 0x0C, b"\x01\x1e"))
    with pytest.raises(SecureMessagingError):
        terminal.unprotect_response(ResponseAPDU(command.data, 0x9000))


@every_cipher
@pytest.mark.parametrize("bare", [0x6700, 0x6C10])
def test_a_bare_wrong_length_does_not_desynchronise_the_counter(cipher: Cipher, bare: int) -> None:
    """Some chips refuse an extended READ BINARY before they process secure messaging."""
    terminal, chip = session(cipher), session(cipher)

    card = Refusing(FunctionCard(lambda _: b"short", chip), extended, bare)

    def reader() -> Procedure[bytes]:
        try:
            response = yield CommandAPDU(0x00, 0xB0, ne=4096)
        except BareResponseError:
            response = yield CommandAPDU(0x00, 0xB0, ne=5)
        return response.data

    assert run(secured(reader(), terminal), card.process) == b"short"


@every_cipher
@pytest.mark.parametrize("counted", [False, True])
def test_reading_continues_after_a_bare_6700(cipher: Cipher, counted: bool) -> None:
    """If the chip has ended the session, every later response is refused."""
    terminal, chip = session(cipher), session(cipher)
    content = tlv.encode(0x61, bytes(range(250)) * 4)

    def read(plain: CommandAPDU) -> bytes:
        offset = plain.p2 if plain.p1 & 0x80 else plain.p1 << 8 | plain.p2
        return content[offset : offset + (plain.ne or 0)]

    class Counting(Refusing):
        """Increments the chip's counter at each refusal; a wrong command ends the session."""

        ended = b""

        def process(self, octets: bytes) -> bytes:
            if counted and extended(CommandAPDU.decode(octets)):
                chip.ssc += 1
            try:
                return self.ended or super().process(octets)
            except SecureMessagingError as error:
                self.ended = error.sw.to_bytes(2, "big")
                return self.ended

    card = Counting(FunctionCard(read, chip), extended, SW.WRONG_LENGTH)
    reader = FileReader(4096, cipher.block_size)
    procedure = secured(reader.read(FileAddress("DG1", 0x0101, 0x01)), terminal)
    if counted:
        with pytest.raises(BareResponseError):
            run(procedure, card.process)
    else:
        assert run(procedure, card.process) == content


# --- the chip's side -----------------------------------------------------------------------------


@every_cipher
def test_the_chip_answers_a_wrong_command_with_its_status_word(cipher: Cipher) -> None:
    good = session(cipher).protect_command(CommandAPDU(0x00, 0xD6, data=b"data", ne=5))
    objects = list(tlv.read_all(good.data, "test"))
    encoded = [tlv.encode(each.tag, each.value) for each in objects]
    missing, incorrect = SW.SM_DATA_OBJECT_MISSING, SW.SM_DATA_OBJECT_INCORRECT
    cases = {
        b"".join(encoded[:-1]): missing,
        b"": missing,
        damaged(good.data): incorrect,
        encoded[1] + encoded[0] + encoded[2]: incorrect,
        good.data[:-1]: incorrect,
        good.data + b"\x00": incorrect,
    }
    for data, sw in cases.items():
        with pytest.raises(SecureMessagingError) as caught:
            session(cipher).unprotect_command(CommandAPDU(0x0C, 0xD6, data=data, ne=256))
        assert caught.value.sw == sw
    for header in ((0x0C, 0xD6, 0x00, 0x01), (0x0C, 0xB0, 0, 0), (0x1C, 0xD6, 0, 0)):
        with pytest.raises(SecureMessagingError, match="MAC is wrong"):
            session(cipher).unprotect_command(CommandAPDU(*header, data=good.data, ne=256))


@every_cipher
def test_a_plain_command_inside_a_session_is_refused(cipher: Cipher) -> None:
    for cla in (0x00, 0x04, 0x08, 0x80):
        with pytest.raises(SecureMessagingError, match="plain"):
            session(cipher).unprotect_command(CommandAPDU(cla, 0xB0, ne=4))


@every_cipher
@pytest.mark.parametrize(
    ("ins", "objects"),
    [(0xB1, ["87"]), (0xD6, ["85"]), (0xD6, ["87", "85"]), (0xB0, ["99"]), (0xB0, ["97000000"])],
)
def test_data_objects_that_do_not_fit_the_command_are_refused(
    cipher: Cipher, ins: int, objects: list[str]
) -> None:
    terminal, chip = session(cipher), session(cipher)
    terminal._begin_command(CommandAPDU(0x00, ins))
    encrypted = cipher.encrypt_cbc(terminal._ks_enc, terminal._iv, pad(b"", cipher.block_size))
    made = {
        "85": tlv.encode(0x85, encrypted),
        "87": tlv.encode(0x87, b"\x01", encrypted),
        "99": b"\x99\x02\x90\x00",
        "97000000": b"\x97\x03\x00\x00\x00",
    }
    data = b"".join(made[name] for name in objects)
    header = bytes((0x0C, ins, 0, 0))
    data += tlv.encode(0x8E, terminal._mac(header, data))
    with pytest.raises(SecureMessagingError) as caught:
        chip.unprotect_command(CommandAPDU(*header, data=data, ne=256))
    assert caught.value.sw == SW.SM_DATA_OBJECT_INCORRECT
    assert "MAC" not in str(caught.value)


# --- Basic Access Control ------------------------------------------------------------------------


def run_bac(change: Callable[[bytes, bytes], bytes]) -> SecureMessaging:
    """Run BAC with a chip whose answer is changed; `change` gets command and answer."""
    chip = BacChip(MRZ)

    def answer(command: CommandAPDU) -> bytes:
        if command.ins == INS.GET_CHALLENGE:
            return chip.challenge()
        return change(command.data, chip.authenticate(command.data)[0])

    return run(authenticate(MRZ), FunctionCard(answer).process)


def resealed(answer: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return the answer with its plain text changed, encrypted with the correct keys."""
    k_enc, k_mac = MRZ.basic_access_keys()
    plain = change(Cipher.TDES.decrypt_cbc(k_enc, bytes(8), answer[:-8]))
    encrypted = Cipher.TDES.encrypt_cbc(k_enc, bytes(8), plain)
    return encrypted + Cipher.TDES.mac(k_mac, encrypted)


@pytest.mark.parametrize("position", [0, 31, 32, 39])
def test_bac_the_checksum_of_the_chip_is_checked(position: int) -> None:
    def change(_: bytes, answer: bytes) -> bytes:
        return answer[:position] + bytes((answer[position] ^ 1,)) + answer[position + 1 :]

    with pytest.raises(ProtocolError, match=r"M\.IC"):
        run_bac(change)


@pytest.mark.parametrize("size", [0, 8, 16, 32, 39, 41])
def test_bac_an_answer_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError, match=r"M\.IC"):
        run_bac(lambda _, answer: (answer * 2)[:size])


def test_bac_requires_both_nonces_in_the_answer() -> None:
    change = {8: r"RND\.IFD", 15: r"RND\.IFD", 0: r"RND\.IC", 7: r"RND\.IC"}
    for position, name in change.items():

        def flip(plain: bytes, at: int = position) -> bytes:
            return plain[:at] + bytes((plain[at] ^ 1,)) + plain[at + 1 :]

        with pytest.raises(ProtocolError, match=name):
            run_bac(lambda _, answer, flip=flip: resealed(answer, flip))


def test_bac_the_terminals_own_cryptogram_echoed_back_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"RND\.IFD"):
        run_bac(lambda command, _: command)


def test_bac_nonces_are_drawn_from_random() -> None:
    sizes: list[int] = []

    def random(size: int) -> bytes:
        sizes.append(size)
        return bytes(range(size))

    chip = BacChip(MRZ)

    def answer(command: CommandAPDU) -> bytes:
        if command.ins == INS.GET_CHALLENGE:
            return chip.challenge()
        return chip.authenticate(command.data)[0]

    card = FunctionCard(answer)
    run(authenticate(MRZ, random=random), card.process)
    k_enc, _ = MRZ.basic_access_keys()
    plain = Cipher.TDES.decrypt_cbc(k_enc, bytes(8), card.commands[1].data[:-8])
    assert sizes == [8, 16]
    assert plain[:8] == bytes(range(8))
    assert plain[16:] == bytes(range(16))


@pytest.mark.parametrize("sw", [0x6300, 0x6982, 0x6988, 0x6F00])
def test_bac_a_refusal_is_never_a_session(sw: int) -> None:
    card = FunctionCard(in_turn([b"challeng", *[ResponseAPDU(bytes(40), sw)] * 3]))
    with pytest.raises(ChipRefusalError):
        run(authenticate(MRZ), card.process)
