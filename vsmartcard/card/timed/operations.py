"""Which operations of cryptography a chip carries out for a command, from Doc 9303-11.

The operations are those of the protocols, not those of this chip in software: where the standard
has a point multiplication, so has the model.  A command that the chip refuses before it computes
anything still counts as one that it carries out.
"""

from collections.abc import Callable, Mapping
from math import ceil
from types import MappingProxyType
from typing import Final

from emrtd.access.pace import messages
from emrtd.access.pace.messages import Tag
from emrtd.access.pace.variants import PaceVariant
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.groups import EcGroup, Group
from emrtd.crypto.private_keys import EcPrivateKey, load_private_key
from emrtd.crypto.protocols import CHIP_AUTHENTICATION_PROTOCOLS
from emrtd.crypto.protocols import Mapping as PaceMapping
from emrtd.crypto.signatures import EcPublicKey, RsaPublicKey
from emrtd.errors import ProtocolError
from emrtd.globalplatform.scp03 import CLA, INITIALIZE_UPDATE
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.pki.cvc.keys import CvPublicKey
from support.errors import MalformedError
from vsmartcard.chip.protocols.chip_authentication import group_of
from vsmartcard.chip.protocols.terminal_authentication import shown_key
from vsmartcard.chip.session import ChipAccess, Core, Protocol
from vsmartcard.timing.operations import Operation, Work

_CIPHERS: Final = {
    Cipher.TDES: Work.TDES,
    Cipher.AES128: Work.AES128,
    Cipher.AES192: Work.AES192,
    Cipher.AES256: Work.AES256,
}
_STRONG: Final = frozenset({Cipher.AES192, Cipher.AES256})
_SET_KAT: Final = (0x41, 0xA6)
_NONCE, _CHALLENGE, _BAC_CRYPTOGRAM = 16, 8, 32
_STATION_MESSAGING, _OTHER_MESSAGING = 0x04, 0x08
_OBJECTS: Final = 16
"""Octets of the data objects in a MAC besides the cryptogram."""

Operations = list[Operation]


def operations_of(core: Core, command: CommandAPDU) -> Operations:
    """Return what the chip does for a plain command that it is about to carry out."""
    find = _OPERATIONS.get(command.ins)
    return [] if find is None else find(core, command)


