"""Every intermediate value that the published examples print, computed by both roles.

`Watched` records the inputs of the ciphers while a session runs, so that the printed messages are
compared with those of the product code, not with messages made for a test.
A value that a file marks as misprinted is compared in its corrected form.
"""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

import pytest

from emrtd import tlv
from emrtd.access import active_authentication
from emrtd.access.bac import BacChip, authenticate
from emrtd.access.passwords import Password
from emrtd.asn1 import der
from emrtd.crypto import iso9796
from emrtd.crypto.ciphers import Cipher, pad
from emrtd.crypto.domain_parameters import decode_agreement_key
from emrtd.crypto.hashes import Hash
from emrtd.crypto.session_ciphers import SessionCipher
from emrtd.crypto.signatures import RsaPublicKey
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.procedure import run
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.security.security_infos import ChipAuthenticationPublicKeyInfo
from emrtd.mrz import Mrz
from support.secret import Secret
from tests.emrtd.access.test_bac import Card, sequence
from tests.helpers import facts
from vsmartcard.card.function_card import FunctionCard, in_turn


def octets(text: str | None) -> bytes:
    return bytes.fromhex(text or "")


@dataclass
class Watched:
    """The inputs and outputs of the ciphers, in order."""

    macs: list[tuple[bytes, bytes]] = field(default_factory=list)
    encrypted: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    decrypted: list[tuple[bytes, bytes]] = field(default_factory=list)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    seen = Watched()
    mac, encrypt, decrypt = Cipher.mac_padded, Cipher.encrypt_cbc, Cipher.decrypt_cbc

    def watch_mac(self: Cipher, key: Secret, data: bytes) -> bytes:
        seen.macs.append((data, mac(self, key, data)))
        return seen.macs[-1][1]

    def watch_encrypt(self: Cipher, key: Secret, iv: bytes, data: bytes) -> bytes:
        seen.encrypted.append((iv, data, encrypt(self, key, iv, data)))
        return seen.encrypted[-1][2]

    def watch_decrypt(self: Cipher, key: Secret, iv: bytes, data: bytes) -> bytes:
        seen.decrypted.append((data, decrypt(self, key, iv, data)))
        return seen.decrypted[-1][1]

    monkeypatch.setattr(Cipher, "mac_padded", watch_mac)
    monkeypatch.setattr(Cipher, "encrypt_cbc", watch_encrypt)
    monkeypatch.setattr(Cipher, "decrypt_cbc", watch_decrypt)
    keyed_mac, keyed_encrypt = SessionCipher.mac_padded, SessionCipher.encrypt_cbc

    def watch_keyed_mac(self: SessionCipher, data: bytes) -> bytes:
        seen.macs.append((data, keyed_mac(self, data)))
        return seen.macs[-1][1]

    def watch_keyed_encrypt(self: SessionCipher, iv: bytes, data: bytes) -> bytes:
        seen.encrypted.append((iv, data, keyed_encrypt(self, iv, data)))
        return seen.encrypted[-1][2]

    monkeypatch.setattr(SessionCipher, "mac_padded", watch_keyed_mac)
    monkeypatch.setattr(SessionCipher, "encrypt_cbc", watch_keyed_encrypt)
    return seen


def clear(watched: Watched) -> None:
    watched.macs.clear()
    watched.encrypted.clear()
    watched.decrypted.clear()


# --- Doc 9303-11, appendix D: BAC and secure messaging with 3DES ----------------------------------


def appendix_d() -> dict[str, Any]:
    example: dict[str, Any] = facts("vectors/bac_3des_sm_9303-11_D.json")
    return example


@pytest.mark.parametrize("name", ["enc", "mac"])
def test_key_derivation_step_by_step(name: str) -> None:
    """D.1: D = Kseed || c, its hash, and the two halves before and after their parity is set."""
    example = appendix_d()["key_derivation"]
    step = example[name]
    d = octets(example["Kseed"]) + octets(step["c"])
    assert d.hex().upper() == step["D"]
    digest = sha1(d).digest()
    assert digest.hex().upper() == step["sha1"]
    assert digest[:8].hex().upper() == step["Ka_raw"]
    assert digest[8:16].hex().upper() == step["Kb_raw"]
    for half in ("Ka", "Kb"):
        before, after = octets(step[f"{half}_raw"]), octets(step[half])
        assert all(a & 0xFE == b & 0xFE for a, b in zip(before, after, strict=True))
        assert all(octet.bit_count() % 2 for octet in after)


