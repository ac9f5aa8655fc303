"""A terminal in a session with the chip, as the cases use it; every exchange is a procedure."""

from dataclasses import dataclass
from typing import Final

from conformance.chip.situation import Access, Situation
from conformance.chip.terminal_pki import Certified, Chain, Holder
from conformance.running import CaseFailedError, NotApplicableError
from emrtd import tlv
from emrtd.access import chip_authentication
from emrtd.access.opening import ByBac
from emrtd.access.terminal_authentication import (
    NONCE_SIZE,
    SET_AT,
    SET_DST,
    VERIFY_CERTIFICATE,
    signed_message,
)
from emrtd.iso7816.apdu import INS, CommandAPDU, ResponseAPDU
from emrtd.iso7816.chaining import command_capacity, with_command_chaining
from emrtd.iso7816.procedure import Procedure, Reset, exchange
from emrtd.iso7816.reading import FileReader
from emrtd.iso7816.secure_messaging import SecureMessaging, secured
from emrtd.iso7816.selecting import select_application, select_master_file
from emrtd.lds.cvca import SIZE, Cvca
from emrtd.lds.files import EMRTD_APPLICATION, FILES, FileID
from emrtd.pki.cvc.keys import sign
from emrtd.status_words import SW

_SELECT_DG1: Final = "00A4020C020101"
READ_DG3: Final = "00B0830001"
READ_DG4: Final = "00B0840001"
SELECT_APPLICATION: Final = "00A4040C07" + EMRTD_APPLICATION.hex()
_REFERENCE: Final = 0x83


def command_of(octets: str) -> CommandAPDU:
    """Return a command from its octets in hexadecimal."""
    return CommandAPDU.decode(bytes.fromhex(octets))


@dataclass
class Terminal:
    """A terminal in a session; `key` is Comp(PK_DH,IFD) after Chip Authentication."""

    on: Situation
    session: SecureMessaging
    identifier: bytes
    key: bytes = b""

    def send(self, command: CommandAPDU | str) -> Procedure[ResponseAPDU]:
        """Send a command in the session; raises `ProtocolError` if the answer is not in it.

        A command with long data is sent in a chain if the card has no extended length.
        """
        if isinstance(command, str):
            command = command_of(command)
        procedure = exchange(command)
        if self.on.card.chains:
            capacity = command_capacity(self.session.cipher.block_size)
            procedure = with_command_chaining(procedure, capacity)
        return (yield from secured(procedure, self.session))

    def require(self, command: CommandAPDU | str, doing: str) -> Procedure[bytes]:
        """Send a command that the card must accept, and return its data."""
        response = yield from self.send(command)
        return accepted(response, doing)

    def refused(self, command: CommandAPDU | str, doing: str) -> Procedure[None]:
        """Send a command that the card must refuse, in the session and without data."""
        response = yield from self.send(command)
        if response.data:
            raise CaseFailedError(f"{doing}: the card answered with data")
        self.on.refused(response.sw, doing)

    def remains_open(self) -> Procedure[None]:
        """Require that the session continues after a refusal (Doc 9303-11, 9.8.3)."""
        yield from self.require(_SELECT_DG1, "SELECT of DG1 in the same session")

    def read(self, file_id: FileID) -> Procedure[bytes]:
        """Read a file of the application; raises `ChipRefusalError`."""
        reader = FileReader(cipher_block=self.session.cipher.block_size)
        return (yield from secured(reader.read(FILES[file_id].address), self.session))

    def trust_points(self) -> Procedure[bytes]:
        """Select EF.CVCA and read its 36 octets, in one command."""
        identifier = self.on.card.cvca_file
        yield from self.require(f"00A4020C02{identifier:04X}", "SELECT of EF.CVCA")
        return (yield from self.require(f"00B00000{SIZE:02X}", "READ BINARY of EF.CVCA"))

    def references(self) -> Procedure[tuple[str, ...]]:
        """Return the trust points of EF.CVCA, the most recent first."""
        return Cvca.decode((yield from self.trust_points())).references

    # --- Terminal Authentication ---------------------------------------------------------------

    def set_dst(self, reference: str) -> Procedure[int]:
        """MSE:Set DST; returns the status word.

        A card may accept to select a key that it does not have (3.6.2).
        """
        return (yield from self._selected(set_dst(reference)))

    def verify(self, certificate: Certified | bytes) -> Procedure[int]:
        """PSO:Verify Certificate; returns the status word."""
        return (yield from self.send(verify_certificate(certificate))).sw

    def present(self, *chain: Certified) -> Procedure[None]:
        """Present certificates, each under the key of the one before; all must be accepted."""
        for each in chain:
            name = each.certificate.authority_reference
            yield from self.require(set_dst(name), f"MSE:Set DST with {name}")
            yield from self.require(
                verify_certificate(each), f"PSO:Verify Certificate of {each.reference}"
            )

    def reject(self, holder: Certified, certificate: bytes | None = None) -> Procedure[None]:
        """Present a certificate under the key of its issuer; the card must refuse it.

        A card may accept to select a key that it does not have: `certificate` is refused then.
        """
        yield from self.set_dst(holder.certificate.authority_reference)
        sw = yield from self.verify(holder if certificate is None else certificate)
        self.on.refused(sw, f"PSO:Verify Certificate of {holder.reference}")

    def set_at(self, reference: str, tag: int = _REFERENCE) -> Procedure[int]:
        """MSE:Set AT; returns the status word."""
        data = tlv.encode(tag, reference.encode("latin-1"))
        command = CommandAPDU(0x00, INS.MANAGE_SECURITY_ENVIRONMENT, *SET_AT, data)
        return (yield from self._selected(command))

    def _selected(self, command: CommandAPDU) -> Procedure[int]:
        """Send a command that selects a key; return the status word, and record a refusal."""
        sw = (yield from self.send(command)).sw
        if sw != SW.OK:
            self.on.refusals.append(sw)
        return sw

    def select_key(self, holder: Holder) -> Procedure[None]:
        """MSE:Set AT with a terminal's key; the card must accept it."""
        sw = yield from self.set_at(holder.reference)
        accepted(ResponseAPDU(sw=sw), f"MSE:Set AT with {holder.reference}")

    def challenge(self) -> Procedure[bytes]:
        """GET CHALLENGE; the card must return eight octets."""
        octets = yield from self.require(get_challenge(NONCE_SIZE), "GET CHALLENGE")
        if len(octets) != NONCE_SIZE:
            raise CaseFailedError(f"GET CHALLENGE: {len(octets)} octets instead of {NONCE_SIZE}")
        return octets

    def signature(self, holder: Holder, challenge: bytes, identifier: bytes | None = None) -> bytes:
        """Return the signature of a holder over this session and a challenge."""
        identifier = self.identifier if identifier is None else identifier
        message = signed_message(identifier, challenge, self.key, b"")
        return sign(holder.key, holder.scheme, message)

    def prove(self, signature: bytes) -> Procedure[int]:
        """EXTERNAL AUTHENTICATE; returns the status word."""
        return (yield from self.send(external_authenticate(signature))).sw

    def authenticate(self, chain: Chain) -> Procedure[None]:
        """Run the whole Terminal Authentication; the card must accept each command."""
        yield from self.present(*chain.certificates)
        yield from self.select_key(chain.terminal)
        signature = self.signature(chain.terminal, (yield from self.challenge()))
        sw = yield from self.prove(signature)
        accepted(ResponseAPDU(sw=sw), "EXTERNAL AUTHENTICATE")


