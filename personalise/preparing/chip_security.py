"""From a chip profile to keys, passwords, and the files that announce them.

EF.CardAccess, EF.CardSecurity, DG14, DG15, EF.CVCA, EF.ATR/INFO and EF.DIR announce what a chip
supports; `ChipKeys` are the secrets that it stores and that cannot be read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from emrtd.access.active_authentication import info_for
from emrtd.access.chip_keys import (
    ActiveAuthenticationKey,
    ChipAuthenticationKey,
    ChipKeys,
    ChipPassword,
)
from emrtd.access.passwords import Password
from emrtd.access.terminal_authentication import identifier_of_document
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.curves import CURVES
from emrtd.crypto.domain_parameters import (
    STANDARDISED,
    decode_agreement_key,
    encode_agreement_key,
)
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey, RsaPrivateKey
from emrtd.crypto.protocols import (
    ID_PK_DH,
    ID_PK_ECDH,
    KeyAgreement,
    Mapping,
    chip_authentication_oid,
)
from emrtd.iso7816.procedure import Random
from emrtd.lds.application_directory import ApplicationDirectory
from emrtd.lds.atr_info import AtrInfo, Capability
from emrtd.lds.cvca import Cvca
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import EMRTD_APPLICATION, FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
)
from emrtd.mrz import Mrz
from emrtd.pki.cvc.certificates import CvCertificate
from personalise.preparing.chip_profile import ChipProfile
from support.errors import MisuseError
from support.secret import Secret

CAN_DIGITS: Final = 6
PIN_DIGITS: Final = 6
PUK_DIGITS: Final = 10

_CIPHERS: Final = {
    "3DES": Cipher.TDES,
    "AES-128": Cipher.AES128,
    "AES-192": Cipher.AES192,
    "AES-256": Cipher.AES256,
}


@dataclass(frozen=True)
class ChipSecurity:
    """The keys of a chip, and the files that announce them.

    `data_groups` are DG14 and DG15 by number; `files` are the files that are not signed, and
    `card_security` the encoded SecurityInfos to be signed in EF.CardSecurity, None for a chip
    without that file.
    """

    keys: ChipKeys
    data_groups: dict[int, bytes]
    files: dict[FileID, bytes]
    card_security: bytes | None


def make_chip_security(
    profile: ChipProfile,
    mrz: Mrz,
    trust_point: CvCertificate | None,
    at: datetime,
    random: Random,
) -> ChipSecurity:
    """Generate the keys and passwords of one chip, and the files that announce them.

    `trust_point` is the CVCA certificate that chains of Terminal Authentication start from.  Raises
    `MisuseError` if the profile requires one and it is None.
    """
    if profile.terminal_authentication is None:
        trust_point = None
    elif trust_point is None:
        raise MisuseError(
            "the chip profile requires Terminal Authentication, and the PKI has no CVCA"
        )
    static_keys = _make_static_keys(profile, random)
    active = _make_active_key(profile, random)
    pace_infos = _pace_infos(profile)
    more: list[SecurityInfo] = []
    data_groups, files = {}, _master_files(profile)
    if trust_point is not None:
        more.append(TerminalAuthenticationInfo())
        files[FileID.CVCA] = Cvca((trust_point.holder_reference,)).encode()
    if active is not None:
        data_groups[15] = active.data_group.encode()
        if active.info is not None:
            more.append(active.info)
    infos = [*pace_infos, *_chip_authentication_infos(static_keys), *more]
    if infos:
        data_groups[14] = DataGroup14(SecurityInfos(*infos)).encode()
    if pace_infos:
        files[FileID.CARD_ACCESS] = CardAccess(SecurityInfos(*pace_infos)).encode()
    keys = ChipKeys(
        passwords=_make_passwords(profile, mrz, random),
        basic_access_control=profile.bac,
        chip_authentication=tuple(static_keys),
        active_authentication=None if active is None else active.key,
        trust_points=() if trust_point is None else (trust_point.encode(),),
        current_date=at.date(),
        document_identifier=Secret(identifier_of_document(mrz.information)),
    )
    card_security = None
    if profile.needs_card_security:
        by_number = _chip_authentication_infos(static_keys, explicit=False)
        card_security = SecurityInfos(*pace_infos, *by_number, *more).encode()
    return ChipSecurity(keys, data_groups, files, card_security)


def _make_passwords(profile: ChipProfile, mrz: Mrz, random: Random) -> tuple[ChipPassword, ...]:
    passwords = [Password.from_mrz_information(mrz.information)]
    if profile.passwords.can:
        passwords.append(Password.can(_draw_digits(CAN_DIGITS, random)))
    if profile.passwords.pin:
        passwords.append(Password.pin(_draw_digits(PIN_DIGITS, random)))
    if profile.passwords.puk:
        passwords.append(Password.puk(_draw_digits(PUK_DIGITS, random)))
    return tuple(ChipPassword.of(password) for password in passwords)


def _draw_digits(count: int, random: Random) -> str:
    """Return random decimal digits: 16 octets modulo 10^count, so that the bias is negligible."""
    return f"{int.from_bytes(random(16), 'big') % 10**count:0{count}}"


def _pace_infos(profile: ChipProfile) -> list[PaceInfo]:
    return [
        PaceInfo.of(
            KeyAgreement(pace.key_agreement),
            Mapping(pace.mapping),
            _CIPHERS[pace.cipher],
            pace.domain_parameters,
        )
        for pace in profile.pace
    ]


def _make_static_keys(profile: ChipProfile, random: Random) -> list[ChipAuthenticationKey]:
    """Generate one key for each set of domain parameters, with all ciphers that the profile lists.

    A key has an identifier, the number of its parameters, if PACE-CAM uses it or if there are
    several keys (Doc 9303-11, 9.2.1 and 9.2.6).
    """
    protocols: dict[int, list[str]] = {}
    for entry in profile.chip_authentication:
        oid = chip_authentication_oid(KeyAgreement(entry.key_agreement), _CIPHERS[entry.cipher])
        protocols.setdefault(entry.domain_parameters, []).append(oid)
    mapped = {pace.domain_parameters for pace in profile.pace if pace.mapping == "CAM"}
    keys = []
    for number, oids in protocols.items():
        group = STANDARDISED[number]
        private = group.private_key(random)
        info = encode_agreement_key(group, group.public_key(private), explicit=True)
        keys.append(
            ChipAuthenticationKey(
                info,
                Secret(private.to_bytes(group.private_key_size, "big")),
                number if number in mapped or len(protocols) > 1 else None,
                tuple(oids),
            )
        )
    return keys


def _chip_authentication_infos(
    keys: list[ChipAuthenticationKey], *, explicit: bool = True
) -> list[SecurityInfo]:
    """Return the SecurityInfos that announce the keys.

    DG14 must contain explicit domain parameters (Doc 9303-11, 9.2).  EF.CardSecurity refers to them
    by number, as the worked example does (appendix I): some readers look for the key of Chip
    Authentication Mapping under its number only.
    """
    infos: list[SecurityInfo] = []
    for key in keys:
        variants = [ChipAuthenticationInfo(oid, key.key_id) for oid in key.protocols]
        dh = variants[0].key_agreement is KeyAgreement.DH
        group, public = decode_agreement_key(key.public_key)
        encoded = encode_agreement_key(group, public, explicit=explicit)
        public_key = ChipAuthenticationPublicKeyInfo(
            ID_PK_DH if dh else ID_PK_ECDH, encoded, key.key_id
        )
        infos += [*variants, public_key]
    return infos


@dataclass(frozen=True)
class _Active:
    key: ActiveAuthenticationKey
    data_group: DataGroup15
    info: ActiveAuthenticationInfo | None


def _make_active_key(profile: ChipProfile, random: Random) -> _Active | None:
    settings = profile.active_authentication
    if settings is None:
        return None
    private = (
        EcPrivateKey.generate(CURVES[settings.curve], random=random)
        if settings.algorithm == "ECDSA" and settings.curve is not None
        else RsaPrivateKey.generate(settings.bits or 0)
    )
    algorithm = Hash(settings.hash)
    return _Active(
        ActiveAuthenticationKey(private.to_pkcs8(), algorithm),
        DataGroup15.of(private.public_key),
        info_for(private.public_key, algorithm),
    )


def _master_files(profile: ChipProfile) -> dict[FileID, bytes]:
    """Return EF.DIR, and EF.ATR/INFO if the profile states the sizes of APDUs."""
    files = {FileID.DIR: ApplicationDirectory.of([EMRTD_APPLICATION]).encode()}
    if profile.buffers is not None:
        capabilities = (
            Capability.DF_BY_FULL_NAME
            | Capability.SHORT_EF_IDENTIFIER
            | Capability.ONE_OCTET_DATA_UNIT
            | Capability.COMMAND_CHAINING
            | Capability.EXTENDED_LENGTH
            | Capability.EXTENDED_LENGTH_INFORMATION
        )
        sizes = profile.buffers.command, profile.buffers.response
        files[FileID.ATR_INFO] = AtrInfo.of(capabilities, *sizes).encode()
    return files