@pytest.mark.parametrize("index", range(4))
def test_the_mrz_of_every_layout(index: int) -> None:
    """D.2: fields and check digits; of two zones the composite digit is misprinted."""
    example = appendix_d()["mrz_information"][index]
    zone = Mrz.parse("".join(example["mrz"]))
    assert zone.lines == tuple(example["mrz"])
    assert [len(line) for line in zone.lines] == example["line_lengths"]
    assert zone.information == example["MRZ_information"]
    fields = ("document_number", "date_of_birth", "date_of_expiry")
    assert example["MRZ_information"] == "".join(
        f"{example[each]}{example[f'cd_{each}']}" for each in fields
    )
    assert zone.document_number == example["document_number"].rstrip("<")
    assert (zone.date_of_birth, zone.date_of_expiry) == (
        example["date_of_birth"], example["date_of_expiry"],
    )  # fmt: skip
    composite = zone.check_digits()[-1]
    assert composite.printed == str(example["composite_cd_printed"])
    assert composite.computed == str(example["composite_cd_computed"])
    assert (composite.printed == composite.computed) is example["composite_ok"]


def test_bac_step_by_step(watched: Watched) -> None:
    """D.3: the messages that both sides encrypt and authenticate, and the session keys' seed."""
    example = appendix_d()
    keys, bac = example["keys"], example["bac"]
    password = Password.from_mrz_information(keys["mrz_information"])
    assert password.secret.reveal()[:16].hex().upper() == keys["Kseed"]
    card = Card(BacChip(password, random=sequence(bac["RND_IC"], bac["K_IC"])))
    session = run(
        authenticate(password, random=sequence(bac["RND_IFD"], bac["K_IFD"])), card.process
    )
    for side in (session, card.opened):
        assert side is not None
        assert side.ssc == int(bac["SSC"], 16)

    terminal, chip = ((octets(bac[f"E_{who}"]), octets(bac[f"M_{who}"])) for who in ("IFD", "IC"))
    assert [(plain, made) for _, plain, made in watched.encrypted] == [
        (octets(bac["S"]), terminal[0]), (octets(bac["R"]), chip[0]),
    ]  # fmt: skip
    assert watched.decrypted == [(terminal[0], octets(bac["S"])), (chip[0], octets(bac["R"]))]
    assert watched.macs == [  # one side computes each, the other verifies it
        (pad(terminal[0], 8), terminal[1]), (pad(terminal[0], 8), terminal[1]),
        (pad(chip[0], 8), chip[1]), (pad(chip[0], 8), chip[1]),
    ]  # fmt: skip
    seed = bytes(a ^ b for a, b in zip(octets(bac["K_IC"]), octets(bac["K_IFD"]), strict=True))
    assert seed.hex().upper() == bac["Kseed_session"]


def test_3des_secure_messaging_step_by_step(watched: Watched) -> None:
    """D.4: header, data objects, N and K (SSC and message), and every counter, in both roles."""
    example = appendix_d()
    keys = [Secret(octets(example["bac"][name])) for name in ("KSEnc", "KSMAC")]
    ssc = int(example["bac"]["SSC"], 16)
    terminal, chip = (SecureMessaging(Cipher.TDES, *keys, ssc) for _ in range(2))
    content = b""
    for each in example["secure_messaging"]:
        clear(watched)
        command = CommandAPDU.decode(octets(each["plain_command"]))
        protected = terminal.protect_command(command)
        assert protected.encode().hex().upper() == each["protected_command"]
        assert pad(protected.header, 8).hex().upper() == each["cmd_header"]
        objects = tlv.read_all(protected.data, "data field")
        said = [tlv.encode(one.tag, one.value).hex().upper() for one in objects]
        assert said == [each[name] for name in ("DO87", "DO97", "DO8E") if name in each]
        message = pad(protected.header, 8) + protected.data[:-10]
        assert message.hex().upper() == each["M"]
        if "data_padded" in each:
            assert watched.encrypted == [
                (bytes(8), octets(each["data_padded"]), octets(each["encrypted"]))
            ]
        assert terminal.ssc == int(each["SSC_cmd"], 16)
        assert chip.unprotect_command(protected) == command
        n = (octets(each["N"]), octets(each["CC"]))
        assert watched.macs == [n, n]

        clear(watched)
        response = ResponseAPDU.decode(octets(each["plain_response"]))
        answer = chip.protect_response(response)
        assert answer.encode().hex().upper() == each["protected_response"]
        assert terminal.unprotect_response(answer) == response
        assert terminal.ssc == chip.ssc == int(each["SSC_resp"], 16)
        printed = octets(each["K"])
        if "K_note" in each:  # printed without its padding
            printed = pad(printed, 8)
        assert watched.macs == [(printed, octets(each["CC_resp"]))] * 2
        assert response.data.hex().upper() == each.get("decrypted", "")
        content += response.data
    assert content.hex().upper() == example["result_EF_COM"]


