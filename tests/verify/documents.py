"""Documents of Utopia for tests, issued in memory by the real builders, with any flaw."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

from PIL import Image

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
    ID_PK_ECDH,
    ID_SECURITY_OBJECT,
    KeyAgreement,
    chip_authentication_oid,
)
from emrtd.crypto.protocols import (
    Mapping as PaceMapping,
)
from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.data_groups.permit import Permit
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
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.secret import Secret
from tests.certificates import DAY, NOW, Authority, ec_key, key
from tests.helpers import replace
from verify.judging.decoding import decode_files
from verify.judging.evidence import Evidence
from verify.judging.judgement import judge
from verify.judging.policy import Policy, load_policy
from verify.judging.report import Report
from verify.showing.images import look_at_images

CSCA = Authority()
PARAMETERS = 13  # brainpoolP256r1
CAN = "123456"


@cache
def face() -> bytes:
    """Return a JPEG of 32 x 40 pixels."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((32, 40)).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


def mrz(**changes: object) -> Mrz:
    elements: dict[str, object] = {
        "document_code": "IR",
        "issuing_state": "UTO",
        "document_number": "ZU1234567",
        "nationality": "GBR",
        "date_of_birth": "900131",
        "sex": "F",
        "date_of_expiry": date(2031, 11, 21),
        "surname": "Mustermann",
        "given_names": "Erika Maria",
    }
    return Mrz.build("TD1", **(elements | changes))  # type: ignore[arg-type]


def permit(**changes: object) -> Permit:
    conditions: dict[str, object] = {
        "category": "SKILLED WORKER",
        "valid_from": date(2026, 11, 1),
        "valid_until": date(2031, 11, 21),
        "stay": True,
        "work": "restricted",
        "study": True,
        "public_funds": False,
        "remarks": ("No public funds",),
    }
    return Permit(**(conditions | changes))  # type: ignore[arg-type]


def born(digits: str, **more: object) -> bytes:
    """DG11 with a date of birth (YYYYMMDD) and other elements."""
    return DataGroup11(date_of_birth=digits, **more).encode()  # type: ignore[arg-type]


def issued(digits: str, **more: object) -> bytes:
    """DG12 with a date of issue (YYYYMMDD) and other elements."""
    return DataGroup12(date_of_issue=digits, **more).encode()  # type: ignore[arg-type]


PACE_GM = PaceInfo.of(KeyAgreement.ECDH, PaceMapping.GENERIC, Cipher.AES128, PARAMETERS)
PACE_CAM = PaceInfo.of(
    KeyAgreement.ECDH, PaceMapping.CHIP_AUTHENTICATION, Cipher.AES128, PARAMETERS
)


@dataclass(frozen=True)
class Issue:
    """The parameters of issuing a document; each may be changed to make a flaw."""

    mrz: Mrz = field(default_factory=mrz)
    permit: Permit | None = field(default_factory=permit)
    pace: tuple[PaceInfo, ...] = (PACE_GM, PACE_CAM)
    chip_authentication: bool = True
    active_authentication: str | None = "brainpoolP256r1"
    terminal_authentication: bool = False
    basic_access_control: bool = False
    lds_version: str | None = "0108"
    authority: Authority = CSCA
    signer: Certificate | None = None
    signer_kind: str = "brainpoolP256r1"
    hash_algorithm: Hash = Hash.SHA256
    signing_time: datetime = NOW - 10 * DAY
    anchors: tuple[Certificate, ...] | None = None
    crl: bytes | str | None = "good"
    com: Com | None = None
    more: Mapping[int, bytes] = field(default_factory=dict)
    unsigned: Mapping[int, bytes] = field(default_factory=dict)
    card_access: tuple[SecurityInfo, ...] | None = None
    more_infos: tuple[SecurityInfo, ...] = ()
    chip_private: int = 0x5EC2E7

    @property
    def document_signer(self) -> Certificate:
        return self.signer or self.authority.issue("DS 1", self.signer_kind)

    @property
    def information(self) -> str:
        return self.mrz.information


class Trust(TrustSet):
    """A trust store in memory, with Deviation and Defect Lists."""

    deviations: tuple[DeviationList, ...] = ()
    defects: tuple[DefectList, ...] = ()

    def deviation_lists(self, country: str) -> Sequence[DeviationList]:
        return [each for each in self.deviations if each.country == country]

    def defect_lists(self) -> Sequence[DefectList]:
        return self.defects


