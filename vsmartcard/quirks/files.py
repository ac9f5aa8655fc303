"""The quirks of elementary files, each as a change of a draft, by the names of `verify`'s report.

A quirk has the name of its file.  Most files can have several; each change here is one that real
documents have.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from emrtd import tlv
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.files import FileID
from support.errors import MisuseError
from vsmartcard.quirks.draft import Draft

Change = Callable[[Draft], None]
Rewrite = Callable[[bytes], bytes]
Make = Callable[[Draft], bytes]

_UNICODE_VERSION, _PLACE_OF_BIRTH, _DATE_OF_ISSUE = 0x5F36, 0x5F11, 0x5F26
_DISPLAYED_PORTRAIT, _DISPLAYED_SIGNATURE = 0x5F40, 0x5F43
_ZEROS: Final = bytes(2)
_PERSON: Final = tlv.encode(
    0xA1,
    tlv.encode(0x5F50, b"20260101"),
    tlv.encode(0x5F51, b"MUSTERMANN<<ERIKA"),
    tlv.encode(0x5F52, b"0000000000"),
    tlv.encode(0x5F53, b"UTOPIA"),
)

NO_FILE_WITH_A_QUIRK: Final = MappingProxyType(
    {
        "lds.cardaccess": "EF.CardAccess is compared with DG14, which would have the quirk too",
        "lds.dg4": "the specimens have no irises",
        "lds.dg6": "its content is not defined, so nothing in it can be wrong",
        "lds.dg8": "no known document has it",
        "lds.dg9": "no known document has it",
        "lds.dg10": "no known document has it",
        "lds.padding": "octets after the end of a file in an image; the chip has chip.padded-files",
        **dict.fromkeys(
            ("lds.atr-info", "lds.dir", "lds.cardsecurity", "lds.cvca", "lds.dg15"),
            "nothing wrong in this file is read past",
        ),
        "lds.sod": "the quirks of EF.SOD have names of their own",
    }
)
"""The names of quirks of elementary files without a document, and why."""

_CHANGES: dict[str, Change] = {}


def _name(file_id: FileID) -> str:
    return f"lds.{file_id.removeprefix('EF.').lower()}"


def _rewrite(file_id: FileID) -> Callable[[Rewrite], Rewrite]:
    """Register a function that returns a file of the specimen with its quirk."""

    def register(rewrite: Rewrite) -> Rewrite:
        def apply(draft: Draft) -> None:
            if file_id not in draft.files:
                profile = draft.specimen.profile
                raise MisuseError(
                    f"a specimen of {profile!r} has no {file_id}", advice="choose another profile"
                )
            draft.put(file_id, rewrite(draft.files[file_id]))

        _CHANGES[_name(file_id)] = apply
        return rewrite

    return register


def _added(file_id: FileID) -> Callable[[Make], Make]:
    """Register a function that makes a file with its quirk, whether or not there is one."""

    def register(make: Make) -> Make:
        _CHANGES[_name(file_id)] = lambda draft: draft.put(file_id, make(draft))
        return make

    return register


def _children(octets: bytes) -> list[tuple[int, bytes]]:
    return [(each.tag, each.value) for each in tlv.read(octets, "file").children()]


def _with_children(octets: bytes, change: Callable[[int, bytes], tuple[bytes, ...]]) -> bytes:
    """Encode a file again, with what `change` returns for each data object in it."""
    parts = (part for tag, value in _children(octets) for part in change(tag, value))
    return tlv.encode(octets[0], *parts)


@_rewrite(FileID.COM)
def _without_unicode_version(octets: bytes) -> bytes:
    return _with_children(
        octets, lambda tag, value: () if tag == _UNICODE_VERSION else (tlv.encode(tag, value),)
    )


@_rewrite(FileID.DG1)
def _sex_x(octets: bytes) -> bytes:
    """The letter of other documents' visual zones, which Doc 9303-5, 4.2.2 writes as a filler.

    No check digit covers it.
    """
    zone = bytearray(octets)
    zone[_sex_position(octets)] = ord("X")
    return bytes(zone)


def _sex_position(octets: bytes) -> int:
    (_, text), *_ = _children(octets)
    start = len(octets) - len(text)
    return start + {88: 44 + 20, 72: 36 + 20, 90: 30 + 7}[len(text)]


@_rewrite(FileID.DG2)
def _longer_length_in_dg2(octets: bytes) -> bytes:
    """A length field of five octets, as writers have that reserve room for the length."""
    return _with_long_length(octets)


@_rewrite(FileID.DG3)
def _longer_length_in_dg3(octets: bytes) -> bytes:
    return _with_long_length(octets)


def _with_long_length(octets: bytes) -> bytes:
    value = tlv.read(octets, "file").value
    return octets[:1] + b"\x84" + len(value).to_bytes(4, "big") + value


@_added(FileID.DG5)
def _portraits_not_counted(draft: Draft) -> bytes:
    return tlv.encode(0x65, tlv.encode(_DISPLAYED_PORTRAIT, _face(draft)))


@_added(FileID.DG7)
def _signatures_not_counted(draft: Draft) -> bytes:
    return tlv.encode(0x67, tlv.encode(_DISPLAYED_SIGNATURE, _face(draft)))


def _face(draft: Draft) -> bytes:
    """Return an image that a data group for displayed images can hold."""
    face, *_ = DataGroup2.decode(draft.files[FileID.DG2]).faces()
    return face.data


@_rewrite(FileID.DG11)
def _latin_1(octets: bytes) -> bytes:
    """A place of birth in Latin-1; Doc 9303-10, 4.7.11 requires UTF-8."""
    content = DataGroup11.decode(octets)
    place = tlv.encode(
        _PLACE_OF_BIRTH, f"{content.place_of_birth or 'UTOPIA'}, Köln".encode("latin-1")
    )
    return _with_children(
        octets, lambda tag, value: (place,) if tag == _PLACE_OF_BIRTH else (tlv.encode(tag, value),)
    )


@_rewrite(FileID.DG12)
def _date_in_bcd(octets: bytes) -> bytes:
    """A date of issue in BCD, which inspection systems should support (Doc 9303-10, 4.7.12)."""
    digits = DataGroup12.decode(octets).date_of_issue or ""
    date = tlv.encode(_DATE_OF_ISSUE, bytes.fromhex(digits))
    return _with_children(
        octets, lambda tag, value: (date,) if tag == _DATE_OF_ISSUE else (tlv.encode(tag, value),)
    )


@_added(FileID.DG13)
def _plain_text(_: Draft) -> bytes:
    """Text where data objects are expected, since the tag is constructed (SG)."""
    return tlv.encode(0x6D, b"UTOPIA 0000 0000 0000")


@_rewrite(FileID.DG14)
def _zeros_in_dg14(octets: bytes) -> bytes:
    return tlv.encode(0x6E, tlv.read(octets, "DG14").value, _ZEROS)


@_added(FileID.DG16)
def _persons_not_counted(_: Draft) -> bytes:
    return tlv.encode(0x70, _PERSON)


FILE_QUIRKS: Final[Mapping[str, Change]] = MappingProxyType(_CHANGES)
"""The quirks that an elementary file can have, by name."""
