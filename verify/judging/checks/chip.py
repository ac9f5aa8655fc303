"""chip.authentication, active.authentication, pace.cam: whether the chip is a copy.

Each check verifies the transcript of its protocol, and only with a public key that a State has
signed: a proof by any other key is undetermined (Doc 9303-11, 5.1, 6.2.2 and 4.4.3.5.2).

A proof that an unauthenticated answer disturbed was tried twice, in two openings of the chip; the
second decides.  If it was disturbed too, the chip counts as a copy unless another proof passed.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import UNSET

from emrtd.crypto.protocols import Mapping
from emrtd.errors import ProtocolError
from emrtd.lds.data_groups.dg14 import DataGroup14
from emrtd.lds.data_groups.dg15 import DataGroup15
from emrtd.lds.files import FILES, FileID
from emrtd.lds.security.card_security import CardSecurity
from emrtd.lds.security.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PaceInfo,
    SecurityInfos,
)
from emrtd.pki.findings import Check, Outcome
from support.errors import MalformedError
from support.reasons import Reason, joined
from verify.judging.check_ids import CLONE_PROOFS
from verify.judging.checks.case import (
    Case,
    Earlier,
    cloned,
    objection_to_checks,
    objection_to_data_group,
    passed,
    why_absent,
)
from verify.judging.evidence import (
    ActiveAuthenticationTranscript,
    ChipAuthenticationTranscript,
    PaceTranscript,
)
from verify.judging.faults import describe
from verify.judging.quirks import quirks_of_file

MAPPING_CLAUSE: Final = "Doc 9303-11, 4.4.3.5.2"

_NO_CHIP: Final = "an image of files was judged; no chip was asked"


class _Protocol(msgspec.Struct, frozen=True):
    """A check of a protocol, and the signed file that contains its public key."""

    id: str
    file_id: FileID
    clause: str

    def outcome(self, outcome: Outcome, reason: str) -> Check:
        return Check(self.id, outcome, reason, self.clause)

    def objection_to_key(self, earlier: Earlier) -> str | None:
        """Return why the key is not known to be signed by a State; None if it is."""
        number = FILES[self.file_id].number
        if number is None:
            return objection_to_checks(earlier, "cardsecurity.signature")
        return objection_to_data_group(earlier, number)


_CHIP: Final = _Protocol("chip.authentication", FileID.DG14, "Doc 9303-11, 6.2")
_CHIP_VERSION_2: Final = _Protocol("chip.authentication", FileID.CARD_SECURITY, "TR-03110-2, 3.4")
_ACTIVE: Final = _Protocol("active.authentication", FileID.DG15, "Doc 9303-11, 6.1")

_Transcript = ChipAuthenticationTranscript | ActiveAuthenticationTranscript


def _objection_to_proof(
    case: Case, earlier: Earlier, check: _Protocol, transcript: _Transcript | None
) -> Check | None:
    """Return the check if the transcript has no proof to verify; None if it has one."""
    if case.session is None:
        return check.outcome(Outcome.NOT_PERFORMED, _NO_CHIP)
    if transcript is None:
        return check.outcome(Outcome.NOT_PERFORMED, "the chip was not asked for this proof")
    objection = check.objection_to_key(earlier)
    if objection is not None:
        reason = Reason(
            "the key in {file} is not known to be signed: {objection}",
            file=check.file_id,
            objection=objection,
        )
        return check.outcome(Outcome.UNDETERMINED, reason)
    return _objection_to_answers(check, transcript)


def _objection_to_answers(check: _Protocol, transcript: _Transcript) -> Check | None:
    """Return the check if the chip's answers contain no proof to verify; None if they do."""
    if transcript.refusal is not None:
        return cloned(check.id, describe(transcript.refusal), check.clause)
    faults = [
        fault for each in _tries(transcript) if (fault := each.disturbed or each.undetermined)
    ]
    if not faults:
        return None
    reason = joined("; in the second opening: ", map(describe, faults))
    if _is_disturbed(transcript):
        return cloned(check.id, reason, check.clause)
    return check.outcome(Outcome.UNDETERMINED, reason)


def _tries(transcript: _Transcript) -> tuple[_Transcript, ...]:
    """Return the tries of a proof that did not succeed, in order."""
    before = () if transcript.before is UNSET else (transcript.before,)
    succeeded = transcript.disturbed is UNSET and transcript.undetermined is None
    return () if succeeded else (*before, transcript)


def _is_disturbed(transcript: _Transcript) -> bool:
    """Whether unauthenticated answers leave the chip without a proof that it should have given.

    They do so in two openings, or in one if they came in place of the first exchange under the new
    keys: the chip had accepted the key agreement.  A second try that did not take place, since the
    chip did not open again, does not improve on the first.
    """
    tries = [each for each in _tries(transcript) if each.disturbed is not UNSET]
    return len(tries) > 1 or any(
        isinstance(each, ChipAuthenticationTranscript) and each.proof is not None for each in tries
    )


