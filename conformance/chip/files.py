"""Units LDS: the coding of files, read with the TLV reader, not with the codecs (chapter 4)."""

from collections.abc import Callable
from typing import Final

from conformance.chip.situation import Script, Situation, Steps
from conformance.chip.terminal import accepted, command_of, opened
from conformance.running import CaseFailedError
from emrtd import tlv
from emrtd.asn1 import der
from emrtd.iso7816.procedure import Procedure, Reset
from emrtd.iso7816.selecting import select_master_file
from emrtd.lds.cvca import CERTIFICATION_AUTHORITY_REFERENCE, SIZE
from emrtd.lds.files import FileID
from emrtd.tlv import DataObject

_ID_TA: Final = "0.4.0.127.0.7.2.2.2"
_GROUP_TEMPLATE, _TEMPLATE, _HEADER = 0x7F61, 0x7F60, 0xA1
_INTEGER, _SUBTYPE, _OWNER, _TYPE = 0x02, 0x82, 0x87, 0x88
_BLOCKS: Final = (0x5F2E, 0x7F2E)
_CARD_CAPABILITIES, _EXTENDED_LENGTH = 0x47, 0x7F66
_CHAINING: Final = 0x80


def _require(holds: bool, objection: str) -> None:
    if not holds:
        raise CaseFailedError(objection)


def _without_commands(check: Callable[[Situation], None]) -> Script:
    """Return the script of a check of files that have been read."""

    def steps(on: Situation) -> Procedure[None]:
        check(on)
        yield from ()

    return Script(steps, accesses=())


# --- units E and F: DG14 and EF.CVCA -------------------------------------------------------------


def _terminal_infos(on: Situation) -> list[tuple[str, list[DataObject]]]:
    infos = tlv.read(on.card.files[FileID.DG14], "DG14").children()[0].children()
    found = [(der.read_oid(each.children()[0]), list(each.children())) for each in infos]
    return [each for each in found if each[0].startswith(_ID_TA)]


def _terminal_info(on: Situation) -> None:
    found = _terminal_infos(on)
    versions = [fields[1].value for oid, fields in found if oid == _ID_TA and len(fields) > 1]
    _require(b"\x01" in versions, "DG14: no TerminalAuthenticationInfo of version 1")
    others = [oid for oid, _ in found if oid != _ID_TA]
    _require(not others, f"DG14: names {', '.join(others)} instead of id-TA alone")


def _terminal_info_coding(on: Situation) -> None:
    for oid, fields in _terminal_infos(on):
        tags = [each.tag for each in fields]
        _require(
            tags in ([der.OID, der.INTEGER], [der.OID, der.INTEGER, der.SEQUENCE]),
            f"DG14: {oid} is not an identifier, a version and at most one sequence",
        )
        for identifiers in fields[2:]:
            inside = [(each.tag, len(each.value)) for each in identifiers.children()]
            _require(
                inside in ([(der.OCTET_STRING, 2)], [(der.OCTET_STRING, 2), (der.OCTET_STRING, 1)]),
                "DG14: the identifiers of EF.CVCA are not octet strings of two and one octets",
            )


def _cvca(on: Situation) -> Procedure[None]:
    terminal = yield from opened(on, proven=False)
    content = yield from terminal.trust_points()
    _require(len(content) == SIZE, f"EF.CVCA: {len(content)} octets instead of {SIZE}")
    yield from terminal.refused(f"00B000{SIZE:02X}01", "READ BINARY behind EF.CVCA")
    references, rest = [], content
    while rest.strip(b"\x00"):
        reference, end = tlv.read_first(rest, "EF.CVCA")
        references.append(reference)
        rest = rest[end:]
    _require(1 <= len(references) <= 2, f"EF.CVCA: {len(references)} references")
    tags = {each.tag for each in references}
    _require(tags == {CERTIFICATION_AUTHORITY_REFERENCE}, "EF.CVCA: a reference has not the tag 42")
    _require(max(len(each.value) for each in references) <= 16, "EF.CVCA: a reference is too long")


# --- units G and H: DG3 and DG4 ------------------------------------------------------------------


