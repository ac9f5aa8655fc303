"""Deviation and Defect Lists: they warn of defects, excuse failures and revoke signers."""

import pytest

from emrtd.lds.files import FileID
from emrtd.lds.security.sod import Sod
from emrtd.pki.findings import Check, Outcome, Shows
from emrtd.pki.lists.defect_list import Defect, DefectKind, DefectList
from emrtd.pki.lists.deviation_list import (
    Deviation,
    DeviationDescription,
    DeviationKind,
    DeviationList,
)
from emrtd.pki.x509.certificate_writer import key_identifier
from tests.helpers import replace
from tests.verify.documents import CSCA, Document, Trust, issue, usual
from verify.judging.report import Report, Verdict

SIGNED_DATA = Sod.parse(usual().files[FileID.SOD]).signed_data
SIGNER = CSCA.issue()


def knowing(
    document: Document, *deviations: Deviation, defects: tuple[Defect, ...] = ()
) -> Document:
    """Return the document with a trust store that has these lists."""
    trust = Trust((CSCA.certificate(),), document.trust.crls_of_country("UT"))
    trust.deviations = (DeviationList(SIGNED_DATA, deviations),)
    trust.defects = (DefectList(SIGNED_DATA, defects),) if defects else ()
    return replace(document, trust=trust)


def deviation(kind: DeviationKind, number: int | None = None, **which: object) -> Deviation:
    described = (DeviationDescription(kind.value, kind, "some words", number),)
    return Deviation(described, **which)  # type: ignore[arg-type]


def defect(kind: DefectKind, status: int | None = None) -> Defect:
    return Defect(
        oid=kind.value,
        kind=kind,
        issuer=SIGNER.issuer,
        serial=SIGNER.serial,
        key_identifier=None,
        certificate_hash=None,
        hash_algorithm=None,
        status=status,
    )


def listed(report: Report) -> Check:
    return report.check("deviation.list")


def test_without_a_list_the_check_is_not_present_and_an_irrelevant_list_passes() -> None:
    assert listed(usual().judged()).outcome is Outcome.NOT_PRESENT
    other = deviation(DeviationKind.DG_MALFORMED, document_type="P")
    report = knowing(usual(), other).judged()
    assert listed(report).outcome is Outcome.PASSED
    assert report.verdict is Verdict.ACCEPT


def test_a_described_document_is_a_warning_with_the_description() -> None:
    report = knowing(usual(), deviation(DeviationKind.DG_MALFORMED, 2)).judged()
    assert listed(report).outcome is Outcome.WARNING
    assert "dg malformed (2), some words" in listed(report).reason
    assert report.verdict is Verdict.ACCEPT
    strict = knowing(usual(), deviation(DeviationKind.DG_MALFORMED, 2)).judged(policy="strict")
    assert strict.verdict is Verdict.REFER


def test_an_announced_wrong_hash_is_referred_and_any_other_rejected() -> None:
    changed = usual().flipped(FileID.DG13, 60)
    assert changed.judged().verdict is Verdict.REJECT
    report = knowing(changed, deviation(DeviationKind.DG_HASH_WRONG, 13)).judged()
    assert report.check("dg.hash.DG13").outcome is Outcome.UNDETERMINED
    assert report.verdict is Verdict.REFER
    other = knowing(changed, deviation(DeviationKind.DG_HASH_WRONG, 2)).judged()
    assert other.check("dg.hash.DG13").outcome is Outcome.FAILED
    assert other.verdict is Verdict.REJECT


def test_an_announced_inconsistent_com_is_referred() -> None:
    changed = usual().flipped(FileID.COM, 9)
    assert changed.judged().verdict is Verdict.REJECT
    report = knowing(changed, deviation(DeviationKind.COM_INCONSISTENT)).judged()
    assert report.verdict is Verdict.REFER


def test_nothing_excuses_a_document_whose_chain_is_forged() -> None:
    impostor = replace(CSCA, label="another key").issue(authority=CSCA.key_identifier)
    forged = issue(signer=impostor).flipped(FileID.DG13, 60)
    report = knowing(
        forged,
        deviation(DeviationKind.DS_SIGNATURE),
        deviation(DeviationKind.DG_HASH_WRONG, 13),
    ).judged()
    assert report.verdict is Verdict.REJECT
    assert report.check("ds.chain").shows is Shows.FORGERY
    assert report.check("dg.hash.DG13").shows is Shows.FORGERY


@pytest.mark.parametrize("status", [0, 2, 3, 4])
def test_a_signer_that_a_defect_list_revokes_is_rejected(status: int) -> None:
    revoked = defect(DefectKind.CERTIFICATE_REVOKED, status)
    report = knowing(usual(), defects=(revoked,)).judged()
    assert listed(report).shows is Shows.REVOCATION
    assert report.verdict is Verdict.REJECT


def test_a_signer_under_investigation_is_a_warning() -> None:
    report = knowing(usual(), defects=(defect(DefectKind.CERTIFICATE_REVOKED, 1),)).judged()
    assert listed(report).outcome is Outcome.WARNING
    other = replace(
        defect(DefectKind.CERTIFICATE_REVOKED, 3),
        issuer=None,
        serial=None,
        key_identifier=key_identifier(CSCA.key.public_key),
    )
    assert listed(knowing(usual(), defects=(other,)).judged()).outcome is Outcome.PASSED
