"""A clock that was moved, and a trust store into which the forger brings files of his own.

An inspector who was deceived imports each file in turn; what the store refuses or leaves out does
no harm.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final

from emrtd.asn1 import der
from emrtd.crypto.algorithm_identifiers import encode_hash
from emrtd.crypto.hashes import Hash
from emrtd.lds.data_groups.dg13 import DataGroup13
from emrtd.lds.data_groups.permit import Permit
from emrtd.lds.files import FileID
from emrtd.pki.lists.deviation_list import ID_DEVIATION_LIST, DeviationKind
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificates import Certificate
from vsmartcard.forging.authority import DAY, Authority, Signer
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.kinds.security_objects import impostor
from vsmartcard.forging.making import (
    OWN_STATE,
    draft,
    own_authority,
    trusted_state,
    victims_authority,
    with_files,
)
from vsmartcard.forging.surgery import (
    content_of,
    fields_of,
    operated,
    with_certificates,
    with_content,
    with_tag,
    without_tag,
)

KINDS: Final = Kinds(Family.TRUST)

_CHAIN: Final = "ds.chain"
_EXPIRED: Final = "document.expired"
_YEAR: Final = 365 * DAY


# --- time ----------------------------------------------------------------------------------------


def _expiring(forger: Forger, days: int, *, at: int = 0) -> Forged:
    """Return a document of the forger's own State; `at` is the clock, in days from now."""
    authority = own_authority(forger)
    expires = (forger.at + days * DAY).strftime("%y%m%d")
    made = draft(forger, date_of_expiry=expires)
    made.signed_at = forger.at - 20 * DAY
    return made.signed(
        authority.signer(), trusted=trusted_state(authority), at=forger.at + at * DAY
    )


@KINDS.kind("time.expired", "goes on using an expired document", _EXPIRED)
def _expired(forger: Forger) -> Forged:
    return _expiring(forger, -1)


@KINDS.kind(
    "time.clock-set-back", "an expired document, at a reader whose clock is behind", "ds.revocation"
)
def _clock_set_back(forger: Forger) -> Forged:
    """The newest CRL is of yesterday; the clock says that it is a week ago."""
    return _expiring(forger, -1, at=-7)


@KINDS.kind("time.before-the-signer", "a clock from before the signer was in use", "ds.validity")
def _before_the_signer(forger: Forger) -> Forged:
    return _expiring(forger, 100, at=-60)


@KINDS.kind("time.stopped-updates", "a reader that gets no new CRLs", "ds.revocation")
def _stopped_updates(forger: Forger) -> Forged:
    return _expiring(forger, 100, at=31)


@KINDS.kind("time.signed-tomorrow", "a document older than its signature", "ds.validity")
def _signed_tomorrow(forger: Forger) -> Forged:
    """The clock was set back to before the document was signed; the CRL is as old as the clock."""
    authority = own_authority(forger)
    made = draft(forger)
    made.signed_at = forger.at + 5 * DAY
    return made.signed(authority.signer(), trusted=trusted_state(authority))


def _permit(kind: str, gain: str, valid_from: Callable[[date], date], until: int) -> None:
    """Add a kind with a permit that ends a number of days from now, in a valid document."""

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        today = forger.at.date()
        permit = Permit(
            category="SKILLED WORKER",
            valid_from=valid_from(today),
            valid_until=today + until * DAY,
            stay=True,
            work="permitted",
            study=True,
            public_funds=True,
        )
        expires = (forger.at + _YEAR).strftime("%y%m%d")
        made = draft(forger, date_of_expiry=expires)
        made.groups[13] = DataGroup13.for_permit(permit).encode()
        return made.signed(authority.signer(), trusted=trusted_state(authority))

    KINDS.add(kind, gain, _EXPIRED, make)


_permit(
    "time.ended-permit",
    "stays on with a permit that has ended, in a document that has not",
    lambda today: today - 30 * DAY,
    -1,
)
_permit(
    "time.permit-not-begun",
    "works before the permit allows it",
    lambda today: today + 30 * DAY,
    90,
)


# --- certificates --------------------------------------------------------------------------------

Poison = Callable[[Forger, Authority], tuple[bytes, ...]]
"""Makes what the forger brings for a CSCA of his own that calls itself the victim's State's."""


def _posing(kind: str, gain: str, poison: Poison) -> None:
    """Add a kind with a document of such a CSCA."""

    def make(forger: Forger) -> Forged:
        posing = Authority.of(forger, forger.victim.csca_name)
        made = draft(forger, state=forger.victim.mrz.issuing_state)
        return made.signed(posing.signer(), poison=poison(forger, posing))

    KINDS.add(kind, gain, _CHAIN, make)


