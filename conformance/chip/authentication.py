"""Units ISO7816_K and L: Terminal Authentication, and the access that it gives (3.7 and 3.8)."""

from typing import Final

from conformance.chip.certificates import unknown_class
from conformance.chip.situation import Access, Script, Situation, Steps
from conformance.chip.terminal import (
    READ_DG3,
    READ_DG4,
    SELECT_APPLICATION,
    Terminal,
    external_authenticate,
    get_challenge,
    lacks,
    opened,
    refused_in_plain,
)
from conformance.chip.terminal_pki import Chain, Holder, KeyKind
from conformance.running import CaseFailedError, NotApplicableError
from emrtd.access import active_authentication
from emrtd.access.opening import ByBac
from emrtd.access.terminal_authentication import NONCE_SIZE
from emrtd.errors import ChipRefusalError
from emrtd.iso7816.apdu import INS
from emrtd.iso7816.procedure import Procedure
from emrtd.iso7816.secure_messaging import BareResponseError, SecureMessaging, secured
from emrtd.iso7816.selecting import select_application
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import DATA_GROUPS, EMRTD_APPLICATION, FileID
from emrtd.lds.security.security_infos import ActiveAuthenticationInfo
from emrtd.lds.security.sod import Sod
from emrtd.pki.cvc.authorization import ALL_RIGHTS, Right
from emrtd.status_words import SW

_SELECT_MASTER_FILE: Final = "00A4000C"
_SHORT_CHALLENGE: Final = NONCE_SIZE - 1
_WRONG_TAG: Final = 0x84


def _authenticated(on: Situation) -> Procedure[Terminal]:
    terminal = yield from opened(on)
    yield from terminal.authenticate(on.pki.chain())
    return terminal


def _authenticates(on: Situation) -> Procedure[None]:
    terminal = yield from _authenticated(on)
    for command, group in ((READ_DG3, "DG3"), (READ_DG4, "DG4")):
        if group in on.card.profiles:
            yield from terminal.require(command, f"READ BINARY of {group}")


def _nothing_is_open(terminal: Terminal) -> Procedure[None]:
    """Require that DG3 and DG4 are refused, and that the session continues."""
    profiles = terminal.on.card.profiles
    for command, group in ((READ_DG3, "DG3"), (READ_DG4, "DG4")):
        if group in profiles:
            yield from terminal.refused(command, f"READ BINARY of {group}")
    yield from terminal.remains_open()


def _presented(on: Situation) -> Procedure[Terminal]:
    """Open the card and present a valid chain."""
    terminal = yield from opened(on)
    yield from terminal.present(*on.pki.chain().certificates)
    return terminal


# --- unit K --------------------------------------------------------------------------------------


def _wrong_reference(on: Situation) -> Procedure[None]:
    """A card may accept to select a key that it does not have, and may give a challenge for it."""
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    reference = holder.reference[:-1] + ("2" if holder.reference[-1] != "2" else "3")
    yield from terminal.set_at(reference)
    yield from _signs_in_vain(terminal)


def _signs_in_vain(terminal: Terminal) -> Procedure[None]:
    """Sign a challenge with the terminal's key; require a refusal, which opens nothing."""
    response = yield from terminal.send(get_challenge(NONCE_SIZE))
    challenge = response.data if response.sw == SW.OK else bytes(NONCE_SIZE)
    yield from _proof_is_refused(terminal, terminal.signature(_holder(terminal), challenge))


def _proof_is_refused(terminal: Terminal, signature: bytes) -> Procedure[None]:
    sw = yield from terminal.prove(signature)
    terminal.on.refused(sw, "EXTERNAL AUTHENTICATE")
    yield from _nothing_is_open(terminal)


def _holder(terminal: Terminal) -> Holder:
    return terminal.on.pki.chain().terminal


def _proof_in_plain(on: Situation) -> Procedure[None]:
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    yield from terminal.select_key(holder)
    signature = terminal.signature(holder, (yield from terminal.challenge()))
    doing = "EXTERNAL AUTHENTICATE in plain"
    yield from refused_in_plain(on, external_authenticate(signature), doing)


def _key_of_the_verifier(on: Situation) -> Procedure[None]:
    terminal, verifier = (yield from opened(on)), on.pki.verifier()
    yield from terminal.present(verifier)
    yield from _authenticates_in_vain(terminal, verifier)


def _key_of_the_cvca(on: Situation) -> Procedure[None]:
    yield from _authenticates_in_vain((yield from opened(on)), on.pki.cvca)


def _authenticates_in_vain(terminal: Terminal, holder: Holder) -> Procedure[None]:
    yield from terminal.set_at(holder.reference)
    response = yield from terminal.send(get_challenge(NONCE_SIZE))
    challenge = response.data if response.sw == SW.OK else bytes(NONCE_SIZE)
    yield from _proof_is_refused(terminal, terminal.signature(holder, challenge))


