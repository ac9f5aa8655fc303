"""EF.CardAccess, EF.CardSecurity and EF.DIR that are not as the signed data announce them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.protocols import KeyAgreement, pace_oid
from emrtd.crypto.protocols import Mapping as PaceMapping
from emrtd.lds.application_directory import ApplicationDirectory
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ChipAuthenticationPublicKeyInfo,
    EfDirInfo,
    PaceDomainParameterInfo,
    PaceInfo,
    SecurityInfo,
    SecurityInfos,
    UnknownSecurityInfo,
)
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from support.errors import MisuseError
from vsmartcard.forging.authority import DAY, Authority, Signer
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.making import (
    PARAMETERS,
    agreement_key,
    card_security,
    draft,
    own_authority,
    trusted_state,
    victims_authority,
    with_files,
)
from vsmartcard.forging.surgery import (
    fields_of,
    flipped,
    operated,
    signer_of,
    with_content,
    with_signers,
)

KINDS: Final = Kinds(Family.ACCESS)

_DOWNGRADE: Final = "access.downgrade"
_CARD_SECURITY: Final = "cardsecurity.signature"


# --- EF.CardAccess -------------------------------------------------------------------------------


def _infos(forger: Forger) -> SecurityInfos:
    return CardAccess.decode(forger.victim.file(FileID.CARD_ACCESS)).security_infos


def _card_access(
    kind: str, gain: str, change: Callable[[list[SecurityInfo]], list[SecurityInfo]]
) -> None:
    """Add a kind with other SecurityInfos in EF.CardAccess."""

    def make(forger: Forger) -> Forged:
        octets = CardAccess(SecurityInfos(*change(list(_infos(forger))))).encode()
        return with_files(forger, {FileID.CARD_ACCESS: octets})

    KINDS.add(kind, gain, _DOWNGRADE, make)


def _weak(parameters: int = PARAMETERS) -> PaceInfo:
    return PaceInfo.of(KeyAgreement.ECDH, PaceMapping.GENERIC, Cipher.TDES, parameters)


_card_access("access.weak-cipher", "a session that can be deciphered", lambda _: [_weak()])
_card_access(
    "access.weak-offer",
    "a session that can be deciphered, if the reader takes the first variant",
    lambda infos: [*infos, _weak()],
)
_card_access(
    "access.small-group",
    "a session in a group of 1024 bits",
    lambda _: [PaceInfo.of(KeyAgreement.DH, PaceMapping.GENERIC, Cipher.TDES, 0)],
)
_card_access(
    "access.without-mapping",
    "a copy that is not asked for Chip Authentication Mapping",
    lambda infos: [
        each
        for each in infos
        if not (isinstance(each, PaceInfo) and each.mapping is PaceMapping.CHIP_AUTHENTICATION)
    ],
)
_card_access(
    "access.own-parameters",
    "a session in a group of the forger's",
    lambda infos: [*infos, _own_parameters()],
)
_card_access(
    "access.no-pace",
    "a session by Basic Access Control, which can be deciphered later",
    lambda infos: [each for each in infos if not isinstance(each, PaceInfo)],
)
_card_access(
    "access.unknown-info",
    "a protocol of the forger's, in a reader that tries any",
    lambda infos: [
        *infos,
        UnknownSecurityInfo("1.3.6.1.4.1.99999.2", _unknown("1.3.6.1.4.1.99999.2")),
    ],
)


def _unknown(oid: str) -> bytes:
    return der.sequence(der.oid(oid), der.integer(1))


def _own_parameters() -> PaceDomainParameterInfo:
    """Return Diffie-Hellman with p = 23, in which the forger can compute every logarithm."""
    protocol = pace_oid(KeyAgreement.DH, PaceMapping.GENERIC, None) or ""
    group = der.sequence(der.integer(23), der.integer(5), der.integer(22))
    algorithm = der.sequence(der.oid("1.2.840.10046.2.1"), group)
    return PaceDomainParameterInfo(protocol, algorithm, 40)


@KINDS.kind("access.malformed", "a reader that goes on without what it cannot read", _DOWNGRADE)
def _malformed(forger: Forger) -> Forged:
    octets = forger.victim.file(FileID.CARD_ACCESS)
    return with_files(forger, {FileID.CARD_ACCESS: tlv.encode(der.SET, octets[4:])})


def _require_signed_pace(forger: Forger) -> None:
    if not forger.victim.security_infos.of(PaceInfo):
        raise MisuseError(
            "this kind of forgery needs a document whose DG14 announces PACE",
            advice="choose another kind or another image",
        )


@KINDS.kind(
    "access.removed", "a session by Basic Access Control, which can be deciphered later",
    _DOWNGRADE, on_chip=True,
)  # fmt: skip
def _removed(forger: Forger) -> Forged:
    _require_signed_pace(forger)
    return with_files(forger, {FileID.CARD_ACCESS: None})


@KINDS.kind("access.open", "a copy that anyone near can read", _DOWNGRADE, on_chip=True)
def _open(forger: Forger) -> Forged:
    _require_signed_pace(forger)
    made = with_files(forger, {FileID.CARD_ACCESS: None})
    return replace(made, keys=msgspec.structs.replace(made.keys, open=True))


@KINDS.kind("access.directory", "an application of the forger's beside the eMRTD's", _DOWNGRADE)
def _directory(forger: Forger) -> Forged:
    """EF.DIR is signed in DG14 (EFDIRInfo); another application is added to it."""
    authority = own_authority(forger)
    made = draft(forger)
    genuine = ApplicationDirectory.of([EMRTD_APPLICATION]).encode()
    infos = SecurityInfos(*made.infos, EfDirInfo(genuine))
    made.groups[14] = DataGroup14(infos).encode()
    whole = made.signed(authority.signer(), trusted=trusted_state(authority))
    other = ApplicationDirectory.of([EMRTD_APPLICATION, b"\xa0\x00\x00\x99\x99"]).encode()
    return replace(whole, files={**whole.files, FileID.DIR: other})


# --- EF.CardSecurity -----------------------------------------------------------------------------


def _signed_infos(forger: Forger) -> SecurityInfos:
    """Return the SecurityInfos of EF.CardSecurity with a key of the forger's."""
    _, infos = agreement_key(forger)
    kept = [
        each
        for each in forger.victim.security_infos
        if not isinstance(each, ChipAuthenticationPublicKeyInfo)
    ]
    own = [each for each in infos if isinstance(each, ChipAuthenticationPublicKeyInfo)]
    return SecurityInfos(*kept, *own)


