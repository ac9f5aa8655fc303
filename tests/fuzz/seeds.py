"""Valid octets for the fuzz tests: of documents made by tests, and real ones if present."""

import base64
import gzip
import io
import secrets
import zipfile
from collections.abc import Callable
from datetime import date
from functools import cache

from PIL import Image

from emrtd import tlv
from emrtd.access.pace.messages import AuthenticationTemplate, Tag, encode
from emrtd.access.terminal_authentication import encode_auxiliary_data
from emrtd.asn1 import der
from emrtd.biometrics.cbeff import BiometricGroup
from emrtd.biometrics.iso39794.data_block import DataBlock
from emrtd.biometrics.iso39794.face import FaceImageDataBlock
from emrtd.biometrics.iso39794.finger import FingerImageDataBlock
from emrtd.biometrics.iso39794.iris import IrisImageDataBlock
from emrtd.biometrics.samples import Eye, FaceImage, FingerImage, FingerPosition, IrisImage
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import (
    STANDARDISED,
    encode_agreement_key,
    encode_domain_parameters,
)
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, PrivateKey, RsaPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.globalplatform.personalisation import DataGrouping, encode_groupings
from emrtd.globalplatform.put_key import NewKeys
from emrtd.iso7816 import odd_ins
from emrtd.lds.application_directory import ApplicationDirectory
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.content import FileContent
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.data_groups.dg5 import DataGroup5
from emrtd.lds.data_groups.dg7 import DataGroup7
from emrtd.lds.data_groups.dg11 import DataGroup11
from emrtd.lds.data_groups.dg12 import DataGroup12
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.lds.image import LdsImage
from emrtd.lds.lds2 import SignedRecord, TravelRecord, VisaRecord
from emrtd.lds.security.security_infos import PaceInfo
from emrtd.pki.cms.enveloped import ID_ENVELOPED_DATA, seal
from emrtd.pki.cms.recipients import encrypt_key
from emrtd.pki.cms.signed_data import ID_DATA, ID_SIGNED_DATA, SignedData
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.cvc.authorization import Role
from emrtd.pki.cvc.requests import request
from emrtd.pki.cvc.validation import TrustState
from emrtd.pki.lists.defect_list import ID_DEFECT_LIST, DefectKind
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationKind
from emrtd.pki.lists.stop_list import Stop, StopReason, build_stop_list
from emrtd.pki.pem import encode_pem
from emrtd.pki.private_key_file import encrypt_private_key
from emrtd.pki.x509 import extensions as ext
from personalise.spoc import dv_soap, soap
from personalise.spoc.dv_soap import DvMessage, DvOperation
from personalise.spoc.messages import GeneralMessage, Operation, Response, Result, SendCertificates
from support.secret import Secret
from tests.certificates import NOW, Authority, key
from tests.emrtd.globalplatform.session_vectors import VECTORS
from tests.emrtd.lds.test_lds2 import SIGNED_BY, STAMP, VISA, record
from tests.emrtd.pki.cvc.cvc_pki import ECDSA, certify
from tests.helpers import REPOSITORY
from tests.personalise import applications
from tests.personalise.intake.packages import tarred, zipped
from tests.verify.documents import PACE_CAM, PACE_GM, face, usual

_DATA = REPOSITORY.parent / "shared" / "data"
_MOST = 64 * 1024
_GROUP = STANDARDISED[13]
_MODP = STANDARDISED[0]

PASSPHRASE = Secret(b"a pass phrase for tests")
CSCA = Authority()
STATION = EcPrivateKey.generate(CURVES["brainpoolP256r1"])
RSA = RsaPrivateKey.generate(2048)
_BOTH: list[PrivateKey] = [STATION, RSA]
ZONES = [
    "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<D231458907UTO7408122F1204159<<<<<<<6",
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10",
]


def real(pattern: str) -> list[bytes]:
    """Return the real files of a pattern up to 64 KB; none if the shared data are absent."""
    paths = sorted(_DATA.glob(pattern)) if _DATA.is_dir() else []
    return [path.read_bytes() for path in paths if path.stat().st_size <= _MOST]


