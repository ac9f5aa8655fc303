"""Recognise an elementary file by its first octets (Doc 9303-10, 4.7)."""

from enum import Enum, auto, unique
from typing import Final

from emrtd import tlv
from emrtd.asn1 import ber, der
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT
from emrtd.lds.security.sod import OTHER_CONTENT_TYPES
from support.errors import MalformedError

HEAD: Final = 256
"""How many of its first octets are enough to recognise a file."""


@unique
class Companion(Enum):
    """The files of an image that are not elementary files."""

    CHIP_KEYS = auto()
    """CMS EnvelopedData or AuthEnvelopedData: the chip's keys, encrypted for a station."""
    EVIDENCE = auto()
    """What a reader recorded while it captured the files; JSON that starts with EVIDENCE_BEGINS."""


EVIDENCE_BEGINS: Final = b'{"chipseal":"evidence"'
"""The first octets of a file of evidence."""

_BY_TAG: Final = {file.tag: file.file_id for file in FILES.values() if file.file_id != FileID.DIR}
_ATR_INFO_TAGS: Final = frozenset({0x43, 0x45, 0x46, 0x47, 0x5F52, 0x7F66})
_OIDS: Final = {
    tlv.encode(0x06, bytes.fromhex("2A864886F70D010703")): Companion.CHIP_KEYS,  # envelopedData
    tlv.encode(0x06, bytes.fromhex("2A864886F70D0109100117")): Companion.CHIP_KEYS,  # with AEAD
}
_LISTS: Final = (bytes.fromhex("0606678108010102"), bytes.fromhex("0606678108010107"))
"""id-icao-cscaMasterList and id-icao-DeviationList: signed data too, but not EF.CardSecurity."""
_SOD_CONTENTS: Final = tuple(map(der.oid, (LDS_SECURITY_OBJECT, *sorted(OTHER_CONTENT_TYPES))))
"""The content types of EF.SOD, which some readers write without its tag 77."""


def recognise(head: bytes) -> FileID | Companion | None:
    """Recognise a file by its first `HEAD` octets, or all if it is shorter; None for other files.

    The name of the file is not used.  A file is recognised even if it is incomplete or damaged.
    """
    if len(head) < 2 or is_text(head):
        return Companion.EVIDENCE if head.startswith(EVIDENCE_BEGINS) else None
    try:
        tag, inner = _first_tags(head)
    except MalformedError:
        return None
    if tag == 0x30:
        return _recognise_sequence(inner, head)
    if tag == 0x61 and inner != 0x5F1F:
        return FileID.DIR if inner in {0x4F, 0x50, 0x51, 0x73} else FileID.DG1
    if tag in _ATR_INFO_TAGS:
        return FileID.ATR_INFO
    return _BY_TAG.get(tag)


def without_padding(file_id: FileID, octets: bytes) -> bytes:
    """Remove the padding of 00 or FF octets that a captured file may have after its data object.

    Other octets stay, and the decoder reports them.
    """
    if file_id in {FileID.CVCA, FileID.ATR_INFO, FileID.DIR}:
        return octets
    try:
        if ber.is_indefinite(octets):
            end = ber.size_of(octets, file_id)
        else:
            end = tlv.declared_size(octets[:9], file_id)
    except MalformedError:
        return octets
    behind = octets[end:]
    padded = bool(behind) and behind.count(behind[0]) == len(behind) and behind[0] in {0x00, 0xFF}
    return octets[:end] if padded else octets


def is_text(head: bytes) -> bool:
    """Whether these octets are printable text, which could be mistaken for tags of data groups."""
    return all(0x20 <= octet < 0x7F or octet in b"\t\r\n" for octet in head)


def _first_tags(head: bytes) -> tuple[int, int | None]:
    """Return the first tag, and the first tag inside it, None if that cannot be read."""
    tag, start = _tag_and_start(head)
    try:
        return tag, _tag_and_start(head[start:])[0]
    except MalformedError:
        return tag, None


def _tag_and_start(octets: bytes) -> tuple[int, int]:
    if ber.is_indefinite(octets):
        return octets[0], 2
    size = 2 if octets and octets[0] & 0x1F == 0x1F else 1
    declared = tlv.declared_size(octets[:9], "file")
    tag = int.from_bytes(octets[:size], "big")
    length_octets = 1 + (octets[size] & 0x7F if octets[size] & 0x80 else 0)
    return tag, min(size + length_octets, declared)


def _recognise_sequence(inner: int | None, head: bytes) -> FileID | Companion | None:
    for oid, companion in _OIDS.items():
        if oid in head[:32]:
            return companion
    if inner != 0x06 or any(oid in head for oid in _LISTS):  # a certificate, a key, a list
        return None
    if any(oid in head for oid in _SOD_CONTENTS):
        return FileID.SOD
    return FileID.CARD_SECURITY