def _own_card_security(forger: Forger, signer: Signer, trusted: tuple[bytes, ...] = ()) -> Forged:
    forger.victim.file(FileID.CARD_SECURITY)
    octets = card_security(_signed_infos(forger), signer, forger.at - 10 * DAY)
    return with_files(forger, {FileID.CARD_SECURITY: octets}, trusted=trusted)


@KINDS.kind("cardsecurity.own", "a copy that proves itself by PACE-CAM", _CARD_SECURITY)
def _own(forger: Forger) -> Forged:
    return _own_card_security(forger, victims_authority(forger).signer())


@KINDS.kind(
    "cardsecurity.of-another-state", "a copy that proves itself as another document", _CARD_SECURITY
)
def _of_another_state(forger: Forger) -> Forged:
    authority = own_authority(forger)
    return _own_card_security(forger, authority.signer(), trusted_state(authority))


@KINDS.kind("cardsecurity.key", "a reader that does not verify EF.CardSecurity", _CARD_SECURITY)
def _key(forger: Forger) -> Forged:
    signed = forger.victim.file(FileID.CARD_SECURITY)
    infos = _signed_infos(forger).encode()
    octets = operated(signed, lambda fields: with_content(fields, infos))
    return with_files(forger, {FileID.CARD_SECURITY: octets})


