from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emrtd import tlv
from emrtd.crypto.ciphers import Cipher, pad
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import command_capacity
from emrtd.iso7816.procedure import exchange, run
from emrtd.iso7816.secure_messaging import (
    BareResponseError,
    SecureMessaging,
    SecureMessagingError,
    secured,
)
from emrtd.status_words import SW
from support.errors import MalformedError
from support.secret import Secret
from tests.helpers import facts
from vsmartcard.card.function_card import FunctionCard


def session(cipher: Cipher = Cipher.AES128, ssc: int = 0) -> SecureMessaging:
    return SecureMessaging(cipher, *derive_session_keys(b"shared secret", cipher), ssc)


def appendix_d() -> tuple[list[list[str]], Callable[[], SecureMessaging]]:
    example = facts("vectors/bac_3des_sm_9303-11_D.json")
    keys = [Secret(bytes.fromhex(example["bac"][name])) for name in ("KSEnc", "KSMAC")]
    columns = ("plain_command", "protected_command", "plain_response", "protected_response")
    exchanges = [[each[column] for column in columns] for each in example["secure_messaging"]]
    ssc = int(example["bac"]["SSC"], 16)
    return exchanges, lambda: SecureMessaging(Cipher.TDES, *keys, ssc)


def aes_256() -> tuple[list[list[str]], Callable[[], SecureMessaging]]:
    example = facts("vectors/sm_aes256_ef_com.json")
    keys = [Secret(bytes.fromhex(example[name])) for name in ("KSenc", "KSmac")]
    exchanges = []
    for each in example["exchanges"]:
        header = bytes.fromhex(each["command_header"])
        data = bytes.fromhex(each["command_data"] or "")
        command = CommandAPDU(0x00, *header[1:], data, each["Le"])
        plain_response = each["response_data"] + each["sw"]
        exchanges.append(
            [
                command.encode().hex(),
                each["protected_command"],
                plain_response,
                each["protected_response"],
            ]
        )
    ssc = int(example["initial_ssc"], 16)
    return exchanges, lambda: SecureMessaging(Cipher.AES256, *keys, ssc)


@pytest.mark.parametrize("example", [appendix_d, aes_256])
def test_published_exchanges_in_both_roles(example) -> None:
    exchanges, make = example()
    terminal, chip_side = make(), make()
    assert len(exchanges) == 3
    for row in exchanges:
        plain, protected, plain_response, protected_response = map(bytes.fromhex, row)
        command = CommandAPDU.decode(plain)
        assert terminal.protect_command(command).encode() == protected
        assert chip_side.unprotect_command(CommandAPDU.decode(protected)) == command
        response = ResponseAPDU.decode(plain_response)
        assert chip_side.protect_response(response).encode() == protected_response
        assert terminal.unprotect_response(ResponseAPDU.decode(protected_response)) == response


def test_the_intermediate_values_of_the_examples() -> None:
    example = facts("vectors/bac_3des_sm_9303-11_D.json")
    ks_enc, ks_mac = (Secret(bytes.fromhex(example["bac"][name])) for name in ("KSEnc", "KSMAC"))
    for each in example["secure_messaging"]:
        for message, mac in (("N", "CC"), ("K", "CC_resp")):
            octets = bytes.fromhex(each[message])
            if len(octets) % 8:  # one value is printed without its padding
                octets = pad(octets, 8)
            assert Cipher.TDES.mac_padded(ks_mac, octets).hex().upper() == each[mac]
        if "data_padded" in each:
            padded = bytes.fromhex(each["data_padded"])
            encrypted = Cipher.TDES.encrypt_cbc(ks_enc, bytes(8), padded)
            assert encrypted.hex().upper() == each["encrypted"]

    example = facts("vectors/sm_aes256_ef_com.json")
    ks_enc, ks_mac = (Secret(bytes.fromhex(example[name])) for name in ("KSenc", "KSmac"))
    for each in example["exchanges"]:
        values = each["intermediate"]
        mac = Cipher.AES256.mac_padded(ks_mac, bytes.fromhex(values["mac_input"]))
        assert mac.hex().upper() == values["mac"]
        if "iv" in values:
            ssc = bytes.fromhex(each["ssc_command"])
            assert Cipher.AES256.encrypt_block(ks_enc, ssc).hex().upper() == values["iv"]


