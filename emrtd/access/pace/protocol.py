"""PACE itself, both sides (Doc 9303-11, 4.4.1; TR-03110-2, 3.2).

terminal                                         chip
                                                 z = E(K_pi, s)
                          <-- 80 z ---
s = D(K_pi, z)
                          --- 81, 82: data for the mapping ---
D = Map(D_IC, s, ...)                            D = Map(D_IC, s, ...)
                          --- 83, 84: ephemeral public keys on D ---
K = KA(SK_IFD, PK_IC, D)                         K = KA(SK_IC, PK_IFD, D)
                          --- 85 T_IFD -->
                          <-- 86 T_IC, 8A A_IC ---

This module has both sides, in the same steps; their common computations are in `agreement`.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from typing import Final

from msgspec.structs import replace

from emrtd.access.pace import chip_authentication_mapping as cam
from emrtd.access.pace import messages
from emrtd.access.pace.agreement import (
    PaceResult,
    SessionKeys,
    decrypt_nonce,
    encrypt_nonce,
    require_different,
    size_of_nonce,
)
from emrtd.access.pace.messages import AuthenticationTemplate, Tag
from emrtd.access.pace.variants import PaceVariant
from emrtd.access.password_state import PasswordState
from emrtd.access.passwords import Password, PasswordType
from emrtd.crypto.groups import Group
from emrtd.crypto.integrated_mapping import map_integrated
from emrtd.crypto.protocols import Mapping
from emrtd.errors import ChipRefusalError, LongCommandRefusedError, ProtocolError
from emrtd.iso7816.apdu import EXTENDED_MAX_LE, INS, SHORT_MAX_LE, CommandAPDU
from emrtd.iso7816.chaining import CHAINING_BIT
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.lds.security.security_infos import PaceInfo
from emrtd.status_words import SW
from emrtd.tlv import DataObjects
from support.errors import MalformedError
from support.reasons import Reason
from support.secret import Secret

_SET_MUTUAL_AUTHENTICATION: Final = 0xC1, 0xA4
_SHORT_FIELD_BITS: Final = 1024
"""Public keys over larger fields, which only DH has, do not fit in a short response."""

_CARS: Final = (
    Tag.CERTIFICATION_AUTHORITY_REFERENCE,
    Tag.PREVIOUS_CERTIFICATION_AUTHORITY_REFERENCE,
)
_PARAMETERS_REQUIRED: Final = frozenset(
    {SW.INCORRECT_DATA, SW.INCORRECT_P1_P2, SW.LC_INCONSISTENT, SW.REFERENCED_DATA_NOT_FOUND}
)


# --- the terminal --------------------------------------------------------------------------------


def establish(
    variant: PaceVariant,
    password: Password,
    *,
    random: Random = secrets.token_bytes,
    chat: bytes | None = None,
) -> Procedure[PaceResult]:
    """Run the terminal's side with a variant that `choose` returned; the MF is selected.

    Raises `ChipRefusalError` if the chip refuses the password (6300, 63CX) or the variant,
    `ProtocolError` if the chip does not prove that it knows the password, or breaks the protocol.
    """
    info = variant.info
    step = _Step(Reason("PACE with the {type}", type=password.type.name), variant.group)
    yield from _select(variant, password.type, chat, step.doing)

    z, _ = yield from step.run(Tag.ENCRYPTED_NONCE)
    s = decrypt_nonce(variant, password, z)
    group, mapping_public_key = yield from _map_nonce(variant, s, step, random)

    private = group.private_key(random)
    public = group.public_key(private)
    peer, _ = yield from step.run(Tag.CHIP_PUBLIC_KEY, (Tag.TERMINAL_PUBLIC_KEY, public))
    require_different(public, peer)
    keys = SessionKeys(variant, group.agree(private, peer))

    t_ic, objects = yield from step.run(
        Tag.CHIP_TOKEN, (Tag.TERMINAL_TOKEN, keys.token(peer)), last=True
    )
    if not hmac.compare_digest(t_ic, keys.token(public)):
        raise ProtocolError("PACE: the chip's authentication token T.IC is wrong")
    a_ic = objects.get(Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA)
    if (a_ic is not None) is not (info.mapping is Mapping.CHIP_AUTHENTICATION):
        raise ProtocolError(
            Reason(
                "PACE: chip authentication data do not fit the mapping {mapping}",
                mapping=info.mapping,
            )
        )
    return PaceResult(
        variant,
        password.type,
        keys.secure_messaging(),
        terminal_public_key=public,
        chip_public_key=peer,
        mapping_public_key=mapping_public_key,
        chip_authentication_data=None
        if a_ic is None
        else cam.decrypt(info.cipher, keys.enc, a_ic.value, variant.group),
        cars=tuple(each.value for tag in _CARS if (each := objects.get(tag)) is not None),
        chat=chat,
    )


def _select(
    variant: PaceVariant, password: PasswordType, chat: bytes | None, doing: str
) -> Procedure[None]:
    """Send MSE:Set AT (4.4.4.1); the warning 63CX, with tries left, is not a refusal."""
    identifier = variant.info.parameter_id
    named = identifier if variant.ambiguous else None
    template = AuthenticationTemplate(variant.info.protocol, password, named, chat)
    response = yield _set_at(template)
    if named != identifier and response.sw in _PARAMETERS_REQUIRED:
        # Some chips require the domain parameters even though they offer a single set.
        response = yield _set_at(replace(template, parameter_id=identifier))
    if not 0x63C1 <= response.sw <= 0x63CF:
        response.require(doing)


def _set_at(template: AuthenticationTemplate) -> CommandAPDU:
    return CommandAPDU(
        0x00, INS.MANAGE_SECURITY_ENVIRONMENT, *_SET_MUTUAL_AUTHENTICATION, template.encode()
    )


class _Step:
    """One GENERAL AUTHENTICATE of the chain (4.4.4.2, 4.4.4.3)."""

    def __init__(self, doing: str, group: Group) -> None:
        self.doing = doing
        short = group.field.bit_length() <= _SHORT_FIELD_BITS
        self._ne = SHORT_MAX_LE if short else EXTENDED_MAX_LE

    def run(
        self, answer: Tag, *objects: tuple[int, bytes], last: bool = False
    ) -> Procedure[tuple[bytes, DataObjects]]:
        """Send data objects; return the value of the answer's `answer` object, and all objects."""
        keys = answer in {Tag.CHIP_MAPPING_DATA, Tag.CHIP_PUBLIC_KEY}
        command = CommandAPDU(
            0x00 if last else CHAINING_BIT,
            INS.GENERAL_AUTHENTICATE,
            data=messages.encode(*objects),
            ne=self._ne if keys else SHORT_MAX_LE,
        )
        response = yield command
        if response.sw != SW.OK and command.is_extended:
            raise LongCommandRefusedError(response.sw, self.doing)
        return messages.decode_answer(response.require(self.doing), answer)


