"""An EF.SOD that was taken apart, and put together for data groups that its State did not sign."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.hashes import Hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.crypto.signatures import EcPublicKey
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import FileID
from emrtd.lds.security.security_object import LDS_SECURITY_OBJECT, SecurityObject
from emrtd.pki.cms.signed_data import ID_DATA
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.cms.signer_info import ID_MESSAGE_DIGEST
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509.algorithms import scheme_for
from emrtd.pki.x509.certificates import Certificate
from support.errors import MisuseError
from support.secret import Secret
from vsmartcard.forging.authority import DAY, Authority, Signer, name
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.making import (
    draft,
    mrz_with,
    own_authority,
    trusted_state,
    victims_authority,
    with_files,
)
from vsmartcard.forging.surgery import (
    CERTIFICATES,
    CONTENT,
    DIGESTS,
    Fields,
    changed,
    content_of,
    fields_of,
    flipped,
    operated,
    parts_of,
    signed_data,
    signer_of,
    with_certificates,
    with_content,
    with_signers,
    with_tag,
)

KINDS: Final = Kinds(Family.SECURITY_OBJECT)

_SIGNATURE: Final = "sod.signature"
_CHAIN: Final = "ds.chain"
_HMAC_SHA256: Final = "1.2.840.113549.2.9"
_MD5: Final = "1.2.840.113549.2.5"
_SIGNER_ID, _DIGEST, _ATTRIBUTES, _ALGORITHM, _SIGNED = range(1, 6)
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

    return changed(signer, _ATTRIBUTES, again)


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


@KINDS.kind("sod.removed", "data groups that nobody vouches for", _SIGNATURE)
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
    _in_signer(_SIGNED, lambda _, value: value),
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
            _ATTRIBUTES,
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
    _in_signer(_SIGNED, lambda *_: der.octet_string(der.sequence(der.integer(0), der.integer(0)))),
)
_add(
    "sod.empty-signature",
    "a reader that does not look at the result of an error",
    _SIGNATURE,
    _in_signer(_SIGNED, lambda *_: der.octet_string(b"")),
)
_add(
    "sod.hash-as-signature",
    "a reader that takes the bare hash for a signature",
    _SIGNATURE,
    _in_signer(_ALGORITHM, lambda *_: encode_hash(Hash.SHA256)),
)
_add(
    "sod.null-signature",
    "a reader that knows an algorithm without a key",
    _SIGNATURE,
    _in_signer(_ALGORITHM, lambda *_: der.sequence(der.oid("1.3.6.1.5.5.7.6.2"))),
)


def _curve_of(forger: Forger) -> EcPublicKey:
    key = forger.victim.signer.public_key
    if not isinstance(key, EcPublicKey):
        raise MisuseError(
            "this kind of forgery needs a Document Signer with an EC key",
            advice="choose another kind or another image",
        )
    return key


@KINDS.kind("sod.order", "a reader whose ECDSA accepts r = s = n", _SIGNATURE)
def _order(forger: Forger) -> Forged:
    order = der.integer(_curve_of(forger).curve.n)
    operate = _in_signer(_SIGNED, lambda *_: der.octet_string(der.sequence(order, order)))
    return with_sod(forger, with_tag(signed_data(operate(forger, rewritten(forger)))))


@KINDS.kind("sod.public-key-as-secret", "a reader that lets a MAC be a signature", _SIGNATURE)
def _hmac(forger: Forger) -> Forged:
    fields = rewritten(forger)
    public = encode_public_key(_curve_of(forger))
    signer = digested(
        signer_of(fields), content_of(fields), forger.victim.sod.signed_data.signers[0].digest
    )
    attributes = b"\x31" + parts_of(signer)[_ATTRIBUTES][1:]
    mac = der.octet_string(hmac.digest(public, attributes, "sha256"))
    signer = changed(signer, _ALGORITHM, lambda _: der.sequence(der.oid(_HMAC_SHA256)))
    signer = changed(signer, _SIGNED, lambda _: mac)
    return with_sod(forger, with_tag(signed_data(with_signers(fields, signer))))


@KINDS.kind(
    "sod.attributes-as-content",
    "signed attributes as content, in a reader that lets both be signed by one signature",
    _SIGNATURE,
)
def _attributes_as_content(forger: Forger) -> Forged:
    fields = fields_of(forger.victim.signed_data)
    signer = parts_of(signer_of(fields))
    content = b"\x31" + signer[_ATTRIBUTES][1:]
    bare = tlv.encode(der.SEQUENCE, *signer[:_ATTRIBUTES], *signer[_ALGORITHM:])
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


# --- with a key of the forger's own --------------------------------------------------------------


@KINDS.kind("sod.self-made", "a State of one's own, in a reader without trust anchors", _CHAIN)
def _self_made(forger: Forger) -> Forged:
    return by(forger, Authority.of(forger, name(forger.victim.country, "CSCA of ours")).signer())


@KINDS.kind("sod.csca-name", "a reader that finds the CSCA by its name alone", _CHAIN)
def _csca_name(forger: Forger) -> Forged:
    return by(forger, Authority.of(forger, forger.victim.csca_name).signer())


@KINDS.kind("sod.csca-identifier", "a reader that finds the CSCA by its key identifier", _CHAIN)
def _csca_identifier(forger: Forger) -> Forged:
    return by(forger, victims_authority(forger).signer())


@KINDS.kind("sod.self-signed-signer", "a reader to which any certificate is good", _CHAIN)
def _self_signed_signer(forger: Forger) -> Forged:
    victim = forger.victim
    subject = victim.signer.subject.encoded
    authority = Authority.of(forger, subject)
    return by(forger, authority.signer(subject=subject, key=authority.key))


@KINDS.kind("sod.enclosed-csca", "a reader that takes its anchors from EF.SOD", _CHAIN)
def _enclosed_csca(forger: Forger) -> Forged:
    authority = victims_authority(forger)
    signer = authority.signer()
    signed = operated(
        signed_by(forger, signer),
        lambda fields: with_certificates(fields, signer.certificate.der, authority.root().der),
    )
    return with_sod(forger, with_tag(signed))


def _twin(forger: Forger) -> Signer:
    """Return a signer with the issuer and the serial number of the victim's, and another key."""
    victim = forger.victim
    return victims_authority(forger).signer(
        subject=victim.signer.subject.encoded, serial=victim.signer.serial
    )