@pytest.mark.parametrize("name", ["ecdh", "dh"])
def test_cryptogram_and_mac_of_the_eac_worked_examples(name: str) -> None:
    pace = facts(f"vectors/eac2_worked_example_{name}.json")["PACE"]
    keys = [Secret(bytes.fromhex(pace[key])) for key in ("KSenc", "KSmac")]
    sample = pace["sm_sample_encrypt"]
    terminal = SecureMessaging(Cipher.AES128, *keys)
    command = CommandAPDU(0x00, 0x22, 0x81, 0xB6, bytes.fromhex(sample["plain"]))
    objects = tlv.read_all(terminal.protect_command(command).data, "test")
    assert objects.one(0x87).value.hex().upper() == "01" + sample["cipher"]
    response = bytes.fromhex(pace["sm_sample_mac"]["data"] + "8E08" + pace["sm_sample_mac"]["mac"])
    assert terminal.unprotect_response(ResponseAPDU(response)) == ResponseAPDU()


def test_a_recorded_active_authentication_inside_a_3des_session() -> None:
    example = facts("vectors/aa_rsa_extra.json")["rsa_session"]
    recorded = example["sm"]
    keys = [Secret(bytes.fromhex(recorded[name])) for name in ("KSenc", "KSmac")]
    terminal = SecureMessaging(Cipher.TDES, *keys, int(recorded["SSC_before"], 16))
    command = CommandAPDU(0x00, 0x88, data=bytes.fromhex(example["RND.IFD"]), ne=256)
    assert terminal.protect_command(command).encode().hex().upper() == recorded["command"]
    response = ResponseAPDU.decode(bytes.fromhex(recorded["response"]))
    assert terminal.unprotect_response(response).data.hex().upper() == example["signature"]


commands = st.builds(
    CommandAPDU,
    cla=st.sampled_from([0x00, 0x10, 0x80]),
    ins=st.integers(0, 255),
    p1=st.integers(0, 255),
    p2=st.integers(0, 255),
    data=st.one_of(st.binary(max_size=40), st.binary(min_size=200, max_size=700)),
    ne=st.one_of(st.none(), st.integers(1, 65536)),
    extended=st.booleans(),
)
responses = st.builds(
    ResponseAPDU,
    data=st.one_of(st.binary(max_size=40), st.binary(min_size=200, max_size=700)),
    sw=st.integers(0, 0xFFFF),
)


@pytest.mark.parametrize("cipher", Cipher)
@given(st.lists(st.tuples(commands, responses), min_size=1, max_size=3))
def test_both_roles_decrypt_what_the_other_protects(cipher: Cipher, exchanges) -> None:
    terminal, other = session(cipher), session(cipher)
    for command, response in exchanges:
        wire = CommandAPDU.decode(terminal.protect_command(command).encode())
        assert wire.cla == command.cla | 0x0C
        received = other.unprotect_command(wire)
        assert (received.header, received.data) == (command.header, command.data)
        assert received.ne == command.ne
        back = ResponseAPDU.decode(other.protect_response(response).encode())
        assert terminal.unprotect_response(back) == response


@pytest.mark.parametrize("cipher", Cipher)
def test_a_procedure_runs_inside_a_session(cipher: Cipher) -> None:
    command = CommandAPDU(0x00, 0xB0, 0x9E, 0x00, ne=8)
    seen = []

    def answer(received: CommandAPDU) -> ResponseAPDU:
        seen.append(received)
        return ResponseAPDU(b"eight...", SW.OK)

    response = run(
        secured(exchange(command), session(cipher)), FunctionCard(answer, session(cipher)).process
    )
    assert response == ResponseAPDU(b"eight...", SW.OK)
    assert seen == [command]


def test_a_refusal_is_protected_and_the_session_continues() -> None:
    terminal, other = session(), session()
    for sw in (SW.FILE_NOT_FOUND, SW.END_OF_FILE, 0x63C2, SW.OK):
        transmit = FunctionCard(lambda _, sw=sw: ResponseAPDU(b"", sw), other).process
        assert run(secured(exchange(CommandAPDU(0, 0xB0, ne=1)), terminal), transmit).sw == sw


def test_the_data_objects_of_each_case_are_those_of_the_standard() -> None:
    terminal = session()
    tags = [
        [each.tag for each in tlv.read_all(terminal.protect_command(command).data, "test")]
        for command in (
            CommandAPDU(0x00, 0xA4, 0x02, 0x0C, b"\x01\x1e"),
            CommandAPDU(0x00, 0xB0, ne=4),
            CommandAPDU(0x00, 0xB1, data=b"\x54\x01\x00", ne=4),
            CommandAPDU(0x00, 0x44),
        )
    ]
    assert tags == [[0x87, 0x8E], [0x97, 0x8E], [0x85, 0x97, 0x8E], [0x8E]]


