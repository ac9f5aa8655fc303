"""The validation of card-verifiable certificates by a chip (Doc 9303-11, 7.1.4.3).

States are immutable: a validation returns a new state, or raises `ProtocolError`.  The chip stores
`TrustState` permanently and imported keys for one session.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec
from msgspec.structs import replace

from emrtd import tlv
from emrtd.crypto.signatures import RsaPublicKey
from emrtd.errors import ProtocolError
from emrtd.pki.cvc.authorization import Chat, Role
from emrtd.pki.cvc.certificates import CERTIFICATE, CvCertificate, encode_date, read_date
from emrtd.pki.cvc.keys import PUBLIC_KEY, CvPublicKey
from emrtd.tlv import DataObject
from support.errors import MalformedError, MisuseError
from support.reasons import Reason

MAX_TRUST_POINTS: Final = 2
"""The most trust points that a chip keeps enabled (7.1.4.3.2)."""

_WHAT: Final = "trust points"
_STATE: Final = 0xE0
_TRUST_POINT: Final = 0xE5
_CURRENT_DATE: Final = 0xC6


class ImportedKey(msgspec.Struct, frozen=True):
    """A validated key, with its certificate (7.1.4.3.7).

    `authorization` has the role of the certificate and the rights of the whole chain.
    """

    certificate: CvCertificate
    key: CvPublicKey
    authorization: Chat

    @property
    def reference(self) -> str:
        """The certificate holder reference."""
        return self.certificate.holder_reference

    @property
    def role(self) -> Role:
        """Who the holder is."""
        return self.authorization.role


class TrustState(msgspec.Struct, frozen=True):
    """The trust points of one application, most recent first, and the chip's current date.

    `current_date` is None if the chip has never received a date.
    """

    trust_points: tuple[ImportedKey, ...] = ()
    current_date: date | None = None

    @classmethod
    def initial(
        cls, certificates: Iterable[CvCertificate], current_date: date | None
    ) -> "TrustState":
        """Return the state after personalisation (7.1.4.3.1), from certificates of a CVCA.

        A certificate without domain parameters is a link certificate; its issuer must be among the
        others.
        """
        certificates = tuple(certificates)
        points = tuple(_trust_point(each, certificates) for each in certificates)
        return cls(_most_recent(points), current_date)

    @property
    def references(self) -> tuple[str, ...]:
        """The references in EF.CVCA and in PACE, the most recent first."""
        return tuple(point.reference for point in self.trust_points)

    def find(self, reference: str) -> ImportedKey | None:
        """Return the trust point with this reference, or None."""
        return next((each for each in self.trust_points if each.reference == reference), None)

    def encode(self) -> bytes:
        """Encode as E0 { E5 { 7F21, 7F49 with domain parameters }, ..., C6 date }."""
        points = (
            tlv.encode(_TRUST_POINT, point.certificate.encode(), point.key.encode())
            for point in self.trust_points
        )
        day = b"" if self.current_date is None else encode_date(_CURRENT_DATE, self.current_date)
        return tlv.encode(_STATE, *points, day)

    @classmethod
    def decode(cls, octets: bytes) -> "TrustState":
        """Decode what `encode` writes."""
        fields = tlv.read_expected(octets, _STATE, _WHAT).children()
        points = tuple(map(_read_point, fields.all(_TRUST_POINT)))
        day = fields.get(_CURRENT_DATE)
        return cls(points, None if day is None else read_date(day))

    def validate(
        self, certificate: CvCertificate, issuer: ImportedKey
    ) -> "tuple[TrustState, ImportedKey]":
        """Validate a certificate with its issuer's key, and import its key (7.1.4.3.4).

        `issuer` is a trust point, or the key imported last.  Returns the new state and the imported
        key; raises `ProtocolError` if the certificate is not valid.
        """
        self._check(certificate, issuer)
        certificate.verify(issuer.key)
        imported = ImportedKey(
            certificate,
            certificate.key_under(issuer.key),
            certificate.chat.restrict(issuer.authorization),
        )
        _check_key(imported, issuer)
        state = self
        if certificate.role is not Role.TERMINAL or issuer.role is Role.DV_DOMESTIC:  # accurate
            latest = max(self.current_date or date.min, certificate.effective)
            state = replace(state, current_date=latest)
        if certificate.role is Role.CVCA:
            state = replace(state, trust_points=_most_recent((imported, *self.trust_points)))
        return state, imported

    def _check(self, certificate: CvCertificate, issuer: ImportedKey) -> None:
        """Check everything but the signature."""
        name = Reason(
            "certificate of {holder_reference}", holder_reference=certificate.holder_reference
        )
        if certificate.authority_reference != issuer.reference:
            raise ProtocolError(
                Reason(
                    "{name}: {reference} did not issue it", name=name, reference=issuer.reference
                )
            )
        if certificate.chat.terminal_type != issuer.authorization.terminal_type:
            raise ProtocolError(
                Reason("{name}: it is for another type of terminal than its issuer", name=name)
            )
        if certificate.role not in _MAY_ISSUE[issuer.role]:
            raise ProtocolError(
                Reason(
                    "{name}: a {role} may not certify this role", name=name, role=issuer.role.name
                )
            )
        if self.find(certificate.holder_reference) is not None:
            raise ProtocolError(Reason("{name}: the reference is that of a trust point", name=name))
        if certificate.expiration < certificate.effective:
            raise ProtocolError(Reason("{name}: it expires before it is effective", name=name))
        if certificate.role is Role.CVCA:
            return  # link certificates do not expire
        today = self.current_date or date.min
        if certificate.expiration < today:
            raise ProtocolError(
                Reason(
                    "{name}: it expired on {expiration}",
                    name=name,
                    expiration=certificate.expiration,
                )
            )
        if issuer.role is Role.CVCA and issuer.certificate.expiration < today:
            raise ProtocolError(Reason("{name}: its trust point has expired", name=name))


_MAY_ISSUE: Final = {
    Role.CVCA: frozenset({Role.CVCA, Role.DV_DOMESTIC, Role.DV_FOREIGN}),
    Role.DV_DOMESTIC: frozenset({Role.TERMINAL}),
    Role.DV_FOREIGN: frozenset({Role.TERMINAL}),
    Role.TERMINAL: frozenset[Role](),
}
"""The roles that each role may certify."""


def find_chain(
    certificates: Iterable[CvCertificate], references: Iterable[str], terminal: str
) -> tuple[CvCertificate, ...]:
    """Return the certificates to send to a chip with these trust points, for a terminal's key.

    They are in order: link certificates, Document Verifier, terminal.  Of several chains, the one
    from the reference that the chip names first is chosen.  Raises `MisuseError` if there is none.
    """
    known = tuple(certificates)
    for reference in references:
        chain = _path(known, reference, terminal)
        if chain is not None:
            return chain
    raise MisuseError(f"no certificates lead from the chip's trust points to {terminal}")


def _path(
    known: tuple[CvCertificate, ...], reference: str, terminal: str
) -> tuple[CvCertificate, ...] | None:
    """Return the chain from a certificate that the reference signed to the terminal's, or None."""
    chain: tuple[CvCertificate, ...] = ()
    wanted = terminal
    while wanted != reference:
        found = [
            each
            for each in known
            if each.holder_reference == wanted and not each.is_self_signed and each not in chain
        ]
        if not found:
            return None
        latest = max(
            found, key=lambda each: (each.authority_reference == reference, each.expiration)
        )
        chain = (latest, *chain)
        wanted = latest.authority_reference
    return chain


