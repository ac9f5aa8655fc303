"""An EF.SOD by a key of the forger's own, with certificates that are to make up for it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.private_keys import EcPrivateKey
from emrtd.crypto.public_keys import encode_public_key
from emrtd.lds.com import Com
from emrtd.lds.files import FileID
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509.algorithms import scheme_for
from emrtd.pki.x509.certificates import Certificate
from support.secret import Secret
from vsmartcard.forging.authority import Authority, Signer, name
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Forged
from vsmartcard.forging.kinds.security_objects import (
    ATTRIBUTES,
    KINDS,
    SIGNED,
    by,
    digested,
    ec_key_of,
    impostors_object,
    rewritten,
    signed_by,
    with_sod,
)
from vsmartcard.forging.making import (
    draft,
    own_authority,
    trusted_state,
    victims_authority,
    with_files,
)
from vsmartcard.forging.surgery import (
    CERTIFICATES,
    DIGESTS,
    Fields,
    changed,
    content_of,
    fields_of,
    operated,
    parts_of,
    signed_data,
    signer_of,
    with_certificates,
    with_signers,
    with_tag,
)

_SIGNATURE: Final = "sod.signature"
_CHAIN: Final = "ds.chain"

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
    public = ec_key_of(forger)
    curve = public.curve
    explicit = encode_public_key(public, explicit=True)
    points = curve.encode_point(curve.g), curve.encode_point(public.point)
    octets = _certificate_changed(forger, lambda body: body, explicit.replace(*points, 1))
    one = Secret((1).to_bytes(curve.size, "big"))
    key = EcPrivateKey(curve.with_generator(public.point), one, random=forger.octets)
    fields = rewritten(forger)
    data = forger.victim.sod.signed_data.signers[0]
    signer = digested(signer_of(fields), content_of(fields), data.digest)
    attributes = b"\x31" + parts_of(signer)[ATTRIBUTES][1:]
    scheme = scheme_for(public, data.digest)
    signature = der.octet_string(key.sign(scheme, attributes))
    signer = changed(signer, SIGNED, lambda _: signature)
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
    """The forger's own genuine document has no permit; one is added beside it, and in EF.COM."""
    authority = own_authority(forger)
    own = draft(forger).signed(authority.signer(), trusted=trusted_state(authority))
    com = Com.decode(own.files[FileID.COM])
    listed = Com.for_data_groups(*com.data_groups, 13, lds_version=com.lds_version)
    files = {
        **own.files,
        FileID.DG13: forger.victim.file(FileID.DG13),
        FileID.COM: listed.encode(),
    }
    return replace(own, files=files)


@KINDS.kind("sod.short-hashes", "many documents for one signature", "dg.hash.DG1")
def _short_hashes(forger: Forger) -> Forged:
    """A State signed 4 octets of each hash, so that another document with them can be found."""
    authority = own_authority(forger)
    signer = authority.signer()
    own = draft(forger)
    hashes = own.security_object.hashes
    entries = (
        der.sequence(der.integer(number), der.octet_string(digest[:4]))
        for number, digest in sorted(hashes.items())
    )
    algorithm = encode_hash(own.hash)
    content = der.sequence(der.integer(0), algorithm, der.sequence(*entries))
    own.lds_version = None
    made = own.signed(signer, trusted=trusted_state(authority))
    sod = with_tag(signed_by(forger, signer, content))
    return replace(made, files={**made.files, FileID.SOD: sod})