def _first_of_two_challenges(on: Situation) -> Procedure[None]:
    """A card may refuse the second GET CHALLENGE: then there is nothing to test."""
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    yield from terminal.select_key(holder)
    first = yield from terminal.challenge()
    response = yield from terminal.send(get_challenge(NONCE_SIZE))
    if response.sw != SW.OK:
        on.refused(response.sw, "the second GET CHALLENGE")
        return
    if response.data == first:
        raise CaseFailedError("GET CHALLENGE: the card returned the same challenge twice")
    yield from _proof_is_refused(terminal, terminal.signature(holder, first))


def _short_challenge(on: Situation) -> Procedure[None]:
    """A card may refuse GET CHALLENGE for seven octets."""
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    yield from terminal.select_key(holder)
    response = yield from terminal.send(get_challenge(_SHORT_CHALLENGE))
    if response.sw != SW.OK:
        on.refused(response.sw, "GET CHALLENGE for seven octets")
        yield from _nothing_is_open(terminal)
        return
    yield from _proof_is_refused(terminal, terminal.signature(holder, response.data))


def _no_challenge(on: Situation) -> Procedure[None]:
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    yield from terminal.select_key(holder)
    yield from _proof_is_refused(terminal, terminal.signature(holder, b""))


def _no_key(on: Situation) -> Procedure[None]:
    yield from _signs_in_vain((yield from _presented(on)))


def _wrong_tag(on: Situation) -> Procedure[None]:
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    yield from terminal.set_at(holder.reference, _WRONG_TAG)
    yield from _signs_in_vain(terminal)


def _rights_end_with_a_reset(on: Situation) -> Procedure[None]:
    yield from _authenticated(on)
    terminal = yield from opened(on, proven=False)
    yield from terminal.refused(READ_DG3, "READ BINARY of DG3 after a reset")


def _between_both_authentications(on: Situation) -> Procedure[None]:
    """Read EF.SOD, compare its hashes, and run Active Authentication if there is DG15."""
    terminal = yield from opened(on)
    security_object = Sod.parse((yield from terminal.read(FileID.SOD))).security_object
    for number in (1, 14, 15):
        if number in security_object.hashes:
            content = yield from terminal.read(DATA_GROUPS[number - 1].file_id)
            digest = security_object.hash_algorithm.digest(content)
            if digest != security_object.hashes[number]:
                raise CaseFailedError(f"DG{number}: its hash is not the one in EF.SOD")
    if FileID.DG15 in on.card.files:
        yield from _active_authentication(terminal)
    yield from terminal.authenticate(on.pki.chain())


def _active_authentication(terminal: Terminal) -> Procedure[None]:
    card = terminal.on.card
    key = DataGroup15.decode(card.files[FileID.DG15]).public_key
    infos = card.security_infos.of(ActiveAuthenticationInfo)
    signed = yield from secured(active_authentication.challenge(key), terminal.session)
    active_authentication.verify(key, infos[0] if infos else None, signed)


def _wrong_binding(on: Situation) -> Procedure[None]:
    """Sign another ID_IC than that of this session."""
    terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
    yield from terminal.select_key(holder)
    other = bytes(len(terminal.identifier))
    signature = terminal.signature(holder, (yield from terminal.challenge()), other)
    yield from _proof_is_refused(terminal, signature)


# --- unit L --------------------------------------------------------------------------------------


def _rights(of_verifier: Right, of_terminal: Right, command: str, *, granted: bool) -> Steps:
    """A right is effective only if the whole chain has it."""

    def steps(on: Situation) -> Procedure[None]:
        verifier = on.pki.verifier(rights=of_verifier)
        terminal = yield from opened(on)
        chain = Chain((verifier,), on.pki.terminal(verifier, of_terminal))
        yield from terminal.authenticate(chain)
        if granted:
            yield from terminal.require(command, "READ BINARY with the right")
        else:
            yield from terminal.refused(command, "READ BINARY without the right")
        yield from terminal.remains_open()

    return steps


def _chain_alone(command: str) -> Steps:
    def steps(on: Situation) -> Procedure[None]:
        terminal = yield from _presented(on)
        yield from terminal.refused(command, "READ BINARY after the chain alone")
        yield from terminal.remains_open()

    return steps


def _wrong_signature(command: str) -> Steps:
    def steps(on: Situation) -> Procedure[None]:
        terminal, holder = (yield from _presented(on)), on.pki.chain().terminal
        yield from terminal.select_key(holder)
        signature = terminal.signature(holder, (yield from terminal.challenge()))
        changed = signature[:-1] + bytes(((signature[-1] + 1) & 0xFF,))
        on.refused((yield from terminal.prove(changed)), "EXTERNAL AUTHENTICATE")
        yield from terminal.refused(command, "READ BINARY after a failed authentication")
        yield from terminal.remains_open()

    return steps


