"""TR-03105-3.2, units LDS: the coding of files, on a permit that `personalise` has issued.

The tests read the octets with the TLV reader, not with the codecs that wrote them.  No chip profile
has DG4, so the output of its codec is tested instead.
"""

from pathlib import Path

import pytest

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.biometrics.samples import Eye, IrisImage
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.files import FileID
from emrtd.tlv import DataObject
from tests.issuing import Card, Issuer
from tests.verify.documents import face
from tests.vsmartcard.cards import done
from tests.vsmartcard.tr03105_3.terminal import CASES
from vsmartcard.card.state_file import StateFile
from vsmartcard.chip.dispatch import Chip

ID_TA = "0.4.0.127.0.7.2.2.2"


@pytest.fixture(scope="module")
def permit(tmp_path_factory: pytest.TempPathFactory) -> Card:
    folder = tmp_path_factory.mktemp("permit")
    (folder / "place").mkdir()
    return Issuer.established(folder, "UTO").issue("permit", folder / "place")


def irises() -> bytes:
    return DataGroup4.of(IrisImage.of(face(), eye) for eye in (Eye.RIGHT, Eye.LEFT)).encode()


# --- unit E: DG14, and F: EF.CVCA ----------------------------------------------------------------


@CASES.case("LDS_E_2", "LDS_E_5")
def test_terminal_authentication_info(permit: Card) -> None:
    """The OID is exactly id-TA; version 1; file identifiers are octet strings."""
    infos = tlv.read(permit.image.files[FileID.DG14], "DG14").children()[0].children()
    found = [
        each.children() for each in infos if der.read_oid(each.children()[0]).startswith(ID_TA)
    ]
    assert [der.read_oid(info[0]) for info in found] == [ID_TA]
    (info,) = found
    assert (info[1].tag, info[1].value) == (0x02, b"\x01")
    for identifiers in list(info)[2:]:
        assert [each.tag for each in identifiers.children()] in ([0x04], [0x04, 0x04])


@CASES.case("LDS_F_1")
def test_ef_cvca(permit: Card) -> None:
    """36 octets: one or two references with tag 42 of at most 16 octets, then zeros."""
    content = permit.image.files[FileID.CVCA]
    assert len(content) == 36
    references, rest = [], content
    while rest.strip(b"\x00"):
        reference, end = tlv.read_first(rest, "EF.CVCA")
        references.append(reference)
        rest = rest[end:]
    assert 1 <= len(references) <= 2
    assert all(each.tag == 0x42 and len(each.value) <= 16 for each in references)


# --- units G and H: DG3 and DG4 ------------------------------------------------------------------


@CASES.case(*(f"LDS_G_{number}" for number in range(1, 12)))
def test_dg3(permit: Card) -> None:
    templates = biometric_templates(permit.image.files[FileID.DG3], 0x63)
    assert templates
    for template in templates:
        require_template(template, b"\x00\x07", b"FIR\x00")


@CASES.case(*(f"LDS_H_{number}" for number in range(1, 12)))
def test_dg4() -> None:
    templates = biometric_templates(irises(), 0x76)
    assert len(templates) == 2
    for template in templates:
        require_template(template, b"\x00\x09", b"IIR\x00")


def biometric_templates(content: bytes, tag: int) -> list[DataObject]:
    """Return the templates of a data group, after checking its structure (G_1 to G_5)."""
    group = tlv.read(content, "data group")
    assert group.tag == tag
    assert tlv.encode(group.tag, group.value) == content
    (inside,) = group.children()
    assert inside.tag == 0x7F61
    number, *templates = inside.children()
    assert (number.tag, len(number.value)) == (0x02, 1)
    assert number.value[0] == len(templates)
    assert {each.tag for each in templates} <= {0x7F60}
    return templates


def require_template(template: DataObject, format_type: bytes, magic: bytes) -> None:
    """Assert a header A1 with owner, type and subtype, then the data block (G_6 to G_11)."""
    header, block = template.children()
    assert header.tag == 0xA1
    fields = header.children()
    assert fields.one(0x87).value == b"\x01\x01"
    assert fields.one(0x88).value == format_type
    assert len(fields.one(0x82).value) == 1
    assert block.tag == 0x5F2E
    assert block.value.startswith(magic)


# --- unit L: EF.ATR/INFO -------------------------------------------------------------------------


@CASES.case(*(f"LDS_L_{number}" for number in range(1, 6)))
def test_ef_atr_info(permit: Card) -> None:
    """Readable in the MF without access: the sizes of both buffers, and command chaining."""
    chip = chip_of(permit.state)
    done(chip, "00A4020C022F01")
    content = done(chip, "00B0000000")
    assert content == permit.image.files[FileID.ATR_INFO]
    objects = tlv.read_all(content, "EF.ATR/INFO")
    command, response = objects.one(0x7F66).children()
    for buffer in (command, response):
        assert buffer.tag == 0x02
        assert 256 < int.from_bytes(buffer.value, "big", signed=True) <= 65_535
    chaining_and_length = objects.one(0x47).value[2]
    assert chaining_and_length & 0x80
    assert chaining_and_length & 0x40


def chip_of(state: Path) -> Chip:
    file = StateFile(state)
    try:
        assert file.state is not None
        return Chip(file.state)
    finally:
        file.close()
