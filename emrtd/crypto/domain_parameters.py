"""Domain parameters: the standardised ones, and AlgorithmIdentifiers (Doc 9303-11, 9.5)."""

from functools import lru_cache
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.crypto.curves import CURVES
from emrtd.crypto.groups import EcGroup, Group, ModpGroup
from emrtd.crypto.protocols import ID_STANDARDISED_DOMAIN_PARAMETERS
from emrtd.crypto.public_keys import ID_EC_PUBLIC_KEY, curve_from, encode_parameters
from support.errors import MalformedError
from support.reasons import Reason

ID_DH_PUBLIC_NUMBER: Final = "1.2.840.10046.2.1"
"""X9.42: p, g and q."""

ID_DH_KEY_AGREEMENT: Final = "1.2.840.113549.1.3.1"
"""PKCS #3: p and g alone, used by older chips."""

MIN_MODP_BITS: Final = 1024
MAX_MODP_BITS: Final = 4096
"""Bounds on the prime of a group with explicit parameters; the upper one bounds computing time."""

MIN_ORDER_BITS: Final = 160
"""The smallest order of a subgroup that is accepted, in bits."""

_WHAT: Final = "domain parameters"
_KEY: Final = "public key for key agreement"


def _modp(p: str, g: str, q: str) -> ModpGroup:
    return ModpGroup(*(int("".join(number.split()), 16) for number in (p, g, q)))


_RFC_5114: Final = {
    0: _modp(
        """
        B10B8F96A080E01DDE92DE5EAE5D54EC52C99FBCFB06A3C69A6A9DCA52D23B616073E28675A23D18
        9838EF1E2EE652C013ECB4AEA906112324975C3CD49B83BFACCBDD7D90C4BD7098488E9C219A7372
        4EFFD6FAE5644738FAA31A4FF55BCCC0A151AF5F0DC8B4BD45BF37DF365C1A65E68CFDA76D4DA708
        DF1FB2BC2E4A4371
        """,
        """
        A4D1CBD5C3FD34126765A442EFB99905F8104DD258AC507FD6406CFF14266D31266FEA1E5C41564B
        777E690F5504F213160217B4B01B886A5E91547F9E2749F4D7FBD7D3B9A92EE1909D0D2263F80A76
        A6A24C087A091F531DBF0A0169B6A28AD662A4D18E73AFA32D779D5918D08BC8858F4DCEF97C2A24
        855E6EEB22B3B2E5
        """,
        """
        F518AA8781A8DF278ABA4E7D64B7CB9D49462353
        """,
    ),
    1: _modp(
        """
        AD107E1E9123A9D0D660FAA79559C51FA20D64E5683B9FD1B54B1597B61D0A75E6FA141DF95A56DB
        AF9A3C407BA1DF15EB3D688A309C180E1DE6B85A1274A0A66D3F8152AD6AC2129037C9EDEFDA4DF8
        D91E8FEF55B7394B7AD5B7D0B6C12207C9F98D11ED34DBF6C6BA0B2C8BBC27BE6A00E0A0B9C49708
        B3BF8A317091883681286130BC8985DB1602E714415D9330278273C7DE31EFDC7310F7121FD5A074
        15987D9ADC0A486DCDF93ACC44328387315D75E198C641A480CD86A1B9E587E8BE60E69CC928B2B9
        C52172E413042E9B23F10B0E16E79763C9B53DCF4BA80A29E3FB73C16B8E75B97EF363E2FFA31F71
        CF9DE5384E71B81C0AC4DFFE0C10E64F
        """,
        """
        AC4032EF4F2D9AE39DF30B5C8FFDAC506CDEBE7B89998CAF74866A08CFE4FFE3A6824A4E10B9A6F0
        DD921F01A70C4AFAAB739D7700C29F52C57DB17C620A8652BE5E9001A8D66AD7C17669101999024A
        F4D027275AC1348BB8A762D0521BC98AE247150422EA1ED409939D54DA7460CDB5F6C6B250717CBE
        F180EB34118E98D119529A45D6F834566E3025E316A330EFBB77A86F0C1AB15B051AE3D428C8F8AC
        B70A8137150B8EEB10E183EDD19963DDD9E263E4770589EF6AA21E7F5F2FF381B539CCE3409D13CD
        566AFBB48D6C019181E1BCFE94B30269EDFE72FE9B6AA4BD7B5A0F1C71CFFF4C19C418E1F6EC0179
        81BC087F2A7065B384B890D3191F2BFA
        """,
        """
        801C0D34C58D93FE997177101F80535A4738CEBCBF389A99B36371EB
        """,
    ),
    2: _modp(
        """
        87A8E61DB4B6663CFFBBD19C651959998CEEF608660DD0F25D2CEED4435E3B00E00DF8F1D61957D4
        FAF7DF4561B2AA3016C3D91134096FAA3BF4296D830E9A7C209E0C6497517ABD5A8A9D306BCF67ED
        91F9E6725B4758C022E0B1EF4275BF7B6C5BFC11D45F9088B941F54EB1E59BB8BC39A0BF12307F5C
        4FDB70C581B23F76B63ACAE1CAA6B7902D52526735488A0EF13C6D9A51BFA4AB3AD8347796524D8E
        F6A167B5A41825D967E144E5140564251CCACB83E6B486F6B3CA3F7971506026C0B857F689962856
        DED4010ABD0BE621C3A3960A54E710C375F26375D7014103A4B54330C198AF126116D2276E11715F
        693877FAD7EF09CADB094AE91E1A1597
        """,
        """
        3FB32C9B73134D0B2E77506660EDBD484CA7B18F21EF205407F4793A1A0BA12510DBC15077BE463F
        FF4FED4AAC0BB555BE3A6C1B0C6B47B1BC3773BF7E8C6F62901228F8C28CBB18A55AE31341000A65
        0196F931C77A57F2DDF463E5E9EC144B777DE62AAAB8A8628AC376D282D6ED3864E67982428EBC83
        1D14348F6F2F9193B5045AF2767164E1DFC967C1FB3F2E55A4BD1BFFE83B9C80D052B985D182EA0A
        DB2A3B7313D3FE14C8484B1E052588B9B7D2BBD2DF016199ECD06E1557CD0915B3353BBB64E0EC37
        7FD028370DF92B52C7891428CDC67EB6184B523D1DB246C32F63078490F00EF8D647D148D4795451
        5E2327CFEF98C582664B4C0F6CC41659
        """,
        """
        8CF83642A709A097B447997640129DA299B1A47D1EB3750BA308B0FE64F5FBD3
        """,
    ),
}