def _after(reason: str, transcript: _Transcript | None) -> str:
    """Return the reason of a proof that succeeded, with why that took a second try, if it did."""
    before = UNSET if transcript is None else transcript.before
    if not before or not before.disturbed:
        return reason
    return Reason(
        "{reason}; this is the second try, since the first was disturbed: {disturbed}",
        reason=reason,
        disturbed=describe(before.disturbed),
    )


def without_contradicting(case: Case, made: Earlier) -> dict[str, Check]:
    """Return the checks that change since another proof against cloning passed.

    A proof that was disturbed shows a copy only if no other proof passed.  It has failed either
    way, so that the document is not accepted.
    """
    if case.session is None:
        return {}
    transcripts: dict[str, _Transcript | None] = {
        _CHIP.id: case.session.chip_authentication,
        _ACTIVE.id: case.session.active_authentication,
    }
    passed_ids = [each for each in CLONE_PROOFS if made[each].outcome is Outcome.PASSED]
    changed = {}
    for check_id, transcript in transcripts.items():
        check = made[check_id]
        if passed_ids and transcript and check.shows and _is_disturbed(transcript):
            reason = Reason(
                "{reason}; {passed_ids} passed",
                reason=check.reason,
                passed_ids=joined(" and ", passed_ids),
            )
            changed[check_id] = Check(check_id, Outcome.FAILED, reason, check.clause)
    return changed


def _without_key(case: Case, check: _Protocol) -> Check:
    """Return the check if the file that contains the key is absent or was not read."""
    file_id = check.file_id
    if FILES[file_id].number in case.signed_numbers or file_id in case.evidence.unread:
        return check.outcome(Outcome.NOT_PERFORMED, why_absent(case, file_id))
    if FileID.SOD not in case.evidence.files:
        return check.outcome(Outcome.NOT_PRESENT, why_absent(case, file_id))
    return check.outcome(Outcome.NOT_PRESENT, Reason("the document has no {file}", file=file_id))


# --- Chip Authentication -------------------------------------------------------------------------


def check_chip_authentication(case: Case, earlier: Earlier) -> Iterator[Check]:
    """Verify Chip Authentication by its first exchange under the new session keys."""
    transcript = None if case.session is None else case.session.chip_authentication
    if transcript is not None and transcript.version == 2:
        yield _chip_authentication(case, earlier, _CHIP_VERSION_2, case.card_security, transcript)
    else:
        yield _chip_authentication(case, earlier, _CHIP, case.dg14, transcript)


def _chip_authentication(
    case: Case,
    earlier: Earlier,
    check: _Protocol,
    file: DataGroup14 | CardSecurity | MalformedError | None,
    transcript: ChipAuthenticationTranscript | None,
) -> Check:
    if file is None:
        return _without_key(case, check)
    if isinstance(file, MalformedError):
        return check.outcome(Outcome.UNDETERMINED, file.said)
    if not file.security_infos.of(ChipAuthenticationPublicKeyInfo):
        reason = "the document does not offer Chip Authentication"
        return check.outcome(Outcome.NOT_PRESENT, reason)
    objection = _objection_to_proof(case, earlier, check, transcript)
    return objection or _verify_agreement(check, file.security_infos, transcript)


def _verify_agreement(
    check: _Protocol, infos: SecurityInfos, transcript: ChipAuthenticationTranscript | None
) -> Check:
    from verify.judging.checks.chip_authentication import verify_transcript

    try:
        described = verify_transcript(infos, transcript or ChipAuthenticationTranscript())
    except (MalformedError, ProtocolError) as error:
        return cloned(check.id, error.said, check.clause)
    reason = Reason(
        "the chip has the private key of the signed {file} ({described})",
        file=check.file_id,
        described=described,
    )
    return check.outcome(Outcome.PASSED, _after(reason, transcript))


# --- Active Authentication -----------------------------------------------------------------------


def check_active_authentication(case: Case, earlier: Earlier) -> Iterator[Check]:
    """Verify Active Authentication by the chip's signature over the challenge."""
    if case.dg15 is None:
        yield _without_key(case, _ACTIVE)
    elif isinstance(case.dg15, MalformedError):
        yield _ACTIVE.outcome(Outcome.UNDETERMINED, case.dg15.said)
    else:
        transcript = None if case.session is None else case.session.active_authentication
        objection = _objection_to_proof(case, earlier, _ACTIVE, transcript)
        yield objection or _verify_signature(case, case.dg15, transcript)


