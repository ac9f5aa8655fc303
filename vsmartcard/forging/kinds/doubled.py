"""An EF.SOD that has a part twice, so that one reader verifies what another one reads.

Nobody has signed these: the genuine part is kept beside the forged one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.hashes import Hash
from emrtd.lds.files import FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.cms.signer_info import ID_MESSAGE_DIGEST
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.kinds.security_objects import (
    ATTRIBUTES,
    SIGNED,
    ec_key_of,
    rewritten,
    with_sod,
)
from vsmartcard.forging.making import Draft, draft, own_authority, trusted_state
from vsmartcard.forging.surgery import (
    CERTIFICATES,
    CONTENT,
    Fields,
    changed,
    content_of,
    fields_of,
    parts_of,
    signed_data,
    signer_of,
    with_signers,
    with_tag,
)

KINDS: Final = Kinds(Family.SECURITY_OBJECT)

_SIGNATURE: Final = "sod.signature"


def _beside(name_: str, gain: str, operate: Callable[[Forger, Fields, Fields], Fields]) -> None:
    """Add a kind; `operate` receives the fields with the impostor's hashes, and the others."""

    def make(forger: Forger) -> Forged:
        genuine = fields_of(forger.victim.signed_data)
        fields = operate(forger, rewritten(forger), genuine)
        return with_sod(forger, with_tag(signed_data(fields)))

    KINDS.add(name_, gain, _SIGNATURE, make)


# --- content -------------------------------------------------------------------------------------


def _content(fields: Fields, *enclosed: bytes) -> Fields:
    """Return the fields with these values behind the type of the content."""
    kind = parts_of(fields[CONTENT])[0]
    return [*fields[:CONTENT], der.sequence(kind, *enclosed), *fields[CERTIFICATES:]]


def _enclosed(fields: Fields) -> bytes:
    return parts_of(fields[CONTENT])[1]


def _segments(fields: Fields, *contents: bytes) -> Fields:
    """Return the fields with a constructed OCTET STRING of BER as content."""
    string = tlv.encode(0x24, *map(der.octet_string, contents))
    return _content(fields, tlv.encode(0xA0, string))


_beside(
    "sod.two-contents",
    "a reader that reads the first content and digests the second",
    lambda _, forged, genuine: _content(forged, _enclosed(forged), _enclosed(genuine)),
)
_beside(
    "sod.two-content-fields",
    "a reader that reads the last content and digests the first",
    lambda _, forged, genuine: [
        *genuine[: CONTENT + 1],
        forged[CONTENT],
        *genuine[CERTIFICATES:],
    ],
)
_beside(
    "sod.segments",
    "a reader that reads the first segment of a content and digests the last",
    lambda _, forged, genuine: _segments(genuine, content_of(forged), content_of(genuine)),
)


# --- signed attributes ---------------------------------------------------------------------------


def _digest(forger: Forger, fields: Fields) -> bytes:
    digest: Hash = forger.victim.sod.signed_data.signers[0].digest
    return der.octet_string(digest.digest(content_of(fields)))


def _attribute(*digests: bytes) -> bytes:
    return der.sequence(der.oid(ID_MESSAGE_DIGEST), tlv.encode(der.SET, *digests))


def _two_digests(forger: Forger, forged: Fields, genuine: Fields) -> Fields:
    both = _attribute(_digest(forger, genuine), _digest(forger, forged))

    def change(attributes: bytes) -> bytes:
        marker = der.oid(ID_MESSAGE_DIGEST)
        return tlv.encode(
            0xA0, *(both if marker in each else each for each in parts_of(attributes))
        )

    return with_signers(forged, changed(signer_of(forged), ATTRIBUTES, change))


def _two_attribute_sets(forger: Forger, forged: Fields, _: Fields) -> Fields:
    parts = parts_of(signer_of(forged))
    more = tlv.encode(0xA0, _attribute(_digest(forger, forged)))
    parts.insert(ATTRIBUTES, more)
    return with_signers(forged, tlv.encode(der.SEQUENCE, *parts))


