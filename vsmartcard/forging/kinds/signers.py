"""Documents whose signature is good, and whose signer may not make it.

The signer is of a State of the forger's own, which the inspector trusts for its own documents: its
key was stolen, or somebody inside misuses it.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from emrtd.asn1 import der
from emrtd.crypto.signatures import SignatureFamily, SignatureScheme
from emrtd.lds.files import FileID
from emrtd.lds.security.sod import build_sod
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.free_writer import document_types, extension
from emrtd.pki.x509.names import COMMON_NAME, COUNTRY, encode_name
from vsmartcard.forging.authority import CA_USAGE, DAY, Authority, Signer, country_of, name
from vsmartcard.forging.factored import roca_key
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.kinds.security_objects import signed_by
from vsmartcard.forging.making import OWN_STATE, draft, own_authority, trusted_state
from vsmartcard.forging.surgery import (
    Fields,
    content_of,
    fields_of,
    operated,
    signer_of,
    with_certificates,
    with_signers,
    with_tag,
    without_tag,
)

KINDS: Final = Kinds(Family.SECURITY_OBJECT)

_CHAIN: Final = "ds.chain"
_PROFILE: Final = "ds.profile"
_CONSISTENT: Final = "issuer.consistent"
_BARCODE_SIGNER: Final = "2.23.136.1.1.14.2"
_TLS_SERVER: Final = "1.3.6.1.5.5.7.3.1"
_LOCALITY: Final = "2.5.4.7"
_NAME_CONSTRAINTS: Final = "2.5.29.30"
_UNKNOWN: Final = "1.3.6.1.4.1.99999.1"


def signed_in_own_state(forger: Forger, authority: Authority, signer: Signer) -> Forged:
    """Return a document of the forger's own State, whose CSCA and CRL the inspector has."""
    return draft(forger).signed(signer, trusted=trusted_state(authority))


def resealed(made: Forged, operate: Callable[[Fields], Fields]) -> Forged:
    """Return a document with the fields of its EF.SOD changed."""
    sod = with_tag(operated(without_tag(made.files[FileID.SOD]), operate))
    return replace(made, files={**made.files, FileID.SOD: sod})


def _signer(
    kind: str,
    gain: str,
    check: str,
    *,
    usage: Iterable[ext.KeyUsage] = (ext.KeyUsage.DIGITAL_SIGNATURE,),
    more: Iterable[bytes] = (),
) -> None:
    """Add a kind with a signer of a certain profile."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        return signed_in_own_state(forger, authority, authority.signer(usage=usage, more=more))

    KINDS.add(kind, gain, check, make)


# --- certificates for something else -------------------------------------------------------------

_signer(
    "signer.master-list",
    "documents signed by whoever signs Master Lists",
    _PROFILE,
    more=[writer.extended_key_usage(ext.MASTER_LIST_SIGNER)],
)
_signer(
    "signer.deviation-list",
    "documents signed by whoever signs Deviation Lists",
    _PROFILE,
    more=[writer.extended_key_usage(ext.DEVIATION_LIST_SIGNER)],
)
_signer(
    "signer.barcode",
    "documents signed by whoever signs visas and seals on paper",
    _PROFILE,
    more=[writer.extended_key_usage(_BARCODE_SIGNER)],
)
_signer(
    "signer.server",
    "documents signed with the key of the State's web server",
    _PROFILE,
    more=[writer.extended_key_usage(_TLS_SERVER)],
)
_signer(
    "signer.key-agreement",
    "documents signed with a key for encryption",
    _PROFILE,
    usage=(ext.KeyUsage.KEY_AGREEMENT,),
)
_signer(
    "signer.crl-only",
    "documents signed with a key for CRLs",
    _PROFILE,
    usage=(ext.KeyUsage.CRL_SIGN,),
)
_signer(
    "signer.other-documents",
    "any document, with a signer of seamen's books",
    _PROFILE,
    more=[document_types("X")],
)
_signer(
    "signer.authority",
    "a CA below the CSCA that signs documents too",
    _PROFILE,
    usage=(ext.KeyUsage.DIGITAL_SIGNATURE, *CA_USAGE),
    more=[writer.basic_constraints()],
)
_signer(
    "signer.unreadable-usage",
    "a reader that takes a key usage that it cannot read for any",
    _PROFILE,
    more=[extension(ext.BASIC_CONSTRAINTS, b"\x30\x03\x01\x01", critical=True)],
)
_signer(
    "signer.two-usages",
    "a key for CRLs, in a reader that takes the last of two key usages",
    _PROFILE,
    usage=(ext.KeyUsage.CRL_SIGN,),
    more=[writer.key_usage((ext.KeyUsage.DIGITAL_SIGNATURE,))],
)
_signer(
    "signer.unknown-restriction",
    "a signer under a restriction that the reader does not know",
    _CHAIN,
    more=[extension(_UNKNOWN, der.null(), critical=True)],
)


@KINDS.kind("signer.csca-itself", "documents signed with the key of a CSCA", _PROFILE)
def _csca_itself(forger: Forger) -> Forged:
    authority = own_authority(forger)
    return signed_in_own_state(forger, authority, Signer(authority.key, authority.root()))


@KINDS.kind("signer.factored-key", "a signer whose key can be computed", "algorithm.strength")
def _factored_key(forger: Forger) -> Forged:
    authority = own_authority(forger)
    weak = authority.signer(key=forger.key("brainpoolP160r1"))
    return signed_in_own_state(forger, authority, weak)


@KINDS.kind("signer.roca", "a signer whose RSA key everybody can factor", "algorithm.strength")
def _roca(forger: Forger) -> Forged:
    authority = own_authority(forger)
    weak = authority.signer(key=roca_key(forger))
    made = draft(forger)
    whole = made.signed(authority.signer(), trusted=trusted_state(authority))
    scheme = SignatureScheme(SignatureFamily.RSA, made.hash)
    sod = build_sod(
        made.security_object,
        weak.key,
        weak.certificate,
        scheme=scheme,
        signing_time=made.signed_at,
    )
    return replace(whole, files={**whole.files, FileID.SOD: sod})


@KINDS.kind("signer.no-face", "a document without a face to be compared with", "lds.structure")
def _no_face(forger: Forger) -> Forged:
    """EF.SOD does not list DG2, so nothing is missing."""
    authority = own_authority(forger)
    made = draft(forger)
    del made.groups[2]
    return made.signed(authority.signer(), trusted=trusted_state(authority))


def _under(kind: str, gain: str, change: Callable[[list[bytes], Authority], list[bytes]]) -> None:
    """Add a kind with a signer of a CSCA whose certificate has other extensions."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        root = authority.root(change(authority.ca_extensions(), authority))
        return draft(forger).signed(authority.signer(), trusted=(root.der, authority.crl()))

    KINDS.add(kind, gain, _CHAIN, make)


