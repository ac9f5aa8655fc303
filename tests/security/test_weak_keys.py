"""Keys on curves of 160 bits are read, are never enough for *accept*, and are never made."""

from collections.abc import Callable

import pytest

from emrtd.pki.findings import Outcome
from tests.certificates import Authority
from tests.verify.documents import Document, issue
from verify.judging.report import Verdict

CURVE = "brainpoolP160r1"


def signed_by_a_weak_signer() -> Document:
    return issue(signer_kind=CURVE)


def of_a_weak_csca() -> Document:
    return issue(authority=Authority(label="weak CSCA", kind=CURVE))


@pytest.mark.parametrize("policy", ["default", "old_reader", "strict"])
@pytest.mark.parametrize("make", [signed_by_a_weak_signer, of_a_weak_csca])
def test_a_signature_by_a_weak_key_is_verified_and_referred(
    make: Callable[[], Document], policy: str
) -> None:
    report = make().judged(policy=policy)
    assert report.check("sod.signature").outcome is Outcome.PASSED
    strength = report.check("algorithm.strength")
    assert strength.outcome is Outcome.FAILED
    assert CURVE in strength.reason
    assert report.verdict is Verdict.REFER


@pytest.mark.parametrize("make", [signed_by_a_weak_signer, of_a_weak_csca])
def test_a_changed_document_of_a_weak_key_is_rejected(make: Callable[[], Document]) -> None:
    document = make()
    for file_id in sorted(document.files):
        report = document.flipped(file_id, len(document.files[file_id]) - 3).judged()
        assert report.verdict is Verdict.REJECT, file_id
