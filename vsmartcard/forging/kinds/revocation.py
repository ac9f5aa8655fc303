"""Documents of a stolen Document Signer, and CRLs that are to hide that it is revoked.

The signer is of a State of the forger's own, whose CSCA the inspector trusts.  The State has
revoked the signer; what the inspector has of that varies.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emrtd import tlv
from emrtd.asn1 import der
from emrtd.pki.x509 import extension_writer as writer
from emrtd.pki.x509 import extensions as ext
from emrtd.pki.x509.certificate_writer import key_identifier
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.free_writer import crl_entry, extension, write_crl
from vsmartcard.forging.authority import DAY, Authority, Signer, name
from vsmartcard.forging.forger import Forger
from vsmartcard.forging.forgery import Family, Forged, Kinds
from vsmartcard.forging.kinds.access import mapped
from vsmartcard.forging.making import (
    OWN_STATE,
    draft,
    own_authority,
    trusted_state,
)
from vsmartcard.forging.surgery import changed, parts_of

KINDS: Final = Kinds(Family.REVOCATION)

_REVOCATION: Final = "ds.revocation"
_CHAIN: Final = "ds.chain"
_DELTA: Final = "2.5.29.27"
_ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
_REASON_CODE: Final = "2.5.29.21"
_REMOVED: Final = b"\x0a\x01\x08"
_CERTIFICATE_ISSUER: Final = "2.5.29.29"
_STOLEN: Final = 0x57013


def _stolen(forger: Forger) -> tuple[Authority, Signer]:
    authority = own_authority(forger)
    return authority, authority.signer(serial=_STOLEN)


Poison = Callable[[Forger, Authority, Signer, bytes], tuple[bytes, ...]]
"""Makes the forger's CRLs, from the State, its stolen signer, and the CRL that revokes it."""


def _poisoned(forger: Forger, make_poison: Poison) -> Forged:
    """Return a document of a revoked signer, with a CRL of the forger's."""
    authority, signer = _stolen(forger)
    trusted = trusted_state(authority, _STOLEN)
    poison = make_poison(forger, authority, signer, trusted[1])
    return draft(forger).signed(signer, trusted=trusted, poison=poison)


def _poison(kind: str, gain: str, make_poison: Poison) -> None:
    KINDS.add(kind, gain, _REVOCATION, lambda forger: _poisoned(forger, make_poison))


# --- the inspector has the State's CRL -----------------------------------------------------------

_poison("crl.revoked-signer", "a stolen signer, in a reader without CRLs", lambda *_: ())
_poison(
    "crl.forged-newer",
    "a newer, empty CRL by a key of one's own",
    lambda forger, authority, _signer, _crl: (
        authority.crl(issued=forger.at - DAY / 2, number=99, key=forger.key()),
    ),
)
_poison(
    "crl.by-the-signer",
    "a newer, empty CRL by the stolen key itself",
    lambda forger, authority, signer, _crl: (
        Authority.of(forger, authority.name, key=signer.key).crl(  # type: ignore[arg-type]
            issued=forger.at - DAY / 2, number=99
        ),
    ),
)
_poison(
    "crl.older",
    "the State's CRL of before the theft, brought in again",
    lambda forger, authority, *_: (authority.crl(issued=forger.at - 20 * DAY, number=0),),
)
_poison(
    "crl.without-the-entry",
    "the State's CRL with the entry cut out",
    lambda _forger, _authority, _signer, crl: (changed(crl, 0, _without_entries),),
)
_poison(
    "crl.later-date",
    "an older CRL of the State with a later date",
    lambda forger, authority, *_: (
        _redated(authority.crl(issued=forger.at - 20 * DAY, number=0), forger),
    ),
)


def _without_entries(body: bytes) -> bytes:
    """Return a TBSCertList without revokedCertificates."""
    fields = parts_of(body)
    return der.sequence(*fields[:5], *fields[6:])


def _redated(crl: bytes, forger: Forger) -> bytes:
    return changed(crl, 0, lambda body: changed(body, 3, lambda _: der.time(forger.at - DAY / 2)))


