"""Compute the result of an import from the contents of the store and of the files.

*Verified* and *trusted* are different properties.  Verified: the signature is correct, by the key
that it names.  Trusted: the operator chose a file with this CSCA alone, or a verified Master List
contains it, or a trusted entry has signed it.  An entry with a wrong signature is never trusted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

import msgspec

from emrtd.pki.findings import Outcome
from emrtd.pki.lists.defect_list import DefectList
from emrtd.pki.lists.deviation_list import DeviationList
from emrtd.pki.path import find_anchor
from emrtd.pki.revocation import find_crl_issuer
from emrtd.pki.trust import TrustView
from emrtd.pki.x509.certificates import Certificate
from emrtd.pki.x509.crl import Crl
from support.cores import on_all_cores
from support.errors import MisuseError
from verify.trust.columns import fingerprint_of
from verify.trust.csca_links import Candidate
from verify.trust.doubts import (
    doubts_of_crl,
    doubts_of_csca,
    doubts_of_signer,
    is_of_the_future,
)
from verify.trust.files import TrustFile
from verify.trust.gathering import TAKE_ANYWAY, Claim, Gathering, LeftOut, gather
from verify.trust.kinds import TrustEntryKind
from verify.trust.settlement import (
    EntryRow,
    Known,
    KnownEntry,
    LeftOutRow,
    Settlement,
    SourceRow,
    Standing,
    Summary,
)

_PART: Final = 64
"""How many claims a thread verifies before it takes others."""

_ADD_CSCA: Final = "add the certificate of the CSCA whose key signed it (root or link) as well,"


def settle(
    known: Known, files: Sequence[TrustFile], *, at: datetime, unverified: bool = False
) -> Settlement:
    """Return the result of importing files at an instant (aware); it changes nothing.

    Raises `MisuseError` if a file or the signer of a list does not verify, unless `unverified`.
    An entry of a collection (LDIF) that does not verify is left out.
    """
    gathering = gather(known, files, at, unverified=unverified)
    verdicts = _verdicts(gathering, at, unverified=unverified)
    dropped, superseded = _superseded(known, gathering.claims, verdicts, at)
    left_out = [*gathering.left_out, *superseded.values()]
    rows = []
    refused: dict[bytes, tuple[Claim, _Verdict, LeftOut]] = {}
    for claim, verdict in zip(gathering.claims, verdicts, strict=True):
        if claim.fingerprint in superseded:
            continue
        if _is_accepted(claim, verdict, unverified=unverified):
            rows.append(_row(claim, verdict, files, unverified=unverified))
        else:
            left_out.append(_left_out(claim, verdict, files))
            refused[claim.fingerprint] = claim, verdict, left_out.pop()
    rows += [
        EntryRow(
            each.content,
            known.entries.get(fingerprint_of(each.content)),
            Standing(
                _kind_of_list(each.content),
                each.verified,
                trusted=True,
                unproven=each.unproven,
                explanation=each.note,
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
        gathering.master_lists,
        tuple(_restated(known, gathering.candidates)),
        dropped,
        tuple(_left_out_rows(left_out, refused.values())),
        _summaries(files, rows, notes, [*left_out, *(each for *_, each in refused.values())], at),
    )


class _Verdict(msgspec.Struct, frozen=True):
    """The status of a claim; `objection` says why it would not be imported.

    `doubts` say why a certificate cannot be used that is imported all the same.
    """

    standing: Standing
    objection: str
    doubts: tuple[str, ...] = ()


def _verdicts(gathering: Gathering, at: datetime, *, unverified: bool) -> list[_Verdict]:
    """Return the verdict on each claim.

    Those of one issuer are verified one after another: its key is then at hand in the processor's
    caches, which saves a tenth.
    """
    claims = gathering.claims

    def judge(numbers: Sequence[int]) -> list[tuple[int, _Verdict]]:
        return [
            (number, _verdict(claims[number], gathering, at, unverified=unverified))
            for number in numbers
        ]

    ordered = sorted(range(len(claims)), key=lambda number: _issuer_of(claims[number]))
    parts = [ordered[each : each + _PART] for each in range(0, len(ordered), _PART)]
    verdicts = dict(chain.from_iterable(on_all_cores(judge, parts)))
    return [verdicts[number] for number in range(len(claims))]


def _issuer_of(claim: Claim) -> tuple[bytes, bytes]:
    content = claim.content
    identifier = (
        content.authority_key_identifier
        if isinstance(content, Crl)
        else content.extensions.authority_key_identifier
    )
    return content.issuer.encoded, identifier or b""


def _verdict(claim: Claim, gathering: Gathering, at: datetime, *, unverified: bool) -> _Verdict:
    """Verify a certificate or CRL that a CSCA signed; CSCAs themselves are verified already."""
    content, known, doubts = claim.content, claim.known, tuple[str, ...]()
    if isinstance(content, Certificate) and claim.is_anchor:
        standing = _standing_of(gathering.candidates[content])
        untrusted = "no Master List contains it, and no trusted CSCA has signed it"
        objection = untrusted if standing.verified else standing.explanation
        return _Verdict(standing, objection, tuple(doubts_of_csca(content)))
    if isinstance(content, Crl):
        verified, reason = _verify_crl(content, gathering.trust)
    else:
        anchor, check = find_anchor(content, gathering.trust, at)
        verified, reason = check.outcome is Outcome.PASSED, check.reason
        if verified:
            doubts = tuple(doubts_of_signer(content, anchor, claim.kind))
            reason = "; ".join((reason, *doubts))
    trusted = verified or unverified or (known is not None and known.trusted)
    unproven = trusted and not verified
    return _Verdict(Standing(claim.kind, verified, trusted, unproven, reason), reason, doubts)


def _standing_of(candidate: Candidate) -> Standing:
    kind = TrustEntryKind.LINK if candidate.is_link else TrustEntryKind.CSCA
    proven = () if candidate.proof is None else (candidate.proof.explanation,)
    explanation = "; ".join((*proven, *doubts_of_csca(candidate.certificate)))
    return Standing(kind, candidate.verified, candidate.trusted, candidate.unproven, explanation)


def _verify_crl(crl: Crl, trust: TrustView) -> tuple[bool, str]:
    anchor = find_crl_issuer(crl, trust)
    if anchor is None:
        return False, f"no trusted key of {crl.issuer} signed it"
    reason = f"signed by {anchor.certificate.subject}"
    if crl.objection is not None:
        reason = f"{reason}; cannot be used whole: {crl.objection}"
    return True, reason


def _is_accepted(claim: Claim, verdict: _Verdict, *, unverified: bool) -> bool:
    proven = verdict.standing.verified and verdict.standing.trusted
    return proven or claim.is_listed or unverified or claim.known is not None


def _row(
    claim: Claim, verdict: _Verdict, files: Sequence[TrustFile], *, unverified: bool
) -> EntryRow:
    return EntryRow(
        claim.content,
        claim.known,
        verdict.standing,
        claim.files,
        claim.listed,
        chosen=frozenset(each for each in claim.alone if not files[each].collection),
        unverified=claim.alone if unverified else frozenset(),
        doubts=verdict.doubts,
    )


def _left_out(claim: Claim, verdict: _Verdict, files: Sequence[TrustFile]) -> LeftOut:
    """Return why an entry of a collection is left out; refuse the import if it is chosen."""
    content, file = claim.content, claim.files[0]
    name = content.subject if isinstance(content, Certificate) else f"the CRL of {content.issuer}"
    if claim.chosen:
        reason = f"{files[file].name}: {name}: {verdict.objection}"
        is_crl = isinstance(content, Crl)
        raise MisuseError(reason, advice=f"{_ADD_CSCA} or {TAKE_ANYWAY}" if is_crl else TAKE_ANYWAY)
    return LeftOut(file, f"{name}: {verdict.objection}")


def _left_out_rows(
    others: Iterable[LeftOut], refused: Iterable[tuple[Claim, _Verdict, LeftOut]]
) -> Iterator[LeftOutRow]:
    """Yield what is not imported, in each file that contains it."""
    for out in others:
        yield LeftOutRow(out.file, out.reason)
    for claim, verdict, out in refused:
        country = claim.content.country or ""
        for file in claim.files:
            yield LeftOutRow(
                file, out.reason, verdict.objection, claim.fingerprint, claim.kind, country
            )


# --- revocation lists ----------------------------------------------------------------------------


class _Revocations(msgspec.Struct, frozen=True):
    """A verified CRL: in the store (`claim` is None), or arriving."""

    crl: Crl
    known: KnownEntry | None
    claim: Claim | None


def _superseded(
    known: Known, claims: Sequence[Claim], verdicts: Sequence[_Verdict], at: datetime
) -> tuple[tuple[KnownEntry, ...], dict[bytes, LeftOut]]:
    """Return the CRLs that are not kept: those in the store, and those arriving, by fingerprint.

    The newest CRL of a key usually repeats the revocations of older ones.  An older CRL that
    revokes a certificate which the newest does not is kept: a revocation is permanent.  A CRL that
    cannot be used whole, or that is not in force yet at this instant, replaces none.
    """
    newest: dict[tuple[str, bytes | None], Crl] = {}
    dropped: list[KnownEntry] = []
    superseded: dict[bytes, LeftOut] = {}
    found = list(_verified_lists(known, claims, verdicts))
    for each in sorted(found, key=lambda each: _seniority(each.crl), reverse=True):
        crl = each.crl
        key = crl.issuer.key, crl.authority_key_identifier
        kept = newest.get(key)
        if kept is None:
            if crl.objection is None and not is_of_the_future(crl, at):
                newest[key] = crl
            continue
        is_as_new = crl.age == kept.age and crl.tbs != kept.tbs
        if not crl.revoked.keys() <= kept.revoked.keys() or (crl.objection and is_as_new):
            continue
        if each.known is not None:
            dropped.append(each.known)
        if each.claim is not None:
            reason = f"a newer one is in the store, of {kept.this_update.date()}"
            out = LeftOut(each.claim.files[0], f"the CRL of {crl.issuer}: {reason}")
            superseded[each.claim.fingerprint] = out
    return tuple(dropped), superseded


def _seniority(crl: Crl) -> tuple[tuple[datetime, int], bool]:
    """Return a sort key: of two lists of one age, one that can be used whole is the greater."""
    return crl.age, crl.objection is None


def _verified_lists(
    known: Known, claims: Sequence[Claim], verdicts: Sequence[_Verdict]
) -> Iterator[_Revocations]:
    """Yield the verified CRLs of every State of which a CRL arrives."""
    arriving = {claim.known.id for claim in claims if claim.known is not None}
    countries = {claim.content.country for claim in claims if isinstance(claim.content, Crl)}
    for each in known.crls:
        is_of_interest = each.crl.country in countries and each.entry.id not in arriving
        if each.entry.verified and is_of_interest:
            yield _Revocations(each.crl, each.entry, None)
    for claim, verdict in zip(claims, verdicts, strict=True):
        if isinstance(claim.content, Crl) and verdict.standing.verified:
            yield _Revocations(claim.content, claim.known, claim)


# --- summaries of files, and entries that no file contains ----------------------------------------


def _kind_of_list(content: DeviationList | DefectList) -> TrustEntryKind:
    return (
        TrustEntryKind.DEVIATION_LIST
        if isinstance(content, DeviationList)
        else TrustEntryKind.DEFECT_LIST
    )


def _restated(
    known: Known, candidates: Mapping[Certificate, Candidate]
) -> Iterator[tuple[KnownEntry, Standing]]:
    """Yield the CSCA and link certificates in the store that were verified again."""
    for anchor in known.anchors:
        candidate = candidates[anchor.certificate]
        if candidate.proof is not None and not candidate.arrives:
            yield anchor.entry, _standing_of(candidate)


def _summaries(
    files: Sequence[TrustFile],
    rows: Iterable[EntryRow],
    notes: Mapping[int, tuple[str, ...]],
    left_out: Iterable[LeftOut],
    at: datetime,
) -> tuple[Summary, ...]:
    """Return a summary of each file; an entry is new in the first file that contains it."""
    held: defaultdict[int, list[tuple[bool, bool]]] = defaultdict(list)
    warnings: defaultdict[int, list[str]] = defaultdict(list)
    doubts: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row.doubts and isinstance(row.content, Certificate):
            for number in row.files:
                doubts[number].append(f"{row.content.subject}: {'; '.join(row.doubts)}")
        if isinstance(row.content, Crl):
            for number in row.files:
                warnings[number] += doubts_of_crl(row.content, at)
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
            warnings=(*file.warnings, *warnings[number]),
            doubts=tuple(doubts[number]),
            left_out=tuple(reasons[number]),
        )
        for number, file in enumerate(files)
    )
