"""Helpers for the test cases of part 3.2: certificates, and a terminal in a session."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from emrtd import tlv
from emrtd.access import bac, chip_authentication
from emrtd.access.chip_keys import ActiveAuthenticationKey, ChipKeys
from emrtd.access.pace.protocol import establish
from emrtd.access.pace.variants import variant_of
from emrtd.access.terminal_authentication import SET_AT, SET_DST, signed_message
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import with_command_chaining
from emrtd.iso7816.procedure import exchange, run
from emrtd.iso7816.secure_messaging import secured
from emrtd.lds.cvca import Cvca
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import SecurityInfos
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Right, Role
from emrtd.pki.cvc.certificates import BODY, SIGNATURE
from emrtd.pki.cvc.keys import PUBLIC_KEY, sign
from support.secret import Secret
from tests.emrtd.pki.cvc.cvc_pki import Holder, certify
from tests.tr03105 import Catalogue
from tests.vsmartcard.cards import FILE_CONTENTS, MRZ, done, personalised
from tests.vsmartcard.chip.test_extended_access import (
    CAM,
    GENERIC,
    IDENTIFIER,
    PASSWORD,
    chip_key,
    variant,
)
from vsmartcard.chip.dispatch import Chip
from vsmartcard.chip.state import ChipState

CASES: Final = Catalogue()

TODAY: Final = date(2026, 1, 15)  # the chip's date as it was personalised
DG3, DG4, DG1 = "00B0830001", "00B0840001", "00B0810001"  # READ BINARY by short identifier
LATER: Final = date(2027, 6, 1)  # the usual DV certificate has expired by then
DOMESTIC, FOREIGN, CVCA, IS = Role.DV_DOMESTIC, Role.DV_FOREIGN, Role.CVCA, Role.TERMINAL
SELECT_APPLICATION: Final = "00A4040C07" + EMRTD_APPLICATION.hex()


RSA: Final = SignatureScheme(SignatureFamily.RSA_PSS, Hash.SHA256)


@cache
def rsa_key(number: int, bits: int = 1536) -> RsaPrivateKey:
    """Return an RSA key, another one for each number."""
    return RsaPrivateKey(rsa.generate_private_key(65537, bits))


@cache
def cvca() -> Holder:
    return certify("UTCVCA00001", Role.CVCA, expiration=date(2029, 1, 1))


@cache
def rsa_cvca() -> Holder:
    return certify("UTCVCA00001", Role.CVCA, key=rsa_key(0), scheme=RSA)


@cache
def dv(
    role: Role = Role.DV_DOMESTIC,
    rights: Right = ALL_RIGHTS,
    effective: date = TODAY,
    expiration: date = date(2027, 1, 1),
) -> Holder:
    return certify(
        "UTDV00001", role, cvca(), rights=rights, effective=effective, expiration=expiration
    )


@cache
def system(
    issuer: Holder | None = None, rights: Right = ALL_RIGHTS, effective: date = TODAY
) -> Holder:
    return certify("UTIS00001", Role.TERMINAL, issuer or dv(), rights=rights, effective=effective)


Objects = list[tuple[int, bytes]]
Change = Callable[[Objects], Objects]


def altered(holder: Holder, issuer: Holder, change: Change) -> bytes:
    """Return a certificate with changed data objects, signed after the change; without 7F21."""
    body = tlv.read(holder.certificate.body, "certificate")
    objects = change([(each.tag, each.value) for each in body.children()])
    signed = tlv.encode(BODY, *(tlv.encode(*each) for each in objects))
    return signed + tlv.encode(SIGNATURE, sign(issuer.key, issuer.scheme, signed))


def without(tag: int) -> Change:
    return lambda objects: [each for each in objects if each[0] != tag]


def replaced(tag: int, value: bytes) -> Change:
    return lambda objects: [(each[0], value if each[0] == tag else each[1]) for each in objects]


def in_key(change: Change) -> Change:
    """Apply a change inside the public key (7F49)."""

    def changed(objects: Objects) -> Objects:
        key = dict(objects)[PUBLIC_KEY]
        inside = [(each.tag, each.value) for each in tlv.read_all(key, "key")]
        value = b"".join(tlv.encode(*each) for each in change(inside))
        return replaced(PUBLIC_KEY, value)(objects)

    return changed


def oid_of(number: str) -> Change:
    return replaced(der.OID, der.oid_value(number))


def signature_of(change: Callable[[bytes], bytes]) -> Callable[[Holder, Holder], bytes]:
    """Return a function that changes the signature of a certificate."""
    return lambda holder, _: (
        holder.certificate.body + tlv.encode(SIGNATURE, change(holder.certificate.signature))
    )


def octets_of(change: Callable[[bytes], bytes]) -> Callable[[Holder, Holder], bytes]:
    """Return a function that changes the octets of a certificate."""
    return lambda holder, _: change(holder.certificate.value)


@cache
def active_key() -> EcPrivateKey:
    return EcPrivateKey.generate(CURVES["brainpoolP256r1"])


def new_chip(root: Holder | None = None) -> Chip:
    """Return a chip with PACE, BAC, Chip, Active and Terminal Authentication, DG3 and DG4."""
    root = root or cvca()
    keys = ChipKeys(
        passwords=(PASSWORD,),
        basic_access_control=True,
        chip_authentication=(chip_key(13, Cipher.AES128, Cipher.TDES),),
        active_authentication=ActiveAuthenticationKey(active_key().to_pkcs8(), Hash.SHA256),
        trust_points=(root.certificate.encode(),),
        current_date=TODAY,
        document_identifier=Secret(IDENTIFIER),
    )
    files = FILE_CONTENTS | {
        FileID.CARD_ACCESS: SecurityInfos(GENERIC, CAM).encode(),
        FileID.CVCA: Cvca((root.reference,)).encode(),
        FileID.DG4: b"\x76\x03dg4",
    }
    return personalised(files, keys)


@dataclass
class Terminal:
    """A terminal in a session with a chip; after Chip Authentication, unless `proven` is False."""

    chip: Chip
    access: str = "PACE"
    proven: bool = True

    def __post_init__(self) -> None:
        if self.access == "BAC":
            done(self.chip, SELECT_APPLICATION)
            self.session, self.identifier = (
                run(bac.authenticate(MRZ), self.chip.process),
                IDENTIFIER,
            )
        else:
            chosen = variant_of(GENERIC, SecurityInfos(GENERIC))
            result = run(establish(chosen, MRZ), self.chip.process)
            self.session = result.secure_messaging
            self.identifier = result.variant.group.compress(result.chip_public_key)
            self.require(SELECT_APPLICATION)
        self.key = b""
        if self.proven:
            procedure = chip_authentication.authenticate(variant(13, Cipher.AES128))
            found = run(secured(procedure, self.session), self.chip.process)
            self.session, self.key = found.secure_messaging, found.compressed_terminal_key

    def send(self, command: CommandAPDU | str) -> ResponseAPDU:
        """Send a command in the session, and verify that the response is in the session too."""
        if isinstance(command, str):
            command = CommandAPDU.decode(bytes.fromhex(command))
        return run(
            secured(with_command_chaining(exchange(command)), self.session), self.chip.process
        )

    def require(self, command: CommandAPDU | str) -> bytes:
        response = self.send(command)
        assert response.sw == 0x9000, f"{response.sw:04X}"
        return response.data

    @property
    def is_open(self) -> bool:
        """Whether the session continues."""
        return self.send(DG1).sw == 0x9000

    @property
    def trust_points(self) -> tuple[str, ...]:
        return Cvca.decode(self.require("00B09C0024")).references

    def set_dst(self, reference: str) -> int:
        data = tlv.encode(0x83, reference.encode())
        return self.send(CommandAPDU(0x00, 0x22, *SET_DST, data)).sw

    def verify(self, certificate: Holder | bytes) -> int:
        data = certificate if isinstance(certificate, bytes) else certificate.certificate.value
        return self.send(CommandAPDU(0x00, 0x2A, 0x00, 0xBE, data)).sw

    def present(self, *chain: Holder) -> int:
        """Send MSE:Set DST and PSO:Verify Certificate for each; return the first SW but 9000."""
        for each in chain:
            for sw in (self.set_dst(each.certificate.authority_reference), self.verify(each)):
                if sw != 0x9000:
                    return sw
        return 0x9000

    def set_at(self, reference: str, tag: int = 0x83) -> int:
        data = tlv.encode(tag, reference.encode())
        return self.send(CommandAPDU(0x00, 0x22, *SET_AT, data)).sw

    def challenge(self) -> bytes:
        return self.require("0084000008")

    def prove(self, holder: Holder, challenge: bytes, identifier: bytes | None = None) -> int:
        identifier = self.identifier if identifier is None else identifier
        message = signed_message(identifier, challenge, self.key, b"")
        return self.external_authenticate(sign(holder.key, holder.scheme, message))

    def external_authenticate(self, signature: bytes) -> int:
        return self.send(CommandAPDU(0x00, INS.EXTERNAL_AUTHENTICATE, data=signature)).sw

    def authenticate(self, *chain: Holder) -> "Terminal":
        """Do the whole Terminal Authentication, which must succeed."""
        assert self.present(*chain) == 0x9000
        assert self.set_at(chain[-1].reference) == 0x9000
        assert self.prove(chain[-1], self.challenge()) == 0x9000
        return self

    def reopened(self, *, proven: bool = True) -> "Terminal":
        """Reset the chip to its persistent state, and open it again."""
        self.chip = Chip(ChipState.decode(self.chip.state.encode()))
        return Terminal(self.chip, self.access, proven)


twice = pytest.mark.parametrize("access", ["BAC", "PACE"])
"""Runs a test once after BAC and once after PACE, as part 3.2 requires."""