@KINDS.kind("sod.twin", "a reader that looks the signer up by issuer and serial number", _CHAIN)
def _twin_signer(forger: Forger) -> Forged:
    return by(forger, _twin(forger))


def _twins(forger: Forger, *, forged_first: bool) -> Forged:
    twin = _twin(forger)
    enclosed = [twin.certificate.der, forger.victim.signer.der]
    signed = operated(
        signed_by(forger, twin),
        lambda fields: with_certificates(fields, *enclosed[:: 1 if forged_first else -1]),
    )
    return with_sod(forger, with_tag(signed))


KINDS.add(
    "sod.twin-before",
    "a reader that verifies with one certificate and validates the path of another",
    _CHAIN,
    lambda forger: _twins(forger, forged_first=True),
)
KINDS.add(
    "sod.twin-behind",
    "a reader that validates the path of the first certificate and verifies with the last",
    _SIGNATURE,
    lambda forger: _twins(forger, forged_first=False),
)


@KINDS.kind("sod.same-key-identifier", "a reader that looks the signer up by its key", _CHAIN)
def _same_key_identifier(forger: Forger) -> Forged:
    victim, authority, key = forger.victim, victims_authority(forger), forger.key()
    identifier = victim.signer.extensions.subject_key_identifier or b""
    certificate = authority.sign(
        victim.signer.subject.encoded,
        key.public_key,
        [
            writer.authority_key_identifier(victim.csca_key_identifier),
            writer.subject_key_identifier(identifier),
        ],
    )
    return by(forger, Signer(key, certificate), by_key_identifier=True)


@KINDS.kind("sod.victims-certificate", "a reader that validates the path alone", _SIGNATURE)
def _victims_certificate(forger: Forger) -> Forged:
    signed = operated(
        signed_by(forger, _twin(forger)),
        lambda fields: with_certificates(fields, forger.victim.signer.der),
    )
    return with_sod(forger, with_tag(signed))


def _certificate_changed(forger: Forger, change: Callable[[Fields], Fields], key: bytes) -> bytes:
    """Return the victim's signer's certificate with another key and other fields, not signed."""

    def operate(body: bytes) -> bytes:
        return der.sequence(*change([*parts_of(body)[:6], key, *parts_of(body)[7:]]))

    return changed(forger.victim.signer.der, 0, operate)


@KINDS.kind("sod.key-in-certificate", "a reader that does not verify certificates", _CHAIN)
def _key_in_certificate(forger: Forger) -> Forged:
    key = forger.key()
    octets = _certificate_changed(forger, lambda body: body, encode_public_key(key.public_key))
    return by(forger, Signer(key, Certificate.parse(octets)))


