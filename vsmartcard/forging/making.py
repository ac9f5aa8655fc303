"""Forged documents: with the victim's files, or of a State of the forger's own."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from emrtd.access.chip_keys import (
    ActiveAuthenticationKey,
    ChipAuthenticationKey,
    ChipKeys,
    ChipPassword,
)
from emrtd.access.passwords import Password
from emrtd.crypto.ciphers import Cipher
from emrtd.crypto.domain_parameters import STANDARDISED, decode_agreement_key, encode_agreement_key
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import PrivateKey
from emrtd.crypto.protocols import (
    ID_PK_ECDH,
    ID_SECURITY_OBJECT,
    KeyAgreement,
    chip_authentication_oid,
)
from emrtd.crypto.protocols import Mapping as PaceMapping
from emrtd.lds.com import Com
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FileID, data_group
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import (
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfo,
    SecurityInfos,
)
from emrtd.lds.security.security_object import SecurityObject
from emrtd.lds.security.sod import build_sod
from emrtd.mrz import Mrz
from emrtd.pki.cms.signed_data_writer import build_signed_data
from support.errors import MalformedError
from support.secret import Secret
from vsmartcard.forging.authority import DAY, Authority, Signer, name
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Build, Forged, chip

PARAMETERS: Final = 13
"""Domain parameters of PACE and Chip Authentication: brainpoolP256r1."""

OWN_STATE: Final = ("ATA", "AQ")
"""The State of the forger's own, in the MRZ and in certificates: Antarctica issues no documents."""

PACE_GM: Final = PaceInfo.of(KeyAgreement.ECDH, PaceMapping.GENERIC, Cipher.AES128, PARAMETERS)


def passwords(printed: str) -> tuple[ChipPassword, ...]:
    """Return the passwords of a chip in a document with this printed MRZ."""
    information = Mrz.parse(printed).information
    return (ChipPassword.of(Password.from_mrz_information(information)),)


def with_passwords(keys: ChipKeys, printed: str) -> ChipKeys:
    """Return the keys of a chip that this printed MRZ opens."""
    return msgspec.structs.replace(keys, passwords=passwords(printed))


def copied_keys(forger: Forger, files: Mapping[FileID, bytes], printed: str) -> ChipKeys:
    """Return the keys of a chip with these files, whose private keys the forger does not have.

    The private keys for Chip Authentication and PACE-CAM are drawn; there is none for Active
    Authentication.
    """
    infos: list[SecurityInfo] = []
    with suppress(MalformedError, KeyError):
        infos += DataGroup14.decode(files[FileID.DG14]).security_infos
    with suppress(MalformedError, KeyError):
        infos += CardSecurity.decode(files[FileID.CARD_SECURITY]).security_infos
    keys: dict[int | None, ChipAuthenticationKey] = {}
    for each in infos:
        if isinstance(each, ChipAuthenticationPublicKeyInfo):
            with suppress(MalformedError):
                size = decode_agreement_key(each.public_key)[0].private_key_size
                private = Secret(b"\x01" + forger.octets(size - 1) if size > 1 else b"\x01")
                protocols = tuple(
                    dict.fromkeys(
                        info.protocol
                        for info in infos
                        if isinstance(info, ChipAuthenticationInfo)
                        and info.key_id in {None, each.key_id}
                    )
                )
                key = ChipAuthenticationKey(each.public_key, private, each.key_id, protocols)
                keys[each.key_id] = key
    return ChipKeys(
        passwords(printed),
        basic_access_control=True,
        chip_authentication=tuple(keys.values()),
    )


def with_files(
    forger: Forger,
    changes: Mapping[FileID, bytes | None],
    *,
    printed: str | None = None,
    keys: ChipKeys | None = None,
    build: Build = chip,
    trusted: tuple[bytes, ...] = (),
    poison: tuple[bytes, ...] = (),
    notes: bytes | None = None,
    at: datetime | None = None,
) -> Forged:
    """Return the victim's document with some files changed, or removed if None.

    The default of `printed` is the MRZ in the changed DG1 if it can be read, else the victim's; of
    `keys`, those of a copy.
    """
    files = {**forger.victim.files, **changes}
    kept = {file_id: octets for file_id, octets in files.items() if octets is not None}
    if printed is None:
        printed = forger.victim.mrz.text
        with suppress(MalformedError, KeyError):
            printed = DataGroup1.decode(kept[FileID.DG1]).mrz.text
    keys = keys or copied_keys(forger, kept, printed)
    return Forged(kept, keys, printed, at or forger.at, build, trusted, poison, notes)


def own_authority(forger: Forger, common_name: str = "CSCA Antarctica") -> Authority:
    """Return the CSCA of the State of the forger's own."""
    return Authority.of(forger, name(OWN_STATE[1], common_name))


