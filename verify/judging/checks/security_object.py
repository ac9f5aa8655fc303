"""sod.*, cardsecurity.signature and algorithm.strength: what is signed, by whom, and how strongly.

`emrtd.pki.passive` verifies the CMS signature; this module applies the policy to its results.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from emrtd.crypto.factored_keys import why_factored
from emrtd.crypto.hashes import Hash
from emrtd.crypto.signatures import DsaPublicKey, EcPublicKey, VerifyingKey
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FileID
from emrtd.lds.security.sod import Sod
from emrtd.pki.findings import Check, Outcome, all_tolerated, worst_of
from emrtd.pki.passive import Examination
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.checks.case import Case, Earlier, forged, under_policy, why_absent

SIGNATURE_CLAUSE: Final = "Doc 9303-11, 5.1.1, step 3"
PROFILE_CLAUSE: Final = "Doc 9303-10, 4.6.2.2"
CARD_SECURITY_CLAUSE: Final = "Doc 9303-10, 3.11.4; TR-03110-3, A.1.2.2"
STRENGTH_CLAUSE: Final = "Doc 9303-12, 4.1.6"

_SIGNERS: Final = ("ds.chain", "ds.validity", "ds.profile", "ds.revocation")


def no_signer(case: Case, check_id: str, clause: str) -> Check:
    """Return a check of EF.SOD or its signer for a document without a readable EF.SOD."""
    if isinstance(case.sod, MalformedError):
        reason = "EF.SOD cannot be read, so its signer is not known"
        return Check(check_id, Outcome.UNDETERMINED, reason, clause)
    outcome = Outcome.NOT_PERFORMED if FileID.SOD in case.evidence.unread else Outcome.NOT_PRESENT
    return Check(check_id, outcome, why_absent(case, FileID.SOD), clause)


def check_signature(case: Case, _: Earlier) -> Iterator[Check]:
    """Check the signature of EF.SOD."""
    check_id, examination = "sod.signature", case.sod_examination
    if isinstance(case.sod, MalformedError):
        yield forged(check_id, case.sod.said, SIGNATURE_CLAUSE)
    elif examination is None:
        yield no_signer(case, check_id, SIGNATURE_CLAUSE)
    else:
        yield under_policy(case, examination.check(check_id))


def check_profile(case: Case, _: Earlier) -> Iterator[Check]:
    """Check that the unsigned parts of EF.SOD agree with the signed ones."""
    check_id, examination = "sod.profile", case.sod_examination
    if examination is None:
        yield no_signer(case, check_id, PROFILE_CLAUSE)
    else:
        yield under_policy(case, examination.check(check_id))


def check_card_security(case: Case, _: Earlier) -> Iterator[Check]:
    """Check EF.CardSecurity: its signature, its signer, and the path from the signer to a CSCA."""
    yield _card_security(case)


def _card_security(case: Case) -> Check:
    check_id, examination = "cardsecurity.signature", case.card_security_examination
    if isinstance(case.card_security, MalformedError):
        return forged(check_id, case.card_security.said, CARD_SECURITY_CLAUSE)
    if examination is None:
        outcome = Outcome.NOT_PRESENT
        if FileID.CARD_SECURITY in case.evidence.unread:
            outcome = Outcome.UNDETERMINED
        reason = why_absent(case, FileID.CARD_SECURITY)
        return Check(check_id, outcome, reason, CARD_SECURITY_CLAUSE)
    objection = _objection_to_signer(case, examination)
    if objection is not None:
        return forged(check_id, objection, CARD_SECURITY_CLAUSE)
    checks = [
        under_policy(case, examination.check(each))
        for each in (check_id, "cardsecurity.profile", *_SIGNERS)
    ]
    checks = [
        check
        for check in checks
        if check.id != "ds.profile" or check.outcome is not Outcome.WARNING
    ]
    worst, tolerated = worst_of(checks), all_tolerated(checks)
    if worst.outcome is Outcome.PASSED:
        reason = checks[0].reason
    else:
        reason = Reason(
            "{id}: {reason}", id=worst.id.removeprefix("cardsecurity."), reason=worst.reason
        )
    return Check(check_id, worst.outcome, reason, CARD_SECURITY_CLAUSE, worst.shows, tolerated)


def _objection_to_signer(case: Case, examination: Examination) -> str | None:
    """Return why EF.CardSecurity is not of this document; None if its State is that of EF.SOD."""
    of_document = None if case.sod_examination is None else case.sod_examination.signer
    if of_document is None or examination.signer is None:
        return None
    states = examination.signer.issuer.country, of_document.issuer.country
    if states[0] == states[1]:
        return None
    return Reason(
        "EF.CardSecurity is signed by {state}, but EF.SOD by {other}",
        state=states[0],
        other=states[1],
    )


# --- strength ------------------------------------------------------------------------------------


def check_algorithms(case: Case, _: Earlier) -> Iterator[Check]:
    """Check every hash function and key on which the document's authenticity depends."""
    yield _strength(case)