@KINDS.kind(
    "sod.base-point",
    "a curve whose base point is the signer's public key, so that its private key is 1",
    _CHAIN,
)
def _base_point(forger: Forger) -> Forged:
    """The signature verifies with the public key in the certificate, on that curve."""
    public = _curve_of(forger)
    curve = public.curve
    explicit = encode_public_key(public, explicit=True)
    points = curve.encode_point(curve.g), curve.encode_point(public.point)
    octets = _certificate_changed(forger, lambda body: body, explicit.replace(*points, 1))
    one = Secret((1).to_bytes(curve.size, "big"))
    key = EcPrivateKey(curve.with_generator(public.point), one, random=forger.octets)
    fields = rewritten(forger)
    data = forger.victim.sod.signed_data.signers[0]
    signer = digested(signer_of(fields), content_of(fields), data.digest)
    attributes = b"\x31" + parts_of(signer)[_ATTRIBUTES][1:]
    scheme = scheme_for(public, data.digest)
    signature = der.octet_string(key.sign(scheme, attributes))
    signer = changed(signer, _SIGNED, lambda _: signature)
    fields = with_signers(with_certificates(fields, octets), signer)
    return with_sod(forger, with_tag(signed_data(fields)))


# --- several signers -----------------------------------------------------------------------------


def _with_second(forger: Forger, *, forged_first: bool) -> Forged:
    signer = own_authority(forger).signer()
    forged = fields_of(signed_by(forger, signer))
    genuine = fields_of(forger.victim.signed_data)
    order = 1 if forged_first else -1
    signers = [signer_of(forged), signer_of(genuine)][::order]
    digests = sorted({*parts_of(forged[DIGESTS]), *parts_of(genuine[DIGESTS])})
    fields = with_signers(forged, *signers)
    fields = with_certificates(fields, signer.certificate.der, forger.victim.signer.der)
    fields[DIGESTS] = tlv.encode(der.SET, *digests)
    return with_sod(forger, with_tag(signed_data(fields)))


KINDS.add(
    "sod.second-signer",
    "a reader that verifies the first signature and validates the path of the second",
    _SIGNATURE,
    lambda forger: _with_second(forger, forged_first=True),
)
KINDS.add(
    "sod.second-signature",
    "a reader that is content with one good signature and one good path",
    _SIGNATURE,
    lambda forger: _with_second(forger, forged_first=False),
)


@KINDS.kind("sod.two-states", "a State that vouches for another's holder", _CHAIN)
def _two_states(forger: Forger) -> Forged:
    """Both signatures are good, of two signers who claim to be of two States."""
    ours, theirs = own_authority(forger), victims_authority(forger)
    trusted, pretended = ours.signer(), theirs.signer()
    content = impostors_object(forger).encode()
    first = fields_of(signed_by(forger, trusted, content))
    second = fields_of(signed_by(forger, pretended, content))
    fields = with_signers(first, signer_of(first), signer_of(second))
    fields = with_certificates(fields, trusted.certificate.der, pretended.certificate.der)
    return with_sod(forger, with_tag(signed_data(fields)), trusted=trusted_state(ours))


# --- what no signature covers --------------------------------------------------------------------


@KINDS.kind("sod.stranger", "a certificate in the reader's store by way of EF.SOD", "sod.profile")
def _stranger(forger: Forger) -> Forged:
    stranger = victims_authority(forger).root()
    signed = operated(
        forger.victim.signed_data,
        lambda fields: with_certificates(fields, *parts_of(fields[CERTIFICATES]), stranger.der),
    )
    return with_files(forger, {FileID.SOD: with_tag(signed)})


@KINDS.kind("sod.enclosed-crl", "a reader that takes an empty CRL from EF.SOD", "sod.profile")
def _enclosed_crl(forger: Forger) -> Forged:
    crl = victims_authority(forger).crl()
    signed = operated(
        forger.victim.signed_data,
        lambda fields: [*fields[:-1], tlv.encode(0xA1, crl), fields[-1]],
    )
    return with_files(forger, {FileID.SOD: with_tag(signed)})


@KINDS.kind("sod.version", "a reader that reads it by the rules of another version", "sod.profile")
def _version(forger: Forger) -> Forged:
    signed = operated(forger.victim.signed_data, lambda fields: [der.integer(1), *fields[1:]])
    return with_files(forger, {FileID.SOD: with_tag(signed)})


# --- the EF.SOD of another document --------------------------------------------------------------


@KINDS.kind("sod.of-another", "a good signature, over another document", "dg.hash.DG1")
def _of_another(forger: Forger) -> Forged:
    """The forger's own genuine document lends its EF.SOD."""
    authority = own_authority(forger)
    own = draft(forger).signed(authority.signer())
    return with_files(forger, {FileID.SOD: own.files[FileID.SOD]}, trusted=trusted_state(authority))


@KINDS.kind("sod.shorter-list", "a data group that nobody has signed", "dg.hash.DG13")
def _shorter_list(forger: Forger) -> Forged:
    """The forger's own genuine document has no permit; one is added beside it."""
    authority = own_authority(forger)
    own = draft(forger).signed(authority.signer(), trusted=trusted_state(authority))
    files = {**own.files, FileID.DG13: forger.victim.file(FileID.DG13)}
    return Forged(files, own.keys, own.printed, own.at, trusted=own.trusted)
