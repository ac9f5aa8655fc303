"""Bundles of certificates and CRLs: CMS that nobody signed (RFC 5652, 5.2.1; RFC 8551, 3.8).

These are the files `.p7c` and `.p7b`.  No signature covers a bundle: each certificate and CRL in it
is verified by itself.
"""

from emrtd.asn1 import ber, der
from emrtd.asn1.structures import read_oid
from emrtd.pki.cms.signed_data import ID_DATA, ID_SIGNED_DATA, MAX_LIST
from support.errors import MalformedError

_CERTIFICATES, _CRLS = 0xA0, 0xA1


def read_bundle(octets: bytes, what: str) -> tuple[bytes, ...] | None:
    """Return the certificates and CRLs (encoded) of a SignedData without signers, in order.

    Returns None if it has signers or signs other content than data; it is then not a bundle.
    Raises `MalformedError`, whose `what` is the given name, if it is no SignedData of at most
    `MAX_LIST` octets.
    """
    if len(octets) > MAX_LIST:
        raise MalformedError(what, f"has {len(octets):,} octets, more than {MAX_LIST:,}")
    whole = ber.read(ber.definite(octets, what), what)
    info = whole.expect(der.SEQUENCE).children
    if len(info) != 2 or read_oid(info[0]) != ID_SIGNED_DATA:
        raise whole.malformed("is not a SignedData")
    bodies = info[1].expect(0xA0).children
    fields = bodies[0].expect(der.SEQUENCE).children if len(bodies) == 1 else ()
    if len(fields) < 4:
        raise whole.malformed("SignedData lacks fields")
    content = fields[2].expect(der.SEQUENCE).children
    if not content or read_oid(content[0]) != ID_DATA:
        return None
    if fields[-1].expect(der.SET).start != fields[-1].end:
        return None
    return tuple(
        each.encoded
        for sets in fields[3:-1]
        if sets.tag in {_CERTIFICATES, _CRLS}
        for each in sets.children
    )
