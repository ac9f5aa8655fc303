"""CMS SignedData (RFC 5652, 5), as EF.SOD, EF.CardSecurity, Master and Deviation Lists use it.

Reading accepts encodings that are not DER (indefinite lengths, NULL parameters) and names them as
quirks.  A signature is verified over the octets as they were signed.  The fields that CMS does not
sign (versions, digest algorithms, the set of certificates) are checked by `inconsistencies`, so
that a change of any octet is detected.
"""

from typing import Any, Final

import msgspec

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_integer, read_oid
from emrtd.crypto.algorithm_identifiers import read_hash
from emrtd.crypto.hashes import Hash
from emrtd.pki.cms.signer_info import SignerInfo
from emrtd.pki.quirks import Quirk
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError
from support.reasons import Reason

ID_DATA: Final = "1.2.840.113549.1.7.1"
ID_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"

MAX_SIGNERS: Final = 16
MAX_CERTIFICATES: Final = 64
MAX_ON_CHIP: Final = 64 * 1024
"""The longest signed elementary file, in octets; those of States have 1,000 to 3,000."""
MAX_LIST: Final = 32 * 1024 * 1024
"""The longest signed list, in octets; the largest of States have 1,000,000."""


class SignedData(msgspec.Struct, frozen=True):
    """A SignedData with its content.  `der` is the ContentInfo as it was read."""

    der: bytes
    version: int
    digest_algorithms: tuple[Hash, ...]
    content_type: str
    content: bytes
    certificates: tuple[Certificate, ...]
    crls: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    tolerated: frozenset[Quirk]

    def __repr__(self) -> str:
        return f"SignedData({self.content_type}, {len(self.der)} octets)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # the one of msgspec shows every field
        return []

    @classmethod
    def parse(cls, octets: bytes, what: str = "SignedData", most: int = MAX_LIST) -> "SignedData":
        """Read a ContentInfo of type id-signedData, of at most `most` octets, with nothing behind.

        Raises `MalformedError`, whose `what` is the given name.
        """
        if len(octets) > most:
            raise MalformedError(
                what,
                Reason(
                    "has {octets} octets, more than {most}",
                    octets=f"{len(octets):,}",
                    most=f"{most:,}",
                ),
            )
        try:
            return _parse(octets, octets, what, frozenset())
        except MalformedError:
            definite = ber.definite(octets, what)
            if definite is octets:
                raise
        return _parse(octets, definite, what, frozenset({Quirk.INDEFINITE_LENGTH}))

    def read_content(self, content_type: str, what: str) -> ber.Value:
        """Read content of this type; raises `MalformedError`, whose `what` is the given name."""
        if self.content_type != content_type:
            raise MalformedError(
                what, Reason("signs content of type {content_type}", content_type=self.content_type)
            )
        return ber.read(self.content, what)

    def certificate_of(self, signer: SignerInfo) -> Certificate | None:
        """Return the enclosed certificate that a signer names, at any position, or None."""
        return next((each for each in self.certificates if signer.names(each)), None)

    @property
    def country(self) -> str | None:
        """The country of the signer's issuer, in upper case.

        It is taken from the enclosed certificate that the signer names, and from no other, since
        the signature does not cover the order of certificates.
        """
        signer = self.signers[0]
        if signer.issuer is not None:
            return signer.issuer.country
        return next(
            (
                each.issuer.country
                for each in self.certificates
                if each.extensions.subject_key_identifier == signer.key_identifier
            ),
            None,
        )

    @property
    def inconsistencies(self) -> tuple[str, ...]:
        """The inconsistencies in the fields that no signature covers, one sentence each."""
        return tuple(_inconsistencies(self))


def _inconsistencies(data: SignedData) -> list[str]:
    found: list[str] = []
    if data.version != 3:  # Doc 9303-10, 4.6.2.2; CN too, whose content is id-data (RFC 5652: 1)
        found.append(Reason("SignedData has version {version} instead of 3", version=data.version))
    for signer in data.signers:
        version = 1 if signer.key_identifier is None else 3  # RFC 5652, 5.3
        if signer.version != version:
            found.append(
                Reason(
                    "SignerInfo has version {version} instead of {version2}",
                    version=signer.version,
                    version2=version,
                )
            )
        if signer.digest not in data.digest_algorithms:
            found.append(
                Reason(
                    "the signer's {digest} is not among the digest algorithms", digest=signer.digest
                )
            )
    if data.crls:
        found.append("revocation lists are enclosed, which Doc 9303 forbids")
    return found


def _parse(octets: bytes, definite: bytes, what: str, quirks: frozenset[Quirk]) -> SignedData:
    whole = ber.read(definite, what)
    info = whole.expect(der.SEQUENCE).children
    if len(info) != 2 or read_oid(info[0]) != ID_SIGNED_DATA:
        raise whole.malformed("is not a SignedData")
    bodies = info[1].expect(0xA0).children
    if len(bodies) != 1:
        raise info[1].malformed("does not hold exactly one SignedData")
    fields = list(bodies[0].expect(der.SEQUENCE).children)
    if len(fields) < 4:
        raise bodies[0].malformed("SignedData lacks fields")
    version, digests, encapsulated = read_integer(fields[0]), fields[1], fields[2]
    content_type, content = _read_content(encapsulated)
    certificates: tuple[ber.Value, ...] = ()
    crls: tuple[ber.Value, ...] = ()
    rest = fields[3:-1]
    if rest and rest[0].tag == 0xA0:
        certificates = rest.pop(0).children
    if rest and rest[0].tag == 0xA1:
        crls = rest.pop(0).children
    if rest:
        raise rest[0].malformed("SignedData has a field too many")
    signers = fields[-1].expect(der.SET).children
    if len(certificates) > MAX_CERTIFICATES or not 1 <= len(signers) <= MAX_SIGNERS:
        raise bodies[0].malformed(
            Reason(
                "{count} signers and {count2} certificates",
                count=len(signers),
                count2=len(certificates),
            )
        )
    infos = tuple([SignerInfo.read(each) for each in signers])
    for signer in infos:
        quirks |= signer.tolerated
    if not whole.source.is_der:  # certificates record their own quirks
        quirks |= {Quirk.LONG_LENGTH}
    return SignedData(
        der=octets,
        version=version,
        digest_algorithms=tuple([read_hash(each) for each in digests.expect(der.SET).children]),
        content_type=content_type,
        content=content,
        certificates=tuple([Certificate.parse(each.encoded) for each in certificates]),
        crls=tuple([each.expect(der.SEQUENCE).encoded for each in crls]),
        signers=infos,
        tolerated=quirks,
    )


def _read_content(value: ber.Value) -> tuple[str, bytes]:
    fields = value.expect(der.SEQUENCE).children
    if len(fields) != 2:
        raise value.malformed("no content is enclosed")
    wrapped = fields[1].expect(0xA0).children
    if len(wrapped) != 1:
        raise fields[1].malformed("does not hold exactly one OCTET STRING")
    if wrapped[0].tag == 0x24:  # constructed, of definite length
        return read_oid(fields[0]), b"".join(
            segment.expect(der.OCTET_STRING).contents for segment in wrapped[0].children
        )
    return read_oid(fields[0]), wrapped[0].expect(der.OCTET_STRING).contents