_CURVES: Final = {
    8: "secp192r1",
    9: "brainpoolP192r1",
    10: "secp224r1",
    11: "brainpoolP224r1",
    12: "secp256r1",
    13: "brainpoolP256r1",
    14: "brainpoolP320r1",
    15: "secp384r1",
    16: "brainpoolP384r1",
    17: "brainpoolP512r1",
    18: "secp521r1",
}

STANDARDISED: Final[dict[int, Group]] = {
    **_RFC_5114,
    **{number: EcGroup(CURVES[name]) for number, name in _CURVES.items()},
}
"""The standardised domain parameters, by their identifier (table 12)."""

_IDENTIFIERS: Final = {group: number for number, group in STANDARDISED.items()}


def decode_domain_parameters(algorithm: bytes) -> Group:
    """Read a DER AlgorithmIdentifier: a standardised identifier, or explicit parameters (9.5.2).

    Explicit parameters are validated; raises `MalformedError` with the reason if they are not
    valid.  Valid parameters are not necessarily trusted: see `is_known`.
    """
    return _group_from(ber.read(algorithm, _WHAT))


def encode_domain_parameters(group: Group, *, explicit: bool = False) -> bytes:
    """Write a DER AlgorithmIdentifier: explicit if requested or the group has no identifier."""
    number = _IDENTIFIERS.get(group)
    if number is not None and not explicit:
        return der.sequence(der.oid(ID_STANDARDISED_DOMAIN_PARAMETERS), der.integer(number))
    if isinstance(group, EcGroup):
        return der.sequence(der.oid(ID_EC_PUBLIC_KEY), encode_parameters(group.curve))
    numbers = [der.integer(each) for each in (group.p, group.g, group.q) if each is not None]
    oid = ID_DH_KEY_AGREEMENT if group.q is None else ID_DH_PUBLIC_NUMBER
    return der.sequence(der.oid(oid), der.sequence(*numbers))