class _BiometricGroup:
    """The structure of DG3 or DG4; a part that is not there raises `CaseFailedError`."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content

    @property
    def whole(self) -> DataObject:
        """The data object of the file, whatever its tag."""
        return tlv.read(self.content, self.name)

    @property
    def group_template(self) -> DataObject:
        """The first data object inside."""
        inside = list(self.whole.children())
        _require(len(inside) == 1, f"{self.name}: holds {len(inside)} data objects instead of one")
        return inside[0]

    @property
    def inside(self) -> list[DataObject]:
        """The number of instances, and the templates."""
        return list(self.group_template.children())

    @property
    def templates(self) -> list[list[DataObject]]:
        """The data objects of each template."""
        found = [list(each.children()) for each in self.inside[1:]]
        _require(bool(found), f"{self.name}: holds no template")
        return found

    def of_headers(self, tag: int) -> list[bytes]:
        """Return the value of a data object in every header."""
        return [template[0].children().one(tag).value for template in self.templates]

    @property
    def blocks(self) -> list[DataObject]:
        """The data block of each template."""
        _require(
            all(len(each) == 2 for each in self.templates),
            f"{self.name}: a template is not a header and a data block",
        )
        return [each[1] for each in self.templates]


Check = Callable[[_BiometricGroup], bool]


def _tag(tag: int) -> Check:
    return lambda group: group.content[:1] == bytes((tag,))


def _length(group: _BiometricGroup) -> bool:
    return tlv.encode(group.whole.tag, group.whole.value) == group.content


def _is_group_template(group: _BiometricGroup) -> bool:
    return group.group_template.tag == _GROUP_TEMPLATE


def _number(group: _BiometricGroup) -> bool:
    first, *others = group.inside
    count = sum(each.tag == _TEMPLATE for each in others)
    return first.tag == _INTEGER and first.value == bytes((count,))


def _are_templates(group: _BiometricGroup) -> bool:
    return {each.tag for each in group.inside[1:]} == {_TEMPLATE}


def _have_headers(group: _BiometricGroup) -> bool:
    return all(each and each[0].tag == _HEADER for each in group.templates)


def _have_owner(group: _BiometricGroup) -> bool:
    return set(group.of_headers(_OWNER)) == {b"\x01\x01"}


def _have_type(format_type: bytes) -> Check:
    return lambda group: set(group.of_headers(_TYPE)) == {format_type}


def _have_subtype(group: _BiometricGroup) -> bool:
    return all(len(each) == 1 for each in group.of_headers(_SUBTYPE))


def _have_blocks(group: _BiometricGroup) -> bool:
    return all(each.tag in _BLOCKS for each in group.blocks)


def _begin_with(magic: bytes) -> Check:
    return lambda group: all(each.value.startswith(magic) for each in group.blocks)


def _checks(tag: int, format_type: bytes, magic: bytes) -> tuple[tuple[Check, str], ...]:
    return (
        (_tag(tag), f"does not begin with the tag {tag:02X}"),
        (_length, "its length is not encoded as the distinguished encoding rules require"),
        (_is_group_template, "holds no template 7F61"),
        (_number, "the number of instances is not that of the templates"),
        (_are_templates, "an instance is not a template 7F60"),
        (_have_headers, "a template does not begin with a header A1"),
        (_have_owner, "a header has not the format owner 0101"),
        (_have_type(format_type), f"a header has not the format type {format_type.hex().upper()}"),
        (_have_subtype, "a header has no subtype of one octet"),
        (_have_blocks, "a template has no data block 5F2E or 7F2E"),
        (_begin_with(magic), f"a data block does not begin with {magic[:3].decode()}"),
    )


def _biometric(file_id: FileID, check: Check, objection: str) -> Steps:
    def steps(on: Situation) -> Procedure[None]:
        protected = "TA" in on.card.profiles
        terminal = yield from opened(on, proven=protected)
        if protected:
            yield from terminal.authenticate(on.pki.chain())
        group = _BiometricGroup(file_id, (yield from terminal.read(file_id)))
        _require(check(group), f"{file_id}: {objection}")

    return steps


def _unit(unit: str, file_id: FileID, checks: tuple[tuple[Check, str], ...]) -> dict[str, Script]:
    return {
        f"{unit}_{number}": Script(_biometric(file_id, *check))
        for number, check in enumerate(checks, start=1)
    }


# --- unit L: EF.ATR/INFO -------------------------------------------------------------------------


def _objects(on: Situation) -> tlv.DataObjects:
    return tlv.read_padded(on.card.files[FileID.ATR_INFO], "EF.ATR/INFO")


def _is_list(on: Situation) -> None:
    _require(bool(_objects(on)), "EF.ATR/INFO: holds no data object")


def _has_sizes(on: Situation) -> None:
    _require(_objects(on).get(_EXTENDED_LENGTH) is not None, "EF.ATR/INFO: no data object 7F66")


def _sizes_are_positive(on: Situation) -> None:
    sizes = list(_objects(on).one(_EXTENDED_LENGTH).children())
    _require(
        [each.tag for each in sizes] == [der.INTEGER] * 2
        and all(int.from_bytes(each.value, "big", signed=True) > 0 for each in sizes),
        "EF.ATR/INFO: 7F66 does not hold two positive integers",
    )


def _announces_chaining(on: Situation) -> None:
    capabilities = _objects(on).one(_CARD_CAPABILITIES).value
    _require(
        len(capabilities) >= 3 and bool(capabilities[2] & _CHAINING),
        "EF.ATR/INFO: the card capabilities do not announce command chaining",
    )


def _selected_in_plain(_on: Situation) -> Procedure[None]:
    yield Reset()
    _require((yield from select_master_file()), "SELECT of the master file is refused")
    accepted((yield command_of("00A4020C022F01")), "SELECT of EF.ATR/INFO")


SCRIPTS: Final = {
    "LDS_E_2": _without_commands(_terminal_info),
    "LDS_E_5": _without_commands(_terminal_info_coding),
    "LDS_F_1": Script(_cvca),
    **_unit("LDS_G", FileID.DG3, _checks(0x63, b"\x00\x07", b"FIR\x00")),
    **_unit("LDS_H", FileID.DG4, _checks(0x76, b"\x00\x09", b"IIR\x00")),
    "LDS_L_1": _without_commands(_is_list),
    "LDS_L_2": _without_commands(_has_sizes),
    "LDS_L_3": _without_commands(_sizes_are_positive),
    "LDS_L_4": _without_commands(_announces_chaining),
    "LDS_L_5": Script(_selected_in_plain, accesses=()),
}
