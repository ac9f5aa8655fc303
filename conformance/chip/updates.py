"""Units ISO7816_M and N: trust points and dates, which the chip stores (3.9 and 3.10)."""

from datetime import timedelta
from typing import Final

from conformance.chip.certificates import IS
from conformance.chip.situation import Script, Situation
from conformance.chip.terminal import Terminal, opened
from conformance.chip.terminal_pki import LINK_VALIDITY, Holder
from conformance.running import CaseFailedError, NotApplicableError
from emrtd import tlv
from emrtd.iso7816.procedure import Procedure
from emrtd.lds.cvca import CERTIFICATION_AUTHORITY_REFERENCE, SIZE, Cvca

_DAY: Final = timedelta(days=1)


def _terminal_advances_the_date(on: Situation) -> Procedure[None]:
    pki, later = on.pki, on.pki.later
    verifier = pki.verifier()
    new = pki.terminal(verifier, effective=later)
    old = pki.terminal(verifier, expiration=pki.soon, name="IT")
    terminal = yield from opened(on)
    yield from terminal.present(verifier, new)
    pki.advance(later)
    terminal = yield from opened(on)
    yield from terminal.present(verifier)
    yield from terminal.reject(old)


def _verifier_advances_the_date(on: Situation) -> Procedure[None]:
    pki, later = on.pki, on.pki.later
    new, old = pki.verifier(effective=later), pki.verifier(expiration=pki.soon, name="DW")
    terminal = yield from opened(on)
    yield from terminal.present(new)
    pki.advance(later)
    terminal = yield from opened(on)
    yield from terminal.reject(old)


def _link_certificate(on: Situation) -> Procedure[None]:
    pki, first = on.pki, on.pki.cvca
    second = on.pki.linked()
    old = pki.verifier()
    expires = pki.end
    newer = pki.verifier(expiration=expires + LINK_VALIDITY, name="DW")
    terminal = yield from opened(on)
    yield from terminal.present(second)
    pki.follow(second)
    terminal = yield from opened(on)
    yield from _require_trust_points(terminal, second, first)
    yield from terminal.present(old)
    terminal = yield from opened(on)
    yield from terminal.present(pki.verifier(effective=expires + _DAY))
    pki.advance(expires + _DAY)
    terminal = yield from opened(on)
    yield from terminal.reject(newer)


def _two_link_certificates(on: Situation) -> Procedure[None]:
    terminal = yield from opened(on)
    second = on.pki.linked()
    yield from terminal.present(second)
    on.pki.follow(second)
    third = on.pki.linked()
    yield from terminal.present(third)
    on.pki.follow(third)
    yield from terminal.present(on.pki.verifier())
    terminal = yield from opened(on)
    yield from _require_trust_points(terminal, third, second)


def _require_trust_points(terminal: Terminal, *holders: Holder) -> Procedure[None]:
    content = yield from terminal.trust_points()
    wanted = tuple(each.reference for each in holders)
    if content != Cvca(wanted).encode():
        raise CaseFailedError(f"EF.CVCA: does not hold {' and '.join(wanted)}, then zeros")


def _new_cvca_and_terminal(on: Situation) -> Procedure[None]:
    terminal = yield from opened(on)
    second = on.pki.linked()
    yield from terminal.present(second)
    on.pki.follow(second)
    yield from terminal.reject(on.pki.certified("IS", IS, second))
    yield from terminal.remains_open()


def _sanity_of_the_file(on: Situation) -> Procedure[None]:
    terminal = yield from opened(on)
    if len((yield from terminal.references())) < 2:
        if not on.changes:
            raise NotApplicableError("the card has one trust point, and the case needs two")
        second = on.pki.linked()
        yield from terminal.present(second)
        on.pki.follow(second)
    content = yield from terminal.trust_points()
    references = [each.tag for each in tlv.read_padded(content, "EF.CVCA")]
    if len(content) != SIZE or references != [CERTIFICATION_AUTHORITY_REFERENCE] * 2:
        raise CaseFailedError("EF.CVCA: does not hold two references in 36 octets")
    yield from terminal.refused(f"00B000{SIZE:02X}01", "READ BINARY behind EF.CVCA")


def _migration(on: Situation) -> Procedure[None]:
    """From ECDSA to RSA or back; the next certificates are of the new kind."""
    link = on.pki.migrated()
    terminal = yield from opened(on)
    yield from terminal.present(link)
    on.pki.follow(link)
    yield from terminal.authenticate(on.pki.chain())


SCRIPTS: Final = {
    "ISO7816_M_1": Script(_terminal_advances_the_date, changes=True),
    "ISO7816_M_2": Script(_verifier_advances_the_date, changes=True),
    "ISO7816_M_3": Script(_link_certificate, changes=True),
    "ISO7816_M_4": Script(_two_link_certificates, changes=True),
    "ISO7816_M_5": Script(_new_cvca_and_terminal, changes=True),
    "ISO7816_M_6": Script(_sanity_of_the_file),
    "ISO7816_N_1": Script(_migration, changes=True),
}
