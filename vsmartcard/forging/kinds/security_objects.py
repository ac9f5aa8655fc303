"""An EF.SOD that was taken apart, and put together for data groups that its State did not sign."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import EcPublicKey
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT, SecurityObject
from emrtd.pki.cms.signed_data import ID_DATA
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.cms.signer_info import ID_MESSAGE_DIGEST
from support.errors import MisuseError
from vsmartcard.forging.authority import DAY, Signer
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.making import (
    mrz_with,
    own_authority,
    trusted_state,
    with_files,
)
from vsmartcard.forging.surgery import (
    CERTIFICATES,
    CONTENT,
    Fields,
    changed,
    content_of,
    fields_of,
    flipped,
    operated,
    parts_of,
    signed_data,
    signer_of,
    with_content,
    with_signers,
    with_tag,
)

KINDS: Final = Kinds(Family.SECURITY_OBJECT)

_SIGNATURE: Final = "sod.signature"
_CHAIN: Final = "ds.chain"
_HMAC_SHA256: Final = "1.2.840.113549.2.9"
_MD5: Final = "1.2.840.113549.2.5"
SIGNER_ID, DIGEST, ATTRIBUTES, ALGORITHM, SIGNED = range(1, 6)
"""The fields of a SignerInfo with signed attributes; the first one is its version."""


def impostor(forger: Forger) -> bytes:
    """Return a DG1 with another name."""
    mrz = mrz_with(forger.victim.mrz, surname="Impostor", given_names="Ima")
    return DataGroup1(mrz).encode()


def impostors_object(forger: Forger) -> SecurityObject:
    """Return the LDS security object of the victim's data groups with the impostor's DG1."""
    genuine = forger.victim.sod.security_object
    groups = forger.victim.groups | {1: impostor(forger)}
    return SecurityObject.over(
        groups, genuine.hash_algorithm, genuine.lds_version, genuine.unicode_version
    )


def with_sod(
    forger: Forger,
    sod: bytes,
    *,
    trusted: tuple[bytes, ...] = (),
    poison: tuple[bytes, ...] = (),
) -> Forged:
    """Return the victim's document with the impostor's DG1, and another EF.SOD."""
    changes: dict[FileID, bytes | None] = {FileID.DG1: impostor(forger), FileID.SOD: sod}
    return with_files(forger, changes, trusted=trusted, poison=poison)


def signed_by(
    forger: Forger,
    signer: Signer,
    content: bytes | None = None,
    *,
    by_key_identifier: bool = False,
) -> bytes:
    """Return the ContentInfo of the impostor's document, signed by anybody."""
    made = impostors_object(forger)
    return build_signed_data(
        LDS_SECURITY_OBJECT,
        made.encode() if content is None else content,
        signer.key,
        signer.certificate,
        Hash.SHA256,
        forger.at - 10 * DAY,
        by_key_identifier=by_key_identifier,
    )


def by(forger: Forger, signer: Signer, *, by_key_identifier: bool = False) -> Forged:
    """Return the impostor's document, signed by anybody."""
    signed = signed_by(forger, signer, by_key_identifier=by_key_identifier)
    return with_sod(forger, with_tag(signed))


def rewritten(forger: Forger) -> Fields:
    """Return the fields of the victim's EF.SOD with the hashes of the impostor's document."""
    fields = fields_of(forger.victim.signed_data)
    return with_content(fields, impostors_object(forger).encode())


def digested(signer: bytes, content: bytes, digest: Hash) -> bytes:
    """Return a SignerInfo whose message digest is that of other content."""

    def again(attributes: bytes) -> bytes:
        marker = der.oid(ID_MESSAGE_DIGEST)
        value = der.sequence(marker, der.set_of(der.octet_string(digest.digest(content))))
        parts = [value if marker in each else each for each in parts_of(attributes)]
        return tlv.encode(0xA0, *sorted(parts))

    return changed(signer, ATTRIBUTES, again)


def _add(name_: str, gain: str, check: str, operate: Callable[[Forger, Fields], Fields]) -> None:
    """Add a kind that changes the fields of an EF.SOD with the impostor's hashes."""

    def make(forger: Forger) -> Forged:
        return with_sod(forger, with_tag(signed_data(operate(forger, rewritten(forger)))))

    KINDS.add(name_, gain, check, make)