def _map_nonce(
    variant: PaceVariant, s: Secret, step: _Step, random: Random
) -> Procedure[tuple[Group, bytes | None]]:
    """Exchange the mapping data; return the ephemeral domain parameters and PK_Map,IC."""
    group, cipher = variant.group, variant.info.cipher
    if variant.info.mapping is Mapping.INTEGRATED:
        t = random(cipher.key_size)
        empty, _ = yield from step.run(Tag.CHIP_MAPPING_DATA, (Tag.TERMINAL_MAPPING_DATA, t))
        if empty:
            raise ProtocolError("PACE: the chip sent mapping data in Integrated Mapping")
        return map_integrated(group, s, t, cipher), None
    private = group.private_key(random)
    public = group.public_key(private)
    peer, _ = yield from step.run(Tag.CHIP_MAPPING_DATA, (Tag.TERMINAL_MAPPING_DATA, public))
    require_different(public, peer)
    return group.map_generic(s.reveal(), group.shared_element(private, peer)), peer


# --- the chip ------------------------------------------------------------------------------------


class PaceChip:
    """The chip's side: `select` answers MSE:Set AT, `general_authenticate` each later command.

    Both raise `ChipRefusalError` with the status word to answer.  Once `result` is set, its secure
    messaging protects the commands after the last response.  That response is still in plain, or
    in the session in which a suspended PIN was resumed.

    The retry counters in `passwords` change; the chip has to store their `failures`.
    `mapping_keys` are the static private keys of Chip Authentication Mapping, by parameterId.
    `cars` are sent to terminals whose CHAT requests them.
    """

    def __init__(
        self,
        variants: Sequence[PaceVariant],
        passwords: ReadOnly[PasswordType, PasswordState],
        *,
        mapping_keys: ReadOnly[int | None, Secret] | None = None,
        cars: tuple[bytes, ...] = (),
        random: Random = secrets.token_bytes,
    ) -> None:
        self._variants = variants
        self._passwords = passwords
        self._mapping_keys = mapping_keys or {}
        self._cars = cars
        self._random = random
        self._run: _Run | None = None
        self.result: PaceResult | None = None

    @property
    def selected(self) -> PaceVariant | None:
        """The variant that MSE:Set AT has selected; None before it and after the last step."""
        return None if self._run is None else self._run.variant

    def select(self, data: bytes) -> int:
        """Answer MSE:Set AT: return 9000, or a warning with the state of the password."""
        self._run = self.result = None
        doing = "MSE:Set AT for PACE"
        try:
            template = AuthenticationTemplate.decode(data)
        except MalformedError:
            raise ChipRefusalError(SW.INCORRECT_DATA, doing) from None
        variant = self._find_variant(template, doing)
        kind = template.password_type
        state = None if kind is None else self._passwords.get(kind)
        if state is None:
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
        self._run = _Run(variant, state, template.chat)
        return state.selection_status

    def _find_variant(self, template: AuthenticationTemplate, doing: str) -> PaceVariant:
        offered = [each for each in self._variants if each.info.protocol == template.protocol]
        if not offered:
            raise ChipRefusalError(SW.INCORRECT_DATA, doing)
        if template.parameter_id is not None:
            offered = [e for e in offered if e.info.parameter_id == template.parameter_id]
        if len(offered) != 1 or not self._has_mapping_key(offered[0].info):
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
        return offered[0]

    def _has_mapping_key(self, info: PaceInfo) -> bool:
        needed = info.mapping is Mapping.CHIP_AUTHENTICATION
        return not needed or info.parameter_id in self._mapping_keys

    def general_authenticate(self, data: bytes) -> bytes:
        """Answer one GENERAL AUTHENTICATE; data and result are dynamic authentication data."""
        doing = "GENERAL AUTHENTICATE for PACE"
        run = self._run
        if run is None:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        expected, run.expected = run.expected, None  # after any failure the chain restarts
        try:
            objects = messages.decode(data)
            tag, value = (objects[0].tag, objects[0].value) if objects else (None, b"")
            if tag not in {None, expected}:  # an empty 7C restarts the chain, too
                raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
            step, following = _TRANSITIONS[tag]
            answer = messages.encode(*step(self, run, value))
        except (MalformedError, ProtocolError):
            raise ChipRefusalError(SW.INCORRECT_DATA, doing) from None
        run.expected = following
        return answer

    def _encrypt_nonce(self, run: "_Run", _: bytes) -> list[tuple[int, bytes]]:
        run.password.require_usable()
        run.nonce = Secret(self._random(size_of_nonce(run.variant)))
        z = encrypt_nonce(run.variant, run.password.password, run.nonce)
        return [(Tag.ENCRYPTED_NONCE, z)]

    def _map_nonce(self, run: "_Run", data: bytes) -> list[tuple[int, bytes]]:
        group = run.variant.group
        if run.variant.info.mapping is Mapping.INTEGRATED:
            run.group = map_integrated(group, run.nonce, data, run.variant.info.cipher)
            return [(Tag.CHIP_MAPPING_DATA, b"")]
        run.mapping_private = group.private_key(self._random)
        run.mapping_public = group.public_key(run.mapping_private)
        require_different(run.mapping_public, data)
        shared = group.shared_element(run.mapping_private, data)
        run.group = group.map_generic(run.nonce.reveal(), shared)
        return [(Tag.CHIP_MAPPING_DATA, run.mapping_public)]

    def _agree(self, run: "_Run", peer: bytes) -> list[tuple[int, bytes]]:
        private = run.group.private_key(self._random)
        run.public, run.peer = run.group.public_key(private), peer
        require_different(run.public, peer)
        run.keys = SessionKeys(run.variant, run.group.agree(private, peer))
        return [(Tag.CHIP_PUBLIC_KEY, run.public)]

    def _authenticate(self, run: "_Run", t_ifd: bytes) -> list[tuple[int, bytes]]:
        run.password.require_usable()
        run.password.attempt()
        if not hmac.compare_digest(t_ifd, run.keys.token(run.public)):
            raise ChipRefusalError(run.password.failure_status, "PACE")
        run.password.succeed()
        kind = run.password.password.type
        if kind is PasswordType.CAN:
            for state in self._passwords.values():
                state.resume()
        cars = self._cars[: len(_CARS)] if run.chat is not None else ()
        data = self._chip_authentication_data(run)
        self.result = PaceResult(
            run.variant,
            kind,
            run.keys.secure_messaging(),
            terminal_public_key=run.peer,
            chip_public_key=run.public,
            mapping_public_key=run.mapping_public,
            chip_authentication_data=data,
            cars=cars,
            chat=run.chat,
        )
        self._run = None
        objects: list[tuple[int, bytes]] = [(Tag.CHIP_TOKEN, run.keys.token(run.peer))]
        objects += zip(_CARS, cars, strict=False)
        if data is not None:
            a_ic = cam.encrypt(run.variant.info.cipher, run.keys.enc, data)
            objects.append((Tag.ENCRYPTED_CHIP_AUTHENTICATION_DATA, a_ic))
        return objects

    def _chip_authentication_data(self, run: "_Run") -> bytes | None:
        info = run.variant.info
        if info.mapping is not Mapping.CHIP_AUTHENTICATION:
            return None
        static = self._mapping_keys[info.parameter_id]
        return cam.generate(run.variant.group, static, run.mapping_private)


class _Run:
    """The chip's state between two steps; each step sets its own fields."""

    nonce: Secret
    group: Group
    mapping_private: int
    mapping_public: bytes | None = None
    public: bytes
    peer: bytes
    keys: SessionKeys

    def __init__(self, variant: PaceVariant, password: PasswordState, chat: bytes | None) -> None:
        self.variant = variant
        self.password = password
        self.chat = chat
        self.expected: int | None = None


_Action = Callable[[PaceChip, _Run, bytes], list[tuple[int, bytes]]]

_TRANSITIONS: Final[dict[int | None, tuple[_Action, int | None]]] = {
    None: (PaceChip._encrypt_nonce, Tag.TERMINAL_MAPPING_DATA),
    Tag.TERMINAL_MAPPING_DATA: (PaceChip._map_nonce, Tag.TERMINAL_PUBLIC_KEY),
    Tag.TERMINAL_PUBLIC_KEY: (PaceChip._agree, Tag.TERMINAL_TOKEN),
    Tag.TERMINAL_TOKEN: (PaceChip._authenticate, None),
}
"""The action of each command of the chain, by its data object, and the next one allowed."""
