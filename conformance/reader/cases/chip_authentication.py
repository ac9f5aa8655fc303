"""Units ISO7816_D and F: Chip Authentication and Active Authentication."""

from typing import Final

from msgspec.structs import replace as change

from conformance.reader.authority import key
from conformance.reader.case import Make, Presented, Unit, Workshop
from conformance.reader.chips import Octets, damaged, doing
from conformance.reader.documents import PACE_GM, ChipKey, static_key
from emrtd.asn1 import der
from emrtd.crypto import iso9796
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import RsaPrivateKey
from emrtd.crypto.protocols import ID_PK_DH, ID_PK_ECDH
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.lds.security.security_infos import ActiveAuthenticationInfo
from emrtd.tlv import read_all
from vsmartcard.card.lies import KEEPING_THE_SESSION
from vsmartcard.chip.commands import CarryOut, instead
from vsmartcard.chip.session import Core

UNIT: Final = Unit()
TDES, AES128, AES256 = Cipher.TDES, Cipher.AES128, Cipher.AES256
PROOF: Final = "chip.authentication"
ACCESS: Final = {"BAC": {}, "PACE": {"pace": (PACE_GM,), "basic_access_control": False}}


# --- unit D: Chip Authentication -----------------------------------------------------------------

GOOD: Final = {
    "ISO7816_D_01": (ChipKey(0, TDES),),
    "ISO7816_D_01 of 2048 bits": (ChipKey(2, AES128),),
    "ISO7816_D_02": (ChipKey(12, TDES),),
    "ISO7816_D_02 AES": (ChipKey(17, AES256),),
    "ISO7816_D_03": (ChipKey(13, AES128, 7),),
    "ISO7816_D_04": (ChipKey(12, TDES, 1), ChipKey(13, AES128, 2)),
    "ISO7816_D_05": (ChipKey(12, TDES, 1), ChipKey(16, AES256, 2), ChipKey(0, AES128, 3)),
    "ISO7816_D_14": (ChipKey(1, AES256),),
}
"""A public key of 2,048 bits is sent with extended length."""


def _good(keys: tuple[ChipKey, ...], access: str) -> Make:
    return lambda at: Presented(at.with_chip(*keys, **ACCESS[access]))


for _id, _keys in GOOD.items():
    for _access in ACCESS:
        _case, _, _label = _id.partition(" ")
        UNIT.good(_case, f"{_label} {_access}".strip())(_good(_keys, _access))


def _of_key(chip_key: ChipKey) -> Make:
    return lambda at: Presented(at.with_chip(chip_key))


UNIT.bad("ISO7816_D_06", PROOF)(_of_key(ChipKey(13, AES128, 1, said=2)))
UNIT.bad("ISO7816_D_13", PROOF)(_of_key(ChipKey(13, AES128, 1, info=2)))


def _refusing(sw: int) -> Make:
    def manage(_core: Core, _command: CommandAPDU) -> ResponseAPDU:
        raise ChipRefusalError(sw, "MSE:Set AT")

    table = instead(INS.MANAGE_SECURITY_ENVIRONMENT, lambda _: manage)
    return lambda at: Presented(at.with_chip(ChipKey(13, AES128, 1)), table)


for _sw in (0x6A80, 0x6A82, 0x6A86, 0x6A88, 0x6982, 0x6985, 0x6300, 0x6F00):
    UNIT.bad("ISO7816_D_15", PROOF, label=f"{_sw:04X}")(_refusing(_sw))


def _with_public_key(parameters: int, change_key: Octets, oid: str = "") -> Make:
    """Return a document whose signed DG14 has the chip's public key with a change."""
    own = ChipKey(parameters, AES128)

    def make(at: Workshop) -> Presented:
        public, info = own.public_key_info(), own.infos()[1]
        changed = change(
            public, public_key=change_key(public.public_key), protocol=oid or public.protocol
        )
        return at.presented(chip_keys=(own,), infos=(changed, info))

    return make


def _same(octets: bytes) -> bytes:
    return octets


def _of_another_chip(parameters: int) -> Octets:
    return lambda _: static_key(parameters, 0xC0FFEE)[0]