@pytest.mark.parametrize(
    ("ne", "extended", "coded", "new_le"),
    [
        (4, False, "04", 256),
        (256, False, "00", 256),
        (4, True, "0004", 65536),
        (257, False, "0101", 65536),
        (65536, False, "0000", 65536),
    ],
)
def test_le_is_protected_and_replaced(ne: int, extended: bool, coded: str, new_le: int) -> None:
    command = session().protect_command(CommandAPDU(0x00, 0xB0, ne=ne, extended=extended))
    assert tlv.read_all(command.data, "test").one(0x97).value.hex() == coded
    assert command.ne == new_le


def test_odd_ins_has_no_padding_indicator_and_its_data_objects_pass_through() -> None:
    terminal, other = session(), session()
    offset, content = b"\x54\x02\x80\x00", b"\x53\x04data"
    wire = terminal.protect_command(CommandAPDU(0x00, 0xB1, data=offset, ne=6))
    assert len(tlv.read_all(wire.data, "test").one(0x85).value) == 16
    assert other.unprotect_command(wire).data == offset
    back = other.protect_response(ResponseAPDU(content))
    assert len(tlv.read_all(back.data, "test").one(0x85).value) == 16
    assert terminal.unprotect_response(back).data == content


def test_the_send_sequence_counter_wraps() -> None:
    """After BAC, the counter starts with random octets of both sides, possibly all FF."""
    terminal, other = (session(Cipher.TDES, (1 << 64) - 1) for _ in range(2))
    transmit = FunctionCard(lambda _: ResponseAPDU(), other).process
    assert run(secured(exchange(CommandAPDU(0, 0xB0, ne=1)), terminal), transmit) == ResponseAPDU()


def test_the_repr_of_a_session_has_no_key() -> None:
    assert "shared" not in repr(session())
    assert session()._ks_enc.reveal().hex() not in repr(vars(session()))


@given(st.binary(max_size=60), st.integers(0, 0xFFFF))
def test_any_response_is_refused_and_nothing_else_is_raised(octets: bytes, sw: int) -> None:
    terminal = session()
    terminal.protect_command(CommandAPDU(0x00, 0xB0, ne=4))
    with pytest.raises(SecureMessagingError):
        terminal.unprotect_response(ResponseAPDU(octets, sw))


@given(st.binary(max_size=60))
def test_any_command_is_refused_and_nothing_else_is_raised(octets: bytes) -> None:
    try:
        command = CommandAPDU.decode(octets)
    except MalformedError:
        return
    with pytest.raises(SecureMessagingError) as caught:
        session().unprotect_command(command)
    try:
        objects = list(tlv.read_all(command.data, "data field"))
    except MalformedError:
        has_mac = True  # no data objects at all
    else:
        has_mac = bool(objects) and objects[-1].tag == 0x8E
    protected = command.cla & 0x0C == 0x0C
    incorrect = protected and has_mac
    assert caught.value.sw == (
        SW.SM_DATA_OBJECT_INCORRECT if incorrect else SW.SM_DATA_OBJECT_MISSING
    )


@pytest.mark.parametrize("cipher", Cipher)
def test_the_capacity_of_a_short_command_is_exact(cipher: Cipher) -> None:
    size = command_capacity(cipher.block_size)
    for more in (0, 1):
        command = CommandAPDU(0x00, 0x2A, 0x00, 0xBE, bytes(size + more), ne=256)
        assert session(cipher).protect_command(command).is_extended is bool(more)
    assert command_capacity(None) == 255


# --- rules that no published exchange shows ------------------------------------------------------


def sealed(chip: SecureMessaging, objects: bytes, command: CommandAPDU | None = None) -> bytes:
    """Return data objects with a correct MAC, for the next command or response of a session."""
    chip.ssc += 1
    header = b"" if command is None else command.header
    made = objects + tlv.encode(0x8E, chip._mac(header, objects))
    chip.ssc -= 1
    return made


TWICE = tlv.encode(0x97, b"\x01") * 2
ANSWERED = tlv.encode(0x99, b"\x90\x00")


