"""The pure step of an import, and its cost."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from emrtd.crypto.signatures import PublicKey
from emrtd.pki.x509.certificates import Certificate
from support.errors import MisuseError
from tests.certificates import (
    NOW,
    Authority,
    ec_key,
    make_certificate,
)
from tests.verify.trust.stores import CSCA, add, by_kind, ldif
from verify.trust import gathering
from verify.trust.csca_links import Candidate, settle_candidates
from verify.trust.files import read_trust_file
from verify.trust.kinds import TrustEntryKind
from verify.trust.settlement import Known
from verify.trust.settling import settle
from verify.trust.store import TrustStore


def test_an_import_is_settled_without_a_store(tmp_path: Path) -> None:
    paths = {"csca.cer": CSCA.certificate().der, "ds.cer": CSCA.issue().der}
    for name, octets in paths.items():
        (tmp_path / name).write_bytes(octets)
    files = [read_trust_file(tmp_path / name) for name in paths]
    settlement = settle(Known(), files, at=NOW)
    assert [row.standing.kind for row in settlement.entries] == [
        TrustEntryKind.CSCA,
        TrustEntryKind.DOCUMENT_SIGNER,
    ]
    assert all(row.standing.verified and row.standing.trusted for row in settlement.entries)
    assert [row.files for row in settlement.entries] == [(0,), (1,)]
    assert [summary.added for summary in settlement.summaries] == [1, 1]
    assert settle(Known(), files, at=NOW) == settlement
    with pytest.raises(MisuseError, match="no CSCA of UT"):
        settle(Known(), files[1:], at=NOW)


def test_cscas_are_not_verified_again_for_every_signer(
    store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of 30,000 Document Signers has one file for each."""
    rounds: list[int] = []

    def counted(candidates: Mapping[Certificate, Candidate]) -> dict[Certificate, Candidate]:
        rounds.append(len(candidates))
        return settle_candidates(candidates)

    monkeypatch.setattr(gathering, "settle_candidates", counted)
    signers = [CSCA.issue(serial=number + 1).der for number in range(20)]
    add(store, CSCA.certificate().der, *signers)
    assert by_kind(store) == {"csca": 1, "ds": 20}
    assert len(rounds) <= 2


def test_certificates_that_name_each_other_are_tried_a_bounded_number_of_times(
    store: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is tried with a bounded number of issuers, whatever names and keys they contain."""
    tried: list[Certificate] = []
    signed_by = Certificate.verify_signed_by

    def counted(certificate: Certificate, key: PublicKey) -> None:
        tried.append(certificate)
        signed_by(certificate, key)

    monkeypatch.setattr(Certificate, "verify_signed_by", counted)
    one = Authority("XX", "one", common_name="one")
    crowd = [
        make_certificate(
            one.name, one.name, ec_key(f"{number:03}", one.kind).public_key, one.key,
            one.extensions(), serial=number + 1,
        )
        for number in range(100)
    ]  # fmt: skip
    root = Authority("XX", "root", common_name="root").certificate()
    add(store, root.der)
    tried.clear()
    (summary,) = add(store, ldif(*[each.der for each in crowd]))
    assert len(summary.left_out) == len(crowd)
    assert len(tried) <= 2 * len(crowd)
    listed = Authority("XX", "root", common_name="root").master_list(*crowd)
    tried.clear()
    add(store, listed)
    assert len(tried) < 40 * len(crowd)