def _opened_again(again: Access) -> Steps:
    """The chip refuses a second protocol of access in the session, or ends the rights with it."""

    def steps(on: Situation) -> Procedure[None]:
        if lacks(on, again):
            raise NotApplicableError(f"the card has no {again.value}")
        terminal = yield from _authenticated(on)
        try:
            session = yield from _open_inside(terminal, again)
        except BareResponseError as error:
            on.refused(error.sw, f"{again.value} inside the session")
            return
        except ChipRefusalError as error:
            on.refused(error.sw, f"{again.value} inside the session")
            yield from terminal.require(SELECT_APPLICATION, "SELECT of the application")
            yield from terminal.remains_open()
            return
        terminal.session = session
        yield from terminal.refused(READ_DG3, f"READ BINARY of DG3 after a second {again.value}")

    return steps


def _open_inside(terminal: Terminal, again: Access) -> Procedure[SecureMessaging]:
    """Select the master file and run a protocol of access, all inside the session."""
    accepted_or_refused = yield from terminal.send(_SELECT_MASTER_FILE)
    if accepted_or_refused.sw != SW.OK:
        raise ChipRefusalError(accepted_or_refused.sw, "SELECT of the master file")
    way = terminal.on.card.ways[again]
    if isinstance(way, ByBac):
        yield from secured(select_application(EMRTD_APPLICATION), terminal.session)
    found = yield from secured(way.authenticate(), terminal.session)
    if not isinstance(way, ByBac):
        yield from secured(select_application(EMRTD_APPLICATION), found.messaging)
    return found.messaging


_ONLY_3, _ONLY_4 = Right.READ_DG3, Right.READ_DG4

SCRIPTS: Final = {
    "ISO7816_K_1": Script(_authenticates, kinds=tuple(KeyKind)),
    "ISO7816_K_2": Script(_wrong_reference),
    "ISO7816_K_4": Script(_proof_in_plain),
    "ISO7816_K_5": Script(_key_of_the_verifier),
    "ISO7816_K_6": Script(_key_of_the_cvca),
    "ISO7816_K_7": Script(unknown_class(INS.EXTERNAL_AUTHENTICATE)),
    "ISO7816_K_10": Script(_first_of_two_challenges),
    "ISO7816_K_12": Script(_short_challenge),
    "ISO7816_K_14": Script(_no_challenge),
    "ISO7816_K_15": Script(_no_key),
    "ISO7816_K_17": Script(_wrong_tag),
    "ISO7816_K_18": Script(_rights_end_with_a_reset),
    "ISO7816_K_19": Script(_between_both_authentications),
    "ISO7816_K_20": Script(_wrong_binding, accesses=(Access.PACE,)),
    "ISO7816_L_1": Script(_rights(ALL_RIGHTS, _ONLY_3, READ_DG3, granted=True)),
    "ISO7816_L_2": Script(_rights(ALL_RIGHTS, _ONLY_3, READ_DG4, granted=False)),
    "ISO7816_L_3": Script(_rights(ALL_RIGHTS, _ONLY_4, READ_DG4, granted=True)),
    "ISO7816_L_4": Script(_rights(ALL_RIGHTS, _ONLY_4, READ_DG3, granted=False)),
    "ISO7816_L_5": Script(_rights(_ONLY_3, ALL_RIGHTS, READ_DG3, granted=True)),
    "ISO7816_L_6": Script(_rights(_ONLY_3, ALL_RIGHTS, READ_DG4, granted=False)),
    "ISO7816_L_7": Script(_rights(_ONLY_4, ALL_RIGHTS, READ_DG4, granted=True)),
    "ISO7816_L_8": Script(_rights(_ONLY_4, ALL_RIGHTS, READ_DG3, granted=False)),
    "ISO7816_L_9": Script(_chain_alone(READ_DG3)),
    "ISO7816_L_10": Script(_chain_alone(READ_DG4)),
    "ISO7816_L_11": Script(_wrong_signature(READ_DG3)),
    "ISO7816_L_12": Script(_wrong_signature(READ_DG4)),
    "ISO7816_L_13": Script(_opened_again(Access.BAC), accesses=(Access.BAC,)),
    "ISO7816_L_14": Script(_opened_again(Access.PACE), accesses=(Access.PACE,)),
    "ISO7816_L_15": Script(_opened_again(Access.BAC), accesses=(Access.PACE,)),
    "ISO7816_L_16": Script(_opened_again(Access.PACE), accesses=(Access.BAC,)),
}