@pytest.mark.parametrize("cipher", Cipher)
@pytest.mark.parametrize(
    ("objects", "says"),
    [
        (ANSWERED * 2, "occurs twice"),
        (tlv.encode(0x97, b"\x01") + ANSWERED, "not allowed here"),
        (tlv.encode(0x87, b"\x02" + bytes(16)) + ANSWERED, "no padding indicator"),
        (tlv.encode(0x87, bytes(16)) + ANSWERED, "no padding indicator"),
        (tlv.encode(0x87, b"\x01") + ANSWERED, "whole blocks"),
        (tlv.encode(0x87, b"\x01" + bytes(15)) + ANSWERED, "whole blocks"),
        (tlv.encode(0x85, b"") + ANSWERED, "whole blocks"),
        (tlv.encode(0x85, bytes(16)) + tlv.encode(0x87, b"\x01" + bytes(16)) + ANSWERED, "both"),
        (b"", "DO 99 is missing"),
        (tlv.encode(0x99, b"\x62\x82"), "not the status word"),
    ],
)
def test_a_response_with_a_correct_mac_and_wrong_objects_is_refused(
    cipher: Cipher, objects: bytes, says: str
) -> None:
    terminal, chip = session(cipher), session(cipher)
    chip.unprotect_command(terminal.protect_command(CommandAPDU(0x00, 0xB0, ne=4)))
    response = ResponseAPDU(sealed(chip, objects), SW.OK)
    with pytest.raises(SecureMessagingError, match=says):
        terminal.unprotect_response(response)


@pytest.mark.parametrize(
    ("ins", "objects", "says"),
    [
        (0xB0, TWICE, "occurs twice"),
        (0xB0, ANSWERED, "not allowed here"),
        (0xB0, tlv.encode(0x85, bytes(16)), "not allowed here"),
        (0xB1, tlv.encode(0x87, b"\x01" + bytes(16)), "not allowed here"),
        (0xB0, tlv.encode(0x97, bytes(3)), "more than two octets"),
    ],
)
def test_a_command_with_a_correct_mac_and_wrong_objects_is_refused(
    ins: int, objects: bytes, says: str
) -> None:
    chip = session()
    command = CommandAPDU(0x0C, ins)
    command = CommandAPDU(0x0C, ins, data=sealed(chip, objects, command), ne=256)
    with pytest.raises(SecureMessagingError, match=says):
        chip.unprotect_command(command)


@pytest.mark.parametrize(("le", "ne"), [("00", 256), ("01", 1), ("0000", 65536), ("0001", 1)])
def test_le_of_one_or_two_octets_is_read(le: str, ne: int) -> None:
    chip = session()
    objects = tlv.encode(0x97, bytes.fromhex(le))
    command = CommandAPDU(0x0C, 0xB0, data=sealed(chip, objects, CommandAPDU(0x0C, 0xB0)), ne=256)
    assert chip.unprotect_command(command).ne == ne


@pytest.mark.parametrize("cipher", Cipher)
def test_the_initialisation_vector(cipher: Cipher) -> None:
    """Zeros for 3DES (9.8.6.1); the encrypted send sequence counter for AES (9.8.7.1)."""
    ks_enc, _ = derive_session_keys(b"shared secret", cipher)
    command = session(cipher).protect_command(CommandAPDU(0x00, 0xA4, 2, 12, b"\x01\x1e"))
    cryptogram = tlv.read_all(command.data, "test").one(0x87).value[1:]
    size = cipher.block_size
    iv = bytes(size)
    if cipher is not Cipher.TDES:
        iv = cipher.encrypt_block(ks_enc, (1).to_bytes(size, "big"))
    assert cipher.decrypt_cbc(ks_enc, iv, cryptogram) == pad(b"\x01\x1e", size)


@pytest.mark.parametrize(("size", "extended"), [(239, False), (240, True)])
def test_a_protected_command_is_extended_when_its_data_no_longer_fit(
    size: int, extended: bool
) -> None:
    command = session().protect_command(CommandAPDU(0x00, 0xD6, data=bytes(size)))
    assert (len(command.data) > 255) is extended
    assert command.is_extended is extended
    assert command.ne == (65536 if extended else 256)


@pytest.mark.parametrize(
    ("extended", "sw", "counter"),
    [
        (True, 0x6700, 0),
        (True, 0x6C10, 0),
        (True, 0x6988, 2),
        (False, 0x6700, 2),
        (False, 0x6C10, 2),
    ],
)
def test_a_bare_answer_counts_unless_it_refuses_the_length_of_an_extended_command(
    extended: bool, sw: int, counter: int
) -> None:
    """Such a chip has not processed the command, and has not counted it."""
    terminal = session()
    terminal.protect_command(CommandAPDU(0x00, 0xB0, ne=4, extended=extended))
    with pytest.raises(BareResponseError) as caught:
        terminal.unprotect_response(ResponseAPDU(b"", sw))
    assert caught.value.sw == sw
    following = session(ssc=counter)
    assert following.unprotect_command(terminal.protect_command(CommandAPDU(0, 0xB0, ne=1))).ne == 1
