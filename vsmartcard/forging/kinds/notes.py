"""Notes that a forger puts beside the files of an image, as if a reader had captured a chip.

Everything in them can be computed from public files.  Under a policy that requires a proof or a
printed MRZ, they must not count.
"""

import base64
import json
from typing import Any, Final

from emrtd.access.chip_authentication import EphemeralKey
from emrtd.access.chip_authentication_keys import (
    ChipAuthenticationVariant,
    choose,
    mapping_key,
)
from emrtd.crypto.key_derivation import derive_session_keys
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.secure_messaging import SecureMessaging
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.files import FileID
from emrtd.lds.security.card_access import CardAccess
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import (
    PaceInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
)
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.making import (
    PACE_GM,
    draft,
    own_authority,
    trusted_state,
    with_files,
)

KINDS: Final = Kinds(Family.NOTES)

_OPENED: Final = {"control": "pace", "password": "mrz", "variant": "pace"}


def notes_of(session: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """Return an evidence.json with these fields."""
    notes = {"chipseal": "evidence", "version": 2, "session": session, **fields}
    return json.dumps(notes, separators=(",", ":")).encode("ascii")


def _session(**fields: Any) -> dict[str, Any]:
    return {"atr": "", "access": _OPENED, "apdus": 40, **fields}


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def invented_exchange(infos: SecurityInfos) -> tuple[ChipAuthenticationVariant, bytes, bytes]:
    """Invent Chip Authentication with a terminal key of 1, and so a session that anyone has.

    Returns the variant, and the first command and response under the new keys.
    """
    variant = choose(infos)
    shared = EphemeralKey.of(variant.key.group, 1).agree(variant.key.public)
    keys = derive_session_keys(shared, variant.cipher)
    terminal, chip = SecureMessaging(variant.cipher, *keys), SecureMessaging(variant.cipher, *keys)
    command = terminal.protect_command(CommandAPDU(0x00, INS.READ_BINARY, 0x9E, 0x00, ne=1))
    chip.unprotect_command(command)
    response = chip.protect_response(ResponseAPDU(b"\x60"))
    return variant, command.encode(), response.encode()


def _agreement(forger: Forger) -> dict[str, Any]:
    variant, command, response = invented_exchange(forger.victim.security_infos)
    return {
        "protocol": variant.protocol,
        "key_id": variant.key.key_id,
        "terminal_private_key": _text(b"\x01"),
        "proof": {"command": _text(command), "response": _text(response)},
    }


@KINDS.kind("notes.chip-authentication", "a proof by a chip, on file", "chip.authentication")
def _chip_authentication(forger: Forger) -> Forged:
    session = _session(chip_authentication=_agreement(forger))
    return with_files(forger, {}, notes=notes_of(session))


@KINDS.kind(
    "notes.own-seal", "such a proof under a seal of the forger's own", "chip.authentication"
)
def _own_seal(forger: Forger) -> Forged:
    session = _session(chip_authentication=_agreement(forger))
    return with_files(forger, {}, notes=notes_of(session, seal=_text(forger.octets(32))))


@KINDS.kind("notes.mapping", "a proof by PACE-CAM, on file", "pace.cam")
def _mapping(forger: Forger) -> Forged:
    """The chip's mapping key is twice its static key, which everybody can compute."""
    card_access = CardAccess.decode(forger.victim.file(FileID.CARD_ACCESS)).security_infos
    info = card_access.of(PaceInfo)[-1]
    signed = CardSecurity.decode(forger.victim.file(FileID.CARD_SECURITY)).security_infos
    static = mapping_key(signed, info.parameter_id)
    pace = {
        "protocol": info.protocol,
        "parameter_id": info.parameter_id,
        "mapping_key": _text(static.group.shared_element(2, static.public)),
        "chip_authentication_data": _text((2).to_bytes(32, "big")),
    }
    return with_files(forger, {}, notes=notes_of(_session(pace=pace)))


@KINDS.kind("notes.terminal", "a reader that had the right to read all", "terminal.authentication")
def _terminal(forger: Forger) -> Forged:
    authority = own_authority(forger)
    made = draft(forger)
    made.groups[14] = DataGroup14(SecurityInfos(PACE_GM, TerminalAuthenticationInfo())).encode()
    whole = made.signed(authority.signer(), trusted=trusted_state(authority))
    session = _session(terminal_authentication={"holder": "AQIS00001", "rights": ["DG3"]})
    return Forged(
        whole.files,
        whole.keys,
        whole.printed,
        whole.at,
        trusted=whole.trusted,
        notes=notes_of(session),
    )


@KINDS.kind("notes.life-cycle", "a chip that was locked, on file", "chip.life-cycle")
def _life_cycle(forger: Forger) -> Forged:
    parameters = bytes.fromhex("6F038A0105")
    session = _session(control_parameters=_text(parameters))
    return with_files(forger, {}, notes=notes_of(session))


@KINDS.kind("notes.printed", "a printed MRZ that agrees, on file", "mrz.matches-optical")
def _printed(forger: Forger) -> Forged:
    return with_files(forger, {}, notes=notes_of(optical_mrz=forger.victim.mrz.text))


@KINDS.kind("notes.unread", "a face that could not be read, on file", "dg.hash.DG2")
def _unread(forger: Forger) -> Forged:
    fault = {"type": "not-tried", "why": "no-right"}
    notes = notes_of(_session(), unread={"DG2": fault})
    return with_files(forger, {FileID.DG2: None}, notes=notes)
