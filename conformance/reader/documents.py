"""The documents of the suite: issued in memory by the builders of the product, with any flaw."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Final

from conformance.reader.authority import DAY, Authority, key
from emrtd.access.chip_keys import (
    ActiveAuthenticationKey,
    ChipAuthenticationKey,
    ChipKeys,
    ChipPassword,
)
from emrtd.access.passwords import Password
from emrtd.biometrics.samples import FaceImage
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, encode_agreement_key
from emrtd.crypto.hashes import Hash
from emrtd.crypto.protocols import (
    ID_PK_DH,
    ID_PK_ECDH,
    ID_SECURITY_OBJECT,
    KeyAgreement,
    chip_authentication_oid,
)
from emrtd.crypto.protocols import Mapping as PaceMapping
from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FileID, data_group
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
)
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import build_sod
from emrtd.mrz import Mrz
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.x509.certificates import Certificate
from support.secret import Secret

CAN: Final = "123456"
PARAMETERS: Final = 13
"""The domain parameters of PACE and Chip Authentication, where a case does not name others."""

PACE_GM: Final = PaceInfo.of(KeyAgreement.ECDH, PaceMapping.GENERIC, Cipher.AES128, PARAMETERS)
PACE_CAM: Final = PaceInfo.of(
    KeyAgreement.ECDH, PaceMapping.CHIP_AUTHENTICATION, Cipher.AES128, PARAMETERS
)


@cache
def face() -> bytes:
    """Return a JPEG of 32 x 40 pixels."""
    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").resize((32, 40)).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


def portrait() -> bytes:
    """Return a DG2 with the face."""
    return DataGroup2.of([FaceImage.of(face())]).encode()


def in_years(at: datetime, years: int) -> date:
    """Return the first day of the same month, some years later."""
    return date(at.year + years, at.month, 1)


def mrz(at: datetime, **changes: object) -> Mrz:
    """Return the MRZ of a passport that is valid for five more years."""
    elements: dict[str, object] = {
        "document_code": "PP",
        "issuing_state": "UTO",
        "document_number": "ZU1234567",
        "nationality": "UTO",
        "date_of_birth": "900131",
        "sex": "F",
        "date_of_expiry": in_years(at, 5),
        "surname": "Mustermann",
        "given_names": "Erika Maria",
    }
    return Mrz.build("TD3", **(elements | changes))  # type: ignore[arg-type]


# --- keys of Chip Authentication -----------------------------------------------------------------


@cache
def static_key(number: int, private: int = 0x5EC2E7) -> tuple[bytes, Secret]:
    """Return SubjectPublicKeyInfo and private number of a key on standardised domain parameters."""
    group = STANDARDISED[number]
    size = (private.bit_length() + 7) // 8
    return (
        encode_agreement_key(group, group.public_key(private), explicit=True),
        Secret(private.to_bytes(size, "big")),
    )


@dataclass(frozen=True)
class ChipKey:
    """A static key: its domain parameters, cipher and identifier; and what DG14 says of it.

    `said` is the identifier in DG14, where it is another than the chip's own; `info` the one in
    ChipAuthenticationInfo, where that is another again.  Without a cipher, DG14 has no
    ChipAuthenticationInfo, and the chip uses 3DES.
    """

    parameters: int = 12
    cipher: Cipher | None = Cipher.AES128
    key_id: int | None = None
    said: int | None = None
    info: int | None = None

    @property
    def agreement(self) -> KeyAgreement:
        """Diffie-Hellman, or that on elliptic curves."""
        return STANDARDISED[self.parameters].key_agreement

    @property
    def protocol(self) -> str:
        """The dotted OID of the protocol."""
        return chip_authentication_oid(self.agreement, self.cipher or Cipher.TDES)

    def public_key_info(self) -> ChipAuthenticationPublicKeyInfo:
        """Return the entry of DG14 with the public key."""
        oid = ID_PK_DH if self.agreement is KeyAgreement.DH else ID_PK_ECDH
        said = self.key_id if self.said is None else self.said
        return ChipAuthenticationPublicKeyInfo(oid, static_key(self.parameters)[0], said)

    def infos(self) -> list[SecurityInfo]:
        """Return the entries of DG14."""
        found: list[SecurityInfo] = [public := self.public_key_info()]
        if self.cipher is not None:
            info = public.key_id if self.info is None else self.info
            found.append(ChipAuthenticationInfo(self.protocol, info))
        return found

    def key(self) -> ChipAuthenticationKey:
        """Return the key as the chip stores it."""
        public, private = static_key(self.parameters)
        return ChipAuthenticationKey(public, private, self.key_id, (self.protocol,))


# --- issuing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Issue:
    """The parameters of issuing a document; each may be changed to make a flaw.

    The default is the one of part 5.1 for BAC (4.2): DG1 and DG2, and no proof by the chip.
    `page` is the printed MRZ, where it is not that of DG1.  `chip_keys` are the static keys, with
    their entries of DG14 unless `infos` are given; `infos` are all entries but those of PACE.
    `more` are data groups beside the usual ones, or in their place; `None` leaves one out.
    `active_authentication` is the kind of that key.
    """

    authority: Authority
    mrz: Mrz
    page: Mrz | None = None
    pace: tuple[PaceInfo, ...] = ()
    basic_access_control: bool = True
    open: bool = False
    chip_keys: tuple[ChipKey, ...] = ()
    infos: tuple[SecurityInfo, ...] | None = None
    active_authentication: str | None = None
    active_hash: Hash = Hash.SHA256
    terminal_authentication: bool = False
    signer_kind: str = "brainpoolP256r1"
    signer: Certificate | None = None
    hash_algorithm: Hash = Hash.SHA256
    lds_version: str | None = "0108"
    more: Mapping[int, bytes | None] = field(default_factory=dict)
    card_access: tuple[SecurityInfo, ...] | None = None
    card_security: tuple[SecurityInfo, ...] | None = None
    revoked: tuple[int, ...] = ()

    @property
    def at(self) -> datetime:
        """The instant for which the document is made."""
        return self.authority.at

    @property
    def document_signer(self) -> Certificate:
        """The certificate of the Document Signer."""
        return self.signer or _signer(self.authority, self.signer_kind)


@dataclass(frozen=True)
class Document:
    """A document, the keys of its chip, and what an inspector must trust to judge it.

    `page` is the printed MRZ, without line breaks.
    """

    how: Issue
    files: Mapping[FileID, bytes]
    keys: ChipKeys
    page: str
    anchors: tuple[Certificate, ...]
    crls: tuple[bytes, ...]
    signers: tuple[Certificate, ...] = ()

    @property
    def password(self) -> Password:
        """The password of the chip, from the printed MRZ."""
        return Password.from_mrz_information(Mrz.parse(self.page).information)

    def with_file(self, file_id: FileID, octets: bytes | None) -> "Document":
        """Return the document with one file replaced, or removed if None."""
        files = {id_: each for id_, each in self.files.items() if id_ is not file_id}
        return replace(self, files=files if octets is None else files | {file_id: octets})

    def with_keys(self, **changes: object) -> "Document":
        """Return the document with other keys in its chip."""
        from msgspec.structs import replace as change

        return replace(self, keys=change(self.keys, **changes))

    def trusting(self, *certificates: Certificate, crls: Iterable[bytes] = ()) -> "Document":
        """Return the document for an inspector who trusts these CSCAs alone."""
        return replace(self, anchors=certificates, crls=tuple(crls))


@cache
def _signer(authority: Authority, kind: str) -> Certificate:
    return authority.signer("DS 1", kind)


@cache
def _trusted(authority: Authority, revoked: tuple[int, ...]) -> tuple[Certificate, bytes]:
    return authority.certificate(), authority.crl(revoked)


def issued(how: Issue) -> Document:
    """Issue a document."""
    groups = data_groups(how)
    security_object = SecurityObject.over(
        groups,
        how.hash_algorithm,
        *((how.lds_version, "040000") if how.lds_version else (None, None)),
    )
    signing_time = how.at - 10 * DAY
    files = {data_group(number).file_id: each for number, each in groups.items()}
    if how.signer_kind != "DSA":  # `sods` signs with that
        files[FileID.SOD] = build_sod(
            security_object,
            key("DS 1", how.signer_kind),
            _own_signer(how),
            signing_time=signing_time,
        )
    files[FileID.COM] = Com.for_data_groups(*groups, lds_version=how.lds_version or "0107").encode()
    if how.pace or how.card_access is not None:
        offered = how.pace if how.card_access is None else how.card_access
        files[FileID.CARD_ACCESS] = CardAccess(SecurityInfos(*offered)).encode()
    if how.card_security is not None:
        files[FileID.CARD_SECURITY] = build_signed_data(
            ID_SECURITY_OBJECT,
            SecurityInfos(*how.card_security).encode(),
            key("DS 1", how.signer_kind),
            how.document_signer,
            Hash.SHA256,
            signing_time,
        )
    anchor, crl = _trusted(how.authority, how.revoked)
    page = (how.page or how.mrz).text
    return Document(how, files, _chip_keys(how, page), page, (anchor,), (crl,))


def _own_signer(how: Issue) -> Certificate:
    """Return a sound certificate of the Document Signer, if the one of the case is not."""
    own = how.document_signer
    sound = own.public_key == key("DS 1", how.signer_kind).public_key
    return own if sound else _signer(how.authority, how.signer_kind)


def data_groups(how: Issue) -> dict[int, bytes]:
    """Return the data groups of a document, by number."""
    groups: dict[int, bytes] = {1: DataGroup1(how.mrz).encode(), 2: portrait()}
    infos = security_infos(how)
    if infos:
        groups[14] = DataGroup14(SecurityInfos(*infos)).encode()
    if how.active_authentication is not None:
        public = key("AA", how.active_authentication).public_key
        groups[15] = DataGroup15.of(public).encode()
    for number, content in how.more.items():
        if content is None:
            del groups[number]
        else:
            groups[number] = content
    return groups


def security_infos(how: Issue) -> list[SecurityInfo]:
    """Return the entries of DG14."""
    if how.infos is not None:
        return [*how.pace, *how.infos]
    found: list[SecurityInfo] = [
        *how.pace,
        *(info for each in how.chip_keys for info in each.infos()),
    ]
    if how.terminal_authentication:
        found.append(TerminalAuthenticationInfo())
    if how.active_authentication is not None and how.active_authentication[:3] != "RSA":
        found.append(ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.3"))  # SHA-256
    return found


def _chip_keys(how: Issue, page: str) -> ChipKeys:
    active = None
    if how.active_authentication is not None:
        private = key("AA", how.active_authentication).to_pkcs8()
        active = ActiveAuthenticationKey(private, how.active_hash)
    printed = Password.from_mrz_information(Mrz.parse(page).information)
    return ChipKeys(
        passwords=(ChipPassword.of(printed), ChipPassword.of(Password.can(CAN))),
        basic_access_control=how.basic_access_control,
        open=how.open,
        chip_authentication=tuple(each.key() for each in how.chip_keys),
        active_authentication=active,
    )
