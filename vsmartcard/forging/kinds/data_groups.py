"""Data groups that are not as the State signed them, and an EF.COM that hides it."""

from datetime import date, timedelta
from typing import Final

from msgspec.structs import replace

from emrtd import tlv
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, chip_authentication_oid
from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import FileID, data_group
from emrtd.lds.security.security_infos import ChipAuthenticationInfo, SecurityInfos
from support.errors import MisuseError
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.making import (
    active_key,
    agreement_key,
    copied_keys,
    mrz_with,
    with_files,
)
from vsmartcard.forging.surgery import flipped

KINDS: Final = Kinds(Family.DATA_GROUPS)

_MRZ: Final = 0x5F1F
_TEN_YEARS: Final = timedelta(days=3650)


def com_without(forger: Forger, *numbers: int) -> bytes:
    """Return the EF.COM without some data groups."""
    listed = [each for each in forger.victim.groups if each not in numbers]
    return _com(forger, *listed)


def _com(forger: Forger, *numbers: int) -> bytes:
    versions = Com.decode(forger.victim.file(FileID.COM))
    made = Com.for_data_groups(*numbers)
    return replace(
        made, lds_version=versions.lds_version, unicode_version=versions.unicode_version
    ).encode()


def _added(forger: Forger, number: int, octets: bytes) -> Forged:
    """Add a data group that EF.SOD does not list, and list it in EF.COM."""
    com = _com(forger, *sorted({*forger.victim.groups, number}))
    return with_files(forger, {data_group(number).file_id: octets, FileID.COM: com})


def _removed(forger: Forger, *numbers: int) -> Forged:
    for number in numbers:
        forger.victim.file(data_group(number).file_id)
    files: dict[FileID, bytes | None] = {data_group(each).file_id: None for each in numbers}
    return with_files(forger, files | {FileID.COM: com_without(forger, *numbers)})


# --- DG1 -----------------------------------------------------------------------------------------


def _mrz(name: str, gain: str, **elements: str) -> None:
    def make(forger: Forger) -> Forged:
        mrz = mrz_with(forger.victim.mrz, **elements)
        return with_files(forger, {FileID.DG1: DataGroup1(mrz).encode()})

    KINDS.add(name, gain, "dg.hash.DG1", make)


_mrz("dg1.name", "travels under another name", surname="Impostor", given_names="Ima")
_mrz("dg1.number", "a number that no stop list names", document_number="XA0000001")
_mrz("dg1.birth", "an age of one's choice", date_of_birth="010203")
_mrz("dg1.nationality", "a nationality that needs no visa", nationality="ATA")


@KINDS.kind("dg1.document-code", "a diplomat's document made of another", "dg.hash.DG1")
def _document_code(forger: Forger) -> Forged:
    code = "PD" if forger.victim.mrz.document_code.startswith("P") else "P"
    mrz = mrz_with(forger.victim.mrz, document_code=code)
    return with_files(forger, {FileID.DG1: DataGroup1(mrz).encode()})


@KINDS.kind("dg1.expiry", "goes on using an expired document", "dg.hash.DG1")
def _later_expiry(forger: Forger) -> Forged:
    later = (forger.at + _TEN_YEARS - timedelta(days=30)).strftime("%y%m%d")
    mrz = mrz_with(forger.victim.mrz, date_of_expiry=later)
    return with_files(forger, {FileID.DG1: DataGroup1(mrz).encode()})


@KINDS.kind("dg1.state", "a document of a State whose holders are let in", "dg.hash.DG1")
def _other_state(forger: Forger) -> Forged:
    state = "ATA" if forger.victim.mrz.issuing_state != "ATA" else "UTO"
    mrz = mrz_with(forger.victim.mrz, issuing_state=state)
    return with_files(forger, {FileID.DG1: DataGroup1(mrz).encode()})


@KINDS.kind(
    "dg1.second-mrz",
    "another name in a reader that shows the last MRZ in DG1 and hashes up to the first",
    "dg.hash.DG1",
)
def _second_mrz(forger: Forger) -> Forged:
    mrz = mrz_with(forger.victim.mrz, surname="Impostor", given_names="Ima")
    genuine = tlv.read_expected(forger.victim.file(FileID.DG1), 0x61, "DG1").value
    second = tlv.encode(_MRZ, mrz.text.encode("ascii"))
    return with_files(forger, {FileID.DG1: tlv.encode(0x61, genuine, second)})


@KINDS.kind(
    "dg1.line-breaks",
    "free octets in a reader that hashes the MRZ and not the file",
    "dg.hash.DG1",
)
def _line_breaks(forger: Forger) -> Forged:
    text = "\n".join(forger.victim.mrz.lines).encode("ascii")
    return with_files(forger, {FileID.DG1: tlv.encode(0x61, tlv.encode(_MRZ, text))})


