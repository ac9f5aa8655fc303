"""CMS SignedData of any length, read forwards: its content goes to a sink while it is hashed.

`emrtd.pki.cms.signed_data` reads EF.SOD and the signed lists, which are short and stay in memory.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from emrtd.asn1 import ber, der
from emrtd.asn1.stream import BerStream, Readable
from emrtd.asn1.structures import read_oid
from emrtd.crypto.algorithm_identifiers import UnknownAlgorithmError, read_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import VerifyingKey
from emrtd.errors import ProtocolError
from emrtd.pki.cms.signed_data import ID_SIGNED_DATA, MAX_CERTIFICATES, MAX_SIGNERS
from emrtd.pki.cms.signer_info import SignerInfo
from emrtd.pki.x509.certificates import Certificate
from support.errors import MalformedError

_WHAT: Final = "SignedData"


@dataclass(frozen=True, slots=True)
class SignedStream:
    """A SignedData whose content was passed on.

    `content_type` is a dotted object identifier, `digests` holds the digest of the content for each
    algorithm that the SignedData announces, `crls` the enclosed revocation lists as encoded.
    """

    content_type: str
    digests: Mapping[Hash, bytes] = field(repr=False)
    certificates: tuple[Certificate, ...]
    crls: tuple[bytes, ...] = field(repr=False)
    signers: tuple[SignerInfo, ...]

    def verify(self, signer: SignerInfo, key: VerifyingKey) -> None:
        """Verify one signature over the content; raises `ProtocolError` if it is wrong."""
        digest = self.digests.get(signer.digest)
        if digest is None:
            raise ProtocolError(f"{signer.digest} is not among the announced digest algorithms")
        signer.verify_digest(self.content_type, digest, key)


def read_signed_stream(
    source: Readable, sink: Callable[[bytes], object], what: str = _WHAT
) -> SignedStream:
    """Read a SignedData, whole and with nothing behind; pass its content to `sink` in parts.

    Raises `MalformedError`, also if the SignedData is detached: holds no content.
    """
    stream = BerStream(source, what)
    stream.enter(der.SEQUENCE)
    if read_oid(ber.read(stream.value(), what)) != ID_SIGNED_DATA:
        raise stream.malformed("is not a SignedData")
    stream.enter(0xA0)
    stream.enter(der.SEQUENCE)
    stream.value()  # version
    hashing = {}
    for each in ber.read(stream.value(), what).expect(der.SET).children:
        with suppress(UnknownAlgorithmError):
            algorithm = read_hash(each)
            hashing[algorithm] = algorithm.begin()
    stream.enter(der.SEQUENCE)
    content_type = read_oid(ber.read(stream.value(), what))
    if stream.next_tag() is None:
        raise MalformedError(
            what, "is a signature without the content", advice="sign with `-nodetach`"
        )
    stream.enter(0xA0)
    for part in stream.contents(der.OCTET_STRING, 0x24):
        for each_hash in hashing.values():
            each_hash.update(part)
        sink(part)
    stream.leave()
    stream.leave()
    certificates: tuple[Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    if stream.next_tag() == 0xA0:
        certificates = _read_certificates(ber.read(stream.value(), what))
    if stream.next_tag() == 0xA1:
        enclosed = ber.read(stream.value(), what).children
        crls = tuple([each.encoded for each in enclosed if each.tag == der.SEQUENCE])
    infos = ber.read(stream.value(), what).expect(der.SET).children
    if not 1 <= len(infos) <= MAX_SIGNERS:
        raise stream.malformed(f"{len(infos)} signers")
    for _ in range(3):
        stream.leave()
    stream.finish()
    return SignedStream(
        content_type,
        {algorithm: each.digest() for algorithm, each in hashing.items()},
        certificates,
        crls,
        tuple([SignerInfo.read(each) for each in infos]),
    )


def _read_certificates(value: ber.Value) -> tuple[Certificate, ...]:
    """Read the enclosed certificates; other kinds, and those that cannot be read, are left out."""
    found = []
    for each in value.children[:MAX_CERTIFICATES]:
        if each.tag == der.SEQUENCE:
            with suppress(MalformedError):
                found.append(Certificate.parse(each.encoded))
    return tuple(found)