@KINDS.kind("crl.of-another-state", "an empty CRL by another trusted State", _REVOCATION)
def _of_another_state(forger: Forger) -> Forged:
    authority, signer = _stolen(forger)
    accomplice = Authority.of(forger, name("BV", "CSCA Bouvet Island"))
    posing = Authority.of(forger, authority.name, key=accomplice.key)
    trusted = (*trusted_state(authority, _STOLEN), *trusted_state(accomplice))
    poison = (posing.crl(issued=forger.at - DAY / 2, number=99),)
    return draft(forger).signed(signer, trusted=trusted, poison=poison)


@KINDS.kind("crl.other-serial", "a stolen signer's certificate with another number", _CHAIN)
def _other_serial(forger: Forger) -> Forged:
    authority, signer = _stolen(forger)
    body = changed(signer.certificate.der, 0, _with_serial(der.integer(_STOLEN + 1)))
    renumbered = Signer(signer.key, Certificate.parse(body))
    return draft(forger).signed(renumbered, trusted=trusted_state(authority, _STOLEN))


@KINDS.kind("crl.padded-serial", "a number that is the same and looks different", _CHAIN)
def _padded_serial(forger: Forger) -> Forged:
    authority, signer = _stolen(forger)
    padded = tlv.encode(der.INTEGER, b"\0\0" + _STOLEN.to_bytes(3, "big"))
    body = changed(signer.certificate.der, 0, _with_serial(padded))
    renumbered = Signer(signer.key, Certificate.parse(body))
    return draft(forger).signed(renumbered, trusted=trusted_state(authority, _STOLEN))


def _with_serial(serial: bytes) -> Callable[[bytes], bytes]:
    return lambda body: changed(body, 1, lambda _: serial)


# --- the inspector has an unsuitable CRL of the State --------------------------------------------


def _with_crl(kind: str, gain: str, make_crl: Callable[[Forger, Authority], bytes | None]) -> None:
    """Add a kind with a document of a stolen signer, and another CRL in the trust store."""

    def make(forger: Forger) -> Forged:
        authority, signer = _stolen(forger)
        crl = make_crl(forger, authority)
        trusted = (authority.root().der,) if crl is None else (authority.root().der, crl)
        return draft(forger).signed(signer, trusted=trusted)

    KINDS.add(kind, gain, _REVOCATION, make)


_with_crl(
    "crl.withheld",
    "a stolen signer, where the CRL does not reach the reader",
    lambda *_: None,
)
_with_crl(
    "crl.outdated",
    "a stolen signer, where only an old CRL reaches the reader",
    lambda forger, authority: authority.crl(
        issued=forger.at - 60 * DAY, next_update=forger.at - 30 * DAY
    ),
)
_with_crl(
    "crl.of-the-future",
    "a CRL that was made in advance, brought in before its time",
    lambda forger, authority: authority.crl(
        issued=forger.at + 30 * DAY, next_update=forger.at + 60 * DAY
    ),
)
_with_crl(
    "crl.delta",
    "the changes of a day, in a reader that takes them for the whole",
    lambda _, authority: authority.crl(more=[extension(_DELTA, der.integer(1), critical=True)]),
)
_with_crl(
    "crl.for-authorities",
    "a CRL of CAs only, in a reader that takes it for one of everybody",
    lambda _, authority: authority.crl(
        more=[
            extension(
                _ISSUING_DISTRIBUTION_POINT,
                der.sequence(der.tagged_primitive(2, b"\xff")),
                critical=True,
            )
        ]
    ),
)


_with_crl(
    "crl.for-some-reasons",
    "a CRL of stolen CAs alone, which its CSCA forgot to mark as a part",
    lambda _, authority: authority.crl(
        more=[
            extension(
                _ISSUING_DISTRIBUTION_POINT, der.sequence(der.tagged_primitive(3, b"\x05\x20"))
            )
        ]
    ),
)


def _with_entry(kind: str, gain: str, make_extension: Callable[[], bytes]) -> None:
    """Add a kind whose CRL names the stolen signer in an entry with an extension."""

    def make_crl(forger: Forger, authority: Authority) -> bytes:
        return write_crl(
            authority.name,
            authority.key,
            [crl_entry(_STOLEN, forger.at - 2 * DAY, make_extension())],
            [writer.authority_key_identifier(authority.key_identifier), writer.crl_number(1)],
            issued=forger.at - DAY,
            next_update=forger.at + 30 * DAY,
        )

    _with_crl(kind, gain, make_crl)