# --- secure messaging with AES --------------------------------------------------------------------


def test_aes_256_secure_messaging_step_by_step(watched: Watched) -> None:
    example = facts("vectors/sm_aes256_ef_com.json")
    assert example["algorithm"].startswith(Cipher.AES256.value)
    keys = [Secret(octets(example[name])) for name in ("KSenc", "KSmac")]
    ssc = int(example["initial_ssc"], 16)
    terminal, chip = (SecureMessaging(Cipher.AES256, *keys, ssc) for _ in range(2))
    content = b""
    for each in example["exchanges"]:
        clear(watched)
        header = octets(each["command_header"])
        command = CommandAPDU(0x00, *header[1:], octets(each["command_data"]), each["Le"])
        protected = terminal.protect_command(command)
        assert protected.header == header
        assert terminal.ssc == int(each["ssc_command"], 16)
        steps = each["intermediate"]
        assert watched.macs == [(octets(steps["mac_input"]), octets(steps["mac"]))]
        if "cryptogram" in steps:
            (_, counter, iv), (used, _, cryptogram) = watched.encrypted
            assert counter == octets(each["ssc_command"])
            assert iv == used == octets(steps["iv"])
            assert cryptogram == octets(steps["cryptogram"])
        assert chip.unprotect_command(protected) == command
        answer = chip.protect_response(
            ResponseAPDU(octets(each["response_data"]), int(each["sw"], 16))
        )
        assert answer.encode().hex().upper() == each["protected_response"]
        assert terminal.unprotect_response(answer).data == octets(each["response_data"])
        assert terminal.ssc == chip.ssc == int(each["ssc_response"], 16)
        content += octets(each["response_data"])
    assert example["file_read"] == f"EF.COM {content.hex().upper()}"


@pytest.mark.parametrize("name", ["ecdh", "dh"])
def test_the_first_exchange_after_pace_of_the_eac_worked_examples(name: str) -> None:
    """Cryptogram and MAC equal those of the counters 1 and 2, in both roles."""
    pace = facts(f"vectors/eac2_worked_example_{name}.json")["PACE"]
    keys = [Secret(octets(pace[key])) for key in ("KSenc", "KSmac")]
    terminal, chip = (SecureMessaging(Cipher.AES128, *keys) for _ in range(2))
    sample = pace["sm_sample_encrypt"]
    command = CommandAPDU(0x00, 0x22, 0x81, 0xB6, octets(sample["plain"]))
    protected = terminal.protect_command(command)
    assert tlv.read_all(protected.data, "data field").one(0x87).value[1:] == octets(
        sample["cipher"]
    )
    assert terminal.ssc == sample["ssc"]
    assert chip.unprotect_command(protected) == command
    answer = chip.protect_response(ResponseAPDU())
    mac = octets(pace["sm_sample_mac"]["mac"])
    assert answer.data == octets(pace["sm_sample_mac"]["data"]) + tlv.encode(0x8E, mac)
    assert terminal.unprotect_response(answer) == ResponseAPDU()
    assert chip.ssc == pace["sm_sample_mac"]["ssc"]


# --- Chip Authentication version 1: recorded sessions ---------------------------------------------

_CIPHERS = {("3DES", 16): Cipher.TDES, ("AES", 16): Cipher.AES128, ("AES", 32): Cipher.AES256}


def session_of(state: dict[str, str]) -> SecureMessaging:
    keys = [Secret(octets(state[name])) for name in ("KSenc", "KSmac")]
    ssc = int(state.get("SSC", state.get("SSC_start", "")), 16)
    return SecureMessaging(_CIPHERS[state["algorithm"], len(keys[0])], *keys, ssc)


@pytest.mark.parametrize("index", range(4), ids=["AT", "DE", "MY", "FR"])
def test_both_ends_of_secure_messaging_in_recorded_chip_authentications(index: int) -> None:
    """Protect the recorded plain commands and answers in the old session, then in the new one.

    The chips' private keys are unknown, so the key agreement of the chip's role is not covered
    here; `test_every_cipher_and_group` runs it.
    """
    vector = facts("vectors/ca_v1_sessions.json")["vectors"][index]
    infos = DataGroup14.decode(octets(vector["DG14"])).security_infos
    (key,) = infos.of(ChipAuthenticationPublicKeyInfo)
    assert key.protocol == vector["public_key_protocol_oid"]
    group, public = decode_agreement_key(key.public_key)
    assert public.hex().upper() == vector["chip_public_key"]
    assert group.field.bit_length() == int(vector["curve_bits"])
    assert session_of(vector["after"]).ssc == 0
    assert [each["session"] for each in vector["exchanges"]] in (
        ["old", "old", "new"], ["old", "new"],
    )  # fmt: skip
    for which, state in (("old", vector["before"]), ("new", vector["after"])):
        terminal, chip = session_of(state), session_of(state)
        for each in (one for one in vector["exchanges"] if one["session"] == which):
            plain = each["plain_command"]
            header = octets(plain["header"])
            ne = None if plain["Le"] is None else int(plain["Le"], 16) or 256
            command = CommandAPDU(0x00, *header[1:], octets(plain["data"]), ne)
            protected = terminal.protect_command(command)
            assert protected.header == header
            assert protected.encode().hex().upper() == each["protected_command"]
            assert chip.unprotect_command(protected) == command
            said = each["plain_response"]
            response = ResponseAPDU(octets(said["data"]), int(said["sw"], 16))
            answer = chip.protect_response(response)
            assert answer.encode().hex().upper() == each["protected_response"]
            assert terminal.unprotect_response(answer) == response


