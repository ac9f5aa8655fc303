"""What a station sends to a `globalplatform` card, octet by octet.

The session is made a second time by `tests.emrtd.globalplatform.independent`, with pycryptodome.
"""

import random
from collections.abc import Iterator

import pytest

from emrtd.globalplatform.parameters import Mode, SecurityLevel, Variant
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.files import FileID
from personalise.station.key_sources.interface import ChannelSettings
from tests.emrtd.globalplatform.independent import Session, kdf
from tests.helpers import replace
from tests.pair.station_cards import KINDS, sample_blank, sample_keys, write, write_without_keys
from tests.pair.test_writing import document
from vsmartcard.card.layers import Watched
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.security_domain import BlankKind
from vsmartcard.chip.state import ChipState, Hardware

TEST_KEY = bytes(range(0x40, 0x50))
SECURITY_DOMAIN = bytes.fromhex("A000000151000000")
APPLICATION = bytes.fromhex("A0000002471001")


def groupings(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        size, head = (data[2], 3) if data[2] < 255 else (int.from_bytes(data[3:5], "big"), 5)
        yield int.from_bytes(data[:2], "big"), data[head : head + size]
        data = data[head + size :]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("level", list(SecurityLevel))
def test_every_session_is_that_of_another_implementation(mode: Mode, level: SecurityLevel) -> None:
    chip = sample_blank(BlankKind.GLOBALPLATFORM, Hardware(extended_length=False))
    domain = chip.state.security_domain
    assert domain is not None
    chip = Chip(chip.state.with_security_domain(replace(domain, variant=Variant(mode))))
    source, card, files = sample_keys(ChannelSettings(level, mode)), Watched(chip), document()
    write(card, files, BlankKind.GLOBALPLATFORM, source)

    session: Session | None = None
    written: dict[tuple[int, bytes], bytearray] = {}
    counter, sessions = 0, 0
    exchanges = iter(card.exchanges)
    for sent, answer in exchanges:
        header = sent[:4].hex()
        if header[:4] == "8050":
            counter, sessions = counter + 1, sessions + 1
            host, challenge = sent[5 : 5 + mode], answer[13 : 13 + mode]
            assert challenge == kdf(
                TEST_KEY, 0x02, 8 * mode, counter.to_bytes(3, "big") + SECURITY_DOMAIN
            )
            session = Session(TEST_KEY, TEST_KEY, host, challenge, level)
            assert answer[13 + mode : 13 + 2 * mode] == session.card_cryptogram
            assert next(exchanges)[0] == session.external_authenticate()
        elif header[:2] == "84":
            assert session is not None
            data = sent[5 : 5 + sent[4] - mode]
            plain = _decrypted(session, data) if level.encrypts_commands else data
            ne = 256 if level.authenticates_responses or header[2:4] == "e6" else None
            command = bytes((0x80,)) + sent[1:4]
            assert sent == session.command(command, plain, ne)
            answered = b"\x00" if header[2:4] == "e6" else b""
            assert answer == session.response(answered, 0x9000)
            if header[2:4] == "e6":
                assert plain == bytes.fromhex("000007") + APPLICATION + bytes(3)
            elif header[4:6] == "08":
                _carry_out(written, plain)
    contents = sorted(bytes(each) for each in written.values())
    assert contents == sorted(files.values())
    assert sessions >= 3


def _decrypted(session: Session, data: bytes) -> bytes:
    from Crypto.Cipher import AES

    block = (session.counter + 1).to_bytes(16, "big")
    icv = AES.new(session.s_enc, AES.MODE_ECB).encrypt(block)
    padded = AES.new(session.s_enc, AES.MODE_CBC, iv=icv).decrypt(data)
    return padded.rstrip(b"\0")[:-1]


def _carry_out(written: dict[tuple[int, bytes], bytearray], plain: bytes) -> None:
    for number, value in groupings(plain):
        key = value[0], value[1:3]
        if number == 0xE001:
            written[key] = bytearray(int.from_bytes(value[4:], "big"))
        else:
            assert number == 0xE002
            offset, octets = int.from_bytes(value[3:6], "big"), value[6:]
            written[key][offset : offset + len(octets)] = octets


LARGE = AtrInfo.of(
    Capability.EXTENDED_LENGTH | Capability.EXTENDED_LENGTH_INFORMATION, 32_768, 32_768
)


def permit(octets: int) -> dict[FileID, bytes]:
    """Return a document with the files of a permit, of this size in all."""
    draw = random.Random(5).randbytes  # noqa: S311 - reproducible, not secret
    files = document(portrait=15_000) | {
        FileID.DG3: b"\x63\x82\x4e\x20" + draw(20_000),
        FileID.DG11: b"\x6b\x40" + draw(64),
        FileID.DG13: b"\x6d\x60" + draw(96),
        FileID.DG14: b"\x6e\x82\x01\x00" + draw(256),
        FileID.CARD_SECURITY: b"\x30\x82\x08\x00" + draw(2048),
        FileID.DIR: bytes.fromhex("61094F07A0000002471001"),
    }
    rest = octets - sum(map(len, files.values())) - 4
    return files | {FileID.DG4: b"\x76\x82" + rest.to_bytes(2, "big") + draw(rest)}


@pytest.mark.parametrize("length", ["short", "1000 octets", "32,768 octets"])
def test_a_card_of_47_kb_takes_at_most_a_tenth_more_commands(length: str) -> None:
    files = permit(47_000)
    if length == "32,768 octets":
        files |= {FileID.ATR_INFO: LARGE.encode()}
    hardware = Hardware(extended_length=length != "short")
    iso, globalplatform = (Watched(sample_blank(kind, hardware)) for kind in KINDS)
    without_keys = Watched(Chip(ChipState(hardware)))
    write(iso, files, BlankKind.ISO7816_9)
    write(globalplatform, files, BlankKind.GLOBALPLATFORM)
    write_without_keys(without_keys, files, BlankKind.ISO7816_9)
    counts = [len(each.sent) for each in (without_keys, iso, globalplatform)]
    assert counts[2] <= 1.1 * min(counts), counts


def test_blocks_are_numbered_from_zero_beyond_256_of_them() -> None:
    kind = BlankKind.GLOBALPLATFORM
    card = Watched(sample_blank(kind, Hardware(extended_length=False)))
    write(card, document(portrait=90_000), kind, sample_keys(ChannelSettings(SecurityLevel.ALL)))
    commands = map(CommandAPDU.decode, card.sent)
    numbers = [each.p2 if each.ins == 0xE2 else -1 for each in commands if each.ins in {0xE2, 0xE6}]
    assert 0xFF in numbers
    before = -1
    for number in numbers:
        assert number in {before + 1, -1}
        before = number
    assert INS.UPDATE_BINARY not in {CommandAPDU.decode(each).ins for each in card.sent}