def secure_messaging(cipher: Cipher, command: CommandAPDU, response: ResponseAPDU) -> Operations:
    """Return what protects a plain command and its response in a session (9.8)."""
    block = cipher.block_size
    found: Operations = []
    for data, around in ((command.data, 2 * block), (response.data, block)):
        padded = (len(data) // block + 1) * block if data else 0
        found.append(_symmetric(cipher, around + padded + _OBJECTS))  # the MAC
        if data:
            found += [_symmetric(cipher, padded), *_vector(cipher)]
    return found


def station_messaging(octets: bytes, response: bytes) -> Operations:
    """Return what SCP03 takes for an encoded command and its response (GPCS amendment D, 6.2).

    The keys count as AES-128, and commands and responses as encrypted.
    """
    if len(octets) < 4:
        return []
    cla, ins = octets[0], octets[1]
    if cla & CLA and ins == INITIALIZE_UPDATE:  # three session keys and the card's cryptogram
        return [Operation(Work.RANDOM, _CHALLENGE), *[Operation(Work.AES128, 32)] * 4]
    if not cla & _STATION_MESSAGING or cla & _OTHER_MESSAGING:
        return []
    found = [Operation(Work.AES128, _padded(len(octets))), Operation(Work.AES128, 16 + 16)]
    if cla & CLA and ins == INS.EXTERNAL_AUTHENTICATE:  # the MAC, and the host's cryptogram
        return found
    sizes = (len(octets) - 5, len(response) - 2)
    found += [Operation(Work.AES128, 16 + _padded(size)) for size in sizes if size > 0]
    return found


def _challenge(_core: Core, _command: CommandAPDU) -> Operations:
    return [Operation(Work.RANDOM, _CHALLENGE)]


def _external_authenticate(core: Core, _command: CommandAPDU) -> Operations:
    """BAC (4.3.4): two keys of the document, one cryptogram each way, and two session keys."""
    if core.session.access is ChipAccess.NONE:
        if core.session.bac is None:
            return []
        each_way = [_symmetric(Cipher.TDES, _BAC_CRYPTOGRAM)] * 2
        return [
            *[Operation(Work.SHA1, 20)] * 4,
            *each_way,
            Operation(Work.RANDOM, 16),
            *each_way,
        ]
    terminal = core.session.terminal_authentication
    selected = None if terminal is None else terminal.selected
    return [] if selected is None else _verification(selected.key)


def _internal_authenticate(core: Core, _command: CommandAPDU) -> Operations:
    """Active Authentication (6.1): the hash is part of a signature's figure for ECDSA."""
    key = core.state.keys.active_authentication
    if key is None:
        return []
    private = load_private_key(key.private)
    if isinstance(private, EcPrivateKey):
        return [Operation(Work.EC_SIGN, private.public_key.curve.p.bit_length())]
    bits = private.public_key.n.bit_length()
    hashed = Operation(Work(key.hash.value.lower()), bits // 8 + _CHALLENGE)
    return [Operation(Work.RANDOM, bits // 8), hashed, Operation(Work.RSA_PRIVATE, bits)]


def _manage(core: Core, command: CommandAPDU) -> Operations:
    """Chip Authentication in one command, with 3DES (6.2.4.1); any other one computes nothing."""
    keys = core.state.keys.chip_authentication
    if (command.p1, command.p2) != _SET_KAT or not keys:
        return []
    return _agreement(group_of(keys[0].public_key), Cipher.TDES)


def _general_authenticate(core: Core, command: CommandAPDU) -> Operations:
    session = core.session
    if session.selected is Protocol.CHIP_AUTHENTICATION:
        chip = session.chip_authentication
        if chip is None or chip.selected is None:
            return []
        key, protocol = chip.selected
        return _chip_authentication(core, key.group, CHIP_AUTHENTICATION_PROTOCOLS[protocol].cipher)
    variant = None if session.pace is None else session.pace.chip.selected
    if session.selected is not Protocol.PACE or variant is None:
        return []
    try:
        objects = messages.decode(command.data)
    except (MalformedError, ProtocolError):
        return []
    step = _PACE.get(objects[0].tag if objects else None)
    return [] if step is None else step(variant)


def _chip_authentication(core: Core, group: Group, cipher: Cipher) -> Operations:
    """Agree (6.2); in version 2 also draw a nonce and make a token (TR-03110-2, 3.4)."""
    found = _agreement(group, cipher)
    if shown_key(core) is not None:
        octets = ceil(group.field.bit_length() / 8)
        found += [Operation(Work.RANDOM, _CHALLENGE), _symmetric(cipher, _padded(2 * octets + 16))]
    return found


def _pace_nonce(variant: PaceVariant) -> Operations:
    """Draw and encrypt s, with a key that is derived from the password (4.4.3.3)."""
    cipher = variant.info.cipher
    return [Operation(Work.RANDOM, _NONCE), _derivation(cipher), _symmetric(cipher, _NONCE)]


def _pace_mapping(variant: PaceVariant) -> Operations:
    """Map s to a generator (4.4.3.3): three multiplications, in Generic Mapping and CAM.

    Integrated Mapping has no key pair: the pseudo-random function takes some blocks of the cipher,
    and the encoding of a point two exponentiations, which count as one multiplication.
    """
    if variant.info.mapping is PaceMapping.INTEGRATED:
        size = ceil(variant.group.field.bit_length() / 8) + 8
        return [_symmetric(variant.info.cipher, 2 * size), _multiplication(variant.group)]
    return [_random_key(variant.group), *[_multiplication(variant.group)] * 3]


def _pace_agreement(variant: PaceVariant) -> Operations:
    """Make an ephemeral key pair and agree on session keys (4.4.3.2, 9.7.1)."""
    group = variant.group
    own = [_random_key(group), _multiplication(group)]
    return [*own, *_agreement(group, variant.info.cipher)]


def _pace_tokens(variant: PaceVariant) -> Operations:
    """Verify a token and make one (4.4.3.4); CAM encrypts its data (4.4.3.5)."""
    octets = ceil(variant.group.field.bit_length() / 8)
    cipher = variant.info.cipher
    found = [_symmetric(cipher, _padded(2 * octets + 16))] * 2
    if variant.info.mapping is PaceMapping.CHIP_AUTHENTICATION:
        found += [_symmetric(cipher, _padded(octets)), *_vector(cipher)]
    return found


_PACE: Final[Mapping[int | None, Callable[[PaceVariant], Operations]]] = MappingProxyType(
    {
        None: _pace_nonce,
        Tag.TERMINAL_MAPPING_DATA: _pace_mapping,
        Tag.TERMINAL_PUBLIC_KEY: _pace_agreement,
        Tag.TERMINAL_TOKEN: _pace_tokens,
    }
)


def _verify_certificate(core: Core, _command: CommandAPDU) -> Operations:
    """Terminal Authentication (7.1): the signature of a certificate."""
    terminal = core.session.terminal_authentication
    issuer = None if terminal is None else terminal.issuer
    return [] if issuer is None else _verification(issuer.key)


_OPERATIONS: Final[Mapping[int, Callable[[Core, CommandAPDU], Operations]]] = MappingProxyType(
    {
        INS.GET_CHALLENGE: _challenge,
        INS.EXTERNAL_AUTHENTICATE: _external_authenticate,
        INS.INTERNAL_AUTHENTICATE: _internal_authenticate,
        INS.MANAGE_SECURITY_ENVIRONMENT: _manage,
        INS.GENERAL_AUTHENTICATE: _general_authenticate,
        INS.PERFORM_SECURITY_OPERATION: _verify_certificate,
    }
)


def _agreement(group: Group, cipher: Cipher) -> Operations:
    """Agree on a shared secret, and derive two keys from it."""
    return [_multiplication(group), *[_derivation(cipher)] * 2]


def _multiplication(group: Group) -> Operation:
    work = Work.EC_MULTIPLY if isinstance(group, EcGroup) else Work.DH
    return Operation(work, group.field.bit_length())


def _random_key(group: Group) -> Operation:
    return Operation(Work.RANDOM, group.private_key_size)


def _verification(key: CvPublicKey) -> Operations:
    public = key.key
    if isinstance(public, EcPublicKey):
        return [Operation(Work.EC_VERIFY, public.curve.p.bit_length())]
    if isinstance(public, RsaPublicKey):
        return [Operation(Work.SHA256, 256), Operation(Work.RSA_PUBLIC, public.n.bit_length())]
    return []


def _derivation(cipher: Cipher) -> Operation:
    """A key derivation (9.7.1): SHA-256 for the long keys of AES, otherwise SHA-1."""
    return Operation(Work.SHA256 if cipher in _STRONG else Work.SHA1, 36)


def _symmetric(cipher: Cipher, octets: int) -> Operation:
    return Operation(_CIPHERS[cipher], octets)


def _vector(cipher: Cipher) -> Operations:
    """The initialization vector of AES, E(SSC); 3DES has none (9.8.6)."""
    return [] if cipher is Cipher.TDES else [_symmetric(cipher, cipher.block_size)]


def _padded(octets: int) -> int:
    return (octets // 16 + 1) * 16