_under(
    "signer.excluded-name",
    "a signer under a name that its CSCA must not give",
    lambda usual, authority: [*usual, _excluding(name(country_of(authority.name), "DS 1"))],
)
_under(
    "signer.of-crl-authority",
    "a signer by a CSCA whose key is for CRLs alone",
    lambda usual, _: [*usual[:2], writer.key_usage((ext.KeyUsage.CRL_SIGN,)), *usual[3:]],
)
_under(
    "signer.of-no-authority",
    "a signer by an anchor that its own certificate calls no CA",
    lambda usual, _: [
        *usual[:3],
        extension(ext.BASIC_CONSTRAINTS, der.sequence(), critical=True),
    ],
)


def _excluding(subject: bytes) -> bytes:
    """Return NameConstraints that exclude one name (RFC 5280, 4.2.1.10)."""
    subtree = der.sequence(der.tagged(4, subject))
    return extension(_NAME_CONSTRAINTS, der.sequence(der.tagged(1, subtree)), critical=True)


# --- in time -------------------------------------------------------------------------------------


def _period(kind: str, gain: str, first: int, last: int) -> None:
    """Add a kind with a signer that is valid from and to a number of days from now."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        begin, end = forger.at + first * DAY, forger.at + last * DAY
        signer = authority.signer(not_before=begin, not_after=end)
        return signed_in_own_state(forger, authority, signer)

    KINDS.add(kind, gain, "ds.validity", make)


_period("signer.expired", "the key of a retired signer", -30, -1)
_period("signer.not-yet-valid", "the key of a signer that is not in use yet", 1, 3650)


@KINDS.kind("signer.expired-csca", "the key of a retired CSCA", "ds.validity")
def _expired_csca(forger: Forger) -> Forged:
    authority = own_authority(forger)
    ended = authority.sign(
        authority.name,
        authority.key.public_key,
        authority.ca_extensions(),
        not_after=forger.at - DAY,
    )
    return draft(forger).signed(authority.signer(), trusted=(ended.der, authority.crl()))


# --- of another State ----------------------------------------------------------------------------


@KINDS.kind("signer.other-state", "any State's documents, for one trusted State", _CONSISTENT)
def _other_state(forger: Forger) -> Forged:
    authority = own_authority(forger)
    made = draft(forger, state=forger.victim.mrz.issuing_state)
    return made.signed(authority.signer(), trusted=trusted_state(authority))


@KINDS.kind(
    "signer.country", "another State's documents, by a signer that bears its country", _CONSISTENT
)
def _country(forger: Forger) -> Forged:
    authority = own_authority(forger)
    signer = authority.signer(subject=name(forger.victim.country, "DS 1"))
    made = draft(forger, state=forger.victim.mrz.issuing_state)
    return made.signed(signer, trusted=trusted_state(authority))


@KINDS.kind(
    "signer.two-countries", "another State's documents, by a name with two countries", _CONSISTENT
)
def _two_countries(forger: Forger) -> Forged:
    """A reader may take the first country of one certificate and the last of the other."""
    theirs, ours = forger.victim.country, OWN_STATE[1]
    issuer = encode_name((COUNTRY, ours), (COUNTRY, theirs), (COMMON_NAME, "CSCA"))
    subject = encode_name((COUNTRY, theirs), (COUNTRY, ours), (COMMON_NAME, "DS"))
    authority = Authority.of(forger, issuer)
    made = draft(forger, state=forger.victim.mrz.issuing_state)
    return made.signed(authority.signer(subject=subject), trusted=trusted_state(authority))


def alternative_name(state: str) -> bytes:
    """Return a subject alternative name with the code of a State (Doc 9303-12, 7.1.1.2)."""
    directory = der.tagged(4, encode_name((_LOCALITY, state)))
    return extension(ext.SUBJECT_ALT_NAME, der.sequence(directory))


@KINDS.kind(
    "signer.alternative-name", "another State's documents, by an alternative name", _CONSISTENT
)
def _alternative_name(forger: Forger) -> Forged:
    authority = own_authority(forger)
    state = forger.victim.mrz.issuing_state
    named = alternative_name(state)
    trusted = authority.root([*authority.ca_extensions(), named]).der, authority.crl()
    made = draft(forger, state=state)
    return made.signed(authority.signer(more=[named]), trusted=trusted)


@KINDS.kind("signer.issuer-name", "another State's signer, issued under its name", _CHAIN)
def _issuer_name(forger: Forger) -> Forged:
    authority = own_authority(forger)
    victim = forger.victim
    signer = authority.signer(subject=victim.signer.subject.encoded, issuer=victim.csca_name)
    made = draft(forger, state=victim.mrz.issuing_state)
    return made.signed(signer, trusted=trusted_state(authority))


@KINDS.kind("signer.two-trusted", "a State's holder whom another State vouches for", _CHAIN)
def _two_trusted(forger: Forger) -> Forged:
    """Both signatures are good, and both States are trusted."""
    ours = own_authority(forger)
    theirs = Authority.of(forger, name("BV", "CSCA Bouvet Island"))
    first_signer, second_signer = ours.signer(), theirs.signer()
    made = draft(forger).signed(
        first_signer, trusted=(*trusted_state(ours), *trusted_state(theirs))
    )

    def operate(fields: Fields) -> Fields:
        second = fields_of(signed_by(forger, second_signer, content_of(fields)))
        fields = with_signers(fields, signer_of(fields), signer_of(second))
        return with_certificates(
            fields, first_signer.certificate.der, second_signer.certificate.der
        )

    return resealed(made, operate)


# --- paths ---------------------------------------------------------------------------------------


@KINDS.kind("signer.intermediate", "a CA below the CSCA, which nobody supervises", _CHAIN)
def _intermediate(forger: Forger) -> Forged:
    authority = own_authority(forger)
    below = Authority.of(forger, name(OWN_STATE[1], "CA of a ministry"))
    signer, link = below.signer(), authority.link(below)
    made = draft(forger).signed(signer, trusted=trusted_state(authority))
    return resealed(
        made, lambda fields: with_certificates(fields, signer.certificate.der, link.der)
    )


@KINDS.kind("signer.not-a-ca", "an anchor that is no CA, as a signer's certificate is none", _CHAIN)
def _not_a_ca(forger: Forger) -> Forged:
    """The certificate of a signer was added to the trust store as if it were a CSCA's."""
    authority = own_authority(forger)
    extensions = [
        writer.subject_key_identifier(authority.key_identifier),
        writer.authority_key_identifier(authority.key_identifier),
        writer.key_usage((ext.KeyUsage.DIGITAL_SIGNATURE,)),
    ]
    trusted = authority.root(extensions).der, authority.crl()
    return draft(forger).signed(authority.signer(), trusted=trusted)


@KINDS.kind("signer.of-signer", "a stolen signer that issues others, each not revoked", _CHAIN)
def _of_signer(forger: Forger) -> Forged:
    authority = own_authority(forger)
    key = forger.key()
    stolen = authority.signer("DS 1", key=key).certificate
    signer = Authority.of(forger, stolen.subject.encoded, key=key).signer("DS 2")
    made = draft(forger).signed(signer, trusted=trusted_state(authority))
    return resealed(
        made, lambda fields: with_certificates(fields, signer.certificate.der, stolen.der)
    )