_EC_PUBLIC_KEY, _NO_KEY = der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.2.9")

UNIT.bad("ISO7816_D_07", PROOF)(_with_public_key(0, damaged))
UNIT.bad("ISO7816_D_07", PROOF, label="of another chip")(_with_public_key(0, _of_another_chip(0)))
UNIT.bad("ISO7816_D_08", PROOF)(_with_public_key(12, damaged))
UNIT.bad("ISO7816_D_08", PROOF, label="of another chip")(_with_public_key(12, _of_another_chip(12)))
UNIT.bad("ISO7816_D_11", PROOF)(_with_public_key(0, _same, ID_PK_ECDH))
UNIT.bad("ISO7816_D_12", PROOF)(_with_public_key(12, _same, ID_PK_DH))
UNIT.bad("ISO7816_D_12", PROOF, label="algorithm")(
    _with_public_key(12, lambda octets: octets.replace(_EC_PUBLIC_KEY, _NO_KEY))
)


@UNIT.bad("ISO7816_D_09", PROOF)
def _keeping_the_old_session(at: Workshop) -> Presented:
    return Presented(at.with_chip(ChipKey(13, AES128)), KEEPING_THE_SESSION)


def _with_fresh_keys(at: Workshop) -> Presented:
    """The chip notes the ephemeral public keys, none of which may come twice."""
    seen: list[bytes] = []

    def note(core: Core, command: CommandAPDU, usual: CarryOut) -> ResponseAPDU:
        response = usual(core, command)
        seen.extend(
            each.value
            for whole in read_all(command.data, "dynamic authentication data")
            for each in whole.children()
            if each.tag == 0x80 and core.session.next_secure_messaging is not None
        )
        return response

    def objection() -> str:
        if not seen:
            return "Chip Authentication was not performed"
        return "" if len(set(seen)) == len(seen) else "an ephemeral key was used twice"

    table = doing(INS.GENERAL_AUTHENTICATE, note)
    return Presented(at.with_chip(ChipKey(13, AES128)), table, objection=objection)


UNIT.good("ISO7816_D_10", times=3)(_with_fresh_keys)


# --- unit F: Active Authentication ---------------------------------------------------------------


def _active(kind: str, algorithm: Hash = Hash.SHA256) -> Make:
    return lambda at: at.presented(active_authentication=kind, active_hash=algorithm)


for _id, _kind, _hash in (
    ("ISO7816_F_01", "RSA-2048", Hash.SHA1),
    ("ISO7816_F_02", "brainpoolP256r1", Hash.SHA256),
    ("ISO7816_F_04", "RSA-2048", Hash.SHA224),
    ("ISO7816_F_05", "RSA-2048", Hash.SHA256),
    ("ISO7816_F_06", "RSA-2048", Hash.SHA384),
    ("ISO7816_F_07", "RSA-2048", Hash.SHA512),
):
    UNIT.good(_id)(_active(_kind, _hash))


@UNIT.bad("ISO7816_F_08", "active.authentication")
def _with_a_wrong_trailer(at: Workshop) -> Presented:
    signing = key("AA", "RSA-2048")
    if not isinstance(signing, RsaPrivateKey):
        raise TypeError("the key is not an RSA key")

    def sign(_core: Core, command: CommandAPDU) -> ResponseAPDU:
        bits = signing.public_key.n.bit_length()
        m1 = bytes(iso9796.m1_size(bits, Hash.SHA256))
        f = iso9796.message_representative(bits, Hash.SHA256, m1, command.data)
        number = int.from_bytes(f[:-2] + b"\x3f\xcc", "big")
        return ResponseAPDU(signing.apply(number).to_bytes(signing.public_key.size, "big"))

    table = instead(INS.INTERNAL_AUTHENTICATE, lambda _: sign)
    return Presented(at.document(active_authentication="RSA-2048"), table)


@UNIT.bad("ISO7816_F_09", "active.authentication")
def _with_an_unknown_algorithm(at: Workshop) -> Presented:
    unknown = ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.0")
    return at.presented(active_authentication="brainpoolP256r1", infos=(unknown,))