def _in_signer(
    index: int, change: Callable[[Forger, bytes], bytes]
) -> Callable[[Forger, Fields], Fields]:
    """Return an operation on one field of a SignerInfo that has the right message digest."""

    def operate(forger: Forger, fields: Fields) -> Fields:
        digest = forger.victim.sod.signed_data.signers[0].digest
        signer = digested(signer_of(fields), content_of(fields), digest)
        return with_signers(fields, changed(signer, index, lambda value: change(forger, value)))

    return operate


# --- without a key -------------------------------------------------------------------------------


@KINDS.kind("sod.removed", "data groups that no State has signed", _SIGNATURE)
def _removed(forger: Forger) -> Forged:
    return with_files(forger, {FileID.DG1: impostor(forger), FileID.SOD: None})


@KINDS.kind("sod.empty", "a reader that takes an empty EF.SOD for none", _SIGNATURE)
def _empty(forger: Forger) -> Forged:
    return with_sod(forger, with_tag(b""))


@KINDS.kind("sod.cut", "a reader that goes on without what it cannot read", _SIGNATURE)
def _cut(forger: Forger) -> Forged:
    return with_sod(forger, forger.victim.file(FileID.SOD)[:-40])


_add(
    "sod.hashes",
    "a reader that compares hashes and verifies no signature",
    _SIGNATURE,
    lambda _, fields: fields,
)
_add(
    "sod.message-digest",
    "a reader that compares the message digest and verifies no signature",
    _SIGNATURE,
    _in_signer(SIGNED, lambda _, value: value),
)
_add(
    "sod.no-attributes",
    "a reader that verifies nothing where there are no signed attributes",
    _SIGNATURE,
    lambda _, fields: with_signers(
        fields,
        tlv.encode(
            der.SEQUENCE, *(each for each in parts_of(signer_of(fields)) if each[0] != 0xA0)
        ),
    ),
)
_add(
    "sod.no-signer",
    "a reader that is content if no signature is wrong",
    _SIGNATURE,
    lambda _, fields: with_signers(fields),
)
_add(
    "sod.no-message-digest",
    "a reader that compares the message digest only if there is one",
    _SIGNATURE,
    lambda _, fields: with_signers(
        fields,
        changed(
            signer_of(fields),
            ATTRIBUTES,
            lambda value: tlv.encode(
                0xA0, *(each for each in parts_of(value) if der.oid(ID_MESSAGE_DIGEST) not in each)
            ),
        ),
    ),
)
_add(
    "sod.zeros",
    "a reader whose ECDSA accepts r = s = 0",
    _SIGNATURE,
    _in_signer(SIGNED, lambda *_: der.octet_string(der.sequence(der.integer(0), der.integer(0)))),
)
_add(
    "sod.empty-signature",
    "a reader that does not look at the result of an error",
    _SIGNATURE,
    _in_signer(SIGNED, lambda *_: der.octet_string(b"")),
)
_add(
    "sod.hash-as-signature",
    "a reader that takes the bare hash for a signature",
    _SIGNATURE,
    _in_signer(ALGORITHM, lambda *_: encode_hash(Hash.SHA256)),
)
_add(
    "sod.null-signature",
    "a reader that knows an algorithm without a key",
    _SIGNATURE,
    _in_signer(ALGORITHM, lambda *_: der.sequence(der.oid("1.3.6.1.5.5.7.6.2"))),
)


def ec_key_of(forger: Forger) -> EcPublicKey:
    """Return the public key of the victim's signer; `MisuseError` if it is not on a curve."""
    key = forger.victim.signer.public_key
    if not isinstance(key, EcPublicKey):
        raise MisuseError(
            "this kind of forgery needs a Document Signer with an EC key",
            advice="choose another kind or another image",
        )
    return key


@KINDS.kind("sod.order", "a reader whose ECDSA accepts r = s = n", _SIGNATURE)
def _order(forger: Forger) -> Forged:
    order = der.integer(ec_key_of(forger).curve.n)
    operate = _in_signer(SIGNED, lambda *_: der.octet_string(der.sequence(order, order)))
    return with_sod(forger, with_tag(signed_data(operate(forger, rewritten(forger)))))