def is_known(group: Group) -> bool:
    """Whether these are standardised domain parameters or a named curve."""
    named = isinstance(group, EcGroup) and group.curve in CURVES.values()
    return named or group in _IDENTIFIERS


def decode_agreement_key(info: bytes) -> tuple[Group, bytes]:
    """Read the SubjectPublicKeyInfo of a key for key agreement: its group and public key (9.2.6).

    Raises `MalformedError` or `ProtocolError` unless the key is an element of the group.
    """
    fields = ber.read(info, _KEY).expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise MalformedError(_KEY, "an algorithm and a key are expected")
    group = _group_from(fields[0])
    octets = fields[1].expect(der.BIT_STRING).contents[1:]
    if isinstance(group, ModpGroup):  # PKCS #3: the BIT STRING contains an INTEGER
        octets = ber.read(octets, _KEY).expect(der.INTEGER).contents.lstrip(b"\x00")
    group.shared_element(1, octets)
    return group, octets


def encode_agreement_key(group: Group, public: bytes, *, explicit: bool = False) -> bytes:
    """Write the SubjectPublicKeyInfo of a key for key agreement."""
    if isinstance(group, ModpGroup):
        public = der.integer(int.from_bytes(public, "big"))
    algorithm = encode_domain_parameters(group, explicit=explicit)
    return der.sequence(algorithm, der.bit_string(public))


def _group_from(algorithm: ber.Value) -> Group:
    fields = algorithm.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise algorithm.malformed("an identifier and parameters are expected")
    oid = der.read_oid_value(fields[0].expect(der.OID).contents, algorithm.what)
    if oid == ID_STANDARDISED_DOMAIN_PARAMETERS:
        group = STANDARDISED.get(_number(fields[1]))
        if group is None:
            raise algorithm.malformed("names no standardised domain parameters")
        return group
    if oid == ID_EC_PUBLIC_KEY:
        return EcGroup(curve_from(fields[1], explicit=True))
    if oid in {ID_DH_PUBLIC_NUMBER, ID_DH_KEY_AGREEMENT}:
        return _modp_from(fields[1].expect(der.SEQUENCE), has_order=oid == ID_DH_PUBLIC_NUMBER)
    raise algorithm.malformed(Reason("{oid} is not an algorithm for key agreement", oid=oid))


def _modp_from(parameters: ber.Value, *, has_order: bool) -> ModpGroup:
    fields = parameters.children
    if len(fields) < 2 + has_order:
        raise parameters.malformed("p, g or q is missing")
    p, g = _number(fields[0]), _number(fields[1])
    for known in _RFC_5114.values():
        if (known.p, known.g) == (p, g) and (not has_order or known.q == _number(fields[2])):
            return known
    q = _number(fields[2]) if has_order else None
    if not MIN_MODP_BITS <= p.bit_length() <= MAX_MODP_BITS:
        raise parameters.malformed(
            Reason("a prime of {bit_length} bits is not accepted", bit_length=p.bit_length())
        )
    if not _is_group(p, g, q):
        raise parameters.malformed("they are not a group of prime order")
    return ModpGroup(p, g, q)


@lru_cache(maxsize=16)
def _is_group(p: int, g: int, q: int | None) -> bool:
    from Crypto.Util import number

    if not 1 < g < p - 1 or not number.isPrime(p):
        return False
    if q is None:
        return True
    return (
        q.bit_length() >= MIN_ORDER_BITS
        and (p - 1) % q == 0
        and number.isPrime(q)
        and pow(g, q, p) == 1
    )


def _number(value: ber.Value) -> int:
    return int.from_bytes(value.expect(der.INTEGER).contents, "big")
