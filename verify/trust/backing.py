"""Which CSCA and link certificates something still vouches for: the operator, a list, or a link.

A CSCA is trusted because the operator named its file, because a Master List contains it, or because
a trusted key has signed a link to it.  A list counts as long as its signer chains to a trusted CSCA
and neither of them is revoked.  So what a list alone brought is withdrawn when its signer is
revoked later, and with it what rests on that: other lists, links, and certificates of signers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from emrtd.pki.findings import Outcome
from emrtd.pki.path import CHAIN, validate
from emrtd.pki.revocation import REVOCATION
from emrtd.pki.signer_profile import Purpose
from emrtd.pki.trust import TrustSet
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from verify.trust.csca_links import reached_by_links

CrlsOf = Callable[[str], Sequence[Crl]]
"""A function that returns the trusted CRLs of a country."""


class ListSource(msgspec.Struct, frozen=True):
    """A Master List that was imported: who signed it, and what it may rest on.

    `id` is its number.  `signers` are its signers' certificates, each with that of the CSCA which
    issued it; there is none if it is trusted on the operator's word alone (`--unverified`).
    `brings_csca`: the operator chose it, so that it may bring the CSCA of its own signer;
    `encloses_csca`: that is beside the list, and not an entry of the store.  `fallen`: it is no
    longer trusted, and nothing but that CSCA of it is.
    """

    id: int
    signers: tuple[tuple[Certificate, Certificate], ...]
    brings_csca: bool = False
    encloses_csca: bool = False
    fallen: bool = False


class AnchorSource(msgspec.Struct, frozen=True):
    """A trusted CSCA or link certificate, and what vouches for it.

    `chosen`: it is a root in a file that the operator named.  `unproven`: the operator accepted it
    unverified.  `lists` are the numbers of the lists that contain it.
    """

    certificate: Certificate
    chosen: bool
    unproven: bool
    lists: frozenset[int]


class Backing(msgspec.Struct, frozen=True):
    """The certificates that something vouches for, and why some lists are no longer trusted."""

    certificates: frozenset[Certificate]
    objections: dict[int, str]


def find_backing(
    anchors: Sequence[AnchorSource],
    lists: Sequence[ListSource],
    crls_of: CrlsOf,
    at: datetime,
    *,
    unproven: bool,
) -> Backing:
    """Return what something vouches for; with `unproven`, also on the operator's word alone.

    The result is as if a list that is no longer trusted had never been imported, except for the
    CSCA that a list brought for its own signer: the operator decided to trust that, and the CRL
    that revokes the signer rests on it.
    """
    backed = {each.certificate: None for each in anchors if each.chosen}
    if unproven:
        backed |= {each.certificate: None for each in anchors if each.unproven}
    members: dict[int, list[Certificate]] = {each.id: [] for each in lists}
    for each in anchors:
        for number in each.lists:
            members.setdefault(number, []).append(each.certificate)
    waiting = {each.id: each for each in lists if each.signers or unproven}
    objections: dict[int, str] = {}
    known = {each.certificate for each in anchors}
    while True:
        others = [each.certificate for each in anchors if each.certificate not in backed]
        backed |= dict.fromkeys(reached_by_links(backed, others))
        objections = {
            each.id: objection
            for each in waiting.values()
            if not each.fallen
            and (objection := objection_to_source(each, backed, crls_of, at)) is not None
        }
        accepted = [
            each.id for each in waiting.values() if not each.fallen and each.id not in objections
        ]
        for number in accepted:
            backed |= dict.fromkeys(members[number])
            del waiting[number]
        if not accepted:
            own = next(_own_cscas(waiting.values(), backed, known), None)
            if own is None:
                return Backing(frozenset(backed), objections)
            backed[own] = None


def _own_cscas(
    lists: Iterable[ListSource], backed: Iterable[Certificate], known: set[Certificate]
) -> Iterator[Certificate]:
    """Yield the CSCAs that lists bring for their own signers, of States of which there is none."""
    countries = {each.country for each in backed}
    for each in lists:
        for _, issuer in each.signers if each.brings_csca else ():
            is_there = issuer in known or each.encloses_csca
            if is_there and issuer.country not in countries:
                yield issuer


def objection_to_source(
    source: ListSource, anchors: Iterable[Certificate], crls_of: CrlsOf, at: datetime
) -> str | None:
    """Return why a list that was verified is no longer trusted; None if it is.

    That its signer's certificate has expired since is no reason.
    """
    for signer, issuer in source.signers:
        country = signer.issuer.country or ""
        own = [each for each in anchors if each.country == country]
        if issuer not in own:  # enclosed in the list, and tied to the store by a link
            own += reached_by_links(own, [issuer])
        path = validate(
            signer, TrustSet(own, crls_of(country)), at=at, purpose=Purpose.MASTER_LIST_SIGNER
        )
        found = {check.id: check for check in path.checks}
        if found[CHAIN].outcome is not Outcome.PASSED:
            return found[CHAIN].reason
        if found[REVOCATION].outcome is Outcome.FAILED:
            return f"its signer is revoked: {found[REVOCATION].reason}"
    return None
