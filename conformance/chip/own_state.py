"""A State of the suite's own: its documents, its PKI, and blank cards that become its documents."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final

from conformance.chip.terminal_pki import Holder, KeyKind, certify, new_key, scheme_of
from emrtd.access.chip_keys import ChipKeys
from emrtd.biometrics.samples import Eye, FaceImage, FingerImage, FingerPosition, IrisImage
from emrtd.crypto.hashes import Hash
from emrtd.iso7816.procedure import Random
from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg2 import DataGroup2
from emrtd.lds.data_groups.dg3 import DataGroup3
from emrtd.lds.data_groups.dg4 import DataGroup4
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.lds.issuing_state import IssuingState
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.signing import DocumentSigner
from emrtd.mrz import Mrz
from emrtd.pki.cvc.authorization import Role
from personalise.preparing.chip_profile import (
    ActiveAuthentication,
    ApduLimits,
    ChipAuthentication,
    ChipProfile,
    Pace,
    Passwords,
    TerminalAuthentication,
)
from personalise.preparing.chip_security import make_chip_security

TODAY: Final = date(2026, 1, 15)
"""The date of every chip as it is personalised."""

_CVCA_PERIOD: Final = date(2026, 1, 1), date(2029, 1, 1)
_NOON: Final = datetime.combine(TODAY, time(12), UTC)
_CURVE: Final = "brainpoolP256r1"
_BUFFER: Final = 32_768

EVERY_MECHANISM: Final = ChipProfile(
    description="Every mechanism of TR-03105-3.2",
    document="TD3",
    data_groups=("DG1", "DG2", "DG3"),
    bac=True,
    passwords=Passwords(can=False),
    pace=(
        Pace(mapping="GM", key_agreement="ECDH", cipher="AES-128", domain_parameters=13),
        Pace(mapping="CAM", key_agreement="ECDH", cipher="AES-128", domain_parameters=13),
    ),
    chip_authentication=(
        ChipAuthentication(key_agreement="ECDH", cipher="AES-128", domain_parameters=13),
    ),
    active_authentication=ActiveAuthentication(algorithm="ECDSA", curve=_CURVE, hash="SHA-256"),
    terminal_authentication=TerminalAuthentication(),
    buffers=ApduLimits(command=_BUFFER, response=_BUFFER),
)

MRZ: Final = Mrz.build(
    "TD3",
    document_code="PP",
    issuing_state="UTO",
    document_number="C0NF0RM01",
    nationality="UTO",
    date_of_birth="900131",
    sex="F",
    date_of_expiry=date(2031, 1, 14),
    surname="Conformity",
    given_names="Test",
)
"""The MRZ of every document."""


@dataclass(frozen=True)
class Document:
    """The files and the keys of one chip, and the CVCA that it trusts."""

    files: dict[FileID, bytes]
    keys: ChipKeys
    cvca: Holder


@cache
def _cvca(kind: KeyKind) -> Holder:
    name, scheme = "UTCVCA00001", scheme_of(kind)
    return certify(name, Role.CVCA, None, new_key(kind, 0), scheme, period=_CVCA_PERIOD)


@cache
def _signer() -> DocumentSigner:
    return IssuingState.make(_NOON - timedelta(days=1)).document_signer


def document(kind: KeyKind, random: Random, profile: ChipProfile = EVERY_MECHANISM) -> Document:
    """Make a document with DG1 to DG4 and what a chip profile requires, and a CVCA of this kind."""
    cvca, signer = _cvca(kind), _signer()
    security = make_chip_security(profile, MRZ, cvca.certificate, _NOON, random)
    groups = {1: DataGroup1(MRZ).encode(), **_biometric_groups(), **security.data_groups}
    signed = SecurityObject.over(groups, Hash.SHA256)
    files = {
        **security.files,
        FileID.COM: Com.for_data_groups(*groups).encode(),
        FileID.SOD: signer.sign_security_object(signed, _NOON),
        **{DATA_GROUPS[number - 1].file_id: content for number, content in groups.items()},
    }
    if security.card_security is not None:
        files[FileID.CARD_SECURITY] = signer.sign_card_security(security.card_security, _NOON)
    return Document(files, security.keys, cvca)


@cache
def _biometric_groups() -> dict[int, bytes]:
    """Return DG2, DG3 and DG4: small images, which nobody looks at."""
    picture, png = _encoded("JPEG"), _encoded("PNG")
    fingers = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
    return {
        2: DataGroup2.of([FaceImage.of(picture)]).encode(),
        3: DataGroup3.of([FingerImage.of(png, each) for each in fingers]).encode(),
        4: DataGroup4.of([IrisImage.of(picture, eye) for eye in (Eye.RIGHT, Eye.LEFT)]).encode(),
    }


def _encoded(form: str) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    gradient: Image.Image = Image.linear_gradient("L").resize((32, 40))
    (gradient.convert("RGB") if form == "JPEG" else gradient).save(stream, form)
    return stream.getvalue()