def victims_authority(forger: Forger) -> Authority:
    """Return an authority that calls itself the victim's CSCA, in name and key identifier."""
    victim = forger.victim
    return Authority.of(forger, victim.csca_name, key_identifier_=victim.csca_key_identifier)


def mrz_with(mrz: Mrz, **changes: str) -> Mrz:
    """Return an MRZ with some elements changed, as `Mrz.build` names them, and its check digits."""
    elements: dict[str, str] = {
        each: getattr(mrz, each)
        for each in (
            "document_code",
            "issuing_state",
            "document_number",
            "nationality",
            "date_of_birth",
            "sex",
            "date_of_expiry",
            "surname",
            "given_names",
            "optional_data",
            "optional_data_2",
        )
    }
    return Mrz.build(mrz.format, **(elements | changes))  # type: ignore[arg-type]


@dataclass
class Draft:
    """A document of the forger's own State, before it is signed.

    `groups` are its data groups by number, `infos` the SecurityInfos of DG14, `keys` those of its
    chip, which proves itself; `at` is the time of signing.
    """

    forger: Forger
    groups: dict[int, bytes]
    infos: list[SecurityInfo]
    keys: ChipKeys = field(repr=False)
    printed: str
    signed_at: datetime
    hash: Hash = Hash.SHA256
    lds_version: str | None = "0108"

    @property
    def security_object(self) -> SecurityObject:
        """The hashes of its data groups."""
        unicode_version = None if self.lds_version is None else "040000"
        return SecurityObject.over(self.groups, self.hash, self.lds_version, unicode_version)

    def signed(
        self,
        signer: Signer,
        *,
        trusted: Iterable[bytes] = (),
        poison: Iterable[bytes] = (),
        at: datetime | None = None,
    ) -> Forged:
        """Sign it; return the document on its chip."""
        files = {data_group(number).file_id: each for number, each in self.groups.items()}
        files[FileID.SOD] = build_sod(
            self.security_object, signer.key, signer.certificate, signing_time=self.signed_at
        )
        com = Com.for_data_groups(*self.groups, lds_version=self.lds_version or "0107")
        files[FileID.COM] = com.encode()
        files[FileID.CARD_ACCESS] = CardAccess(SecurityInfos(PACE_GM)).encode()
        at = at or self.forger.at
        return Forged(
            files, self.keys, self.printed, at, trusted=tuple(trusted), poison=tuple(poison)
        )


def draft(forger: Forger, *, state: str = OWN_STATE[0], **elements: str) -> Draft:
    """Return a document with the victim's face and MRZ; `elements` of the MRZ may be changed.

    Its chip has PACE and Chip Authentication, with a key of its own.
    """
    mrz = mrz_with(forger.victim.mrz, issuing_state=state, **elements)
    chip_key, infos = agreement_key(forger)
    infos = [PACE_GM, *infos]
    groups = {
        1: DataGroup1(mrz).encode(),
        2: forger.victim.file(FileID.DG2),
        14: DataGroup14(SecurityInfos(*infos)).encode(),
    }
    keys = ChipKeys(passwords(mrz.text), basic_access_control=True, chip_authentication=(chip_key,))
    return Draft(forger, groups, infos, keys, mrz.text, forger.at - 10 * DAY)


def agreement_key(
    forger: Forger, key_id: int = PARAMETERS
) -> tuple[ChipAuthenticationKey, list[SecurityInfo]]:
    """Draw a key for Chip Authentication; return it, and the SecurityInfos that announce it."""
    group = STANDARDISED[PARAMETERS]
    private = int.from_bytes(forger.octets(group.private_key_size - 1), "big") + 1
    public = encode_agreement_key(group, group.public_key(private), explicit=True)
    protocol = chip_authentication_oid(KeyAgreement.ECDH, Cipher.AES128)
    secret = Secret(private.to_bytes(group.private_key_size, "big"))
    return ChipAuthenticationKey(public, secret, key_id, (protocol,)), [
        ChipAuthenticationInfo(protocol, key_id),
        ChipAuthenticationPublicKeyInfo(ID_PK_ECDH, public, key_id),
    ]


def active_key(key: PrivateKey) -> tuple[ActiveAuthenticationKey, bytes]:
    """Return a chip's key for Active Authentication, and the DG15 with its public key."""
    return ActiveAuthenticationKey(key.to_pkcs8(), Hash.SHA256), DataGroup15.of(
        key.public_key
    ).encode()


def card_security(infos: SecurityInfos, signer: Signer, at: datetime) -> bytes:
    """Return an EF.CardSecurity with these SecurityInfos."""
    return build_signed_data(
        ID_SECURITY_OBJECT, infos.encode(), signer.key, signer.certificate, Hash.SHA256, at
    )


def trusted_state(
    authority: Authority, *revoked: int, crl: bytes | None = None
) -> tuple[bytes, ...]:
    """Return what an inspector has of a State that it trusts: its CSCA and its CRL."""
    return authority.root().der, authority.crl(*revoked) if crl is None else crl
