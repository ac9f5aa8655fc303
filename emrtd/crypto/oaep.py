"""The parameters of RSAES-OAEP (RFC 8017, 7.1 and A.2.1; RFC 4055, 4.1)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_algorithm
from emrtd.crypto.algorithm_identifiers import ID_MGF1, read_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import RsaPublicKey, hash_algorithm
from support.errors import MalformedError, MisuseError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP

ID_RSAES_OAEP: Final = "1.2.840.113549.1.1.7"
_ID_P_SPECIFIED: Final = "1.2.840.113549.1.1.9"
_MAX_LABEL: Final = 256


@dataclass(frozen=True, slots=True)
class OaepScheme:
    """Hash, hash of MGF1, and label of at most 256 octets; the defaults are those of RFC 8017."""

    hash: Hash = Hash.SHA1
    mgf_hash: Hash = Hash.SHA1
    label: bytes = b""

    @property
    def padding(self) -> "OAEP":
        """The scheme as `cryptography` takes it."""
        from cryptography.hazmat.primitives.asymmetric import padding

        mask = padding.MGF1(hash_algorithm(self.mgf_hash))
        return padding.OAEP(mask, hash_algorithm(self.hash), self.label or None)

    def encode(self) -> bytes:
        """Encode the AlgorithmIdentifier, with its parameters; defaults are left out."""
        fields = []
        if self.hash is not Hash.SHA1:
            fields.append(der.tagged(0, _with_null(self.hash.oid)))
        if self.mgf_hash is not Hash.SHA1:
            mgf = der.sequence(der.oid(ID_MGF1), _with_null(self.mgf_hash.oid))
            fields.append(der.tagged(1, mgf))
        if self.label:
            source = der.sequence(der.oid(_ID_P_SPECIFIED), der.octet_string(self.label))
            fields.append(der.tagged(2, source))
        return der.sequence(der.oid(ID_RSAES_OAEP), der.sequence(*fields))


def read_oaep(parameters: ber.Value | None) -> OaepScheme:
    """Read RSAES-OAEP-params; absent ones are the defaults.  Raises `MalformedError`."""
    if parameters is None:
        return OaepScheme()
    found: dict[int, ber.Value] = {}
    for field in parameters.expect(der.SEQUENCE).children:
        if field.tag in found or field.tag not in (0xA0, 0xA1, 0xA2) or len(field.children) != 1:
            raise field.malformed("is not an RSAES-OAEP parameter, or occurs twice")
        found[field.tag] = field.children[0]
    digest = read_hash(found[0xA0]) if 0xA0 in found else Hash.SHA1
    mgf, label = Hash.SHA1, b""
    if 0xA1 in found:
        function = read_algorithm(found[0xA1])
        if function.oid != ID_MGF1 or function.parameters is None:
            raise found[0xA1].malformed("an RSAES-OAEP mask generation function that is not MGF1")
        mgf = read_hash(function.parameters)
    if 0xA2 in found:
        label = _read_label(found[0xA2])
    return OaepScheme(digest, mgf, label)


def encrypt_oaep(key: RsaPublicKey, octets: bytes, scheme: OaepScheme) -> bytes:
    """Encrypt a short secret for the holder of an RSA key (RFC 8017, 7.1.1).

    Raises `MisuseError` if the key is too short for it.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    try:
        return RSAPublicNumbers(key.e, key.n).public_key().encrypt(octets, scheme.padding)
    except ValueError:
        raise MisuseError(f"an RSA key of {key.n.bit_length()} bits is too short") from None


def _read_label(value: ber.Value) -> bytes:
    source = read_algorithm(value)
    if source.oid != _ID_P_SPECIFIED or source.parameters is None:
        raise value.malformed("an RSAES-OAEP label that is not given in the message")
    label = source.parameters.expect(der.OCTET_STRING).contents
    if len(label) > _MAX_LABEL:
        raise MalformedError(value.what, f"an RSAES-OAEP label of {len(label)} octets")
    return label


def _with_null(oid: str) -> bytes:
    return der.sequence(der.oid(oid), der.null())