def _unsigned_digest(forger: Forger, forged: Fields, _: Fields) -> Fields:
    more = tlv.encode(0xA1, _attribute(_digest(forger, forged)))
    return with_signers(forged, tlv.encode(der.SEQUENCE, *parts_of(signer_of(forged)), more))


_beside("sod.two-digests", "a reader that compares with any value of an attribute", _two_digests)
_beside(
    "sod.two-attribute-sets",
    "a reader that verifies the last attributes and reads the first",
    _two_attribute_sets,
)
_beside(
    "sod.unsigned-digest",
    "a reader that looks for the message digest among unsigned attributes too",
    _unsigned_digest,
)


# --- signatures with one number of the State's ---------------------------------------------------


def _numbers(name_: str, gain: str, change: Callable[[bytes, bytes, int], bytes]) -> None:
    """Add a kind; `change` receives r and s of the victim's signature, encoded, and the order."""

    def operate(forger: Forger, forged: Fields, _: Fields) -> Fields:
        order = ec_key_of(forger).curve.n
        signature = tlv.read_expected(parts_of(signer_of(forged))[SIGNED], 0x04, "signature")
        first, second = parts_of(signature.value)
        value = der.octet_string(change(first, second, order))
        return with_signers(forged, changed(signer_of(forged), SIGNED, lambda _: value))

    _beside(name_, gain, operate)


_numbers(
    "sod.zero-s",
    "a reader whose ECDSA looks at r alone for zero",
    lambda first, _second, _order: der.sequence(first, der.integer(0)),
)
_numbers(
    "sod.zero-r",
    "a reader whose ECDSA looks at s alone for zero",
    lambda _first, second, _order: der.sequence(der.integer(0), second),
)
_numbers(
    "sod.ones",
    "a reader whose ECDSA is content with r = s = 1",
    lambda *_: der.sequence(der.integer(1), der.integer(1)),
)


# --- lists of hashes, signed by somebody who did not look -----------------------------------------


def _list(
    name_: str, gain: str, check: str, change: Callable[[Draft, list[bytes]], list[bytes]]
) -> None:
    """Add a kind with another list of hashes, by a signer of the forger's own State."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        signer, made = authority.signer(), draft(forger)
        whole = made.signed(signer, trusted=trusted_state(authority))
        content = changed(
            made.security_object.encode(),
            2,
            lambda listed: der.sequence(*change(made, parts_of(listed))),
        )
        signed = build_signed_data(
            LDS_SECURITY_OBJECT,
            content,
            signer.key,
            signer.certificate,
            Hash.SHA256,
            made.signed_at,
        )
        return replace(whole, files={**whole.files, FileID.SOD: with_tag(signed)})

    KINDS.add(name_, gain, check, make)


def _hash(number: int, octets: bytes) -> bytes:
    return der.sequence(der.integer(number), der.octet_string(octets))


_list(
    "sod.listed-twice",
    "a second DG1, in a reader that compares with any hash of the number",
    _SIGNATURE,
    lambda _, listed: [_hash(1, bytes(32)), *listed],
)
_list(
    "sod.wide-number",
    "a data group 257 in the place of DG1, in a reader that keeps eight bits",
    _SIGNATURE,
    lambda made, listed: [_hash(257, made.hash.digest(made.groups[1])), *listed[1:]],
)
_list(
    "sod.empty-hash",
    "any DG1, in a reader that compares as many octets as there are",
    "dg.hash.DG1",
    lambda _, listed: [_hash(1, b""), *listed[1:]],
)
_list(
    "sod.longer-hash",
    "free octets in a list, in a reader that compares as many as it computed",
    "dg.hash.DG1",
    lambda made, listed: [_hash(1, made.hash.digest(made.groups[1]) + b"\0"), *listed[1:]],
)
