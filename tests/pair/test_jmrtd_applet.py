"""The kind `jmrtd-applet`: written, torn out at every command, and documents refused by name."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emrtd import tlv
from emrtd.access.chip_keys import (
    ActiveAuthenticationKey,
    ChipAuthenticationKey,
    ChipKeys,
    ChipPassword,
)
from emrtd.access.passwords import Password
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import STANDARDISED, encode_agreement_key
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.chaining import with_response_chaining
from emrtd.iso7816.procedure import run
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FILES, FileID
from emrtd.mrz import Mrz
from personalise.preparing.station_order import StationOrder
from personalise.station.cards.interface import Blank, CardState
from personalise.station.cards.jmrtd_applet import jmrtd_applet_card
from personalise.station.cards.registry import card_kind
from personalise.station.checking import way_into
from personalise.station.key_sources.test_key import TestKeySource
from personalise.station.line.looking import look_at
from personalise.station.one_card import identify, write_image
from personalise.station.outcomes import (
    CardFault,
    RejectApplicationError,
    RejectCardError,
    TryAgainError,
)
from personalise.station.sealed_image import SealedImage
from personalise.station.writing import WITHHELD, WriteReport, write_card
from support.command_line import run_command_line
from support.secret import Secret
from tests.helpers import replace
from tests.issuing import Agreement, Issuer, Kind
from tests.pair.station_cards import BATCH, Batch, blank, sample_blank
from tests.personalise.applications import changed
from verify.commands.main import verify
from vsmartcard.card.conditions import every, instruction, nth
from vsmartcard.card.connection import CardConnection
from vsmartcard.card.interface import Card
from vsmartcard.card.layers import Refusing, Torn, Watched
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.life_cycle import LifeCycle
from vsmartcard.chip.security_domain import BlankKind, TransportKeys
from vsmartcard.chip.state import Hardware

KIND = Kind(
    pace=(),
    chip_authentication=(Agreement("3DES"),),
    active_authentication={"algorithm": "RSA", "bits": 1024, "hash": "SHA-1"},
    bac=True,
    can=False,
    data_groups=("DG1", "DG2", "DG13"),
    card=BlankKind.JMRTD_APPLET,
)


@dataclass(frozen=True)
class Document:
    """An issued document, and the border post that inspects cards of it."""

    issuer: Issuer
    image: SealedImage
    folder: Path

    @property
    def order(self) -> StationOrder:
        return self.image.order

    @property
    def mrz(self) -> Mrz:
        return DataGroup1.decode(self.image.files[FileID.DG1]).mrz

    def write(self, card: Card) -> WriteReport:
        """Write the document, with the read-back and the inspection at the end."""
        with CardConnection(card) as connection:
            return write_image(self.image.files, self.order, connection)

    def is_accepted(self, chip: Chip) -> bool:
        """Whether `verify card` accepts the card."""
        path = self.folder / "inspected.chip"
        path.unlink(missing_ok=True)
        with contextlib.closing(StateFile(path)) as file:
            file.save(chip.state)
        arguments = ["card", "--reader", f"virtual:{path}", "--mrz", self.mrz.text]
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            return run_command_line(verify, [*arguments, "--trust", str(self.folder / "t")]) == 0


def prepared(folder: Path, issuer: Issuer, kind: Kind, record: Any = None) -> SealedImage:
    folder.mkdir()
    issuer.issue(kind, folder, record)
    with issuer.at_work():
        return SealedImage.open(folder / "image")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer.established(tmp_path_factory.mktemp("utopia"), "UTO")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Document:
    folder = tmp_path_factory.mktemp("document")
    published = [str(issuer.pki / name) for name in ("csca.cer", "crl.crl")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert run_command_line(verify, ["trust", "add", str(folder / "t"), *published]) == 0
    return Document(issuer, prepared(folder / "d", issuer, KIND), folder)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> SealedImage:
    """A document with other data groups, of another person."""
    folder = tmp_path_factory.mktemp("other")
    kind = replace(KIND, data_groups=("DG1", "DG2", "DG11", "DG13"))
    return prepared(folder / "d", issuer, kind, changed("document.number", "ZU7654321"))


def new_blank(hardware: Hardware | None = None) -> Chip:
    return sample_blank(BlankKind.JMRTD_APPLET, hardware)


def commands(document: Document) -> tuple[CommandAPDU, ...]:
    card = Watched(new_blank())
    document.write(card)
    return card.commands


def test_a_card_is_written_locked_and_recognised(document: Document) -> None:
    chip = new_blank()
    card = Watched(chip)
    report = document.write(card)
    assert not report.resumed
    assert report.left_off == (FileID.DIR,)
    assert chip.state.life_cycle is LifeCycle.OPERATIONAL
    found = {each.identifier: each.content for each in chip.state.files if each.identifier > 0x100}
    files = {each: octets for each, octets in document.image.files.items() if each != FileID.DIR}
    assert found == {FILES[each].identifier: octets for each, octets in files.items()}
    assert document.is_accepted(chip)
    chip.reset()
    assert document.write(chip).already_complete
    chip.process(bytes.fromhex("00A4040C07A0000002471001"))
    for instruction_octet in (INS.CREATE_FILE, INS.UPDATE_BINARY, INS.PUT_DATA):
        locked = chip.process(bytes((0x00, instruction_octet, 0x00, 0x00, 6, 0x63, 4, 0, 1, 1, 1)))
        assert locked == b"\x69\x85"


def test_the_commands_are_those_of_the_applet(document: Document) -> None:
    sent = commands(document)
    lock = next(at for at, each in enumerate(sent) if each.header == bytes.fromhex("00DADEAD"))
    written = [each for each in sent[:lock] if each.ins == INS.UPDATE_BINARY]
    files = {each: octets for each, octets in document.image.files.items() if each != FileID.DIR}
    sizes = [len(octets) - WITHHELD * (each is FileID.SOD) for each, octets in files.items()]
    assert len(written) == sum(-(-size // 255) for size in sizes) + 1  # and the end of EF.SOD
    creates = [each.data for each in sent if each.ins == INS.CREATE_FILE]
    assert all(each.startswith(b"\x63\x04") for each in creates)
    assert creates[-1].endswith(FILES[FileID.SOD].identifier.to_bytes(2, "big"))
    keys = [each.header[2:].hex() for each in sent if each.ins == INS.PUT_DATA]
    assert keys == ["0000", "0060", "0061", "0063", "0062", "dead"]
    mrz = next(each.data for each in sent if each.header == bytes.fromhex("00DA0062"))
    assert mrz[:4] == bytes.fromhex("621b0409")
    # SELECT and PUT DATA of nothing, two SELECT on the blank, a SELECT of each file, EF.SOD twice
    selects = 2 + len(files) + 1
    assert lock == 1 + 1 + selects + len(creates) + len(written) + 4 - 1


def torn(document: Document, at: int, *, carried_out: bool) -> Chip:
    chip = new_blank()
    with pytest.raises(TryAgainError):
        document.write(Torn(chip, nth(at), carried_out=carried_out))
    chip.reset()
    return chip


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [False, True])
def test_a_card_torn_at_any_command_is_finished_and_accepted_only_when_it_is_whole(
    document: Document, carried_out: bool
) -> None:
    sent = commands(document)
    end = max(at for at, each in enumerate(sent) if each.ins == INS.UPDATE_BINARY)
    assert len(sent[end].data) == WITHHELD
    whole_card = new_blank()
    document.write(whole_card)
    assert document.is_accepted(whole_card)
    for at in range(end + 6):  # what follows only reads
        chip = torn(document, at, carried_out=carried_out)
        state = chip.state.life_cycle
        whole = at > end or (at == end and carried_out)
        locked = Chip(chip.state.with_life_cycle(LifeCycle.OPERATIONAL))  # as a thief would
        assert document.is_accepted(locked) == whole, f"command {at}"
        report = document.write(chip)
        assert report.already_complete == (state is LifeCycle.OPERATIONAL)
        assert report.resumed == (state is not LifeCycle.BLANK)
        assert set(chip.state.files) == set(whole_card.state.files)
        assert chip.state.keys == whole_card.state.keys


def test_a_card_torn_many_times_is_finished(document: Document) -> None:
    chip = new_blank()
    for at in (4, 8, 30, 40, 50, 60):
        with pytest.raises(TryAgainError):
            document.write(Torn(chip, nth(at), carried_out=at % 4 == 0))
        chip.reset()
    assert document.write(chip).resumed
    assert document.is_accepted(chip)


def test_a_card_of_another_document_is_refused_once_that_can_be_seen(
    document: Document, other: SealedImage
) -> None:
    sent = commands(document)
    mrz = next(at for at, each in enumerate(sent) if each.header == bytes.fromhex("00DA0062"))
    for at in (12, mrz, mrz + 2):
        chip = torn(document, at, carried_out=True)
        before = chip.state
        with pytest.raises(RejectCardError, match="another document") as refused:
            write_image(other.files, other.order, CardConnection(chip))
        assert refused.value.fault is CardFault.OTHER_DOCUMENT
        assert not refused.value.may_read_as_good
        assert chip.state == before
        chip.reset()
        assert document.write(chip).resumed


def test_a_card_of_the_same_person_and_another_security_object_is_refused(
    document: Document,
) -> None:
    again = prepared(document.folder / "again", document.issuer, KIND)
    sent = commands(document)
    mrz = next(at for at, each in enumerate(sent) if each.header == bytes.fromhex("00DA0062"))
    chip = torn(document, mrz, carried_out=True)
    with pytest.raises(RejectCardError, match=r"another document \(EF\.SOD differs\)"):
        write_image(again.files, again.order, CardConnection(chip))


def test_a_locked_card_of_another_document_is_refused(
    document: Document, other: SealedImage
) -> None:
    chip = new_blank()
    document.write(chip)
    chip.reset()
    with pytest.raises(RejectCardError, match="holds another document"):
        write_image(other.files, other.order, CardConnection(chip))


def test_a_reject_after_the_end_of_ef_sod_says_that_it_may_read_as_good(document: Document) -> None:
    """The applet cannot be terminated."""
    chip = new_blank()
    lock = every(instruction(INS.PUT_DATA), lambda command: command.p1 == 0xDE)
    with pytest.raises(RejectCardError, match="may still be read as a good one") as refused:
        document.write(Refusing(chip, lock, 0x6A86))
    assert refused.value.may_read_as_good
    resumed = new_blank()
    with pytest.raises(TryAgainError):
        document.write(Torn(resumed, lock, carried_out=False))
    resumed.reset()
    creating = instruction(INS.CREATE_FILE)
    with pytest.raises(RejectCardError) as refused:
        document.write(Refusing(resumed, creating, 0x6F00))
    assert refused.value.may_read_as_good  # it holds the whole document from before


def test_a_full_card_is_rejected_before_personal_data_is_written(document: Document) -> None:
    chip = new_blank(Hardware(memory=4000))
    with pytest.raises(RejectCardError, match="no room for DG2") as refused:
        document.write(chip)
    assert refused.value.fault is CardFault.NO_ROOM
    assert not any(any(file.content) for file in chip.state.files)


def test_a_card_of_another_kind_is_refused(document: Document) -> None:
    for kind in (BlankKind.ISO7816_9, BlankKind.GLOBALPLATFORM):
        chip = sample_blank(kind)
        with pytest.raises(RejectCardError, match="not the JMRTD applet") as refused:
            document.write(chip)
        assert refused.value.fault is CardFault.WRONG_KIND
        assert chip.state.life_cycle is LifeCycle.BLANK
    ec = every(instruction(INS.PUT_DATA), lambda command: command.p2 == 0x63)
    with pytest.raises(RejectCardError, match="built without the key of PUT DATA 0063"):
        document.write(Refusing(new_blank(), ec, 0x6D00))


def test_a_station_with_production_keys_does_not_write_it(
    document: Document, tmp_path: Path
) -> None:
    chip = new_blank()
    with pytest.raises(RejectCardError, match="does not authenticate itself"):
        write_image(
            document.image.files, document.order, CardConnection(chip), key_source=Batch(tmp_path)
        )
    assert chip.state.life_cycle is LifeCycle.BLANK
    write_image(document.image.files, document.order, CardConnection(chip), key_source=None)


def test_a_card_without_cplc_data_has_no_name(document: Document) -> None:
    """So the ledger does not count it."""
    chip = new_blank()
    domain = chip.state.security_domain
    assert domain is not None
    chip = Chip(chip.state.with_security_domain(replace(domain, cplc=b"")))
    assert look_at(CardConnection(chip), TestKeySource()).name is None
    chip.reset()
    document.write(chip)


def test_each_kind_of_blank_is_recognised_by_a_station(document: Document) -> None:
    for kind in BlankKind:
        chip = sample_blank(kind)
        seen = look_at(CardConnection(chip), TestKeySource())
        assert (seen.kind, seen.state) == (kind.label, CardState.EMPTY)
        assert seen.name is not None
    chip = new_blank()
    name = identify("jmrtd-applet", CardConnection(chip)).cplc
    assert name is not None
    assert len(name) == 42
    document.write(chip)
    seen = look_at(CardConnection(chip), TestKeySource())
    assert (seen.kind, seen.state, seen.name) == (
        "jmrtd-applet",
        CardState.LOCKED,
        name.hex().upper(),
    )


# --- documents that the applet cannot hold -------------------------------------------------------


def refused(files: dict[FileID, bytes], keys: ChipKeys) -> str:
    """Return why a document is rejected before a command is sent."""
    card = Watched(new_blank())
    with pytest.raises(RejectApplicationError) as error:
        card_kind("jmrtd-applet")(Blank(card.atr, files, None, keys))
    assert not card.sent
    return error.value.message


@pytest.mark.parametrize(
    ("file_id", "octets", "reason"),
    [
        (FileID.CARD_ACCESS, b"\x31\x00", r"EF.CardAccess: it does not support PACE"),
        (FileID.DG3, b"\x63\x00", "DG3: it creates it only after Terminal Authentication"),
        (FileID.DG4, b"\x76\x00", "DG4: it creates it only after Terminal Authentication"),
        (FileID.DG16, b"\x70\x00", "DG16"),
        (FileID.DG2, tlv.encode(0x75, bytes(32_764)), "DG2 of 32,768 octets: the most is 32,767"),
    ],
)
def test_files_that_the_applet_cannot_hold(
    document: Document, file_id: FileID, octets: bytes, reason: str
) -> None:
    files = {**document.image.files, file_id: octets}
    assert refused(files, document.order.keys) == f"the JMRTD applet cannot hold {reason}"


def test_the_largest_file_is_written(document: Document) -> None:
    content = tlv.encode(0x75, bytes(32_763))
    assert len(content) == 32_767
    files = {**document.image.files, FileID.DG2: content}
    keys, chip = document.order.keys, new_blank()
    card = jmrtd_applet_card(Blank(chip.atr, files, None, keys))
    procedure = write_card(files, keys, card, way_into(keys, None))
    run(with_response_chaining(procedure), chip.process, chip.reset)
    assert chip.state.life_cycle is LifeCycle.OPERATIONAL


def with_keys(change: Callable[[ChipKeys], ChipKeys]) -> Callable[[Document], ChipKeys]:
    return lambda document: change(document.order.keys)


def _chip_authentication(**changes: Any) -> Callable[[Document], ChipKeys]:
    def change(keys: ChipKeys) -> ChipKeys:
        (key,) = keys.chip_authentication
        return replace(keys, chip_authentication=(replace(key, **changes),))

    return with_keys(change)


def _active(key: EcPrivateKey | RsaPrivateKey, algorithm: Hash) -> Callable[[Document], ChipKeys]:
    new = ActiveAuthenticationKey(key.to_pkcs8(), algorithm)
    return with_keys(lambda keys: replace(keys, active_authentication=new))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_keys(lambda k: replace(k, open=True)), "a chip without access control"),
        (
            with_keys(lambda k: replace(k, basic_access_control=False)),
            "a document without Basic Access Control",
        ),
        (
            with_keys(lambda k: k.with_password(ChipPassword.of(Password.can("123456")))),
            "a CAN, which is a password of PACE",
        ),
        (_chip_authentication(protocols=("0.4.0.127.0.7.2.2.3.2.2",)), "Authentication with AES"),
        (_chip_authentication(key_id=1), "key with an identifier"),
        (
            with_keys(lambda k: replace(k, chip_authentication=2 * k.chip_authentication)),
            "more than one key for Chip Authentication",
        ),
        (
            with_keys(lambda k: replace(k, trust_points=(b"", b""))),
            "more than one trust point",
        ),
        (_active(RsaPrivateKey.generate(1024), Hash.SHA256), "RSA-1024 and SHA-256"),
        (_active(RsaPrivateKey.generate(2048), Hash.SHA1), "RSA-2048 and SHA-1"),
    ],
)
def test_keys_that_the_applet_cannot_hold(
    document: Document, change: Callable[[Document], ChipKeys], reason: str
) -> None:
    assert reason in refused(dict(document.image.files), change(document))


def test_active_authentication_with_ecdsa_is_refused(document: Document) -> None:
    key = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
    keys = _active(key, Hash.SHA256)(document)
    assert "Active Authentication with ECDSA" in refused(dict(document.image.files), keys)


def test_a_key_on_a_larger_curve_is_refused(issuer: Issuer, document: Document) -> None:
    group = STANDARDISED[16]
    public = encode_agreement_key(group, group.public_key(3), explicit=True)
    (old,) = document.order.keys.chip_authentication
    key = ChipAuthenticationKey(public, Secret(b"\x03"), None, old.protocols)
    keys = replace(document.order.keys, chip_authentication=(key,))
    assert "not on a curve of 256 bits" in refused(dict(document.image.files), keys)


def test_the_password_must_be_that_of_dg1(document: Document, other: SealedImage) -> None:
    assert "another MRZ" in refused(dict(document.image.files), other.order.keys)


def test_a_trust_point_is_stored_once(document: Document) -> None:
    """As the applet stores it: the body without the signature, up to 255 octets."""
    body = tlv.encode(0x7F4E, tlv.encode(0x42, b"UTCVCA00001"))
    certificate = tlv.encode(0x7F21, body, tlv.encode(0x5F37, bytes(64)))
    keys = replace(document.order.keys, trust_points=(certificate,))
    files = {**document.image.files, FileID.CVCA: tlv.encode(0x42, b"UTCVCA00001").ljust(36, b"\0")}
    chip = new_blank()

    def once(card: Card) -> None:
        station = jmrtd_applet_card(Blank(chip.atr, files, None, keys))
        procedure = write_card(files, keys, station, way_into(keys, None))
        run(with_response_chaining(procedure), card.process, card.reset)

    stored = every(instruction(INS.PUT_DATA), lambda command: command.p1 == 0x01)
    with pytest.raises(TryAgainError):
        once(Torn(chip, stored, carried_out=True))
    chip.reset()
    once(chip)
    assert chip.state.life_cycle is LifeCycle.OPERATIONAL
    too_long = tlv.encode(0x7F21, tlv.encode(0x7F4E, bytes(300)), tlv.encode(0x5F37, bytes(64)))
    reason = refused(files, replace(keys, trust_points=(too_long,)))
    assert "whose body has 305 octets: it takes 255" in reason


def test_batches_have_no_transport_keys() -> None:
    chip = blank(TransportKeys(BlankKind.JMRTD_APPLET, BATCH, 1))
    assert chip.state.requires_station is None
