"""The entries of SecurityInfos, one class for each kind (Doc 9303-11, 9.2; TR-03110-3, A.1.1)."""

import msgspec

from emrtd.asn1 import der
from emrtd.crypto import protocols
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, Mapping
from support.errors import MisuseError
from support.values import PartlyCompared, Uncompared


class PaceInfo(msgspec.Struct, frozen=True):
    """PACEInfo (9.2.1): one variant of PACE; with CAM, `parameter_id` also identifies the key."""

    protocol: str
    parameter_id: int | None = None
    version: int = 2

    def __post_init__(self) -> None:
        if self.protocol not in protocols.PACE_PROTOCOLS:
            raise MisuseError(f"{self.protocol} is not a protocol of PACE")

    @classmethod
    def of(
        cls,
        key_agreement: KeyAgreement,
        mapping: Mapping,
        cipher: Cipher,
        parameter_id: int | None = None,
    ) -> "PaceInfo":
        """Make the entry for a variant; raises `MisuseError` if the standard does not define it."""
        oid = protocols.pace_oid(key_agreement, mapping, cipher)
        if oid is None:
            raise MisuseError(f"PACE has no {key_agreement}-{mapping} with {cipher.value}")
        return cls(oid, parameter_id)

    @property
    def mapping(self) -> Mapping:
        """How the nonce is mapped."""
        return protocols.PACE_PROTOCOLS[self.protocol].mapping

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.PACE_PROTOCOLS[self.protocol].key_agreement

    @property
    def cipher(self) -> Cipher:
        """The cipher of the nonce and of secure messaging."""
        cipher = protocols.PACE_PROTOCOLS[self.protocol].cipher
        if cipher is None:
            raise MisuseError(f"{self.protocol} names no cipher")
        return cipher

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(self.protocol, der.integer(self.version), _optional(self.parameter_id))


class PaceDomainParameterInfo(msgspec.Struct, frozen=True):
    """PACEDomainParameterInfo (9.2.2): explicit domain parameters, as a DER AlgorithmIdentifier."""

    protocol: str
    domain_parameter: bytes
    parameter_id: int | None = None

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.PACE_DOMAIN_PARAMETERS[self.protocol].key_agreement

    @property
    def mapping(self) -> Mapping:
        """The mapping that the parameters are for."""
        return protocols.PACE_DOMAIN_PARAMETERS[self.protocol].mapping

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(self.protocol, self.domain_parameter, _optional(self.parameter_id))


class ChipAuthenticationInfo(msgspec.Struct, frozen=True):
    """ChipAuthenticationInfo (9.2.5): one variant; version 1, or 2 and 3 of TR-03110."""

    protocol: str
    key_id: int | None = None
    version: int = 1

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.CHIP_AUTHENTICATION_PROTOCOLS[self.protocol].key_agreement

    @property
    def cipher(self) -> Cipher:
        """The cipher of secure messaging after Chip Authentication."""
        return protocols.CHIP_AUTHENTICATION_PROTOCOLS[self.protocol].cipher

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(self.protocol, der.integer(self.version), _optional(self.key_id))


class ChipAuthenticationPublicKeyInfo(msgspec.Struct, frozen=True):
    """ChipAuthenticationPublicKeyInfo (9.2.6): a static key, as a DER SubjectPublicKeyInfo."""

    protocol: str
    public_key: bytes
    key_id: int | None = None

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.PUBLIC_KEY_PROTOCOLS[self.protocol]

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(self.protocol, self.public_key, _optional(self.key_id))


class ChipAuthenticationDomainParameterInfo(msgspec.Struct, frozen=True):
    """ChipAuthenticationDomainParameterInfo (TR-03110-3, A.1.1.2), for versions 2 and 3."""

    protocol: str
    domain_parameter: bytes
    key_id: int | None = None

    @property
    def key_agreement(self) -> KeyAgreement:
        """DH or ECDH."""
        return protocols.CHIP_AUTHENTICATION_DOMAIN_PARAMETERS[self.protocol]

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(self.protocol, self.domain_parameter, _optional(self.key_id))


class TerminalAuthenticationInfo(msgspec.Struct, frozen=True):
    """TerminalAuthenticationInfo (9.2.8; Appendix K.2).

    `ef_cvca` is the file identifier of EF.CVCA and `ef_cvca_short` its SFI (0 to 31), if they are
    not 011C and 1C; only version 1 has them.
    """

    version: int = 1
    ef_cvca: int | None = None
    ef_cvca_short: int | None = None

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        file_id = b""
        if self.ef_cvca is not None:
            file_id = der.sequence(
                der.octet_string(self.ef_cvca.to_bytes(2, "big")),
                b""
                if self.ef_cvca_short is None
                else der.octet_string(bytes((self.ef_cvca_short,))),
            )
        return encode_info(protocols.ID_TA, der.integer(self.version), file_id)


class ActiveAuthenticationInfo(msgspec.Struct, frozen=True):
    """ActiveAuthenticationInfo (9.2.4): present if Active Authentication uses ECDSA."""

    signature_algorithm: str
    version: int = 1

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(
            protocols.ID_ACTIVE_AUTHENTICATION,
            der.integer(self.version),
            der.oid(self.signature_algorithm),
        )


class EfDirInfo(msgspec.Struct, frozen=True):
    """EFDIRInfo (9.2.10): the signed copy of the whole of EF.DIR."""

    ef_dir: bytes

    def encode(self) -> bytes:
        """Encode the SEQUENCE."""
        return encode_info(protocols.ID_EF_DIR, der.octet_string(self.ef_dir))


class UnknownSecurityInfo(PartlyCompared, frozen=True):
    """Any other entry, as it was read; `reason` is why one of a known protocol is malformed."""

    protocol: str
    encoded: bytes
    reason: Uncompared[str | None] = None

    def encode(self) -> bytes:
        """Return the SEQUENCE as it was read."""
        return self.encoded


def encode_info(protocol: str, *data: bytes) -> bytes:
    """Encode a SecurityInfo: its protocol and the encoded fields after it (9.2)."""
    return der.sequence(der.oid(protocol), *data)


def _optional(number: int | None) -> bytes:
    return b"" if number is None else der.integer(number)