@KINDS.kind("dg1.cut", "a reader that leaves out what it cannot decode", "dg.hash.DG1")
def _cut(forger: Forger) -> Forged:
    short = forger.victim.mrz.text[:-1].encode("ascii")
    octets = tlv.encode(0x61, tlv.encode(_MRZ, short))
    return with_files(forger, {FileID.DG1: octets})


@KINDS.kind("dg1.removed", "no name on the chip to be looked up", "dg.hash.DG1")
def _no_dg1(forger: Forger) -> Forged:
    return _removed(forger, 1)


# --- biometrics ----------------------------------------------------------------------------------


def _impostors_face(forger: Forger) -> bytes:
    """Return the image of another face: the victim's DG2 with other pixels."""
    octets = forger.victim.file(FileID.DG2)
    middle = len(octets) // 2
    pixels = bytes(each ^ 0x55 for each in octets[middle : middle + 64])
    return octets[:middle] + pixels + octets[middle + 64 :]


@KINDS.kind("dg2.face", "passes as the holder with another face", "dg.hash.DG2")
def _other_face(forger: Forger) -> Forged:
    return with_files(forger, {FileID.DG2: _impostors_face(forger)})


@KINDS.kind("dg2.bit", "a change that nobody sees, in a reader that does not hash", "dg.hash.DG2")
def _one_bit(forger: Forger) -> Forged:
    octets = forger.victim.file(FileID.DG2)
    return with_files(forger, {FileID.DG2: flipped(octets, len(octets) - 3)})


@KINDS.kind("dg2.second-face", "another face in a reader that shows the last one", "dg.hash.DG2")
def _second_face(forger: Forger) -> Forged:
    group = tlv.read_expected(forger.victim.file(FileID.DG2), 0x75, "DG2")
    template = tlv.read_expected(group.value, 0x7F61, "DG2")
    (entry,) = [tlv.encode(0x7F60, each.value) for each in template.children().all(0x7F60)][:1]
    count = tlv.encode(0x02, b"\x02")
    both = tlv.encode(0x7F61, count, entry, flipped(entry, len(entry) - 3, 0x55))
    return with_files(forger, {FileID.DG2: tlv.encode(0x75, both)})


@KINDS.kind("dg2.no-face", "no face to be compared with", "dg.hash.DG2")
def _no_face(forger: Forger) -> Forged:
    empty = tlv.encode(0x75, tlv.encode(0x7F61, tlv.encode(0x02, b"\x00")))
    return with_files(forger, {FileID.DG2: empty})


@KINDS.kind("dg2.removed", "no face to be compared with", "dg.hash.DG2")
def _no_dg2(forger: Forger) -> Forged:
    return _removed(forger, 2)


@KINDS.kind("dg5.added", "a displayed portrait of the impostor, unsigned", "dg.hash.DG5")
def _displayed_portrait(forger: Forger) -> Forged:
    image = tlv.encode(0x5F40, b"\xff\xd8\xff\xe0" + forger.octets(64) + b"\xff\xd9")
    return _added(forger, 5, tlv.encode(0x65, tlv.encode(0x02, b"\x01"), image))


# --- details and permit --------------------------------------------------------------------------


@KINDS.kind("dg11.details", "another full name and birth, shown beside the MRZ", "dg.hash.DG11")
def _details(forger: Forger) -> Forged:
    octets = DataGroup11(name_in_full="IMPOSTOR<<IMA", date_of_birth="20010203").encode()
    return _added(forger, 11, octets)


@KINDS.kind("dg12.issue", "a date of issue that moves the century of the expiry", "dg.hash.DG12")
def _date_of_issue(forger: Forger) -> Forged:
    return _added(forger, 12, DataGroup12(date_of_issue=f"{forger.at:%Y%m%d}").encode())


def _permit_of(forger: Forger) -> Permit:
    permit = DataGroup13.decode(forger.victim.file(FileID.DG13)).permit
    if permit is None:
        raise MisuseError(
            "this kind of forgery needs a permit in DG13", advice="choose another kind or image"
        )
    return permit


def _with_permit(name: str, gain: str, **changes: object) -> None:
    def make(forger: Forger) -> Forged:
        permit = replace(_permit_of(forger), **changes)
        return with_files(forger, {FileID.DG13: DataGroup13.for_permit(permit).encode()})

    KINDS.add(name, gain, "dg.hash.DG13", make)


_with_permit("dg13.work", "the right to work", work="permitted")
_with_permit("dg13.public-funds", "public funds", public_funds=True)
_with_permit("dg13.remarks", "a permit without its restrictions", remarks=())
_with_permit("dg13.until", "a stay of decades", valid_until=date(2099, 12, 31))


