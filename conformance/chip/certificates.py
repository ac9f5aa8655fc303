"""Unit ISO7816_J: verification of certificates, without permanent changes (3.6)."""

from typing import Final

from conformance.chip.situation import Script, Situation, Steps
from conformance.chip.terminal import (
    Terminal,
    opened,
    refused_in_plain,
    sent_in_plain,
    set_dst,
    verify_certificate,
)
from conformance.chip.terminal_pki import (
    Fault,
    Holder,
    KeyKind,
    altered,
    certify,
    in_key,
    like,
    octets_of,
    oid_of,
    replaced,
    shorter,
    signature_of,
    without,
)
from emrtd import tlv
from emrtd.asn1 import der
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.procedure import Procedure
from emrtd.pki.cvc.authorization import CHAT, Role
from emrtd.pki.cvc.certificates import (
    EFFECTIVE_DATE,
    EXPIRATION_DATE,
    SIGNATURE,
    encode_date,
)

_ANOTHER_SIGNATURE: Final = 0x5F38
_UNKNOWN_TERMINAL: Final = "0.4.0.127.0.7.3.1.2.9"
_UNKNOWN_ALGORITHM: Final = "0.4.0.127.0.7.2.2.2.9.9"
_CHIP_AUTHENTICATION: Final = "0.4.0.127.0.7.2.2.3.2.4"


def _valid_chain(on: Situation) -> Procedure[None]:
    terminal = yield from opened(on)
    yield from terminal.present(*on.pki.chain().certificates)


# --- one certificate with one fault --------------------------------------------------------------


def _signed_by_another(holder: Holder, issuer: Holder) -> bytes:
    signed = altered(lambda objects: objects)
    return signed(holder, Holder(issuer.certificate, like(issuer, 3), issuer.scheme))


def _wrong_octet(tag: int) -> Fault:
    """Change the month of a date to an octet that is no digit."""
    return lambda holder, issuer: altered(
        replaced(tag, _digits(tag, holder)[:3] + b"\x0c" + _digits(tag, holder)[4:])
    )(holder, issuer)


def _no_such_day(tag: int) -> Fault:
    """Change the day of a date to the 30th of February."""
    return lambda holder, issuer: altered(
        replaced(tag, _digits(tag, holder)[:2] + bytes((0, 2, 3, 0)))
    )(holder, issuer)


def _digits(tag: int, holder: Holder) -> bytes:
    certificate = holder.certificate
    day = certificate.effective if tag == EFFECTIVE_DATE else certificate.expiration
    return tlv.read(encode_date(tag, day), "date").value


