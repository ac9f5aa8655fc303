"""The keys and passwords of a document as the JMRTD passport applet takes them.

The applet holds fewer than a chip profile can ask for.  `key_commands` refuses the rest by name, so
that the station can find it before it sends a command.
"""

from typing import Final

from emrtd import tlv
from emrtd.access.chip_keys import ActiveAuthenticationKey, ChipAuthenticationKey, ChipKeys
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import decode_agreement_key
from emrtd.crypto.groups import EcGroup
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import load_private_key
from emrtd.crypto.protocols import KeyAgreement, chip_authentication_oid
from emrtd.iso7816.apdu import INS, SHORT_MAX_DATA, CommandAPDU
from emrtd.mrz import Mrz
from personalise.station.outcomes import RejectApplicationError

MRZ, MODULUS, EXPONENT, EC_KEY = 0x0062, 0x0060, 0x0061, 0x0063
TRUST_POINT: Final = 0x0164
"""P1-P2 of PUT DATA for the first trust point of Terminal Authentication."""
LOCK: Final = 0xDEAD
PERSONALISED: Final = 0xDEAF

_CERTIFICATE_BODY: Final = 0x7F4E
_DOCUMENT_NUMBER_SIZE: Final = 9
_FIELD_SIZE: Final = 32
_RSA_SIZE: Final = 128
_ADVICE: Final = "prepare the document with a chip profile that the applet supports"


def put_data(tag: int, data: bytes = b"") -> CommandAPDU:
    """Return PUT DATA for a tag in P1-P2."""
    return CommandAPDU(0x00, INS.PUT_DATA, tag >> 8, tag & 0xFF, data)


def key_commands(keys: ChipKeys, mrz: Mrz) -> list[CommandAPDU]:
    """Return one PUT DATA for each key; the MRZ is last, since it makes the files readable.

    Raises `RejectApplicationError` for what the applet cannot hold.
    """
    _require_supported(keys)
    commands = []
    if keys.active_authentication is not None:
        modulus, exponent = _rsa_numbers(keys.active_authentication)
        commands += [_rsa_part(MODULUS, modulus), _rsa_part(EXPONENT, exponent)]
    commands += [put_data(EC_KEY, _ec_key(key)) for key in keys.chip_authentication]
    commands += [put_data(TRUST_POINT, _body(each)) for each in keys.trust_points]
    commands.append(put_data(MRZ, _mrz_fields(keys, mrz)))
    return commands


def _require_supported(keys: ChipKeys) -> None:
    if keys.open:
        raise unsupported("a chip without access control: it reads files after BAC only")
    if not keys.basic_access_control:
        raise unsupported("a document without Basic Access Control")
    others = [each.password.type for each in keys.passwords]
    for kind in others:
        if kind is not PasswordType.MRZ:
            raise unsupported(f"a {kind.name}, which is a password of PACE")
    if len(keys.chip_authentication) > 1:
        raise unsupported("more than one key for Chip Authentication")
    if len(keys.trust_points) > 1:
        raise unsupported("more than one trust point for Terminal Authentication")


def _mrz_fields(keys: ChipKeys, mrz: Mrz) -> bytes:
    """Return 62 {04 document number, 04 date of birth, 04 date of expiry}, no check digits."""
    names = "document_number", "date_of_birth", "date_of_expiry"
    texts = [mrz.printed(name) for name in names]
    found = keys.password(PasswordType.MRZ)
    expected = Password.from_mrz_information(mrz.information)
    if found is None or found.password.secret.reveal() != expected.secret.reveal():
        raise RejectApplicationError(
            "the chip keys hold the password of another MRZ than that of DG1",
            advice="the image is damaged: use another copy of it, or prepare it again",
        )
    is_long = len(mrz.document_number) > _DOCUMENT_NUMBER_SIZE
    if is_long or len(texts[0]) != _DOCUMENT_NUMBER_SIZE:
        raise unsupported("a document number of more than nine characters")
    return tlv.encode(MRZ, *(tlv.encode(0x04, text.encode("ascii")) for text in texts))


def _rsa_numbers(key: ActiveAuthenticationKey) -> tuple[bytes, bytes]:
    """Return modulus and private exponent, of 128 octets each."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    load_private_key(key.private)  # raises MalformedError for a key that is damaged
    private = load_der_private_key(key.private.reveal(), None)
    if not isinstance(private, RSAPrivateKey):
        raise unsupported("Active Authentication with ECDSA")
    if private.key_size != 8 * _RSA_SIZE or key.hash is not Hash.SHA1:
        raise unsupported(
            f"Active Authentication with RSA-{private.key_size} and {key.hash}: it has RSA-1024"
            " and SHA-1 only"
        )
    numbers = private.private_numbers()
    n, d = (each.to_bytes(_RSA_SIZE, "big") for each in (numbers.public_numbers.n, numbers.d))
    return n, d


def _rsa_part(tag: int, number: bytes) -> CommandAPDU:
    """Return PUT DATA with the body tag, 00, 04, length, number: the outer length is always 00."""
    return put_data(tag, bytes((tag, 0x00)) + tlv.encode(0x04, number))


def _ec_key(key: ChipAuthenticationKey) -> bytes:
    """Return 81 p, 82 a, 83 b, 84 G, 85 order, 86 private number, 87 cofactor."""
    group, _ = decode_agreement_key(key.public_key)
    if not isinstance(group, EcGroup) or group.curve.size != _FIELD_SIZE:
        raise unsupported("Chip Authentication with a key that is not on a curve of 256 bits")
    if key.protocols != (chip_authentication_oid(KeyAgreement.ECDH, Cipher.TDES),):
        raise unsupported("Chip Authentication with AES: it has 3DES only")
    if key.key_id is not None:
        raise unsupported("a Chip Authentication key with an identifier")
    curve = group.curve
    size = _FIELD_SIZE
    values = (
        curve.p.to_bytes(size, "big"),
        curve.a.to_bytes(size, "big"),
        curve.b.to_bytes(size, "big"),
        curve.encode_point(curve.g),
        curve.n.to_bytes(size, "big"),
        key.private.reveal().rjust(size, b"\0"),
        curve.h.to_bytes(2, "big"),
    )
    return b"".join(tlv.encode(0x81 + at, value) for at, value in enumerate(values))


def _body(certificate: bytes) -> bytes:
    """Return the body 7F4E of a certificate, with its tag."""
    fields = tlv.read_expected(certificate, 0x7F21, "CVCA certificate").children()
    body = tlv.encode(_CERTIFICATE_BODY, fields.one(_CERTIFICATE_BODY).value)
    if len(body) > SHORT_MAX_DATA:
        raise unsupported(
            f"a CVCA certificate whose body has {len(body)} octets: it takes {SHORT_MAX_DATA}"
        )
    return body


def unsupported(what: str) -> RejectApplicationError:
    """Return the error for something that the applet cannot hold."""
    return RejectApplicationError(f"the JMRTD applet cannot hold {what}", advice=_ADVICE)
