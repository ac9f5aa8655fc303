"""Read and sign EF.SOD, the signed LDSSecurityObject (Doc 9303-10, 4.6.2).

`build_sod` signs an EF.SOD.  `Sod.parse` reads that of any State and verifies nothing;
`emrtd.pki.passive` verifies the signature and the path to the CSCA.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import ber
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import SignatureScheme, Signer
from emrtd.lds.files import FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT, SecurityObject
from emrtd.pki.cms.signed_data import ID_DATA, MAX_ON_CHIP, SignedData
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError
from support.reasons import Reason

_TAG: Final = 0x77
"""The tag of EF.SOD (Doc 9303-10, 4.6.2)."""
_BARE: Final = b"\x30"
"""The first octet of an EF.SOD without its tag 77, as some readers write it."""
_WHAT: Final = FileID.SOD.value

OTHER_CONTENT_TYPES: Final = frozenset({ID_DATA, "1.3.27.1.1.1", "1.2.528.1.1006.1.20.1"})
"""What CN, BE and FR, and a supplier of NL write instead of the LDS security object's type."""


class Sod(msgspec.Struct, frozen=True):
    """An EF.SOD: the whole file as it was read, its SignedData, and the signed hashes.

    `inconsistencies` names contradictions among fields that are not signed.  An EF.SOD with any was
    damaged or changed, or was made by faulty software.
    """

    encoded: bytes
    signed_data: SignedData
    security_object: SecurityObject
    tolerated: frozenset[Quirk]

    def __repr__(self) -> str:
        return f"Sod({len(self.encoded)} octets)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # the one of msgspec shows every field
        return []

    @classmethod
    def parse(cls, octets: bytes) -> "Sod":
        """Read a whole EF.SOD; raises `MalformedError`, also for octets after it."""
        if octets[:1] == _BARE:
            signed_data = SignedData.parse(octets, _WHAT, MAX_ON_CHIP)
            tolerated = signed_data.tolerated | {Quirk.SOD_NO_TAG}
        else:
            is_indefinite = ber.is_indefinite(octets)
            if is_indefinite and len(octets) > MAX_ON_CHIP:
                raise MalformedError(
                    _WHAT,
                    Reason(
                        "has {octets} octets, more than {max_on_chip}",
                        octets=f"{len(octets):,}",
                        max_on_chip=f"{MAX_ON_CHIP:,}",
                    ),
                )
            definite = ber.definite(octets, _WHAT) if is_indefinite else octets
            whole = tlv.read_expected(definite, _TAG, _WHAT)
            signed_data = SignedData.parse(whole.value, _WHAT, MAX_ON_CHIP)
            tolerated = signed_data.tolerated
            if is_indefinite:
                tolerated |= {Quirk.INDEFINITE_LENGTH}
            elif 1 + len(tlv.encode_length(len(whole.value))) != whole.offset:
                tolerated |= {Quirk.LONG_LENGTH}
        if signed_data.content_type != LDS_SECURITY_OBJECT:
            if signed_data.content_type not in OTHER_CONTENT_TYPES:
                raise MalformedError(
                    _WHAT,
                    Reason(
                        "signs content of type {content_type}",
                        content_type=signed_data.content_type,
                    ),
                )
            tolerated |= {Quirk.SOD_CONTENT_TYPE}
        security_object = SecurityObject.decode(signed_data.content)
        if security_object.declared_version is not None:
            tolerated |= {Quirk.SOD_VERSION}
        if not signed_data.certificates and security_object.lds_version is not None:
            tolerated |= {Quirk.SOD_NO_CERTIFICATE}
        return cls(octets, signed_data, security_object, tolerated)

    def encode(self) -> bytes:
        """Return the file, octet for octet as it was read."""
        return self.encoded

    @property
    def inconsistencies(self) -> tuple[str, ...]:
        """Inconsistencies in the fields that no signature covers, a sentence each."""
        return self.signed_data.inconsistencies


def build_sod(
    security_object: SecurityObject,
    signer: Signer,
    certificate: Certificate,
    *,
    hash: Hash | None = None,  # noqa: A002 - the name of the thing
    scheme: SignatureScheme | None = None,
    signing_time: datetime | None = None,
) -> bytes:
    """Sign the hashes of the data groups; return the whole file, tag 77 included.

    `certificate` is the Document Signer's, and is included.  `hash` is that of the signature, by
    default the one of the data groups.  Raises `MisuseError` if the certificate is not one for the
    key of `signer`.
    """
    from emrtd.pki.cms.signed_data_writer import build_signed_data

    signed_data = build_signed_data(
        LDS_SECURITY_OBJECT,
        security_object.encode(),
        signer,
        certificate,
        hash or security_object.hash_algorithm,
        signing_time,
        scheme=scheme,
    )
    return tlv.encode(_TAG, signed_data)
