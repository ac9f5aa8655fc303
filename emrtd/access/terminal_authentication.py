"""Terminal Authentication, both sides (Doc 9303-11, 7.1; version 2: TR-03110-2, 3.3).

The terminal sends a chain of card-verifiable certificates from a trust point of the chip to its own
key, then signs ID_IC || r_IC || Comp(PK_DH,IFD) [|| A_IFD].  The resulting rights are bound to the
session of that ephemeral key.  In version 1 that is the session that Chip Authentication (or PACE
with Chip Authentication Mapping) has established before, in version 2 the one that Chip
Authentication will establish later with the same key.
"""

import secrets
from collections.abc import Iterable
from typing import Final

import msgspec

from emrtd import tlv
from emrtd.access.refusals import refusing
from emrtd.asn1 import der
from emrtd.crypto.protocols import BSI_DE
from emrtd.crypto.signatures import Signer
from emrtd.errors import ChipRefusalError, ProtocolError
from emrtd.iso7816.apdu import INS, CommandAPDU
from emrtd.iso7816.chaining import with_chaining_on_wrong_length
from emrtd.iso7816.procedure import Procedure, Random
from emrtd.pki.cvc.authorization import Chat, Role
from emrtd.pki.cvc.certificates import CvCertificate, encode_reference, read_reference
from emrtd.pki.cvc.keys import sign
from emrtd.pki.cvc.validation import ImportedKey, TrustState, find_chain
from emrtd.status_words import SW
from emrtd.tlv import DataObjects
from support.errors import MisuseError
from support.reasons import Reason
from support.values import Hidden, Value

SET_DST: Final = (0x81, 0xB6)
SET_AT: Final = (0x81, 0xA4)
VERIFY_CERTIFICATE: Final = (0x00, 0xBE)
"""P1 and P2 (7.1.5)."""

NONCE_SIZE: Final = 8
"""Octets of r_IC."""

_PROTOCOL, _REFERENCE, _COMPRESSED_KEY, _AUXILIARY_DATA = 0x80, 0x83, 0x91, 0x67
_TEMPLATE, _DISCRETIONARY_DATA = 0x73, 0x53
_WHAT: Final = "Terminal Authentication"

ID_AUXILIARY_DATA: Final = f"{BSI_DE}.3.1.4"
"""Root of the auxiliary data types (TR-03110-3, A.7.5.1): .1 date of birth, .2 date of expiry."""


def identifier_of_document(mrz_information: str) -> bytes:
    """Return ID_IC after BAC: document number and check digit, from the MRZ information (7.1.2).

    The MRZ information is that number, then two dates with their check digits, 14 characters.
    """
    return mrz_information[:-14].encode("ascii")