def _most_recent(points: tuple[ImportedKey, ...]) -> tuple[ImportedKey, ...]:
    """Return the trust points that stay enabled: those with the latest effective dates."""
    ordered = sorted(points, key=lambda point: point.certificate.effective, reverse=True)
    return tuple(ordered[:MAX_TRUST_POINTS])


def _trust_point(certificate: CvCertificate, others: tuple[CvCertificate, ...]) -> ImportedKey:
    if certificate.role is not Role.CVCA:
        raise MisuseError(f"{certificate.holder_reference} is not the certificate of a CVCA")
    key = certificate.public_key
    if key.key is None:
        issuer = next(
            (each for each in others if each.holder_reference == certificate.authority_reference),
            None,
        )
        key = key.inherit(issuer.public_key.curve if issuer else None)
    return ImportedKey(certificate, key, certificate.chat)


def _read_point(data_object: DataObject) -> ImportedKey:
    fields = data_object.children()
    certificate = CvCertificate.decode(tlv.encode(CERTIFICATE, fields.one(CERTIFICATE).value))
    key = CvPublicKey.read(fields.one(PUBLIC_KEY))
    if key.key is None:
        raise MalformedError(_WHAT, "a trust point has no domain parameters")
    return ImportedKey(certificate, key, certificate.chat)


def _check_key(imported: ImportedKey, issuer: ImportedKey) -> None:
    """Check that a key has the algorithm, size and domain parameters of its issuer's key.

    Only a CVCA may change them (Doc 9303-12, 4.2.1).
    """
    name, scheme = (
        Reason("certificate of {reference}", reference=imported.reference),
        imported.key.scheme,
    )
    if imported.role is Role.CVCA:
        return
    if scheme != issuer.key.scheme:
        raise ProtocolError(
            Reason("{name}: its key is for another algorithm than its issuer's", name=name)
        )
    if imported.key.curve != issuer.key.curve:
        raise ProtocolError(
            Reason("{name}: its key has other domain parameters than its issuer's", name=name)
        )
    if _modulus_bits(imported.key) != _modulus_bits(issuer.key):
        raise ProtocolError(Reason("{name}: its key has another size than its issuer's", name=name))


def _modulus_bits(key: CvPublicKey) -> int:
    """Return the size of an RSA key; 0 for an EC key, whose domain parameters define it."""
    return key.key.n.bit_length() if isinstance(key.key, RsaPublicKey) else 0