_with_entry(
    "crl.taken-back",
    "a revocation that a reader takes back, by a reason of delta CRLs in a whole one",
    lambda: extension(_REASON_CODE, _REMOVED),
)
_with_entry(
    "crl.of-another-issuer",
    "a revocation that a reader takes for that of another authority's certificate",
    lambda: extension(
        _CERTIFICATE_ISSUER, der.sequence(der.tagged(4, name("BV", "CSCA"))), critical=True
    ),
)


@KINDS.kind("crl.of-another-csca", "the CRL of another CSCA of the State", _REVOCATION)
def _of_another_csca(forger: Forger) -> Forged:
    authority, signer = _stolen(forger)
    other = Authority.of(forger, name(OWN_STATE[1], "CSCA of the consulates"))
    trusted = (authority.root().der, *trusted_state(other))
    return draft(forger).signed(signer, trusted=trusted)


@KINDS.kind("crl.without-the-right", "a CRL by a CSCA that must not sign one", _REVOCATION)
def _without_the_right(forger: Forger) -> Forged:
    authority, signer = _stolen(forger)
    usage = (ext.KeyUsage.KEY_CERT_SIGN,)
    root = authority.root(authority.ca_extensions(usage=usage))
    return draft(forger).signed(signer, trusted=(root.der, authority.crl()))


@KINDS.kind("crl.dropped", "a stolen signer that the newest CRL no longer names", _REVOCATION)
def _dropped(forger: Forger) -> Forged:
    authority, signer = _stolen(forger)
    older = authority.crl(_STOLEN, issued=forger.at - 5 * DAY)
    newer = authority.crl(number=2)
    return draft(forger).signed(signer, trusted=(authority.root().der, older, newer))


# --- a revoked CSCA ------------------------------------------------------------------------------


@KINDS.kind("crl.revoked-csca", "every document of a CSCA whose key was stolen", _REVOCATION)
def _revoked_csca(forger: Forger) -> Forged:
    stolen = own_authority(forger)
    root = stolen.root()
    renewed = Authority.of(forger, stolen.name)
    crl = renewed.crl(root.serial)
    trusted = (root.der, stolen.link(renewed).der, crl)
    return draft(forger).signed(stolen.signer(), trusted=trusted)


@KINDS.kind("crl.linked-by-revoked", "a CSCA that a stolen one has linked to itself", _REVOCATION)
def _linked_by_revoked(forger: Forger) -> Forged:
    stolen = own_authority(forger)
    forged = Authority.of(forger, stolen.name)
    root = stolen.root()
    link = stolen.link(forged)
    crl = stolen.crl(root.serial)
    return draft(forger).signed(forged.signer(), trusted=(root.der, link.der, crl))


@KINDS.kind("crl.renamed-csca", "a signer under the name that its CSCA had before", _REVOCATION)
def _renamed_csca(forger: Forger) -> Forged:
    """The CSCA has a new name and key; its CRL names the signers of the old one too."""
    former, signer = _stolen(forger)
    renewed = Authority.of(forger, name(OWN_STATE[1], "CSCA of the new age"))
    link = former.link(
        renewed,
        [
            writer.subject_key_identifier(key_identifier(renewed.key.public_key)),
            writer.authority_key_identifier(former.key_identifier),
            writer.key_usage((ext.KeyUsage.KEY_CERT_SIGN, ext.KeyUsage.CRL_SIGN)),
            writer.basic_constraints(),
            writer.name_change(),
        ],
    )
    crl = renewed.crl(_STOLEN, more=[writer.former_issuer_names([former.name])])
    return draft(forger).signed(signer, trusted=(former.root().der, link.der, crl))


@KINDS.kind(
    "crl.card-security-signer",
    "a chip's key by a stolen signer, beside an EF.SOD by another",
    "cardsecurity.signature",
)
def _card_security_signer(forger: Forger) -> Forged:
    authority, stolen = _stolen(forger)
    signer = authority.signer("DS 2", serial=_STOLEN + 1)
    made, _ = mapped(forger, authority, signer, stolen)
    return replace(made, trusted=trusted_state(authority, _STOLEN))