def ldif(*values: bytes, attribute: str = "userCertificate") -> bytes:
    """Return a collection of the PKD with these values."""
    lines = ["version: 1", ""]
    for number, value in enumerate(values):
        text = base64.b64encode(value).decode("ascii")
        folded = "\n ".join(text[at : at + 60] for at in range(0, len(text), 60))
        lines += [f"dn: cn={number},o=csca,c=UT,dc=data", f"{attribute};binary:: {folded}", ""]
    return "\n".join(lines).encode("ascii")


def _link(forger: Forger, posing: Authority) -> tuple[bytes, ...]:
    return (victims_authority(forger).link(posing).der,)


_posing("trust.forged-link", "a new CSCA, by a link that the old one did not sign", _link)
_posing(
    "trust.link-in-ldif",
    "a new CSCA, by such a link among thousands of entries",
    lambda forger, posing: (ldif(*_link(forger, posing)),),
)
_posing(
    "trust.csca-in-ldif",
    "a CSCA of one's own among thousands of entries",
    lambda _, posing: (ldif(posing.root().der),),
)
_posing(
    "trust.signer-in-ldif",
    "a signer of one's own among thousands of entries",
    lambda _, posing: (ldif(posing.signer().certificate.der),),
)
_posing(
    "trust.csca-without-signature",
    "a CSCA's certificate that its own key did not sign",
    lambda forger, posing: (
        Authority.of(forger, posing.name)
        .sign(posing.name, posing.key.public_key, posing.ca_extensions())
        .der,
    ),
)


@KINDS.kind("trust.removal", "a stolen signer, once its CRL is out of the store", "ds.revocation")
def _removal(forger: Forger) -> Forged:
    """A collection of the PKD that deletes the entries of the State, and brings an empty CRL."""
    authority = own_authority(forger)
    signer = authority.signer()
    serial = signer.certificate.serial
    forged = authority.crl(issued=forger.at - DAY / 2, number=99, key=forger.key())
    name_of_entry = f"o=crl,c={OWN_STATE[1]},dc=data"
    deleting = f"dn: {name_of_entry}\nchangetype: delete\n\n".encode("ascii")
    poison = (
        b"version: 1\n\n" + deleting,
        ldif(forged, attribute="certificateRevocationList"),
    )
    return draft(forger).signed(signer, trusted=trusted_state(authority, serial), poison=poison)


@KINDS.kind("trust.link-by-another-state", "a CSCA of a State, by another State's link", _CHAIN)
def _link_by_another_state(forger: Forger) -> Forged:
    accomplice = own_authority(forger)
    posing = Authority.of(forger, forger.victim.csca_name)
    made = draft(forger, state=forger.victim.mrz.issuing_state)
    return made.signed(
        posing.signer(),
        trusted=trusted_state(accomplice),
        poison=(accomplice.link(posing).der,),
    )


@KINDS.kind("trust.link-by-a-signer", "a new CSCA, by a stolen Document Signer", _CHAIN)
def _link_by_a_signer(forger: Forger) -> Forged:
    authority = own_authority(forger)
    key = forger.key()
    stolen = authority.signer(key=key)
    posing = Authority.of(forger, authority.name)
    by_stolen = Authority.of(forger, stolen.certificate.subject.encoded, key=key)
    poison = (stolen.certificate.der, by_stolen.link(posing).der)
    return draft(forger).signed(posing.signer(), trusted=trusted_state(authority), poison=poison)


# --- Master Lists --------------------------------------------------------------------------------


def _own_list(forger: Forger, posing: Authority) -> bytes:
    genuine = Certificate.parse(victims_authority(forger).root().der)
    return posing.master_list(posing.root(), genuine)


_posing(
    "trust.own-master-list",
    "a CSCA of one's own, in a Master List that it signs itself",
    lambda forger, posing: (_own_list(forger, posing),),
)
_posing(
    "trust.master-list-in-ldif",
    "such a list among thousands of entries",
    lambda forger, posing: (ldif(_own_list(forger, posing), attribute="CscaMasterListData"),),
)


def _listed(
    kind: str,
    gain: str,
    make_list: Callable[[Authority, Authority], tuple[bytes, tuple[int, ...]]],
) -> None:
    """Add a kind with a Master List of a trusted State that is to vouch for the forger's CSCA.

    `make_list` receives the State and that CSCA; it returns the list, and the serial numbers that
    the State has revoked.
    """

    def make(forger: Forger) -> Forged:
        authority = own_authority(forger)
        posing = Authority.of(forger, forger.victim.csca_name)
        listed, revoked = make_list(authority, posing)
        made = draft(forger, state=forger.victim.mrz.issuing_state)
        trusted = trusted_state(authority, *revoked)
        return made.signed(posing.signer(), trusted=trusted, poison=(listed,))

    KINDS.add(kind, gain, _CHAIN, make)


