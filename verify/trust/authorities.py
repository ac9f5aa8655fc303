"""Verifies CSCA and link certificates among one another: by their own key, or by a link."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from emrtd.pki.path import objection_to_issuer
from emrtd.pki.x509.certificates import Certificate

_MOST_ISSUERS: Final = 32
"""How many certificates of a name or key are tried on one that names it; the most known are 21.

A file of a few thousand that name one another would keep an import busy for days.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a CSCA's or link certificate's signature comes to.

    `verified`: it is good.  `wrong`: the key that it names is known, and did not make it.  Neither:
    that key is not known.  `issuer` is who made it, None for itself or nobody.
    """

    verified: bool
    explanation: str
    wrong: bool = False
    is_link: bool = False
    issuer: Certificate | None = None


class Authorities:
    """The CSCA and link certificates that are known; those added first are tried first."""

    def __init__(self, certificates: Iterable[Certificate] = ()) -> None:
        self._by_key: defaultdict[bytes | None, dict[Certificate, None]] = defaultdict(dict)
        self._by_name: defaultdict[str, dict[Certificate, None]] = defaultdict(dict)
        for each in certificates:
            self.add(each)

    def add(self, certificate: Certificate) -> None:
        """Make a certificate known."""
        self._by_key[certificate.extensions.subject_key_identifier][certificate] = None
        self._by_name[certificate.subject.key][certificate] = None

    def prove(self, certificate: Certificate) -> Proof:
        """Verify a certificate by its own key, else by that of an issuer it names."""
        named = certificate.extensions.authority_key_identifier
        own = certificate.extensions.subject_key_identifier
        names_another = named is not None and own is not None and named != own
        if certificate.scheme is None:
            unknown = "its signature's algorithm is not known"
            return Proof(False, unknown, is_link=names_another or not certificate.is_self_issued)
        if is_signed_by_itself(certificate):
            return Proof(True, "signed by its own key")
        issuers = list(islice(self._candidates(certificate), _MOST_ISSUERS))
        for issuer in issuers:
            if certificate.is_signed_by(issuer):
                reason = f"signed by {issuer.subject}"
                return Proof(True, reason, is_link=True, issuer=issuer)
        return _unproven(certificate, issuers, names_another=names_another)

    def _candidates(self, certificate: Certificate) -> Iterator[Certificate]:
        """Those with the key that is named, under any name of the State; those of the name.

        ES and HU have link certificates that name their issuer otherwise than it names itself.
        """
        named = certificate.extensions.authority_key_identifier
        by_key = self._by_key.get(named, {}) if named is not None else {}
        by_name = self._by_name.get(certificate.issuer.key, {})
        country = certificate.issuer.country
        for each in (*(each for each in by_key if each.country == country), *by_name):
            if each != certificate:
                yield each


class Candidate(msgspec.Struct, frozen=True):
    """A CSCA or link certificate in the store or on its way there, and how it stands.

    `arrives`: a file of this import has it, and it is proven anew.  `chosen`: the operator named
    the file it is alone in.  `vouched`: a Master List holds it, or the operator takes everything.
    `place` puts the certificates of a kind in the order in which they are tried.  `proof` is that
    of this import; None where the one that the store knows still counts.
    """

    certificate: Certificate
    place: tuple[str, str, str, int]
    arrives: bool = False
    chosen: bool = False
    vouched: bool = False
    is_link: bool = False
    verified: bool = False
    trusted: bool = False
    proof: Proof | None = None

    @property
    def is_stray(self) -> bool:
        """Whether nobody has chosen it, or vouched for it: then it proves no other.

        A collection may hold any number of those, and each is proven once.
        """
        return self.arrives and not (self.vouched or self.chosen or self.trusted)


def settle_candidates(candidates: Mapping[Certificate, Candidate]) -> dict[Certificate, Candidate]:
    """The same certificates, proven by one another; those of the store whose issuer only came now.

    Trusted is what was trusted before, what arrives vouched for or as a root that the operator
    chose, and what links tie to those (Doc 9303-12, 6.1.1); never one whose signature is wrong.
    """
    ordered = sorted(candidates.values(), key=lambda each: (each.is_link, each.place))
    trusted = {each.certificate: None for each in ordered if each.trusted}
    others = [each.certificate for each in ordered if not each.trusted and not each.is_stray]
    authorities = Authorities((*trusted, *others))
    proofs = {
        each.certificate: (each.proof if each.is_stray else None)
        or authorities.prove(each.certificate)
        for each in ordered
        if each.arrives or not each.verified
    }
    for each in ordered:
        proof = proofs.get(each.certificate)
        if each.arrives and proof is not None and not proof.wrong:
            is_root = proof.verified and proof.issuer is None
            if each.vouched or (each.chosen and is_root):
                trusted[each.certificate] = None
    waiting = [certificate for certificate in proofs if certificate not in trusted]
    for certificate in reached_by_links(trusted, waiting):
        trusted[certificate] = None
        authorities.add(certificate)
    for each in ordered:
        if each.is_stray and each.certificate in trusted:
            proofs[each.certificate] = authorities.prove(each.certificate)
    return {
        certificate: _settled(each, proofs.get(certificate), trusted=certificate in trusted)
        for certificate, each in candidates.items()
    }


def _settled(candidate: Candidate, proof: Proof | None, *, trusted: bool) -> Candidate:
    if proof is None:
        return candidate
    return msgspec.structs.replace(
        candidate,
        is_link=proof.is_link if candidate.arrives else candidate.is_link,
        verified=proof.verified,
        trusted=trusted,
        proof=proof,
    )


def reached_by_links(
    trusted: Iterable[Certificate], others: Iterable[Certificate]
) -> list[Certificate]:
    """Those of the others that links tie to trusted ones, each vouched for by one before it."""
    naming: defaultdict[bytes | str | None, list[Certificate]] = defaultdict(list)
    for each in others:
        naming[each.issuer.key].append(each)
        if each.extensions.authority_key_identifier is not None:
            naming[each.extensions.authority_key_identifier].append(each)
    reached: dict[Certificate, None] = {}
    tried: Counter[Certificate] = Counter()
    fresh = deque(trusted)
    while fresh:
        issuer = fresh.popleft()
        names = issuer.extensions.subject_key_identifier, issuer.subject.key
        for each in [each for name in names for each in naming.get(name, ())]:
            if each in reached or tried[each] == _MOST_ISSUERS:
                continue
            tried[each] += 1
            if _vouches(issuer, each):
                reached[each] = None
                fresh.append(each)
    return list(reached)


def _vouches(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether one signed a CA's certificate, and may: a CA of the same State.

    No State's CSCA makes another State's (Doc 9303-12, 7.1), and no Document Signer any.
    """
    return (
        certificate.is_ca
        and issuer.country == certificate.country
        and objection_to_issuer(issuer, certificate) is None
        and certificate.is_signed_by(issuer)
    )


def is_signed_by_itself(certificate: Certificate) -> bool:
    """Whether a certificate is a root: of one name, and signed by its own key."""
    return certificate.is_self_issued and certificate.is_signed_by(certificate)


def _unproven(
    certificate: Certificate, issuers: list[Certificate], *, names_another: bool
) -> Proof:
    """Say why nothing proves a certificate: a wrong signature, or a key that is not known."""
    if not names_another and certificate.is_self_issued:
        if certificate.public_key is None:
            return Proof(False, f"its key is {certificate.key}, which is not used")
        return Proof(False, "its own signature is wrong", wrong=True)
    named = certificate.extensions.authority_key_identifier
    if any(named == each.extensions.subject_key_identifier for each in issuers):
        reason = f"its signature is wrong: {certificate.issuer} did not make it"
        return Proof(False, reason, wrong=True, is_link=True)
    return Proof(False, "the key that signed it is not in the store", is_link=True)