@KINDS.kind("sod.public-key-as-secret", "a reader that lets a MAC be a signature", _SIGNATURE)
def _hmac(forger: Forger) -> Forged:
    fields = rewritten(forger)
    public = encode_public_key(ec_key_of(forger))
    signer = digested(
        signer_of(fields), content_of(fields), forger.victim.sod.signed_data.signers[0].digest
    )
    attributes = b"\x31" + parts_of(signer)[ATTRIBUTES][1:]
    mac = der.octet_string(hmac.digest(public, attributes, "sha256"))
    signer = changed(signer, ALGORITHM, lambda _: der.sequence(der.oid(_HMAC_SHA256)))
    signer = changed(signer, SIGNED, lambda _: mac)
    return with_sod(forger, with_tag(signed_data(with_signers(fields, signer))))


@KINDS.kind(
    "sod.attributes-as-content",
    "signed attributes as content, in a reader that lets both be signed by one signature",
    _SIGNATURE,
)
def _attributes_as_content(forger: Forger) -> Forged:
    fields = fields_of(forger.victim.signed_data)
    signer = parts_of(signer_of(fields))
    content = b"\x31" + signer[ATTRIBUTES][1:]
    bare = tlv.encode(der.SEQUENCE, *signer[:ATTRIBUTES], *signer[ALGORITHM:])
    fields = with_signers(with_content(fields, content), bare)
    return with_sod(forger, with_tag(signed_data(fields)))


@KINDS.kind("sod.broken-hash", "two documents with the same hashes", _SIGNATURE)
def _broken_hash(forger: Forger) -> Forged:
    groups = forger.victim.groups | {1: impostor(forger)}
    hashes = [
        der.sequence(
            der.integer(number),
            der.octet_string(hashlib.md5(each, usedforsecurity=False).digest()),
        )
        for number, each in sorted(groups.items())
    ]
    algorithm = der.sequence(der.oid(_MD5), der.null())
    content = der.sequence(der.integer(0), algorithm, der.sequence(*hashes))
    authority = own_authority(forger)
    signer = authority.signer()
    octets = with_tag(signed_by(forger, signer, content))
    return with_sod(forger, octets, trusted=trusted_state(authority))


@KINDS.kind("sod.detached", "hashes from elsewhere, in a reader that has them", _SIGNATURE)
def _detached(forger: Forger) -> Forged:
    def operate(fields: Fields) -> Fields:
        kind = parts_of(fields[CONTENT])[0]
        return [*fields[:CONTENT], der.sequence(kind), *fields[CERTIFICATES:]]

    return with_sod(forger, with_tag(operated(forger.victim.signed_data, operate)))


@KINDS.kind("sod.content-type", "content of another kind, read as hashes", _SIGNATURE)
def _content_type(forger: Forger) -> Forged:
    def operate(fields: Fields) -> Fields:
        content = changed(fields[CONTENT], 0, lambda _: der.oid(ID_DATA))
        return [*fields[:CONTENT], content, *fields[CERTIFICATES:]]

    return with_files(forger, {FileID.SOD: with_tag(operated(forger.victim.signed_data, operate))})


def _both(forger: Forger) -> tuple[bytes, bytes]:
    signer = own_authority(forger).signer()
    return signed_by(forger, signer), forger.victim.signed_data


@KINDS.kind("sod.genuine-behind", "a reader that verifies the last and reads the first", _SIGNATURE)
def _genuine_behind(forger: Forger) -> Forged:
    forged, genuine = _both(forger)
    return with_sod(forger, with_tag(forged + genuine))


@KINDS.kind("sod.genuine-before", "a reader that verifies the first and reads the last", _SIGNATURE)
def _genuine_before(forger: Forger) -> Forged:
    forged, genuine = _both(forger)
    return with_sod(forger, with_tag(genuine + forged))


@KINDS.kind(
    "sod.card-security",
    "what was signed for EF.CardSecurity, relabelled as an EF.SOD",
    _SIGNATURE,
)
def _card_security(forger: Forger) -> Forged:
    signed = forger.victim.file(FileID.CARD_SECURITY)

    def relabel(fields: Fields) -> Fields:
        content = changed(fields[CONTENT], 0, lambda _: der.oid(LDS_SECURITY_OBJECT))
        return [*fields[:CONTENT], content, *fields[CERTIFICATES:]]

    return with_sod(forger, with_tag(operated(signed, relabel)))


@KINDS.kind("sod.signature-bit", "a reader that verifies no signature", _SIGNATURE)
def _signature_bit(forger: Forger) -> Forged:
    octets = forger.victim.file(FileID.SOD)
    return with_files(forger, {FileID.SOD: flipped(octets, len(octets) - 1)})