# --- Active Authentication ------------------------------------------------------------------------


def test_the_trailers_are_those_of_appendix_f() -> None:
    table = facts("vectors/aa_rsa_9303-11_F.json")["trailer_table"]
    assert {name: value.split(" ")[0] for name, value in table.items()} == {
        str(each): trailer.hex().upper() for each, trailer in iso9796.TRAILERS.items()
    }
    assert table["SHA-1"] == f"BC (t={len(iso9796.TRAILERS[Hash.SHA1])})"


def test_appendix_f_step_by_step() -> None:
    """The appendix prints no public key: the signature is transmitted, but cannot be opened."""
    example = facts("vectors/aa_rsa_9303-11_F.json")
    algorithm, bits = Hash(example["hash"]), example["modulus_bits"]
    trailer = iso9796.TRAILERS[algorithm]
    assert (trailer.hex().upper(), len(trailer)) == (example["trailer"], example["trailer_octets"])
    capacity = bits - 8 * algorithm.size - 8 * len(trailer) - 4
    assert capacity == example["capacity_c_bits"]
    assert 8 * iso9796.m1_size(bits, algorithm) == capacity - 4 == example["L_M1_bits"]
    nonce = octets(example["RND_IFD"])
    assert nonce == octets(example["M2"])
    f = iso9796.message_representative(bits, algorithm, octets(example["M1"]), nonce)
    assert f.hex().upper() == example["F"]
    assert f[:1].hex().upper() == example["header"]
    assert f.endswith(octets(example["H"]) + trailer)

    response = octets(example["apdu"]["response"].replace("<S>", example["S"]))
    card = FunctionCard(in_turn([ResponseAPDU.decode(response)]))
    key = RsaPublicKey((1 << bits) - 1, 65537)  # the size of the key that is not printed
    found = run(active_authentication.challenge(key, random=lambda _: nonce), card.process)
    assert [each.encode().hex().upper() for each in card.commands] == [example["apdu"]["command"]]
    assert found.signature.hex().upper() == example["S"]
    assert len(found.signature) == key.size


def test_the_recorded_active_authentication_step_by_step(watched: Watched) -> None:
    example = facts("vectors/aa_rsa_extra.json")["rsa_session"]
    f, algorithm = octets(example["F"]), Hash(example["hash"].replace("SHA", "SHA-"))
    trailer = iso9796.TRAILERS[algorithm]
    assert trailer.hex().upper() == example["trailer"]
    assert f[:1].hex().upper() == example["header"]
    digest = algorithm.digest(octets(example["M1"]) + octets(example["RND.IFD"]))
    assert digest.hex().upper() == example["digest"]
    assert f == octets(example["header"]) + octets(example["M1"]) + digest + trailer

    sm = example["sm"]
    keys = [Secret(octets(sm[name])) for name in ("KSenc", "KSmac")]
    chip = SecureMessaging(_CIPHERS[sm["algorithm"], 16], *keys, int(sm["SSC_before"], 16))
    command = chip.unprotect_command(CommandAPDU.decode(octets(sm["command"])))
    assert command.data == octets(example["RND.IFD"])
    answer = chip.protect_response(ResponseAPDU(octets(example["signature"])))
    assert answer.encode().hex().upper() == sm["response"]


def test_the_static_key_of_appendix_i_in_its_info() -> None:
    example = facts("vectors/pace_cam_ecdh_9303-11_I1.json")
    encoded = octets(example["ChipAuthenticationPublicKeyInfo"])
    (info,) = DataGroup14.decode(tlv.encode(0x6E, der.set_of(encoded))).security_infos
    assert isinstance(info, ChipAuthenticationPublicKeyInfo)
    assert info.encode() == encoded
    assert info.key_id == example["parameter_id"]
    assert info.public_key.endswith(octets("04" + example["chip_static_public_xy"]))