def _strength(case: Case) -> Check:
    check_id = "algorithm.strength"
    if not isinstance(case.sod, Sod) or case.sod_examination is None:
        return no_signer(case, check_id, STRENGTH_CLAUSE)
    hashes = dict.fromkeys(_hashes(case.sod, case.sod_examination))
    keys = dict.fromkeys(_keys(case.sod_examination))
    limits = case.policy.algorithms
    refused = [
        *(
            Reason("{holder} uses {hash}", holder=said, hash=each)
            for said, each in hashes
            if each in limits.refused_hashes
        ),
        *(
            Reason("{holder} has {key}", holder=said, key=key.description)
            for said, key in keys
            if _below(key, limits.refused_rsa_below, limits.refused_ec_below)
        ),
        *(
            Reason("{holder} has a key that can be computed: {why}", holder=said, why=why)
            for said, key in (*keys, *_active_key(case))
            if (why := why_factored(key)) is not None
        ),
    ]
    if refused:
        reason = Reason("too weak for the policy: {refused}", refused=joined("; ", refused))
        return Check(check_id, Outcome.FAILED, reason, STRENGTH_CLAUSE)
    weak = [
        *(
            Reason("{holder} uses {hash}", holder=said, hash=each)
            for said, each in hashes
            if each in limits.weak_hashes
        ),
        *(
            Reason("{holder} has {key}", holder=said, key=key.description)
            for said, key in keys
            if _below(key, limits.weak_rsa_below, limits.weak_ec_below)
        ),
    ]
    if weak:
        return Check(
            check_id,
            Outcome.WARNING,
            Reason("weak: {weak}", weak=joined("; ", weak)),
            STRENGTH_CLAUSE,
        )
    used = [*(each for _, each in hashes), *(key.description for _, key in keys)]
    reason = Reason("strong enough: {used}", used=joined(", ", dict.fromkeys(used)))
    return Check(check_id, Outcome.PASSED, reason, STRENGTH_CLAUSE)


def _hashes(sod: Sod, examination: Examination) -> Iterable[tuple[str, Hash]]:
    yield "EF.SOD (hashes of data groups)", sod.security_object.hash_algorithm
    for signer in sod.signed_data.signers:
        yield "EF.SOD (digest of the signed content)", signer.digest
        yield "the signature of EF.SOD", signer.scheme.hash
    for path in examination.paths:
        if path.certificate.scheme is not None:
            hashed = path.certificate.scheme.hash
            yield "the signature of the Document Signer's certificate", hashed


def _keys(examination: Examination) -> Iterable[tuple[str, VerifyingKey]]:
    for path in examination.paths:
        anchor = path.anchor
        for said, certificate in (
            ("the Document Signer", path.certificate),
            ("the CSCA", None if anchor is None else anchor.certificate),
        ):
            if certificate is not None and certificate.public_key is not None:
                yield said, certificate.public_key


def _active_key(case: Case) -> Iterable[tuple[str, VerifyingKey]]:
    """Yield the chip's key for Active Authentication; the policy has no limits for its size."""
    if isinstance(case.dg15, DataGroup15):
        with suppress(MalformedError):  # `active.authentication` says that it cannot be read
            yield "DG15", case.dg15.public_key


def _below(key: VerifyingKey, rsa_bits: int, ec_bits: int) -> bool:
    """Whether a key is too small; a DSA key is measured by its p, as an RSA key by its n."""
    if isinstance(key, EcPublicKey):
        return key.curve.p.bit_length() < ec_bits
    return (key.p if isinstance(key, DsaPublicKey) else key.n).bit_length() < rsa_bits