@dataclass(frozen=True)
class Document:
    """A document, the keys of its chip, and the trust store to judge it with."""

    how: Issue
    files: dict[FileID, bytes]
    keys: ChipKeys
    trust: Trust

    def with_file(self, file_id: FileID, octets: bytes | None) -> "Document":
        """Return the document with one file replaced, or removed if None."""
        files = {id_: each for id_, each in self.files.items() if id_ is not file_id}
        return replace(self, files=files if octets is None else files | {file_id: octets})

    def flipped(self, file_id: FileID, position: int, mask: int = 0x01) -> "Document":
        """Return the document with one octet of one file changed."""
        octets = bytearray(self.files[file_id])
        octets[position] ^= mask
        return self.with_file(file_id, bytes(octets))

    def evidence(self, **fields: object) -> Evidence:
        """Return its files as an LDS image."""
        return Evidence(files=self.files, **fields)  # type: ignore[arg-type]

    def judged(
        self,
        evidence: Evidence | None = None,
        at: datetime = NOW,
        policy: str | Policy = "default",
        *,
        looked_at: bool = False,
    ) -> Report:
        """Judge it, or the evidence given; its images are decoded only if `looked_at`."""
        policy = load_policy(policy) if isinstance(policy, str) else policy
        evidence = evidence or self.evidence()
        looks = look_at_images(decode_files(evidence.files)) if looked_at else None
        return judge(evidence, self.trust, policy, at, looks)


def issue(**changes: object) -> Document:
    """Issue a document; `Issue` has the parameters."""
    return _issue(Issue(**changes))  # type: ignore[arg-type]


def with_face(image: bytes) -> Document:
    """Return a document that was signed with this face image."""
    return issue(more={2: DataGroup2.of([FaceImage.of(image)]).encode()})


@cache
def usual() -> Document:
    """Return a document without flaws: PACE, Chip and Active Authentication, a permit."""
    return issue()


def _issue(how: Issue) -> Document:
    infos, static = _security_infos(how)
    active_key = None if how.active_authentication is None else key("AA", how.active_authentication)
    groups: dict[int, bytes] = {
        1: DataGroup1(how.mrz).encode(),
        2: DataGroup2.of([FaceImage.of(face())]).encode(),
    }
    if how.permit is not None:
        groups[13] = DataGroup13.for_permit(how.permit).encode()
    if infos:
        groups[14] = DataGroup14(SecurityInfos(*infos)).encode()
    if active_key is not None:
        groups[15] = DataGroup15.of(active_key.public_key).encode()
    groups |= how.more
    signing_key = key("DS 1", how.signer_kind)
    versions = (how.lds_version, "040000") if how.lds_version else (None, None)
    security_object = SecurityObject.over(groups, how.hash_algorithm, *versions)
    certificate = how.document_signer
    files = {data_group(number).file_id: each for number, each in groups.items()}
    files |= {data_group(number).file_id: each for number, each in how.unsigned.items()}
    files[FileID.SOD] = build_sod(
        security_object, signing_key, certificate, signing_time=how.signing_time
    )
    com = how.com or Com.for_data_groups(*groups, lds_version=how.lds_version or "0107")
    files[FileID.COM] = com.encode()
    if how.pace:
        offered = how.pace if how.card_access is None else how.card_access
        files[FileID.CARD_ACCESS] = CardAccess(SecurityInfos(*offered)).encode()
    if PACE_CAM in how.pace:
        files[FileID.CARD_SECURITY] = build_signed_data(
            ID_SECURITY_OBJECT,
            SecurityInfos(*infos).encode(),
            signing_key,
            certificate,
            Hash.SHA256,
            how.signing_time,
        )
    keys = ChipKeys(
        passwords=(
            ChipPassword.of(Password.from_mrz_information(how.information)),
            ChipPassword.of(Password.can(CAN)),
        ),
        basic_access_control=how.basic_access_control,
        chip_authentication=(static,),
        active_authentication=None
        if active_key is None
        else ActiveAuthenticationKey(active_key.to_pkcs8(), Hash.SHA256),
    )
    return Document(how, files, keys, trust(how))


def _security_infos(how: Issue) -> tuple[list[SecurityInfo], ChipAuthenticationKey]:
    group = STANDARDISED[PARAMETERS]
    public_key = encode_agreement_key(group, group.public_key(how.chip_private), explicit=True)
    protocol = chip_authentication_oid(KeyAgreement.ECDH, Cipher.AES128)
    private = Secret(how.chip_private.to_bytes(group.private_key_size, "big"))
    static = ChipAuthenticationKey(public_key, private, PARAMETERS, (protocol,))
    infos: list[SecurityInfo] = [*how.pace, *how.more_infos]
    if how.chip_authentication or PACE_CAM in how.pace:
        infos += [
            ChipAuthenticationInfo(protocol, PARAMETERS),
            ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, public_key, PARAMETERS),
        ]
    if how.terminal_authentication:
        infos.append(TerminalAuthenticationInfo())
    if how.active_authentication is not None and not how.active_authentication.startswith("RSA"):
        infos.append(ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.3"))  # SHA-256
    return infos, static


def trust(how: Issue) -> Trust:
    """Return a trust store with the CSCA and its CRL: a correct one, none, or other octets."""
    anchors: Iterable[Certificate] = (
        (how.authority.certificate(),) if how.anchors is None else how.anchors
    )
    crl = how.authority.crl() if how.crl == "good" else how.crl
    crls = [Crl.parse(crl)] if isinstance(crl, bytes) else []
    return Trust(anchors, crls, source="the tests")


__all__ = [
    "CAN",
    "CSCA",
    "DAY",
    "NOW",
    "Document",
    "born",
    "ec_key",
    "issue",
    "issued",
    "mrz",
    "permit",
    "usual",
    "with_face",
]