def _expired_before(holder: Holder, issuer: Holder) -> bytes:
    """Exchange both dates."""
    first, last = (_digits(tag, holder) for tag in (EFFECTIVE_DATE, EXPIRATION_DATE))

    def change(old: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        return replaced(EXPIRATION_DATE, first)(replaced(EFFECTIVE_DATE, last)(old))

    return altered(change)(holder, issuer)


def _another_terminal_type(holder: Holder, issuer: Holder) -> bytes:
    role = holder.certificate.chat.template[:1]
    value = der.oid(_UNKNOWN_TERMINAL) + tlv.encode(0x53, role)
    return altered(replaced(CHAT, value))(holder, issuer)


def _longer_body(octets: bytes) -> bytes:
    """Add one to the length of the body."""
    length = tlv.encode_length(len(tlv.read_first(octets, "certificate")[0].value))
    longer = (int.from_bytes(length, "big") + 1).to_bytes(len(length), "big")
    return octets[:2] + longer + octets[2 + len(length) :]


def _longer_signature(holder: Holder, _issuer: Holder) -> bytes:
    """Add one to the length of the signature."""
    encoded = tlv.encode(SIGNATURE, holder.certificate.signature)
    return holder.certificate.body + _longer_body(encoded)


def _last_octet(signature: bytes) -> bytes:
    return signature[:-1] + bytes(((signature[-1] + 1) & 0xFF,))


def _above_modulus(signature: bytes) -> bytes:
    return b"\xff" * len(signature)


def _zero_r(signature: bytes) -> bytes:
    half = len(signature) // 2
    return bytes(half) + signature[half:]


def _zero_s(signature: bytes) -> bytes:
    half = len(signature) // 2
    return signature[:half] + bytes(half)


def _faulty(fault: Fault, *, advanced: bool = False) -> Steps:
    """A Document Verifier with this fault is refused, and its key is not imported.

    `advanced`: the case is about the date, and so needs a certificate that would advance it.
    """

    def steps(on: Situation) -> Procedure[None]:
        effective = on.pki.later if advanced or on.changes else None
        holder = on.pki.verifier(effective=effective, name="DW")
        terminal = yield from opened(on)
        yield from terminal.reject(holder, fault(holder, on.pki.cvca))
        yield from terminal.reject(on.pki.terminal(holder, effective=effective))
        yield from terminal.remains_open()
        if effective is not None:
            yield from _date_is_as_before(on)

    return steps


def _date_is_as_before(on: Situation) -> Procedure[None]:
    """Present a certificate that has expired at `later`; the card must accept it."""
    terminal = yield from opened(on)
    yield from terminal.present(on.pki.verifier(expiration=on.pki.soon, name="DX"))


def _without_key(*, reference: bool, advanced: bool) -> Steps:
    """No key is selected: by no command, or by a reference that is wrong in its last character."""

    def steps(on: Situation) -> Procedure[None]:
        effective = on.pki.later if advanced or on.changes else None
        holder = on.pki.verifier(effective=effective, name="DW")
        terminal = yield from opened(on)
        if reference:
            yield from terminal.set_dst(_wrong(on.pki.cvca.reference))
        on.refused((yield from terminal.verify(holder)), "PSO:Verify Certificate without a key")
        yield from terminal.reject(on.pki.terminal(holder, effective=effective))
        yield from terminal.remains_open()
        if effective is not None:
            yield from _date_is_as_before(on)

    return steps


def _wrong(reference: str) -> str:
    return reference[:-1] + ("2" if reference[-1] != "2" else "3")


# --- commands and sessions -----------------------------------------------------------------------


def _foreign_terminal(on: Situation) -> Procedure[None]:
    pki = on.pki
    foreign = pki.verifier(Role.DV_FOREIGN)
    terminal = yield from opened(on)
    yield from terminal.present(foreign, pki.terminal(foreign, effective=pki.later))
    terminal = yield from opened(on)
    yield from terminal.present(foreign, pki.terminal(foreign, expiration=pki.soon, name="IT"))


def _in_plain(on: Situation) -> Procedure[None]:
    """A card may carry out MSE in plain, but the session ends."""
    verifier = on.pki.chain().first
    select = set_dst(verifier.certificate.authority_reference)
    terminal = yield from opened(on)
    yield from sent_in_plain(select, "MSE:Set DST in plain")
    yield from _session_has_ended(terminal, verify_certificate(verifier))
    terminal = yield from opened(on)
    yield from terminal.require(select, "MSE:Set DST")
    doing = "PSO:Verify Certificate in plain"
    yield from refused_in_plain(on, verify_certificate(verifier), doing)
    yield from _session_has_ended(terminal, set_dst(verifier.reference))


def _session_has_ended(terminal: Terminal, command: CommandAPDU) -> Procedure[None]:
    protected = terminal.session.protect_command(command)
    doing = "a command of the session that a plain command has ended"
    yield from refused_in_plain(terminal.on, protected, doing)


def unknown_class(ins: int) -> Steps:
    """Return the steps of a command with CLA 8C: refused, in the session or in plain."""

    def steps(on: Situation) -> Procedure[None]:
        terminal = yield from opened(on)
        if ins == INS.PERFORM_SECURITY_OPERATION:
            yield from terminal.set_dst(on.pki.chain().first.certificate.authority_reference)
        elif ins == INS.EXTERNAL_AUTHENTICATE:
            yield from terminal.present(*on.pki.chain().certificates)
            yield from terminal.select_key(on.pki.chain().terminal)
            signature = terminal.signature(
                on.pki.chain().terminal, (yield from terminal.challenge())
            )
        command = {
            INS.MANAGE_SECURITY_ENVIRONMENT: lambda: set_dst(
                on.pki.chain().first.certificate.authority_reference
            ),
            INS.PERFORM_SECURITY_OPERATION: lambda: verify_certificate(on.pki.chain().first),
            INS.EXTERNAL_AUTHENTICATE: lambda: CommandAPDU(0x00, ins, data=signature),
        }[INS(ins)]()
        yield from _of_unknown_class(terminal, command)

    return steps


def _of_unknown_class(terminal: Terminal, command: CommandAPDU) -> Procedure[None]:
    of_class = CommandAPDU(0x80, command.ins, command.p1, command.p2, command.data)
    protected = terminal.session.protect_command(of_class)
    doing = "a command of the class 8C"
    response = yield protected
    if not response.data:
        terminal.on.refused(response.sw, doing)
        return
    terminal.on.refused(terminal.session.unprotect_response(response).sw, doing)
    yield from terminal.remains_open()


def _temporary_keys(on: Situation) -> Procedure[None]:
    *issuers, last = on.pki.chain().certificates
    terminal = yield from opened(on)
    yield from terminal.present(*issuers)
    terminal = yield from opened(on)
    yield from terminal.reject(last)


# --- chains --------------------------------------------------------------------------------------


def last_is_refused(*roles: Role) -> Steps:
    """Return the steps of a chain below the root of which only the last certificate is refused."""

    def steps(on: Situation) -> Procedure[None]:
        terminal, issuer = (yield from opened(on)), on.pki.cvca
        for number, role in enumerate(roles[:-1]):
            issuer = on.pki.certified(f"H{number}", role, issuer)
            yield from terminal.present(issuer)
        yield from terminal.reject(on.pki.certified("LAST", roles[-1], issuer))
        yield from terminal.remains_open()

    return steps


def _short_verifier(on: Situation) -> Procedure[None]:
    root = on.pki.cvca
    period = on.pki.begin, on.pki.end
    short = certify(
        on.pki.name("SHORT"), Role.DV_DOMESTIC, root, shorter(root), root.scheme, period=period
    )
    terminal = yield from opened(on)
    yield from terminal.reject(short)
    yield from terminal.reject(on.pki.terminal(short))
    yield from terminal.remains_open()


def _short_terminal(on: Situation) -> Procedure[None]:
    verifier = on.pki.verifier()
    period = on.pki.begin, on.pki.end
    short = certify(
        on.pki.name("SHORT"),
        Role.TERMINAL,
        verifier,
        shorter(verifier),
        verifier.scheme,
        period=period,
    )
    terminal = yield from opened(on)
    yield from terminal.present(verifier)
    yield from terminal.reject(short)
    yield from terminal.remains_open()


CVCA, DOMESTIC, FOREIGN, IS = Role.CVCA, Role.DV_DOMESTIC, Role.DV_FOREIGN, Role.TERMINAL

_FAULTS: Final[dict[int, Fault]] = {
    3: _signed_by_another,
    4: lambda holder, _issuer: holder.certificate.body,
    5: lambda holder, _issuer: tlv.encode(SIGNATURE, holder.certificate.signature),
    6: altered(without(CHAT)),
    7: altered(without(EFFECTIVE_DATE)),
    8: altered(without(EXPIRATION_DATE)),
    9: _wrong_octet(EFFECTIVE_DATE),
    10: _wrong_octet(EXPIRATION_DATE),
    17: octets_of(lambda octets: b"\x7f\x4f" + octets[2:]),
    18: lambda holder, _issuer: (
        holder.certificate.body + tlv.encode(_ANOTHER_SIGNATURE, holder.certificate.signature)
    ),
    19: _no_such_day(EFFECTIVE_DATE),
    20: _no_such_day(EXPIRATION_DATE),
    21: _expired_before,
    23: _another_terminal_type,
    24: altered(in_key(oid_of(_UNKNOWN_ALGORITHM))),
}
_FAULTS_AND_DATE: Final[dict[int, Fault]] = {
    26: octets_of(lambda octets: b"\x7f\x4c" + octets[2:]),
    27: lambda holder, _issuer: (
        holder.certificate.body + tlv.encode(0x5F36, holder.certificate.signature)
    ),
    28: octets_of(_longer_body),
    29: _longer_signature,
    30: signature_of(_last_octet),
    31: signature_of(lambda signature: signature[:-1]),
    32: signature_of(_above_modulus),
    33: signature_of(_zero_r),
    34: signature_of(_zero_s),
    36: altered(in_key(oid_of(_CHIP_AUTHENTICATION))),
    37: altered(in_key(without(der.OID))),
    38: altered(in_key(without(0x86))),
    39: altered(in_key(without(0x81))),
    40: altered(in_key(without(0x82))),
    41: altered(in_key(lambda objects: [*objects, (0x77, b"\x01")])),
}
_CHAINS: Final = {
    43: (IS,),
    44: (DOMESTIC, CVCA),
    45: (FOREIGN, CVCA),
    46: (DOMESTIC, DOMESTIC),
    47: (DOMESTIC, FOREIGN),
    48: (FOREIGN, DOMESTIC),
    49: (FOREIGN, FOREIGN),
    50: (DOMESTIC, IS, FOREIGN),
    51: (DOMESTIC, IS, DOMESTIC),
    52: (DOMESTIC, IS, IS),
    53: (DOMESTIC, IS, CVCA),
}
_OF_RSA: Final = (32, 39, 40)
_EVERY_KIND: Final = tuple(KeyKind)


def _kinds(number: int) -> tuple[KeyKind, ...]:
    return (KeyKind.RSA,) if number in _OF_RSA else ()


SCRIPTS: Final = {
    "ISO7816_J_1": Script(_valid_chain, kinds=_EVERY_KIND),
    "ISO7816_J_2": Script(_without_key(reference=True, advanced=False)),
    "ISO7816_J_11": Script(_foreign_terminal, changes=True),
    "ISO7816_J_12": Script(_in_plain),
    "ISO7816_J_13": Script(unknown_class(INS.MANAGE_SECURITY_ENVIRONMENT)),
    "ISO7816_J_15": Script(unknown_class(INS.PERFORM_SECURITY_OPERATION)),
    "ISO7816_J_22": Script(_temporary_keys),
    "ISO7816_J_25": Script(_without_key(reference=True, advanced=True), changes=True),
    "ISO7816_J_35": Script(_without_key(reference=False, advanced=True), changes=True),
    "ISO7816_J_55": Script(_short_verifier, kinds=_EVERY_KIND),
    "ISO7816_J_56": Script(_short_terminal, kinds=_EVERY_KIND),
    **{f"ISO7816_J_{number}": Script(_faulty(fault)) for number, fault in _FAULTS.items()},
    **{
        f"ISO7816_J_{number}": Script(
            _faulty(fault, advanced=True), kinds=_kinds(number), changes=True
        )
        for number, fault in _FAULTS_AND_DATE.items()
    },
    **{f"ISO7816_J_{number}": Script(last_is_refused(*roles)) for number, roles in _CHAINS.items()},
}
