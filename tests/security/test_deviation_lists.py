"""What a Deviation List can excuse: never so much that a forgery or a copy is accepted.

A list that is forged is not imported (`tests/verify/trust`).  These lists are genuine: an error of
the State that published them, or the work of somebody who has the key of its list signer.
"""

from collections.abc import Callable

import pytest

from emrtd.crypto.hashes import Hash
from emrtd.lds.data_groups.dg1 import DataGroup1
from emrtd.lds.files import DATA_GROUPS, FileID
from emrtd.lds.security.sod import Sod
from emrtd.pki.cms.signed_data import SignedData
from emrtd.pki.cms.signed_data_writer import build_signed_data
from emrtd.pki.findings import Outcome
from emrtd.pki.lists.deviation_list import (
    ID_DEVIATION_LIST,
    Deviation,
    DeviationDescription,
    DeviationKind,
    DeviationList,
)
from emrtd.pki.x509 import extensions as ext
from tests.certificates import NOW, Authority, key
from tests.helpers import replace
from tests.security.surgery import operated
from tests.verify.documents import CSCA, Document, Trust, issue, mrz, usual
from verify.judging.report import Verdict
from vsmartcard.forging.surgery import changed, signer_of, with_signers

SIGNED = Sod.parse(usual().files[FileID.SOD]).signed_data
ELSEWHERE = Authority(label="elsewhere", country="XO", common_name="CSCA Elsewhere")
NUMBERS = (*(each.number for each in DATA_GROUPS), 20, 21, None)

EVERYTHING = Deviation(
    tuple(
        DeviationDescription(kind.value, kind, "known", number)
        for kind in DeviationKind
        for number in NUMBERS
    )
)
"""Every kind of deviation, of every data group, of every document of the State."""


def excused(document: Document, *deviations: Deviation) -> Document:
    trust = Trust(
        [each.certificate for each in document.trust.anchors_of_country("UT")],
        document.trust.crls_of_country("UT"),
    )
    trust.deviations = (DeviationList(SIGNED, deviations or (EVERYTHING,)),)
    return replace(document, trust=trust)


def another_holder() -> bytes:
    return DataGroup1(mrz(surname="Impostor")).encode()


def with_bad_signature(document: Document) -> Document:
    return operated(
        document,
        lambda fields: with_signers(
            fields,
            changed(signer_of(fields), 5, lambda value: value[:-1] + bytes((value[-1] ^ 1,))),
        ),
    )


FORGERIES: dict[str, Callable[[], Document]] = {
    "another holder": lambda: usual().with_file(FileID.DG1, another_holder()),
    "another portrait": lambda: usual().flipped(FileID.DG2, 400),
    "a changed permit": lambda: usual().flipped(FileID.DG13, 60),
    "a changed key of the chip": lambda: usual().flipped(FileID.DG14, 300),
    "a wrong signature": lambda: with_bad_signature(usual()),
    "another holder and a wrong signature": lambda: with_bad_signature(
        issue(mrz=mrz(surname="Impostor"))
    ),
    "a changed EF.COM": lambda: usual().flipped(FileID.COM, 9),
    "a changed EF.CardAccess": lambda: usual().flipped(FileID.CARD_ACCESS, 20),
    "a changed EF.CardSecurity": lambda: usual().flipped(FileID.CARD_SECURITY, 700),
    "another key under the signer's name": lambda: issue(
        signer=replace(CSCA, label="another key").issue(authority=CSCA.key_identifier)
    ),
    "the signer of another State": lambda: issue(signer=ELSEWHERE.issue()),
    "a revoked signer": lambda: issue(crl=CSCA.crl(revoked=[CSCA.issue().serial])),
    "a removed portrait": lambda: usual().with_file(FileID.DG2, None),
}


POLICIES = ("default", "old_reader", "strict")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_list_makes_a_forgery_acceptable(forgery: str, policy: str) -> None:
    document = FORGERIES[forgery]()
    assert document.judged(policy=policy).verdict is not Verdict.ACCEPT
    report = excused(document).judged(policy=policy)
    assert report.verdict is not Verdict.ACCEPT, report.why
    assert "deviation.list" in {each.id for each in report.checks}


NEVER_EXCUSED = (
    "a changed EF.CardAccess",
    "a changed EF.CardSecurity",
    "another key under the signer's name",
    "a revoked signer",
)


@pytest.mark.parametrize("forgery", NEVER_EXCUSED)
def test_a_list_does_not_excuse_chain_revocation_or_the_files_of_access(forgery: str) -> None:
    assert excused(FORGERIES[forgery]()).judged().verdict is Verdict.REJECT


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_list_of_another_state_excuses_nothing(forgery: str) -> None:
    """The lists of a trust store are looked up by the State of the signer."""
    document = FORGERIES[forgery]()
    other = excused(document)
    octets = build_signed_data(
        ID_DEVIATION_LIST,
        b"",
        key("list signer"),
        ELSEWHERE.list_signer(ext.DEVIATION_LIST_SIGNER),
        Hash.SHA256,
        NOW,
    )
    listed = SignedData.parse(octets, "Deviation List")
    other.trust.deviations = (DeviationList(listed, (EVERYTHING,)),)
    assert other.trust.deviations[0].country == "XO"
    assert other.judged().verdict is document.judged().verdict


def test_a_printed_mrz_that_a_list_excuses_is_referred() -> None:
    document = excused(usual())
    printed = "".join(mrz(surname="Impostor").lines)
    report = document.judged(document.evidence(optical_mrz=printed))
    assert report.check("mrz.matches-optical").outcome is Outcome.UNDETERMINED
    assert report.verdict is Verdict.REFER


def test_a_list_never_turns_a_check_into_one_that_passed() -> None:
    for make in FORGERIES.values():
        document = make()
        before = {each.id: each.outcome for each in document.judged().checks}
        for check in excused(document).judged().checks:
            if check.outcome is Outcome.PASSED:
                assert before[check.id] is Outcome.PASSED, check.id
