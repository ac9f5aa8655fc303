"""Settles what an import comes to, from what the store knows and what the files hold.

Verified and trusted are two things.  Verified: the signature is good, by what it claims to be
signed by.  Trusted: the operator chose the file of one CSCA, or a Master List that verifies vouches
for it, or something trusted has signed it.  Nothing whose own signature is wrong is ever trusted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.trust import TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.errors import MisuseError
from verify.trust.authorities import Candidate
from verify.trust.columns import fingerprint_of
from verify.trust.entries import TrustEntryKind
from verify.trust.files import TrustFile
from verify.trust.gathering import TAKE_ANYWAY, Claim, Gathering, LeftOut, gather
from verify.trust.settlement import (
    EntryRow,
    Known,
    KnownEntry,
    Settlement,
    SourceRow,
    Standing,
    Summary,
)


def settle(
    known: Known, files: Sequence[TrustFile], *, at: datetime, unverified: bool = False
) -> Settlement:
    """Say what files come to, at an instant (aware); nothing is changed by it.

    Raises `MisuseError` where a file or the signer of a list does not verify, unless `unverified`.
    What does not verify in a collection (LDIF) is left out.
    """
    gathering = gather(known, files, at, unverified=unverified)
    verdicts = [_verdict(claim, gathering, at, unverified=unverified) for claim in gathering.claims]
    dropped, superseded = _superseded(known, gathering.claims, verdicts)
    left_out = [*gathering.left_out, *superseded.values()]
    rows = []
    for claim, verdict in zip(gathering.claims, verdicts, strict=True):
        if claim.fingerprint in superseded:
            continue
        if _is_accepted(claim, verdict, unverified=unverified):
            rows.append(_row(claim, verdict))
        else:
            left_out.append(_left_out(claim, verdict, files))
    rows += [
        EntryRow(
            each.content,
            known.entries.get(fingerprint_of(each.content)),
            Standing(
                _kind_of_list(each.content), each.verified, trusted=True, explanation=each.note
            ),
            each.files,
        )
        for each in gathering.lists
    ]
    notes = gathering.notes
    return Settlement(
        tuple(
            SourceRow(file.name, file.digest, notes[number][0] if number in notes else "")
            for number, file in enumerate(files)
        ),
        gathering.order,
        tuple(rows),
        tuple(_restated(known, gathering.candidates)),
        dropped,
        _summaries(files, rows, notes, left_out),
    )


class _Verdict(msgspec.Struct, frozen=True):
    """What a claim comes to; `objection` says why it is not taken, if it is not."""

    standing: Standing
    objection: str


def _verdict(claim: Claim, gathering: Gathering, at: datetime, *, unverified: bool) -> _Verdict:
    """Verify what CSCAs have signed (signers, CRLs); CSCAs themselves are verified already."""
    content, known = claim.content, claim.known
    if isinstance(content, Certificate) and claim.is_authority:
        standing = _standing_of(gathering.candidates[content])
        objection = "nobody vouches for it" if standing.verified else standing.explanation
        return _Verdict(standing, objection)
    if isinstance(content, Crl):
        verified, reason = _verify_crl(content, gathering.trust)
    else:
        check = find_anchor(content, gathering.trust, at)[1]
        verified, reason = check.outcome is Outcome.PASSED, check.reason
    trusted = verified or unverified or (known is not None and known.trusted)
    return _Verdict(Standing(claim.kind, verified, trusted, reason), reason)


def _standing_of(candidate: Candidate) -> Standing:
    kind = TrustEntryKind.LINK if candidate.is_link else TrustEntryKind.CSCA
    explanation = "" if candidate.proof is None else candidate.proof.explanation
    return Standing(kind, candidate.verified, candidate.trusted, explanation)


def _verify_crl(crl: Crl, trust: TrustView) -> tuple[bool, str]:
    anchor = find_crl_issuer(crl, trust)
    if anchor is None:
        return False, f"no trusted key of {crl.issuer} signed it"
    return True, f"signed by {anchor.certificate.subject}"


def _is_accepted(claim: Claim, verdict: _Verdict, *, unverified: bool) -> bool:
    proven = verdict.standing.verified and verdict.standing.trusted
    return proven or claim.is_vouched_for or unverified or claim.known is not None


def _row(claim: Claim, verdict: _Verdict) -> EntryRow:
    return EntryRow(claim.content, claim.known, verdict.standing, claim.files, claim.listed)


def _left_out(claim: Claim, verdict: _Verdict, files: Sequence[TrustFile]) -> LeftOut:
    """Leave out what is of a collection, or refuse the whole import."""
    content, file = claim.content, claim.files[0]
    name = content.subject if isinstance(content, Certificate) else f"the CRL of {content.issuer}"
    if claim.chosen:
        reason = f"{files[file].name}: {name}: {verdict.objection}"
        raise MisuseError(reason, advice=TAKE_ANYWAY)
    return LeftOut(file, f"{name}: {verdict.objection}")


# --- revocation lists ----------------------------------------------------------------------------


class _Revocations(msgspec.Struct, frozen=True):
    """A list that verifies, of the store (`claim` is None) or arriving."""

    crl: Crl
    known: KnownEntry | None
    claim: Claim | None


def _superseded(
    known: Known, claims: Sequence[Claim], verdicts: Sequence[_Verdict]
) -> tuple[tuple[KnownEntry, ...], dict[bytes, LeftOut]]:
    """The lists that are not kept: of the store, and of those that arrive, by fingerprint.

    The newest list of a key repeats what the ones before it revoke.  One that revokes something
    the newest does not is kept too: a revocation is for ever.
    """
    newest: dict[tuple[str, bytes | None], Crl] = {}
    dropped: list[KnownEntry] = []
    superseded: dict[bytes, LeftOut] = {}
    found = list(_verified_lists(known, claims, verdicts))
    for each in sorted(found, key=lambda each: each.crl.this_update, reverse=True):
        crl = each.crl
        kept = newest.setdefault((crl.issuer.key, crl.authority_key_identifier), crl)
        if kept is crl or not crl.revoked.keys() <= kept.revoked.keys():
            continue
        if each.known is not None:
            dropped.append(each.known)
        if each.claim is not None:
            reason = f"a newer one is in the store, of {kept.this_update.date()}"
            out = LeftOut(each.claim.files[0], f"the CRL of {crl.issuer}: {reason}")
            superseded[each.claim.fingerprint] = out
    return tuple(dropped), superseded


def _verified_lists(
    known: Known, claims: Sequence[Claim], verdicts: Sequence[_Verdict]
) -> Iterator[_Revocations]:
    """Those of the States of which a list arrives."""
    arriving = {claim.known.id for claim in claims if claim.known is not None}
    countries = {claim.content.country for claim in claims if isinstance(claim.content, Crl)}
    for each in known.crls:
        is_of_interest = each.crl.country in countries and each.entry.id not in arriving
        if each.entry.verified and is_of_interest:
            yield _Revocations(each.crl, each.entry, None)
    for claim, verdict in zip(claims, verdicts, strict=True):
        if isinstance(claim.content, Crl) and verdict.standing.verified:
            yield _Revocations(claim.content, claim.known, claim)


# --- what is said of files, and of entries that no file brought -----------------------------------


def _kind_of_list(content: DeviationList | DefectList) -> TrustEntryKind:
    return (
        TrustEntryKind.DEVIATION_LIST
        if isinstance(content, DeviationList)
        else TrustEntryKind.DEFECT_LIST
    )


def _restated(
    known: Known, candidates: Mapping[Certificate, Candidate]
) -> Iterator[tuple[KnownEntry, Standing]]:
    """The CSCA and link certificates of the store that were proven anew."""
    for anchor in known.anchors:
        candidate = candidates[anchor.certificate]
        if candidate.proof is not None and not candidate.arrives:
            yield anchor.entry, _standing_of(candidate)


def _summaries(
    files: Sequence[TrustFile],
    rows: Iterable[EntryRow],
    notes: Mapping[int, tuple[str, ...]],
    left_out: Iterable[LeftOut],
) -> tuple[Summary, ...]:
    """An entry is new in the first file that holds it, and known in the others."""
    held: defaultdict[int, list[tuple[bool, bool]]] = defaultdict(list)
    for row in rows:
        for position, number in enumerate(row.files):
            held[number].append((row.known is None and position == 0, row.standing.verified))
    reasons: defaultdict[int, list[str]] = defaultdict(list)
    for out in left_out:
        reasons[out.file].append(out.reason)
    return tuple(
        Summary(
            file.name,
            added=sum(is_new for is_new, _ in held[number]),
            known=sum(not is_new for is_new, _ in held[number]),
            verified=sum(verified for _, verified in held[number]),
            note=notes[number][-1] if number in notes else "",
            left_out=tuple(reasons[number]),
        )
        for number, file in enumerate(files)
    )