def _verify_signature(
    case: Case, dg15: DataGroup15, transcript: ActiveAuthenticationTranscript | None
) -> Check:
    from emrtd.access import active_authentication

    transcript = transcript or ActiveAuthenticationTranscript()
    signed = active_authentication.SignedChallenge(transcript.challenge, transcript.signature)
    infos: tuple[ActiveAuthenticationInfo, ...] = ()
    if isinstance(case.dg14, DataGroup14):
        infos = case.dg14.security_infos.of(ActiveAuthenticationInfo)
    try:
        key = dg15.public_key
    except MalformedError as error:
        return _ACTIVE.outcome(Outcome.UNDETERMINED, error.said)
    try:
        verified = active_authentication.verify(key, infos[0] if infos else None, signed)
    except (MalformedError, ProtocolError) as error:
        return cloned(_ACTIVE.id, error.said, _ACTIVE.clause)
    quirks = quirks_of_file(FileID.DG15, verified.quirks)
    reason: str = Reason(
        "the chip has the private key of the signed DG15 ({algorithm})",
        algorithm=verified.algorithm,
    )
    reason = _after(reason, transcript)
    return passed(case, _ACTIVE.id, reason, _ACTIVE.clause, quirks)


# --- PACE with Chip Authentication Mapping -------------------------------------------------------


def check_pace_mapping(case: Case, earlier: Earlier) -> Iterator[Check]:
    """Verify Chip Authentication Mapping with the public key in EF.CardSecurity."""
    yield _pace_mapping(case, earlier)


def _pace_mapping(case: Case, earlier: Earlier) -> Check:
    check_id, clause = "pace.cam", MAPPING_CLAUSE
    if not _offers_mapping(case):
        reason = "the chip does not offer Chip Authentication Mapping"
        return Check(check_id, Outcome.NOT_PRESENT, reason, clause)
    if case.session is None:
        return Check(check_id, Outcome.NOT_PERFORMED, _NO_CHIP, clause)
    transcripts = [case.session.pace, *case.session.reopened]
    if case.session.pace is None or case.session.pace.chip_authentication_data is None:
        reason = "the chip was not opened by PACE with Chip Authentication Mapping"
        return Check(check_id, Outcome.NOT_PERFORMED, reason, clause)
    objection = objection_to_checks(earlier, "cardsecurity.signature")
    if objection is not None or not isinstance(case.card_security, CardSecurity):
        reason = Reason(
            "the key in EF.CardSecurity is not known to be signed: {objection}", objection=objection
        )
        return Check(check_id, Outcome.UNDETERMINED, reason, clause)
    infos = case.card_security.security_infos
    objection = _objection_to_binding(case, earlier, infos, case.session.pace.parameter_id)
    checks = [_verify_mapping(check_id, each, infos) for each in transcripts if each is not None]
    # No data group is read with this key: each session needs its own proof.
    found = next((each for each in checks if each.outcome is not Outcome.PASSED), checks[0])
    if found.outcome is not Outcome.PASSED or objection is None:
        return found
    return Check(check_id, Outcome.UNDETERMINED, objection, clause)


def _objection_to_binding(
    case: Case, earlier: Earlier, infos: SecurityInfos, parameter_id: int | None
) -> str | None:
    """Return why the key in EF.CardSecurity is not known to be that of this document, or None.

    EF.SOD does not cover EF.CardSecurity, so the file of any chip of the State is signed as well.
    DG14 contains every SecurityInfo of it (Doc 9303-11, 9.2.11), also that with the key.
    """
    from emrtd.access.chip_authentication_keys import mapping_key, static_keys

    objection = objection_to_data_group(earlier, 14)
    if objection is None and isinstance(case.dg14, DataGroup14):
        keys, _ = static_keys(case.dg14.security_infos)
        with suppress(ProtocolError):  # a key that cannot be used is reported by itself
            public = mapping_key(infos, parameter_id).public
            if any(each.public == public for each in keys):
                return None
    return Reason(
        "the chip has the private key of the signed EF.CardSecurity, but DG14 does not contain this"
        " key, so it may be that of another document{why}",
        why=Reason(" ({refusal})", refusal=objection) if objection else "",
    )


def _offers_mapping(case: Case) -> bool:
    access = case.card_access
    if access is None or isinstance(access, MalformedError):
        return False
    offered = access.security_infos.of(PaceInfo)
    return any(info.mapping is Mapping.CHIP_AUTHENTICATION for info in offered)


def _verify_mapping(check_id: str, transcript: PaceTranscript, infos: SecurityInfos) -> Check:
    from emrtd.access.chip_authentication_keys import mapping_key
    from emrtd.access.pace import chip_authentication_mapping

    try:
        key = mapping_key(infos, transcript.parameter_id)
    except ProtocolError as error:
        # A signed key that cannot be used is no evidence against the chip; a missing one is.
        has_key = infos.of(ChipAuthenticationPublicKeyInfo)
        outcome = Outcome.UNDETERMINED if has_key else Outcome.FAILED
        return Check(check_id, outcome, error.said, MAPPING_CLAUSE)
    data, mapping_public = transcript.chip_authentication_data, transcript.mapping_key
    try:
        chip_authentication_mapping.verify(
            key.group, data or b"", key.public, mapping_public or b""
        )
    except (MalformedError, ProtocolError) as error:
        return cloned(check_id, error.said, MAPPING_CLAUSE)
    reason = "the chip has the private key of the signed EF.CardSecurity"
    return Check(check_id, Outcome.PASSED, reason, MAPPING_CLAUSE)