def _image(kind: str) -> bytes:
    """Return a grey ramp of 64 x 80 pixels in this format."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((64, 80)).save(stream, kind)
    return stream.getvalue()


@cache
def images() -> list[bytes]:
    """Return a JPEG, a PNG, a JPEG 2000, a WSQ, and real images."""
    wsq = applications.images()["ri.wsq"]
    drawn = [_image("PNG"), _image("JPEG2000")]
    return [face(), wsq, *drawn, *real("lds/silver/*"), *real("fingerprints/*.wsq")]


@cache
def _made() -> dict[FileID, bytes]:
    """Return elementary files made by the tests."""
    wsq = applications.images()["ri.wsq"]
    fingers = [FingerImage.of(wsq, FingerPosition.LEFT_INDEX)]
    contents: dict[FileID, FileContent | AtrInfo | ApplicationDirectory | Cvca] = {
        FileID.ATR_INFO: AtrInfo.of(Capability.EXTENDED_LENGTH, 32_768, 32_768),
        FileID.DIR: ApplicationDirectory.of([EMRTD_APPLICATION]),
        FileID.CVCA: Cvca(("UTCVCA00001",)),
        FileID.DG3: DataGroup3.of(fingers),
        FileID.DG4: DataGroup4.of([IrisImage.of(_image("JPEG2000"), Eye.LEFT, captured=NOW)]),
        FileID.DG5: DataGroup5((face(),)),
        FileID.DG7: DataGroup7((face(),)),
        FileID.DG11: DataGroup11(name_in_full="SMITH<<JOHN", date_of_birth="19740101"),
        FileID.DG12: DataGroup12(issuing_authority="UTOPIA", date_of_issue="20020531"),
    }
    return usual().files | {file_id: each.encode() for file_id, each in contents.items()}


@cache
def files(file_id: FileID) -> list[bytes]:
    """Return elementary files: of the BSI's set of 2008, of ICAO's samples, and our own."""
    found = [_made().get(file_id, b"")]
    if (_DATA / "lds/bsi2008").is_dir():
        found.append(LdsImage.load(_DATA / "lds/bsi2008").files.get(file_id, b""))
    if file_id is FileID.DG2:
        found += real("iso39794/*_DG2_*.dat")
    if file_id is FileID.CARD_SECURITY:
        found += real("card/*")
    tag = FILES[file_id].tag or 0x30
    return [each for each in found if each] or [tlv.encode(tag, b"\x02\x01\x01", b"\xa1\x00")]


@cache
def records(file_id: FileID) -> list[bytes]:
    """Return biometric records of ISO/IEC 19794, without the data objects around them."""
    tag = FILES[file_id].tag
    assert tag is not None
    groups = (BiometricGroup.decode(each, tag, file_id.name) for each in files(file_id))
    return [each.block for group in groups for each in group.templates if each.tag == 0x5F2E]


DATA_BLOCKS: list[tuple[type[DataBlock], Callable[[], list[bytes]]]] = [
    (
        FaceImageDataBlock,
        lambda: [
            FaceImageDataBlock.of(FaceImage.of(face())).encode(),
            *real("iso39794/*_AP_[AM]*Fields.dat"),
        ],
    ),
    (
        FingerImageDataBlock,
        lambda: [
            FingerImageDataBlock.of(
                FingerImage.of(applications.images()["ri.wsq"], FingerPosition.LEFT_INDEX)
            ).encode(),
            *real("iso39794/sample-39794-4*"),
        ],
    ),
    (
        IrisImageDataBlock,
        lambda: [
            IrisImageDataBlock.of(IrisImage.of(_image("JPEG2000"), Eye.LEFT, captured=NOW)).encode()
        ],
    ),
]


# --- certificates, lists, keys -------------------------------------------------------------------


def control_parameters() -> tuple[bytes, ...]:
    """Control parameters of an application that is locked, and of one in personalisation."""
    return tuple(bytes.fromhex(f"620F8201388407A00000024710018A010{status}") for status in (5, 3))


@cache
def odd_ins_data_fields() -> list[bytes]:
    """Return data fields of READ and UPDATE BINARY with odd INS."""
    data = odd_ins.encode_data(bytes(200))
    return [odd_ins.encode_offset(0x8000), odd_ins.encode_offset(0x12345) + data, data, b""]


def certificates() -> list[bytes]:
    """Return a CSCA certificate, a Document Signer certificate, and real CSCA certificates."""
    return [CSCA.certificate().der, CSCA.issue().der, *real("trust/*.cer")]


@cache
def revocation_lists() -> list[bytes]:
    return [CSCA.crl([17, 300])]


@cache
def master_lists() -> list[bytes]:
    return [CSCA.master_list(CSCA.certificate(), CSCA.issue())]


@cache
def signed_data() -> list[bytes]:
    sods = [tlv.read_expected(octets, 0x77, "EF.SOD").value for octets in files(FileID.SOD)]
    return [*sods, *master_lists(), *files(FileID.CARD_SECURITY)]


@cache
def signed_lists() -> list[bytes]:
    """Return a Deviation List and a Defect List."""
    deviation = der.sequence(
        der.sequence(der.tagged_primitive(0, b"C<")),
        der.set_of(
            der.sequence(
                der.printable_string("wrong"),
                der.oid(DeviationKind.DG_HASH_WRONG),
                der.tagged(0, der.integer(12)),
            )
        ),
    )
    defect = der.sequence(
        der.tagged_primitive(0, bytes(20)),
        der.octet_string(bytes(32)),
        der.set_of(
            der.sequence(der.oid(DefectKind.CERTIFICATE_REVOKED), tlv.encode(0x0A, b"\x03"))
        ),
    )
    return [
        _signed(ID_DEVIATION_LIST, der.sequence(der.integer(0), der.set_of(deviation))),
        _signed(
            ID_DEFECT_LIST,
            der.sequence(der.integer(0), der.oid(Hash.SHA256.oid), der.set_of(defect)),
        ),
    ]


@cache
def stop_lists() -> list[bytes]:
    stops = [
        ("UTO", "ZU1234567", Stop(StopReason.LOST, NOW)),
        ("D<<", "C01X00T47", Stop(StopReason.STOLEN, NOW)),
    ]
    signer = CSCA.list_signer(ext.DEVIATION_LIST_SIGNER)
    return [build_stop_list(stops, key("list signer"), signer, NOW, NOW, random=bytes)]


def _signed(content_type: str, content: bytes) -> bytes:
    signer = CSCA.list_signer(ext.DEVIATION_LIST_SIGNER)
    return build_signed_data(
        content_type, content, key("list signer"), signer, Hash.SHA256, NOW, by_key_identifier=True
    )


@cache
def security_objects() -> list[bytes]:
    return [SignedData.parse(each).content for each in signed_data()[:2]]


@cache
def public_keys() -> list[bytes]:
    keys = (key("fuzz", kind).public_key for kind in ("brainpoolP256r1", "RSA-2048"))
    return [encode_public_key(each, explicit=explicit) for each in keys for explicit in (0, 1)]


@cache
def private_keys() -> list[bytes]:
    return [key("fuzz", kind).to_pkcs8().reveal() for kind in ("brainpoolP256r1", "RSA-2048")]


def private_key_files() -> list[bytes]:
    return [encrypt_private_key(key("fuzz", "brainpoolP256r1"), PASSPHRASE)]


@cache
def agreement_keys() -> list[bytes]:
    return [
        encode_agreement_key(group, group.public_key(5), explicit=explicit)
        for group in (_GROUP, _MODP)
        for explicit in (False, True)
    ]


@cache
def domain_parameters() -> list[bytes]:
    return [
        encode_domain_parameters(group, explicit=explicit)
        for group in (_GROUP, _MODP)
        for explicit in (False, True)
    ]


@cache
def signatures() -> list[bytes]:
    return [
        der.sequence(der.integer(1 << 250), der.integer(1 << 200)),
        der.sequence(der.integer(0)),
    ]


@cache
def envelopes() -> list[bytes]:
    recipients = [
        encrypt_key(bytes(16), each.public_key, bytes(20), secrets.token_bytes) for each in _BOTH
    ]
    cipher = der.sequence(der.oid("2.16.840.1.101.3.4.1.2"), der.octet_string(bytes(16)))
    content = der.sequence(der.oid(ID_DATA), cipher, der.tagged_primitive(0, bytes(32)))
    body = der.sequence(der.integer(2), der.set_of(*recipients), content)
    return [
        seal(b"the keys of a chip", STATION.public_key, bytes(20)),
        seal(b"the keys of a chip", RSA.public_key, bytes(20)),
        der.sequence(der.oid(ID_ENVELOPED_DATA), der.tagged(0, body)),
    ]


@cache
def archives() -> list[bytes]:
    files = {"0001/application.json": b"{}", "0001/portrait.jpg": bytes(2000)}
    tar = tarred(files)
    return [
        zipped(files),
        zipped(files, zipfile.ZIP_STORED),
        tar,
        tarred({f"{'long/' * 40}application.json": b"{}"}),
        gzip.compress(tar),
    ]


@cache
def soap_messages() -> list[bytes]:
    sent = SendCertificates("UT", "m", Result.CERTIFICATES, (b"1", b"22"))
    return [
        soap.encode(sent),
        soap.encode(GeneralMessage("UT", "m", "a & b", "two\r\nlines")),
        soap.encode_response(
            Response(Operation.REQUEST_CERTIFICATE, Result.CERTIFICATES, (b"1", b"22"))
        ),
        dv_soap.encode_message(DvMessage(DvOperation.REQUEST_CERTIFICATE, b"123")),
        soap.wsdl("https://spoc.example/SPOC"),
    ]


@cache
def bundles() -> list[bytes]:
    certificates = der.tagged(0, CSCA.certificate().der, CSCA.issue().der)
    body = der.sequence(
        der.integer(1),
        der.set_of(),
        der.sequence(der.oid(ID_DATA)),
        certificates,
        der.tagged(1, CSCA.crl([5])),
        der.set_of(),
    )
    return [der.sequence(der.oid(ID_SIGNED_DATA), der.tagged(0, body))]


@cache
def segments() -> list[bytes]:
    return [der.octet_string(b"one"), der.octet_string(b"one") + der.octet_string(bytes(200))]


@cache
def transferred() -> list[bytes]:
    envelope = envelopes()[0]
    headers = b"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
    return [
        envelope,
        encode_pem(envelope, "CMS").encode(),
        headers + base64.encodebytes(envelope),
        headers.replace(b"base64", b"binary").replace(b"\n", b"\r\n") + envelope,
    ]


@cache
def pem() -> list[bytes]:
    one, other = CSCA.certificate().to_pem().encode(), CSCA.issue().to_pem().encode()
    return [one, b"a comment\n" + one + b"another\r\n" + other.replace(b"\n", b"\r\n")]


@cache
def ldif() -> list[bytes]:
    return [
        b"version: 1\n# a comment\ndn: o=dsc,c=UT,dc=data,dc=download\nobjectClass: top\n",
        b"dn: o=crl,c=UT\nuserCertificate;binary:: MIIB\n AAAA\n\ndn: o=crl,c=UT\ncn: CRL\n",
        b"dn: o=crl\nchangetype: modify\nreplace: crl\ncrl:: MIIB\n-\ndelete: crl\n-\n",
        b"dn: o=crl\nchangetype: modrdn\nnewrdn: cn=2\n\ndn: o=ds\nchangetype: delete\n",
    ]


# --- card-verifiable certificates ----------------------------------------------------------------


@cache
def cv_certificates() -> list[bytes]:
    root = certify("UTCVCA00001", Role.CVCA)
    ours = [root, certify("UTDV00001", Role.DV_DOMESTIC, root)]
    return [*(each.certificate.encode() for each in ours), *real("cvc/*/*.cvcert")]


@cache
def cv_requests() -> list[bytes]:
    return [request(STATION, ECDSA, "UTIS00001").encode()]


@cache
def trust_states() -> list[bytes]:
    root = certify("UTCVCA00001", Role.CVCA).certificate
    return [TrustState.initial([root], date(2026, 11, 22)).encode()]


@cache
def auxiliary_data() -> list[bytes]:
    return [encode_auxiliary_data([("0.4.0.127.0.7.3.1.4.1", b"19900131")])]


# --- commands and responses -----------------------------------------------------------------------


@cache
def chip_keys() -> list[bytes]:
    return [usual().keys.encode()]


DEK = Secret(bytes(range(16)))
"""The Key-DEK of `new_keys`."""


def initialize_update_answers() -> list[bytes]:
    s16 = bytes(11) + bytes((0x03, 0x61)) + bytes(32)
    return [*(bytes.fromhex(vector.answer) for vector in VECTORS), s16]


def new_keys() -> list[bytes]:
    keys = (Secret(bytes(16)), Secret(bytes(24)), Secret(bytes(32)))
    return [NewKeys(0x31, keys).encode(DEK, bytes), NewKeys(0x01, keys[:1]).encode(DEK, bytes)]


def groupings() -> list[bytes]:
    short, long = DataGrouping(0xE001, bytes(7)), DataGrouping(0xE002, bytes(400))
    return [encode_groupings((short, long, DataGrouping(0xE004, b"")))]


def key_information() -> list[bytes]:
    entries = (b"\x01\x30\x88\x10", bytes.fromhex("0130FF88002001180100"))
    return [tlv.encode(0xE0, *(tlv.encode(0xC0, each) for each in entries))]


@cache
def authentication_templates() -> list[bytes]:
    infos: list[PaceInfo] = [PACE_GM, PACE_CAM]
    return [AuthenticationTemplate(info.protocol, 1, 13).encode() for info in infos]


@cache
def dynamic_data() -> list[bytes]:
    return [
        encode((Tag.CHIP_TOKEN, bytes(8)), (Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA, bytes(48))),
        encode((Tag.CHIP_PUBLIC_KEY, b"\x04" + bytes(64))),
    ]


def commands() -> list[bytes]:
    return [
        bytes.fromhex(each)
        for each in (
            "00A4040C07A0000002471001", "00B0000000", "00B000000000000000"[:14],
            "0CB000000D9701048E08B18F78F7C62A8E3000", "0CB0000000000D97010400008E08", "00840000",
        )
    ]  # fmt: skip


def responses() -> list[bytes]:
    return [bytes.fromhex("6F0F8407A00000024710019000"), b"\x90\x00", b"\x6a\x82"]


def atrs() -> list[bytes]:
    return [bytes.fromhex("3B85800180738401C0B2"), bytes.fromhex("3B8F8001804F0CA000000306")]


# --- permits, LDS2 -------------------------------------------------------------------------------


@cache
def permits() -> list[bytes]:
    """Return the content of DG13."""
    assert usual().how.permit is not None
    permit: Permit = usual().how.permit
    return [permit.encode()]


LDS2_RECORDS: list[tuple[type[SignedRecord], Callable[[], list[bytes]]]] = [
    (TravelRecord, lambda: [record(TravelRecord, STAMP)]),
    (VisaRecord, lambda: [record(VisaRecord, VISA)]),
]


def certificate_records() -> list[bytes]:
    return [tlv.encode(0x5F3A, b"US\x01\x02") + tlv.encode(0x72, CSCA.certificate().der)]


def additional_biometrics() -> list[bytes]:
    return [tlv.encode(0x7F2E, tlv.encode(0x5F2E, bytes(300)) + SIGNED_BY)]