@KINDS.kind("cardsecurity.no-signer", "a reader content if no signature is wrong", _CARD_SECURITY)
def _no_signer(forger: Forger) -> Forged:
    signed = forger.victim.file(FileID.CARD_SECURITY)
    infos = _signed_infos(forger).encode()
    octets = operated(signed, lambda fields: with_signers(with_content(fields, infos)))
    return with_files(forger, {FileID.CARD_SECURITY: octets})


@KINDS.kind("cardsecurity.signature-bit", "a reader that verifies no signature", _CARD_SECURITY)
def _signature_bit(forger: Forger) -> Forged:
    octets = forger.victim.file(FileID.CARD_SECURITY)
    return with_files(forger, {FileID.CARD_SECURITY: flipped(octets, len(octets) - 1)})


@KINDS.kind(
    "cardsecurity.signature-of-sod", "a chip's key with the signature of EF.SOD", _CARD_SECURITY
)
def _signature_of_sod(forger: Forger) -> Forged:
    signed = forger.victim.file(FileID.CARD_SECURITY)

    borrowed = signer_of(fields_of(forger.victim.signed_data))
    octets = operated(signed, lambda fields: with_signers(fields, borrowed))
    return with_files(forger, {FileID.CARD_SECURITY: octets})


def _misused(kind: str, gain: str, purpose: str) -> None:
    """Add a kind with an EF.CardSecurity by a signer for something else."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        other = authority.signer("other", more=[writer.extended_key_usage(purpose)])
        return mapped(forger, authority, authority.signer(), other)[0]

    KINDS.add(kind, gain, _CARD_SECURITY, make)


_misused(
    "cardsecurity.list-signer",
    "a chip's key, by whoever signs Master Lists",
    ext.MASTER_LIST_SIGNER,
)


@KINDS.kind(
    "cardsecurity.removed", "a copy whose PACE-CAM has no key to be compared with",
    "pace.cam", on_chip=True,
)  # fmt: skip
def _no_card_security(forger: Forger) -> Forged:
    forger.victim.file(FileID.CARD_SECURITY)
    return with_files(forger, {FileID.CARD_SECURITY: None})


def mapped(
    forger: Forger, authority: Authority, signer: Signer, other: Signer | None = None
) -> tuple[Forged, Forged]:
    """Return two documents of one State, each with PACE-CAM, and each on its chip.

    Chip Authentication Mapping is their only proof against cloning.  `other` signs EF.CardSecurity,
    by default the signer of the document.
    """
    cam = PaceInfo.of(KeyAgreement.ECDH, PaceMapping.CHIP_AUTHENTICATION, Cipher.AES128, PARAMETERS)
    gm = PaceInfo.of(KeyAgreement.ECDH, PaceMapping.GENERIC, Cipher.AES128, PARAMETERS)
    found = []
    for number in ("XA0000001", "XA0000002"):
        made = draft(forger, document_number=number)
        key = next(each for each in made.infos if isinstance(each, ChipAuthenticationPublicKeyInfo))
        made.groups[14] = DataGroup14(SecurityInfos(gm, cam)).encode()
        infos = SecurityInfos(gm, cam, key)
        signed = card_security(infos, other or signer, made.signed_at)
        whole = made.signed(signer, trusted=trusted_state(authority))
        files = {
            **whole.files,
            FileID.CARD_ACCESS: CardAccess(SecurityInfos(gm, cam)).encode(),
            FileID.CARD_SECURITY: signed,
        }
        found.append(replace(whole, files=files))
    return found[0], found[1]


@KINDS.kind(
    "cardsecurity.of-another-chip", "a copy that proves itself with the forger's own chip",
    "pace.cam", on_chip=True,
)  # fmt: skip
def _of_another_chip(forger: Forger) -> Forged:
    """The files are those of one document; EF.CardSecurity and the key those of another."""
    authority = own_authority(forger)
    copied, own = mapped(forger, authority, authority.signer())
    files = {**copied.files, FileID.CARD_SECURITY: own.files[FileID.CARD_SECURITY]}
    keys = msgspec.structs.replace(copied.keys, chip_authentication=own.keys.chip_authentication)
    return replace(copied, files=files, keys=keys)
