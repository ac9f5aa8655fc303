"""PUT DATA of the applet: keys by the tag in P1-P2, and the lock.

Parts of a key that have no use alone are kept in files that cannot be selected.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from emrtd import tlv
from emrtd.access.chip_keys import ActiveAuthenticationKey, ChipAuthenticationKey, ChipPassword
from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import find_curve
from emrtd.crypto.domain_parameters import encode_agreement_key
from emrtd.crypto.groups import EcGroup
from emrtd.crypto.hashes import Hash
from emrtd.crypto.protocols import KeyAgreement, chip_authentication_oid
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import CommandAPDU, ResponseAPDU
from emrtd.iso7816.directories import Directory
from emrtd.lds.files import FILES, FileID
from emrtd.mrz import check_digit
from emrtd.status_words import SW
from support.secret import Secret
from vsmartcard.chip.files.file_system import TransparentFile
from vsmartcard.chip.files.personalising import check_keys
from vsmartcard.chip.jmrtd_applet.life_cycle import lock, require_unlocked, with_personalisation
from vsmartcard.chip.session import Core

LOCK: Final = 0xDEAD
_MODULUS, _EXPONENT, _MRZ, _EC_KEY = 0x60, 0x61, 0x62, 0x63
_TRUST_POINT: Final = 0x0164
"""P1 is the number of the trust point."""
_BODY: Final = 0x7F4E
_RSA_SIZE: Final = 128
_FIELD_SIZE: Final = 32
_PUBLIC_EXPONENT: Final = 65537
_DOING: Final = "PUT DATA"


def put_data(core: Core, command: CommandAPDU) -> ResponseAPDU:
    """Store a key, or lock the chip; 6985 once it is locked, 6A86 for an unknown tag."""
    if core.session.in_master_file or core.session.station.selected:
        raise ChipRefusalError(SW.INSTRUCTION_NOT_SUPPORTED, "the applet is not selected")
    require_unlocked(core)
    tag = command.p1 << 8 | command.p2
    if tag == LOCK:
        lock(core)
        return ResponseAPDU()
    put = _PUT.get(tag)
    if put is None:
        raise ChipRefusalError(SW.INCORRECT_P1_P2, _DOING)
    put(core, command.data)
    with_personalisation(core)
    return ResponseAPDU()


def _put_mrz(core: Core, data: bytes) -> None:
    """Derive the keys of BAC from 62 {04 document number, 04 birth, 04 expiry}."""
    fields = tlv.read_expected(data, _MRZ, _DOING).children().all(0x04)
    texts = [field.value.decode("ascii", "replace") for field in fields]
    if [len(text) for text in texts[1:]] != [6, 6]:
        raise ChipRefusalError(SW.INCORRECT_DATA, _DOING)
    password = Password.from_mrz_information("".join(text + check_digit(text) for text in texts))
    keys = core.state.keys.with_password(ChipPassword.of(password))
    core.state = core.state.with_keys(replace(keys, basic_access_control=True))


def _put_modulus(core: Core, data: bytes) -> None:
    _keep(core, _MODULUS, _number_in(data, _MODULUS))
    _complete_rsa_key(core)


def _put_exponent(core: Core, data: bytes) -> None:
    _keep(core, _EXPONENT, _number_in(data, _EXPONENT))
    _complete_rsa_key(core)


def _number_in(data: bytes, tag: int) -> bytes:
    """Return the number of 128 octets in the body tag, 00, 04, length, octets."""
    if data[:2] != bytes((tag, 0)):
        raise ChipRefusalError(SW.INCORRECT_DATA, _DOING)
    number = tlv.read_expected(data[2:], 0x04, _DOING).value
    number = number.removeprefix(b"\0") if len(number) > _RSA_SIZE else number
    if len(number) != _RSA_SIZE:
        raise ChipRefusalError(SW.INCORRECT_DATA, _DOING)
    return number


def _complete_rsa_key(core: Core) -> None:
    """Use modulus and private exponent once both are stored and fit each other."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    parts = [core.state.files.find((Directory.EMRTD, tag)) for tag in (_MODULUS, _EXPONENT)]
    if None in parts:
        return
    n, d = (int.from_bytes(part.content, "big") for part in parts if part is not None)
    try:
        p, q = rsa.rsa_recover_prime_factors(n, _PUBLIC_EXPONENT, d)
    except ValueError:
        return
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(_PUBLIC_EXPONENT, n),
    )
    pkcs8 = numbers.private_key().private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = ActiveAuthenticationKey(Secret(pkcs8), Hash.SHA1)
    core.state = core.state.with_keys(replace(core.state.keys, active_authentication=key))


def _put_ec_key(core: Core, data: bytes) -> None:
    """Store the key of Chip Authentication: domain parameters and private number."""
    fields = tlv.read_all(data, _DOING)
    p, a, b, point, n, private = (fields.one(0x80 + at).value for at in range(1, 7))
    if len(p) != _FIELD_SIZE or len(point) != 1 + 2 * _FIELD_SIZE or point[0] != 0x04:
        raise ChipRefusalError(SW.INCORRECT_DATA, _DOING)
    p_, a_, b_, n_, x, y = (
        int.from_bytes(each, "big")
        for each in (p, a, b, n, point[1 : 1 + _FIELD_SIZE], point[1 + _FIELD_SIZE :])
    )
    curve = find_curve(p_, a_, b_, (x, y), n_)
    if curve is None:
        raise ChipRefusalError(SW.INCORRECT_DATA, _DOING)
    group = EcGroup(curve)
    public = group.public_key(int.from_bytes(private, "big"))
    protocol = chip_authentication_oid(KeyAgreement.ECDH, Cipher.TDES)
    info = encode_agreement_key(group, public, explicit=True)
    key = ChipAuthenticationKey(info, Secret(private), None, (protocol,))
    keys = replace(core.state.keys, chip_authentication=(key,))
    check_keys(keys, core)
    core.state = core.state.with_keys(keys)


def _put_certificate(core: Core, data: bytes) -> None:
    """Keep the trust point: 7F4E, the body of a certificate; EF.CVCA must exist, and only once."""
    if core.state.files.find((Directory.EMRTD, _TRUST_POINT)) is not None:
        raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, _DOING)
    if core.state.files.find((Directory.EMRTD, FILES[FileID.CVCA].identifier)) is None:
        raise ChipRefusalError(SW.NO_PRECISE_DIAGNOSIS, _DOING)
    tlv.read_expected(data, _BODY, _DOING)
    _keep(core, _TRUST_POINT, data)


def _keep(core: Core, identifier: int, octets: bytes) -> None:
    file = TransparentFile(Directory.EMRTD, identifier, None, octets)
    files = core.state.files
    exists = files.find(file.key) is not None
    core.state = core.state.with_files(files.put(file) if exists else files.create(file))


_PUT: Final[dict[int, Callable[[Core, bytes], None]]] = {
    _MODULUS: _put_modulus,
    _EXPONENT: _put_exponent,
    _MRZ: _put_mrz,
    _EC_KEY: _put_ec_key,
    _TRUST_POINT: _put_certificate,
}
