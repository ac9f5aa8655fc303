"""Verify CSCA and link certificates against each other: by their own key, or by a link."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from emrtd.pki.path import objection_to_issuer
from emrtd.pki.x509.certificates import Certificate

_MOST_ISSUERS: Final = 32
"""How many certificates of a name or key are tried as the issuer of one; the most known are 21.

Without a limit, a file of a few thousand that name each other would keep an import busy for days.
"""


class Proof(msgspec.Struct, frozen=True):
    """The result of verifying the signature of a CSCA or link certificate.

    `verified`: the signature is correct.  `wrong`: the key that it names is known, and did not make
    the signature.  If neither is True, that key is not known.  `issuer` is the certificate of the
    key that signed; None if that is the certificate's own key, or if it is not verified.
    """

    verified: bool
    explanation: str
    wrong: bool = False
    is_link: bool = False
    issuer: Certificate | None = None


class KnownCscas:
    """The known CSCA and link certificates; those added first are tried first."""

    def __init__(self, certificates: Iterable[Certificate] = ()) -> None:
        self._by_key: defaultdict[bytes | None, dict[Certificate, None]] = defaultdict(dict)
        self._by_name: defaultdict[str, dict[Certificate, None]] = defaultdict(dict)
        for each in certificates:
            self.add(each)

    def add(self, certificate: Certificate) -> None:
        """Add a certificate."""
        self._by_key[certificate.extensions.subject_key_identifier][certificate] = None
        self._by_name[certificate.subject.key][certificate] = None

    def prove(self, certificate: Certificate) -> Proof:
        """Verify a certificate by its own key, else by the key of a known issuer that it names."""
        named = certificate.extensions.authority_key_identifier
        own = certificate.extensions.subject_key_identifier
        names_another = named is not None and own is not None and named != own
        if certificate.scheme is None:
            unknown = "its signature algorithm is not known"
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
        """Yield those of the State that have the named key, then those that have the named subject.

        ES and HU have link certificates whose issuer name differs from the subject of the issuer.
        """
        named = certificate.extensions.authority_key_identifier
        by_key = self._by_key.get(named, {}) if named is not None else {}
        by_name = self._by_name.get(certificate.issuer.key, {})
        country = certificate.issuer.country
        for each in (*(each for each in by_key if each.country == country), *by_name):
            if each != certificate:
                yield each


class Candidate(msgspec.Struct, frozen=True):
    """A CSCA or link certificate that is in the store or in a file of this import.

    `arrives`: a file of this import contains it, and it is verified again.  `chosen`: the operator
    named a file that contains it alone.  `accepted`: a Master List contains it.  `vouched_for`: the
    operator accepts everything (--unverified), or such a list contains it.  `unproven`: it is
    trusted because of that alone.  `place` is the order in which certificates are tried.
    `proof` is the result of this import; None if the result in the store still applies.
    """

    certificate: Certificate
    place: tuple[str, str, str, int]
    arrives: bool = False
    chosen: bool = False
    accepted: bool = False
    vouched_for: bool = False
    is_link: bool = False
    verified: bool = False
    trusted: bool = False
    unproven: bool = False
    proof: Proof | None = None

    @property
    def is_stray(self) -> bool:
        """Whether it is neither accepted, chosen nor trusted: it then verifies no other.

        A collection may contain any number of these; each is verified once.
        """
        return self.arrives and not (
            self.accepted or self.vouched_for or self.chosen or self.trusted
        )


def settle_candidates(candidates: Mapping[Certificate, Candidate]) -> dict[Certificate, Candidate]:
    """Verify certificates against each other; return them with their proofs and trust.

    Those in the store that were not verified before are tried again, since their issuer may arrive
    now.  Trusted are those that were trusted before, that are accepted, that are roots and chosen,
    and that links connect to any of these (Doc 9303-12, 6.1.1); never one with a wrong signature.
    """
    ordered = sorted(candidates.values(), key=lambda each: (each.is_link, each.place))
    trusted = {each.certificate: None for each in ordered if each.trusted}
    proven = {each.certificate: None for each in ordered if each.trusted and not each.unproven}
    others = [each.certificate for each in ordered if not each.trusted and not each.is_stray]
    known_cscas = KnownCscas((*trusted, *others))
    proofs = {
        each.certificate: (each.proof if each.is_stray else None)
        or known_cscas.prove(each.certificate)
        for each in ordered
        if each.arrives or not each.verified or each.unproven
    }
    for each in ordered:
        proof = proofs.get(each.certificate)
        if each.arrives and proof is not None and not proof.wrong:
            is_root = proof.verified and proof.issuer is None
            if each.accepted or (each.chosen and is_root):
                trusted[each.certificate] = proven[each.certificate] = None
            elif each.vouched_for:
                trusted[each.certificate] = None
    waiting = [certificate for certificate in proofs if certificate not in trusted]
    for certificate in reached_by_links(trusted, waiting):
        trusted[certificate] = None
        known_cscas.add(certificate)
    if len(proven) < len(trusted):
        unsure = [certificate for certificate in trusted if certificate not in proven]
        proven |= dict.fromkeys(reached_by_links(proven, unsure))
    for each in ordered:
        if each.is_stray and each.certificate in trusted:
            proofs[each.certificate] = known_cscas.prove(each.certificate)
    return {
        certificate: _settled(
            each,
            proofs.get(certificate),
            trusted=certificate in trusted,
            unproven=certificate in trusted and certificate not in proven,
        )
        for certificate, each in candidates.items()
    }


def _settled(
    candidate: Candidate, proof: Proof | None, *, trusted: bool, unproven: bool
) -> Candidate:
    if proof is None:
        return candidate
    return msgspec.structs.replace(
        candidate,
        is_link=proof.is_link if candidate.arrives else candidate.is_link,
        verified=proof.verified,
        trusted=trusted,
        unproven=unproven,
        proof=proof,
    )


def reached_by_links(
    trusted: Iterable[Certificate], others: Iterable[Certificate]
) -> list[Certificate]:
    """Return those of the others that a chain of links connects to a trusted certificate."""
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
            if _has_issued(issuer, each):
                reached[each] = None
                fresh.append(each)
    return list(reached)


def _has_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether `issuer` signed a CA certificate, and is a CA of the same State.

    A CSCA may not issue certificates of another State (Doc 9303-12, 7.1), a Document Signer none.
    """
    return (
        certificate.is_ca
        and issuer.country == certificate.country
        and objection_to_issuer(issuer, certificate) is None
        and certificate.is_signed_by(issuer)
    )


def is_signed_by_itself(certificate: Certificate) -> bool:
    """Whether a certificate is a root: issuer and subject are equal, and its own key signed it."""
    return certificate.is_self_issued and certificate.is_signed_by(certificate)


def _unproven(
    certificate: Certificate, issuers: list[Certificate], *, names_another: bool
) -> Proof:
    """Return why a certificate is not verified: its signature is wrong, or its key is not known."""
    if not names_another and certificate.is_self_issued:
        if certificate.public_key is None:
            return Proof(False, f"its key is {certificate.key}, which is not supported")
        return Proof(False, "its own signature is wrong", wrong=True)
    named = certificate.extensions.authority_key_identifier
    if any(named == each.extensions.subject_key_identifier for each in issuers):
        reason = f"its signature is wrong: it is not by the key of {certificate.issuer}"
        return Proof(False, reason, wrong=True, is_link=True)
    return Proof(False, "the key that signed it is not in the store", is_link=True)