def opened(on: Situation, *, proven: bool = True) -> Procedure[Terminal]:
    """Reset the card, and open it; then run Chip Authentication if `proven`."""
    yield Reset()
    way = on.card.ways[on.access]
    if isinstance(way, ByBac):
        yield from select_application(EMRTD_APPLICATION)
    else:
        yield from select_master_file()
    found = yield from way.authenticate()
    identifier = on.card.identifier
    if found.pace is not None:
        identifier = found.pace.variant.group.compress(found.pace.chip_public_key)
        yield from secured(select_application(EMRTD_APPLICATION), found.messaging)
    terminal = Terminal(on, found.messaging, identifier)
    if proven:
        yield from prove_chip(terminal)
    return terminal


def prove_chip(terminal: Terminal) -> Procedure[None]:
    """Run Chip Authentication, whose session the terminal then uses."""
    variant = terminal.on.card.chip_authentication
    if variant is None:
        raise NotApplicableError("the card has no Chip Authentication")
    found = yield from secured(chip_authentication.authenticate(variant), terminal.session)
    terminal.session, terminal.key = found.secure_messaging, found.compressed_terminal_key


def accepted(response: ResponseAPDU, doing: str) -> bytes:
    """Return the data of an answer that must be 9000; raises `CaseFailedError` if it is not."""
    if response.sw != SW.OK:
        raise CaseFailedError(f"{doing}: the card answered {response.sw:04X} instead of 9000")
    return response.data


def refused_in_plain(on: Situation, command: CommandAPDU, doing: str) -> Procedure[None]:
    """Send a command as it is; the card must refuse it without secure messaging."""
    response = yield from sent_in_plain(command, doing)
    on.refused(response.sw, doing)


def sent_in_plain(command: CommandAPDU, doing: str) -> Procedure[ResponseAPDU]:
    """Send a command as it is; the card must answer without secure messaging."""
    response = yield command
    if response.data:
        raise CaseFailedError(f"{doing}: the card answered with data, not with a plain status word")
    return response


def without_short_identifier(on: Situation) -> str:
    """Return the short identifier of EF.CVCA, two digits; `NotApplicableError` without one."""
    if not on.card.cvca_short:
        raise NotApplicableError("EF.CVCA has no short identifier")
    return f"{on.card.cvca_short:02X}"


def lacks(on: Situation, access: Access) -> bool:
    """Whether the card cannot be opened with this protocol."""
    return access not in on.card.ways


# --- commands ----------------------------------------------------------------------------------


def set_dst(reference: str) -> CommandAPDU:
    """Return MSE:Set DST."""
    data = tlv.encode(_REFERENCE, reference.encode("latin-1"))
    return CommandAPDU(0x00, INS.MANAGE_SECURITY_ENVIRONMENT, *SET_DST, data)


def verify_certificate(certificate: Certified | bytes) -> CommandAPDU:
    """Return PSO:Verify Certificate."""
    data = certificate if isinstance(certificate, bytes) else certificate.certificate.value
    return CommandAPDU(0x00, INS.PERFORM_SECURITY_OPERATION, *VERIFY_CERTIFICATE, data)


def get_challenge(size: int) -> CommandAPDU:
    """Return GET CHALLENGE for a number of octets."""
    return CommandAPDU(0x00, INS.GET_CHALLENGE, ne=size)


def external_authenticate(signature: bytes) -> CommandAPDU:
    """Return EXTERNAL AUTHENTICATE."""
    return CommandAPDU(0x00, INS.EXTERNAL_AUTHENTICATE, data=signature)