def _longer_list(authority: Authority, posing: Authority) -> tuple[bytes, tuple[()]]:
    genuine = authority.master_list(authority.root())
    longer = content_of(fields_of(authority.master_list(authority.root(), posing.root())))
    return operated(genuine, lambda fields: with_content(fields, longer)), ()


def _list_by_revoked(authority: Authority, posing: Authority) -> tuple[bytes, tuple[int, ...]]:
    purpose = writer.extended_key_usage(ext.MASTER_LIST_SIGNER)
    stolen = authority.signer("ML", more=[purpose])
    listed = authority.master_list(authority.root(), posing.root(), signer=stolen)
    return listed, (stolen.certificate.serial,)


_listed(
    "trust.master-list-by-a-signer",
    "a CSCA of one's own, in a list by a stolen signer",
    lambda authority, posing: (
        authority.master_list(authority.root(), posing.root(), signer=authority.signer()),
        (),
    ),
)
_listed("trust.longer-master-list", "a CSCA of one's own, added to a genuine list", _longer_list)
_listed(
    "trust.revoked-list-signer",
    "a CSCA of one's own, by a revoked list signer",
    _list_by_revoked,
)


@KINDS.kind(
    "trust.signer-without-certificate",
    "a signer that the reader finds in its store, and not in EF.SOD",
    "sod.signature",
)
def _without_certificate(forger: Forger) -> Forged:
    posing = victims_authority(forger)
    signer = posing.signer()
    made = draft(forger, state=forger.victim.mrz.issuing_state)
    made.lds_version = None
    whole = made.signed(signer, poison=(ldif(signer.certificate.der),))
    sod = operated(without_tag(whole.files[FileID.SOD]), with_certificates)
    return replace(whole, files={**whole.files, FileID.SOD: with_tag(sod)})


# --- Deviation Lists -----------------------------------------------------------------------------


def deviation_list(authority: Authority, signer: Signer) -> bytes:
    """Return a list that excuses every deviation of every document of the State that signs it."""
    described = [
        der.sequence(der.oid(kind.value), der.tagged_primitive(0, bytes((number,))))
        for kind in DeviationKind
        for number in (*range(1, 17), 20, 21)
    ]
    everything = der.sequence(der.sequence(), der.set_of(*described))
    content = der.sequence(der.integer(0), encode_hash(Hash.SHA256), der.set_of(everything))
    return authority.signed_list(ID_DEVIATION_LIST, content, signer)


def _list_signer(authority: Authority) -> Signer:
    purpose = writer.extended_key_usage(ext.DEVIATION_LIST_SIGNER)
    return authority.signer("DL", more=[purpose])


def _excused(
    forger: Forger, authority: Authority, signer: Signer, trusted: tuple[bytes, ...] = ()
) -> Forged:
    """Return the victim's document with the impostor's DG1, and a list that excuses it."""
    return with_files(
        forger,
        {FileID.DG1: impostor(forger)},
        trusted=trusted,
        poison=(deviation_list(authority, signer),),
    )


@KINDS.kind("trust.own-deviation-list", "any change, excused by a list of one's own", "dg.hash.DG1")
def _own_deviation_list(forger: Forger) -> Forged:
    posing = victims_authority(forger)
    return _excused(forger, posing, _list_signer(posing))


@KINDS.kind(
    "trust.deviation-list-of-another-state",
    "any change, excused by the list of another State",
    "dg.hash.DG1",
)
def _deviation_list_of_another_state(forger: Forger) -> Forged:
    authority = own_authority(forger)
    return _excused(forger, authority, _list_signer(authority), trusted_state(authority))


@KINDS.kind(
    "trust.deviation-list-by-a-signer",
    "any change, excused by whoever has a stolen Document Signer",
    "dg.hash.DG1",
)
def _deviation_list_by_a_signer(forger: Forger) -> Forged:
    """The document is of the forger's own State, changed after it was signed."""
    authority = own_authority(forger)
    stolen = authority.signer()
    made = draft(forger)
    whole = made.signed(
        stolen,
        trusted=trusted_state(authority),
        poison=(deviation_list(authority, stolen),),
    )
    return replace(whole, files={**whole.files, FileID.DG1: impostor(forger)})