def encode_auxiliary_data(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Encode A_IFD: data object 67 with identifiers and auxiliary values (A.7.5)."""
    templates = (
        tlv.encode(_TEMPLATE, der.oid(oid), tlv.encode(_DISCRETIONARY_DATA, value))
        for oid, value in entries
    )
    return tlv.encode(_AUXILIARY_DATA, *templates)


def read_auxiliary_data(octets: bytes) -> dict[str, bytes]:
    """Read the auxiliary values in data object 67, by identifier; the last one with it counts."""
    found = {}
    for template in tlv.read_expected(octets, _AUXILIARY_DATA, "auxiliary data").children():
        fields = template.children()
        found[der.read_oid(fields.one(der.OID))] = fields.one(_DISCRETIONARY_DATA).value
    return found


def signed_message(id_ic: bytes, r_ic: bytes, compressed_key: bytes, auxiliary: bytes) -> bytes:
    """Return the message that the terminal signs: ID_IC || r_IC || Comp(PK_DH,IFD) || A_IFD."""
    return id_ic + r_ic + compressed_key + auxiliary


# --- the terminal ----------------------------------------------------------------------------


class TerminalCredentials(Value, frozen=True):
    """A terminal's key, and the certificates that lead to it from any trust point."""

    signer: Hidden[Signer]
    reference: str
    certificates: Hidden[tuple[CvCertificate, ...]]

    @property
    def certificate(self) -> CvCertificate:
        """The terminal's own certificate."""
        for each in self.certificates:
            if each.holder_reference == self.reference:
                return each
        raise MisuseError(f"no certificate of the terminal {self.reference}; add it to the chain")


class TerminalAuthenticationResult(msgspec.Struct, frozen=True):
    """The certificates that the chip accepted, in order, and the quirks that were read past."""

    chain: tuple[CvCertificate, ...]
    quirks: tuple[str, ...] = ()


def authenticate(
    credentials: TerminalCredentials,
    references: Iterable[str],
    identifiers: Iterable[bytes],
    compressed_key: bytes,
    *,
    version: int = 1,
    auxiliary: bytes = b"",
) -> Procedure[TerminalAuthenticationResult]:
    """Authenticate the terminal; version 1 runs inside the session of Chip Authentication.

    `references` are the chip's trust points, the most recent first, from EF.CVCA or PACE.
    `identifiers` are the values of ID_IC to try in turn: after BAC `identifier_of_document`, after
    PACE Comp(PK_DH,IC).  More than one is needed because some States bind to the MRZ or CAN even
    after PACE (TR-03110-1, 3.3).  `compressed_key` is Comp(PK_DH,IFD) of the newest ephemeral key.
    `auxiliary` is A_IFD.  Raises `MisuseError` if no certificates lead to the terminal,
    `ChipRefusalError` if the chip does not accept a certificate or the signature.
    """
    chain = find_chain(credentials.certificates, references, credentials.reference)
    for certificate in chain:
        name = certificate.authority_reference
        yield from _manage(
            SET_DST, encode_reference(_REFERENCE, name), Reason("the key {name}", name=name)
        )
        yield from with_chaining_on_wrong_length(_verify(certificate))
    remaining = list(identifiers)
    quirks: tuple[str, ...] = ()
    while True:
        id_ic = remaining.pop(0)
        try:
            proof = _prove(credentials, id_ic, compressed_key, version, auxiliary)
            yield from with_chaining_on_wrong_length(proof)
        except ChipRefusalError:
            if not remaining:
                raise
            quirks = ("the chip binds Terminal Authentication to the MRZ or CAN, not to PACE",)
        else:
            return TerminalAuthenticationResult(chain, quirks)


def _prove(
    credentials: TerminalCredentials,
    id_ic: bytes,
    compressed_key: bytes,
    version: int,
    auxiliary: bytes,
) -> Procedure[None]:
    public_key = credentials.certificate.public_key
    data = encode_reference(_REFERENCE, credentials.reference)
    if version == 2:
        protocol = tlv.encode(_PROTOCOL, der.oid_value(public_key.oid))
        data = protocol + data + auxiliary + tlv.encode(_COMPRESSED_KEY, compressed_key)
    yield from _manage(SET_AT, data, Reason("the key {reference}", reference=credentials.reference))
    response = yield CommandAPDU(0x00, INS.GET_CHALLENGE, ne=NONCE_SIZE)
    r_ic = response.require(Reason("GET CHALLENGE for {what}", what=_WHAT))
    if len(r_ic) != NONCE_SIZE or not any(r_ic):
        raise ProtocolError("the chip's challenge r_IC is not a nonce of 8 octets")
    message = signed_message(id_ic, r_ic, compressed_key, auxiliary)
    signature = sign(credentials.signer, public_key.scheme, message)
    response = yield CommandAPDU(0x00, INS.EXTERNAL_AUTHENTICATE, data=signature)
    response.require(Reason("EXTERNAL AUTHENTICATE for {what}", what=_WHAT))


def _manage(template: tuple[int, int], data: bytes, what: str) -> Procedure[None]:
    response = yield CommandAPDU(0x00, INS.MANAGE_SECURITY_ENVIRONMENT, *template, data)
    response.require(Reason("{what} with {what2}", what=_WHAT, what2=what))


def _verify(certificate: CvCertificate) -> Procedure[None]:
    response = yield CommandAPDU(
        0x00, INS.PERFORM_SECURITY_OPERATION, *VERIFY_CERTIFICATE, certificate.value
    )
    response.require(
        Reason(
            "PSO:Verify Certificate with that of {holder_reference}",
            holder_reference=certificate.holder_reference,
        )
    )


# --- the chip --------------------------------------------------------------------------------


class TerminalAuthenticationChip:
    """The chip's side for one session; raises `ChipRefusalError` with the status word to answer.

    `state` holds trust points and date.  Every certificate that verifies changes it, and the chip
    has to store it from then on, however the session ends.  `id_ic` is the ID_IC of this session.
    `confined` is the CHAT of PACE: the terminal gets no rights beyond it.

    The caller passes the ephemeral key of each session that Chip Authentication or PACE-CAM
    establishes to `bind`.  `effective` is what the terminal may do in the present session.
    """

    def __init__(
        self,
        state: TrustState,
        id_ic: bytes,
        *,
        confined: Chat | None = None,
        random: Random = secrets.token_bytes,
    ) -> None:
        self.state = state
        self.auxiliary: dict[str, bytes] = {}
        self.compressed_key: bytes | None = None
        self._authorization: Chat | None = None
        self._session_key: bytes | None = None
        self._id_ic = id_ic
        self._confined = confined
        self._random = random
        self._issuer: ImportedKey | None = None
        self._imported: ImportedKey | None = None
        self._selected: _Selected | None = None
        self._r_ic: bytes | None = None

    def bind(self, compressed_key: bytes) -> None:
        """Record the terminal's key of the present session: Comp(PK_DH,IFD)."""
        self._session_key = compressed_key

    @property
    def effective(self) -> Chat | None:
        """The terminal's rights, which hold only in the session of the key that it signed (7.1.3).

        None if the terminal is not authenticated, or the session is another one.
        """
        bound = self._session_key is not None and self._session_key == self.compressed_key
        return self._authorization if bound else None

    @property
    def issuer(self) -> ImportedKey | None:
        """The key that verifies the next certificate; None if MSE:Set DST has selected none."""
        return self._issuer

    @property
    def selected(self) -> ImportedKey | None:
        """The terminal's key; None if MSE:Set AT has selected none."""
        return None if self._selected is None else self._selected.key

    def set_dst(self, data: bytes) -> None:
        """Answer MSE:Set DST (P1-P2 81B6): select the key that verifies the next certificate."""
        doing = "MSE:Set DST"
        self._issuer = None
        with refusing(SW.INCORRECT_DATA, doing):
            reference = read_reference(tlv.read_all(data, doing).one(_REFERENCE))
        self._issuer = self.state.find(reference) or self._temporary(reference)
        if self._issuer is None:
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)

    def verify_certificate(self, data: bytes) -> None:
        """Answer PSO:Verify Certificate (P1-P2 00BE): validate, import the key, update `state`."""
        doing = "PSO:Verify Certificate"
        issuer, self._issuer = self._issuer, None
        if issuer is None:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        with refusing(SW.INCORRECT_DATA, doing):
            certificate = CvCertificate.decode(data)
        with refusing(SW.AUTHENTICATION_FAILED, doing):
            self.state, imported = self.state.validate(certificate, issuer)
        if imported.role is not Role.CVCA:  # a CVCA is a trust point in `state` now
            self._imported = imported

    def set_at(self, data: bytes) -> None:
        """Answer MSE:Set AT (P1-P2 81A4): the terminal's key; with an ephemeral key, version 2."""
        doing = Reason("MSE:Set AT for {what}", what=_WHAT)
        self._selected = None
        with refusing(SW.INCORRECT_DATA, doing):
            objects = tlv.read_all(data, doing)
            reference = read_reference(objects.one(_REFERENCE))
            selected = self._select(objects, reference, doing)
        self._selected = selected

    def challenge(self) -> bytes:
        """Return a new r_IC (8 octets) for GET CHALLENGE; it is valid for one attempt."""
        self._r_ic = self._random(NONCE_SIZE)
        return self._r_ic

    def authenticate(self, signature: bytes) -> Chat:
        """Answer EXTERNAL AUTHENTICATE, once in a session: return the terminal's authorization.

        In version 2 it is `effective` only after Chip Authentication with `compressed_key`.
        """
        doing = Reason("EXTERNAL AUTHENTICATE for {what}", what=_WHAT)
        r_ic, self._r_ic = self._r_ic, None
        selected, self._selected = self._selected, None
        if self._authorization is not None:
            raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
        if selected is None or r_ic is None:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        compressed_key = selected.compressed_key or self._session_key
        if compressed_key is None:  # no session to bind the rights to
            raise ChipRefusalError(SW.SECURITY_STATUS_NOT_SATISFIED, doing)
        message = signed_message(self._id_ic, r_ic, compressed_key, selected.auxiliary)
        with refusing(SW.AUTHENTICATION_FAILED, doing):
            selected.key.key.verify(signature, message)
        authorization = selected.key.authorization
        if self._confined is not None:
            with refusing(SW.CONDITIONS_NOT_SATISFIED, doing):
                authorization = authorization.restrict(self._confined)
        if selected.auxiliary:
            with refusing(SW.INCORRECT_DATA, doing):
                self.auxiliary = read_auxiliary_data(selected.auxiliary)
        self._authorization = authorization
        self.compressed_key = compressed_key
        return authorization

    def _temporary(self, reference: str) -> ImportedKey | None:
        """Return the key imported last if it has this reference."""
        found = self._imported
        return found if found is not None and found.reference == reference else None

    def _select(self, objects: DataObjects, reference: str, doing: str) -> "_Selected":
        key = self._temporary(reference)
        if key is None:
            raise ChipRefusalError(SW.REFERENCED_DATA_NOT_FOUND, doing)
        if key.role is not Role.TERMINAL:
            raise ChipRefusalError(SW.CONDITIONS_NOT_SATISFIED, doing)
        protocol = objects.get(_PROTOCOL)
        if protocol is None:
            return _Selected(key)
        if der.read_oid_value(protocol.value, doing) != key.key.oid:
            raise ChipRefusalError(SW.INCORRECT_DATA, doing)
        auxiliary = objects.get(_AUXILIARY_DATA)
        return _Selected(
            key,
            objects.one(_COMPRESSED_KEY).value,
            b"" if auxiliary is None else tlv.encode(_AUXILIARY_DATA, auxiliary.value),
        )


class _Selected(msgspec.Struct, frozen=True):
    """The selection of MSE:Set AT; `compressed_key` and `auxiliary` only in version 2."""

    key: ImportedKey
    compressed_key: bytes | None = None
    auxiliary: bytes = b""