@KINDS.kind("dg13.removed", "restrictions that nobody sees", "dg.hash.DG13")
def _no_permit(forger: Forger) -> Forged:
    return _removed(forger, 13)


# --- keys of the chip ----------------------------------------------------------------------------


@KINDS.kind("dg14.key", "a copy that proves itself with its own key", "dg.hash.DG14")
def _other_agreement_key(forger: Forger) -> Forged:
    forger.victim.file(FileID.DG14)
    key, infos = agreement_key(forger)
    octets = DataGroup14(SecurityInfos(*infos)).encode()
    made = with_files(forger, {FileID.DG14: octets})
    keys = replace(made.keys, chip_authentication=(key,))
    return with_files(forger, {FileID.DG14: octets}, keys=keys)


@KINDS.kind("dg14.weak-cipher", "sessions with a cipher that can be broken", "dg.hash.DG14")
def _weak_cipher(forger: Forger) -> Forged:
    weak = chip_authentication_oid(KeyAgreement.ECDH, Cipher.TDES)
    infos = [
        ChipAuthenticationInfo(weak, each.key_id, 1)
        if isinstance(each, ChipAuthenticationInfo)
        else each
        for each in forger.victim.security_infos
    ]
    return with_files(forger, {FileID.DG14: DataGroup14(SecurityInfos(*infos)).encode()})


@KINDS.kind("dg14.removed", "a copy that nobody asks for Chip Authentication", "dg.hash.DG14")
def _no_dg14(forger: Forger) -> Forged:
    return _removed(forger, 14)


@KINDS.kind("dg15.key", "a copy that proves itself with its own key", "dg.hash.DG15")
def _other_active_key(forger: Forger) -> Forged:
    forger.victim.file(FileID.DG15)
    key, octets = active_key(forger.key())
    files = {**forger.victim.files, FileID.DG15: octets}
    copied = copied_keys(forger, files, forger.victim.mrz.text)
    return with_files(
        forger, {FileID.DG15: octets}, keys=replace(copied, active_authentication=key)
    )


@KINDS.kind("dg15.removed", "a copy that nobody asks for Active Authentication", "dg.hash.DG15")
def _no_dg15(forger: Forger) -> Forged:
    return _removed(forger, 15)


@KINDS.kind("dg16.added", "somebody else is told of an accident", "dg.hash.DG16")
def _persons_to_notify(forger: Forger) -> Forged:
    person = tlv.encode(
        0xA1,
        tlv.encode(0x5F50, f"{forger.at:%Y%m%d}".encode()),
        tlv.encode(0x5F51, b"IMPOSTOR<<IMA"),
        tlv.encode(0x5F52, b"+0"),
        tlv.encode(0x5F53, b"NOWHERE"),
    )
    return _added(forger, 16, tlv.encode(0x70, tlv.encode(0x02, b"\x01"), person))


# --- EF.COM --------------------------------------------------------------------------------------


@KINDS.kind(
    "com.without-proofs",
    "a copy that a reader which goes by EF.COM asks for no proof",
    "com.consistent",
)
def _com_without_proofs(forger: Forger) -> Forged:
    forger.victim.file(FileID.DG14)
    return with_files(forger, {FileID.COM: com_without(forger, 14, 15)})


@KINDS.kind(
    "com.without-permit",
    "restrictions that a reader which goes by EF.COM does not show",
    "com.consistent",
)
def _com_without_permit(forger: Forger) -> Forged:
    forger.victim.file(FileID.DG13)
    return with_files(forger, {FileID.COM: com_without(forger, 13)})


@KINDS.kind(
    "com.surplus", "an unsigned group that a reader takes for a listed one", "com.consistent"
)
def _com_surplus(forger: Forger) -> Forged:
    missing = next(number for number in range(16, 0, -1) if number not in forger.victim.groups)
    return with_files(forger, {FileID.COM: _com(forger, *forger.victim.groups, missing)})


@KINDS.kind("com.version", "a reader that reads by the rules of an older LDS", "com.consistent")
def _com_version(forger: Forger) -> Forged:
    com = Com.decode(forger.victim.file(FileID.COM))
    other = "0107" if com.lds_version != "0107" else "0106"
    return with_files(forger, {FileID.COM: replace(com, lds_version=other).encode()})


@KINDS.kind("com.malformed", "a reader that goes on without what it cannot read", "com.consistent")
def _com_malformed(forger: Forger) -> Forged:
    octets = forger.victim.file(FileID.COM)
    return with_files(forger, {FileID.COM: octets[:-1]})
